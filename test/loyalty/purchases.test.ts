// Points on real purchases: 1 for every full dollar, twice that in one department, at most so many a day; every household's balance
// against an independent calculation over the file. PURCHASES_CSV and PRODUCTS_CSV name the whole set.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { byHousehold, type Purchase, purchases } from '../data/purchases.ts'
import { track, world } from '../given.ts'
import { balances, PROGRAM, perAmount, program } from './fixtures.ts'

const DOUBLED = 'GROCERY'
/** 200 a day is met by hardly anybody; the lower bound shows that it works. */
const BOUNDS = [200, 20] as const
const ZONE = 'America/New_York'

/** Told without any of the code under test: days by Intl, whole dollars by integer division of cents. */
const expected = (bought: readonly Purchase[], most: number): number => {
  const days = new Intl.DateTimeFormat('en-CA', { timeZone: ZONE })
  const byDay = new Map<string, number>()
  for (const { at, amount, department } of bought) {
    const dollars = Math.trunc(amount / 100)
    const points = department === DOUBLED ? 2 * dollars : dollars
    const day = days.format(at)
    byDay.set(day, Math.min(most, (byDay.get(day) ?? 0) + points))
  }
  return [...byDay.values()].reduce((n, points) => n + points, 0)
}

const household = (most: number) => {
  const w = world({ timeZone: ZONE, now: Date.parse('2018-01-02T00:00:00Z'), customer: 'cust_h' })
  w.define('eventSchema', 'ms_bought', {
    name: 'bought',
    schema: { properties: { amount: { type: 'number' }, department: { type: 'string' } } },
  })
  w.define('campaign', PROGRAM, program({ max_per_period: { period: 'day', points: most } }))
  w.define('validationRule', 'val_doubled', {
    name: 'doubled',
    rules: {
      '1': { name: 'custom_event.metadata', property: 'department', conditions: { $is: [DOUBLED] } },
      logic: '1',
    },
  })
  w.define('earningRule', 'ern_dollar', perAmount(100, 1))
  w.define('earningRule', 'ern_again', perAmount(100, 1, { validation_rule_id: 'val_doubled' }))
  return w
}

for (const most of BOUNDS)
  test(`at most ${most} points a day: every household has the points that the file says, to the point, in whatever order the purchases arrive`, () => {
    const households = byHousehold(purchases())
    assert.ok(households.size > 50)
    let capped = 0
    for (const [n, bought] of [...households.values()].entries()) {
      const w = household(most)
      // One household in three is told backwards: bounds count by when the customer acted.
      for (const { at, amount, department } of n % 3 === 0 ? bought.toReversed() : bought)
        w.facts(track('bought', { occurredAt: at, metadata: { amount, department }, triggerHorizonMs: 0 }))
      const held = Object.values(w.state.loyalty.cards)[0]
      assert.is(held?.balance ?? 0, expected(bought, most), bought[0]?.household)
      const unbounded = bought.reduce((s, p) => s + Math.trunc(p.amount / 100) * (p.department === DOUBLED ? 2 : 1), 0)
      if (unbounded > expected(bought, most)) capped++
      balances(w)
    }
    if (most === 20) assert.ok(capped > 10, 'the bound is met by some households')
  })

test.run()
