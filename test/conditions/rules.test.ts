// The public validation-rule format: names, operators, logic, nested rules, messages and faults.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseLogic } from '../../src/domain/conditions/logic.ts'
import { parseRules } from '../../src/domain/conditions/rules.ts'
import type { Context, OrderItem, Subject } from '../../src/domain/conditions/subject.ts'
import { compiled, environment, faultsOf, holds, nobody } from './fixtures.ts'

const rule = (name: string, conditions: unknown, more: object = {}) => ({ name, conditions, ...more })
const parse = (rules: unknown, error?: unknown) => parseRules({ rules, error }, environment)
const one = (name: string, conditions: unknown, more: object = {}) => parse({ 1: rule(name, conditions, more) })

const at = (text: string): number => Date.parse(text)
const event = (metadata: Record<string, unknown>): Context => ({
  event: { type: 'review_left', occurredAt: 0, metadata },
})

const item = (product_id: string, price: number, quantity: number, more: Partial<OrderItem> = {}): OrderItem => ({
  product_id,
  price,
  quantity,
  amount: price * quantity,
  ...more,
})

const order: Context = {
  order: {
    amount: 5000,
    total_amount: 4500,
    initial_amount: 6000,
    metadata: { channel: 'web', tags: ['a', 'b'] },
    items: [
      item('prod_a', 1000, 2, { metadata: { colour: 'red' }, product: { id: 'prod_a', metadata: { brand: 'X' } } }),
      item('prod_b', 3000, 1, { sku_id: 'sku_b', metadata: { colour: 'blue' }, sku: { id: 'sku_b' } }),
    ],
  },
}

test('what a rule on the products of an order asks is asked of the item, where it stands in a rule on items', () => {
  const ids = (...all: string[]): Context => ({ order: { items: all.map((id) => item(id, 1, 1)) } })
  const every = (rules: object) => one('order.items.every', {}, { rules })
  const product = rule('product.id', { $is: 'prod_a' })
  const asked = [one('product.id', { $is: 'prod_a' }), every({ 1: product })]
  assert.equal(
    asked.map((parsed) => [holds(parsed, {}, ids('prod_a', 'prod_b')), holds(parsed, {}, ids('prod_a', 'prod_a'))]),
    [
      [true, true],
      [false, true],
    ],
  )
})

test('rules ask for metadata within objects: of the customer, the order, its items and products, the redemption', () => {
  const said = { box: { size: { cm: 40 }, colour: 'red' } }
  const context: Context = {
    order: { metadata: said, items: [item('p', 1, 1, { metadata: said, product: { metadata: said } })] },
    redemption: { metadata: said },
  }
  const subject = { profile: { metadata: said } }
  const names = ['customer.metadata', 'order.metadata', 'order.items.metadata_any', 'product.metadata']
  for (const name of [...names, 'order.items.metadata_each', 'product.metadata.match_all', 'redemption.metadata']) {
    const asks = (property: string, conditions: object) => holds(one(name, conditions, { property }), subject, context)
    assert.ok(asks('box.colour', { $is: 'red' }), name)
    assert.ok(asks('box.size.cm', { $more_than: 39 }), name)
    assert.not(asks('box.size.cm', { $more_than: 40 }), name)
    assert.not(asks('box.size', { $is: 'red' }), name)
  }
})

const branded = (...brands: string[]): Context => ({
  order: { items: brands.map((brand) => item('p', 1, 1, { product: { metadata: { brand } } })) },
})

const measured = (values: Record<string, number | 'skip'>): Context => ({
  measures: (name) => (Object.hasOwn(values, name) ? values[name] : undefined),
})

