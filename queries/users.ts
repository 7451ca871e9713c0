// Users as they are shown: never a password, nor what is kept of it, nor a link.
import * as v from 'valibot'
import { showUser, UserObject } from '../src/api/presenters/users.ts'
import { listOf } from '../src/http/answers.ts'
import { notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

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
