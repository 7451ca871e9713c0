// Stacking rules over a whole node: how many redeemables are applied, in which order, which exclude others, and what is left out.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Answer, type TestNode, testNode } from '../system/node.ts'
import { until } from '../until.ts'

let node: TestNode
let sale = ''
const test = suite('stacking rules')
const PATH = '/management/v1/projects/proj_main/stacking-rules'

const call = (method: string, path: string, body?: unknown, headers = {}): Promise<Answer> =>
  node.call(method, path, body, { as: 'admin', headers })
const ok = async (path: string, body: unknown = {}): Promise<Answer['body']> => {
  const answer = await call('POST', path, body)
  assert.is(answer.status, 200, `${path}: ${JSON.stringify(answer.body)}`)
  return answer.body
}

let names = 0
const fresh = (prefix: string): string => `${prefix}-${++names}`
const category = async (hierarchy = 1): Promise<string> =>
  (await ok('/v1/categories', { name: fresh('category'), hierarchy })).id
const tier = async (discount: unknown, more: Record<string, unknown> = {}): Promise<string> =>
  (await ok(`/v1/promotions/${sale}/tiers`, { name: fresh('tier'), action: { discount }, ...more })).id
const off = (amount_off: number) => ({ type: 'AMOUNT', amount_off })
const percent = (percent_off: number) => ({ type: 'PERCENT', percent_off })
const coupon = async (amount: number, more: Record<string, unknown> = {}): Promise<string> =>
  (await ok('/v1/vouchers', { type: 'DISCOUNT_VOUCHER', discount: off(amount), ...more })).code

const tiers = (...ids: string[]) => ids.map((id) => ({ object: 'promotion_tier', id }))
const codes = (...ids: string[]) => ids.map((id) => ({ object: 'voucher', id }))
const ask = (redeemables: unknown, order: unknown = { amount: 1_000 }) => ok('/v1/validations', { redeemables, order })
const redeem = (redeemables: unknown, more: Record<string, unknown> = {}, headers = {}) =>
  call('POST', '/v1/redemptions', { redeemables, order: { amount: 1_000 }, ...more }, headers)

/** Ids of the redeemables that are applied, and of those that are left out with why. */
const told = (body: Answer['body']) => ({
  applied: (body.redeemables ?? []).map(({ id }: { id: string }) => id),
  skipped: (body.skipped_redeemables ?? []).map((one: Answer['body']) => [one.id, one.result.details.key]),
  inapplicable: (body.inapplicable_redeemables ?? []).map((one: Answer['body']) => [one.id, one.result.error.key]),
})

/** The rules of the project from here on. */
const rules = async (more: Record<string, unknown>): Promise<void> => {
  const [found] = (await call('GET', PATH)).body.data
  if (found) assert.is((await call('DELETE', `${PATH}/${found.id}`)).status, 204)
  await ok(PATH, { applicable_redeemables_per_category_limit: null, ...more })
}

test.before(async () => {
  node = await testNode()
  sale = (await ok('/v1/campaigns', { name: 'sale', campaign_type: 'PROMOTION' })).id
})
test.after(() => node.end())

test('are made once, changed and deleted; categories and bounds that cannot be are refused', async () => {
  const shoes = await category()
  const made = await ok(PATH, { exclusive_categories: [shoes] })
  assert.equal(
    [made.redeemables_limit, made.applicable_redeemables_limit, made.applicable_redeemables_per_category_limit],
    [30, 5, 1],
  )
  assert.is((await call('POST', PATH, {})).body.key, 'duplicate_found')
  const one = `${PATH}/${made.id}`
  const changed = await call('PUT', one, { redeemables_limit: 10, redeemables_application_mode: 'PARTIAL' })
  assert.equal(
    [changed.body.redeemables_limit, changed.body.redeemables_application_mode, changed.body.exclusive_categories],
    [10, 'PARTIAL', [shoes]],
  )
  for (const [wrong, path] of [
    [{ joint_categories: ['cat_none'] }, 'joint_categories[0]'],
    [{ joint_categories: [shoes] }, 'exclusive_categories[0]'],
    [{ applicable_redeemables_limit: 20 }, 'applicable_redeemables_limit'],
    [{ applicable_redeemables_limit: 31 }, 'applicable_redeemables_limit'],
    [{ redeemables_sorting_rule: 'RANDOM' }, 'redeemables_sorting_rule'],
  ] as const) {
    const refused = await call('PUT', one, wrong)
    assert.is(refused.status, 400, path)
    assert.ok(refused.body.details.includes(path), refused.body.details)
  }
  assert.is((await call('DELETE', `/v1/categories/${shoes}`)).body.key, 'resource_in_use')
  assert.is((await call('GET', one)).body.id, made.id)
  assert.is((await call('DELETE', one)).status, 204)
  assert.is((await call('GET', PATH)).body.total, 0)
})

