// Credits of gift vouchers over a whole node: added, taken away, redeemed and given back, with their transactions.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Answer, type TestNode, testNode } from '../system/node.ts'
import { serverSdk } from '../system/sdk.ts'

let node: TestNode
const test = suite('credits of gift vouchers')
test.before(async () => {
  node = await testNode()
})
test.after(() => node.end())

const post = (path: string, body: unknown) => node.call('POST', path, body)
const keyOf = ({ status, body }: Answer) => [status, body.key]

test('credits are added and taken away, a source_id once, never below nothing; each is a transaction and shows to the holder', async () => {
  await post('/v1/vouchers/GIFT', { gift: { amount: 500 } })
  await post('/v1/publications', { voucher: 'GIFT', customer: { source_id: 'gil' } })
  const added = await post('/v1/vouchers/GIFT/balance', { amount: 300, source_id: 's-1', reason: 'birthday' })
  assert.equal([added.body.amount, added.body.total, added.body.balance], [300, 800, 800], JSON.stringify(added.body))
  const again = { amount: 300, source_id: 's-1', reason: 'birthday' }
  assert.equal((await post('/v1/vouchers/GIFT/balance', again)).body, added.body)
  const other = await post('/v1/vouchers/GIFT/balance', { ...again, reason: 'wedding' })
  assert.equal(keyOf(other), [400, 'duplicate_source_id'])
  const redeemed = await post('/v1/redemptions', {
    redeemables: [{ object: 'voucher', id: 'GIFT', gift: { credits: 200 } }],
    customer: { source_id: 'gil' },
    order: { amount: 1_000 },
  })
  assert.is(redeemed.status, 200, JSON.stringify(redeemed.body))
  const rolled = await post(`/v1/redemptions/${redeemed.body.redemptions[0].id}/rollback`, {})
  assert.is(rolled.status, 200, JSON.stringify(rolled.body))
  const tooMuch = await post('/v1/vouchers/GIFT/balance', { amount: -801 })
  assert.equal(keyOf(tooMuch), [400, 'gift_amount_exceeded'])
  const removed = await serverSdk(node).vouchers.balance.create('GIFT', { amount: -100 })
  assert.equal([removed.total, removed.balance, removed.object], [700, 700, 'balance'])
  const last = await post('/v1/vouchers/GIFT/balance', { amount: 1 })
  const listed = await node.call('GET', '/v1/vouchers/GIFT/transactions', undefined, { after: last })
  const told = (list: Answer) =>
    list.body.data.map((one: { type: string; details: { balance: { amount: number; balance: number } } }) => [
      one.type,
      one.details.balance.amount,
      one.details.balance.balance,
    ])
  const all = [
    ['CREDITS_ADDITION', 1, 701],
    ['CREDITS_REMOVAL', -100, 700],
    ['CREDITS_REFUND', 200, 800],
    ['CREDITS_REDEMPTION', -200, 600],
    ['CREDITS_ADDITION', 300, 800],
  ]
  assert.equal(told(listed), all)
  const page = await node.call('GET', '/v1/vouchers/GIFT/transactions?limit=2')
  assert.equal([told(page), page.body.has_more], [all.slice(0, 2), true])
  const next = page.body.more_starting_after
  const rest = await node.call('GET', `/v1/vouchers/GIFT/transactions?limit=2&starting_after_id=${next}`)
  assert.equal(told(rest), all.slice(2, 4))
  const log = await node.call('GET', '/v1/customers/gil/activity?type=customer.voucher.gift.balance_added')
  assert.is(log.body.data.length, 3)
})

test('what has no credits is told so', async () => {
  await post('/v1/vouchers/TEN', { discount: { type: 'PERCENT', percent_off: 10 } })
  assert.equal(keyOf(await post('/v1/vouchers/TEN/balance', { amount: 1 })), [400, 'invalid_voucher'])
  assert.equal(keyOf(await post('/v1/vouchers/TEN/balance', { amount: 0 })), [400, 'invalid_payload'])
  assert.equal(keyOf(await post('/v1/vouchers/NONE/balance', { amount: 1 })), [404, 'not_found'])
  const none = await node.call('GET', '/v1/vouchers/TEN/transactions')
  assert.equal([none.status, none.body.data], [200, []])
})

test.run()
