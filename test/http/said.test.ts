// What a request says is done: fields that were dropped once work over a whole node, and what the API answered can be sent back.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { asking } from '../system/asking.ts'
import { type Answer, type TestNode, testNode } from '../system/node.ts'

let node: TestNode
const test = suite('what requests say')
test.before(async () => {
  node = await testNode()
})
test.after(() => node.end())

const { ask, ok } = asking(() => node)
const refused = async (details: RegExp, method: string, path: string, body?: unknown) => {
  const answer = await ask(method, path, body)
  assert.is(answer.status, 400, `${method} ${path}: ${JSON.stringify(answer.body)}`)
  assert.match(answer.body.details, details)
}

const ten = { type: 'PERCENT', percent_off: 10 }
const above = (amount: number) => ({
  name: `above ${amount}`,
  rules: { 1: { name: 'order.amount', property: null, conditions: { $more_than: [amount] } }, logic: '1' },
})
const validated = async (code: string, amount: number): Promise<boolean> =>
  (await ok('POST', '/v1/validations', { redeemables: [{ object: 'voucher', id: code }], order: { amount } })).valid

test('the rules of a new voucher and of a new campaign gate it from the first moment on', async () => {
  const { id: rule } = await ok('POST', '/v1/validation-rules', above(5_000))
  const single = { code: 'MIN50', discount: ten, validation_rules: [rule] }
  const made = await ok('POST', '/v1/vouchers', single)
  assert.is(made.validation_rules_assignments.data[0].rule_id, rule)
  assert.equal([await validated('MIN50', 100), await validated('MIN50', 5_001)], [false, true])

  const campaign = await ok('POST', '/v1/campaigns', {
    name: 'autumn',
    voucher: { type: 'DISCOUNT_VOUCHER', discount: ten },
    validation_rules: [rule, rule],
  })
  assert.is(campaign.campaign_type, 'DISCOUNT_COUPONS')
  await ok('POST', `/v1/campaigns/${campaign.id}/vouchers/AUTUMN`, {})
  assert.equal([await validated('AUTUMN', 100), await validated('AUTUMN', 5_001)], [false, true])

  const unknown = /validation_rules\[1\] must name a validation rule: there is no val_no/
  await refused(unknown, 'POST', '/v1/vouchers', { ...single, code: 'NONE', validation_rules: [rule, 'val_no'] })
  assert.is((await ask('GET', '/v1/vouchers/NONE')).status, 404)
  await refused(unknown, 'POST', '/v1/campaigns', {
    name: 'winter',
    voucher: { type: 'DISCOUNT_VOUCHER', discount: ten },
    validation_rules: [rule, 'val_no'],
  })
  assert.is((await ask('GET', '/v1/campaigns/winter')).status, 404)

  // A code that somebody has leaves no assignment behind, and its own rules as they were.
  assert.is((await ask('POST', '/v1/vouchers', single)).status, 409)
  assert.is((await ok('GET', `/v1/validation-rules/${rule}/assignments`)).total, 2)
})

test('what a rule is assigned to is one thing, by its id and by its name', async () => {
  const [one, other] = await Promise.all([1, 2].map((n) => ok('POST', '/v1/validation-rules', above(n))))
  const campaign = await ok('POST', '/v1/campaigns', {
    name: 'named',
    voucher: { type: 'DISCOUNT_VOUCHER', discount: ten },
  })
  const voucher = await ok('POST', '/v1/vouchers', { code: 'NAMED', discount: ten })
  for (const [type, id, name] of [
    ['campaign', campaign.id, campaign.name],
    ['voucher', voucher.id, voucher.code],
  ]) {
    const assign = (rule: string, to: string, query = '') =>
      ask('POST', `/v1/validation-rules/${rule}/assignments${query}`, {
        related_object_type: type,
        related_object_id: to,
      })
    assert.is((await assign(one.id, name)).status, 200)
    assert.is((await assign(one.id, name)).status, 409)
    assert.is((await assign(one.id, id)).body.key, 'duplicate_found')
    for (const to of [id, name])
      assert.is((await ok('GET', `/v1/validation-rules-assignments?related_object_id=${to}`)).total, 1, to)
    assert.is((await assign(other.id, id, '?force=true')).status, 200)
    const { data } = await ok('GET', `/v1/validation-rules-assignments?related_object_id=${name}`)
    assert.equal(
      data.map((entry: { rule_id: string }) => entry.rule_id),
      [other.id],
    )
  }
})

