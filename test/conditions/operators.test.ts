// Every operator of the public formats, asked the same in all three forms: when it holds, when it does not, of what type
// whatever value is, of lists, of nothing.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseFilter } from '../../src/domain/conditions/filter.ts'
import { parseNative } from '../../src/domain/conditions/native.ts'
import { parseRules } from '../../src/domain/conditions/rules.ts'
import type { Context, Subject } from '../../src/domain/conditions/subject.ts'
import { environment, holds } from './fixtures.ts'

/** Operator, operand, values that pass, values that do not; of a metadata key without a type. */
const VALUES: readonly (readonly [string, unknown, readonly unknown[], readonly unknown[]])[] = [
  ['$is', 'gold', ['gold', ['gold', 'x']], ['Gold', 'golden', undefined, '', 5]],
  ['$is', ['gold', 'silver'], ['gold', 'silver'], ['bronze', undefined]],
  ['$is', '5', [5, '5'], [50, '5.0', true]],
  ['$is', 5, [5, '5'], [6, '6']],
  ['$is', true, [true, 'true'], [false, 1, undefined]],
  ['$is', [false], [false, 'false'], [true, undefined, 0]],
  ['$is_not', 'gold', ['silver', undefined, 7, []], ['gold', ['silver', 'gold']]],
  ['$is_not', ['gold', 'silver'], ['bronze'], ['gold', 'silver']],
  ['$in', ['a', 'b'], ['a', 'b'], ['c', undefined]],
  ['$in', 'a', ['a'], ['b']],
  ['$not_in', ['a', 'b'], ['c', undefined], ['a', 'b']],
  ['$includes', ['a', 'b'], [['a', 'b', 'c']], [['a', 'c'], 'a', undefined]],
  ['$intersects', ['a', 'b'], [['b', 'c'], 'a'], [['c'], undefined]],
  ['$has_value', true, ['x', 0, false, ['a']], [undefined, null, '', []]],
  ['$has_value', [true], ['x'], [undefined]],
  ['$is_unknown', 'true', [undefined, null, '', []], ['x', 0, false]],
  ['$contains', 'old', ['gold', 'old', ['a', 'old']], ['go', ['gold'], undefined]],
  ['$contains', ['old', 'sil'], ['gold', 'silver'], ['bronze']],
  ['$not_contain', 'old', ['silver', undefined, ['gold']], ['gold', ['old']]],
  ['$starts_with', 'go', ['gold', ['x', 'gold']], ['ago', undefined]],
  ['$starts_with', ['go', 'si'], ['gold', 'silver'], ['bronze']],
  ['$ends_with', 'ld', ['gold'], ['lder', undefined]],
  ['$more_than', 5, [6, '6', 5.01, [1, 6]], [5, '5', 4, 'abc', undefined, [1, 5]]],
  ['$more_than', ['0'], [1, '1'], [0, -1]],
  ['$more_than_equal', '5', [5, 6], [4.99]],
  ['$more_than_or_equal', 5, [5, 6], [4.99]],
  ['$greater_than_or_equal', 5, [5, 6], [4.99]],
  ['$less_than', 5, [4, '4.99', -1, [9, 4]], [5, undefined, '', null, [9, 5]]],
  ['$less_than_equal', [5], [5, 4], [5.01]],
  ['$less_than_or_equal', 5, [5, 4], [5.01]],
  ['$from', 5, [5, 6], [4]],
  ['$from', '2026-03-01', ['2026-03-01', '2026-04-01'], ['2026-02-28']],
  ['$after', '2026-03-01', ['2026-03-02', '2026-03-01T00:00:00.001'], ['2026-03-01', '2026-02-28', 'x', 5, undefined]],
  ['$after_equal', '2026-03-01', ['2026-03-01'], ['2026-02-28']],
  ['$before', '2026-03-01', ['2026-02-28', '2026-03-01T04:59:59.999Z'], ['2026-03-01', '2026-03-01T05:00:00Z']],
  ['$before_equal', ['2026-03-01'], ['2026-03-01', '2026-03-02T04:59:59.999Z'], ['2026-03-02', '2026-03-02T05:00:00Z']],
  ['$before_equal', '2026-03-01T12:00:00Z', ['2026-03-01T12:00:00Z'], ['2026-03-01T12:00:00.001Z']],
  [
    '$after',
    '2026-03-01T12:00:00Z',
    ['2026-03-01T12:00:00.001Z', '2026-03-01T14:00:00+01:00'],
    ['2026-03-01T12:00:00Z'],
  ],
  ['$count', 2, [['a', 'b']], [['a'], 'a', undefined]],
  ['$count', ['0'], [[], undefined], [['a']]],
  ['$count_more', '1', [['a', 'b']], [['a'], 'a']],
  ['$count_less', 2, [['a'], 'a', undefined], [['a', 'b']]],
  ['$not_intersect', ['a', 'b'], [['c'], undefined, 'c'], [['b', 'c'], 'a']],
  [
    '$not_differ',
    ['a', 'b'],
    [
      ['b', 'a'],
      ['a', 'b', 'a'],
    ],
    [['a'], ['a', 'b', 'c'], 'a', undefined],
  ],
  ['$dow', [0, '6'], ['2026-03-08', '2026-03-07T12:00:00Z'], ['2026-03-09', undefined]],
  [
    '$timeframe',
    '2026-03-01T09:00:00;P1D;PT2H',
    ['2026-03-09T10:59:59'],
    ['2026-03-09T11:00:00', '2026-02-28T10:00:00'],
  ],
  ['$timeframe_absolute', '2026-03-01;2026-03-03', ['2026-03-01', '2026-03-02T23:59:59'], ['2026-03-03', '2026-02-28']],
  [
    '$timeframe_daily_hours',
    '18:00;20:01;2,3',
    ['2026-03-10T20:00:59'],
    ['2026-03-10T20:01:00', '2026-03-12T19:00:00'],
  ],
  ['$is_day_of_month', 29, ['2024-02-29', '2024-03-29T12:00:00Z'], ['2024-02-28', undefined]],
  ['$is_day', '2026-03-01', ['2026-03-01', '2026-03-02T04:59:00Z'], ['2026-03-02', '2026-03-02T05:00:00Z']],
  ['$is_day', 0, ['2026-03-01'], ['2026-03-02']],
  ['$is_day', [0, 2], ['2026-03-01', '2026-03-03'], ['2026-03-02']],
  ['$is_day', ['2026-03-01'], ['2026-03-01'], ['2026-03-02']],
  ['$is_month', [2, '3'], ['2024-02-29', '2020-03-01'], ['2024-01-31']],
  ['$is_year', 2024, ['2024-02-29', '2025-01-01T04:59:59Z'], ['2025-01-01']],
  ['$in_location', '48.8584,2.2945,1000', ['48.86,2.29', { latitude: 48.86, longitude: 2.29 }], ['48.9,2.29', 'x']],
  ['$not_in_location', ['48.8584,2.2945,1000'], ['48.9,2.29', undefined], ['48.86,2.29']],
]

