// Orders over a whole node, by the official SDK: made, changed, redeemed for, rolled back, listed, and gone with the person.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Answer, type TestNode, testNode } from '../system/node.ts'
import { serverSdk } from '../system/sdk.ts'
import { until } from '../until.ts'

let node: TestNode
let sdk: ReturnType<typeof serverSdk>
const test = suite('orders over http')
test.before(async () => {
  node = await testNode()
  sdk = serverSdk(node)
})
test.after(() => node.end())

const admin = async (path: string, body: unknown): Promise<Answer['body']> => {
  const answer = await node.call('POST', path, body, { as: 'admin' })
  assert.ok(answer.status < 300, JSON.stringify(answer.body))
  return answer.body
}

/** Reads what was written. */
const read = async (path: string): Promise<Answer> =>
  node.call('GET', path, undefined, {
    as: 'admin',
    headers: { 'Consistency-Token': String(await node.services.store.head()), Prefer: 'wait=10' },
  })

const refusedWith = async (asked: Promise<unknown>): Promise<string> => {
  try {
    await asked
  } catch (error) {
    return String((error as { key?: string }).key)
  }
  return 'nothing'
}

test('an order by its source_id: made, changed, paid; points, activity and summary follow', async () => {
  const club = await admin('/v1/loyalties', { name: 'club', auto_join: true, voucher: { type: 'LOYALTY_CARD' } })
  await admin(`/v1/loyalties/${club.id}/earning-rules`, [
    {
      event: 'order.paid',
      loyalty: { type: 'PROPORTIONAL', calculation_type: 'ORDER_AMOUNT', order: { amount: { every: 100, points: 1 } } },
    },
  ])
  const made = await sdk.orders.create({
    source_id: 'shop-1',
    customer: { source_id: 'ann', name: 'Ann' },
    referrer: { source_id: 'bob' },
    items: [{ source_id: 'tea', related_object: 'product', quantity: 2, price: 500, product: { name: 'Tea' } }],
    metadata: { channel: 'web' },
  } as never)
  assert.equal([made.status, made.amount, made.total_amount, made.source_id], ['CREATED', 1_000, 1_000, 'shop-1'])
  assert.is(made.items?.[0]?.product?.name, 'Tea')
  assert.ok(made.customer?.id?.startsWith('cust_'))
  const paid = await sdk.orders.update({ id: made.id!, status: 'PAID' } as never)
  assert.is(paid.status, 'PAID')
  const again = await sdk.orders.create({ source_id: 'shop-1', customer: { source_id: 'ann' } } as never)
  assert.equal([again.id, again.status], [made.id, 'PAID'])

  const got = await read('/v1/orders/shop-1')
  assert.equal([got.status, got.body.id, got.body.status], [200, made.id, 'PAID'])
  assert.is(got.body.referrer.id, got.body.referrer_id)
  const listed = await read('/v1/orders?customer=ann&status=PAID')
  assert.equal([listed.body.total, listed.body.orders[0].id], [1, made.id])
  const filtered = await read('/v1/orders?filters[source_id][conditions][$in][0]=shop-2')
  assert.is(filtered.body.total, 0)
  const { body: customer } = await read('/v1/customers/ann')
  assert.equal([customer.summary.orders.total_amount, customer.summary.orders.total_count], [1_000, 1])
  assert.is(customer.loyalty.points, 10)
  const types = (await read('/v1/customers/ann/activity')).body.data.map(({ type }: { type: string }) => type)
  for (const type of ['customer.order.created', 'customer.order.updated', 'customer.order.paid'])
    assert.ok(types.includes(type), `${type} is among ${types}`)
  const card = customer.loyalty.campaigns.club
  assert.is(card.points, 10)
  await sdk.orders.update({ id: made.id!, status: 'CANCELED' } as never)
  assert.is((await read('/v1/customers/ann')).body.loyalty.points, 0)
})

test('what is refused: another customer, a source_id that is taken, what is not there', async () => {
  const of = (source_id: string, order: object) => sdk.orders.create({ source_id, ...order } as never)
  await of('shop-10', { customer: { source_id: 'ann' }, amount: 5 })
  assert.is(await refusedWith(of('shop-10', { customer: { source_id: 'eve' } })), 'invalid_order')
  const other = await of('shop-11', { customer: { source_id: 'ann' }, amount: 5 })
  assert.is(
    await refusedWith(sdk.orders.update({ id: other.id!, source_id: 'shop-10' } as never)),
    'duplicate_source_id',
  )
  assert.is(await refusedWith(sdk.orders.update({ id: 'ord_none', status: 'PAID' } as never)), 'not_found')
  assert.is(await refusedWith(sdk.orders.create({ customer: { id: 'cust_none' } } as never)), 'not_found')
})

