// Segments over real purchases: at 20 instants of the year the members are those that an oracle finds by scanning.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { byHousehold, type Purchase, purchases } from '../data/purchases.ts'
import { advance, DAY, track, type World, world } from '../given.ts'

const ZONE = 'America/New_York'
const month = new Intl.DateTimeFormat('en-CA', { timeZone: ZONE, year: 'numeric', month: '2-digit' })

interface Case {
  readonly condition: Record<string, unknown>
  readonly oracle: (seen: readonly Purchase[], now: number) => boolean
}

const cases: Readonly<Record<string, Case>> = {
  seg_often: {
    condition: { event: 'purchase', count: { $more_than_equal: 3 }, within: 'P30D' },
    oracle: (seen, now) => seen.filter(({ at }) => at > now - 30 * DAY).length >= 3,
  },
  seg_spent: {
    condition: {
      event: 'purchase',
      sum: { property: 'amount', $more_than_equal: 5_000 },
      period: 'this_month',
    },
    oracle: (seen, now) =>
      seen.filter(({ at }) => month.format(at) === month.format(now)).reduce((sum, { amount }) => sum + amount, 0) >=
      5_000,
  },
  seg_grocer: {
    condition: {
      all: [
        {
          event: 'purchase',
          count: { $more_than: 0 },
          where: [{ property: 'department', $is: 'GROCERY' }],
        },
        {
          not: {
            event: 'purchase',
            count: { $more_than: 0 },
            where: [{ property: 'coupon', $more_than: 0 }],
          },
        },
      ],
    },
    oracle: (seen) => seen.some((p) => p.department === 'GROCERY') && !seen.some((p) => p.coupon > 0),
  },
}

const shop = (now: number): World => {
  const w = world({ timeZone: ZONE, now })
  w.define('eventSchema', 'ms_purchase', {
    name: 'purchase',
    schema: {
      properties: { amount: { type: 'number' }, coupon: { type: 'number' }, department: { type: 'string' } },
    },
  })
  for (const [id, { condition }] of Object.entries(cases))
    w.define('segment', id, { name: id, type: 'auto-update', condition })
  return w
}

test('members are those that scanning finds, at 20 instants of the year', () => {
  const year = Date.parse('2017-01-01T05:00:00Z')
  const instants = Array.from({ length: 20 }, (_, i) => Math.round(year + ((i + 1) * 365 * DAY) / 20 - 12_345_678))
  const found: Record<string, number> = {}
  for (const [household, bought] of byHousehold(purchases())) {
    const w = shop(year)
    let next = 0
    for (const instant of instants) {
      for (let p = bought[next]; p !== undefined && p.at <= instant; p = bought[++next]) {
        w.wait(p.at - w.now)
        const { amount, coupon, department } = p
        w.facts(track('purchase', { occurredAt: p.at, metadata: { amount, coupon, department } }))
      }
      w.wait(instant - w.now)
      w.when(advance)
      const seen = bought.slice(0, next)
      for (const [id, { oracle }] of Object.entries(cases)) {
        // Nobody is a customer before the first purchase.
        const expected = seen.length > 0 && oracle(seen, instant)
        assert.is(Object.hasOwn(w.state.segments, id), expected, `household ${household}, ${id} at ${instant}`)
        if (expected) found[id] = (found[id] ?? 0) + 1
      }
    }
  }
  for (const id of Object.keys(cases)) assert.ok((found[id] ?? 0) > 0, `${id} was never entered`)
})

test.run()
