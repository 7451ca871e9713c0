// Orders and what discounts and credits take off them: the documented examples, and laws over any order and any chain.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { showOrder } from '../../src/api/presenters/facts/orders.ts'
import {
  MAX_ORDER,
  OrderInput,
  openOrder,
  type PricedItem,
  type PricedOrder,
  stepOrder,
} from '../../src/domain/order.ts'
import { applyCredits, applyDiscount } from '../../src/domain/redemption/discount.ts'
import { percentOf, spread } from '../../src/domain/redemption/spread.ts'
import { byPrice } from '../../src/domain/redemption/take.ts'
import { Discount, MAX_AMOUNT } from '../../src/domain/rulebook/voucherSpec.ts'
import fc from '../fc.ts'
import { times } from '../soak.ts'

const RUNS = times(150, 20_000)

const open = (input: v.InferInput<typeof OrderInput>): PricedOrder => openOrder(v.parse(OrderInput, input))!
const discount = (input: v.InferInput<typeof Discount>): Discount => v.parse(Discount, input)
const after = (order: PricedOrder, ...discounts: v.InferInput<typeof Discount>[]): PricedOrder =>
  discounts.reduce((left, one) => applyDiscount(left, discount(one)).order, order)

const mug = { product_id: 'prod_mug', price: 2_000, quantity: 1 }
const pen = { product_id: 'prod_pen', price: 8_000, quantity: 1 }
const shirt = { product_id: 'prod_shirt', price: 5_000, quantity: 1 }
const basket = (...items: object[]) => open({ items })
const parts = (order: PricedOrder): number[] => (order.items ?? []).map((item) => item.discount_amount)

test('an order is what it says it is, else what its items come to; numbers may be text, nulls are absent', () => {
  assert.is(open({ amount: '20050', items: [mug] }).amount, 20_050)
  assert.is(open({ items: [{ ...mug, quantity: '3' }, { amount: 70 }, { sku: { price: 5, id: 'a' } }] }).amount, 6_075)
  assert.is(open({ metadata: { a: 1 } }).amount, 0)
  assert.is(openOrder(undefined), undefined)
  const [item] = open({ amount: null, items: [{ ...mug, sku_id: null, product: null, amount: null }] }).items!
  assert.equal(Object.keys(item!).includes('sku_id'), false)
  assert.is(item!.amount, 2_000)
})

test('a discount with an aggregated_amount_limit takes no more than that off the order, whatever its effect', () => {
  const limited = (discount: object, ...items: object[]) => {
    const order = after(basket(...items), { ...discount, aggregated_amount_limit: 200 } as v.InferInput<
      typeof Discount
    >)
    return [order.total_discount_amount, ...parts(order)]
  }
  const many = { product_id: 'a', quantity: 5, price: 1_000 }
  assert.equal(limited({ type: 'AMOUNT', amount_off: 100, effect: 'APPLY_TO_ITEMS_BY_QUANTITY' }, many), [200, 200])
  assert.equal(limited({ type: 'AMOUNT', amount_off: 150, effect: 'APPLY_TO_ITEMS' }, mug, pen), [200, 100, 100])
  assert.equal(limited({ type: 'AMOUNT', amount_off: 90, effect: 'APPLY_TO_ITEMS' }, mug, pen), [180, 90, 90])
  assert.equal(limited({ type: 'PERCENT', percent_off: 10, effect: 'APPLY_TO_ITEMS' }, mug, pen), [200, 40, 160])
  assert.equal(limited({ type: 'FIXED', fixed_amount: 1_900, effect: 'APPLY_TO_ITEMS' }, mug, pen), [200, 3, 197])
  assert.equal(limited({ type: 'AMOUNT', amount_off: 900 }, mug), [200, 0])
  assert.equal(limited({ type: 'PERCENT', percent_off: 50 }, mug), [200, 0])
  // Items cheaper than the discount do not use up what the limit leaves for others.
  const cheap = { product_id: 'b', price: 50, quantity: 1 }
  assert.equal(limited({ type: 'AMOUNT', amount_off: 150, effect: 'APPLY_TO_ITEMS' }, cheap, mug), [200, 50, 150])
})

test('an order that was shown can be sent again', () => {
  const shown = showOrder(after(basket(mug), { type: 'AMOUNT', amount_off: 5 }), { id: 'ord_1', status: 'PAID' })
  const again = v.parse(OrderInput, shown)
  assert.is(again.amount, 2_000)
  assert.is(openOrder(again)!.total_discount_amount, 0)
})