test('the type of a campaign follows from its vouchers', async () => {
  const typeOf = async (voucher: object) =>
    (await ok('POST', '/v1/campaigns', { name: `c ${JSON.stringify(voucher)}`, voucher })).campaign_type
  assert.is(await typeOf({ type: 'GIFT_VOUCHER', gift: { amount: 100 } }), 'GIFT_VOUCHERS')
  assert.is(await typeOf({ type: 'LOYALTY_CARD' }), 'LOYALTY_PROGRAM')
  await refused(/required property 'campaign_type'/, 'POST', '/v1/campaigns', { name: 'of no type' })
})

test('a limit on all items together bounds what comes off', async () => {
  const discount = {
    type: 'AMOUNT',
    amount_off: 100,
    effect: 'APPLY_TO_ITEMS_BY_QUANTITY',
    aggregated_amount_limit: 200,
  }
  assert.is((await ok('POST', '/v1/vouchers', { code: 'UPTO200', discount })).discount.aggregated_amount_limit, 200)
  const { order } = await ok('POST', '/v1/validations', {
    redeemables: [{ object: 'voucher', id: 'UPTO200' }],
    order: { items: [{ product_id: 'a', quantity: 5, price: 1_000 }] },
  })
  assert.is(order.total_discount_amount, 200)
})

test('names that mean the same are read alike; both at once must say the same', async () => {
  const bob = await ok('POST', '/v1/customers', { source_id: 'bob', birthday: '1990-02-28' })
  assert.is(bob.birthdate, '1990-02-28')
  await refused(/\.birthday must match format "date"/, 'POST', '/v1/customers', { birthday: '1990-02-30' })
  await refused(/birthday must be equal/, 'POST', '/v1/customers', { birthday: '1990-02-28', birthdate: '1991-02-28' })
  const { code } = await ok('POST', '/v1/vouchers', { discount: ten, code_config: { length: 8, suffix: '-X' } })
  assert.match(code, /^\w{8}-X$/)
  const webhook = await ok('POST', '/v1/webhooks', { target_url: 'https://shop.test/hook', events: ['*'] })
  assert.equal([webhook.url, webhook.target_url], ['https://shop.test/hook', 'https://shop.test/hook'])
  const { id: program } = await ok('POST', '/v1/loyalties', { name: 'points' })
  const card = await ok('POST', `/v1/loyalties/${program}/members`, { customer: 'bob' })
  assert.is(card.holder_id, bob.id)
  assert.is((await ok('POST', `/v1/loyalties/${program}/members`, { customer: bob.id })).code, card.code)
})

test('words of paths are no codes, a discount code has no transactions, event schemas are listed as data', async () => {
  await refused(/./, 'POST', '/v1/vouchers/qualification', { discount: ten })
  assert.is((await ask('GET', '/v1/vouchers/qualification')).status, 404)
  // It takes a file.
  assert.is((await ask('POST', '/v1/vouchers/importCSV', { discount: ten })).status, 415)
  await ok('POST', '/v1/vouchers/PLAIN', { discount: ten })
  assert.equal((await ok('GET', '/v1/vouchers/PLAIN/transactions')).data, [])
  await ok('POST', '/v1/event-schemas', { name: 'review', schema: { properties: {} } })
  const { data_ref: ref, data } = await ok('GET', '/v1/event-schemas')
  assert.equal([ref, data[0].name], ['data', 'review'])
})

