// Promotion tiers over a whole node: discounts without a code, gated by rules and segments, redeemed alone and beside codes, and by
// many at once under a limit.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { asking, fresh } from '../system/asking.ts'
import { type Answer, type TestNode, testNode } from '../system/node.ts'
import { clientSdk, serverSdk } from '../system/sdk.ts'
import { until } from '../until.ts'

let node: TestNode
let sale = ''
const test = suite('promotion tiers')

const { post: ok } = asking(() => node)

const tenPercent = { type: 'PERCENT', percent_off: 10 }
const promotion = async (more: Record<string, unknown> = {}): Promise<string> =>
  (await ok('/v1/campaigns', { name: fresh('sale'), campaign_type: 'PROMOTION', ...more })).id
const tier = async (more: Record<string, unknown> = {}, campaign = sale): Promise<string> =>
  (await ok(`/v1/promotions/${campaign}/tiers`, { name: fresh('tier'), action: { discount: tenPercent }, ...more })).id
const rule = async (condition: Record<string, unknown>): Promise<string> =>
  (await ok('/v1/validation-rules', { name: fresh('rule'), rules: { 1: condition, logic: '1' } })).id

const tiers = (...ids: string[]) => ids.map((id) => ({ object: 'promotion_tier', id }))
const order = { amount: 1_000 }
const redeem = (redeemables: unknown, more: Record<string, unknown> = {}, headers = {}) =>
  node.call('POST', '/v1/redemptions', { redeemables, order, ...more }, { headers })
const keyOf = async (id: string, more: Record<string, unknown> = {}) => (await redeem(tiers(id), more)).body.key

test.before(async () => {
  node = await testNode({}, undefined, { client: { allow: ['validate', 'redeem', 'qualify'] } })
  sale = await promotion()
})
test.after(() => node.end())

test('a tier is made, listed, changed, switched and deleted', async () => {
  const campaign = await promotion()
  const gate = await rule({ name: 'order.amount', conditions: { $more_than: [500] } })
  const one = await ok(`/v1/promotions/${campaign}/tiers`, {
    name: 'ten',
    banner: 'Ten percent',
    action: { discount: tenPercent },
    validation_rules: [gate],
    metadata: { season: 'spring' },
  })
  assert.match(one.id, /^promo_/)
  assert.equal(
    [one.hierarchy, one.active, one.promotion_id, one.campaign.id, one.validation_rule_assignments.data[0].rule_id],
    [1, true, campaign, campaign, gate],
  )
  const two = await ok(`/v1/promotions/${campaign}/tiers`, { name: 'none' })
  assert.is(two.hierarchy, 2)
  const twin = await node.call('POST', `/v1/promotions/${campaign}/tiers`, { name: 'ten' }, { as: 'admin' })
  assert.is(twin.body.key, 'duplicate_found')
  const path = `/v1/promotions/tiers/${one.id}`
  const changed = await node.call('PUT', path, { ...one, banner: 'Ten!', hierarchy: 3 }, { as: 'admin' })
  assert.equal(
    [changed.status, changed.body.banner, changed.body.hierarchy],
    [200, 'Ten!', 3],
    JSON.stringify(changed.body),
  )
  const listed = await node.call('GET', `/v1/promotions/${campaign}/tiers`, undefined, { as: 'admin' })
  assert.equal(
    listed.body.tiers.map(({ id }: { id: string }) => id),
    [two.id, one.id],
  )
  assert.is((await ok(`${path}/disable`)).active, false)
  const idsOf = async (available: boolean): Promise<string[]> =>
    (
      await node.call('GET', `/v1/promotions/tiers?is_available=${available}&limit=100`, undefined, { as: 'admin' })
    ).body.tiers.map(({ id }: { id: string }) => id)
  assert.ok((await idsOf(false)).includes(one.id))
  assert.not((await idsOf(true)).includes(one.id))
  assert.is((await ok(`${path}/enable`)).active, true)
  assert.is((await node.call('DELETE', path, undefined, { as: 'admin' })).status, 204)
  assert.is((await node.call('GET', path, undefined, { as: 'admin' })).status, 404)
  const left = await node.call('GET', `/v1/validation-rules/${gate}/assignments`, undefined, { as: 'admin' })
  assert.is(left.body.total, 0)
})

