// Users as they are shown: never a password, nor what is kept of it, nor a link.
import * as v from 'valibot'
import type { UserState } from '../src/domain/access/users.ts'
import { listOf } from '../src/http/answers.ts'
import { notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { isoOf, isoOrNull } from './shapes.ts'

const Time = v.nullable(v.string())

export const UserObject = v.object({
  object: v.literal('access_user'),
  id: v.string(),
  email: v.string(),
  name: v.nullable(v.string()),
  role: v.string(),
  /** `invited`: no password was set yet. */
  status: v.picklist(['invited', 'active', 'disabled']),
  /** Signs in through a provider of OpenID Connect. */
  signs_in_with_provider: v.boolean(),
  created_at: v.string(),
  updated_at: v.string(),
  password_set_at: Time,
  /** Until when the link that was made last sets a password, unless it was used. */
  link_expires_at: Time,
  /** Up to a minute old where another node was asked. */
  last_used_at: Time,
})

const statusOf = ({ isDisabled, password, identity }: UserState) => {
  if (isDisabled) return 'disabled'
  return password === undefined && identity === undefined ? 'invited' : 'active'
}

/** `lastUsed` in Unix milliseconds. */
export const showUser = (user: UserState, lastUsed?: number): v.InferOutput<typeof UserObject> => ({
  object: 'access_user',
  id: user.id,
  email: user.email,
  name: user.name ?? null,
  role: user.role,
  status: statusOf(user),
  signs_in_with_provider: user.identity !== undefined,
  created_at: isoOf(user.createdAt),
  updated_at: isoOf(user.updatedAt),
  password_set_at: isoOrNull(user.passwordAt),
  link_expires_at: isoOrNull(user.link?.until),
  last_used_at: isoOrNull(lastUsed),
})

const common = { method: 'get', tag: 'Access', permission: 'access.manage' } as const

export const userQueries = (services: Services) => [
  route({
    ...common,
    path: '/v1/access/users',
    summary: 'List the people who may sign in to the console, newest first',
    response: listOf('data', UserObject),
    handler: async (): Promise<Outcome> => {
      const used = await services.access.lastUsed()
      const users = [...services.access.current().users.values()].toSorted((a, b) => b.createdAt - a.createdAt)
      const data = users.map((user) => showUser(user, used.get(user.id)))
      return { body: { object: 'list', data_ref: 'data', data, total: data.length } }
    },
  }),
  route({
    ...common,
    path: '/v1/access/users/{id}',
    summary: 'Get a user',
    response: v.pipe(UserObject, v.title('AccessUser')),
    handler: async ({ params }): Promise<Outcome> => {
      const user = services.access.current().users.get(params.id)
      if (!user) return notFound('access_user', params.id)
      return { body: showUser(user, (await services.access.lastUsed()).get(user.id)) }
    },
  }),
]
