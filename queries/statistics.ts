// The numbers of a whole project: what there is, and how many events came in over time.

import * as v from 'valibot'
import { ALL_REDEMPTIONS, type CampaignTotalsDocument } from '../projections/campaignTotals.ts'
import { type EventHourDocument, hourOf } from '../projections/eventHours.ts'
import { ALL_EVENTS, type EventTotalsDocument, ofEvent } from '../projections/eventTotals.ts'
import type { LoyaltyTotalsDocument } from '../projections/loyaltyTotals.ts'
import { inBackground } from '../src/api/background.ts'
import { isoOf } from '../src/api/shapes.ts'
import type { MessageState } from '../src/domain/distributions/delivery.ts'
import { fail } from '../src/http/errors.ts'
import { instant } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Background, Services } from '../src/services.ts'

const HOUR_MS = 3_600_000

const STEPS = {
  minute: { ms: 60_000, longest: 25 * HOUR_MS, said: '25 hours' },
  hour: { ms: HOUR_MS, longest: 32 * 24 * HOUR_MS, said: '32 days' },
  day: { ms: 24 * HOUR_MS, longest: 100 * 24 * HOUR_MS, said: '100 days' },
} as const

const STATES: readonly MessageState[] = ['requested', 'waiting', 'failed', 'sent', 'parked', 'skipped']

const number = v.number()

const Summary = v.pipe(
  v.object({
    object: v.literal('statistics'),
    customers: number,
    events: number,
    rejected_events: v.pipe(number, v.description('Refused events that still wait to be mended and sent again')),
    redemptions: v.object({ succeeded: number, failed: number }),
    points: v.object({ issued: number, spent: number, expired: number, balance: number, pending: number }),
    messages: v.record(v.string(), number),
    read_models: v.object({ state: v.string(), behind_events: number, behind_seconds: number }),
  }),
  v.title('Statistics'),
)

const Series = v.pipe(
  v.object({
    object: v.literal('list'),
    data_ref: v.literal('data'),
    data: v.array(v.object({ from: v.string(), events: number })),
    names: v.array(v.object({ event: v.string(), events: number })),
    total: number,
  }),
  v.title('EventStatistics'),
)

const SeriesQuery = v.object({
  interval: v.optional(v.picklist(['minute', 'hour', 'day']), 'hour'),
  start_date: v.optional(instant),
  end_date: v.optional(instant),
})

/** Points that were given, whatever for. */
const ISSUED = /ACCRUAL|ADDITION|REFUND|ACTIVATION/

const SPENT = /REDEMPTION/

const EXPIRED = /EXPIRATION/

const pointsOf = (programs: readonly LoyaltyTotalsDocument[]) => {
  const sums = { issued: 0, spent: 0, expired: 0, balance: 0, pending: 0 }
  for (const { balance, pending, transactions } of programs) {
    sums.balance += balance
    sums.pending += pending
    for (const [type, { points }] of Object.entries(transactions)) {
      if (EXPIRED.test(type)) sums.expired += points
      else if (SPENT.test(type)) sums.spent += points
      else if (ISSUED.test(type)) sums.issued += points
    }
  }
  return sums
}

const summary = async ({ readModel }: Services, { projector }: Background): Promise<Outcome> => {
  const [customers, totals, rejected, redeemed, programs, messages] = await Promise.all([
    readModel.collection('customers').count({}),
    readModel.collection<EventTotalsDocument>('eventTotals').findOne({ _id: ALL_EVENTS }),
    readModel.counts('rejectedEvents'),
    readModel.collection<CampaignTotalsDocument>('campaignTotals').findOne({ _id: ALL_REDEMPTIONS }),
    readModel.collection<LoyaltyTotalsDocument>('loyaltyTotals').find({}, { limit: 1_000 }),
    readModel.counts('outbox'),
  ])
  const { state, lag } = projector.status()
  return {
    body: {
      object: 'statistics',
      customers,
      events: totals?.events ?? 0,
      rejected_events: rejected.waiting ?? 0,
      redemptions: { succeeded: redeemed?.succeeded ?? 0, failed: redeemed?.failed ?? 0 },
      points: pointsOf(programs),
      messages: Object.fromEntries(STATES.map((one) => [one, messages[one] ?? 0])),
      read_models: { state, behind_events: lag.events, behind_seconds: lag.seconds },
    },
  }
}

