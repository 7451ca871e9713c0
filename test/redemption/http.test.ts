// Validations and redemptions over a whole node: what integrators, browsers and the official SDK see.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Answer, type TestNode, testNode } from '../system/node.ts'
import { serverSdk } from '../system/sdk.ts'

let node: TestNode
const test = suite('redemptions over http')

const made = async (path: string, body: unknown): Promise<Answer['body']> => {
  const answer = await node.call('POST', path, body, { as: 'admin' })
  assert.is(answer.status, 200, JSON.stringify(answer.body))
  return answer.body
}

test.before(async () => {
  node = await testNode({}, undefined, { client: { allow: ['validate', 'redeem'] } })
  await made('/v1/event-schemas', {
    name: 'review',
    schema: {
      properties: { review_type: { type: 'string', optional: true }, device_type: { type: 'string', optional: true } },
    },
  })
})
test.after(() => node.end())

let names = 0
const fresh = (prefix: string): string => `${prefix}${++names}`

const coupon = async (voucher: Record<string, unknown> = {}): Promise<string> => {
  const code = fresh('COUPON-')
  await made(`/v1/vouchers/${code}`, {
    type: 'DISCOUNT_VOUCHER',
    discount: { type: 'AMOUNT', amount_off: 500 },
    ...voucher,
  })
  return code
}

const gift = async (amount: number): Promise<string> => {
  const code = fresh('GIFT-')
  await made(`/v1/vouchers/${code}`, { type: 'GIFT_VOUCHER', gift: { amount } })
  return code
}

const campaign = (more: Record<string, unknown> = {}) =>
  made('/v1/campaigns', {
    name: fresh('campaign '),
    campaign_type: 'DISCOUNT_COUPONS',
    voucher: { type: 'DISCOUNT_VOUCHER', discount: { type: 'PERCENT', percent_off: 10 } },
    ...more,
  })

/** Codes of a campaign, each published to somebody. */
const codesIn = (campaign: string, count: number): Promise<string[]> =>
  Promise.all(
    Array.from(
      { length: count },
      async () =>
        (await made('/v1/publications', { campaign, customer: { source_id: fresh('holder-') } })).voucher.code,
    ),
  )

const rule = async (rules: Record<string, unknown>, about: { type: string; id: string }, message?: string) => {
  const { id } = await made('/v1/validation-rules', {
    name: fresh('rule '),
    rules: { ...rules, logic: Object.keys(rules).join(' and ') },
    ...(message === undefined ? {} : { error: { message } }),
  })
  await made(`/v1/validation-rules/${id}/assignments`, { related_object_type: about.type, related_object_id: about.id })
}

const vouchers = (...codes: string[]) => codes.map((id) => ({ object: 'voucher', id }))