test('amounts are whole, not negative and bounded, also all items together', () => {
  const refused = (input: unknown) => assert.not(v.safeParse(OrderInput, input).success, JSON.stringify(input))
  refused({ amount: -1 })
  refused({ amount: 1.5 })
  refused({ amount: '1.5' })
  refused({ amount: MAX_AMOUNT + 1 })
  refused({ items: [{ price: MAX_AMOUNT, quantity: 2 }] })
  refused({ items: [{ amount: MAX_AMOUNT }, { amount: 1 }] })
  refused({ items: Array.from({ length: 501 }, () => ({ amount: 1 })) })
  refused({ status: 'LOST' })
  assert.ok(v.safeParse(OrderInput, { items: Array.from({ length: 500 }, () => ({ amount: 1 })) }).success)
})

test('a percentage is rounded half up, as it is written', () => {
  assert.is(percentOf(10, 7.5), 1) // 0.75
  assert.is(percentOf(105, 10), 11) // 10.5
  assert.is(percentOf(104, 10), 10) // 10.4
  assert.is(percentOf(1_000, 0.05), 1) // 0.5
  assert.is(percentOf(29, 50), 15) // 14.5
  assert.is(percentOf(1_005, 8.1), 81) // 81.405
  assert.is(percentOf(MAX_AMOUNT, 33.333333), 333_333_330_000)
  assert.is(percentOf(3, 100), 3)
  assert.is(percentOf(12_345, 0), 0)
})

test('parts of an amount add up to it, each its share rounded up or down', () => {
  assert.equal(spread(100, [1, 1, 1]), [34, 33, 33])
  assert.equal(spread(10, [0, 0]), [0, 0])
  assert.equal(spread(5, [3, 0, 2]), [3, 0, 2])
  const amount = fc.integer({ min: 0, max: MAX_AMOUNT })
  fc.assert(
    fc.property(amount, fc.array(amount, { minLength: 1, maxLength: 12 }), (whole, weights) => {
      const all = weights.reduce((a, b) => a + b, 0)
      const given = spread(whole, weights)
      assert.is(
        given.reduce((a, b) => a + b, 0),
        all === 0 ? 0 : whole,
      )
      for (const [i, part] of given.entries())
        if (all > 0) {
          const low = (BigInt(whole) * BigInt(weights[i]!)) / BigInt(all)
          assert.ok(BigInt(part) === low || BigInt(part) === low + 1n, `${part} for ${low}`)
        }
    }),
    { numRuns: RUNS },
  )
})

test('AMOUNT: off the order, off each item, off each unit, off all together', () => {
  const order = () => basket(mug, pen)
  const off = (amount_off: number, effect: 'APPLY_TO_ORDER' | 'APPLY_TO_ITEMS') => ({
    type: 'AMOUNT' as const,
    amount_off,
    effect,
  })
  const whole = after(order(), off(1_000, 'APPLY_TO_ORDER'))
  assert.equal(
    [whole.discount_amount, whole.items_discount_amount, whole.total_discount_amount, whole.total_amount],
    [1_000, 0, 1_000, 9_000],
  )
  const each = after(order(), off(1_000, 'APPLY_TO_ITEMS'))
  assert.equal(parts(each), [1_000, 1_000])
  assert.equal(
    [each.discount_amount, each.items_discount_amount, each.total_discount_amount, each.total_amount],
    [0, 2_000, 2_000, 8_000],
  )
  const shared = after(order(), { type: 'AMOUNT', amount_off: 1_000, effect: 'APPLY_TO_ITEMS_PROPORTIONALLY' })
  assert.equal(parts(shared), [200, 800])
  const units = after(basket({ ...mug, quantity: 3 }, pen), {
    type: 'AMOUNT',
    amount_off: 500,
    effect: 'APPLY_TO_ITEMS_BY_QUANTITY',
  })
  assert.equal(parts(units), [1_500, 500])
  const counted = after(basket({ ...mug, quantity: 3 }, pen), {
    type: 'AMOUNT',
    amount_off: 1_001,
    effect: 'APPLY_TO_ITEMS_PROPORTIONALLY_BY_QUANTITY',
  })
  assert.equal(parts(counted), [751, 250])
})