const series = async (
  { readModel }: Services,
  query: v.InferOutput<typeof SeriesQuery>,
  now: number,
): Promise<Outcome> => {
  const { ms, longest, said } = STEPS[query.interval]
  const to = query.end_date ?? now
  const from = query.start_date ?? to - Math.min(longest, 60 * ms)
  if (from > to) return fail('invalid_query_params', 'start_date must be before end_date')
  if (to - from > longest) return fail('invalid_query_params', `By ${query.interval}, a span may be ${said} at most`)
  const hours = await readModel
    .collection<EventHourDocument>('eventHours')
    .find({ _id: { $gte: hourOf(from), $lte: hourOf(to) } }, { sort: { _id: 1 }, limit: longest / HOUR_MS + 2 })
  const begin = Math.floor(from / ms)
  const counts = Array<number>(Math.floor(to / ms) - begin + 1).fill(0)
  const names = new Map<string, number>()
  const add = (at: number, events: number): void => {
    const index = Math.floor(at / ms) - begin
    if (index >= 0 && index < counts.length) counts[index]! += events
  }
  for (const hour of hours) {
    const start = Date.parse(`${hour._id}:00:00Z`)
    if (query.interval === 'minute') for (const [i, events] of hour.minutes.entries()) add(start + i * 60_000, events)
    else add(start, hour.events)
    for (const one of hour.names) names.set(one.event, (names.get(one.event) ?? 0) + one.events)
  }
  return {
    body: {
      object: 'list',
      data_ref: 'data',
      data: counts.map((events, index) => ({ from: isoOf((begin + index) * ms), events })),
      names: [...names]
        .map(([event, events]) => ({ event, events }))
        .sort((a, b) => b.events - a.events || a.event.localeCompare(b.event))
        .slice(0, 100),
      total: counts.reduce((sum, events) => sum + events, 0),
    },
  }
}

const Names = v.pipe(
  v.object({
    object: v.literal('list'),
    data_ref: v.literal('data'),
    data: v.array(v.object({ event: v.string(), events: number, last_at: v.nullable(v.string()) })),
  }),
  v.title('EventNames'),
)

/** Names shown, in the order of the alphabet: far more than a project sensibly has. */
const MAX_NAMES = 1_000

const names = async ({ readModel }: Services): Promise<Outcome> => {
  const prefix = ofEvent('')
  const totals = await readModel
    .collection<EventTotalsDocument>('eventTotals')
    .find({ _id: { $gte: prefix, $lt: `${prefix}\uffff` } }, { sort: { _id: 1 }, limit: MAX_NAMES })
  const data = totals.map(({ _id, events, last_at }) => ({
    event: _id.slice(prefix.length),
    events,
    last_at: last_at === undefined ? null : isoOf(last_at.getTime()),
  }))
  return { body: { object: 'list', data_ref: 'data', data } }
}

export const statisticsQueries = (services: Services) => [
  ...inBackground(services, (background) => [
    route({
      method: 'get',
      path: '/v1/statistics',
      summary: 'The numbers of the project: customers, events, points, redemptions, messages by state',
      tag: 'Statistics',
      permission: 'events.read',
      response: Summary,
      handler: () => summary(services, background),
    }),
  ]),
  route({
    method: 'get',
    path: '/v1/events/statistics',
    summary: 'How many events came in over time, and of which names',
    description:
      'By the time at which events were recorded, in steps of UTC. Without dates the last 60 steps; `names` are those of the whole ' +
      'hours that the span touches, the most frequent first.',
    tag: 'Statistics',
    permission: 'events.read',
    query: SeriesQuery,
    response: Series,
    handler: (call) => series(services, call.query, call.now),
  }),
  route({
    method: 'get',
    path: '/v1/events/names',
    summary: 'The names under which events were recorded, with how many there are and when the last one came in',
    tag: 'Statistics',
    permission: 'events.read',
    response: Names,
    handler: () => names(services),
  }),
]
