// Reading tracked events: how one shows, and the list of raw events by customer, name and time.

import * as v from 'valibot'
import type { ActivityDocument } from '../projections/activity.ts'
import type { CustomerEventsDocument } from '../projections/customerEvents.ts'
import { ALL_EVENTS, type EventTotalsDocument, ofEvent } from '../projections/eventTotals.ts'
import { allOf, equals } from '../src/api/lists/filters.ts'
import { listBody, orderOf, pagedById, pageOf } from '../src/api/lists/pager.ts'
import { spanFields, spanFilter } from '../src/api/lists/range.ts'
import { documents } from '../src/api/lists/sources.ts'
import { readCustomer } from '../src/api/presenters/customers.ts'
import { EventObject, showTrackedEvent } from '../src/api/presenters/events.ts'
import { answerOf, listOf } from '../src/http/answers.ts'
import { isFailure, notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

const ListQuery = v.object({
  ...pagedById,
  customer: v.optional(v.string()),
  event: v.optional(v.string()),
  ...spanFields,
  order: orderOf(['created_at'], '-created_at'),
})

type ListQuery = v.InferOutput<typeof ListQuery>

/** What happened is listed as it stands in the log. */
export const LOG_ORDER = { created_at: ['position'] } as const

const list = async (services: Services, query: ListQuery): Promise<Outcome> => {
  const customer = query.customer === undefined ? undefined : await readCustomer(services, query.customer)
  if (customer === null) return notFound('customer', query.customer!)
  const filter = allOf(
    { type: 'customer.custom_event' },
    customer ? { customer: customer._id } : {},
    equals('event', query.event),
    spanFilter('occurred_at', query, services.rulebook.current().project.timeZone),
  )
  const source = documents(services.readModel.collection<ActivityDocument>('activity'), filter)
  const page = await pageOf(source, LOG_ORDER, query)
  return isFailure(page)
    ? page
    : { body: listBody('data', page, page.entries.map(showTrackedEvent), { id: ({ _id }) => _id }) }
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
    permission: 'events.read',
    query: ListQuery,
    response: listOf('data', EventObject),
    handler: (call) => list(services, call.query),
  }),
  route({
    method: 'get',
    path: '/v1/events/count',
    summary: 'Count events and the customers who have them',
    description:
      'From counters. How many customers have one `event` is not told: they would have to be counted one by one; `POST /v1/segments/preview` looks for them.',
    tag: 'Events',
    permission: 'events.read',
    query: CountQuery,
    response: answerOf('count', { events: v.number(), customers: v.optional(v.number()) }),
    handler: async (call): Promise<Outcome> => {
      const { event } = call.query
      const customer = call.query.customer === undefined ? undefined : await readCustomer(services, call.query.customer)
      if (customer === null) return notFound('customer', call.query.customer!)
      const byCustomer = services.readModel.collection<CustomerEventsDocument>('customerEvents')
      if (customer) {
        const counted = await byCustomer.findOne({ _id: customer._id })
        const named = event === undefined ? counted : counted?.names.find((one) => one.event === event)
        const events = named?.events ?? 0
        return { body: { object: 'count', events, customers: Math.min(1, events) } }
      }
      const [totals, customers] = await Promise.all([
        services.readModel
          .collection<EventTotalsDocument>('eventTotals')
          .findOne({ _id: event === undefined ? ALL_EVENTS : ofEvent(event) }),
        event === undefined ? byCustomer.count({}) : undefined,
      ])
      const events = totals?.events ?? 0
      return { body: { object: 'count', events, customers } }
    },
  }),
]
