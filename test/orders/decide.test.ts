// Decisions about orders: what follows from a status, what is earned and taken back, and what is remembered.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { SaveCustomersOrder } from '../../src/domain/decider/commands.ts'
import { openOrder } from '../../src/domain/order.ts'
import { patchedContent } from '../../src/domain/orders/content.ts'
import {
  decideHome,
  foldHome,
  type HomeCommand,
  isOrderStream,
  NO_HOME,
  orderStream,
} from '../../src/domain/orders/home.ts'
import type { OrderPatch } from '../../src/domain/orders/input.ts'
import { isRefused } from '../../src/domain/refusal.ts'
import fc from '../fc.ts'
import { DAY, summary, type World } from '../given.ts'
import { balances, card, changes, PROGRAM, shop } from '../loyalty/fixtures.ts'
import { times } from '../soak.ts'

const saving = (patch: OrderPatch, more: Partial<SaveCustomersOrder> = {}): SaveCustomersOrder => ({
  type: 'SaveOrder',
  order: 'ord_1',
  patch,
  mustExist: false,
  by: 'request',
  triggerHorizonMs: 3 * DAY,
  profile: { source_id: 's' },
  mayCreate: true,
  ...more,
})

const earning = (w: World, loyalty: unknown, more: Record<string, unknown> = {}): void =>
  w.define('earningRule', 'ern_1', {
    campaign_id: PROGRAM,
    event: 'customer.order.paid',
    loyalty: loyalty as never,
    ...more,
  })

const proportional = (calculation_type: string, source: object) => ({
  type: 'PROPORTIONAL',
  calculation_type,
  ...source,
})

const ITEMS = [
  { product_id: 'tea', sku_id: 'tea-100', quantity: 2, price: 300, discount_amount: 100 },
  { source_id: 'cup', related_object: 'product' as const, quantity: 1, price: 900 },
]

test('a status that is new is a fact of its own; an order is paid once, until it is cancelled', () => {
  const w = shop()
  assert.equal(summary(w.facts(saving({ amount: 1_000, status: 'CREATED' }))), ['CustomerCreated', 'OrderCreated'])
  assert.equal(summary(w.facts(saving({ status: 'PAID' }))), ['OrderUpdated', 'OrderPaid'])
  assert.equal(summary(w.facts(saving({ status: 'PAID' }))), [])
  assert.equal(summary(w.facts(saving({ status: 'FULFILLED' }))), ['OrderUpdated', 'OrderFulfilled'])
  assert.equal(summary(w.facts(saving({ status: 'PAID' }))), ['OrderUpdated'])
  assert.equal(summary(w.facts(saving({ status: 'CANCELED' }))), ['OrderUpdated', 'OrderCanceled'])
  assert.equal(summary(w.facts(saving({ status: 'PAID' }))), ['OrderUpdated', 'OrderPaid'])
  assert.is(w.refused(saving({}, { order: 'ord_2', mustExist: true })).key, 'not_found')
  assert.is(w.refused(saving({ amount: 10, discount_amount: 11 })).key, 'invalid_order')
})

test('an order costs what is said, else what its items do, else what it did, else nothing', () => {
  const of = (before: OrderPatch | undefined, patch: OrderPatch) => {
    const first = before && patchedContent(undefined, before, undefined)
    const content = patchedContent(first as never, patch, undefined)
    return isRefused(content)
      ? content.refused.key
      : [content.amount, content.initial_amount, content.total_amount, content.applied_discount_amount]
  }
  const items = [{ quantity: 2, price: 5 }, { quantity: 3 }] as OrderPatch['items']
  assert.equal(
    [
      of(undefined, {}),
      of(undefined, { items }),
      of({ amount: 7 }, {}),
      of({ amount: 7 }, { items }),
      of({ items }, { amount: 7 }),
    ],
    [
      [0, 0, 0, 0],
      [10, 10, 10, 0],
      [7, 7, 7, 0],
      [10, 10, 10, 0],
      [7, 7, 7, 0],
    ],
  )
  assert.equal(
    [of(undefined, { amount: 5, discount_amount: 5 }), of({ amount: 5, discount_amount: 5 }, { amount: 4 })],
    [[5, 5, 0, 0], 'invalid_order'],
  )
  const discounted = { amount: 9, discount_amount: 5, applied_discount_amount: 5 } as never
  const applied = (discount_amount: number) => {
    const content = patchedContent(discounted, { discount_amount }, undefined)
    return isRefused(content) ? content.refused.key : content.applied_discount_amount
  }
  assert.equal([applied(3), applied(6)], [3, 5], 'no more than comes off, and no more than came off here')
  const made = patchedContent(undefined, { items }, undefined)
  assert.ok(!isRefused(made))
  assert.equal(
    made.items?.map((item) => [item.amount, item.subtotal_amount, item.discount_quantity]),
    [
      [10, 10, 0],
      [0, 0, 0],
    ],
  )
})