test('whose an order is can be said in each of its ways, once or alike', async () => {
  const ann = (await read('/v1/customers/ann')).body.id
  const post = (path: string, body: unknown) => node.call('POST', path, body)
  const saved = await post('/v1/orders', { customer_id: ann, amount: 5 })
  assert.equal([saved.status, saved.body.customer_id], [200, ann])
  assert.is((await post('/v1/orders', { customer_id: ann, customer: { source_id: 'eve' } })).body.key, 'invalid_order')
  assert.is((await post('/v1/orders', { customer_id: 'cust_none' })).status, 404)

  await post('/v1/vouchers/WHOSE', { type: 'DISCOUNT_VOUCHER', discount: { type: 'AMOUNT', amount_off: 1 } })
  const redeem = (order: object, customer?: object) =>
    post('/v1/redemptions', {
      redeemables: [{ object: 'voucher', id: 'WHOSE' }],
      order: { amount: 5, ...order },
      ...(customer ? { customer } : {}),
    })
  for (const order of [{ customer: { source_id: 'ann' } }, { customer_id: ann }, { customer: { id: ann } }]) {
    const { status, body } = await redeem(order)
    assert.equal([status, body.redemptions?.[0].customer_id], [200, ann], JSON.stringify(body))
    assert.is((await redeem(order, { source_id: 'ann' })).body.redemptions[0].customer_id, ann)
    assert.is((await redeem(order, { source_id: 'eve' })).body.key, 'invalid_order')
  }
  assert.is((await redeem({ customer: null, customer_id: null })).body.redemptions[0].customer_id, null)
  // What was shown can be sent back.
  const { order } = (await redeem({ customer: { source_id: 'ann' } })).body
  assert.is(
    (await post('/v1/validations', { redeemables: [{ object: 'voucher', id: 'WHOSE' }], order })).body.valid,
    true,
  )
})

test('a shop may tell how far an order is', async () => {
  const made = await sdk.orders.create({ customer: { source_id: 'ann' }, amount: 5 } as never)
  for (const status of ['PROCESSING', 'FULFILLED'])
    assert.is((await sdk.orders.update({ id: made.id!, status } as never)).status, status)
})

test("nobody's order becomes a customer's", async () => {
  const made = await sdk.orders.create({ amount: 700, status: 'PAID' } as never)
  assert.is(made.customer, undefined)
  assert.is((await read(`/v1/orders/${made.id}`)).body.customer_id, null)
  const taken = await sdk.orders.update({ id: made.id!, customer: { source_id: 'late' } } as never)
  assert.equal([taken.status, taken.amount, taken.customer?.id?.slice(0, 5)], ['PAID', 700, 'cust_'])
  const { body } = await read('/v1/customers/late')
  assert.equal([body.summary.orders.total_amount, body.loyalty.points], [700, 7])
})

test('a redemption makes its order, goes on with one that is there, and a rollback cancels it', async () => {
  await admin('/v1/vouchers/TENOFF', { type: 'DISCOUNT_VOUCHER', discount: { type: 'AMOUNT', amount_off: 100 } })
  const redeem = (order: object, customer?: object) =>
    sdk.redemptions.redeemStackable({
      redeemables: [{ object: 'voucher', id: 'TENOFF' }],
      order,
      ...(customer ? { customer } : {}),
    } as never)
  const ann = { source_id: 'ann' }
  const first = await redeem({ amount: 1_000 }, ann)
  const { body: made } = await read(`/v1/orders/${first.order?.id}`)
  assert.equal([made.status, made.amount, made.total_amount], ['PAID', 1_000, 900])
  const request = first.parent_redemption!.id
  assert.equal(made.redemptions[request].stacked, [first.redemptions[0]!.id])

  const open = await sdk.orders.create({ source_id: 'shop-20', customer: ann, amount: 2_000 } as never)
  const second = await redeem({ source_id: 'shop-20' }, ann)
  assert.equal([second.order?.id, second.order?.total_amount], [open.id, 1_900])
  await sdk.redemptions.rollbackStackable(second.parent_redemption!.id)
  const { body: undone } = await read('/v1/orders/shop-20')
  assert.is(undone.status, 'CANCELED')
  const [entry] = Object.values(undone.redemptions) as { rollback_stacked: string[] }[]
  assert.is(entry!.rollback_stacked.length, 1)
  assert.is(await refusedWith(redeem({ source_id: 'shop-20' }, { source_id: 'eve' })), 'invalid_order')

  const nobodys = await redeem({ amount: 400 })
  const id = nobodys.order!.id!
  await until(async () => (await read(`/v1/orders/${id}`)).status === 200)
  await sdk.redemptions.rollbackStackable(nobodys.parent_redemption!.id)
  await until(async () => (await read(`/v1/orders/${id}`)).body.status === 'CANCELED')
})

