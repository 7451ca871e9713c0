// What rules may ask of an order, its items and the redemption: each name with the kind of value it is, and what it finds.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { ABSENT, type Reach, SKIPPED, sourceOf } from '../../src/domain/conditions/sources.ts'
import { startSteps } from '../../src/domain/conditions/steps.ts'
import type { ItemContext, OrderItem } from '../../src/domain/conditions/subject.ts'

const tea: OrderItem = {
  product_id: 'tea',
  sku_id: 'tea-100',
  source_id: 's-1',
  quantity: 2,
  price: 300,
  metadata: { wrapped: true },
  product: { id: 'prod_1', source_id: 'own-tea', metadata: { origin: 'Assam' } },
  sku: { id: 'sku_1', source_id: 'own-100' },
}
/** The same product by another of its ids, and one that says its amount. */
const loose: OrderItem = { product_id: 'own-tea', quantity: 3, price: 100, amount: 250 }
const cup: OrderItem = { product_id: 'cup', amount: 900 }

const FULL: ItemContext = {
  order: {
    amount: 1_000,
    total_amount: 800,
    initial_amount: 1_200,
    items: [tea, loose, cup],
    metadata: { channel: 'web' },
  },
  item: tea,
  items: [tea, loose],
  redemption: {
    metadata: { till: 7 },
    api_key: 'shop',
    user: 'ann',
    gift_amount: 40,
    points_used: 60,
    linked_customer: true,
  },
  measures: (name) => (name.endsWith('daily') ? 'skip' : name === 'campaign.orders.amount' ? 5 : undefined),
}

type Row = readonly [
  name: string,
  type: string,
  how: {
    readonly list?: true
    readonly any?: true
    readonly clock?: true
    readonly reach?: Reach
    readonly inItems?: true
  },
  found: unknown,
  property?: string,
]
const item = { inItems: true } as const
const clock = { clock: true } as const
const list = { reach: 'list' } as const

const ROWS: readonly Row[] = [
  ['order.amount', 'number', {}, 1_000],
  ['order.total_amount', 'number', {}, 800],
  ['order.initial_amount', 'number', {}, 1_200],
  ['order.metadata', 'any', { any: true }, 'web', 'channel'],
  ['order.items.count', 'number', list, 6],
  ['order.items.quantity', 'number', item, 2],
  ['order.items.price', 'number', item, 300],
  ['order.items.amount', 'number', item, 600],
  ['order.items.aggregated_quantity', 'number', { ...item, reach: 'pairs' }, 5],
  ['order.items.aggregated_amount', 'number', { ...item, reach: 'pairs' }, 850],
  ['order.items.metadata', 'any', { ...item, any: true }, true, 'wrapped'],
  [
    'order.items.product_id',
    'string',
    { ...item, list: true },
    ['tea', 'prod_1', 'own-tea', 's-1', 'tea-100', 'sku_1', 'own-100', 's-1'],
  ],
  ['product.id', 'string', { ...item, list: true }, ['tea', 'prod_1', 'own-tea', 's-1']],
  ['sku.id', 'string', { ...item, list: true }, ['tea-100', 'sku_1', 'own-100', 's-1']],
  ['product.metadata', 'any', { ...item, any: true }, 'Assam', 'origin'],
  ['product.price', 'number', list, [300, 100]],
  ['sku.price', 'number', list, [300, 100]],
  ['product.quantity', 'number', list, 5],
  ['sku.quantity', 'number', list, 5],
  ['product.metadata.aggregated_quantity', 'number', list, 5],
  ['product.metadata.aggregated_amount', 'number', list, 850],
  ['product.discount_applicable', 'boolean', {}, true],
  ['sku.discount_applicable', 'boolean', {}, true],
  ['product.metadata.discount_applicable', 'boolean', {}, true],
  ['campaign.orders.amount', 'number', clock, 5],
  ['campaign.orders.amount_discounted', 'number', clock, ABSENT],
  ['redemption.count.daily', 'number', clock, SKIPPED],
  ['redemption.count.weekly', 'number', clock, ABSENT],
  ['redemption.count.monthly', 'number', clock, ABSENT],
  ['redemption.count.per_api_key', 'number', clock, ABSENT],
  ['redemption.count.per_user', 'number', clock, ABSENT],
  ...['redemption.count.per_customer', 'campaign.redemptions.count', 'campaign.redemptions.customers_count'].flatMap(
    (name): Row[] => [
      [name, 'number', clock, ABSENT],
      [`${name}.daily`, 'number', clock, SKIPPED],
      [`${name}.weekly`, 'number', clock, ABSENT],
      [`${name}.monthly`, 'number', clock, ABSENT],
    ],
  ),
  ['redemption.gift.amount', 'number', clock, 40],
  ['redemption.metadata', 'any', { any: true }, 7, 'till'],
  ['redemption.api_key', 'string', {}, 'shop'],
  ['redemption.user.login', 'string', {}, 'ann'],
  ['redemption.reward.pay_with_points.points_used', 'number', {}, 60],
  ['publication.redeemable_by_linked_customer', 'boolean', {}, true],
]

