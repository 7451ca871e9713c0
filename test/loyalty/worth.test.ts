// What points are worth and when they go: prices of coins, days of expiry, bounds by the period, at their edges.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { calendarOf } from '../../src/domain/calendar.ts'
import { ROLLBACK_WINDOW_MS, recentSpends } from '../../src/domain/customer/loyalty/state.ts'
import { pointsFor, worthOf } from '../../src/domain/loyalty/price.ts'
import { type ExpirationRules, expirationFaults, expiresAt } from '../../src/domain/rulebook/expiration.ts'
import { allowance, NO_TALLY, shifted, shiftsOf, tallied } from '../../src/domain/rulebook/limits.ts'
import fc from '../fc.ts'

const utc = calendarOf('UTC')

test('points pay what they are worth, rounded down, and the fewest that pay an amount are asked for', () => {
  const coin = { exchange_ratio: 3, points_ratio: 2 }
  assert.equal([worthOf(1, coin), worthOf(2, coin), worthOf(3, coin)], [1, 3, 4])
  assert.equal([pointsFor(0, coin), pointsFor(1, coin), pointsFor(3, coin), pointsFor(4, coin)], [0, 1, 2, 3])
  const ratio = fc.integer({ min: 1, max: 1_000_000_000 })
  fc.assert(
    fc.property(fc.nat(1_000_000), ratio, ratio, (amount, exchange_ratio, points_ratio) => {
      const points = pointsFor(amount, { exchange_ratio, points_ratio })
      assert.ok(worthOf(points, { exchange_ratio, points_ratio }) >= amount)
      if (points > 0) assert.ok(worthOf(points - 1, { exchange_ratio, points_ratio }) < amount)
    }),
  )
})

test('points last to the end of a day, rounded as the rules say', () => {
  const at = (rules: ExpirationRules | null, from = '2026-02-10T12:00:00Z') => {
    const end = expiresAt(rules, Date.parse(from), utc)
    return end === null ? null : new Date(end).toISOString().slice(0, 10)
  }
  const months = (period_value: number, rounding_type?: ExpirationRules['rounding_type'], rounding_value?: number) =>
    at({ period_type: 'MONTH', period_value, rounding_type, rounding_value })
  assert.is(at(null), null)
  assert.is(at({ period_type: 'MONTH' }), '2026-02-11', 'without a length they last for the day')
  assert.equal([months(1), months(12)], ['2026-03-11', '2027-02-11'])
  assert.equal([months(1, 'END_OF_MONTH'), months(1, 'END_OF_QUARTER')], ['2026-04-01', '2026-04-01'])
  assert.equal([months(2, 'END_OF_QUARTER'), months(4, 'END_OF_HALF_YEAR')], ['2026-07-01', '2026-07-01'])
  assert.equal([months(5, 'END_OF_HALF_YEAR'), months(10, 'END_OF_YEAR')], ['2027-01-01', '2027-01-01'])
  assert.equal(
    [3, 4, 5].map((month) => months(2, 'PARTICULAR_MONTH', month)),
    ['2027-04-01', '2026-05-01', '2026-06-01'],
  )
  assert.is(months(2, 'PARTICULAR_MONTH'), '2027-01-01')
  const fixed = (fixed_month: number, fixed_day: number, from?: string, period_value?: number) =>
    at({ period_type: 'FIXED_DAY_OF_YEAR', fixed_month, fixed_day, period_value }, from)
  assert.equal([fixed(6, 30), fixed(6, 30, undefined, 2)], ['2026-07-01', '2027-07-01'])
  assert.equal([fixed(2, 10), fixed(2, 9)], ['2026-02-11', '2027-02-10'], 'the day itself is still to come')
  assert.equal(
    [fixed(2, 9, '2026-02-10T00:00:00Z'), fixed(2, 9, '2026-02-09T23:59:59.999Z')],
    ['2027-02-10', '2026-02-10'],
  )
  assert.equal([fixed(2, 29), fixed(2, 29, '2028-01-01T00:00:00Z')], ['2026-03-01', '2028-03-01'])
  assert.is(at({ period_type: 'FIXED_DAY_OF_YEAR', fixed_month: 2 }), null)
})

