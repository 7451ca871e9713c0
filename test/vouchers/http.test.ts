// Vouchers over a whole node: single ones and codes of campaigns are made, shown, changed, switched and deleted.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Answer, type TestNode, testNode } from '../system/node.ts'
import { serverSdk } from '../system/sdk.ts'
import { until } from '../until.ts'

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
  assert.equal([made.body.campaign, made.body.active, made.body.holder_id], [undefined, true, undefined])
  assert.equal((await get('/v1/vouchers/SUMMER-10')).body, made.body)
  assert.equal((await get(`/v1/vouchers/${made.body.id}`, made)).body, made.body)
  assert.equal(keyOf(await post('/v1/vouchers/SUMMER-10', { discount: ten })), [409, 'duplicate_found'])
  const gift = await post('/v1/vouchers/', { gift: { amount: 500 }, code_config: { prefix: 'G-', length: 10 } })
  assert.match(gift.body.code, /^G-\w{10}$/)
  assert.equal(
    [gift.body.type, gift.body.gift, gift.body.redemption.quantity],
    ['GIFT_VOUCHER', { amount: 500, balance: 500, effect: 'APPLY_TO_ORDER' }, undefined],
  )
})

test('what is wrong with a voucher is said by its path, and makes none', async () => {
  const wrong: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ type: 'DISCOUNT_VOUCHER' }, /\.discount is required/],
    [{ type: 'GIFT_VOUCHER', gift: { amount: 1 }, discount: ten }, /\.discount does not go with/],
    [{ type: 'LOYALTY_CARD' }, /\.campaign is required/],
    [{ discount: { type: 'PERCENT', percent_off: 101 } }, /\.discount\.percent_off/],
    [{ gift: { amount: 0.5 } }, /\.gift\.amount must be integer/],
    [{ discount: ten, start_date: 'soon' }, /\.start_date/],
    [{ discount: ten, redemption: { quantity: -1 } }, /\.redemption\.quantity/],
    [{ discount: ten, code: 'OTHER' }, /\.code/],
    [
      { discount: ten, redemption: { quantity: 5, redeemed_quantity: 2 } },
      /\.redemption redeemed_quantity, .* must be 0/,
    ],
    [{ gift: { amount: 5 }, redemption: { redeemed_amount: 2 } }, /\.redemption redeemed_quantity, .* must be 0/],
  ]
  for (const [body, details] of wrong) {
    const answer = await post('/v1/vouchers/NEVER', body)
    const key = /is required|does not go with|\.type/.test(details.source) ? 'invalid_voucher' : 'invalid_payload'
    assert.equal(keyOf(answer), [400, key], JSON.stringify(body))
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
  const without = await node.call('PUT', '/v1/vouchers/CHANGE-ME', { metadata: { a: null, c: 3 } })
  assert.equal(without.body.metadata, { b: 2, c: 3 })
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

test('a code with national letters works at every entrance, with blanks around it and in any Unicode form', async () => {
  const keep = async (name: string, body: unknown) => {
    const answer = await post(name, body)
    assert.ok(answer.status < 300, `${name}: ${JSON.stringify(answer.body)}`)
    return answer
  }
  const path = (code: string) => `/v1/vouchers/${encodeURIComponent(code)}`
  assert.is((await keep(path('VA\u030aR1'), { discount: ten })).body.code, 'VÅR1')
  assert.is((await keep('/v1/vouchers', { code: ' VÅR2 ', discount: ten })).body.code, 'VÅR2')
  await keep('/v1/vouchers/import', [
    { code: 'VÅR3\n', discount: ten },
    { code: 'SPRING3', discount: ten },
  ])
  await keep(
    '/v1/campaigns',
    campaign('vår', {
      vouchers_count: 1,
      voucher: { type: 'DISCOUNT_VOUCHER', discount: ten, code_config: { pattern: 'VÅR-######' } },
    }),
  )
  assert.match((await keep('/v1/campaigns/v%C3%A5r/vouchers', undefined)).body.code, /^VÅR-\w{6}$/)
  await keep('/v1/campaigns/v%C3%A5r/vouchers/V%C3%85R4', { discount: ten })
  await keep('/v1/campaigns/v%C3%A5r/import', [{ code: 'VÅR5' }])
  for (const code of ['VÅR1', 'VÅR2', 'VÅR3', 'SPRING3', 'VÅR4', 'VÅR5']) {
    const shown = await until(
      () => get(path(` ${code}`)),
      ({ status }) => status === 200,
    )
    assert.is(shown.body.code, code)
  }
  const redeemables = [{ object: 'voucher', id: ' VA\u030aR1 ' }]
  const redeemed = await keep('/v1/redemptions', {
    redeemables,
    order: { amount: 100 },
    customer: { source_id: 'åsa' },
  })
  assert.is(redeemed.body.redemptions[0].voucher.code, 'VÅR1')
  assert.is((await get(`${path('VÅR1')}/redemption`, redeemed)).body.total, 1)
  const twice = [...redeemables, { object: 'voucher', id: 'VÅR1' }]
  assert.is((await post('/v1/validations', { redeemables: twice })).body.key, 'duplicated_redeemables')
  await keep('/v1/publications', { voucher: 'VÅR2 ', customer: { source_id: 'åsa' } })
  await keep('/v1/loyalties', {
    name: 'poäng',
    voucher: { type: 'LOYALTY_CARD', code_config: { pattern: 'Ö-########' } },
  })
  const member = await keep('/v1/loyalties/po%C3%A4ng/members', { customer: { source_id: 'åsa' }, voucher: 'KORT-Å' })
  assert.is(member.body.code, 'KORT-Å')
  assert.is((await get('/v1/loyalties/members/KORT-A%CC%8A', member)).body.code, 'KORT-Å')
  const issued = await keep('/v1/loyalties/po%C3%A4ng/members', { customer: { source_id: 'örjan' } })
  assert.match(issued.body.code, /^Ö-\w{8}$/)
})

test('whatever text a path or a format names a thing with is answered in the words of the rule, never in those of the log', async () => {
  const names = [
    'A\u007f',
    'x'.repeat(600),
    'V\u00c5R',
    ' ',
    'a b',
    '$all',
    '\u6d41',
    '\ud83c\udf81',
    '..%00',
    'a/b',
    '%',
    'constructor',
  ]
  const { paths } = (await get('/openapi.json')).body as { paths: Record<string, Record<string, unknown>> }
  let asked = 0
  const ask = async (method: string, url: string) => {
    const body = method === 'get' || method === 'delete' ? undefined : {}
    const answer = await node.call(method.toUpperCase(), url, body, url.startsWith('/client/') ? {} : { as: 'admin' })
    asked++
    const said = `${method} ${url}: ${answer.status} ${JSON.stringify(answer.body)}`
    assert.ok(answer.status < 500, said)
    assert.not.match(said, /stream name/)
  }
  for (const [path, methods] of Object.entries(paths)) {
    if (!path.includes('{') || path.includes('{projectId}')) continue
    // All of them where nothing but the name can be at fault, else the two that the log would refuse.
    const asks = Object.keys(methods).flatMap((method) =>
      (method === 'get' ? names : names.slice(0, 2)).map((name) => [method, name] as const),
    )
    await Promise.all(asks.map(([method, name]) => ask(method, path.replace(/\{\w+\}/g, encodeURIComponent(name)))))
  }
  assert.ok(asked > 300, `only ${asked} requests`)
  const formats = [
    { prefix: 'x'.repeat(200), postfix: 'y'.repeat(200) },
    { charset: 'A\u007f' },
    { pattern: 'A ##########' },
    { charset: 'abcde\u0301\u0323', length: 20 },
    { charset: 'abcde.', length: 2 },
  ]
  for (const code_config of formats) {
    const voucher = { type: 'DISCOUNT_VOUCHER', discount: ten, code_config }
    const answers = [
      await post('/v1/campaigns', campaign('never', { voucher })),
      await post('/v1/vouchers', { discount: ten, code_config }),
    ]
    for (const answer of answers) {
      assert.equal(keyOf(answer), [400, 'invalid_code_config'])
      assert.match(JSON.stringify(answer.body), /code_config.*must NOT (have more|contain|have a mark|be \.)/)
    }
  }
  for (const code of ['A\u007f', 'A B', 'Å'.repeat(200)]) {
    const answers = await Promise.all([
      post('/v1/vouchers', { code, discount: ten }),
      post('/v1/vouchers/import', [{ code, discount: ten }]),
      post('/v1/vouchers/metadata/async', { codes: [code], metadata: {} }),
    ])
    for (const { status, body } of answers) {
      assert.is(status, 400)
      assert.match(JSON.stringify(body), /must NOT (have more|contain)/)
    }
  }
})

test.run()