test('what comes with an old order that is new here is as old as the order', () => {
  const w = shop()
  const old = { createdAt: w.now - 900 * DAY, triggerHorizonMs: 0 } as const
  const from = (profile: SaveCustomersOrder['profile'], more: Partial<SaveCustomersOrder> = {}) =>
    w.facts(saving({ amount: 1 }, { profile: { source_id: 's', ...profile }, ...more }))
  from({ name: 'Then', phone: '1' }, { order: 'ord_old', ...old })
  assert.equal([w.state.profile.name, w.state.profile.phone], ['Then', '1'])
  w.facts({ type: 'SaveCustomer', profile: { name: 'Now', metadata: { tier: 'gold' } }, mayCreate: false })
  from({ name: 'Then', email: 'then@x.example', metadata: { tier: 'new', since: 1 } }, { order: 'ord_older', ...old })
  const { name, email, metadata } = w.state.profile
  assert.equal([name, email, metadata], ['Now', 'then@x.example', { tier: 'gold', since: 1 }])
  // One that is known is said something of now, whenever it was made.
  from({ name: 'Later', phone: '2' }, { order: 'ord_older', ...old, patch: { amount: 2 } })
  assert.equal([w.state.profile.name, w.state.profile.phone], ['Later', '2'])
  w.reload()
  assert.equal([w.state.profile.name, w.state.profile.phone], ['Later', '2'])
})

test('each way in which a rule counts by an order', () => {
  const share = { every: 100, points: 1 }
  const one = { every: 1, points: 1 }
  const cases: readonly (readonly [unknown, number])[] = [
    [proportional('ORDER_AMOUNT', { order: { amount: share } }), 15],
    [proportional('ORDER_TOTAL_AMOUNT', { order: { total_amount: share } }), 12],
    [proportional('ORDER_METADATA', { order: { metadata: { ...one, property: 'stars' } } }), 4],
    [proportional('ORDER_METADATA', { order: { metadata: { ...one, property: 'box.stars' } } }), 6],
    [proportional('ORDER_ITEMS_QUANTITY', { order_items: { quantity: one } }), 3],
    [proportional('ORDER_ITEMS_QUANTITY', { order_items: { quantity: { ...one, object: 'sku', id: 'tea-100' } } }), 2],
    [proportional('ORDER_ITEMS_AMOUNT', { order_items: { amount: { ...share, object: 'product', id: 'cup' } } }), 9],
    [
      proportional('ORDER_ITEMS_SUBTOTAL_AMOUNT', {
        order_items: { subtotal_amount: { ...share, applicable_to: [{ object: 'product', id: 'tea' }] } },
      }),
      5,
    ],
    [{ type: 'FIXED', points: 7 }, 7],
  ]
  for (const [loyalty, points] of cases) {
    const w = shop({}, { auto_join: true })
    earning(w, loyalty)
    const patch = {
      items: ITEMS,
      discount_amount: 200,
      metadata: { stars: 4, box: { stars: 6 } },
      status: 'PAID' as const,
    }
    const facts = w.facts(saving(patch))
    assert.equal(changes(facts), [`POINTS_ACCRUAL ${points}`], JSON.stringify(loyalty))
    balances(w)
  }
})