test('many orders and customers come in the background; what was sent is not kept', async () => {
  const done = async (id: string): Promise<Answer['body']> => {
    let body: Answer['body']
    await until(async () => {
      body = (await read(`/v1/async-actions/${id}`)).body
      return body.status === 'DONE'
    })
    return body
  }
  const orders = [
    {
      source_id: 'old-1',
      status: 'PAID',
      amount: 300,
      created_at: '2020-01-02T00:00:00Z',
      customer: { source_id: 'old' },
    },
    { source_id: 'old-2', status: 'PAID', amount: 400, customer: { id: 'cust_none' } },
  ]
  const imported = await done((await sdk.orders.import(orders as never)).async_action_id)
  assert.equal([imported.type, imported.result.done_count, imported.result.failed_count], ['ORDERS.IMPORT', 1, 1])
  assert.match(imported.result.failed[0].reason, /not_found/)
  const { body: old } = await read('/v1/customers/old')
  assert.equal([old.summary.orders.total_amount, old.loyalty.points], [300, 0])
  assert.is((await read('/v1/orders/old-1')).body.created_at, '2020-01-02T00:00:00.000Z')

  const bulk = await sdk.customers.updateInBulk([{ source_id: 'b-1', name: 'One' }, { source_id: 'b-2' }] as never)
  assert.is((await done(bulk.async_action_id)).result.done_count, 2)
  const metadata = { source_ids: ['b-1', 'b-none'], metadata: { vip: true } }
  const changed = await done((await sdk.customers.updateMetadataInBulk(metadata)).async_action_id)
  assert.equal([changed.result.done_count, changed.result.failed_count], [1, 1])
  const { body: one } = await read('/v1/customers/b-1')
  assert.equal([one.name, one.metadata], ['One', { vip: true }])
  await until(async () => (await node.services.readModel.plain('uploads').count({})) === 0)
})

test('with the person what the orders say goes, and the money stays', async () => {
  const made = await sdk.orders.create({
    customer: { source_id: 'gone' },
    source_id: 'shop-30',
    amount: 50,
    status: 'PAID',
    items: [{ product_id: 'secret', quantity: 1, price: 50 }],
  } as never)
  const { body: held } = await read('/v1/customers/gone/personal-data')
  assert.ok(JSON.stringify(held).includes('secret'))
  const erased = await admin('/v1/customers/gone/permanent-deletion', undefined)
  assert.is(erased.data_json.orders, 1)
  await until(async () => !JSON.stringify((await read(`/v1/orders/${made.id}`)).body).includes('secret'))
  const { body } = await read(`/v1/orders/${made.id}`)
  assert.equal([body.amount, body.customer_id, body.source_id], [50, null, null])
})

test('what came of an order says what the shop calls it: transactions, of a card and a program, and pending points', async () => {
  const own = { name: 'slow club', auto_join: true, voucher: { type: 'LOYALTY_CARD' } }
  const { id } = await admin('/v1/loyalties', own)
  const paid = { event: 'order.paid', loyalty: { type: 'FIXED', points: 5 } }
  await admin(`/v1/loyalties/${id}/earning-rules`, [
    paid,
    { ...paid, pending_points: { period_type: 'DAY', period_value: 1 } },
  ])
  const { code } = await admin(`/v1/loyalties/${id}/members`, { customer: { source_id: 'zoe' } })
  await admin('/v1/orders', { source_id: 'shop-zoe', amount: 100, status: 'PAID', customer: { source_id: 'zoe' } })
  for (const path of [
    `members/${code}/transactions`,
    `${id}/transactions`,
    `members/${code}/pending-points`,
    `${id}/pending-points`,
  ]) {
    const { body } = await read(`/v1/loyalties/${path}`)
    assert.equal(
      body.data.map((one: Answer['body']) => one.details.order?.source_id),
      ['shop-zoe'],
      path,
    )
  }
})

test.run()
