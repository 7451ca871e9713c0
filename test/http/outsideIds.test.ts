// What callers call what is theirs: one rule at every entrance, and an empty text is no name.

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { codeFault } from '../../src/domain/codes.ts'
import { hasUnseen } from '../../src/domain/outsideIds.ts'
import fc from '../fc.ts'
import { asking } from '../system/asking.ts'
import { type Answer, type TestNode, testNode } from '../system/node.ts'

let node: TestNode
const test = suite('ids from outside')
test.before(async () => {
  node = await testNode()
})
test.after(() => node.end())

const { ask, ok } = asking(() => node)

test('what an id may hold is what a code may hold, but for signs of paths and blanks', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }), (text) => {
      const rest = text.replace(/[\s/?#%\\]/gu, 'x')
      const isBad = hasUnseen(rest)
      assert.is(codeFault(rest)?.includes('control or invisible') ?? false, isBad, JSON.stringify(rest))
    }),
    { numRuns: 2_000 },
  )
})

test('no entrance takes an id with signs that nobody sees', async () => {
  await ok('POST', '/v1/event-schemas', { name: 'seen', schema: { properties: {} } })
  await ok('POST', '/v1/vouchers/TEN', { discount: { type: 'PERCENT', percent_off: 10 } })
  await ok('POST', '/v1/vouchers/GIFT', { type: 'GIFT_VOUCHER', gift: { amount: 10 } })
  const { id: club } = await ok('POST', '/v1/loyalties', { name: 'club', voucher: { type: 'LOYALTY_CARD' } })
  const card = (await ok('POST', `/v1/loyalties/${club}/members`, { customer: { source_id: 'ann' } })).code
  const other = (await ok('POST', `/v1/loyalties/${club}/members`, { customer: { source_id: 'bob' } })).code
  const ten = [{ object: 'voucher', id: 'TEN' }]
  const ann = { source_id: 'ann' }
  const entrances: Readonly<Record<string, (id: string) => Promise<Answer>>> = {
    customer: (id) => ask('POST', '/v1/customers', { source_id: id }),
    'customer by id': (id) => ask('POST', '/v1/customers', { id }),
    'changed customer': (id) => ask('PUT', '/v1/customers/ann', { source_id: id }),
    'customers in bulk': (id) => ask('POST', '/v1/customers/bulk/async', [{ source_id: id }]),
    'metadata in bulk': (id) => ask('POST', '/v1/customers/metadata/async', { source_ids: [id], metadata: { a: 1 } }),
    'event of': (id) => ask('POST', '/v1/events', { event: 'seen', customer: { source_id: id } }),
    event: (id) => ask('POST', '/v1/events', { event: 'seen', customer: ann, id }),
    'member as text': (id) => ask('POST', `/v1/loyalties/${club}/members`, { customer: id }),
    member: (id) => ask('POST', `/v1/loyalties/${club}/members`, { customer: { source_id: id } }),
    publication: (id) => ask('POST', '/v1/publications', { voucher: 'TEN', customer: ann, source_id: id }),
    validation: (id) => ask('POST', '/v1/validations', { redeemables: ten, customer: { source_id: id } }),
    session: (id) =>
      ask('POST', '/v1/validations', { redeemables: ten, customer: ann, session: { type: 'LOCK', key: id } }),
    redemption: (id) => ask('POST', '/v1/redemptions', { redeemables: ten, customer: { source_id: id } }),
    'older redemption': (id) => ask('POST', '/v1/vouchers/TEN/redemption', { customer: { source_id: id } }),
    tracking: (id) => ask('POST', '/v1/redemptions', { redeemables: ten, customer: ann, tracking_id: id }),
    qualification: (id) => ask('POST', '/v1/qualifications', { customer: ann, tracking_id: id }),
    'order of a redemption': (id) => ask('POST', '/v1/redemptions', { redeemables: ten, order: { source_id: id } }),
    order: (id) => ask('POST', '/v1/orders', { source_id: id, customer: ann }),
    'orders in bulk': (id) => ask('POST', '/v1/orders/import', [{ source_id: id, customer: ann }]),
    "an order's product": (id) => ask('POST', '/v1/orders', { customer: ann, items: [{ product_id: id }] }),
    points: (id) => ask('POST', `/v1/loyalties/members/${card}/balance`, { points: 1, source_id: id }),
    credits: (id) => ask('POST', '/v1/vouchers/GIFT/balance', { amount: 1, source_id: id }),
    transfer: (id) =>
      ask('POST', `/v1/loyalties/members/${card}/transfers`, [{ code: other, points: 1, source_id: id }]),
  }
  for (const [name, call] of Object.entries(entrances))
    for (const id of ['a\0b', 'a\u0007b', 'a\u007fb', 'a\nb', '\tab', 'a\u202eb', 'a\u200bb', '\ufeffab', 'a\ufdd0b']) {
      const answer = await call(id)
      assert.is(answer.status, 400, `${name} ${JSON.stringify(id)}: ${JSON.stringify(answer.body)}`)
      assert.match(answer.body.details, /must NOT contain control or invisible characters/, name)
    }
  const batch = await ok('POST', '/v1/events/batch', {
    events: [
      { event: 'seen', customer: { source_id: 'a\0b' } },
      { event: 'seen', customer: { source_id: 'zoë / + Łódź @' } },
    ],
  })
  assert.equal([batch.refused, batch.recorded], [1, 1])
})

test('a blank is nobody, and an order of an empty name is one of no name', async () => {
  for (const path of ['/v1/customers', '/v1/customers/bulk/async']) {
    const said = { source_id: ' \u00a0' }
    assert.is((await ask('POST', path, path.endsWith('async') ? [said] : said)).status, 400)
  }
  const redeem = (who: string) =>
    ok('POST', '/v1/redemptions', {
      redeemables: [{ object: 'voucher', id: 'TEN' }],
      order: { id: '', source_id: '', customer_id: '', amount: 100, items: [{ product_id: '', price: 100 }] },
      customer: { source_id: who },
    })
  const [first, second] = [await redeem('cid'), await redeem('dan')]
  assert.is.not(first.order.id, second.order.id)
  assert.not.ok(first.order.source_id)
  const orders = ['eve', 'fay'].map((who) => ok('POST', '/v1/orders', { source_id: ' ', customer: { source_id: who } }))
  assert.is(new Set((await Promise.all(orders)).map(({ id }) => id)).size, 2)
})

test('a change that names another customer than its path is refused', async () => {
  const [gus, hal] = [
    await ok('POST', '/v1/customers', { source_id: 'gus' }),
    await ok('POST', '/v1/customers', { source_id: 'hal' }),
  ]
  const other = await ask('PUT', '/v1/customers/gus', { id: hal.id, name: 'Hal' })
  assert.equal([other.status, other.body.key], [400, 'invalid_customer'])
  for (const id of [gus.id, 'gus', null])
    assert.is((await ok('PUT', '/v1/customers/gus', { id, name: 'Gus' })).name, 'Gus')
})

test.run()