const redeem = (codes: readonly string[], body: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  node.call('POST', '/v1/redemptions', { redeemables: vouchers(...codes), ...body }, { headers })

const validate = async (codes: readonly string[], body: Record<string, unknown> = {}) =>
  (await node.call('POST', '/v1/validations', { redeemables: vouchers(...codes), ...body })).body

test('discounts come off in the order of the redeemables, and a validation changes nothing', async () => {
  const [ten, five] = [await coupon({ discount: { type: 'PERCENT', percent_off: 10 } }), await coupon()]
  for (let n = 0; n < 2; n++) {
    const seen = await validate([ten, five], { order: { amount: 10_000 } })
    assert.is(seen.valid, true)
    assert.equal(
      seen.redeemables.map((r: Answer['body']) => [
        r.status,
        r.order.total_applied_discount_amount,
        r.order.total_amount,
      ]),
      [
        ['APPLICABLE', 1_000, 9_000],
        ['APPLICABLE', 500, 8_500],
      ],
    )
    assert.is(seen.order.total_discount_amount, 1_500)
    assert.is(seen.order.total_amount, 8_500)
  }
  const done = await redeem([ten, five], { order: { amount: 10_000 }, customer: { source_id: 'ann' } })
  assert.is(done.status, 200, JSON.stringify(done.body))
  assert.is(done.body.redemptions.length, 2)
  assert.is(done.body.order.total_amount, 8_500)
  assert.is(done.body.order.status, 'PAID')
  const activity = await node.call('GET', '/v1/customers/ann/activity?type=customer.redemption.succeeded', undefined, {
    after: done,
  })
  assert.is(activity.body.data.length, 2)
  const ann = done.body.redemptions[0].customer_id
  assert.equal(
    activity.body.data.map(({ data }: Answer['body']) => data.order.customer_id),
    [ann, ann],
  )
  const whole = ({ voucher }: Answer['body']) => [
    voucher.redemption.redeemed_quantity,
    voucher.active,
    voucher.metadata,
  ]
  assert.equal(whole(done.body.redemptions[0]), [1, true, {}])
  const kept = await node.call('GET', `/v1/redemptions/${done.body.redemptions[0].id}`, undefined, { after: done })
  assert.equal(whole(kept.body), [1, true, {}])
  const customer = await node.call('GET', '/v1/customers/ann', undefined, { after: done })
  assert.is(customer.body.summary.redemptions.total_succeeded, 2)
})

test('a code is redeemed as often as it may be, however many ask at once; a rollback makes room for one', async () => {
  const code = await coupon({ redemption: { quantity: 3 } })
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, n) => redeem([code], { customer: { source_id: `c${n}` } })),
  )
  const yes = answers.filter(({ status }) => status === 200)
  assert.is(yes.length, 3)
  for (const { status, body } of answers)
    if (status !== 200) {
      assert.is(status, 400)
      assert.is(body.key, 'quantity_exceeded')
    }
  const id = yes[0]!.body.redemptions[0].id
  const undone = await node.call('POST', `/v1/redemptions/${id}/rollback?reason=sent%20back`, {})
  assert.is(undone.status, 200, JSON.stringify(undone.body))
  assert.is(undone.body.redemption, id)
  assert.is(undone.body.result, 'SUCCESS')
  assert.is(undone.body.reason, 'sent back')
  assert.is((await redeem([code])).status, 200)
  assert.is((await redeem([code])).status, 400)
  const again = await node.call('POST', `/v1/redemptions/${id}/rollback`, {})
  assert.is(again.body.key, 'already_rolled_back')
})

test('a limit of a campaign is shared by all its codes', async () => {
  const { id } = await campaign()
  await rule(
    { '1': { name: 'campaign.redemptions.count', conditions: { $less_than_or_equal: 4 } } },
    { type: 'campaign', id },
  )
  const codes = await codesIn(id, 9)
  const answers = await Promise.all(codes.map((code, n) => redeem([code], { customer: { source_id: `shared-${n}` } })))
  assert.is(answers.filter(({ status }) => status === 200).length, 4)
  assert.is(answers.find(({ status }) => status !== 200)!.body.key, 'redemption_rules_violated')
  const left = codes.find((_, n) => answers[n]!.status !== 200)!
  assert.is((await validate([left])).valid, false)
})

test('limits per customer, per customer and campaign, and on sums of orders', async () => {
  const { id } = await campaign()
  await rule(
    { '1': { name: 'campaign.redemptions.customers_count', conditions: { $less_than_or_equal: 2 } } },
    { type: 'campaign', id },
  )
  const codes = await codesIn(id, 4)
  const own = await Promise.all(codes.map((code) => redeem([code], { customer: { source_id: 'greedy' } })))
  assert.is(own.filter(({ status }) => status === 200).length, 2)
  assert.is(
    (await redeem([codes.find((_, n) => own[n]!.status !== 200)!], { customer: { source_id: 'modest' } })).status,
    200,
  )
  const one = await coupon({ redemption: { quantity: null } })
  await rule(
    { '1': { name: 'redemption.count.per_customer.daily', conditions: { $less_than_or_equal: 1 } } },
    { type: 'voucher', id: one },
  )
  const twice = [
    await redeem([one], { customer: { source_id: 'daily' } }),
    await redeem([one], { customer: { source_id: 'daily' } }),
  ]
  assert.equal(
    twice.map(({ status }) => status),
    [200, 400],
  )
  assert.is((await redeem([one])).body.key, 'missing_customer')
  const sums = await campaign()
  await rule(
    { '1': { name: 'campaign.orders.amount_discounted', conditions: { $less_than_or_equal: 2_500 } } },
    { type: 'campaign', id: sums.id },
  )
  const three = await codesIn(sums.id, 3)
  const spent = []
  for (const code of three) spent.push((await redeem([code], { order: { amount: 10_000 } })).status)
  assert.equal(spent, [200, 200, 400])
})

