// Vouchers over a whole node: single ones and codes of campaigns are made, shown, changed, switched and deleted.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Answer, type TestNode, testNode } from '../system/node.ts'
import { serverSdk } from '../system/sdk.ts'

let node: TestNode
const test = suite('vouchers over http')
test.before(async () => {
  node = await testNode()
})
test.after(() => node.end())

const ten = { type: 'PERCENT' as const, percent_off: 10 }
const post = (path: string, body: unknown) => node.call('POST', path, body)
const get = (path: string, after?: Answer) => node.call('GET', path, undefined, after ? { after } : {})
const keyOf = ({ status, body }: Answer) => [status, body.key]

const campaign = (name: string, more: Record<string, unknown> = {}) => ({
  name,
  campaign_type: 'DISCOUNT_COUPONS',
  voucher: { type: 'DISCOUNT_VOUCHER', discount: ten },
  ...more,
})

test('a single voucher is made with and without a code, and shows at once, by code and by id', async () => {
  const made = await post('/v1/vouchers/SUMMER-10', {
    type: 'DISCOUNT_VOUCHER',
    discount: ten,
    redemption: { quantity: 3 },
    start_date: '2026-01-01T00:00:00Z',
    metadata: { season: 'summer' },
  })
  assert.is(made.status, 200, JSON.stringify(made.body))
  assert.equal(made.body.discount, { ...ten, effect: 'APPLY_TO_ORDER' })
  assert.equal([made.body.redemption.quantity, made.body.redemption.redeemed_quantity], [3, 0])
  assert.equal([made.body.campaign, made.body.active, made.body.holder_id], [null, true, null])
  assert.equal((await get('/v1/vouchers/SUMMER-10')).body, made.body)
  assert.equal((await get(`/v1/vouchers/${made.body.id}`, made)).body, made.body)
  assert.equal(keyOf(await post('/v1/vouchers/SUMMER-10', { discount: ten })), [409, 'duplicate_found'])
  const gift = await post('/v1/vouchers/', { gift: { amount: 500 }, code_config: { prefix: 'G-', length: 10 } })
  assert.match(gift.body.code, /^G-\w{10}$/)
  assert.equal(
    [gift.body.type, gift.body.gift, gift.body.redemption.quantity],
    ['GIFT_VOUCHER', { amount: 500, balance: 500, effect: 'APPLY_TO_ORDER' }, null],
  )
})

test('what is wrong with a voucher is said by its path, and makes none', async () => {
  const wrong: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ type: 'DISCOUNT_VOUCHER' }, /\.discount is required/],
    [{ type: 'GIFT_VOUCHER', gift: { amount: 1 }, discount: ten }, /\.discount does not go with/],
    [{ type: 'LOYALTY_CARD' }, /\.type/],
    [{ discount: { type: 'PERCENT', percent_off: 101 } }, /\.discount\.percent_off/],
    [{ gift: { amount: 0.5 } }, /\.gift\.amount must be integer/],
    [{ discount: ten, start_date: 'soon' }, /\.start_date/],
    [{ discount: ten, redemption: { quantity: -1 } }, /\.redemption\.quantity/],
    [{ discount: ten, code: 'OTHER' }, /\.code/],
  ]
  for (const [body, details] of wrong) {
    const answer = await post('/v1/vouchers/NEVER', body)
    assert.equal(keyOf(answer), [400, 'invalid_payload'], JSON.stringify(body))
    assert.match(answer.body.details, details)
  }
  assert.is((await get('/v1/vouchers/NEVER')).status, 404)
  assert.equal(keyOf(await post('/v1/vouchers/a%2Fb', { discount: ten })), [400, 'invalid_path'])
})