/** Operator, operand, value, an instant at which it holds, one at which it does not, and the next change after each. */
const TIMES: readonly (readonly [string, unknown, string, readonly string[], readonly string[]])[] = [
  // 2026-03-10 12:00 in New York is 16:00Z; the clocks went forward on 2026-03-08.
  [
    '$more_than_ago',
    30,
    '2026-02-10T16:00:00Z',
    ['2026-03-12T16:00:00Z', '2030-01-01T00:00:00Z'],
    ['2026-03-12T15:59:59.999Z', '2026-02-01T00:00:00Z'],
  ],
  ['$more_than_ago', 'P30D', '2026-02-10T16:00:00Z', ['2026-03-12T16:00:00Z'], ['2026-03-12T15:59:59.999Z']],
  ['$more_than_ago', ['P1M'], '2026-02-10T16:00:00Z', ['2026-03-10T15:00:00Z'], ['2026-03-10T14:59:59.999Z']],
  ['$more_than_ago', 'P18Y', '2008-02-29', ['2026-02-28T05:00:00Z'], ['2026-02-28T04:59:59.999Z']],
  // A date without time moves by days of the calendar: 30 days after midnight is midnight, whatever the clocks do.
  ['$more_than_ago', 30, '2026-02-10', ['2026-03-12T04:00:00Z'], ['2026-03-12T03:59:59.999Z']],
  [
    '$less_than_ago',
    30,
    '2026-02-10T16:00:00Z',
    ['2026-02-10T16:00:00Z', '2026-03-12T15:59:59.999Z'],
    ['2026-02-10T15:59:59.999Z', '2026-03-12T16:00:00Z'],
  ],
  ['$less_than_ago', 'PT1H', '2026-02-10T16:00:00Z', ['2026-02-10T16:59:59.999Z'], ['2026-02-10T17:00:00Z']],
  ['$more_than_future', 2, '2026-02-10T16:00:00Z', ['2026-02-08T16:00:00Z'], ['2026-02-08T16:00:00.001Z']],
  [
    '$less_than_future',
    2,
    '2026-02-10T16:00:00Z',
    ['2026-02-08T16:00:00.001Z', '2026-02-10T15:59:59.999Z'],
    ['2026-02-08T16:00:00Z', '2026-02-10T16:00:00Z'],
  ],
  [
    '$is_days_ago',
    2,
    '2026-03-07',
    ['2026-03-09T04:00:00Z', '2026-03-10T03:59:59.999Z'],
    ['2026-03-09T03:59:59.999Z', '2026-03-10T04:00:00Z'],
  ],
  ['$is_days_ago', '0', '2026-03-07', ['2026-03-07T05:00:00Z'], ['2026-03-08T05:00:00Z']],
  ['$is_days_in_future', [2], '2026-03-09', ['2026-03-07T05:00:00Z'], ['2026-03-08T05:00:00Z']],
  // The day on which the clocks go forward has 23 hours.
  [
    '$today',
    true,
    '2026-03-08T20:00:00Z',
    ['2026-03-08T05:00:00Z', '2026-03-09T03:59:59.999Z'],
    ['2026-03-08T04:59:59.999Z', '2026-03-09T04:00:00Z'],
  ],
  ['$tomorrow', true, '2026-03-09', ['2026-03-08T05:00:00Z'], ['2026-03-09T04:00:00Z', '2026-03-08T04:59:59.999Z']],
  ['$yesterday', [true], '2026-03-07', ['2026-03-08T05:00:00Z'], ['2026-03-09T04:00:00Z']],
  [
    '$this_week',
    true,
    '2026-03-08',
    ['2026-03-02T05:00:00Z', '2026-03-09T03:59:59.999Z'],
    ['2026-03-02T04:59:59.999Z', '2026-03-09T04:00:00Z'],
  ],
  ['$last_week', true, '2026-03-08', ['2026-03-09T04:00:00Z'], ['2026-03-09T03:59:59.999Z', '2026-03-16T04:00:00Z']],
  ['$next_week', true, '2026-03-09', ['2026-03-08T12:00:00Z'], ['2026-03-09T04:00:00Z', '2026-03-02T04:59:59.999Z']],
  ['$this_month', true, '2026-03-31', ['2026-03-01T05:00:00Z'], ['2026-04-01T04:00:00Z']],
  ['$last_month', true, '2026-03-31', ['2026-04-30T12:00:00Z'], ['2026-03-31T12:00:00Z', '2026-05-01T04:00:00Z']],
  ['$next_month', true, '2026-03-31', ['2026-02-28T12:00:00Z'], ['2026-03-31T12:00:00Z']],
  ['$this_year', true, '2026-12-31', ['2026-01-01T05:00:00Z'], ['2027-01-01T05:00:00Z']],
  ['$last_year', true, '2026-12-31', ['2027-06-01T00:00:00Z'], ['2026-06-01T00:00:00Z']],
  ['$next_year', true, '2026-12-31', ['2025-06-01T00:00:00Z'], ['2026-06-01T00:00:00Z']],
  ['$is_years_ago', 18, '2008-02-29', ['2026-02-28T12:00:00Z'], ['2026-03-01T12:00:00Z', '2027-02-28T12:00:00Z']],
  ['$today_md', true, '1990-03-08', ['2026-03-08T12:00:00Z', '1999-03-08T12:00:00Z'], ['2026-03-09T12:00:00Z']],
  ['$today_md', true, '1992-02-29', ['2026-02-28T12:00:00Z', '2028-02-29T12:00:00Z'], ['2028-02-28T12:00:00Z']],
  ['$tomorrow_md', true, '1990-01-01', ['2026-12-31T12:00:00Z'], ['2026-01-01T12:00:00Z']],
  ['$yesterday_md', true, '1990-12-31', ['2027-01-01T12:00:00Z'], ['2026-12-31T12:00:00Z']],
  ['$this_week_md', true, '1990-01-01', ['2026-12-31T12:00:00Z', '2027-01-03T12:00:00Z'], ['2027-01-04T12:00:00Z']],
  ['$last_week_md', true, '1990-01-01', ['2027-01-04T12:00:00Z'], ['2026-12-31T12:00:00Z']],
  ['$next_week_md', true, '1990-01-01', ['2026-12-27T12:00:00Z'], ['2026-12-28T12:00:00Z']],
  ['$this_month_md', true, '1990-01-15', ['2026-01-31T12:00:00Z'], ['2026-02-01T12:00:00Z']],
  ['$last_month_md', true, '1990-12-15', ['2026-01-31T12:00:00Z'], ['2026-12-15T12:00:00Z']],
  ['$next_month_md', true, '1990-01-15', ['2026-12-31T12:00:00Z'], ['2026-01-15T12:00:00Z']],
  ['$is_days_ago_md', 3, '1990-12-31', ['2026-01-03T12:00:00Z'], ['2026-01-04T12:00:00Z']],
  ['$is_days_in_future_md', 3, '1990-01-01', ['2026-12-29T12:00:00Z'], ['2026-12-30T12:00:00Z']],
  [
    '$is_less_days_ago_md',
    3,
    '1990-12-31',
    ['2026-12-31T12:00:00Z', '2026-01-03T12:00:00Z'],
    ['2026-01-04T12:00:00Z', '2026-12-30T12:00:00Z'],
  ],
  ['$is_more_days_ago_md', 3, '1990-12-31', ['2026-01-04T12:00:00Z'], ['2026-01-03T12:00:00Z', '2026-12-31T12:00:00Z']],
  [
    '$is_less_days_in_future_md',
    3,
    '1990-01-01',
    ['2026-12-29T12:00:00Z', '2026-01-01T12:00:00Z'],
    ['2026-01-02T12:00:00Z', '2026-12-28T12:00:00Z'],
  ],
  ['$is_more_days_in_future_md', 3, '1990-01-01', ['2026-12-28T12:00:00Z'], ['2026-12-29T12:00:00Z']],
]