test('rules by what a customer did, with the text of their author', async () => {
  const segment = await made('/v1/segments', {
    name: 'video reviewers',
    type: 'auto-update',
    condition: {
      all: [
        { event: 'review', count: { $more_than_equal: 2 } },
        { event: 'review', count: { $more_than_equal: 1 }, where: [{ property: 'review_type', $is: 'video' }] },
        { not: { event: 'review', count: { $more_than_equal: 1 }, where: [{ property: 'device_type', $is: 'test' }] } },
      ],
    },
  })
  const code = await coupon({ redemption: { quantity: null } })
  await rule(
    { '1': { name: 'customer.segment', conditions: { $is: segment.id } } },
    { type: 'voucher', id: code },
    'Two reviews first!',
  )
  const review = (who: string, metadata: Record<string, string>) =>
    node.call('POST', '/v1/events', { event: 'review', customer: { source_id: who }, metadata })
  await review('eve', { review_type: 'text' })
  const early = await redeem([code], { customer: { source_id: 'eve' } })
  assert.is(early.status, 400)
  assert.is(early.body.key, 'customer_rules_violated')
  assert.is(early.body.details, 'customer does not match segment rules')
  assert.is(early.body.error.message, 'Two reviews first!')
  await review('eve', { review_type: 'video' })
  assert.is((await redeem([code], { customer: { source_id: 'eve' } })).status, 200)
  await review('eve', { device_type: 'test' })
  const seen = await validate([code], { customer: { source_id: 'eve' } })
  assert.is(seen.valid, false)
  assert.is(seen.redeemables[0].status, 'INAPPLICABLE')
  assert.is(seen.redeemables[0].result.error.error.message, 'Two reviews first!')
  const log = await node.call('GET', '/v1/redemptions?result=FAILURE&customer=eve', undefined, { after: early })
  assert.is(log.body.redemptions[0].failure_code, 'customer_rules_violated')
})

test('a rule on gift credits asks for what is really taken, whether or not the request says how much', async () => {
  const post = async (path: string, body: unknown) => {
    const made = await node.call('POST', path, body, { as: 'admin' })
    assert.is(made.status, 200, JSON.stringify(made.body))
    return made.body
  }
  const few = { name: 'redemption.gift.amount', conditions: { $less_than_or_equal: [10] } }
  const rule = await post('/v1/validation-rules', { name: 'at most ten', rules: { '1': few, logic: '1' } })
  await post('/v1/vouchers/AT-MOST-TEN', { gift: { amount: 100 }, validation_rules: [rule.id] })
  const pay = async (amount: number, credits?: number) => {
    const gift = credits === undefined ? {} : { gift: { credits } }
    const redeemables = [{ object: 'voucher', id: 'AT-MOST-TEN', ...gift }]
    const { status, body } = await node.call('POST', '/v1/redemptions', { redeemables, order: { amount } })
    return status === 200 ? body.redemptions[0].amount : body.key
  }
  assert.is(await pay(60), 'redemption_rules_violated')
  assert.is(await pay(60, 11), 'redemption_rules_violated')
  assert.equal([await pay(60, 10), await pay(9)], [10, 9])
})

