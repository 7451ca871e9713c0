// Keys and roles as they are shown: never a token, nor its hash.
import * as v from 'valibot'
import { KeyObject, RoleObject, showKey, showRole } from '../src/api/presenters/access.ts'
import { type DeliveredRole, ROLE_PERMISSIONS, ROLES } from '../src/domain/access/permissions.ts'
import { listOf } from '../src/http/answers.ts'
import { notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

const delivered = (name: DeliveredRole): v.InferOutput<typeof RoleObject> => ({
  object: 'role',
  name,
  description: null,
  permissions: [...ROLE_PERMISSIONS[name]].toSorted(),
  is_delivered: true,
  created_at: null,
  updated_at: null,
})

/** All of what there is: there are bounds on how much that can be. */
const listed = (data: readonly unknown[]): Outcome => ({
  body: { object: 'list', data_ref: 'data', data, total: data.length },
})

const common = { method: 'get', tag: 'Access', permission: 'access.manage' } as const

export const accessQueries = (services: Services) => [
  route({
    ...common,
    path: '/v1/access/keys',
    summary: 'List the keys that are managed here, newest first',
    description: 'Keys of `KEYS_FILE` or the generated file are not among them.',
    response: listOf('data', KeyObject),
    handler: async (): Promise<Outcome> => {
      const used = await services.access.lastUsed()
      const keys = [...services.access.current().keys.values()].toSorted((a, b) => b.createdAt - a.createdAt)
      return listed(keys.map((key) => showKey(key, used.get(key.id))))
    },
  }),
  route({
    ...common,
    path: '/v1/access/keys/{id}',
    summary: 'Get a key',
    response: v.pipe(KeyObject, v.title('AccessKey')),
    handler: async ({ params }): Promise<Outcome> => {
      const key = services.access.current().keys.get(params.id)
      if (!key) return notFound('access_key', params.id)
      return { body: showKey(key, (await services.access.lastUsed()).get(key.id)) }
    },
  }),
  route({
    ...common,
    path: '/v1/access/roles',
    summary: 'List the roles: those that are delivered, then your own',
    response: listOf('data', RoleObject),
    handler: (): Outcome =>
      listed([...ROLES.map(delivered), ...[...services.access.current().roles.values()].map(showRole)]),
  }),
  route({
    ...common,
    path: '/v1/access/roles/{name}',
    summary: 'Get a role',
    response: RoleObject,
    handler: ({ params: { name } }): Outcome => {
      const known = ROLES.find((role) => role === name)
      if (known) return { body: delivered(known) }
      const own = services.access.current().roles.get(name)
      return own ? { body: showRole(own) } : notFound('role', name)
    },
  }),
]
