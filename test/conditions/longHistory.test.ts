// Rolling windows over thousands of events: the answer and its end against a sweep, and what is kept stays small and cheap.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { AccumulatorState } from '../../src/domain/conditions/accumulate.ts'
import { parseNative } from '../../src/domain/conditions/native.ts'
import fc from '../fc.ts'
import { times } from '../soak.ts'
import { compiled, environment, nobody } from './fixtures.ts'

const RUNS = times(200, 5_000)
const HOUR = 3_600_000
const DAY = 24 * HOUR
const START = Date.parse('2026-01-01T00:00:00Z')

const window = (aggregate: object, within: string) =>
  compiled(parseNative({ event: 'review_left', ...aggregate, within }, environment))

interface Row {
  readonly at: number
  readonly cents: number
}

/** The truth at `now` and the first instant at which it is another, by going through every change there will be. */
const sweep = (
  rows: readonly Row[],
  length: number,
  now: number,
  passes: (count: number, cents: number) => boolean,
) => {
  const changes = new Map<number, readonly [number, number]>()
  const change = (at: number, count: number, cents: number) => {
    const [n, c] = changes.get(at) ?? [0, 0]
    changes.set(at, [n + count, c + cents])
  }
  let [count, sum] = [0, 0]
  for (const { at, cents } of rows) {
    if (at + length <= now) continue
    if (at <= now) {
      count++
      sum += cents
    } else change(at, 1, cents)
    change(at + length, -1, -cents)
  }
  const holds = passes(count, sum)
  for (const [at, [n, c]] of [...changes].sort(([a], [b]) => a - b)) {
    count += n
    sum += c
    if (passes(count, sum) !== holds) return { holds, until: at }
  }
  return { holds, until: null }
}

const history = fc.record({
  size: fc.integer({ min: 1, max: 1_500 }),
  seed: fc.integer(),
  spread: fc.constantFrom(DAY, 40 * DAY, 400 * DAY),
  /** The unit of times: coarse ones make many events fall together. */
  grain: fc.constantFrom(1, HOUR, DAY, 20 * DAY),
  late: fc.boolean(),
  known: fc.boolean(),
  refunds: fc.boolean(),
  days: fc.constantFrom(1, 30, 365),
  limit: fc.double({ min: 0, max: 1.2, noNaN: true }),
  operator: fc.constantFrom('$more_than_equal', '$less_than', '$is', '$is_not'),
})

const PASSES: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  $more_than_equal: (value, bound) => value >= bound,
  $less_than: (value, bound) => value < bound,
  $is: (value, bound) => value === bound,
  $is_not: (value, bound) => value !== bound,
}

/** A small generator of numbers from 0 to 1, so that long histories shrink by size and seed alone. */
const random = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

for (const of of ['count', 'sum'] as const)
  test(`${of} within a rolling window of a long history`, () => {
    fc.assert(
      fc.property(history, ({ size, seed, spread, grain, late, known, refunds, days, limit, operator }) => {
        const next = random(seed)
        const rows: Row[] = Array.from({ length: size }, () => ({
          at: START + Math.floor((next() * spread) / grain) * grain,
          cents: Math.floor(next() * 5_000) - (refunds ? 2_500 : 0),
        }))
        if (!late) rows.sort((a, b) => a.at - b.at)
        const total = rows.reduce((sum, { cents }) => sum + cents, 0)
        // A bound that is reached on the way, so that equality is met too.
        const reached = rows.slice(Math.floor(size * limit)).reduce((sum, { cents }) => sum + cents, 0)
        const bound =
          of === 'count' ? Math.round(size * limit) : (seed % 2 === 0 ? reached : Math.round(total * limit)) / 100
        const condition = window(
          of === 'count' ? { count: { [operator]: bound } } : { sum: { property: 'stars', [operator]: bound } },
          `P${days}D`,
        )
        const end = Math.max(...rows.map(({ at }) => at))
        const accumulators: Record<string, AccumulatorState> = {}
        let recordedAt = 0
        let last = 0
        for (const [i, { at, cents }] of rows.entries()) {
          last = Math.max(last, at)
          recordedAt = Math.max(recordedAt, at - (i % 3 === 0 ? 120_000 : 0), last - 300_000)
          for (const spec of condition.accumulators)
            accumulators[spec.key] = spec.add(accumulators[spec.key] ?? spec.initial(), {
              id: `e${i}`,
              type: 'review_left',
              occurredAt: at,
              metadata: { stars: cents / 100 },
              ...(known ? { recordedAt } : {}),
            })
        }
        const stats = { count: size, first: Math.min(...rows.map(({ at }) => at)), last: end }
        const subject = { ...nobody, accumulators, occurrences: { review_left: stats } }
        const passes = (count: number, cents: number) =>
          of === 'count' ? PASSES[operator]!(count, bound) : PASSES[operator]!(cents, Math.round(bound * 100))
        for (const now of [
          Math.max(recordedAt, end),
          end + DAY - 1,
          end + DAY,
          end + Math.floor(next() * days * DAY),
        ]) {
          const { holds, until } = condition.evaluate(subject, {}, now)
          assert.equal({ holds, until }, sweep(rows, days * DAY, now, passes))
        }
      }),
      { numRuns: RUNS },
    )
  })

test('"at least n within w" keeps the n newest, a sum keeps its window, a calendar sum keeps its periods', () => {
  const kept = (native: object) => {
    const condition = compiled(parseNative({ event: 'review_left', ...native }, environment))
    const [spec] = condition.accumulators
    let state = spec!.initial()
    for (let hour = 0; hour < 20_000; hour++) {
      const at = START + hour * HOUR
      state = spec!.add(state, { id: '', type: 'review_left', occurredAt: at, metadata: { stars: 5 }, recordedAt: at })
    }
    return JSON.stringify(state).length
  }
  assert.ok(kept({ count: { $more_than_equal: 3 }, within: 'P365D' }) < 200)
  assert.ok(kept({ sum: { property: 'stars', $more_than: 1 }, within: 'P7D' }) < 168 * 25 + 500)
  assert.ok(kept({ sum: { property: 'stars', $more_than: 1 }, period: 'this_month' }) < 500)
  assert.ok(kept({ sum: { property: 'stars', $more_than: 1 }, period: 'last_month' }) < 500)
  assert.ok(kept({ sum: { property: 'stars', $more_than: 1 } }) < 200)
  assert.ok(kept({ count: { $more_than: 7 }, where: [{ property: 'stars', $is: 5 }] }) < 200)
})

test('an event that does not matter leaves the very same state', () => {
  const [spec] = compiled(
    parseNative({ event: 'review_left', within: 'P1D', where: [{ property: 'stars', $is: 5 }] }, environment),
  ).accumulators
  const event = (occurredAt: number, stars: number) => ({
    id: '',
    type: 'review_left',
    occurredAt,
    metadata: { stars },
    recordedAt: START,
  })
  const state = spec!.add(spec!.initial(), event(START, 5))
  assert.is(spec!.add(state, event(START, 4)), state)
  assert.is(spec!.add(state, event(START - DAY, 5)), state)
  assert.is.not(spec!.add(state, event(START - DAY + 1, 5)), state)
})

test.run()