type Row = readonly [string, unknown]

const metadata = (value: unknown): Partial<Subject> => ({
  profile: value === undefined ? {} : { metadata: { k: value } },
})

/** One operator asked of `metadata.k` of the customer, in each form of conditions. */
const FORMS: Readonly<Record<string, (row: Row) => ReturnType<typeof parseFilter>>> = {
  filter: ([operator, operand]) =>
    parseFilter({ junction: 'and', 'metadata.k': { conditions: { [operator]: operand } } }, environment),
  rules: ([operator, operand]) =>
    parseRules(
      { rules: { 1: { name: 'customer.metadata', property: 'k', conditions: { [operator]: operand } }, logic: '1' } },
      environment,
    ),
  native: ([operator, operand]) => parseNative({ attribute: 'metadata.k', [operator]: operand }, environment),
}

const shown = (value: unknown): string => JSON.stringify(value) ?? 'nothing'

for (const [operator, operand, passing, failing] of VALUES)
  test(`${operator} ${shown(operand)}`, () => {
    for (const [form, parse] of Object.entries(FORMS)) {
      const parsed = parse([operator, operand])
      for (const value of passing) assert.ok(holds(parsed, metadata(value)), `${form}: ${shown(value)} should pass`)
      for (const value of failing) assert.not(holds(parsed, metadata(value)), `${form}: ${shown(value)} should fail`)
    }
  })