test('a redemption of who was deleted is said to be so by its rollback', async () => {
  await node.call('POST', '/v1/vouchers/OF-NOBODY', { gift: { amount: 100 } }, { as: 'admin' })
  const redeemables = [{ object: 'voucher', id: 'OF-NOBODY' }]
  const made = await node.call('POST', '/v1/redemptions', {
    redeemables,
    order: { amount: 30 },
    customer: { source_id: 'leaving' },
  })
  const { id } = made.body.redemptions[0]
  const gone = await node.call('DELETE', '/v1/customers/leaving', undefined, { as: 'admin' })
  assert.is(gone.status, 204)
  const undone = await node.call('POST', `/v1/redemptions/${id}/rollback`, {}, { after: gone })
  assert.equal([undone.status, undone.body.key], [400, 'invalid_redemption'])
  assert.match(undone.body.details, /customer of the redemption .* was deleted/)
})

test('gift credits pay at most what is there, and come back with a rollback', async () => {
  const code = await gift(3_000)
  const first = await redeem([code], { order: { amount: 2_000 } })
  assert.is(first.body.redemptions[0].amount, 2_000, JSON.stringify(first.body))
  assert.is(first.body.order.total_amount, 0)
  const more = await node.call('POST', '/v1/redemptions', {
    redeemables: [{ object: 'voucher', id: code, gift: { credits: 1_500 } }],
    order: { amount: 5_000 },
  })
  assert.is(more.body.key, 'gift_amount_exceeded')
  const rest = await redeem([code], { order: { amount: 5_000 } })
  assert.is(rest.body.redemptions[0].amount, 1_000)
  assert.is((await redeem([code], { order: { amount: 1 } })).status, 400)
  await node.call('POST', `/v1/redemptions/${first.body.redemptions[0].id}/rollback`, {})
  const again = await Promise.all(Array.from({ length: 4 }, () => redeem([code], { order: { amount: 900 } })))
  const paid = again
    .flatMap(({ body }) => body.redemptions ?? [])
    .reduce((sum: number, r: { amount: number }) => sum + r.amount, 0)
  assert.is(paid, 2_000)
})

test('all redeemables of a request or none; a request can be rolled back as a whole', async () => {
  const [a, b] = [await coupon({ redemption: { quantity: 5 } }), await coupon({ redemption: { quantity: 1 } })]
  const both = await redeem([a, b], { order: { amount: 9_000 }, customer: { source_id: 'pair' } })
  assert.is(both.status, 200)
  const none = await redeem([a, b], { order: { amount: 9_000 }, customer: { source_id: 'pair' } })
  assert.is(none.body.key, 'quantity_exceeded')
  const counted = await node.call('GET', `/v1/vouchers/${a}/redemption`, undefined, { after: none })
  assert.is(counted.body.redeemed_quantity, 1)
  const parent = both.body.parent_redemption.id
  const undone = await node.call('POST', `/v1/redemptions/${parent}/rollbacks`, { reason: 'all back' })
  assert.is(undone.status, 200, JSON.stringify(undone.body))
  assert.is(undone.body.rollbacks.length, 2)
  assert.is((await redeem([a, b], { order: { amount: 9_000 } })).status, 200)
})

test('a repeat under the same Idempotency-Key is answered as the first time; a refusal may be asked again once its cause is gone', async () => {
  const code = await coupon({ redemption: { quantity: 1 } })
  const key = { 'Idempotency-Key': 'redeem-1' }
  const [first, second] = [
    await redeem([code], { customer: { source_id: 'once' } }, key),
    await redeem([code], { customer: { source_id: 'once' } }, key),
  ]
  assert.is(first.status, 200)
  assert.equal(
    second.body.redemptions.map((r: { id: string }) => r.id),
    first.body.redemptions.map((r: { id: string }) => r.id),
  )
  const no = { 'Idempotency-Key': 'redeem-2' }
  assert.is((await redeem([code], { customer: { source_id: 'late' } }, no)).body.key, 'quantity_exceeded')
  const still = await redeem([code], { customer: { source_id: 'late' } }, no)
  assert.is(still.body.key, 'quantity_exceeded')
  await node.call('POST', `/v1/redemptions/${first.body.redemptions[0].id}/rollback`, {})
  const late = await redeem([code], { customer: { source_id: 'late' } }, no)
  assert.is(late.status, 200)
  const failed = await node.call('GET', '/v1/redemptions?result=FAILURE&customer=late', undefined, { after: late })
  assert.is(new Set(failed.body.redemptions.map((r: { id: string }) => r.id)).size, 2, 'each refusal is a record')
})