test('what is given may be more than there is; what is applied is not', () => {
  const given = applyDiscount(basket(mug), discount({ type: 'AMOUNT', amount_off: 5_000 }))
  assert.equal(
    [given.discount_amount, given.applied_discount_amount, given.order.total_amount, given.effect],
    [5_000, 2_000, 0, 'APPLY_TO_ORDER'],
  )
})

test('PERCENT: of what is left, at most its limit, rounded once also over many items', () => {
  const twice = after(basket(pen, mug), { type: 'PERCENT', percent_off: 10 }, { type: 'PERCENT', percent_off: 10 })
  assert.is(twice.total_amount, 8_100)
  assert.is(after(basket(pen), { type: 'PERCENT', percent_off: 50, amount_limit: 300 }).total_amount, 7_700)
  const cents = basket({ price: 33, quantity: 1 }, { price: 33, quantity: 1 }, { price: 33, quantity: 1 })
  const half = after(cents, { type: 'PERCENT', percent_off: 50, effect: 'APPLY_TO_ITEMS' })
  assert.equal(parts(half), [17, 17, 16])
  assert.is(half.total_amount, 49)
  const limited = after(cents, { type: 'PERCENT', percent_off: 50, amount_limit: 10, effect: 'APPLY_TO_ITEMS' })
  assert.equal(parts(limited), [4, 3, 3])
})

test('FIXED: the order, or each unit, costs so much and never more than before', () => {
  assert.is(after(basket(pen), { type: 'FIXED', fixed_amount: 1_000 }).total_amount, 1_000)
  assert.is(after(basket(mug), { type: 'FIXED', fixed_amount: 3_000 }).total_amount, 2_000)
  const each = after(basket({ ...mug, quantity: 2 }, pen), {
    type: 'FIXED',
    fixed_amount: 3_000,
    effect: 'APPLY_TO_ITEMS',
  })
  assert.equal(parts(each), [0, 5_000])
})

const amountsOf = (item: PricedItem) => [
  item.initial_quantity,
  item.quantity,
  item.discount_quantity,
  item.initial_amount,
  item.amount,
  item.discount_amount,
  item.subtotal_amount,
]

test('UNIT, ADD_MISSING_ITEMS: units in the order are free, those that miss are added', () => {
  const unit = { type: 'UNIT' as const, unit_off: 2, unit_type: 'prod_mug', effect: 'ADD_MISSING_ITEMS' as const }
  const one = after(basket(pen, mug), unit)
  assert.equal(amountsOf(one.items![1]!), [1, 2, 2, 2_000, 4_000, 4_000, 0])
  assert.equal(
    [one.initial_amount, one.amount, one.items_discount_amount, one.total_amount],
    [10_000, 12_000, 4_000, 8_000],
  )
  const plenty = after(basket({ ...mug, quantity: 5 }), unit)
  assert.equal(amountsOf(plenty.items![0]!), [5, 5, 2, 10_000, 10_000, 4_000, 6_000])
  const again = after(plenty, { ...unit, unit_off: 4 })
  assert.equal(amountsOf(again.items![0]!), [5, 6, 6, 10_000, 12_000, 12_000, 0])
})

test('UNIT, ADD_NEW_ITEMS: units are always added, also of a product that is not there', () => {
  const unit = { type: 'UNIT' as const, unit_off: 1, unit_type: 'prod_mug', effect: 'ADD_NEW_ITEMS' as const }
  const held = after(basket(mug), unit)
  assert.equal(amountsOf(held.items![0]!), [1, 2, 1, 2_000, 4_000, 2_000, 2_000])
  const absent = after(basket(pen), unit)
  assert.equal(amountsOf(absent.items![1]!), [0, 1, 1, 0, 0, 0, 0])
  assert.is(absent.items![1]!.product_id, 'prod_mug')
  const own = after(basket(pen), { ...unit, unit_type: 'our-mug' })
  assert.equal([own.items![1]!.source_id, own.items![1]!.related_object], ['our-mug', 'product'])
  const named = after(basket({ quantity: 1, price: 7, product: { source_id: 'our-mug' } }), {
    ...unit,
    unit_type: 'our-mug',
  })
  assert.equal(amountsOf(named.items![0]!), [1, 2, 1, 7, 14, 7, 7])
})