test('a promotion is made with its tiers, all or none, and shows them', async () => {
  const gate = await rule({ name: 'order.amount', conditions: { $more_than: [500] } })
  const named = (name: string, more: Record<string, unknown> = {}) => ({
    name,
    banner: name,
    action: { discount: { type: 'AMOUNT' as const, amount_off: 100 } },
    ...more,
  })
  const send = (name: string, tiers: readonly object[], type = 'PROMOTION') =>
    node.call('POST', '/v1/campaigns', { name, campaign_type: type, promotion: { tiers } }, { as: 'admin' })
  const name = fresh('whole')
  const wrong = [
    await send(name, [named('a'), named('a')]),
    await send(name, [named('a', { validation_rules: ['val_none'] })]),
    await send(name, [named('a')], 'LOYALTY_PROGRAM'),
  ]
  for (const { status, body } of wrong) assert.ok(status === 400 || status === 409, JSON.stringify(body))
  const made = await send(name, [named('a'), named('b', { hierarchy: 7, validation_rules: [gate] }), named('c')])
  assert.is(made.status, 200, JSON.stringify(made.body))
  const { id, promotion: list } = made.body
  assert.equal(
    list.tiers.map((one: Answer['body']) => [one.name, one.hierarchy, one.validation_rule_assignments.total]),
    [
      ['a', 1, 0],
      ['b', 7, 1],
      ['c', 8, 0],
    ],
  )
  assert.equal([list.object, list.data_ref, list.total, list.has_more], ['list', 'tiers', 3, false])
  const read = await node.call('GET', `/v1/campaigns/${id}`, undefined, { as: 'admin' })
  assert.equal(read.body.promotion.tiers, list.tiers)
  const changed = await node.call('PUT', `/v1/campaigns/${id}`, { ...read.body, description: 'x' }, { as: 'admin' })
  assert.equal([changed.status, changed.body.promotion.total], [200, 3], JSON.stringify(changed.body))
  const sdk = serverSdk(node)
  const bySdk = await sdk.promotions.create({
    name: fresh('sdk'),
    campaign_type: 'PROMOTION',
    promotion: { tiers: [named('first') as never] },
  })
  assert.is((await sdk.promotions.tiers.list(bySdk.id)).tiers[0]?.name, 'first')
})

test('only a promotion has tiers, and they go with it', async () => {
  const coupons = await ok('/v1/campaigns', {
    name: fresh('coupons'),
    campaign_type: 'DISCOUNT_COUPONS',
    voucher: { type: 'DISCOUNT_VOUCHER', discount: tenPercent },
  })
  const foreign = await node.call('POST', `/v1/promotions/${coupons.id}/tiers`, { name: 'x' }, { as: 'admin' })
  assert.is(foreign.status, 404)
  const campaign = await promotion()
  const gate = await rule({ name: 'order.amount', conditions: { $more_than: [500] } })
  const id = await tier({ validation_rules: [gate] }, campaign)
  assert.is((await node.call('DELETE', `/v1/campaigns/${campaign}`, undefined, { as: 'admin' })).status, 204)
  assert.is(await keyOf(id), 'not_found')
  // Nothing holds the rule any more.
  assert.is((await node.call('DELETE', `/v1/validation-rules/${gate}`, undefined, { as: 'admin' })).status, 204)
})