/** Rule, contexts or subjects under which it holds, and under which it does not. */
type Case = { readonly subject?: Partial<Subject>; readonly context?: Context; readonly now?: number }
const NAMES: readonly (readonly [string, object, object, readonly Case[], readonly Case[]])[] = [
  [
    'customer.segment',
    { $is: ['seg_vip'] },
    {},
    [{ subject: { segments: { seg_vip: { since: 0 } } } }],
    [{}, { subject: { segments: { seg_new: { since: 0 } } } }],
  ],
  ['customer.segment', { $is_not: 'seg_vip' }, {}, [{}], [{ subject: { segments: { seg_vip: { since: 0 } } } }]],
  ['customer.segment', { $is: [{ id: 'seg_vip' }] }, {}, [{ subject: { segments: { seg_vip: { since: 0 } } } }], [{}]],
  ['customer_segment', { $is: 'seg_vip' }, {}, [{ subject: { segments: { seg_vip: { since: 0 } } } }], [{}]],
  [
    'customer.metadata',
    { $is: ['gold'] },
    { property: 'tier' },
    [{ subject: { profile: { metadata: { tier: 'gold' } } } }],
    [{}, { subject: { profile: { metadata: { tier: 'blue' } } } }],
  ],
  [
    'custom_event.metadata',
    { $is: 'video' },
    { property: 'review_type' },
    [{ context: event({ review_type: 'video' }) }],
    [{ context: event({ review_type: 'text' }) }, { context: event({}) }, {}],
  ],
  [
    'custom_event.metadata',
    { $is_not: ['test'] },
    { property: 'device_type' },
    [{ context: event({ device_type: 'phone' }) }, { context: event({}) }],
    // Without an event there is nothing that could not be a test: it fails.
    [{ context: event({ device_type: 'test' }) }, {}],
  ],
  ['order.amount', { $more_than: [4999] }, {}, [{ context: order }], [{}, { context: { order: { amount: 4999 } } }]],
  ['order.total_amount', { $less_than_or_equal: 4500 }, {}, [{ context: order }], [{}]],
  ['order.initial_amount', { $is: 6000 }, {}, [{ context: order }], [{}]],
  [
    'order.metadata',
    { $contains: 'we' },
    { property: 'channel' },
    [{ context: order }],
    [{}, { context: { order: {} } }],
  ],
  ['order.metadata', { $count: 2 }, { property: 'tags' }, [{ context: order }], [{}]],
  ['order.metadata', { $not_intersect: ['c'] }, { property: 'tags' }, [{ context: order }], [{}]],
  ['order.metadata', { $not_differ: ['b', 'a'] }, { property: 'tags' }, [{ context: order }], [{}]],
  ['order.items.count', { $is: 3 }, {}, [{ context: order }], [{}, { context: { order: {} } }]],
  [
    'order.items.price_any',
    { $more_than: 2000 },
    {},
    [{ context: order }],
    [{}, { context: { order: { items: [] } } }],
  ],
  [
    'order.items.price_each',
    { $more_than: 999 },
    {},
    [{ context: order }],
    [{}, { context: { order: { items: [] } } }],
  ],
  ['order.items.metadata_any', { $is: 'red' }, { property: 'colour' }, [{ context: order }], [{}]],
  ['order.items.metadata_each', { $in: ['red', 'blue'] }, { property: 'colour' }, [{ context: order }], [{}]],
  ['product.id', { $is: ['prod_a'] }, {}, [{ context: order }], [{}, { context: { order: { items: [] } } }]],
  ['product.id', { $is: [{ id: 'prod_b', type: 'product' }] }, {}, [{ context: order }], [{}]],
  ['sku.id', { $is: ['sku_b'] }, {}, [{ context: order }], [{}]],
  ['product.metadata', { $is: 'X' }, { property: 'brand' }, [{ context: order }], [{}]],
  ['product.price', { $more_than: 2999 }, {}, [{ context: order }], [{}]],
  ['product.quantity', { $more_than_or_equal: 3 }, {}, [{ context: order }], [{}]],
  ['sku.price', { $less_than: 1001 }, {}, [{ context: order }], [{}]],
  ['sku.quantity', { $greater_than_or_equal: 3 }, {}, [{ context: order }], [{}]],
  ['product.metadata.match_all', { $is: 'X' }, { property: 'brand' }, [], [{ context: order }, {}]],
  ['product.metadata.match_all', { $in: ['X'] }, { property: 'brand' }, [{ context: branded('X', 'X') }], [{}]],
  ['product.metadata.aggregated_quantity', { $is: 3 }, {}, [{ context: order }], [{}]],
  ['product.metadata.aggregated_amount', { $more_than_or_equal: 5000 }, {}, [{ context: order }], [{}]],
  ...['product.discount_applicable', 'sku.discount_applicable', 'product.metadata.discount_applicable'].map(
    (name) => [name, { $is: true }, {}, [{ context: order }], []] as const,
  ),
  ...[
    'redemption.count.daily',
    'redemption.count.weekly',
    'redemption.count.monthly',
    'redemption.count.per_customer',
    'redemption.count.per_customer.daily',
    'redemption.count.per_customer.weekly',
    'redemption.count.per_customer.monthly',
    'redemption.count.per_api_key',
    'redemption.count.per_user',
    'campaign.redemptions.count',
    'campaign.redemptions.count.daily',
    'campaign.redemptions.count.weekly',
    'campaign.redemptions.count.monthly',
    'campaign.redemptions.customers_count',
    'campaign.redemptions.customers_count.daily',
    'campaign.redemptions.customers_count.weekly',
    'campaign.redemptions.customers_count.monthly',
    'campaign.orders.amount',
    'campaign.orders.amount_discounted',
  ].map(
    (name) =>
      [
        name,
        { $less_than_or_equal: [2] },
        {},
        [{ context: measured({ [name]: 2 }) }, { context: measured({ [name]: 'skip' }) }],
        [{ context: measured({ [name]: 3 }) }, { context: measured({}) }, {}],
      ] as const,
  ),
  ['redemption.gift.amount', { $less_than: 100 }, {}, [{ context: { redemption: { gift_amount: 99 } } }], [{}]],
  [
    'redemption.metadata',
    { $is: 'x' },
    { property: 'k' },
    [{ context: { redemption: { metadata: { k: 'x' } } } }],
    [{}, { context: { redemption: {} } }],
  ],
  ['redemption.api_key', { $is: 'shop' }, {}, [{ context: { redemption: { api_key: 'shop' } } }], [{}]],
  ['redemption.user.login', { $ends_with: '@x.com' }, {}, [{ context: { redemption: { user: 'a@x.com' } } }], [{}]],
  [
    'redemption.reward.pay_with_points.points_used',
    { $more_than: 5 },
    {},
    [{ context: { redemption: { points_used: 6 } } }],
    [{}],
  ],
  [
    'publication.redeemable_by_linked_customer',
    { $is: [true] },
    {},
    [{ context: { redemption: { linked_customer: true } } }],
    [{ context: { redemption: { linked_customer: false } } }, { context: { redemption: {} } }, {}],
  ],
]