test('without rules all are applied; with them no more than may be, and the others are skipped', async () => {
  const ids = [await tier(off(10)), await tier(off(20)), await tier(off(30))]
  assert.equal(told(await ask(tiers(...ids))).applied, ids)
  await rules({ applicable_redeemables_limit: 2 })
  const body = await ask(tiers(...ids))
  assert.equal(told(body), {
    applied: ids.slice(0, 2),
    skipped: [[ids[2], 'applicable_redeemables_limit_exceeded']],
    inapplicable: [],
  })
  assert.equal([body.valid, body.order.total_discount_amount], [true, 30])
  assert.is(body.stacking_rules.applicable_redeemables_limit, 2)
  await rules({ redeemables_limit: 2, applicable_redeemables_limit: 2 })
  const many = await call('POST', '/v1/validations', { redeemables: tiers(...ids), order: { amount: 1_000 } })
  assert.is(many.status, 400)
  assert.match(many.body.details, /more than 2 items/)
})

test('of a category no more than its bound, or than the bound of all', async () => {
  const [shoes, hats] = [await category(), await category()]
  const ofShoes = [await tier(off(1), { category_id: shoes }), await tier(off(2), { category_id: shoes })]
  const ofHats = [
    await tier(off(3), { category_id: hats }),
    await tier(off(4), { category_id: hats }),
    await tier(off(5), { category_id: hats }),
  ]
  await rules({
    applicable_redeemables_per_category_limit: 1,
    applicable_redeemables_category_limits: { [hats]: 2 },
  })
  const { applied, skipped } = told(await ask(tiers(...ofShoes, ...ofHats)))
  assert.equal(applied, [ofShoes[0], ofHats[0], ofHats[1]])
  assert.equal(skipped, [
    [ofShoes[1], 'applicable_redeemables_per_category_limit_exceeded'],
    [ofHats[2], 'applicable_redeemables_per_category_limit_exceeded'],
  ])
})

test('what is exclusive leaves out all but what is exclusive or joint, unless it is not applied itself', async () => {
  const [alone, always] = [await category(), await category()]
  const [exclusive, other] = [await tier(off(10), { category_id: alone }), await tier(off(20), { category_id: alone })]
  const joint = await tier(off(40), { category_id: always })
  const plain = await tier(off(80))
  await rules({ exclusive_categories: [alone], joint_categories: [always] })
  const body = await ask(tiers(plain, exclusive, other, joint))
  assert.equal(told(body), {
    applied: [exclusive, joint],
    skipped: [
      [plain, 'exclusion_rules_not_met'],
      [other, 'applicable_exclusive_redeemables_limit_exceeded'],
    ],
    inapplicable: [],
  })
  assert.equal(
    body.redeemables.map(({ categories }: Answer['body']) => categories[0].stacking_rules_type),
    ['EXCLUSIVE', 'JOINT'],
  )
  await rules({ exclusive_categories: [alone], redeemables_application_mode: 'PARTIAL' })
  await ok(`/v1/promotions/tiers/${exclusive}/disable`)
  assert.equal(told(await ask(tiers(plain, exclusive))), {
    applied: [plain],
    skipped: [],
    inapplicable: [[exclusive, 'promotion_inactive']],
  })
})

test('by hierarchy what has the lower one comes first', async () => {
  const [late, early] = [await category(9), await category(2)]
  const half = await tier(percent(50), { category_id: late })
  const fixed = await tier(off(500), { category_id: early })
  assert.is((await ask(tiers(half, fixed))).order.total_amount, 0)
  await rules({ redeemables_sorting_rule: 'CATEGORY_HIERARCHY' })
  assert.is((await ask(tiers(half, fixed))).order.total_amount, 250)
  const { body } = await redeem(tiers(half, fixed))
  assert.equal(
    [body.redemptions.map(({ promotion_tier }: Answer['body']) => promotion_tier.id), body.order.total_amount],
    [[fixed, half], 250],
  )
})

test('percentages are of the order as it came, where the rules say so', async () => {
  const special = await category()
  const [half, quarter] = [await tier(percent(50)), await tier(percent(25), { category_id: special })]
  await rules({})
  assert.is((await ask(tiers(half, quarter))).order.total_amount, 375)
  await rules({ discount_calculation_mode: 'INITIAL_AMOUNT' })
  assert.is((await ask(tiers(half, quarter))).order.total_amount, 250)
  await rules({ discount_calculation_mode: 'INITIAL_AMOUNT', discounted_amount_mode_categories: [special] })
  assert.is((await ask(tiers(half, quarter))).order.total_amount, 375)
})

test('discounts on items come off an item once, where the rules say so', async () => {
  const order = {
    items: [
      { product_id: 'prod_a', amount: 1_000, quantity: 1 },
      { product_id: 'prod_b', amount: 500, quantity: 1 },
    ],
  }
  const ids = [
    await tier({ ...off(100), effect: 'APPLY_TO_ITEMS' }),
    await tier({ ...percent(10), effect: 'APPLY_TO_ITEMS' }),
  ]
  await rules({})
  assert.is((await ask(tiers(...ids), order)).order.total_amount, 1_170)
  await rules({ redeemables_products_application_mode: 'ONCE', redeemables_no_effect_rule: 'SKIP' })
  const body = await ask(tiers(...ids), order)
  assert.is(body.order.total_amount, 1_300)
  assert.equal(told(body).skipped, [[ids[1], 'no_effect']])
})

