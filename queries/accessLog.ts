// Who did what: changes of definitions, balances, customers, keys, users and roles, with their actors.
import * as v from 'valibot'
import type { AccessLogDocument } from '../projections/accessLog.ts'
import { allOf, equals } from '../src/api/lists/filters.ts'
import { listBody, orderOf, pagedById, pageOf } from '../src/api/lists/pager.ts'
import { spanFields, spanFilter } from '../src/api/lists/range.ts'
import { documents } from '../src/api/lists/sources.ts'
import { AccessLogEntry, showAccess } from '../src/api/presenters/accessLog.ts'
import { userByEmail } from '../src/domain/access/users.ts'
import { isFailure } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { LOG_ORDER } from './events.ts'

const Name = v.optional(v.pipe(v.string(), v.maxLength(300)))

const ListQuery = v.object({
  ...pagedById,
  order: orderOf(['created_at'], '-created_at'),
  /** The name of a key or of a part of the server, or a user's e-mail address or id. */
  actor: Name,
  role: Name,
  /** Such as `created`, `deleted`, `points_added`. */
  action: Name,
  /** Such as `campaign`, `access_key`, `customer`. */
  resource_type: Name,
  resource_id: Name,
  ...spanFields,
})

const list = async (services: Services, query: v.InferOutput<typeof ListQuery>): Promise<Outcome> => {
  const user = query.actor === undefined ? undefined : userByEmail(services.access.current().users, query.actor)
  const filter = allOf(
    equals('actor', user?.id ?? query.actor),
    equals('role', query.role),
    equals('action', query.action),
    equals('resource_type', query.resource_type),
    equals('resource', query.resource_id),
    spanFilter('at', query, services.rulebook.current().project.timeZone),
  )
  const source = documents(services.readModel.collection<AccessLogDocument>('accessLog'), filter)
  const page = await pageOf(source, LOG_ORDER, query)
  if (isFailure(page)) return page
  const shown = page.entries.map((entry) => showAccess(services, entry))
  return { body: listBody('data', page, shown, { id: ({ _id }) => _id }) }
}

export const accessLogQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/access/log',
    summary: 'Who changed definitions, balances, customers, keys, users and roles, newest first',
    tag: 'Access',
    permission: 'audit.read',
    query: ListQuery,
    response: v.object({
      object: v.literal('list'),
      data_ref: v.literal('data'),
      data: v.array(AccessLogEntry),
      has_more: v.boolean(),
      more_starting_after: v.optional(v.string()),
      next_cursor: v.optional(v.nullable(v.string())),
    }),
    handler: (call) => list(services, call.query),
  }),
]
