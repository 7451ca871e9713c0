// The public filter format of segments, operator by operator, field by field and fault by fault.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseFilter } from '../../src/domain/conditions/filter.ts'
import type { Subject } from '../../src/domain/conditions/subject.ts'
import { after, compiled, environment, faultsOf, holds, nobody } from './fixtures.ts'

const one = (field: string, conditions: unknown) =>
  parseFilter({ junction: 'and', [field]: { conditions } }, environment)

const metadata = (value: unknown): Partial<Subject> => ({
  profile: value === undefined ? {} : { metadata: { k: value } },
})

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
  ['$more_than', 5, [6, '6', 5.01], [5, '5', 4, 'abc', undefined]],
  ['$more_than', ['0'], [1, '1'], [0, -1]],
  ['$more_than_equal', '5', [5, 6], [4.99]],
  ['$more_than_or_equal', 5, [5, 6], [4.99]],
  ['$greater_than_or_equal', 5, [5, 6], [4.99]],
  ['$less_than', 5, [4, '4.99', -1], [5, undefined, '']],
  ['$less_than_equal', [5], [5, 4], [5.01]],
  ['$less_than_or_equal', 5, [5, 4], [5.01]],
  ['$from', 5, [5, 6], [4]],
  ['$from', '2026-03-01', ['2026-03-01', '2026-04-01'], ['2026-02-28']],
  ['$after', '2026-03-01', ['2026-03-02', '2026-03-01T00:00:00.001'], ['2026-03-01', '2026-02-28', 'x', 5, undefined]],
  ['$after_equal', '2026-03-01', ['2026-03-01'], ['2026-02-28']],
  ['$before', '2026-03-01', ['2026-02-28', '2026-03-01T04:59:59.999Z'], ['2026-03-01', '2026-03-01T05:00:00Z']],
  ['$before_equal', ['2026-03-01'], ['2026-03-01'], ['2026-03-02']],
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
  ['$is_day_of_month', 29, ['2024-02-29', '2024-03-29T12:00:00Z'], ['2024-02-28', undefined]],
  ['$is_day', '2026-03-01', ['2026-03-01', '2026-03-02T04:59:00Z'], ['2026-03-02', '2026-03-02T05:00:00Z']],
  ['$is_day', 0, ['2026-03-01'], ['2026-03-02']],
  ['$is_month', [2, '3'], ['2024-02-29', '2020-03-01'], ['2024-01-31']],
  ['$is_year', 2024, ['2024-02-29', '2025-01-01T04:59:59Z'], ['2025-01-01']],
  ['$in_location', '48.8584,2.2945,1000', ['48.86,2.29', { latitude: 48.86, longitude: 2.29 }], ['48.9,2.29', 'x']],
  ['$not_in_location', ['48.8584,2.2945,1000'], ['48.9,2.29', undefined], ['48.86,2.29']],
]

for (const [operator, operand, passing, failing] of VALUES)
  test(`${operator} ${JSON.stringify(operand)}`, () => {
    const parsed = one('metadata.k', { [operator]: operand })
    for (const value of passing) assert.ok(holds(parsed, metadata(value)), `${JSON.stringify(value)} should pass`)
    for (const value of failing) assert.not(holds(parsed, metadata(value)), `${JSON.stringify(value)} should fail`)
  })

const at = (text: string): number => Date.parse(text)

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

for (const [operator, operand, value, passing, failing] of TIMES)
  test(`${operator} ${JSON.stringify(operand)} of ${value}`, () => {
    const parsed = one('metadata.k', { [operator]: operand })
    for (const now of passing) assert.ok(holds(parsed, metadata(value), {}, at(now)), `should hold at ${now}`)
    for (const now of failing) assert.not(holds(parsed, metadata(value), {}, at(now)), `should fail at ${now}`)
    assert.not(holds(parsed, metadata('no date'), {}, at(passing[0]!)))
    assert.not(holds(parsed, {}, {}, at(passing[0]!)))
  })

