// Membership as facts against a naive oracle that scans every event: late events, duplicates of an instant, windows to the
// millisecond, calendar days over a change of the clocks, and nodes that forget what they had in memory.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import fc from '../fc.ts'
import { advance, DAY, HOUR, MINUTE, track, world } from '../given.ts'
import { times } from '../soak.ts'

interface Seen {
  readonly at: number
  readonly amount: number
  readonly recorded: number
}

type Oracle = (seen: readonly Seen[], now: number) => boolean

const inWindow = (seen: readonly Seen[], now: number, length: number) =>
  seen.filter(({ at }) => at <= now && at > now - length)
const sum = (seen: readonly Seen[]) => seen.reduce((n, { amount }) => n + amount, 0)

const days = new Intl.DateTimeFormat('en-CA', { timeZone: 'America/New_York' })
const sameDay = (a: number, b: number) => days.format(a) === days.format(b)
const sameMonth = (a: number, b: number) => days.format(a).slice(0, 7) === days.format(b).slice(0, 7)

const definitions: Readonly<Record<string, { condition: Record<string, unknown>; oracle: Oracle }>> = {
  seg_twice_a_day: {
    condition: { event: 'bought', count: { $more_than_equal: 2 }, within: 'P1D' },
    oracle: (seen, now) => inWindow(seen, now, DAY).length >= 2,
  },
  seg_quiet: {
    condition: { not: { event: 'bought', count: { $more_than: 0 }, within: 'PT6H' } },
    oracle: (seen, now) => inWindow(seen, now, 6 * HOUR).length === 0,
  },
  seg_spender: {
    condition: { event: 'bought', sum: { property: 'amount', $more_than_equal: 10 }, within: 'P2D' },
    oracle: (seen, now) => sum(inWindow(seen, now, 2 * DAY)) >= 10,
  },
  seg_big_once: {
    condition: { event: 'bought', count: { $more_than: 0 }, where: [{ property: 'amount', $more_than: 8 }] },
    oracle: (seen, now) => seen.some(({ at, amount }) => at <= now && amount > 8),
  },
  seg_today: {
    condition: { event: 'bought', count: { $more_than_equal: 2 }, period: 'this_day' },
    oracle: (seen, now) => seen.filter(({ at }) => at <= now && sameDay(at, now)).length >= 2,
  },
  seg_month: {
    condition: { event: 'bought', sum: { property: 'amount', $more_than: 20 }, period: 'this_month' },
    oracle: (seen, now) => sum(seen.filter(({ at }) => at <= now && sameMonth(at, now))) > 20,
  },
}

/** Shortly before the clocks go forward in New York (8 March 2026, 02:00) and back (1 November 2026, 02:00). */
const starts = [
  Date.parse('2026-03-06T00:00:00Z'),
  Date.parse('2026-10-30T00:00:00Z'),
  Date.parse('2026-06-29T12:00:00Z'),
]

const durations = fc.oneof(
  fc.constantFrom(0, 1, HOUR, 6 * HOUR, 6 * HOUR - 1, DAY, DAY - 1, DAY + 1, 2 * DAY),
  fc.integer({ min: 0, max: 2 * DAY }),
)

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('buy' as const), ago: durations, amount: fc.integer({ min: 0, max: 9 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('buy' as const),
      ago: fc.integer({ min: -5 * MINUTE, max: 0 }),
      amount: fc.constant(3),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: durations }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reload' as const) }) },
)

const runs = times(100, 5_000)

test('membership is what scanning every event at that instant says, and it flips at the instant itself', () => {
  fc.assert(
    fc.property(fc.constantFrom(...starts), fc.array(step, { maxLength: 25 }), (start, steps) => {
      const w = world({ timeZone: 'America/New_York', now: start })
      w.define('eventSchema', 'ms_bought', {
        name: 'bought',
        schema: { properties: { amount: { type: 'number' } } },
      })
      for (const [id, { condition }] of Object.entries(definitions))
        w.define('segment', id, { name: id, type: 'auto-update', condition })
      w.facts({ type: 'SaveCustomer', profile: { source_id: 's' }, mayCreate: true })
      const seen: Seen[] = []
      const check = (when: string) => {
        for (const [id, { oracle }] of Object.entries(definitions))
          assert.is(Object.hasOwn(w.state.segments, id), oracle(seen, w.now), `${id} ${when}`)
      }
      for (const [n, one] of steps.entries()) {
        if (one.kind === 'wait') w.wait(one.ms)
        else if (one.kind === 'reload') w.reload()
        else {
          const at = w.now - one.ago
          w.facts(track('bought', { occurredAt: at, metadata: { amount: one.amount } }))
          seen.push({ at, amount: one.amount, recorded: w.now })
        }
        w.facts(advance)
        check(`after step ${n}`)
      }
      for (const fact of w.stream) {
        if ((fact.type !== 'SegmentEntered' && fact.type !== 'SegmentLeft') || fact.data.cause !== 'time') continue
        const { oracle } = definitions[fact.data.segment.id]!
        const at = fact.data.occurredAt
        // What fell due comes before what is recorded at the very same instant.
        const known = seen.filter(({ recorded }) => recorded < at)
        const entered = fact.type === 'SegmentEntered'
        assert.is(oracle(known, at), entered, `${fact.data.segment.id} at its instant`)
        assert.is(oracle(known, at - 1), !entered, `${fact.data.segment.id} a millisecond before`)
      }
    }),
    { numRuns: runs },
  )
})

test.run()