test('rules gate by the order; what is imported earns nothing; a rule by orders goes with an event of orders', () => {
  const w = shop({}, { auto_join: true })
  w.define('validationRule', 'val_1', {
    name: 'large',
    rules: { '1': { name: 'order.amount', conditions: { $more_than: [1_000] } }, logic: '1' },
  } as never)
  earning(w, { type: 'FIXED', points: 5 }, { validation_rule_id: 'val_1' })
  assert.equal(changes(w.facts(saving({ amount: 900, status: 'PAID' }))), [])
  assert.equal(changes(w.facts(saving({ amount: 1_900, status: 'PAID' }, { order: 'ord_2' }))), ['POINTS_ACCRUAL 5'])
  assert.equal(changes(w.facts(saving({ amount: 1_900, status: 'PAID' }, { order: 'ord_3', by: 'import' }))), [])
  const refusal = w.refusalOf('earningRule', 'ern_2', {
    campaign_id: PROGRAM,
    event: 'bought',
    loyalty: proportional('ORDER_AMOUNT', { order: { amount: { every: 1, points: 1 } } }),
  })
  assert.match(refusal?.details ?? '', /events? of orders only/)
})

test('with the order its points go: pending ones, and of others what is left', () => {
  const w = shop({}, { auto_join: true })
  earning(w, { type: 'FIXED', points: 50 })
  w.facts(saving({ amount: 100, status: 'PAID' }))
  w.facts({ type: 'RemovePoints', card: card(w).id, points: 30 })
  const undone = w.facts(saving({ status: 'CANCELED' }))
  assert.equal(changes(undone), ['POINTS_REMOVAL -20'])
  const back = undone.find(({ type }) => type === 'PointsTakenBack')
  assert.is(back?.type === 'PointsTakenBack' && back.data.given, 50)
  assert.is(card(w).balance, 0)
  assert.equal(changes(w.facts(saving({ status: 'PAID' }))), ['POINTS_ACCRUAL 50'])
  assert.equal(changes(w.facts(saving({ status: 'CANCELED' }))), ['POINTS_REMOVAL -50'])
  w.facts(saving({ status: 'PAID' }))
  w.facts({ type: 'RemovePoints', card: card(w).id, points: 50 })
  assert.not.ok(summary(w.facts(saving({ status: 'CANCELED' }))).includes('PointsTakenBack'), 'nothing is left')

  const waiting = shop({}, { auto_join: true })
  earning(waiting, { type: 'FIXED', points: 50 }, { pending_points: { period_type: 'DAY', period_value: 2 } })
  waiting.facts(saving({ amount: 100, status: 'PAID' }))
  waiting.facts(saving({ amount: 100, status: 'PAID' }, { order: 'ord_2' }))
  assert.ok(summary(waiting.facts(saving({ status: 'CANCELED' }))).includes('PendingPointsCanceled'))
  waiting.wait(3 * DAY)
  assert.equal(changes(waiting.facts({ type: 'AdvanceClock' })), ['PENDING_POINTS_ACTIVATION 50'])
  assert.equal(changes(waiting.facts(saving({ status: 'CANCELED' }, { order: 'ord_2' }))), ['POINTS_REMOVAL -50'])
  for (const one of [w, waiting]) balances(one)
})

test('messages and segments follow from orders', () => {
  const w = shop()
  w.define('segment', 'seg_big', {
    name: 'big',
    type: 'auto-update',
    filter: { junction: 'and', 'summary.orders.total_amount': { conditions: { $more_than: [500] } } },
  } as never)
  w.define('distribution', 'distr_1', {
    name: 'paid',
    trigger: { type: 'event', event: 'customer.order.paid' },
    channel: { type: 'webhook', url: 'https://shop.test/hook' },
  } as never)
  const facts = summary(w.facts(saving({ amount: 600, status: 'PAID' })))
  assert.ok(facts.includes('entered seg_big') && facts.includes('MessageRequested'), String(facts))
  assert.ok(summary(w.facts(saving({ status: 'CANCELED' }))).includes('left seg_big'))
  const old = saving({ amount: 1, status: 'PAID' }, { order: 'ord_2', createdAt: w.now - 30 * DAY })
  assert.not(summary(w.facts(old)).includes('MessageRequested'))
})