test('every operator of the contract is known', () => {
  const known = new Set([...VALUES, ...TIMES].map(([operator]) => operator))
  const contract =
    '$in $not_in $is $is_not $has_value $is_unknown $contains $not_contain $starts_with $ends_with $more_than $less_than $more_than_equal $less_than_equal $after $before $more_than_ago $less_than_ago $is_days_ago $more_than_future $less_than_future $is_days_in_future $count $count_less $count_more $in_location $not_in_location $today $tomorrow $yesterday $this_week $last_week $next_week $this_month $last_month $next_month $this_year $next_year $last_year $is_day_of_month $is_day $is_month $is_year $today_md $tomorrow_md $yesterday_md $this_week_md $last_week_md $next_week_md $this_month_md $last_month_md $next_month_md $is_days_ago_md $is_more_days_ago_md $is_less_days_ago_md $is_days_in_future_md $is_more_days_in_future_md $is_less_days_in_future_md $is_years_ago'
  for (const operator of contract.split(' ')) assert.ok(known.has(operator), `${operator} has no test`)
})

test('operators that ask for the state of a campaign or code are refused with a reason', () => {
  for (const operator of '$active $failed $in_progress $expired $before_start $enabled $disabled $redeemed $redeemable'.split(
    ' ',
  ))
    assert.match(
      faultsOf(one('metadata.k', { [operator]: true }))[0]!.message,
      /^operator '\$\w+' asks for the state of a campaign or code/,
    )
})

test('fields of the profile, the address, times and totals', () => {
  const subject: Partial<Subject> = {
    profile: {
      source_id: 's1',
      name: 'Ada',
      description: 'first',
      email: 'ada@example.com',
      phone: '+1',
      birthdate: '1990-03-08',
      address: { city: 'London', country: 'GB' },
      unsubscribed: ['sms'],
    },
    createdAt: at('2026-03-01T12:00:00Z'),
    updatedAt: at('2026-03-05T12:00:00Z'),
    points: (campaign) => (campaign === 'camp_1' ? 120 : undefined),
    summary: { orders: { total_amount: 5000, last_order_date: '2026-03-04T12:00:00Z' } },
  }
  const now = at('2026-03-08T12:00:00Z')
  const passing: readonly (readonly [string, object])[] = [
    ['source_id', { $is: 's1' }],
    ['name', { $starts_with: 'A' }],
    ['description', { $contains: 'irs' }],
    ['email', { $ends_with: ['@example.com'] }],
    ['phone', { $has_value: true }],
    ['birthdate', { $today_md: true }],
    ['birthdate', { $more_than_ago: 'P18Y' }],
    ['address.city', { $in: ['Paris', 'London'] }],
    ['address.country', { $is_not: 'US' }],
    ['address.state', { $is_unknown: true }],
    ['unsubscribed', { $not_contain: 'email' }],
    ['created_at', { $is_days_ago: 7 }],
    ['updated_at', { $less_than_ago: 4 }],
    ['loyalty_points.campaigns.Points Club.points', { $more_than_equal: '120' }],
    ['loyalty_points.campaigns.camp_1.points', { $less_than: 121 }],
    ['summary.orders.total_amount', { $more_than: 4999 }],
    ['summary.orders.last_order_date', { $this_week: true }],
    ['summary.orders.total_count', { $is_unknown: true }],
    ['name', { $starts_with: 'A', $ends_with: 'a' }],
  ]
  for (const [field, conditions] of passing) assert.ok(holds(one(field, conditions), subject, {}, now), field)
  assert.not(holds(one('name', { $starts_with: 'A', $ends_with: 'x' }), subject, {}, now))
  assert.not(holds(one('loyalty_points.campaigns.camp_1.points', { $more_than: 120 }), subject, {}, now))
})

