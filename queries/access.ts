// Keys and roles as they are shown: never a token, nor its hash.
import * as v from 'valibot'
import type { KeyState, RoleState } from '../src/domain/access/access.ts'
import { type DeliveredRole, ROLE_PERMISSIONS, ROLES } from '../src/domain/access/permissions.ts'
import { listOf } from '../src/http/answers.ts'
import { notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { isoOf, isoOrNull } from './shapes.ts'

const Time = v.nullable(v.string())

export const KeyObject = v.object({
  object: v.literal('access_key'),
  id: v.string(),
  name: v.string(),
  role: v.string(),
  origins: v.nullable(v.array(v.string())),
  allow: v.nullable(v.array(v.string())),
  networks: v.nullable(v.array(v.string())),
  created_at: v.string(),
  rotated_at: Time,
  /** Until when the token before the last rotation is good. */
  previous_token_until: Time,
  expires_at: Time,
  /** Up to a minute old where another node was asked. */
  last_used_at: Time,
})

export const RoleObject = v.pipe(
  v.object({
    object: v.literal('role'),
    name: v.string(),
    description: v.nullable(v.string()),
    permissions: v.array(v.string()),
    /** Delivered as it is: it can be neither changed nor deleted. */
    is_delivered: v.boolean(),
    created_at: Time,
    updated_at: Time,
  }),
  v.title('Role'),
)

/** A key without its secrets; `lastUsed` in Unix milliseconds. */
export const showKey = (key: KeyState, lastUsed?: number): v.InferOutput<typeof KeyObject> => ({
  object: 'access_key',
  id: key.id,
  name: key.name,
  role: key.role,
  origins: key.origins ?? null,
  allow: key.allow ?? null,
  networks: key.networks ?? null,
  created_at: isoOf(key.createdAt),
  rotated_at: isoOrNull(key.rotatedAt),
  previous_token_until: isoOrNull(key.previous?.until),
  expires_at: isoOrNull(key.expiresAt),
  last_used_at: isoOrNull(lastUsed),
})

export const showRole = (role: RoleState): v.InferOutput<typeof RoleObject> => ({
  object: 'role',
  name: role.name,
  description: role.description ?? null,
  permissions: [...role.permissions],
  is_delivered: false,
  created_at: isoOf(role.createdAt),
  updated_at: isoOf(role.updatedAt),
})

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
