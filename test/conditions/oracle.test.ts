// Conditions against the naive oracle: random conditions, histories and instants, with late events, ties and days of clock changes.

import { DateTime } from 'luxon'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Compiled, compile } from '../../src/domain/conditions/compile.ts'
import type { Environment } from '../../src/domain/conditions/environment.ts'
import { parseNative } from '../../src/domain/conditions/native.ts'
import {
  AHEAD_MS,
  NO_CONTEXT,
  type Occurrence,
  type OccurrenceStats,
  type Subject,
} from '../../src/domain/conditions/subject.ts'
import { countOccurrence } from '../../src/domain/conditions/tally.ts'
import fc from '../fc.ts'
import { times } from '../soak.ts'
import { askOracle, changePoints, type History } from './oracle.ts'

const RUNS = times(800, 20_000)
const DAY = 86_400_000
const ZONES = ['America/New_York', 'UTC', 'Asia/Kolkata', 'Pacific/Auckland']

const environmentOf = (timeZone: string): Environment => ({
  timeZone,
  eventSchemas: new Map(
    ['bought', 'viewed'].map((name) => [
      name,
      { properties: { amount: { type: 'number' }, device: { type: 'string' } } },
    ]),
  ),
  segments: new Map([['seg_a', { name: 'A' }]]),
})

/** Instants round which histories are made: both changes of the clocks in New York, ends of months, a leap day. */
const CENTRES = [
  '2026-03-08T07:00:00Z',
  '2026-11-01T06:00:00Z',
  '2027-03-14T07:00:00Z',
  '2027-11-07T06:00:00Z',
  '2026-12-31T23:59:00Z',
  '2028-02-29T12:00:00Z',
].map((text) => Date.parse(text))

const instantNear = (centre: number): fc.Arbitrary<number> =>
  fc.oneof(
    fc.integer({ min: centre - 70 * DAY, max: centre + 5 * DAY }),
    fc.integer({ min: centre - 2 * DAY, max: centre + 2 * DAY }),
    // Few values, so that events fall together and on the edges of windows to the millisecond.
    fc.integer({ min: -48, max: 48 }).map((hours) => centre + hours * 3_600_000),
    fc.integer({ min: -3, max: 3 }).map((ms) => centre + ms),
  )

interface Recorded {
  readonly event: Occurrence
  readonly recordedAt: number
}

/** Events in the order in which they are recorded; some are late, some up to five minutes early. */
const history = (centre: number, named: boolean): fc.Arbitrary<readonly Recorded[]> =>
  fc
    .array(
      fc.record({
        type: fc.constantFrom('bought', 'bought', 'viewed'),
        at: instantNear(centre),
        delay: fc.oneof(fc.constant(0), fc.integer({ min: -AHEAD_MS, max: 0 }), fc.integer({ min: 0, max: 40 * DAY })),
        cents: fc.integer({ min: -2_000, max: 6_000 }),
        device: fc.constantFrom('phone', 'desk', 'test'),
      }),
      { maxLength: 14 },
    )
    .map((rows) =>
      rows
        .map(({ type, at, delay, cents, device }, i) => ({ type, at, cents, device, i, recordedAt: at + delay }))
        .sort((a, b) => a.recordedAt - b.recordedAt)
        .map(({ type, at, cents, device, i, recordedAt }) => ({
          recordedAt,
          event: {
            id: `e${i}`,
            type,
            occurredAt: at,
            metadata: { amount: cents / 100, device },
            ...(named ? { recordedAt } : {}),
          },
        })),
    )

const numeric = fc.oneof(
  fc.record({ $more_than_equal: fc.integer({ min: 0, max: 6 }) }),
  fc.record({ $less_than: fc.integer({ min: 0, max: 6 }) }),
  fc.record({ $more_than: fc.integer({ min: 0, max: 4 }) }),
  fc.record({ $less_than_equal: fc.integer({ min: 0, max: 4 }) }),
  fc.record({ $is: fc.integer({ min: 0, max: 4 }) }),
  fc.record({ $is_not: fc.integer({ min: 0, max: 4 }) }),
  fc.record({ $in: fc.uniqueArray(fc.integer({ min: 0, max: 8 }), { minLength: 1, maxLength: 4 }) }),
  fc.record({ $more_than: fc.integer({ min: 0, max: 2 }), $less_than_equal: fc.integer({ min: 2, max: 5 }) }),
)