for (const [name, conditions, more, passing, failing] of NAMES)
  test(`${name} ${JSON.stringify(conditions)}`, () => {
    const parsed = one(name, conditions, more)
    const ask = ({ subject = {}, context = {}, now = 0 }: Case) => holds(parsed, subject, context, now)
    for (const given of passing) assert.ok(ask(given), `should hold: ${JSON.stringify(given)}`)
    for (const given of failing) assert.not(ask(given), `should fail: ${JSON.stringify(given)}`)
  })

const ORDER_METADATA_DATE: readonly (readonly [string, unknown, readonly string[], readonly string[]])[] = [
  ['$from', '2026-03-01', ['2026-03-01'], ['2026-02-28']],
  ['$after', '2026-03-01', ['2026-03-02'], ['2026-03-01']],
  ['$before', '2026-03-01', ['2026-02-28'], ['2026-03-01']],
  ['$more_than_ago', 2, ['2026-03-06'], ['2026-03-09']],
  ['$less_than_ago', 2, ['2026-03-09'], ['2026-03-06', '2026-03-12']],
  ['$is_days_ago', 2, ['2026-03-08'], ['2026-03-09']],
  ['$more_than_future', 2, ['2026-03-13'], ['2026-03-11']],
  ['$less_than_future', 2, ['2026-03-11'], ['2026-03-13', '2026-03-09']],
  ['$is_days_in_future', 2, ['2026-03-12'], ['2026-03-11']],
  ['$dow', [0, 6], ['2026-03-08', '2026-03-07'], ['2026-03-09']],
  [
    '$timeframe',
    '2026-03-01T09:00:00;P1D;PT2H',
    ['2026-03-09T10:59:59', '2026-03-01T09:00:00'],
    ['2026-03-09T11:00:00', '2026-02-28T10:00:00'],
  ],
  [
    '$timeframe',
    '2026-01-31T00:00:00;P1M;P1D',
    ['2026-02-28T12:00:00', '2026-03-31T12:00:00'],
    ['2026-03-01T12:00:00'],
  ],
  ['$timeframe_absolute', '2026-03-01;2026-03-03', ['2026-03-01', '2026-03-02T23:59:59'], ['2026-03-03', '2026-02-28']],
  [
    '$timeframe_daily_hours',
    '18:00;20:01;2,3',
    ['2026-03-10T20:00:59', '2026-03-11T18:00:00'],
    ['2026-03-10T20:01:00', '2026-03-12T19:00:00'],
  ],
  [
    '$timeframe_daily_hours',
    '22:00;02:00;5',
    ['2026-03-06T23:00:00', '2026-03-07T01:59:59'],
    ['2026-03-07T22:30:00', '2026-03-06T01:00:00'],
  ],
]