test('a name that was reserved for somebody is nobody else’s while the order may be under way', () => {
  const reserve = (customer: string, insteadOf?: string) =>
    ({ type: 'ReserveOrder', name: 'ord_1', order: 'ord_1', customer, ...(insteadOf ? { insteadOf } : {}) }) as const
  const made = decideHome(NO_HOME, reserve('ann'), 1_000)
  assert.ok(!('refused' in made))
  const home = made.reduce(foldHome, NO_HOME)
  assert.equal(decideHome(home, reserve('ann'), 2_000), [], 'its own request may come again')
  for (const [later, isTaken] of [
    [0, false],
    [299_999, false],
    [300_000, true],
  ] as const)
    assert.is(!('refused' in decideHome(home, reserve('bob', 'ann'), 1_000 + later)), isTaken, String(later))
  assert.ok('refused' in decideHome(home, reserve('bob'), 900_000), 'nor later, unless it is known that none was made')
})

test('an order of nobody’s is decided on the stream of its name, and what its status brings follows', () => {
  let home = NO_HOME
  const told = (command: HomeCommand): string => {
    const decided = decideHome(home, command, 1_000)
    if ('refused' in decided) return decided.refused.key
    home = decided.reduce(foldHome, home)
    return decided.map(({ type }) => type).join(' ')
  }
  const save = (patch: OrderPatch): HomeCommand => ({
    type: 'SaveOrder',
    order: 'ord_1',
    patch,
    mustExist: false,
    by: 'request',
    triggerHorizonMs: DAY,
  })
  const rows: readonly (readonly [HomeCommand, string])[] = [
    [save({ amount: 5 }), 'OrderCreated'],
    [save({ amount: 5 }), ''],
    [save({ status: 'PAID' }), 'OrderUpdated OrderPaid'],
    [save({ status: 'FULFILLED' }), 'OrderUpdated OrderFulfilled'],
    [save({ status: 'PAID' }), 'OrderUpdated'],
    [save({ status: 'CANCELED' }), 'OrderUpdated OrderCanceled'],
    [save({ status: 'PAID' }), 'OrderUpdated OrderPaid'],
    [{ ...save({}), order: 'ord_2', mustExist: true } as HomeCommand, 'not_found'],
    [
      { type: 'RedeemOrder', id: 'ord_3', order: openOrder({ amount: 7 })!, request: 'q', redemptions: ['r_1'] },
      'OrderCreated OrderPaid',
    ],
    [
      { type: 'RollBackOrder', id: 'ord_3', request: 'q', parent: 'b', rollbacks: ['rr_1'], isAll: true },
      'OrderUpdated OrderCanceled',
    ],
    [{ type: 'RollBackOrder', id: 'ord_3', request: 'p', parent: 'b', rollbacks: ['rr_1'], isAll: true }, ''],
    // The name of one order is not that of another, and once it is somebody's the order is decided there.
    [{ type: 'ReserveOrder', name: 'shop-1', order: 'ord_1' }, 'OrderReserved'],
    [{ type: 'ReserveOrder', name: 'shop-1', order: 'ord_1' }, ''],
    [{ type: 'ReserveOrder', name: 'shop-1', order: 'ord_2' }, 'duplicate_source_id'],
    [{ type: 'ReserveOrder', name: 'shop-1', order: 'ord_1', customer: 'ann' }, 'OrderReserved'],
    [{ type: 'ReserveOrder', name: 'shop-1', order: 'ord_1' }, ''],
    [{ type: 'ReserveOrder', name: 'shop-1', order: 'ord_1', customer: 'bob' }, 'invalid_order'],
    [save({ amount: 9 }), 'invalid_order'],
  ]
  for (const [i, [command, expected]] of rows.entries()) assert.is(told(command), expected, `${i} ${command.type}`)
  assert.is(orderStream('shop-1.A_b'), 'order-shop-1.A_b')
  assert.equal(
    ['Größe', 'a/b', '', 'x'.repeat(401)].map((name) => orderStream(name) === `order-${name}`),
    [false, false, false, false],
  )
  assert.equal([isOrderStream(orderStream('a/b')), isOrderStream('customer-ord')], [true, false])
})