test('a tier is validated, redeemed beside a code, read and rolled back', async () => {
  const id = await tier({ banner: 'Ten percent' })
  const code = fresh('FIVE')
  await ok(`/v1/vouchers/${code}`, { type: 'DISCOUNT_VOUCHER', discount: { type: 'AMOUNT', amount_off: 500 } })
  const customer = { source_id: fresh('buyer') }
  const seen = await ok('/v1/validations', { redeemables: tiers(id), order, customer })
  const [first] = seen.redeemables
  assert.equal(
    [seen.valid, first.object, first.id, first.result],
    [true, 'promotion_tier', id, { discount: { ...tenPercent, effect: 'APPLY_TO_ORDER' } }],
  )
  assert.is(seen.order.total_amount, 900)
  const done = await redeem([...tiers(id), { object: 'voucher', id: code }], { customer })
  assert.is(done.status, 200, JSON.stringify(done.body))
  const [one, two] = done.body.redemptions
  assert.equal(
    [one.related_object_type, one.related_object_id, one.promotion_tier.id, one.promotion_tier.banner, one.voucher],
    ['promotion_tier', id, id, 'Ten percent', undefined],
  )
  assert.equal([two.related_object_type, two.voucher.code, done.body.order.total_amount], ['voucher', code, 400])
  const read = await node.call('GET', `/v1/redemptions/${one.id}`, undefined, { after: done })
  assert.equal([read.body.promotion_tier.id, read.body.promotion_tier.campaign_id], [id, sale])
  const activity = await node.call('GET', `/v1/customers/${one.customer_id}/activity`, undefined, { after: done })
  const shown = activity.body.data.find(
    (entry: Answer['body']) => entry.data.redemption?.id === one.id && entry.type === 'customer.redemption.succeeded',
  )
  assert.equal([shown.data.promotion_tier.id, shown.data.voucher, shown.data.campaign.id], [id, null, sale])
  const back = await node.call('POST', `/v1/redemptions/${one.id}/rollback`, { reason: 'sent back' })
  assert.equal(
    [back.status, back.body.related_object_type, back.body.promotion_tier.id],
    [200, 'promotion_tier', id],
    JSON.stringify(back.body),
  )
  assert.is((await node.call('POST', `/v1/redemptions/${one.id}/rollback`, {})).body.key, 'already_rolled_back')
  // The request as a whole takes back what is left of it.
  const all = () => node.call('POST', `/v1/redemptions/${done.body.parent_redemption.id}/rollbacks`, {})
  const { status, body } = await all()
  assert.equal(
    [status, body.rollbacks.map((one: Answer['body']) => one.redemption), body.parent_rollback.id !== back.body.id],
    [200, [two.id], true],
    JSON.stringify(body),
  )
  assert.is((await redeem([{ object: 'voucher', id: code }], { customer })).status, 200)
  assert.is((await all()).body.key, 'already_rolled_back')
})

test('what was redeemed is still told when the tier is gone', async () => {
  const id = await tier({ name: 'short lived' })
  const done = await redeem(tiers(id))
  await node.call('DELETE', `/v1/promotions/tiers/${id}`, undefined, { as: 'admin' })
  const [{ id: redemption }] = done.body.redemptions
  const read = await node.call('GET', `/v1/redemptions/${redemption}`, undefined, { after: done })
  assert.equal([read.body.promotion_tier.id, read.body.promotion_tier.name], [id, 'short lived'])
  const back = await node.call('POST', `/v1/redemptions/${redemption}/rollback`, {})
  assert.equal([back.status, back.body.promotion_tier.name], [200, 'short lived'])
})

test('what stands in the way of a tier is said by its own key, and kept', async () => {
  assert.is(await keyOf('promo_none'), 'not_found')
  assert.is(await keyOf(await tier({ active: false })), 'promotion_inactive')
  assert.is(await keyOf(await tier({ start_date: '2999-01-01T00:00:00Z' })), 'promotion_inactive')
  assert.is(await keyOf(await tier({ expiration_date: '2001-01-01T00:00:00Z' })), 'promotion_inactive')
  const hours = { start_date: '2001-01-01T00:00:00Z', validity_timeframe: { interval: 'P1000D', duration: 'PT1S' } }
  assert.is(await keyOf(await tier(hours)), 'promotion_not_active_now')
  const off = await promotion({ active: false })
  assert.is(await keyOf(await tier({}, off)), 'campaign_not_active')
  assert.is((await redeem([{ object: 'promotion_stack', id: 'stack_1' }])).status, 404)
  const id = await tier()
  assert.is((await redeem(tiers(id, id))).body.key, 'duplicated_redeemables')
  const gated = await tier({
    validation_rules: [await rule({ name: 'order.amount', conditions: { $more_than: [5_000] } })],
  })
  const failed = await redeem(tiers(gated))
  assert.is(failed.body.key, 'order_rules_violated')
  const list = await node.call('GET', '/v1/redemptions?result=FAILURE&limit=1', undefined, { after: failed })
  assert.equal(
    [list.body.redemptions[0].related_object_type, list.body.redemptions[0].promotion_tier.id],
    ['promotion_tier', gated],
  )
})