test('UNIT adds units while the order has room for what they cost', () => {
  const unit = { type: 'UNIT' as const, unit_off: 5, unit_type: 'prod_mug', effect: 'ADD_NEW_ITEMS' as const }
  for (const [price, room, units] of [
    [1, 4, 4],
    [1, 5, 5],
    [2, 5, 2],
    [2, 0, 0],
    [0, 0, 5],
  ] as const) {
    const order = { ...basket({ ...mug, price }), amount: MAX_ORDER - room }
    assert.is(after(order, unit).items![0]!.quantity, 1 + units, `${price} in ${room}`)
  }
})

test('UNIT begins with the item whose unit costs least', () => {
  const order = basket({ ...mug, metadata: { color: 'gold' }, price: 3_000 }, mug)
  assert.equal(parts(after(order, { type: 'UNIT', unit_off: 1, unit_type: 'prod_mug' })), [0, 2_000])
})

test('the cheaper of two items that are alike but for one thing: by each in turn, whichever stands first', () => {
  const item = {
    price: 2,
    quantity: 2,
    amount: 4,
    subtotal_amount: 4,
    discount_quantity: 1,
    product_id: 'b',
  } as PricedItem
  const less = [
    { price: 1 },
    { subtotal_amount: 3 },
    { amount: 3 },
    { quantity: 1 },
    { discount_quantity: 0 },
    { product_id: 'a' },
  ]
  for (const one of less) {
    const cheaper = { ...item, ...one }
    assert.ok(byPrice(cheaper, item) < 0 && byPrice(item, cheaper) > 0, JSON.stringify(one))
  }
  assert.is(byPrice(item, { ...item }), 0)
})

test('credits pay what is asked for, never more than there are or than is left', () => {
  const pay = (wanted: number | undefined, available: number) => applyCredits(basket(mug), wanted, available)
  assert.equal([pay(500, 900).credits, pay(500, 900).order.total_amount], [500, 1_500])
  assert.is(pay(undefined, 900).credits, 900)
  assert.is(pay(undefined, 9_000).credits, 2_000)
  assert.is(pay(9_000, 10_000).credits, 2_000)
  assert.is(pay(900, 100).credits, 100)
  assert.equal(applyCredits(undefined, 30, 20), { order: undefined, credits: 20 })
  assert.equal(applyCredits(undefined, undefined, 20), { order: undefined, credits: 0 })
  const items = applyCredits(basket(mug, pen), 1_000, 9_000, 'APPLY_TO_ITEMS')
  assert.equal(parts(items.order), [200, 800])
})

test('discounts on items reach only the items that they are for', () => {
  const reach = ({ product_id }: PricedItem) => product_id === 'prod_pen'
  const order = basket(mug, pen)
  const percent = discount({ type: 'PERCENT', percent_off: 10, effect: 'APPLY_TO_ITEMS' })
  assert.equal(parts(applyDiscount(order, percent, reach).order), [0, 800])
  const fixed = discount({ type: 'FIXED', fixed_amount: 1, effect: 'APPLY_TO_ITEMS' })
  assert.equal(parts(applyDiscount(order, fixed, reach).order), [0, 7_999])
  assert.is(applyCredits(order, undefined, MAX_AMOUNT, 'APPLY_TO_ITEMS', reach).credits, 8_000)
})

test('a step shows all that was taken so far, and as applied what it took itself', () => {
  const first = after(basket(mug, shirt), { type: 'AMOUNT', amount_off: 100, effect: 'APPLY_TO_ITEMS' })
  const second = after(first, { type: 'AMOUNT', amount_off: 50 })
  const third = after(second, { type: 'PERCENT', percent_off: 10, effect: 'APPLY_TO_ITEMS' })
  const step = stepOrder(second, third)
  assert.equal([step.discount_amount, step.applied_discount_amount], [50, 0])
  assert.equal([step.items_discount_amount, step.items_applied_discount_amount], [880, 680])
  assert.equal([step.total_discount_amount, step.total_applied_discount_amount, step.total_amount], [930, 680, 6_070])
  assert.equal(
    step.items!.map((item) => [item.discount_amount, item.applied_discount_amount]),
    [
      [290, 190],
      [590, 490],
    ],
  )
})