for (const [operator, operand, passing, failing] of ORDER_METADATA_DATE)
  test(`${operator} ${JSON.stringify(operand)} of a date in metadata`, () => {
    const parsed = one('order.metadata', { [operator]: operand }, { property: 'day' })
    const now = at('2026-03-10T16:00:00Z')
    const ask = (day: unknown) => holds(parsed, {}, { order: { metadata: { day } } }, now)
    for (const day of passing) assert.ok(ask(day), `should hold: ${day}`)
    for (const day of failing) assert.not(ask(day), `should fail: ${day}`)
    assert.not(ask(undefined))
  })

test('operators of times on a budget ask for the present, and know when that ends', () => {
  const ask = (conditions: object, now: string) => {
    const { holds: held, until } = compiled(one('redemption.count.daily', conditions)).evaluate(
      nobody,
      measured({ 'redemption.count.daily': 1 }),
      at(now),
    )
    return [held, until === null ? null : new Date(until).toISOString()]
  }
  // New York is four hours behind UTC after 2026-03-08.
  assert.equal(ask({ $dow: [2] }, '2026-03-10T16:00:00Z'), [true, '2026-03-11T04:00:00.000Z'])
  assert.equal(ask({ $dow: [2] }, '2026-03-11T16:00:00Z'), [false, '2026-03-17T04:00:00.000Z'])
  const evening = { $timeframe_daily_hours: '18:00;20:01;2,3' }
  assert.equal(ask(evening, '2026-03-10T22:00:00Z'), [true, '2026-03-11T00:01:00.000Z'])
  assert.equal(ask(evening, '2026-03-12T00:01:00Z'), [false, '2026-03-17T22:00:00.000Z'])
  // The hour that the clocks skip on 2026-03-08 does not come; the window opens when it would have.
  const night = { $timeframe_daily_hours: '02:30;04:00;0' }
  assert.equal(ask(night, '2026-03-08T07:29:59Z'), [false, '2026-03-08T07:30:00.000Z'])
  assert.equal(ask(night, '2026-03-08T07:30:00Z'), [true, '2026-03-08T08:00:00.000Z'])
  const recurring = { $timeframe: '2026-03-01T09:00:00;P1D;PT2H' }
  assert.equal(ask(recurring, '2026-03-07T14:30:00Z'), [true, '2026-03-07T16:00:00.000Z'])
  assert.equal(ask(recurring, '2026-03-07T16:00:00Z'), [false, '2026-03-08T13:00:00.000Z'])
  const once = { $timeframe: '2026-03-01T09:00:00;P999999Y;P1D' }
  assert.equal(ask(once, '2026-03-01T15:00:00Z')[0], true)
  assert.equal(ask(once, '2026-03-07T15:00:00Z')[0], false)
  const absolute = { $timeframe_absolute: '2026-03-01;2026-03-03' }
  assert.equal(ask(absolute, '2026-02-01T00:00:00Z'), [false, '2026-03-01T05:00:00.000Z'])
  assert.equal(ask(absolute, '2026-03-01T05:00:00Z'), [true, '2026-03-03T05:00:00.000Z'])
  assert.equal(ask(absolute, '2026-03-03T05:00:00Z'), [false, null])
  assert.equal(ask({ $less_than: 2, ...absolute }, '2026-03-01T05:00:00Z')[0], true)
  assert.equal(ask({ $less_than: 1, ...absolute }, '2026-03-01T05:00:00Z'), [false, null])
})

