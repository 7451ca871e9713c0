// Tests of dates against the present: each against a naive meaning, and the end of each answer to the millisecond.

import { DateTime } from 'luxon'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compile } from '../../src/domain/conditions/compile.ts'
import { parseFilter } from '../../src/domain/conditions/filter.ts'
import fc from '../fc.ts'
import { times } from '../soak.ts'
import { environment, holds, nobody, ZONE } from './fixtures.ts'

const RUNS = times(600, 30_000)

type Asked = { readonly value: DateTime; readonly today: DateTime; readonly n: number }

/** The day on which a date comes round in a year; luxon moves 29 February to the 28th in common years. */
const anniversary = (value: DateTime, year: number): DateTime => value.startOf('day').set({ year })

const someYear = ({ value, today }: Asked, holds: (day: DateTime) => boolean): boolean =>
  [-2, -1, 0, 1, 2].some((years) => holds(anniversary(value, today.year + years)))

const isSame = (a: DateTime, b: DateTime, unit: 'day' | 'week' | 'month' | 'year') =>
  a.startOf(unit).toMillis() === b.startOf(unit).toMillis()

const daysApart = (from: DateTime, to: DateTime): number =>
  Math.round(to.startOf('day').diff(from.startOf('day'), 'days').days)

const lastAnniversary = ({ value, today }: Asked): number =>
  Math.min(...[-1, 0].map((y) => daysApart(anniversary(value, today.year + y), today)).filter((days) => days >= 0))

const nextAnniversary = ({ value, today }: Asked): number =>
  Math.min(...[0, 1].map((y) => daysApart(today, anniversary(value, today.year + y))).filter((days) => days >= 0))

const MEANINGS: Readonly<Record<string, (asked: Asked) => boolean>> = {
  $today: ({ value, today }) => isSame(value, today, 'day'),
  $yesterday: ({ value, today }) => isSame(value, today.minus({ days: 1 }), 'day'),
  $tomorrow: ({ value, today }) => isSame(value, today.plus({ days: 1 }), 'day'),
  $is_days_ago: ({ value, today, n }) => isSame(value, today.minus({ days: n }), 'day'),
  $is_days_in_future: ({ value, today, n }) => isSame(value, today.plus({ days: n }), 'day'),
  $this_week: ({ value, today }) => isSame(value, today, 'week'),
  $last_week: ({ value, today }) => isSame(value, today.minus({ weeks: 1 }), 'week'),
  $next_week: ({ value, today }) => isSame(value, today.plus({ weeks: 1 }), 'week'),
  $this_month: ({ value, today }) => isSame(value, today, 'month'),
  $last_month: ({ value, today }) => isSame(value, today.startOf('month').minus({ months: 1 }), 'month'),
  $next_month: ({ value, today }) => isSame(value, today.startOf('month').plus({ months: 1 }), 'month'),
  $this_year: ({ value, today }) => isSame(value, today, 'year'),
  $last_year: ({ value, today }) => isSame(value, today.minus({ years: 1 }), 'year'),
  $next_year: ({ value, today }) => isSame(value, today.plus({ years: 1 }), 'year'),
  $today_md: (asked) => someYear(asked, (day) => isSame(day, asked.today, 'day')),
  $yesterday_md: (asked) => someYear(asked, (day) => isSame(day, asked.today.minus({ days: 1 }), 'day')),
  $tomorrow_md: (asked) => someYear(asked, (day) => isSame(day, asked.today.plus({ days: 1 }), 'day')),
  $is_days_ago_md: (asked) => someYear(asked, (day) => isSame(day, asked.today.minus({ days: asked.n }), 'day')),
  $is_days_in_future_md: (asked) => someYear(asked, (day) => isSame(day, asked.today.plus({ days: asked.n }), 'day')),
  $this_week_md: (asked) => someYear(asked, (day) => isSame(day, asked.today, 'week')),
  $last_week_md: (asked) => someYear(asked, (day) => isSame(day, asked.today.minus({ weeks: 1 }), 'week')),
  $next_week_md: (asked) => someYear(asked, (day) => isSame(day, asked.today.plus({ weeks: 1 }), 'week')),
  $this_month_md: (asked) => someYear(asked, (day) => isSame(day, asked.today, 'month')),
  $last_month_md: (asked) =>
    someYear(asked, (day) => isSame(day, asked.today.startOf('month').minus({ months: 1 }), 'month')),
  $next_month_md: (asked) =>
    someYear(asked, (day) => isSame(day, asked.today.startOf('month').plus({ months: 1 }), 'month')),
  $is_less_days_ago_md: (asked) => lastAnniversary(asked) <= asked.n,
  $is_more_days_ago_md: (asked) => lastAnniversary(asked) > asked.n,
  $is_less_days_in_future_md: (asked) => nextAnniversary(asked) <= asked.n,
  $is_more_days_in_future_md: (asked) => nextAnniversary(asked) > asked.n,
  $is_years_ago: ({ value, today, n }) => isSame(value.startOf('day').plus({ years: n }), today, 'day'),
  $more_than_ago: ({ value, today, n }) => value.plus({ hours: 24 * n }) <= today,
  $less_than_ago: ({ value, today, n }) => value <= today && value.plus({ hours: 24 * n }) > today,
  $more_than_future: ({ value, today, n }) => value.minus({ hours: 24 * n }) >= today,
  $less_than_future: ({ value, today, n }) => value > today && value.minus({ hours: 24 * n }) < today,
}

