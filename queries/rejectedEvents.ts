// Reading refused events.

import * as v from 'valibot'
import type { RejectedEventDocument } from '../projections/rejectedEvents.ts'
import { allOf, equals } from '../src/api/lists/filters.ts'
import { listBody, orderOf, pagedById, pageOf } from '../src/api/lists/pager.ts'
import { documents } from '../src/api/lists/sources.ts'
import { showRejectedEvent } from '../src/api/presenters/rejectedEvents.ts'
import { answerOf, listOf } from '../src/http/answers.ts'
import { isFailure } from '../src/http/errors.ts'
import { queryFlag } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { LOG_ORDER } from './events.ts'

const ListQuery = v.object({
  ...pagedById,
  order: orderOf(['created_at'], '-created_at'),
  event: v.optional(v.string()),
  /** `true`: only those that went in later; `false`: only those still waiting. */
  resent: v.optional(queryFlag),
})

const list = async (services: Services, query: v.InferOutput<typeof ListQuery>): Promise<Outcome> => {
  const filter = allOf(
    equals('event', query.event),
    query.resent === undefined ? {} : { resent_at: query.resent ? { $ne: null } : null },
  )
  const source = documents(services.readModel.collection<RejectedEventDocument>('rejectedEvents'), filter)
  const page = await pageOf(source, LOG_ORDER, query)
  return isFailure(page)
    ? page
    : { body: listBody('data', page, page.entries.map(showRejectedEvent), { id: ({ _id }) => _id }) }
}

export const rejectedEventQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/events/rejected',
    summary: 'List refused events with their reasons, newest first',
    tag: 'Events',
    permission: 'events.read',
    query: ListQuery,
    response: listOf(
      'data',
      answerOf('rejected_event', {
        id: v.string(),
        event: v.nullable(v.string()),
        rejected_at: v.string(),
        body: v.unknown(),
        reasons: v.array(v.string()),
        channel: v.string(),
        customer_id: v.pipe(
          v.nullable(v.string()),
          v.description('Whom it names, or was recorded for; nobody need have this id yet'),
        ),
        resent_at: v.nullable(v.string()),
      }),
    ),
    handler: (call) => list(services, call.query),
  }),
]