test('rules nested in rules on items ask each item by itself', () => {
  const asked = (name: string, rules: object, conditions?: object) =>
    holds(parse({ 1: { name, conditions, rules } }), {}, order)
  const cheap = { 1: rule('order.items.price', { $less_than: 2000 }) }
  assert.ok(asked('order.items.any', cheap))
  assert.not(asked('order.items.every', cheap))
  assert.not(asked('order.items.none', cheap))
  assert.ok(asked('order.items.cheapest', cheap))
  assert.not(asked('order.items.most_expensive', cheap))
  const red = {
    1: rule('order.items.metadata', { $is: 'red' }, { property: 'colour' }),
    2: rule('order.items.quantity', { $is: 2 }),
  }
  assert.ok(asked('order.items.any', red))
  assert.ok(asked('order.items.any', { ...red, 3: rule('order.items.price', { $is: 3000 }), logic: '(1 and 2) or 3' }))
  assert.not(asked('order.items.any', { ...red, 3: rule('order.items.price', { $is: 3000 }), logic: '1 and 3' }))
  // Conditions say which products are looked at.
  assert.ok(asked('order.items.every', { 1: rule('order.items.price', { $is: 3000 }) }, { $is: [{ id: 'prod_b' }] }))
  assert.not(asked('order.items.any', { 1: rule('order.items.price', { $is: 3000 }) }, { $is: ['prod_a'] }))
  assert.ok(asked('order.items.any', {}, { $in: ['prod_a', 'prod_z'] }))
  // What has no price costs its amount, and without that nothing; of those that cost the same it is the first.
  const extreme = (which: string, ...items: OrderItem[]) =>
    ['p0', 'p1'].filter((id) =>
      holds(
        parse({ 1: { name: `order.items.${which}`, rules: { 1: rule('order.items.product_id', { $is: id }) } } }),
        {},
        {
          order: { items: items.map((one, i) => ({ ...one, product_id: `p${i}` })) },
        },
      ),
    )
  for (const [items, cheapest, dearest] of [
    [[{ price: 1 }, {}], 'p1', 'p0'],
    [[{ amount: 1 }, { price: 2 }], 'p0', 'p1'],
    [[{ price: 1 }, { price: 1 }], 'p0', 'p0'],
    [[], undefined, undefined],
  ] as const)
    assert.equal([extreme('cheapest', ...items)[0], extreme('most_expensive', ...items)[0]], [cheapest, dearest])
  const twice: Context = { order: { items: [item('p', 10, 2), item('p', 10, 3), item('q', 10, 1)] } }
  const total = {
    1: rule('order.items.aggregated_quantity', { $is: 5 }),
    2: rule('order.items.aggregated_amount', { $is: 50 }),
  }
  assert.ok(holds(parse({ 1: { name: 'order.items.any', rules: total } }), {}, twice))
  assert.not(holds(parse({ 1: { name: 'order.items.every', rules: total } }), {}, twice))
  assert.not(holds(parse({ 1: { name: 'order.items.every', rules: total } }), {}, {}))
})

test('rules nested in a product speak of its items', () => {
  const nested = (rules: object) => holds(parse({ 1: rule('product.id', { $is: ['prod_a'] }, { rules }) }), {}, order)
  assert.ok(nested({ 1: rule('product.quantity', { $more_than_or_equal: 2 }) }))
  assert.not(nested({ 1: rule('product.quantity', { $more_than_or_equal: 3 }) }))
  assert.ok(
    nested({ 1: rule('product.price', { $less_than: 1001 }), 2: rule('product.discount_applicable', { $is: true }) }),
  )
  assert.not(nested({ 1: rule('product.price', { $more_than: 1000 }) }))
  const ofBrand = (rules: object) =>
    holds(parse({ 1: rule('product.metadata', { $is: 'X' }, { property: 'brand', rules }) }), {}, order)
  assert.ok(ofBrand({ 1: rule('product.metadata.aggregated_quantity', { $is: 2 }) }))
  assert.ok(ofBrand({ 1: rule('product.metadata.aggregated_amount', { $is: 2000 }) }))
  assert.not(ofBrand({ 1: rule('product.metadata.aggregated_amount', { $is: 5000 }) }))
})