test('a voucher is changed, switched and deleted, and its code is never given again', async () => {
  const made = await post('/v1/vouchers/CHANGE-ME', { discount: ten, metadata: { a: 1 }, active: false })
  assert.is(made.body.active, false)
  const changed = await node.call('PUT', '/v1/vouchers/CHANGE-ME', {
    category: 'vip',
    metadata: { b: 2 },
    active: true,
  })
  assert.equal([changed.body.category, changed.body.metadata, changed.body.active], ['vip', { a: 1, b: 2 }, true])
  assert.is((await node.call('PUT', '/v1/vouchers/CHANGE-ME', { type: 'GIFT_VOUCHER' })).status, 400)
  assert.is((await node.call('PUT', '/v1/vouchers/CHANGE-ME', { gift: { amount: 1 } })).status, 400)
  assert.is((await node.call('PUT', '/v1/vouchers/UNHEARD-OF', { category: 'x' })).status, 404)
  assert.is((await post('/v1/vouchers/CHANGE-ME/disable', {})).body.active, false)
  const listed = await get('/v1/vouchers?category=vip', await post('/v1/vouchers/CHANGE-ME/enable', {}))
  assert.equal([listed.body.total, listed.body.vouchers[0].code], [1, 'CHANGE-ME'])
  const deleted = await node.call('DELETE', '/v1/vouchers/CHANGE-ME')
  assert.is(deleted.status, 204)
  assert.is((await get('/v1/vouchers/CHANGE-ME')).status, 404)
  assert.is((await get('/v1/vouchers?category=vip', deleted)).body.total, 0)
  assert.equal(keyOf(await post('/v1/vouchers/CHANGE-ME', { discount: ten })), [409, 'duplicate_found'])
  assert.is((await node.call('DELETE', '/v1/vouchers/CHANGE-ME')).status, 404)
})

test('a campaign says what its codes are worth; a code may say otherwise', async () => {
  const bad = await post('/v1/campaigns', { name: 'bad', campaign_type: 'GIFT_VOUCHERS' })
  assert.match(bad.body.details, /\.voucher is required/)
  const mixed = await post('/v1/campaigns', campaign('bad', { campaign_type: 'GIFT_VOUCHERS' }))
  assert.match(mixed.body.details, /\.voucher\.type must be equal to GIFT_VOUCHER.*\.voucher\.gift is required/)
  assert.is((await post('/v1/campaigns', campaign('own'))).status, 200)
  const plain = await post('/v1/campaigns/own/vouchers/OWN-1', {})
  assert.equal([plain.body.campaign, plain.body.discount.percent_off], ['own', 10])
  const other = await post('/v1/campaigns/own/vouchers/OWN-2', {
    discount: { type: 'AMOUNT', amount_off: 100 },
    redemption: { quantity: 1 },
  })
  assert.equal([other.body.discount.amount_off, other.body.redemption.quantity], [100, 1])
  assert.is((await post('/v1/campaigns/own/vouchers/OWN-3', { gift: { amount: 1 } })).status, 400)
  assert.is((await post('/v1/campaigns/unheard-of/vouchers/OWN-3', {})).status, 404)
  await node.call('PUT', '/v1/campaigns/own', {
    voucher: { type: 'DISCOUNT_VOUCHER', discount: { type: 'PERCENT', percent_off: 20 } },
  })
  assert.is((await get('/v1/vouchers/OWN-1')).body.discount.percent_off, 20)
  const listed = await get('/v1/vouchers?campaign=own&order=code', other)
  assert.equal(
    listed.body.vouchers.map(({ code }: { code: string }) => code),
    ['OWN-1', 'OWN-2'],
  )
  assert.is((await get('/v1/vouchers?campaign=unheard-of')).status, 404)
  assert.is((await node.call('DELETE', '/v1/campaigns/own')).status, 204)
  assert.is((await get('/v1/vouchers/OWN-1')).status, 404)
  assert.is((await get('/v1/vouchers?code=OWN-1')).body.total, 0)
})

test('the official SDK makes, reads, changes and deletes vouchers', async () => {
  const client = serverSdk(node)
  const made = await client.vouchers.create({ type: 'GIFT_VOUCHER', gift: { amount: 500, balance: 500 } })
  assert.equal((await client.vouchers.get(made.code)).gift, made.gift)
  const changed = await client.vouchers.update({ code: made.code, additional_info: 'soon over' })
  assert.is(changed.additional_info, 'soon over')
  assert.is((await client.vouchers.disable(made.code)).active, false)
  assert.is((await client.vouchers.enable(made.code)).active, true)
  await client.vouchers.delete(made.code)
  const gone = await client.vouchers.get(made.code).catch((error) => error)
  assert.equal([gone.code, gone.key], [404, 'not_found'])
  assert.is((await client.vouchers.list({ limit: 1 })).data_ref, 'vouchers')
})

test.run()