test('what the API answered can be sent back, and changes nothing', async () => {
  const { id: program } = await ok('POST', '/v1/loyalties', {
    name: 'more points',
    voucher: { code_config: { suffix: 'P' } },
  })
  const [rule] = await ok('POST', `/v1/loyalties/${program}/earning-rules`, [
    { event: 'review', loyalty: { type: 'FIXED', points: 1 }, source: { banner: 'Points' } },
  ])
  const [tier] = await ok('POST', `/v1/loyalties/${program}/tiers`, [{ name: 'low', points: { from: 1, to: 9 } }])
  const reward = await ok('POST', '/v1/rewards', {
    name: 'mug',
    type: 'MATERIAL',
    parameters: { product: { id: 'mug' } },
  })
  const offer = await ok('POST', `/v1/rewards/${reward.id}/assignments`, {
    campaign: program,
    parameters: { loyalty: { points: 5 } },
  })
  const segment = await ok('POST', '/v1/segments', {
    name: 'bobs',
    filter: { junction: 'and', name: { conditions: { $is: ['bob'] } } },
  })
  const validation = await ok('POST', '/v1/validation-rules', above(1))
  const webhook = await ok('POST', '/v1/webhooks', { url: 'https://shop.test/hook', events: ['review'] })
  const schema = await ok('POST', '/v1/event-schemas', { name: 'visit', schema: { properties: {} } })
  const customer = await ok('POST', '/v1/customers', {
    source_id: 'cid',
    address: { city: 'Rome' },
    metadata: { a: 1 },
  })
  const distribution = await ok('POST', '/v1/distributions', {
    name: 'thanks',
    trigger: { type: 'event', event: 'review' },
    channel: { type: 'webhook', url: 'https://shop.test/hook' },
  })
  const paths = [
    '/v1/vouchers/MIN50',
    '/v1/vouchers/AUTUMN',
    '/v1/campaigns/autumn',
    `/v1/loyalties/${program}`,
    `/v1/loyalties/${program}/earning-rules/${rule.id}`,
    `/v1/loyalties/${program}/tiers/${tier.id}`,
    `/v1/rewards/${reward.id}`,
    `/v1/rewards/${reward.id}/assignments/${offer.id}`,
    `/v1/segments/${segment.id}`,
    `/v1/validation-rules/${validation.id}`,
    `/v1/webhooks/${webhook.id}`,
    `/v1/event-schemas/${schema.id}`,
    `/v1/distributions/${distribution.id}`,
    `/v1/customers/${customer.id}`,
  ]
  const meant = ({ updated_at: _, rollout: __, initial_sync_status: ___, ...body }: Answer['body']) => body
  for (const path of paths) {
    const shown = await ok('GET', path)
    const kept = await ok('PUT', path, shown)
    const again = await ok('GET', path)
    assert.is(kept.id, shown.id, path)
    assert.equal(meant(again), meant(shown), path)
  }
  const { order, ...redeemed } = await ok('POST', '/v1/redemptions', {
    redeemables: [{ object: 'voucher', id: 'PLAIN' }],
    order: { amount: 100, items: [{ product_id: 'a', quantity: 1, price: 100 }] },
    customer,
  })
  await ok('POST', '/v1/validations', { redeemables: [{ object: 'voucher', id: 'PLAIN' }], order, customer })
  assert.is(redeemed.redemptions[0].customer_id, customer.id)
})