test('what changes nothing is skipped or redeemed, by the rule or by its category', async () => {
  const [dull, kept] = [await category(), await category()]
  const [all, more, stays] = [
    await tier(off(1_000)),
    await tier(off(5), { category_id: dull }),
    await tier(off(6), { category_id: kept }),
  ]
  await rules({ redeemables_no_effect_rule: 'SKIP', no_effect_redeem_anyway_categories: [kept] })
  assert.equal(told(await ask(tiers(all, more, stays))), {
    applied: [all, stays],
    skipped: [[more, 'no_effect']],
    inapplicable: [],
  })
  const nothing = await redeem(tiers(more), { order: { amount: 0 } })
  assert.equal([nothing.status, nothing.body.key], [400, 'invalid_redeemables'])
  await rules({ no_effect_skip_categories: [dull] })
  assert.equal(told(await ask(tiers(all, more))).skipped, [[more, 'no_effect']])
})

test('a redemption of a part redeems that part, tells of the rest, and says the same again', async () => {
  const [good, other, gone] = [await coupon(100), await coupon(50), await coupon(10, { active: false })]
  await rules({ applicable_redeemables_limit: 1, redeemables_application_mode: 'PARTIAL' })
  const listed = codes(gone, good, other)
  const asked = await ask(listed)
  assert.equal(told(asked), {
    applied: [good],
    skipped: [[other, 'applicable_redeemables_limit_exceeded']],
    inapplicable: [[gone, 'voucher_disabled']],
  })
  for (const customer of [{ source_id: fresh('ann') }, undefined]) {
    const key = fresh('partial')
    const send = () => redeem(listed, customer ? { customer } : {}, { 'Idempotency-Key': key })
    const first = await send()
    assert.is(first.status, 200, JSON.stringify(first.body))
    assert.equal(
      [first.body.redemptions.map(({ voucher }: Answer['body']) => voucher.code), first.body.order.total_amount],
      [[good], 900],
    )
    const { inapplicable, skipped } = told(first.body)
    assert.equal(
      [inapplicable, skipped],
      [[[gone, 'voucher_disabled']], [[other, 'applicable_redeemables_limit_exceeded']]],
    )
    await node.services.readModel.plain('requestAnswers').deleteMany({})
    const again = await send()
    assert.is(again.body.redemptions[0].id, first.body.redemptions[0].id)
    assert.equal(told(again.body), told(first.body))
  }
  const none = await redeem(codes(gone))
  assert.is(none.body.key, 'voucher_disabled')
  const whole = await coupon(1)
  await rules({})
  assert.is((await redeem(codes(whole, gone))).body.key, 'voucher_disabled')
})

test('of many who redeem a part at once one gets the last place, the others do without it', async () => {
  await rules({ redeemables_application_mode: 'PARTIAL' })
  const [rare, common] = [await coupon(100, { redemption: { quantity: 1 } }), await coupon(10)]
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => redeem(codes(rare, common), { customer: { source_id: fresh('many') } })),
  )
  assert.equal(
    answers.map(({ status }) => status),
    answers.map(() => 200),
  )
  const got = answers.map(({ body }) => body.redemptions.map(({ voucher }: Answer['body']) => voucher.code))
  assert.is(got.filter((list) => list.includes(rare)).length, 1)
  assert.ok(got.every((list) => list.includes(common)))
  for (const { body } of answers)
    if (body.redemptions.length === 1) assert.equal(told(body).inapplicable, [[rare, 'quantity_exceeded']])
})

test('a rollback leaves the order alone, where the rules say so', async () => {
  const code = await coupon(100)
  const statusAfter = async (customer: unknown) => {
    const source_id = fresh('order')
    const { body } = await redeem(codes(code), {
      ...(customer ? { customer } : {}),
      order: { amount: 1_000, source_id },
    })
    const { id } = body.redemptions[0]
    await until(
      () => call('GET', `/v1/redemptions/${id}`),
      ({ status }) => status === 200,
    )
    assert.is((await call('POST', `/v1/redemptions/${id}/rollback`)).status, 200)
    return async () => (await call('GET', `/v1/orders/${source_id}`)).body.status
  }
  await rules({ redeemables_rollback_order_mode: 'WITHOUT_ORDER' })
  const [ofAnn, ofNobody] = [await statusAfter({ source_id: fresh('ann') }), await statusAfter(undefined)]
  await rules({})
  const [cancelled, ofOther] = [await statusAfter({ source_id: fresh('bob') }), await statusAfter(undefined)]
  await until(cancelled, (status) => status === 'CANCELED')
  await until(ofOther, (status) => status === 'CANCELED')
  assert.equal([await ofAnn(), await ofNobody()], ['PAID', 'PAID'])
})

test.run()