test('the order object of the contract', () => {
  const order = after(
    open({ source_id: 's', amount: 500, items: [{ product_id: 'p', price: 500 }], metadata: { a: 1 } }),
    {
      type: 'PERCENT',
      percent_off: 10,
    },
  )
  const view = { id: 'ord_1', status: 'PAID', created_at: '2026-01-01T00:00:00.000Z', customer_id: 'cust_1' }
  const { items, ...shown } = showOrder(order, view)
  assert.equal(shown, {
    ...view,
    source_id: 's',
    updated_at: null,
    amount: 500,
    initial_amount: 500,
    discount_amount: 50,
    items_discount_amount: 0,
    total_discount_amount: 50,
    applied_discount_amount: 50,
    items_applied_discount_amount: 0,
    total_applied_discount_amount: 50,
    total_amount: 450,
    metadata: { a: 1 },
    referrer_id: null,
    object: 'order',
    customer: { id: 'cust_1', object: 'customer' },
  })
  assert.match(items![0]!.id!, /^ordli_/)
  const { id: _, ...item } = items![0]!
  assert.equal(item, {
    object: 'order_item',
    product_id: 'p',
    quantity: 1,
    initial_quantity: 1,
    discount_quantity: 0,
    price: 500,
    amount: 500,
    initial_amount: 500,
    discount_amount: 0,
    applied_discount_amount: 0,
    subtotal_amount: 500,
  })
})

// ---- laws over any order and any chain of discounts and credits

const amount = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 2_000_000_000 }))
const positive = amount.map((n) => Math.max(1, n))
const product = fc.constantFrom('prod_a', 'sku_b', 'c')
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const item = fc.record(
  { product_id: product, quantity: fc.integer({ min: 0, max: 9 }), price: amount, amount },
  { requiredKeys: [] },
)
const anyOrder = fc.record({ amount, items: fc.array(item, { maxLength: 6 }) }, { requiredKeys: [] })

const itemsEffects = [
  'APPLY_TO_ITEMS',
  'APPLY_TO_ITEMS_BY_QUANTITY',
  'APPLY_TO_ITEMS_PROPORTIONALLY',
  'APPLY_TO_ITEMS_PROPORTIONALLY_BY_QUANTITY',
] as const
const effect = fc.constantFrom('APPLY_TO_ORDER' as const, 'APPLY_TO_ITEMS' as const)
const anyDiscount: fc.Arbitrary<Discount> = fc.oneof(
  fc.record({
    type: fc.constant('AMOUNT' as const),
    amount_off: positive,
    effect: fc.constantFrom('APPLY_TO_ORDER' as const, ...itemsEffects),
  }),
  fc.record({
    type: fc.constant('PERCENT' as const),
    percent_off: fc.oneof(
      fc.integer({ min: 0, max: 100 }),
      fc.integer({ min: 0, max: 10_000 }).map((n) => n / 100),
      fc.double({ min: 0, max: 100, noNaN: true }),
    ),
    amount_limit: maybe(positive),
    effect,
  }),
  fc.record({ type: fc.constant('FIXED' as const), fixed_amount: amount, effect }),
  fc.record({
    type: fc.constant('UNIT' as const),
    unit_off: fc.integer({ min: 1, max: 12 }),
    unit_type: maybe(product),
    effect: fc.constantFrom('ADD_NEW_ITEMS' as const, 'ADD_MISSING_ITEMS' as const),
  }),
)
const anyStep = fc.oneof(
  { weight: 4, arbitrary: anyDiscount },
  {
    weight: 1,
    arbitrary: fc.record({ credits: maybe(amount), available: amount, effect }),
  },
)
type Step = typeof anyStep extends fc.Arbitrary<infer S> ? S : never

const step = (order: PricedOrder, one: Step) => {
  if ('available' in one) {
    const { order: left, credits } = applyCredits(order, one.credits, one.available, one.effect)
    assert.ok(credits <= one.available && credits <= (one.credits ?? credits))
    return { left, given: credits, applied: credits }
  }
  const { order: left, discount_amount, applied_discount_amount } = applyDiscount(order, one)
  return { left, given: discount_amount, applied: applied_discount_amount }
}

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)