test('a segment of who did something opens a tier', async () => {
  const event = fresh('joined').replace('-', '_')
  await ok('/v1/event-schemas', { name: event, schema: { properties: {} } })
  const segment = await ok('/v1/segments', {
    name: fresh('members'),
    type: 'auto-update',
    condition: { event, count: { $more_than_equal: 1 } },
  })
  const gate = await rule({ name: 'customer.segment', conditions: { $is: [segment.id] } })
  const id = await tier({ validation_rules: [gate] })
  const customer = { source_id: fresh('member') }
  assert.is(await keyOf(id), 'missing_customer')
  assert.is(await keyOf(id, { customer }), 'customer_rules_violated')
  await ok('/v1/events', { event, customer })
  assert.is((await redeem(tiers(id), { customer })).status, 200)
})

test('a rule that is assigned later counts what was redeemed before, and a rollback makes room for one', async () => {
  const id = await tier()
  const first = await redeem(tiers(id))
  const gate = await rule({ name: 'redemption.count.monthly', conditions: { $less_than_or_equal: [2] } })
  await ok(`/v1/validation-rules/${gate}/assignments`, { promotion_tier: id })
  assert.is((await redeem(tiers(id))).status, 200)
  assert.is(await keyOf(id), 'redemption_rules_violated')
  await node.call('POST', `/v1/redemptions/${first.body.redemptions[0].id}/rollback`, {})
  await until(async () => (await redeem(tiers(id))).status === 200)
  assert.is(await keyOf(id), 'redemption_rules_violated')
})

test('however many ask at once, no limit of a tier, a customer or its campaign is passed', async () => {
  const campaign = await promotion()
  const limit = async (name: string, most: number) => rule({ name, conditions: { $less_than_or_equal: [most] } })
  const ever = await tier({ validation_rules: [await limit('redemption.count.monthly', 5)] }, campaign)
  const each = await tier({ validation_rules: [await limit('redemption.count.per_customer', 1)] }, campaign)
  const over = await limit('campaign.redemptions.count', 11)
  await ok(`/v1/validation-rules/${over}/assignments`, { related_object_type: 'campaign', related_object_id: campaign })
  const buyers = Array.from({ length: 8 }, () => ({ source_id: fresh('crowd') }))
  // A crowd under load gives requests up that take long, and asks for them again.
  const patiently = async (id: string, customer?: object): Promise<Answer> => {
    const answer = await redeem(tiers(id), customer ? { customer } : {})
    return answer.status === 503 ? patiently(id, customer) : answer
  }
  const answers = await Promise.all([
    ...buyers.flatMap((customer) => [patiently(ever, customer), patiently(each, customer)]),
    ...buyers.map((customer) => patiently(each, customer)),
    patiently(ever),
  ])
  const made = answers.filter(({ status }) => status === 200).map(({ body }) => body.redemptions[0])
  for (const { status, body } of answers) if (status !== 200) assert.is(body.key, 'redemption_rules_violated')
  const of = (id: string) => made.filter((one) => one.related_object_id === id)
  assert.is(made.length, 11)
  assert.ok(of(ever).length <= 5, String(of(ever).length))
  assert.is(new Set(of(each).map((one) => one.customer_id)).size, of(each).length)
})

test('a session keeps a place of a tier under a limit', async () => {
  const gate = await rule({ name: 'redemption.count.monthly', conditions: { $less_than_or_equal: [1] } })
  const id = await tier({ validation_rules: [gate] })
  const kept = await ok('/v1/validations', { redeemables: tiers(id), order, session: { type: 'LOCK' } })
  assert.is(kept.valid, true)
  assert.is(await keyOf(id), 'redemption_rules_violated')
  const done = await redeem(tiers(id), { session: { type: 'LOCK', key: kept.session.key } })
  assert.is(done.status, 200, JSON.stringify(done.body))
})

test('asked again under its key it is one redemption', async () => {
  const id = await tier()
  const ask = () => redeem(tiers(id), {}, { 'Idempotency-Key': `once-${id}` })
  const [first, second] = [await ask(), await ask()]
  assert.is(first.body.redemptions[0].id, second.body.redemptions[0].id)
})