const NUMBERED = /ago|future|years/

const value = fc.oneof(
  fc
    .constantFrom('2024-02-29T12:00:00Z', '2024-12-31T23:30:00Z', '2026-01-01T05:00:00Z', '2026-03-08T05:00:00Z')
    .map(Date.parse),
  fc.integer({ min: Date.parse('2019-01-01'), max: Date.parse('2031-01-01') }),
)

/** Instants at which something may turn: on the hour round midnights and, rarely, anywhere. */
const present = fc.oneof(
  fc
    .tuple(
      fc.integer({ min: Date.parse('2024-01-01') / 86_400_000, max: Date.parse('2030-01-01') / 86_400_000 }),
      fc.integer({ min: -1, max: 1 }),
      fc.integer({ min: 3, max: 6 }),
    )
    .map(([day, ms, hour]) => day * 86_400_000 + hour * 3_600_000 + ms),
  fc.integer({ min: Date.parse('2024-01-01'), max: Date.parse('2030-01-01') }),
)

for (const [operator, means] of Object.entries(MEANINGS))
  test(`${operator}: means what it says, and its end is exact`, () => {
    fc.assert(
      fc.property(
        value,
        present,
        fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constantFrom(30, 363, 364, 365, 366)),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (at, now, n, between) => {
          const operand = NUMBERED.test(operator) ? n : true
          const parsed = parseFilter({ created_at: { conditions: { [operator]: operand } } }, environment)
          if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults))
          const compiled = compile(parsed.condition, environment)
          const local = DateTime.fromMillis(at, { zone: ZONE })
          const expected = (instant: number) =>
            means({ value: local, today: DateTime.fromMillis(instant, { zone: ZONE }), n })
          const { holds, until } = compiled.evaluate({ ...nobody, createdAt: at }, {}, now)
          assert.is(holds, expected(now))
          const end = until ?? now + 3 * 366 * 86_400_000
          assert.ok(end > now)
          assert.is(expected(now + Math.floor((end - now - 1) * between)), holds, 'between now and the end')
          assert.is(expected(end - 1), holds, 'just before the end')
          if (until === null) return
          assert.is.not(expected(until), holds, 'at the end')
          assert.is.not(compiled.evaluate({ ...nobody, createdAt: at }, {}, until).holds, holds, 'asked at the end')
        },
      ),
      { numRuns: Math.ceil(RUNS / 6) },
    )
  })

const zone = { zone: ZONE }
const noon = (day: string) => DateTime.fromISO(`${day}T12:00:00`, zone).toMillis()

test('the answer about an anniversary ends at the midnight at which it changes', () => {
  // Of what came round, or comes round, on 8 March: operator, days, today, whether it holds, until when.
  const rows: readonly (readonly [operator: string, days: number, today: string, holds: boolean, until: string])[] = [
    ['$is_less_days_ago_md', 3, '2026-03-08', true, '2026-03-12'],
    ['$is_less_days_ago_md', 3, '2026-03-11', true, '2026-03-12'],
    ['$is_less_days_ago_md', 3, '2026-03-12', false, '2027-03-08'],
    ['$is_less_days_ago_md', 3, '2026-03-07', false, '2026-03-08'],
    // It comes round again before so many days are over, but in a year of 366.
    ['$is_less_days_ago_md', 364, '2026-03-07', true, '2028-03-07'],
    ['$is_less_days_in_future_md', 3, '2026-03-08', true, '2026-03-09'],
    ['$is_less_days_in_future_md', 3, '2026-03-05', true, '2026-03-09'],
    ['$is_less_days_in_future_md', 3, '2026-03-04', false, '2026-03-05'],
    ['$is_less_days_in_future_md', 3, '2026-03-09', false, '2027-03-05'],
  ]
  for (const [operator, days, today, holds, until] of rows) {
    const parsed = parseFilter({ created_at: { conditions: { [operator]: days } } }, environment)
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults))
    const told = compile(parsed.condition, environment).evaluate(
      { ...nobody, createdAt: noon('1990-03-08') },
      {},
      noon(today),
    )
    const midnight = DateTime.fromISO(until, zone).toMillis()
    assert.equal([told.holds, told.until], [holds, midnight], `${operator} ${days} on ${today}`)
  }
})

test('a day that comes round lies up to a year and a day away, which may be two years on', () => {
  for (const [operator, came, today] of [
    ['$is_days_in_future_md', '2001-01-01', '2026-12-31'],
    ['$is_days_ago_md', '2001-12-31', '2026-01-01'],
  ] as const) {
    const parsed = parseFilter({ created_at: { conditions: { [operator]: 366 } } }, environment)
    assert.ok(holds(parsed, { createdAt: noon(came) }, {}, noon(today)), operator)
  }
})

test.run()