test('counts and times of events, also of names with dots and of internal events', () => {
  const now = at('2026-03-10T16:00:00Z')
  const review = (days: number) => ({
    type: 'review_left',
    occurredAt: now - days * 86_400_000,
    metadata: {},
    recordedAt: now,
  })
  const asked = (field: string, conditions: object): boolean => {
    const condition = compiled(one(field, conditions))
    const subject = after(condition, [review(40), review(3), { ...review(1), type: 'customer.segment.entered' }])
    return condition.evaluate(subject, {}, now).holds
  }
  assert.ok(asked('events.review_left.count', { $is: 2 }))
  assert.ok(asked('events.review_left.count', { $count: '2' }))
  assert.ok(asked('events.review_left.count', { $count_more: 1 }))
  assert.ok(asked('events.review_left.count', { $count_less: [3] }))
  assert.ok(asked('events.review_left.count', { $more_than: ['0'] }))
  assert.not(asked('events.review_left.count', { $more_than: 2 }))
  assert.ok(asked('events.shop.visit.count', { $is: 0 }))
  assert.ok(asked('events.customer.segment.entered.count', { $more_than_equal: 1 }))
  assert.ok(asked('events.review_left.last_occurred', { $is_days_ago: 3 }))
  assert.ok(asked('events.review_left.last', { $less_than_ago: 4 }))
  assert.ok(asked('events.review_left.first_occurred', { $more_than_ago: 40 }))
  assert.ok(asked('events.shop.visit.last_occurred', { $is_unknown: true }))
})

test('fields are joined by the junction, "and" unless said otherwise, in any case', () => {
  const subject: Partial<Subject> = { profile: { name: 'Ada', email: 'x' }, segments: { seg_vip: { since: 0 } } }
  const fields = { name: { conditions: { $is: 'Ada' } }, email: { conditions: { $is: 'y' } } }
  assert.ok(holds(parseFilter({ junction: 'or', ...fields }, environment), subject))
  assert.ok(holds(parseFilter({ junction: 'OR', ...fields }, environment), subject))
  assert.not(holds(parseFilter({ junction: 'and', ...fields }, environment), subject))
  assert.not(holds(parseFilter(fields, environment), subject))
  assert.ok(holds(one('segment', { $is: 'seg_vip' }), subject))
  assert.ok(holds(one('segment', { $in: ['seg_new', 'seg_vip'], $not_in: ['seg_new'] }), subject))
  assert.not(holds(one('segment', { $is_not: 'seg_vip' }), subject))
})