const money = fc.oneof(
  fc.integer({ min: -2_000, max: 20_000 }).map((cents) => ({ $more_than_equal: cents / 100 })),
  fc.integer({ min: -2_000, max: 20_000 }).map((cents) => ({ $less_than: cents / 100 })),
  fc.integer({ min: -2_000, max: 8_000 }).map((cents) => ({ $more_than: cents / 100 })),
)

const timed = fc.oneof(
  fc.integer({ min: 0, max: 40 }).map((days) => ({ $more_than_ago: days })),
  fc.integer({ min: 0, max: 40 }).map((days) => ({ $less_than_ago: days })),
  fc.integer({ min: 0, max: 5 }).map((days) => ({ $is_days_ago: days })),
  fc.constantFrom(
    { $today: true },
    { $yesterday: true },
    { $this_week: true },
    { $last_week: true },
    { $this_month: true },
    { $last_month: true },
    { $this_year: true },
    { $last_year: true },
    { $is_unknown: true },
    { $has_value: true },
  ),
)

const windowAt = (centre: number) =>
  fc.oneof(
    fc.constant({}),
    fc.constantFrom('P30D', 'P1D', 'PT1H', 'PT1S', 'P2W', 'PT24H', 'P7D').map((within) => ({ within })),
    fc
      .tuple(fc.constantFrom('this', 'last'), fc.constantFrom('day', 'day', 'week', 'month', 'quarter', 'year'))
      .map(([which, unit]) => ({ period: `${which}_${unit}` })),
    fc
      .tuple(instantNear(centre), fc.integer({ min: 1, max: 40 * DAY }))
      .map(([from, length]) => ({ from: new Date(from).toISOString(), to: new Date(from + length).toISOString() })),
    instantNear(centre).map((from) => ({ from: new Date(from).toISOString() })),
  )

const where = fc.oneof(
  { weight: 2, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      { where: [{ property: 'amount', $more_than: 10 }] },
      { where: [{ property: 'device', $is: 'phone' }] },
      {
        where: {
          not: {
            any: [
              { property: 'device', $in: ['test'] },
              { property: 'amount', $less_than: 0 },
            ],
          },
        },
      },
    ),
  },
)

const leaf = (centre: number): fc.Arbitrary<object> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .tuple(
          fc.constantFrom('bought', 'bought', 'viewed'),
          fc.oneof(
            { weight: 4, arbitrary: numeric.map((count) => ({ count })) },
            { weight: 3, arbitrary: money.map((tests) => ({ sum: { property: 'amount', ...tests } })) },
            { weight: 2, arbitrary: timed.map((last) => ({ last })) },
            { weight: 2, arbitrary: timed.map((first) => ({ first })) },
          ),
          windowAt(centre),
          where,
        )
        .map(([event, aggregate, window, predicate]) => ({ event, ...aggregate, ...window, ...predicate })),
    },
    { weight: 1, arbitrary: timed.map((tests) => ({ attribute: 'created_at', ...tests })) },
    { weight: 1, arbitrary: fc.constant({ segment: 'seg_a' }) },
  )

const condition = (centre: number): fc.Arbitrary<object> =>
  fc.letrec<{ node: object; leaf: object }>((tie) => ({
    leaf: leaf(centre),
    node: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      tie('leaf'),
      fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((all) => ({ all })),
      fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((any) => ({ any })),
      tie('node').map((not) => ({ not })),
    ),
  })).node

const scenario = fc
  .tuple(fc.constantFrom(...CENTRES), fc.constantFrom(...ZONES), fc.boolean())
  .chain(([centre, zone, named]) =>
    fc.record({
      zone: fc.constant(zone),
      native: condition(centre),
      recorded: history(centre, named),
      createdAt: instantNear(centre),
      inSegment: fc.boolean(),
      later: fc.array(fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 60 * DAY })), {
        minLength: 3,
        maxLength: 3,
      }),
    }),
  )

const parsed = (native: object, environment: Environment) => {
  const result = parseNative(native, environment)
  if (!result.ok) throw new Error(JSON.stringify(result.faults))
  return result.condition
}

/** A customer whose state is kept event by event, as the application does. */
const customer = (compiled: Compiled, createdAt: number, inSegment: boolean) => {
  let occurrences: Readonly<Record<string, OccurrenceStats>> = {}
  let accumulators: Subject['accumulators'] = Object.fromEntries(
    compiled.accumulators.map((spec) => [spec.key, spec.initial()]),
  )
  return {
    add(event: Occurrence): void {
      occurrences = {
        ...occurrences,
        [event.type]: countOccurrence(occurrences[event.type], event.occurredAt, event.recordedAt),
      }
      for (const spec of compiled.accumulators)
        if (spec.types.includes(event.type)) {
          const before = accumulators[spec.key]!
          const frozen = JSON.stringify(before)
          accumulators = { ...accumulators, [spec.key]: spec.add(before, event) }
          assert.is(JSON.stringify(before), frozen, 'add changed its input')
        }
    },
    subject: (): Subject => ({
      profile: {},
      createdAt,
      occurrences,
      // What a snapshot would give back.
      accumulators: JSON.parse(JSON.stringify(accumulators)),
      segments: inSegment ? { seg_a: { since: 0 } } : {},
      points: () => undefined,
    }),
  }
}