test('qualifications find the tiers before the codes, page by page, and by filters', async () => {
  const campaign = await promotion()
  const made = [await tier({}, campaign), await tier({}, campaign), await tier({}, campaign)]
  await tier({ active: false }, campaign)
  await tier(
    { validation_rules: [await rule({ name: 'order.amount', conditions: { $more_than: [5_000] } })] },
    campaign,
  )
  const ask = async (options: Record<string, unknown>, more: Record<string, unknown> = {}) =>
    (await ok('/v1/qualifications', { order, options, customer: { source_id: 'q' }, ...more })).redeemables
  const filters = { campaign_id: { conditions: { $is: [campaign] } } }
  const first = await ask({ limit: 2, filters })
  assert.equal([first.has_more, first.data.length, first.data[0].object], [true, 2, 'promotion_tier'])
  assert.equal(
    [first.data[0].result, first.data[0].campaign_id, first.data[0].order.total_amount],
    [{ discount: { ...tenPercent, effect: 'APPLY_TO_ORDER' } }, campaign, 900],
  )
  const second = await ask({ limit: 2, filters, starting_after: first.more_starting_after })
  const ids = [...first.data, ...second.data].map(({ id }: { id: string }) => id)
  assert.equal([ids, second.has_more], [made.toReversed(), false])
  assert.equal((await ask({ limit: 50, filters }, { scenario: 'CUSTOMER_WALLET' })).data, [])
  const kinds = await ask({ limit: 50, filters: { resource_type: { conditions: { $is: ['voucher'] } } } })
  assert.ok(kinds.data.every(({ object }: { object: string }) => object === 'voucher'))
  const rest = await ask({ limit: 1, filters: { resource_id: { conditions: { $is: [made[0]] } } } })
  assert.equal(
    rest.data.map(({ id }: { id: string }) => id),
    [made[0]],
  )
})

test('qualifications find stacks of which all tiers may be redeemed together, page by page', async () => {
  const campaign = await promotion()
  const [ten, five] = [
    await tier({}, campaign),
    await tier({ action: { discount: { type: 'AMOUNT', amount_off: 500 } } }, campaign),
  ]
  const large = await tier(
    { validation_rules: [await rule({ name: 'order.amount', conditions: { $more_than: [5_000] } })] },
    campaign,
  )
  const stack = async (...ids: string[]): Promise<string> =>
    (await ok(`/v1/promotions/${campaign}/stacks`, { name: fresh('stack'), tiers: { ids } })).id
  const [one, both, never] = [await stack(ten), await stack(ten, five), await stack(ten, large)]
  const ask = async (options: Record<string, unknown>, more: Record<string, unknown> = {}) =>
    (await ok('/v1/qualifications', { order, options, scenario: 'PROMOTION_STACKS', ...more })).redeemables
  const filters = { campaign_id: { conditions: { $is: [campaign] } } }
  const first = await ask({ limit: 1, filters })
  const second = await ask({ limit: 1, filters, starting_after: first.more_starting_after })
  const idsOf = (list: Answer['body']) => list.data.map(({ id }: { id: string }) => id)
  assert.equal([first, second].flatMap(idsOf), [both, one])
  const [shown] = first.data
  assert.equal(
    [shown.object, shown.order.total_amount, shown.redeemables.map(({ id }: { id: string }) => id)],
    ['promotion_stack', 400, [ten, five]],
  )
  assert.equal(idsOf(await ask({ filters, sorting_rule: 'LEAST_DEAL' })), [one, both])
  const all = await ask({ filters }, { order: { amount: 6_000 } })
  assert.equal(idsOf(all), [never, both, one])
  assert.equal(idsOf(await ask({ filters: { resource_id: { conditions: { $is: [both] } } } })), [both])
})

test('a tier tells what was redeemed of it, and browsers of which tiers there are', async () => {
  const id = await tier()
  const [kept, undone] = [await redeem(tiers(id)), await redeem(tiers(id))]
  await until(
    async () =>
      (await node.call('POST', `/v1/redemptions/${undone.body.redemptions[0].id}/rollback`, {})).status === 200,
  )
  assert.is(kept.status, 200)
  const path = `/v1/promotions/tiers/${id}`
  const { body } = await until(
    () => node.call('GET', path, undefined, { as: 'admin' }),
    (answer) => answer.body.summary.redemptions.total_redeemed === 1,
  )
  assert.equal(body.summary.orders, { total_amount: 1_000, total_discount_amount: 100 })
  const { tiers: listed } = (await node.call('GET', '/client/v1/promotions/tiers?is_available=true&limit=100')).body
  const shown = listed.find((one: { id: string }) => one.id === id)
  assert.equal([shown.name, shown.summary], [body.name, undefined])
})