const FAULTS: readonly (readonly [string, unknown, string, RegExp])[] = [
  ['no object', [], '', /must be an object/],
  ['no field', { junction: 'and' }, '', /at least one field/],
  ['junction', { junction: 'xor', name: { conditions: { $is: 'a' } } }, 'junction', /'and' or 'or'/],
  ['unknown field', { shoe: { conditions: { $is: 1 } } }, 'shoe', /unknown field/],
  ['unknown part of an address', { 'address.planet': { conditions: { $is: 1 } } }, 'address.planet', /unknown field/],
  [
    'unknown total',
    { 'summary.orders.nonsense': { conditions: { $is: 1 } } },
    'summary.orders.nonsense',
    /unknown field/,
  ],
  ['prototype key', { constructor: { conditions: { $is: 1 } } }, 'constructor', /unknown field/],
  ['no conditions', { name: { $is: 'a' } }, 'name', /'conditions'/],
  ['other key', { name: { conditions: { $is: 'a' }, extra: 1 } }, 'name.extra', /unknown key/],
  ['empty conditions', { name: { conditions: {} } }, 'name.conditions', /at least one operator/],
  ['unknown operator', { name: { conditions: { $like: 'a' } } }, 'name.conditions.$like', /unknown operator '\$like'/],
  ['inherited operator', { name: { conditions: { toString: 1 } } }, 'name.conditions.toString', /unknown operator/],
  [
    'operator for a number',
    { name: { conditions: { $more_than: 1 } } },
    'name.conditions.$more_than',
    /cannot be used/,
  ],
  ['operator for a date', { name: { conditions: { $today: true } } }, 'name.conditions.$today', /cannot be used/],
  [
    'operator for a text',
    { created_at: { conditions: { $contains: '2' } } },
    'created_at.conditions.$contains',
    /cannot be/,
  ],
  ['no number', { 'metadata.k': { conditions: { $more_than: 'x' } } }, 'metadata.k.conditions.$more_than', /a number/],
  [
    'several numbers',
    { 'metadata.k': { conditions: { $less_than: [1, 2] } } },
    'metadata.k.conditions.$less_than',
    /one value/,
  ],
  ['no value', { 'metadata.k': { conditions: { $in: [] } } }, 'metadata.k.conditions.$in', /at least one value/],
  ['an object', { 'metadata.k': { conditions: { $is: {} } } }, 'metadata.k.conditions.$is', /a string, a number/],
  ['null', { name: { conditions: { $contains: null } } }, 'name.conditions.$contains', /must be a string/],
  ['no date', { created_at: { conditions: { $after: '2026-02-30' } } }, 'created_at.conditions.$after', /ISO 8601/],
  ['no date to equal', { birthdate: { conditions: { $is: 'x' } } }, 'birthdate.conditions.$is', /ISO 8601/],
  [
    'no length',
    { created_at: { conditions: { $more_than_ago: 'P' } } },
    'created_at.conditions.$more_than_ago',
    /duration/,
  ],
  [
    'a negative length',
    { created_at: { conditions: { $less_than_ago: -1 } } },
    'created_at.conditions.$less_than_ago',
    /days/,
  ],
  [
    'half a day',
    { created_at: { conditions: { $is_days_ago: 1.5 } } },
    'created_at.conditions.$is_days_ago',
    /whole number/,
  ],
  ['false', { created_at: { conditions: { $today: false } } }, 'created_at.conditions.$today', /must be true/],
  ['month 13', { birthdate: { conditions: { $is_month: 13 } } }, 'birthdate.conditions.$is_month', /from 1 to 12/],
  [
    'no place',
    { 'metadata.k': { conditions: { $in_location: '1,2' } } },
    'metadata.k.conditions.$in_location',
    /metres/,
  ],
  ['unknown event', { 'events.nope.count': { conditions: { $is: 1 } } }, 'events.nope.count', /unknown event 'nope'/],
  [
    'all custom events',
    { 'events.customer.custom_event.count': { conditions: { $is: 1 } } },
    'events.customer.custom_event.count',
    /itself/,
  ],
  [
    'count of texts',
    { 'events.review_left.count': { conditions: { $contains: 1 } } },
    'events.review_left.count.conditions.$contains',
    /cannot be used with a count/,
  ],
  [
    'unknown campaign',
    { 'loyalty_points.campaigns.No.points': { conditions: { $is: 1 } } },
    'loyalty_points.campaigns.No.points',
    /unknown campaign/,
  ],
  [
    'unknown segment',
    { segment: { conditions: { $is: 'seg_x' } } },
    'segment.conditions.$is',
    /unknown segment 'seg_x'/,
  ],
  [
    'operator for segments',
    { segment: { conditions: { $more_than: 'seg_vip' } } },
    'segment.conditions.$more_than',
    /cannot be used/,
  ],
]

for (const [name, filter, path, message] of FAULTS)
  test(`refused: ${name}`, () => {
    const faults = faultsOf(parseFilter(filter, environment))
    assert.is(faults.length, 1, JSON.stringify(faults))
    assert.is(faults[0]!.path, path)
    assert.match(faults[0]!.message, message)
  })

test('every fault is named, not only the first', () => {
  const faults = faultsOf(
    parseFilter({ junction: 'x', shoe: 1, name: { conditions: { $more_than: 1, $like: 2 } } }, environment),
  )
  assert.equal(
    faults.map(({ path }) => path),
    ['junction', 'shoe', 'name.conditions.$more_than', 'name.conditions.$like'],
  )
})

test('more than 500 fields or 1,000 values of one operator are refused', () => {
  const fields = (n: number) =>
    Object.fromEntries(Array.from({ length: n }, (_, i) => [`metadata.k${i}`, { conditions: { $is: 1 } }]))
  assert.ok(parseFilter(fields(500), environment).ok)
  assert.match(faultsOf(parseFilter(fields(501), environment))[0]!.message, /more than 500/)
  const values = (n: number) => one('name', { $in: Array.from({ length: n }, (_, i) => `n${i}`) })
  assert.ok(holds(values(1_000), { profile: { name: 'n999' } }))
  assert.match(faultsOf(values(1_001))[0]!.message, /more than 1000 values/)
})

test('because names the field, the value and the truth', () => {
  const { because } = compiled(one('name', { $is: ['Ada', 'Bob'] })).evaluate(
    { ...nobody, profile: { name: 'Eve' } },
    {},
    0,
  )
  assert.equal(because, { is: 'name in Ada, Bob', value: 'Eve', holds: false })
})

test.run()