test('logic joins rules: and before or, brackets before both, any case; without it all must hold', () => {
  const tiers = { a: 'yes', b: 'yes', c: 'no' }
  const rules = Object.fromEntries(
    ['a', 'b', 'c'].map((property, i) => [i + 1, rule('customer.metadata', { $is: 'yes' }, { property })]),
  )
  const ask = (logic?: string | null, metadata: object = tiers) =>
    holds(parse({ ...rules, ...(logic === undefined ? {} : { logic }) }), { profile: { metadata: { ...metadata } } })
  assert.not(ask())
  assert.not(ask(''))
  assert.not(ask('  '))
  assert.not(ask(null))
  assert.ok(ask('', { a: 'yes', b: 'yes', c: 'yes' }))
  assert.ok(ask('1'))
  assert.not(ask('3'))
  assert.ok(ask('(1 and 2) or 3'))
  assert.ok(ask('1 AND 2 Or 3'))
  assert.ok(ask('3 or 1 and 2'))
  assert.not(ask('(3 or 1) and 3'))
  assert.ok(ask('((1))and((2))'))
  assert.ok(holds(parse({}), {}), 'no rules at all always hold')
  assert.ok(holds(parse({ logic: '' }), {}))
})

test('a failure names the first rule that failed and the nearest message', () => {
  const rules = {
    1: rule('customer.metadata', { $is: 'gold' }, { property: 'tier', error: { message: 'gold only' } }),
    2: rule('order.amount', { $more_than: 100 }, { error: { message: 'spend more' } }),
    10: rule('customer.segment', { $is: 'seg_vip' }),
  }
  const failed = (definition: object, subject: Partial<Subject>, context: Context = {}, error?: object) =>
    compiled(parse(definition, error)).evaluate({ ...nobody, ...subject }, context, 0).failed
  const gold = { profile: { metadata: { tier: 'gold' } } }
  const vip = { segments: { seg_vip: { since: 0 } } }
  const fallback = { message: 'not for you' }
  assert.equal(failed(rules, {}), { rule: '1', name: 'customer.metadata', message: 'gold only' })
  assert.equal(failed(rules, gold), { rule: '2', name: 'order.amount', message: 'spend more' })
  assert.equal(failed(rules, gold, order), { rule: '10', name: 'customer.segment' })
  assert.equal(failed(rules, gold, order, fallback), { rule: '10', name: 'customer.segment', message: 'not for you' })
  assert.is(failed(rules, { ...gold, ...vip }, order, fallback), undefined)
  const either = { ...rules, logic: '(2 and 1) or 10' }
  assert.equal(failed(either, {}, {}, fallback), { rule: '2', name: 'order.amount', message: 'spend more' })
  assert.is(failed(either, vip), undefined)

  const nested = {
    1: rule(
      'customer.segment',
      { $is: 'seg_vip' },
      {
        error: { message: 'outer' },
        rules: {
          1: rule('order.amount', { $more_than: 100 }),
          2: rule('order.amount', { $less_than: 100 }, { error: { message: 'inner' } }),
        },
      },
    ),
  }
  assert.equal(failed(nested, {}), { rule: '1', name: 'customer.segment', message: 'outer' })
  assert.equal(failed(nested, vip), { rule: '1.1', name: 'order.amount', message: 'outer' })
  assert.equal(failed(nested, vip, order), { rule: '1.2', name: 'order.amount', message: 'inner' })
})

test('because shows each rule with the value that was compared', () => {
  const { because } = compiled(
    parse({
      1: rule('order.amount', { $more_than: 100 }),
      2: rule('custom_event.metadata', { $is: 'video' }, { property: 'review_type' }),
      logic: '1 or 2',
    }),
  ).evaluate(nobody, { order: { amount: 50 }, ...event({ review_type: 'text' }) }, 0)
  assert.equal(because, {
    any: [
      { rule: '1', of: { is: 'order.amount > 100', value: 50, holds: false }, holds: false },
      { rule: '2', of: { is: 'review_type in video', value: 'text', holds: false }, holds: false },
    ],
    holds: false,
  })
})