for (const [operator, operand, value, passing, failing] of TIMES)
  test(`${operator} ${shown(operand)} of ${value}`, () => {
    for (const [form, parse] of Object.entries(FORMS)) {
      const parsed = parse([operator, operand])
      for (const now of passing)
        for (const one of [value, ['no date', value]])
          assert.ok(holds(parsed, metadata(one), {}, Date.parse(now)), `${form} should hold at ${now}`)
      for (const now of failing)
        assert.not(holds(parsed, metadata(value), {}, Date.parse(now)), `${form} should fail at ${now}`)
    }
  })

const NEGATIVE = new Set(['$is_not', '$not_in', '$not_contain', '$not_intersect', '$not_in_location'])
/** Answered for nothing and for every value, so that no value is of the wrong type. */
const OF_PRESENCE = new Set(['$has_value', '$is_unknown', '$count', '$count_more', '$count_less'])
/** Values of no type that any operator here asks for, as JSON may bring them. */
const ODD: readonly unknown[] = [undefined, null, '', [], {}, { a: 'gold' }, [null], [{}], [[]], 'no such', 'NaN', -1e9]

test('what is missing, null or of another type fails every operator, and passes every negative one', () => {
  for (const row of [...VALUES, ...TIMES]) {
    const [operator, operand] = row
    if (OF_PRESENCE.has(operator)) continue
    const parsed = FORMS.filter!([operator, operand])
    for (const value of ODD) {
      if (value === -1e9 && operator.startsWith('$less')) continue
      for (const now of [0, Date.parse('2026-03-10T16:00:00Z')])
        assert.is(
          holds(parsed, metadata(value), {}, now),
          NEGATIVE.has(operator),
          `${operator} ${shown(operand)} of ${shown(value)}`,
        )
    }
  }
})