test('a stack stands for its tiers, in their order, all or none', async () => {
  const campaign = await promotion()
  const five = { action: { discount: { type: 'AMOUNT', amount_off: 500 } } }
  const [first, second] = [await tier(five, campaign), await tier({}, campaign)]
  const foreign = await tier()
  const path = `/v1/promotions/${campaign}/stacks`
  for (const ids of [[foreign], [first, first], []])
    assert.is(
      (await node.call('POST', path, { name: 'none', tiers: { ids } }, { as: 'admin' })).status,
      400,
      String(ids),
    )
  const sdk = serverSdk(node)
  const stack = await ok(path, { name: 'both', tiers: { ids: [first, second] } })
  assert.match(stack.id, /^stack_/)
  assert.equal((await sdk.promotions.stack.get(campaign, stack.id)).tiers.ids, [first, second])
  assert.is((await sdk.promotions.stack.listInCampaign(campaign)).total, 1)
  const redeemables = [{ object: 'promotion_stack' as const, id: stack.id as string }]
  const seen = await ok('/v1/validations', { redeemables, order })
  assert.equal(
    [seen.valid, seen.order.total_amount, seen.redeemables.map(({ id }: { id: string }) => id)],
    [true, 450, [first, second]],
  )
  const done = await redeem(redeemables)
  assert.is(done.body.order?.total_amount, 450, JSON.stringify(done.body))
  assert.equal(
    done.body.redemptions.map((one: Answer['body']) => one.promotion_tier.id),
    [first, second],
  )
  const back = await node.call('POST', `/v1/redemptions/${done.body.parent_redemption.id}/rollbacks`, {})
  assert.equal([back.status, back.body.rollbacks.length], [200, 2])
  assert.is((await redeem([...redeemables, ...tiers(first)])).body.key, 'duplicated_redeemables')
  const used = await node.call('DELETE', `/v1/promotions/tiers/${first}`, undefined, { as: 'admin' })
  assert.is(used.body.key, 'resource_in_use')
  const changed = await node.call('PUT', `${path}/${stack.id}`, { tiers: { ids: [second, first] } }, { as: 'admin' })
  assert.equal([changed.status, changed.body.tiers.ids], [200, [second, first]], JSON.stringify(changed.body))
  assert.is((await redeem(redeemables)).body.order.total_amount, 400)
  await ok(`/v1/promotions/tiers/${second}/disable`)
  assert.is((await redeem(redeemables)).body.key, 'promotion_inactive')
  assert.is((await node.call('DELETE', `/v1/campaigns/${campaign}`, undefined, { as: 'admin' })).status, 204)
  assert.is((await redeem(redeemables)).status, 404)
})

test('the official SDK makes, validates, redeems and rolls back tiers, and browsers redeem them', async () => {
  const admin = serverSdk(node)
  const id = await tier()
  const listed = await admin.promotions.tiers.list(sale)
  assert.ok(listed.tiers.some((one) => one.id === id))
  assert.is((await admin.promotions.tiers.get(id)).id, id)
  const redeemables = [{ object: 'promotion_tier' as const, id }]
  const seen = await admin.validations.validateStackable({ redeemables, order })
  assert.is(seen.valid, true)
  const eligible = await admin.qualifications.checkEligibility({
    order,
    options: { filters: { resource_id: { conditions: { $is: [id] } } } },
  } as never)
  assert.is(eligible.redeemables.data[0]?.id, id)
  const done = await admin.redemptions.redeemStackable({ redeemables, order })
  assert.is(done.order?.total_amount, 900)
  const back = await admin.redemptions.rollbackStackable(done.parent_redemption.id)
  assert.is(back.rollbacks.length, 1)
  const browser = clientSdk(node)
  const asked = await browser.validateStackable({ redeemables, order } as never)
  assert.is((asked as { valid: boolean }).valid, true)
  const bought = await browser.redeemStackable({ redeemables, order } as never)
  assert.is((bought as { redemptions: { result: string }[] }).redemptions[0]?.result, 'SUCCESS')
})

test.run()