test('one Idempotency-Key names a request of one customer, and no limit is passed under it', async () => {
  const customers = ['key-a', 'key-b', 'key-c', 'key-d']
  const ask = (code: string, source_id: string) =>
    redeem([code], { customer: { source_id }, order: { amount: 100 } }, { 'Idempotency-Key': `cart-of-${code}` })
  const card = await gift(100)
  const atOnce = await Promise.all(customers.map((one) => ask(card, one)))
  assert.equal(atOnce.map(({ status }) => status).sort(), [200, 400, 400, 400])
  const { body } = await node.call('GET', `/v1/vouchers/${card}`, undefined, { after: atOnce.at(-1)! })
  assert.is(body.gift.balance, 0)

  const twice = await coupon({ redemption: { quantity: 2 } })
  const answers = []
  for (const one of customers) answers.push(await ask(twice, one))
  assert.equal(
    answers.map(({ status }) => status),
    [200, 200, 400, 400],
  )
  const ids = answers.slice(0, 2).map(({ body }) => body.redemptions[0].id)
  assert.is(new Set(ids).size, 2)
  for (const [n, id] of ids.entries()) {
    const undone = await node.call('POST', `/v1/redemptions/${id}/rollback`, {}, { after: answers[n]! })
    assert.is(undone.status, 200)
    assert.is(undone.body.customer_id, answers[n]!.body.redemptions[0].customer_id)
  }
})

test('a session keeps a place until it ends, redeems or gives it up', async () => {
  const code = await coupon({ redemption: { quantity: 1 } })
  const session = { type: 'LOCK', key: 'cart-1', ttl: 5, ttl_unit: 'MINUTES' }
  const locked = await validate([code], { session })
  assert.is(locked.valid, true)
  assert.is(locked.session.key, 'cart-1')
  assert.is((await validate([code], { session: { ...session, key: 'cart-2' } })).valid, false)
  assert.is((await redeem([code])).body.key, 'quantity_exceeded')
  assert.is((await node.call('DELETE', `/v1/vouchers/${code}/sessions/cart-1`)).status, 204)
  assert.is((await validate([code], { session })).valid, true)
  assert.is((await redeem([code], { session: { type: 'LOCK', key: 'cart-1' } })).status, 200)
  const short = await coupon({ redemption: { quantity: 1 } })
  await validate([short], { session: { type: 'LOCK', key: 'cart-3', ttl: 1, ttl_unit: 'MILLISECONDS' } })
  assert.is((await redeem([short])).status, 200)
})

test('what is wrong with a code is said by its own key', async () => {
  const keyOf = async (code: string) => (await redeem([code], { order: { amount: 100 } })).body.key
  assert.is(await keyOf('NOBODYS'), 'not_found')
  assert.is(await keyOf(await coupon({ start_date: '2999-01-01T00:00:00Z' })), 'voucher_not_active')
  assert.is(await keyOf(await coupon({ expiration_date: '2001-01-01T00:00:00Z' })), 'voucher_expired')
  const off = await coupon()
  await node.call('POST', `/v1/vouchers/${off}/disable`, {})
  assert.is(await keyOf(off), 'voucher_disabled')
  const sleeping = await campaign()
  const [code] = await codesIn(sleeping.id, 1)
  await node.call('POST', `/v1/campaigns/${sleeping.id}/disable`, {}, { as: 'admin' })
  assert.is(await keyOf(code!), 'campaign_not_active')
  const twice = await redeem([off, off])
  assert.is(twice.body.key, 'duplicated_redeemables')
  const tier = await node.call('POST', '/v1/redemptions', {
    redeemables: [{ object: 'promotion_tier', id: 'promo_1' }],
  })
  assert.is(tier.status, 404)
  for (const body of [
    {},
    { redeemables: [] },
    { redeemables: 'x' },
    { redeemables: vouchers('A'), order: { amount: -1 } },
  ]) {
    const bad = await node.call('POST', '/v1/redemptions', body)
    assert.is(bad.status, 400, JSON.stringify(body))
    assert.is(bad.body.key, 'invalid_payload')
  }
})

