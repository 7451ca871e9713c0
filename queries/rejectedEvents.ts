// Reading refused events.
import * as v from 'valibot'
import type { RejectedEventDocument } from '../projections/rejectedEvents.ts'
import { refuse } from '../src/http/errors.ts'
import { pageLimit, queryFlag } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/runtime/services.ts'
import { fresh } from './fresh.ts'
import { isoOf } from './shapes.ts'

const show = (document: RejectedEventDocument) => ({
  id: document._id,
  event: document.event,
  reasons: document.reasons,
  body: document.body,
  channel: document.channel,
  rejected_at: isoOf(document.rejected_at.getTime()),
  resent_at: document.resent_at === null ? null : isoOf(document.resent_at.getTime()),
  customer_id: document.customer,
  object: 'rejected_event',
})

/** A refused event by its id; null when there is none. */
export const readRejectedEvent = async (
  { readModel }: Pick<Services, 'readModel'>,
  id: string,
): Promise<RejectedEventDocument | null> =>
  readModel.collection<RejectedEventDocument>('rejectedEvents').findOne({ _id: id })

const ListQuery = v.object({
  limit: pageLimit,
  event: v.optional(v.string()),
  /** `true`: only those that went in later; `false`: only those still waiting. */
  resent: v.optional(queryFlag),
  starting_after_id: v.optional(v.string()),
})

const list = async (services: Services, query: v.InferOutput<typeof ListQuery>): Promise<Outcome> => {
  const collection = services.readModel.collection<RejectedEventDocument>('rejectedEvents')
  const last =
    query.starting_after_id === undefined ? undefined : await collection.findOne({ _id: query.starting_after_id })
  if (last === null)
    return refuse('invalid_or_expired_cursor', `No refused event has the id ${query.starting_after_id}`)
  const found = await collection.find(
    {
      ...(query.event === undefined ? {} : { event: query.event }),
      ...(query.resent === undefined ? {} : { resent_at: query.resent ? { $ne: null } : null }),
      ...(last ? { position: { $lt: last.position } } : {}),
    },
    { sort: { position: -1 }, limit: query.limit + 1 },
  )
  const page = found.slice(0, query.limit)
  const more = found.length > query.limit
  return {
    body: {
      object: 'list',
      data_ref: 'data',
      data: page.map(show),
      has_more: more,
      more_starting_after: more ? page.at(-1)!._id : null,
    },
  }
}

export const rejectedEventQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/events/rejected',
    summary: 'List refused events with their reasons, newest first',
    tag: 'Events',
    roles: ['admin', 'integrator', 'reader', 'auditor'],
    query: ListQuery,
    handler: fresh(services, (call) => list(services, call.query)),
  }),
]