test('rules of expiry name what is missing, and a day that no year has', () => {
  const faults = (rules: ExpirationRules) => expirationFaults(rules, 'e').map(({ path }) => path)
  assert.equal(faults({ period_type: 'MONTH', period_value: 1 }), [])
  assert.equal(faults({ period_type: 'MONTH' }), ['e.period_value'])
  assert.equal(faults({ period_type: 'MONTH', period_value: 1, rounding_type: 'PARTICULAR_MONTH' }), [
    'e.rounding_value',
  ])
  assert.equal(faults({ period_type: 'FIXED_DAY_OF_YEAR' }), ['e.fixed_month', 'e.fixed_day'])
  const day = (fixed_month: number, fixed_day: number) =>
    faults({ period_type: 'FIXED_DAY_OF_YEAR', fixed_month, fixed_day })
  assert.equal([day(2, 29), day(2, 30), day(4, 30), day(4, 31)], [[], ['e.fixed_day'], [], ['e.fixed_day']])
  assert.equal(expirationFaults(null, 'e'), [])
})

test('a period counts its first day and not the day after its last', () => {
  const at = (day: string) => Date.parse(`${day}T12:00:00Z`)
  const days = ['2026-02-28', '2026-03-01', '2026-03-31', '2026-04-01']
  const tally = days.reduce((sum, day) => tallied(sum, 10, day, at(day)), NO_TALLY)
  const left = (day: string, period: 'day' | 'week' | 'month' | 'ever', points: number) => {
    const found = allowance({ max_per_period: { period, points } }, tally, at(day), utc)
    return 'points' in found ? found.points : found.reason
  }
  assert.equal(
    [left('2026-03-15', 'month', 21), left('2026-03-01', 'day', 11), left('2026-03-02', 'day', 11)],
    [1, 1, 11],
  )
  assert.match(String(left('2026-03-15', 'month', 20)), /reached for the month/)
  assert.equal([left('2026-03-30', 'week', 25), left('2026-03-15', 'ever', 41)], [5, 1])
  assert.match(String(left('2026-03-15', 'ever', 40)), /reached for the customer/)
  const times = (n: number) => 'points' in allowance({ max_per_customer: { times: n } }, tally, at('2026-05-01'), utc)
  assert.equal([times(4), times(5)], [false, true])
  const most = (points: number) => allowance({ max_per_customer: { points } }, tally, at('2026-05-01'), utc)
  assert.equal([most(41), 'reason' in most(40)], [{ points: 1 }, true])
})

test('payments are kept in the order of what they were for, the newest thirty-two', () => {
  const tally = [3, 1, 2].reduce((sum, n) => tallied(sum, n, '2026-03-01', n), NO_TALLY)
  assert.equal(
    [tally.recent, tally.amounts],
    [
      [1, 2, 3],
      [1, 2, 3],
    ],
  )
  const many = Array.from({ length: 40 }, (_, n) => n).reduce((sum, n) => tallied(sum, n, '2026-03-01', n), NO_TALLY)
  assert.equal([many.recent.length, many.recent[0], many.amounts[0], many.times], [32, 8, 8, 40])
})

test('payments move to the day that they lie on by another calendar, as far as they are counted', () => {
  const at = Date.parse('2026-03-01T23:30:00Z')
  const tally = tallied(tallied(NO_TALLY, 5, '2026-03-01', at), 7, '2026-03-01', at - 3_600_000)
  const [shift, ...none] = shiftsOf(tally, utc, calendarOf('Europe/Berlin'))
  assert.equal([shift, none], [{ before: '2026-03-01', after: '2026-03-02', points: 5, times: 1 }, []])
  assert.equal(shifted(tally, shift!).days, { '2026-03-01': [7, 1], '2026-03-02': [5, 1] })
  assert.equal(shifted(shifted(tally, shift!), { ...shift!, points: 7 }).days, { '2026-03-02': [12, 2] })
  assert.is(shifted(tally, { ...shift!, times: 3 }), tally)
  assert.is(shifted(tally, { ...shift!, points: 13 }), tally)
  assert.is(shifted(tally, { ...shift!, before: '2026-02-01', times: 0 }), tally, 'a day that is not counted')
})

test('what paid is remembered for as long as it can be rolled back', () => {
  const spends = { a: { at: 0 }, b: { at: 1 } } as never
  assert.equal(Object.keys(recentSpends(spends, ROLLBACK_WINDOW_MS)), ['a', 'b'])
  assert.equal(Object.keys(recentSpends(spends, ROLLBACK_WINDOW_MS + 1)), ['b'])
})

test.run()