test('redemptions feed segments in the same append', async () => {
  const segment = await made('/v1/segments', {
    name: 'redeemers',
    type: 'auto-update',
    condition: { event: 'customer.redemption.succeeded', count: { $more_than_equal: 1 } },
  })
  const done = await redeem([await coupon()], { customer: { source_id: 'member' } })
  const segments = await node.call('GET', '/v1/customers/member/segments', undefined, { after: done })
  assert.ok(segments.body.data.some(({ id }: { id: string }) => id === segment.id))
})

test('the official SDK validates, redeems, rolls back and lists', async () => {
  const sdk = serverSdk(node)
  const code = await coupon({ redemption: { quantity: 2 } })
  const seen = await sdk.validations.validateStackable({
    redeemables: [{ object: 'voucher', id: code }],
    order: { amount: 2_000 },
  } as never)
  assert.is(seen.valid, true)
  const old = await sdk.validations.validateVoucher(code, { order: { amount: 2_000 } })
  assert.is(old.valid, true)
  assert.is(old.order!.total_amount, 1_500)
  const redeemed = await sdk.redemptions.redeemStackable({
    redeemables: [{ object: 'voucher', id: code }],
    order: { amount: 2_000 },
    customer: { source_id: 'sdk' },
  } as never)
  assert.is(redeemed.redemptions[0]!.result, 'SUCCESS')
  const single = await sdk.redemptions.redeem(code, {
    customer: { source_id: 'sdk' },
    order: { amount: 2_000 },
  } as never)
  assert.is(single.object, 'redemption')
  try {
    await sdk.redemptions.redeem(code, {})
    assert.unreachable()
  } catch (error) {
    assert.is((error as { key?: string }).key, 'quantity_exceeded')
  }
  await node.call('POST', '/v1/customers', { source_id: 'somebody else' })
  for (const source_id of ['somebody else', 'nobody']) {
    const refused = await node.call('POST', `/v1/redemptions/${single.id}/rollback`, { customer: { source_id } })
    assert.equal([refused.status, refused.body.key], [400, 'invalid_customer'])
  }
  const undone = await sdk.redemptions.rollback(single.id, {
    reason: 'changed my mind',
    customer: { id: single.customer_id!, source_id: 'sdk', name: 'Sue' },
  } as never)
  assert.is(((await sdk.customers.get('sdk')) as { name?: string }).name, 'Sue')
  assert.is(undone.object, 'redemption_rollback')
  const all = await sdk.redemptions.rollbackStackable(redeemed.parent_redemption.id)
  assert.is(all.rollbacks.length, 1)
})

test('browsers validate and redeem with a client key', async () => {
  const code = await coupon()
  const seen = await node.call('GET', `/client/v1/validate?code=${code}&amount=2000&customer[source_id]=web`)
  assert.is(seen.status, 200, JSON.stringify(seen.body))
  assert.is(seen.body.valid, true)
  assert.is(seen.body.order.total_amount, 1_500)
  assert.is((await node.call('POST', '/client/v1/validations', { redeemables: vouchers(code) })).status, 200)
  const done = await node.call('POST', `/client/v1/redeem?code=${code}`, { customer: { source_id: 'web' } })
  assert.is(done.body.result, 'SUCCESS', JSON.stringify(done.body))
  assert.is((await node.call('POST', '/client/v1/redemptions', { redeemables: vouchers(code) })).status, 200)
})

test.run()