test('items are replaced, metadata is merged, and an order that was shown can be sent back', () => {
  const w = shop()
  w.facts(saving({ items: ITEMS, metadata: { a: 1, b: 2 } }))
  w.facts(saving({ metadata: { b: null, c: 3 } }))
  const content = w.state.orders.kept.ord_1!.content!
  assert.equal(content.metadata, { a: 1, c: 3 })
  assert.equal([content.amount, content.total_amount, content.items_discount_amount], [1_500, 1_400, 100])
  const { amount, initial_amount, discount_amount, metadata } = content
  const items = content.items!.map(({ applied_discount_amount: _, subtotal_amount: __, ...item }) => item)
  assert.equal(w.facts(saving({ amount, initial_amount, discount_amount, metadata: metadata ?? {}, items })), [])
  w.facts(saving({ items: [{ product_id: 'tea', quantity: 1, price: 5 }] }))
  assert.is(w.state.orders.kept.ord_1!.content!.amount, 5)
  w.facts(saving({ amount: 7 }))
  const { amount: only, items: left } = w.state.orders.kept.ord_1!.content!
  assert.equal([only, left?.map(({ product_id }) => product_id)], [7, ['tea']], 'what is left out stays')
  w.facts(saving({ items: [] }))
  assert.equal(w.state.orders.kept.ord_1!.content!.items, [])
})

test('whatever becomes of orders, sums and points add up, and folding the stream again gives the same', () => {
  const statuses = ['CREATED', 'PAID', 'CANCELED', 'FULFILLED', 'PROCESSING'] as const
  const step = fc.record({
    order: fc.constantFrom('ord_1', 'ord_2', 'ord_3'),
    status: fc.constantFrom(...statuses),
    amount: fc.integer({ min: 0, max: 5_000 }),
    spend: fc.integer({ min: 0, max: 9 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const w = shop({}, { auto_join: true })
      earning(w, proportional('ORDER_AMOUNT', { order: { amount: { every: 100, points: 1 } } }))
      const last = new Map<string, { status: string; amount: number }>()
      for (const { order, status, amount, spend } of steps) {
        w.facts(saving({ status, amount }, { order }))
        last.set(order, { status, amount })
        const held = Object.values(w.state.loyalty.cards)[0]
        if (spend > 0 && held && held.balance >= spend) w.facts({ type: 'RemovePoints', card: held.id, points: spend })
      }
      const counted = [...last.values()].filter(({ status }) => status === 'PAID' || status === 'FULFILLED')
      const { sums, kept } = w.state.orders
      assert.equal([sums.all, sums.orders], [last.size, counted.length])
      assert.is(
        sums.spent,
        counted.reduce((n, { amount }) => n + amount, 0),
      )
      balances(w)
      const before = w.state
      w.reload()
      assert.equal(w.state.orders, before.orders)
      assert.equal(Object.keys(kept).length, last.size)
    }),
    { numRuns: times(40, 1_000) },
  )
})

test('who referred an order stays until somebody else is named, or nobody', () => {
  const referrers = (before: string | undefined, named: string | null | undefined): string | undefined => {
    const content = patchedContent({ ...openOrder({ amount: 100 })!, referrer: before }, {}, named)
    if ('refused' in content) throw new Error(content.refused.details)
    return content.referrer
  }
  assert.equal(
    [referrers('ann', undefined), referrers('ann', 'bob'), referrers('ann', null), referrers(undefined, undefined)],
    ['ann', 'bob', undefined, undefined],
  )
})

test.run()