test('a text that an operator looks for is not found in what a value would be as text', () => {
  for (const [operator, operand] of [
    ['$contains', 'object'],
    ['$contains', 'null'],
    ['$starts_with', '[obj'],
    ['$ends_with', 'ect]'],
    ['$is', '[object Object]'],
    ['$is', 'null'],
    ['$includes', ['null']],
  ] as const)
    for (const value of [{}, [{}], [null], null])
      assert.not(
        holds(FORMS.filter!([operator, operand]), metadata(value)),
        `${operator} ${operand} of ${shown(value)}`,
      )
  assert.ok(holds(FORMS.filter!(['$not_contain', 'object']), metadata({})))
  // Numbers and truths are texts where a text is asked for.
  assert.ok(holds(FORMS.filter!(['$contains', '23']), metadata(1234)))
  assert.ok(holds(FORMS.filter!(['$starts_with', 'tr']), metadata(true)))
})

/** Operators of properties that a schema gives a type: property, operator, operand, values that pass and that do not. */
const TYPED: readonly (readonly [string, string, unknown, readonly unknown[], readonly unknown[]])[] = [
  ['stars', '$is', '5', [5, '5', '5.0'], [4, 'five', null, undefined, true, [4]]],
  ['stars', '$is_not', 5, [4, 'five', null, undefined], [5, '5']],
  ['stars', '$in', ['4', 5], [4, 5], [3, undefined]],
  ['stars', '$not_in', [4, 5], [3, undefined], [4, '5']],
  ['stars', '$more_than', '4', [5, '4.5'], [4, 'x', null, undefined, {}, true]],
  ['stars', '$from', 4, [4, 5], [3.9, null]],
  ['stars', '$count_more', 4, [5], [4]],
  ['stars', '$count_less', '4', [3], [4]],
  ['stars', '$count', 4, [4], [3]],
  ['stars', '$has_value', true, [0], [null, undefined]],
  ['review_type', '$is', 5, ['5', 5], ['five', null]],
  ['review_type', '$is_not', 'text', ['video', null, undefined], ['text']],
  ['review_type', '$in', ['text', 'video'], ['video'], ['audio', undefined]],
  ['review_type', '$starts_with', ['vi', 'te'], ['video', 'text'], ['audio', null]],
  ['review_type', '$is_unknown', true, [null, '', undefined], ['x']],
  ['verified', '$is', 'true', [true, 'true'], [false, 1, null, undefined]],
  ['verified', '$is', false, [false, 'false'], [true, 0, null, undefined]],
  ['verified', '$is_not', true, [false, null, undefined], [true]],
  ['verified', '$in', [true, false], [true, false], [null]],
  ['visit', '$is', '2026-03-01', ['2026-03-01', '2026-03-01T12:00:00'], ['2026-03-02', 'x', null, 20260301]],
  ['visit', '$is_not', '2026-03-01', ['2026-03-02', 'x', null, undefined], ['2026-03-01']],
  ['visit', '$in', ['2026-03-01', '2026-03-03'], ['2026-03-03'], ['2026-03-02']],
  ['visit', '$not_in', ['2026-03-01'], ['2026-03-02', null], ['2026-03-01']],
  ['visit', '$before', '2026-03-01', ['2026-02-28'], ['2026-03-01', null, 'x', 5]],
  ['visit', '$is_unknown', true, [null, undefined], ['2026-03-01']],
  // A day is the whole day in the project's time zone: 5 hours behind UTC.
  ['sent', '$is', '2026-03-01', ['2026-03-01T05:00:00Z', '2026-03-02T04:59:59.999Z'], ['2026-03-02T05:00:00Z', null]],
  ['sent', '$is', '2026-03-01T12:00:00Z', ['2026-03-01T13:00:00+01:00', 1772366400000], ['2026-03-01T12:00:01Z', 'x']],
  ['sent', '$is_not', '2026-03-01', ['2026-03-02T05:00:00Z', undefined], ['2026-03-01T05:00:00Z']],
  ['sent', '$after', '2026-03-01', ['2026-03-01T05:00:00.001Z'], ['2026-03-01T05:00:00Z', null, 'x']],
  ['sent', '$dow', 0, ['2026-03-01T12:00:00Z'], ['2026-03-02T12:00:00Z', null]],
  ['tags', '$is', 'a', [['a', 'b'], 'a'], [['b'], [], null, [null]]],
  ['tags', '$is_not', 'a', [['b'], [], null], [['a', 'b']]],
  ['tags', '$in', ['a', 'c'], [['b', 'c']], [['b'], null]],
  ['tags', '$not_in', ['a', 'c'], [['b'], null], [['b', 'c']]],
  ['tags', '$contains', 'a', [['b', 'a']], [['ab'], null, [null]]],
  ['tags', '$not_contain', 'a', [['ab'], null], [['a']]],
  ['tags', '$includes', ['a', 'b'], [['c', 'b', 'a']], [['a'], null]],
  ['tags', '$intersects', ['a', 'b'], [['c', 'b']], [['c'], null]],
  ['tags', '$not_intersect', ['a', 'b'], [['c'], null], [['c', 'b']]],
  ['tags', '$not_differ', ['a', 'b'], [['b', 'a']], [['a'], ['a', 'b', 'c'], null]],
  ['tags', '$count', 2, [['a', 'b']], [['a'], null]],
  ['tags', '$count_less', 1, [[], null], [['a']]],
  ['tags', '$has_value', true, [['a']], [[], null]],
]