const holdsTogether = (order: PricedOrder): void => {
  const items = order.items ?? []
  const numbers = [order, ...items].flatMap((part) => Object.values(part).filter((x) => typeof x === 'number'))
  for (const number of numbers) assert.ok(Number.isSafeInteger(number) && number >= 0, `${number}`)
  assert.is(order.items_discount_amount, sum(items.map((i) => i.discount_amount)))
  assert.is(order.items_applied_discount_amount, sum(items.map((i) => i.applied_discount_amount)))
  assert.is(order.total_discount_amount, order.discount_amount + order.items_discount_amount)
  assert.is(order.total_applied_discount_amount, order.applied_discount_amount + order.items_applied_discount_amount)
  assert.is(order.total_amount, order.amount - order.total_discount_amount)
  for (const one of items) {
    assert.is(one.subtotal_amount, one.amount - one.discount_amount)
    assert.ok(one.discount_quantity <= one.quantity && one.initial_quantity <= one.quantity)
  }
}

test('any chain over any order: never below zero, sums are the sums of parts, whole numbers, applied is at most given', () => {
  fc.assert(
    fc.property(anyOrder, fc.array(anyStep, { maxLength: 6 }), (input, steps) => {
      let order = open(input)
      holdsTogether(order)
      const opened = order.amount
      for (const one of steps) {
        const { left, given, applied } = step(order, one)
        holdsTogether(left)
        holdsTogether(stepOrder(order, left))
        assert.ok(applied >= 0 && applied <= given, `${applied} of ${given}`)
        assert.is(left.total_applied_discount_amount - order.total_applied_discount_amount, applied)
        assert.is(stepOrder(order, left).total_applied_discount_amount, applied)
        assert.ok(left.total_amount <= order.total_amount, 'no discount makes an order dearer')
        order = left
      }
      assert.is(order.initial_amount, opened)
      assert.is(order.total_amount, order.amount - order.total_applied_discount_amount)
    }),
    { numRuns: RUNS },
  )
})

test('the totals do not depend on the order of the items', () => {
  const totals = (order: PricedOrder) => ({ ...order, items: undefined })
  // Where units cannot be divided, and items are alike but for one thing, the order could tell.
  const small = fc.record({
    product_id: product,
    quantity: fc.integer({ min: 1, max: 3 }),
    price: fc.integer({ min: 0, max: 4 }),
  })
  const some = fc.oneof(fc.array(item, { minLength: 2, maxLength: 5 }), fc.array(small, { minLength: 2, maxLength: 5 }))
  const shuffled = some.chain((items) =>
    fc.record({
      items: fc.constant(items),
      other: fc.shuffledSubarray(items, { minLength: items.length, maxLength: items.length }),
      amount: maybe(amount),
    }),
  )
  const few = fc.integer({ min: 1, max: 6 })
  const fewStep = fc.oneof(
    anyStep,
    fc.record({
      type: fc.constant('AMOUNT' as const),
      amount_off: few,
      effect: fc.constantFrom('APPLY_TO_ORDER' as const, ...itemsEffects),
    }),
    fc.record({
      type: fc.constant('FIXED' as const),
      fixed_amount: few,
      effect: fc.constant('APPLY_TO_ITEMS' as const),
    }),
  )
  fc.assert(
    fc.property(shuffled, fc.array(fewStep, { maxLength: 5 }), ({ items, other, amount: given }, steps) => {
      let [one, two] = [open({ amount: given, items }), open({ amount: given, items: other })]
      for (const each of steps) {
        ;[one, two] = [step(one, each).left, step(two, each).left]
        assert.equal(totals(one), totals(two))
      }
    }),
    { numRuns: 3 * RUNS },
  )
})

test('the largest orders and the most units stay exact', () => {
  let order = open({ items: [{ product_id: 'prod_a', price: MAX_AMOUNT, quantity: 1 }] })
  for (let i = 0; i < 30; i++)
    order = after(order, { type: 'UNIT', unit_off: 1_000, unit_type: 'prod_a', effect: 'ADD_NEW_ITEMS' })
  holdsTogether(order)
  assert.is(order.total_amount, MAX_AMOUNT)
  const most = { type: 'AMOUNT' as const, amount_off: MAX_AMOUNT, effect: 'APPLY_TO_ITEMS_BY_QUANTITY' as const }
  const many = open({ items: Array.from({ length: 500 }, () => ({ amount: 2, quantity: 1_000_000 })) })
  const given = applyDiscount(many, discount(most))
  holdsTogether(given.order)
  assert.ok(Number.isSafeInteger(given.discount_amount))
  assert.is(given.order.total_amount, 0)
})

test.run()