const good = rule('order.amount', { $is: 1 })
const FAULTS: readonly (readonly [string, unknown, string, RegExp])[] = [
  ['rules that are no object', [], 'rules', /must be an object/],
  ['a rule that is no object', { 1: 'x' }, 'rules.1', /must be an object/],
  ['no name', { 1: { conditions: {} } }, 'rules.1.name', /must be the name of a rule/],
  ['unknown name', { 1: rule('weather', { $is: 1 }) }, 'rules.1.name', /unknown rule 'weather'/],
  ['inherited name', { 1: rule('toString', { $is: 1 }) }, 'rules.1.name', /unknown rule/],
  ['no property', { 1: rule('custom_event.metadata', { $is: 1 }) }, 'rules.1.property', /must name a property/],
  ['null property', { 1: rule('customer.metadata', { $is: 1 }, { property: null }) }, 'rules.1.property', /must name/],
  ['no property of an order', { 1: rule('order.metadata', { $is: 1 }) }, 'rules.1.property', /must name a property/],
  [
    'unknown property',
    { 1: rule('custom_event.metadata', { $is: 1 }, { property: 'nope' }) },
    'rules.1.property',
    /unknown property 'nope'/,
  ],
  [
    'deleted property',
    { 1: rule('custom_event.metadata', { $is: 1 }, { property: 'old' }) },
    'rules.1.property',
    /unknown/,
  ],
  [
    'type of a property',
    { 1: rule('custom_event.metadata', { $more_than: 1 }, { property: 'review_type' }) },
    'rules.1.conditions.$more_than',
    /cannot be used/,
  ],
  ['unknown operator', { 1: rule('order.amount', { $near: 1 }) }, 'rules.1.conditions.$near', /unknown operator/],
  ['no operators', { 1: rule('order.amount', {}) }, 'rules.1.conditions', /at least one operator/],
  ['no conditions', { 1: rule('order.amount', undefined) }, 'rules.1.conditions', /must be an object/],
  ['no number', { 1: rule('order.amount', { $is: 'x' }) }, 'rules.1.conditions.$is', /must be a number/],
  ['unknown segment', { 1: rule('customer.segment', { $is: 'seg_x' }) }, 'rules.1.conditions.$is', /unknown segment/],
  [
    'timeframe',
    { 1: rule('order.metadata', { $timeframe: 'x;P1D;PT1H' }, { property: 'd' }) },
    'rules.1.conditions.$timeframe',
    /ISO 8601/,
  ],
  [
    'timeframe that lasts too long',
    { 1: rule('order.metadata', { $timeframe: '2026-01-01;P1D;P2D' }, { property: 'd' }) },
    'rules.1.conditions.$timeframe',
    /last no longer/,
  ],
  [
    'timeframe too often',
    { 1: rule('order.metadata', { $timeframe: '2026-01-01;PT1S;PT1S' }, { property: 'd' }) },
    'rules.1.conditions.$timeframe',
    /a minute/,
  ],
  [
    'absolute timeframe',
    { 1: rule('order.metadata', { $timeframe_absolute: '2026-02-01;2026-01-01' }, { property: 'd' }) },
    'rules.1.conditions.$timeframe_absolute',
    /earlier first/,
  ],
  [
    'daily hours',
    { 1: rule('order.metadata', { $timeframe_daily_hours: '25:00;26:00;1' }, { property: 'd' }) },
    'rules.1.conditions.$timeframe_daily_hours',
    /times of day/,
  ],
  [
    'day of the week',
    { 1: rule('order.metadata', { $dow: 7 }, { property: 'd' }) },
    'rules.1.conditions.$dow',
    /from 0 to 6/,
  ],
  [
    'item rule outside of items',
    { 1: rule('order.items.price', { $is: 1 }) },
    'rules.1.name',
    /inside a rule on items/,
  ],
  [
    'nested rule',
    { 1: rule('order.items.any', {}, { rules: { 4: rule('nope', { $is: 1 }) } }) },
    'rules.1.rules.4.name',
    /unknown rule/,
  ],
  [
    'nested logic',
    { 1: rule('order.items.any', {}, { rules: { 1: rule('order.items.price', { $is: 1 }), logic: '2' } }) },
    'rules.1.rules.logic',
    /names rule 2/,
  ],
  [
    'message',
    { 1: rule('order.amount', { $is: 1 }, { error: { message: 5 } }) },
    'rules.1.error.message',
    /must be a string/,
  ],
  ['error', { 1: rule('order.amount', { $is: 1 }, { error: 'x' }) }, 'rules.1.error', /must be an object/],
  ['missing rule', { 1: good, logic: '1 and 2' }, 'rules.logic', /names rule 2, which is not there/],
  ['logic that is no text', { 1: good, logic: 5 }, 'rules.logic', /must be a string/],
  ['unclosed bracket', { 1: good, logic: '(1' }, 'rules.logic', /expected '\)' but found the end/],
  ['closed too often', { 1: good, logic: '1)' }, 'rules.logic', /found '\)' at 2/],
  ['two rules without a join', { 1: good, 2: good, logic: '1 2' }, 'rules.logic', /found '2' at 3/],
  ['join at the end', { 1: good, logic: '1 and' }, 'rules.logic', /found the end/],
  ['join at the start', { 1: good, logic: 'or 1' }, 'rules.logic', /found 'or' at 1/],
  ['empty brackets', { 1: good, logic: '()' }, 'rules.logic', /found '\)' at 2/],
  ['other signs', { 1: good, logic: '1 & 1' }, 'rules.logic', /unexpected '&' at 3/],
  ['not', { 1: good, logic: 'not 1' }, 'rules.logic', /found '1' at 5/],
]

