// The public filter format of segments, operator by operator, field by field and fault by fault.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseFilter } from '../../src/domain/conditions/filter.ts'
import type { Subject } from '../../src/domain/conditions/subject.ts'
import { after, compiled, environment, faultsOf, holds, nobody } from './fixtures.ts'

const one = (field: string, conditions: unknown) =>
  parseFilter({ junction: 'and', [field]: { conditions } }, environment)

const at = (text: string): number => Date.parse(text)

test('operators that ask for the state of a campaign or code are refused with a reason', () => {
  for (const operator of '$active $failed $in_progress $expired $before_start $enabled $disabled $redeemed $redeemable'.split(
    ' ',
  ))
    assert.match(
      faultsOf(one('metadata.k', { [operator]: true }))[0]!.message,
      /^operator '\$\w+' asks for the state of a campaign or code/,
    )
})

test('metadata is asked for by names that lead into objects', () => {
  const profile = {
    metadata: {
      home: { floor: 3, lift: false, since: '2024-02-29', rooms: { bath: 'blue' }, none: null, tags: ['a', 'b'] },
      'home.dotted': 'own key',
      list: [{ floor: 1 }],
      home2: { 'a.b': 1 },
    },
  }
  const passing: readonly (readonly [string, object])[] = [
    ['metadata.home.floor', { $more_than: '2' }],
    ['metadata.home.lift', { $is: [false] }],
    ['metadata.home.since', { $before: '2024-03-01' }],
    ['metadata.home.rooms.bath', { $in: ['red', 'blue'] }],
    ['metadata.home.none', { $is_unknown: true }],
    ['metadata.home.tags', { $contains: 'b' }],
    ['metadata.home.dotted', { $is: 'own key' }],
    ['metadata.home.floor.more', { $is_unknown: true }],
    ['metadata.list.floor', { $is_unknown: true }],
    ['metadata.home.toString', { $is_unknown: true }],
    ['metadata.home.length', { $is_unknown: true }],
    ['metadata.home..floor', { $is_unknown: true }],
  ]
  for (const [field, conditions] of passing) assert.ok(holds(one(field, conditions), { profile }), field)
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
  [
    'total that customers do not know of themselves',
    { 'summary.redemptions.gift.amount_to_go': { conditions: { $more_than: 1 } } },
    'summary.redemptions.gift.amount_to_go',
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