test('items of a batch, of an import and of a list of changes are read as closely as single ones', async () => {
  const batch = await ok('POST', '/v1/events/batch', {
    events: [
      { event: 'review', customer: { source_id: 'bob' } },
      { event: 'review', customer: { source_id: 'bob', emial: 'b@shop.test' } },
    ],
  })
  assert.equal([batch.recorded, batch.refused], [1, 1])
  assert.match(batch.data[1].error.details, /\.customer\.emial is not known: did you mean 'email'/)
  const items = [
    { code: 'I1', discount: ten },
    { code: 'I2', discount: ten, redemtion: { quantity: 1 } },
  ]
  await refused(/\[1\]\.redemtion is not known: did you mean 'redemption'/, 'POST', '/v1/vouchers/import', items)
  await refused(/\.applicable_to is not supported/, 'POST', '/v1/validation-rules', {
    ...above(2),
    applicable_to: { included: [{ object: 'product', id: 'a' }] },
  })
})

test('nulls for what may be left out, and empty texts for dates, say nothing', async () => {
  const nothing = { active: null, metadata: null, start_date: '', expiration_date: '' }
  const voucher = await ok('POST', '/v1/vouchers', { code: 'NULLS', discount: ten, redemption: null, ...nothing })
  assert.equal([voucher.active, voucher.metadata, voucher.start_date], [true, {}, undefined])
  const campaign = await ok('POST', '/v1/campaigns', {
    ...nothing,
    name: 'nulls',
    type: null,
    join_once: null,
    voucher: { type: 'DISCOUNT_VOUCHER', discount: { ...ten, effect: null }, code_config: null },
  })
  assert.equal([campaign.start_date, campaign.expiration_date, campaign.active], [null, null, true])
  const changed = await ok('PUT', `/v1/campaigns/${campaign.id}`, { expiration_date: '2040-01-01', start_date: '' })
  assert.is((await ok('PUT', `/v1/campaigns/${campaign.id}`, { expiration_date: '' })).expiration_date, null)
  assert.equal([changed.start_date, changed.expiration_date], [null, '2040-01-01'])
  const { id: program } = await ok('POST', '/v1/loyalties', { name: 'null points', ...nothing })
  await ok('POST', '/v1/event-schemas', { name: 'nulled', schema: { properties: {} } })
  const rule = { event: 'nulled', loyalty: { type: 'FIXED', points: 1 }, ...nothing }
  await ok('POST', `/v1/loyalties/${program}/earning-rules`, [rule])
  const reward = { name: 'nulls', type: 'MATERIAL', parameters: { product: { id: null } }, metadata: null }
  await ok('POST', '/v1/rewards', reward)
  const customer = { source_id: 'nulls' }
  await ok('POST', '/v1/events', { event: 'nulled', customer, metadata: null })
  const batch = await ok('POST', '/v1/events/batch', { events: [{ event: 'nulled', customer, metadata: null }] })
  assert.is(batch.recorded, 1)
  await ok('POST', '/v1/publications', { voucher: 'NULLS', customer, metadata: null, channel: null })
  await refused(/metadata must be object/, 'PUT', '/v1/vouchers/NULLS', { metadata: null })
})

test('a customer shows the same, whichever of two sayings came last', async () => {
  await ok('POST', '/v1/event-schemas', { name: 'long ago', schema: { properties: {} } })
  const said = [
    ['2021-01-01T00:00:00Z', { email: 'a@shop.test', unsubscribed: ['sms'], metadata: { a: 1, b: null }, phone: '1' }],
    [
      '2022-01-01T00:00:00Z',
      { email: 'b@shop.test', unsubscribed: [], metadata: { a: null, b: 2 }, address: { city: 'X' } },
    ],
  ] as const
  const shown = async (source_id: string, order: readonly (0 | 1)[]) => {
    for (const n of order) {
      const [occurred_at, profile] = said[n]
      await ok('POST', '/v1/events', { event: 'long ago', occurred_at, customer: { source_id, ...profile } })
    }
    const {
      id: _,
      source_id: __,
      created_at: ___,
      updated_at: ____,
      ...rest
    } = await ok('GET', `/v1/customers/${source_id}`)
    return rest
  }
  assert.equal(await shown('forth', [0, 1]), await shown('back', [1, 0]))
})

test.run()