for (const [name, rules, path, message] of FAULTS)
  test(`refused: ${name}`, () => {
    const faults = faultsOf(parse(rules))
    assert.is(faults.length, 1, JSON.stringify(faults))
    assert.is(faults[0]!.path, path)
    assert.match(faults[0]!.message, message)
  })

test('refused: a fallback that is no text', () => {
  assert.equal(faultsOf(parse({ 1: good }, { message: 1 })), [{ path: 'error.message', message: 'must be a string' }])
})

test('refused: more than 20 levels of brackets or of rules, more than 500 rules', () => {
  const brackets = (n: number) => parse({ 1: good, logic: `${'('.repeat(n)}1${')'.repeat(n)}` })
  assert.ok(brackets(19).ok)
  assert.match(faultsOf(brackets(20))[0]!.message, /deeper than 20 levels/)
  assert.match(faultsOf(brackets(2_000))[0]!.message, /deeper than 20 levels/)
  const deep = (n: number): object =>
    n === 1 ? { 1: good } : { 1: rule('order.amount', { $is: 1 }, { rules: deep(n - 1) }) }
  assert.ok(parse(deep(20)).ok)
  const [fault] = faultsOf(parse(deep(21)))
  assert.match(fault!.message, /deeper than 20 levels/)
  assert.is(fault!.path, `rules${'.1.rules'.repeat(20)}.1`)
  const many = (n: number) => parse(Object.fromEntries(Array.from({ length: n }, (_, i) => [i + 1, good])))
  assert.ok(many(500).ok)
  assert.match(faultsOf(many(501))[0]!.message, /more than 500/)
  const repeated = (n: number) => parse({ 1: good, logic: Array(n).fill('1').join(' or ') })
  assert.ok(repeated(500).ok)
  assert.match(faultsOf(repeated(501))[0]!.message, /more than 500/)
  assert.match(faultsOf(parse({ 1: good, logic: '1 or '.repeat(2_000) }))[0]!.message, /longer than 5000/)
})

test('logic of every shape is read or refused, never thrown', () => {
  for (const text of ['1', '1 and 2', '((', '))', 'and and', '1 or (2 and', '\u0000', '１', '1\nand\t2', '()()', 'AND'])
    assert.type(parseLogic(text).ok, 'boolean')
})

test.run()