for (const [
  name,
  type,
  { list: array = false, any = false, clock: asksClock = false, ...how },
  found,
  property,
] of ROWS)
  test(`${name} is ${array ? 'texts' : type}`, () => {
    const source = sourceOf(name)!
    assert.equal(source.shape, { type, array: any ? undefined : array })
    assert.equal(
      [source.property, source.clock, source.reach, source.inItems],
      [property !== undefined, asksClock, how.reach ?? 'one', how.inItems ?? false],
    )
    assert.equal(source.read(FULL, property ?? ''), found)
  })

test('without an order, an item, a redemption or counts there is nothing to find', () => {
  for (const [name, , , , property] of ROWS) {
    const found = sourceOf(name)!.read({}, property ?? '')
    assert.is(found, name.endsWith('discount_applicable') ? true : ABSENT, name)
  }
})

test('what is left out has the value that stands for it', () => {
  const bare: ItemContext = { order: { amount: 500 }, item: {}, items: [{}], redemption: {} }
  const found = (name: string, context = bare) => sourceOf(name)!.read(context, 'x')
  assert.equal(
    [
      'order.total_amount',
      'order.initial_amount',
      'order.items.count',
      'order.items.quantity',
      'order.items.amount',
      'product.id',
      'product.price',
      'publication.redeemable_by_linked_customer',
      'order.metadata',
      'product.metadata',
    ].map((name) => found(name)),
    [500, 500, 0, 1, 0, [], [], false, undefined, undefined],
  )
  // Outside a rule on items all of the order are looked at; an order that names none has none.
  assert.equal(
    [found('product.quantity', { order: { items: [tea, cup] } }), found('product.quantity', { order: {} })],
    [3, 0],
  )
  // An item that is looked at alone is its product.
  assert.is(found('order.items.aggregated_quantity', { item: tea }), 2)
  assert.is(sourceOf('order.colour'), undefined)
  assert.is(sourceOf('toString'), undefined)
})

test('a list costs its items in steps, a product the items that share it, each list once', () => {
  const cost = (name: string, items: readonly OrderItem[], one = items[0]): number => {
    const steps = startSteps()
    const before = steps.left
    sourceOf(name)!.read({ order: { items }, items, item: one, steps }, '')
    return before - steps.left
  }
  const many = Array.from({ length: 100 }, (_, n): OrderItem => ({ product_id: `p${n % 2}`, price: n }))
  const few = many.slice(0, 10)
  for (const name of ['order.items.count', 'product.price', 'sku.quantity', 'product.metadata.aggregated_amount'])
    assert.ok(cost(name, many) > cost(name, few), name)
  const first = cost('order.items.aggregated_quantity', many)
  assert.ok(first > 100, String(first))
  assert.is(cost('order.items.aggregated_amount', many), 0)
  const another = cost('order.items.aggregated_amount', many, many[1])
  assert.ok(another > 0 && another < first, String(another))
})

test.run()
