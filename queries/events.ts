// Reading tracked events: how one shows, and the list of raw events by customer, name and time.
import * as v from 'valibot'
import type { ActivityDocument } from '../projections/activity.ts'
import { activityOf } from '../src/domain/customer/activity.ts'
import type { TrackEvent } from '../src/domain/customer/commands.ts'
import { isCustomerFact } from '../src/domain/customer/facts.ts'
import type { CustomerState } from '../src/domain/customer/state.ts'
import { notFound, refuse } from '../src/http/errors.ts'
import { instant, pageLimit } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/runtime/services.ts'
import { readCustomer, showCustomerBriefly } from './customers.ts'
import { fresh } from './fresh.ts'
import { isoOf } from './shapes.ts'

const Effect = v.looseObject({ type: v.string() })

export const EventAnswer = v.pipe(
  v.looseObject({
    object: v.literal('event'),
    type: v.string(),
    customer: v.looseObject({ id: v.string() }),
    referral: v.null(),
    loyalty: v.null(),
    metadata: v.record(v.string(), v.unknown()),
    effects: v.array(Effect),
  }),
  v.title('TrackedEvent'),
)

/** The answer to a tracked event: the event, its customer, and what followed from it in the same append. */
export const showEvent = (
  command: TrackEvent,
  { id, profile }: Pick<CustomerState, 'id' | 'profile'>,
  facts: readonly { readonly id: string; readonly type: string; readonly data: unknown }[],
) => ({
  object: 'event' as const,
  type: command.event,
  customer: showCustomerBriefly(id, profile),
  referral: null,
  loyalty: null,
  metadata: command.metadata,
  effects: facts.flatMap((fact) => {
    const shown = isCustomerFact(fact) ? activityOf(fact.id, fact) : undefined
    return shown && shown.category === 'EFFECT' ? [{ type: shown.type, ...shown.data }] : []
  }),
})

const showRaw = (document: ActivityDocument) => ({
  ...(document.data.event as object),
  customer: { id: document.customer, object: 'customer' },
  event_schema: document.data.event_schema,
  ...(document.data.faults ? { faults: document.data.faults } : {}),
  occurred_at: isoOf(document.occurred_at.getTime()),
  recorded_at: isoOf(document.recorded_at.getTime()),
  group_id: document.group_id,
})

const ListQuery = v.object({
  limit: pageLimit,
  customer: v.optional(v.string()),
  event: v.optional(v.string()),
  start_date: v.optional(instant),
  end_date: v.optional(instant),
  starting_after_id: v.optional(v.string()),
  order: v.optional(v.picklist(['created_at', '-created_at']), '-created_at'),
})
type ListQuery = v.InferOutput<typeof ListQuery>

/** Where a page begins: after the place in the log of the entry that closed the last one. */
export const placeAfter = async (
  services: Services,
  id: string,
  order: 'created_at' | '-created_at',
): Promise<Record<string, unknown> | undefined> => {
  const collection = services.readModel.collection<ActivityDocument>('activity')
  const last = await collection.findOne({ _id: id }, { projection: { position: 1 } })
  return last ? { position: { [order === 'created_at' ? '$gt' : '$lt']: last.position } } : undefined
}

const list = async (services: Services, query: ListQuery): Promise<Outcome> => {
  const collection = services.readModel.collection<ActivityDocument>('activity')
  const customer = query.customer === undefined ? undefined : await readCustomer(services, query.customer)
  if (customer === null) return notFound('customer', query.customer!)
  const place =
    query.starting_after_id === undefined ? undefined : await placeAfter(services, query.starting_after_id, query.order)
  if (query.starting_after_id !== undefined && !place)
    return refuse('invalid_or_expired_cursor', `No event has the id ${query.starting_after_id}`)
  const filter = {
    type: 'customer.custom_event',
    ...(customer ? { customer: customer._id } : {}),
    ...(query.event === undefined ? {} : { event: query.event }),
    ...(query.start_date === undefined && query.end_date === undefined
      ? {}
      : {
          occurred_at: {
            ...(query.start_date === undefined ? {} : { $gte: new Date(query.start_date) }),
            ...(query.end_date === undefined ? {} : { $lt: new Date(query.end_date) }),
          },
        }),
    ...place,
  }
  const found = await collection.find(filter, {
    sort: { position: query.order === 'created_at' ? 1 : -1 },
    limit: query.limit + 1,
  })
  const page = found.slice(0, query.limit)
  const more = found.length > query.limit
  return {
    body: {
      object: 'list',
      data_ref: 'data',
      data: page.map(showRaw),
      has_more: more,
      more_starting_after: more ? page.at(-1)!._id : null,
    },
  }
}

const CountQuery = v.object({ customer: v.optional(v.string()), event: v.optional(v.string()) })

export const eventQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/events',
    summary: 'List raw events',
    description:
      'Newest first unless `order=created_at`; `start_date` and `end_date` are about when the customer acted.',
    tag: 'Events',
    roles: ['admin', 'integrator', 'reader', 'auditor'],
    query: ListQuery,
    handler: fresh(services, (call) => list(services, call.query)),
  }),
  route({
    method: 'get',
    path: '/v1/events/count',
    summary: 'Count events and the customers who have them',
    tag: 'Events',
    roles: ['admin', 'integrator', 'reader', 'auditor'],
    query: CountQuery,
    handler: fresh(services, async (call): Promise<Outcome> => {
      const collection = services.readModel.collection<ActivityDocument>('activity')
      const customer = call.query.customer === undefined ? undefined : await readCustomer(services, call.query.customer)
      if (customer === null) return notFound('customer', call.query.customer!)
      const filter = {
        type: 'customer.custom_event',
        ...(customer ? { customer: customer._id } : {}),
        ...(call.query.event === undefined ? {} : { event: call.query.event }),
      }
      const [events, byCustomer] = await Promise.all([
        collection.count(filter),
        collection.aggregate<{ n: number }>([{ $match: filter }, { $group: { _id: '$customer' } }, { $count: 'n' }]),
      ])
      return { body: { object: 'count', events, customers: byCustomer[0]?.n ?? 0 } }
    }),
  }),
]