test('a condition kept event by event answers as the oracle does, and its end is exact', () => {
  fc.assert(
    fc.property(scenario, ({ zone, native, recorded, createdAt, inSegment, later }) => {
      const environment = environmentOf(zone)
      const ast = parsed(native, environment)
      const compiled = compile(ast, environment)
      const live = customer(compiled, createdAt, inSegment)
      const events: Occurrence[] = []
      const known = (): History => ({
        events,
        attributes: { created_at: new Date(createdAt).toISOString() },
        segments: inSegment ? ['seg_a'] : [],
      })
      const check = (now: number): void => {
        const { holds, until } = compiled.evaluate(live.subject(), NO_CONTEXT, now)
        const expected = askOracle(ast, known(), now, zone)
        assert.is(holds, expected, `at ${new Date(now).toISOString()}`)
        const change = changePoints(ast, known(), now, zone).find(
          (at) => askOracle(ast, known(), at, zone) !== expected,
        )
        assert.is(until, change ?? null, `the end of what held at ${new Date(now).toISOString()}`)
      }
      for (const [i, { event, recordedAt }] of recorded.entries()) {
        events.push(event)
        live.add(event)
        check(recordedAt)
        const next = recorded[i + 1]?.recordedAt
        if (next !== undefined && next > recordedAt) check(recordedAt + Math.floor((next - recordedAt) / 2))
      }
      const end = Math.max(createdAt, ...recorded.map(({ recordedAt }) => recordedAt))
      for (const plus of later) check(end + plus)
    }),
    { numRuns: RUNS },
  )
})

test('the order in which events come makes no difference', () => {
  fc.assert(
    fc.property(scenario, fc.infiniteStream(fc.nat()), ({ zone, native, recorded, createdAt, later }, shuffle) => {
      const environment = environmentOf(zone)
      const compiled = compile(parsed(native, environment), environment)
      const inOrder = customer(compiled, createdAt, false)
      const shuffled = customer(compiled, createdAt, false)
      const end = Math.max(createdAt, ...recorded.map(({ recordedAt }) => recordedAt))
      // Recorded at once at the end, as an import does, against event by event in order of their times.
      const events = recorded.map(({ event: { recordedAt: _, ...event } }) => event)
      for (const event of [...events].sort((a, b) => a.occurredAt - b.occurredAt)) inOrder.add(event)
      const keyed = events.map((event) => ({ event, key: shuffle.next().value }))
      for (const { event } of keyed.sort((a, b) => a.key - b.key)) shuffled.add({ ...event, recordedAt: end })
      for (const plus of later) {
        const one = compiled.evaluate(inOrder.subject(), NO_CONTEXT, end + plus)
        const other = compiled.evaluate(shuffled.subject(), NO_CONTEXT, end + plus)
        assert.is(one.holds, other.holds)
        assert.is(one.until, other.until)
        assert.equal(one.because, other.because)
      }
    }),
    { numRuns: RUNS / 5 },
  )
})

test('a New York day is 23 or 25 hours long when the clocks change', () => {
  const zone = 'America/New_York'
  const environment = environmentOf(zone)
  const compiled = compile(parsed({ event: 'bought', period: 'this_day' }, environment), environment)
  for (const [day, hours] of [
    ['2026-03-08', 23],
    ['2026-11-01', 25],
    ['2027-03-14', 23],
    ['2027-11-07', 25],
    ['2026-07-01', 24],
  ] as const) {
    const midnight = DateTime.fromISO(day, { zone }).toMillis()
    const live = customer(compiled, 0, false)
    live.add({ id: '1', type: 'bought', occurredAt: midnight, metadata: {}, recordedAt: midnight })
    const { holds, until } = compiled.evaluate(live.subject(), NO_CONTEXT, midnight)
    assert.ok(holds)
    assert.is(until, midnight + hours * 3_600_000, day)
    assert.not(compiled.evaluate(live.subject(), NO_CONTEXT, midnight + hours * 3_600_000).holds)
  }
})

test.run()
