// What a customer's state keeps of orders: sums over all of them, and the newest whole, at the edges of their bounds.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { evolveOrders, type OrderFact, type OrderFactData } from '../../src/domain/customer/orders/facts.ts'
import { NO_ORDERS, noteEarned, type OrdersState } from '../../src/domain/customer/orders/state.ts'
import { unitPrice } from '../../src/domain/redemption/take.ts'
import { sizeOf } from '../../src/domain/size.ts'
import { DAY, T0, world } from '../given.ts'

const content = { amount: 5, total_amount: 5 } as unknown as OrderFactData['content']
const order = (id: string, more: Partial<OrderFactData> = {}, type: OrderFact['type'] = 'OrderCreated'): OrderFact => ({
  type,
  data: { order: id, status: 'PAID', content, amount: 5, by: 'request', createdAt: T0, occurredAt: T0, ...more },
})
const after = (facts: readonly OrderFact[]): OrdersState => facts.reduce(evolveOrders, NO_ORDERS)

test('sums count orders that are paid or fulfilled, once each', () => {
  const made = after([
    order('a'),
    order('b', { status: 'FULFILLED', amount: 7, createdAt: T0 + 1 }),
    order('c', { status: 'CREATED' }),
  ])
  assert.equal(made.sums, { all: 3, orders: 2, spent: 12, lastOrder: { amount: 7, at: T0 + 1 } })
  const changed = evolveOrders(
    made,
    order('a', { status: 'CANCELED', was: { status: 'PAID', amount: 5, paid: true } }, 'OrderUpdated'),
  )
  assert.equal(changed.sums, { all: 3, orders: 1, spent: 7, lastOrder: { amount: 7, at: T0 + 1 } })
  const late = evolveOrders(changed, order('d', { amount: 1 }))
  assert.equal(late.sums.lastOrder, { amount: 7, at: T0 + 1 }, 'an older one is not the last')
  assert.equal(evolveOrders(made, order('e', { amount: 9, createdAt: T0 + 1 })).sums.lastOrder?.amount, 9)
})

test('an order is paid until it is cancelled', () => {
  const paid = after([order('a'), order('a', {}, 'OrderPaid')])
  assert.is(paid.kept.a?.paid, true)
  assert.is(evolveOrders(paid, order('a', {}, 'OrderCanceled')).kept.a?.paid, false)
  assert.is(evolveOrders(paid, order('b', {}, 'OrderPaid')), paid)
  assert.is(after([order('a', { was: { status: 'PAID', amount: 5, paid: true } }, 'OrderUpdated')]).kept.a?.paid, true)
})

test('the newest are kept whole: five hundred, those of a quarter, and those there is room for', () => {
  const many = after(Array.from({ length: 501 }, (_, n) => order(`o${n}`)))
  assert.equal([Object.keys(many.kept).length, Object.keys(many.kept)[0], many.sums.all], [500, 'o1', 501])
  const late = (days: number) => Object.keys(after([order('a'), order('b', { occurredAt: T0 + days * DAY })]).kept)
  assert.equal([late(93), late(94)], [['a', 'b'], ['b']])
  const large = { ...content, note: 'x'.repeat(400_000) } as OrderFactData['content']
  assert.equal(Object.keys(after([order('a', { content: large }), order('b', { content: large })]).kept), ['b'])
  const beyond = { ...content, note: 'x'.repeat(600_000) } as OrderFactData['content']
  assert.equal(Object.keys(after([order('a', { content: beyond })]).kept), ['a'], 'the newest stays')
  // What is erased takes no room.
  const left = 512 * 1024 - sizeOf({ ...content, note: '' }).bytes
  const filled = (length: number) =>
    after([
      order('a', { content: { ...content, note: 'x'.repeat(length) } as OrderFactData['content'] }),
      order('b', { content: undefined }),
    ])
  assert.equal([Object.keys(filled(left).kept), Object.keys(filled(left + 1).kept)], [['a', 'b'], ['b']])
})

test('an order knows what it paid to cards, until that is taken back', () => {
  const earned = (transaction: string, id = 'a') => ({
    type: 'PointsEarned',
    data: { cause: { order: id }, card: { id: 'v_1' }, points: 3, transaction },
  })
  const note = (state: OrdersState, fact: object) => noteEarned(state, fact as never)
  const one = note(note(after([order('a')]), earned('t1')), earned('t2'))
  assert.equal(one.kept.a?.earned, [
    { card: 'v_1', points: 3, transaction: 't1' },
    { card: 'v_1', points: 3, transaction: 't2' },
  ])
  const back = {
    type: 'PointsTakenBack',
    data: { order: 'a', card: { id: 'v_1' }, points: 3, transaction: 't3', related: 't1' },
  }
  assert.equal(
    note(one, back).kept.a?.earned.map(({ transaction }) => transaction),
    ['t2'],
  )
  assert.is(note(one, earned('t4', 'other')), one)
  assert.is(note(one, { type: 'PointsAdded', data: { order: 'a' } }), one)
})

test('an order is as old as the horizon and still sets messages off; one that is imported never does', () => {
  const asked = (ago: number, by: 'request' | 'import' = 'request') => {
    const w = world()
    w.define('distribution', 'distr_1', {
      name: 'thanks',
      trigger: { type: 'event', event: 'customer.order.created' },
      channel: { type: 'webhook', url: 'https://shop.test/hook' },
    })
    w.facts({ type: 'SaveCustomer', profile: { source_id: 's' }, mayCreate: true })
    const facts = w.facts({
      type: 'SaveOrder',
      order: 'ord_1',
      patch: { items: [{ quantity: 1, amount: 5 }] } as never,
      mustExist: false,
      by,
      createdAt: w.now - ago,
      triggerHorizonMs: DAY,
      profile: {},
      mayCreate: false,
    })
    return facts.some(({ type }) => type === 'MessageRequested')
  }
  assert.equal([asked(DAY), asked(DAY + 1), asked(0, 'import')], [true, false, false])
})

test('a unit costs its price, or its part of the amount; nothing when there are none', () => {
  const item = { price: undefined, quantity: 3, amount: 10 }
  assert.equal(
    [unitPrice({ ...item, price: 4 } as never), unitPrice(item as never), unitPrice({ ...item, quantity: 0 } as never)],
    [4, 3, 0],
  )
  assert.is(unitPrice({ ...item, quantity: 1 } as never), 10)
})

test.run()