const reviews = { ...environment, contextEvent: 'review_left' }
const reviewWith = (property: string, value: unknown): Context => ({
  event: { type: 'review_left', occurredAt: 0, metadata: value === undefined ? {} : { [property]: value } },
})

for (const [property, operator, operand, passing, failing] of TYPED)
  test(`${property} of an event: ${operator} ${shown(operand)}`, () => {
    const rules = parseRules(
      { rules: { 1: { name: 'custom_event.metadata', property, conditions: { [operator]: operand } } } },
      reviews,
    )
    const native = parseNative({ property, [operator]: operand }, reviews)
    for (const parsed of [rules, native]) {
      for (const value of passing) assert.ok(holds(parsed, {}, reviewWith(property, value)), `${shown(value)} passes`)
      for (const value of failing) assert.not(holds(parsed, {}, reviewWith(property, value)), `${shown(value)} fails`)
      assert.not(holds(parsed, {}), 'without an event it fails, whatever is asked')
    }
  })

const FILTER_OPERATORS =
  '$in $not_in $is $is_not $has_value $is_unknown $contains $not_contain $starts_with $ends_with $more_than $less_than $more_than_equal $less_than_equal $after $before $more_than_ago $less_than_ago $is_days_ago $more_than_future $less_than_future $is_days_in_future $count $count_less $count_more $in_location $not_in_location $today $tomorrow $yesterday $this_week $last_week $next_week $this_month $last_month $next_month $this_year $next_year $last_year $is_day_of_month $is_day $is_month $is_year $today_md $tomorrow_md $yesterday_md $this_week_md $last_week_md $next_week_md $this_month_md $last_month_md $next_month_md $is_days_ago_md $is_more_days_ago_md $is_less_days_ago_md $is_days_in_future_md $is_more_days_in_future_md $is_less_days_in_future_md $is_years_ago'
const RULE_OPERATORS =
  '$is $is_not $in $not_in $less_than $less_than_or_equal $more_than $more_than_or_equal $greater_than_or_equal $starts_with $ends_with $contains $from $after $before $more_than_ago $less_than_ago $is_days_ago $more_than_future $less_than_future $is_days_in_future $count $count_more $count_less $not_differ $not_intersect $dow $timeframe $timeframe_absolute $timeframe_daily_hours'

test('every operator of the contract has a test', () => {
  const known = new Set([...VALUES, ...TIMES].map(([operator]) => operator))
  for (const operator of `${FILTER_OPERATORS} ${RULE_OPERATORS}`.split(' '))
    assert.ok(known.has(operator), `${operator} has no test`)
})

test.run()
