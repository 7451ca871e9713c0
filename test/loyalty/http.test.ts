// Loyalty over a whole node: the official client's calls, effects, races, repeats, bad input, and what time does.

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { TooBusy } from '../../src/trouble.ts'
import { type Answer, type TestNode, testNode } from '../system/node.ts'
import { serverSdk } from '../system/sdk.ts'
import { until } from '../until.ts'

let node: TestNode
let sdk: ReturnType<typeof serverSdk>
const test = suite('loyalty over HTTP')

test.before(async () => {
  node = await testNode()
  sdk = serverSdk(node)
  const made = await node.call(
    'POST',
    '/v1/event-schemas',
    { name: 'bought', schema: { properties: { amount: { type: 'number', optional: true } } } },
    { as: 'admin' },
  )
  assert.is(made.status, 200, JSON.stringify(made.body))
})
test.after(() => node.end())

const post = (path: string, body?: unknown, headers: Record<string, string> = {}) =>
  node.call('POST', path, body ?? {}, { headers })
const get = (path: string, after?: Answer) => node.call('GET', path, undefined, after ? { after } : {})
const buy = (who: string, amount = 1, more: object = {}) =>
  post('/v1/events', { event: 'bought', customer: { source_id: who }, metadata: { amount }, ...more })

const ok = (answer: Answer): Answer => {
  assert.is(answer.status, 200, JSON.stringify(answer.body))
  return answer
}
const refused = (answer: Answer, status: number, key: string) =>
  assert.equal([answer.status, answer.body.key, answer.body.code], [status, key, status], JSON.stringify(answer.body))

let programs = 0
/** A program of its own for a test; its rules are disabled at the end, so that tests do not pay into each other's. */
const program = async (more: object = {}): Promise<string> =>
  ok(
    await post('/v1/loyalties', {
      name: `club ${programs++}`,
      voucher: { type: 'LOYALTY_CARD', loyalty_card: { points: 0 } },
      ...more,
    }),
  ).body.id
const member = async (id: string, who: string): Promise<{ id: string; code: string }> =>
  ok(await post(`/v1/loyalties/${id}/members`, { customer: { source_id: who } })).body
const close = async (id: string) => ok(await post(`/v1/loyalties/${id}/disable`))

test('the official client runs a program from its creation to its deletion', async () => {
  const created = await sdk.loyalties.create({
    name: 'sdk club',
    voucher: {
      type: 'LOYALTY_CARD',
      loyalty_card: { points: 0 },
      code_config: { pattern: 'SDK-########', suffix: '-X' },
    },
  })
  assert.is(created.campaign_type, 'LOYALTY_PROGRAM')
  const { id } = created
  assert.is((await sdk.loyalties.get(id)).name, 'sdk club')
  assert.is((await sdk.loyalties.update({ id, description: 'for all' })).description, 'for all')
  assert.ok((await sdk.loyalties.list()).campaigns?.some((c) => c.id === id))

  const [rule] = await sdk.loyalties.createEarningRule(id, [
    {
      event: 'bought' as 'custom_event',
      loyalty: { type: 'FIXED', points: 10 },
      source: { banner: 'Thanks' },
    } as never,
  ])
  assert.ok(rule)
  assert.is((await sdk.loyalties.getEarningRule(id, rule.id)).active, true)
  await sdk.loyalties.updateEarningRule(id, { id: rule.id, loyalty: { type: 'FIXED', points: 12 } } as never)
  assert.is((await sdk.loyalties.disableEarningRule(id, rule.id)).active, false)
  assert.is((await sdk.loyalties.enableEarningRule(id, rule.id)).active, true)
  assert.is((await sdk.loyalties.listEarningRules(id)).total, 1)

  const joined = await sdk.loyalties.createMember(id, { customer: { source_id: 'sdk-ann', name: 'Ann' } })
  assert.match(joined.code, /^SDK-[0-9A-Za-z]{8}-X$/)
  const again = await sdk.loyalties.createMember(id, { customer: { source_id: 'sdk-ann' } })
  assert.is(again.code, joined.code)
  await sdk.events.create('bought', { event: 'bought', customer: { source_id: 'sdk-ann' } })
  const balance = await sdk.loyalties.addOrRemoveCardBalance(
    joined.code,
    { points: 30, reason: 'sorry', source_id: 's-1' },
    id,
  )
  assert.equal([balance.points, balance.balance, balance.total], [30, 42, 42])
  const repeated = await sdk.loyalties.addOrRemoveCardBalance(joined.code, {
    points: 30,
    reason: 'sorry',
    source_id: 's-1',
  })
  assert.equal([repeated.points, repeated.balance], [30, 42])

  await until(
    () =>
      sdk.loyalties.getMember(id, joined.code).then(
        (member) => member.loyalty_card.balance,
        (error: { code: number }) => error.code,
      ),
    (balanceOr404) => balanceOr404 === 42,
  )
  assert.is((await sdk.loyalties.getMember(null, joined.code)).holder_id, joined.holder_id)
  assert.is((await sdk.loyalties.listMembers(id)).total, 1)
  const transactions = await sdk.loyalties.listCardTransactions(joined.code, null, {})
  assert.equal(
    transactions.data.map(({ type, reason, source_id }) => [type, reason, source_id]),
    [
      ['POINTS_ADDITION', 'sorry', 's-1'],
      ['POINTS_ACCRUAL', null, null],
    ],
  )
  assert.is(transactions.data[1]?.details.earning_rule?.source.banner, 'Thanks')
  assert.is((await sdk.loyalties.listCardTransactions(joined.code, id, { limit: 1 })).has_more, true)
  assert.is((await sdk.loyalties.listMemberActivity(id, joined.code)).data.length, 3)
  assert.is((await sdk.loyalties.getPointsExpiration(id, joined.code)).data[0]?.bucket.total_points, 42)

  const [tier] = await sdk.loyalties.createTiers(id, [{ name: 'gold', points: { from: 50, to: 1000 } }])
  assert.ok(tier)
  assert.is((await sdk.loyalties.listTiers(id)).total, 1)
  assert.is((await sdk.loyalties.getTier(id, tier.id)).name, 'gold')
  assert.is((await sdk.loyalties.listLoyaltyTierEarningRules(id, tier.id)).total, 1)
  await sdk.events.create('bought', { event: 'bought', customer: { source_id: 'sdk-ann' } })
  await until(
    async () => (await sdk.loyalties.listMemberLoyaltyTiers(joined.code)).data[0]?.name,
    (name) => name === 'gold',
  )

  const reward = await sdk.rewards.create({
    name: 'mug',
    type: 'MATERIAL',
    parameters: { product: { id: 'prod_1' } },
    stock: 3,
  })
  const [offer] = await sdk.loyalties.createRewardAssignments(id, [
    { reward: reward.id, parameters: { loyalty: { points: 20 } } },
  ])
  assert.ok(offer)
  assert.is((await sdk.loyalties.listRewardAssignments(id)).total, 1)
  assert.is((await sdk.loyalties.getRewardAssignment(id, offer.id)).reward_id, reward.id)
  assert.is((await sdk.loyalties.getRewardDetails(id, offer.id)).name, 'mug')
  assert.is((await sdk.loyalties.listLoyaltyTierRewards(id, tier.id)).total, 1)
  assert.is((await sdk.loyalties.listMemberRewards(joined.code, { affordable_only: true })).total, 1)
  const redemption = await sdk.loyalties.redeemReward(id, joined.code, { reward: { id: reward.id } })
  assert.equal([redemption.result, redemption.amount, redemption.voucher.loyalty_card?.balance], ['SUCCESS', 20, 34])
  assert.is((await sdk.rewards.get(reward.id)).redeemed, 1)

  const bob = await sdk.loyalties.createMember(id, { customer: { source_id: 'sdk-bob' } })
  const moved = await sdk.loyalties.transferPoints(id, bob.code, [
    { code: joined.code, points: 4, source_id: 't-1', reason: 'gift' },
  ])
  assert.is(moved.loyalty_card.balance, 4)
  await sdk.loyalties.deleteRewardAssignment(id, offer.id)
  await sdk.rewards.delete(reward.id)
  await sdk.loyalties.deleteEarningRule(id, rule.id)
  await sdk.loyalties.delete(id)
  await sdk.loyalties.get(id).then(
    () => assert.unreachable('a deleted program is gone'),
    (error: { code: number }) => assert.is(error.code, 404),
  )
})

test('earned points show in the answer, on the customer, in the log and in the totals', async () => {
  const id = await program()
  ok(await post(`/v1/loyalties/${id}/earning-rules`, [{ event: 'bought', loyalty: { type: 'FIXED', points: '5' } }]))
  const tracked = ok(await buy('eve'))
  assert.equal(
    tracked.body.effects.map((e: { type: string }) => e.type),
    ['customer.publication.succeeded', 'customer.rewarded.loyalty_points'],
  )
  const { balance, transaction, earning_rule: rule } = tracked.body.effects[1]
  assert.equal([balance.points, balance.balance, balance.total], [5, 5, 5])
  assert.match(transaction.id, /^vtx_/)
  assert.match(rule.id, /^ern_/)
  const customer = ok(await get('/v1/customers/eve', tracked))
  assert.is(customer.body.loyalty.points, 5)
  assert.is(Object.values(customer.body.loyalty.campaigns as Record<string, { points: number }>)[0]?.points, 5)
  assert.is(
    ok(await get('/v1/customers?limit=100')).body.customers.find((c: { source_id: string }) => c.source_id === 'eve')
      .loyalty.points,
    5,
  )
  const log = ok(await get(`/v1/customers/eve/activity?campaign_id=${id}`))
  assert.is(log.body.data[0].type, 'customer.rewarded.loyalty_points')
  const totals = ok(await get(`/v1/loyalties/${id}/summary`)).body
  assert.equal([totals.members, totals.balance, totals.transactions.POINTS_ACCRUAL], [1, 5, { count: 1, points: 5 }])
  const { code } = ok(await get(`/v1/loyalties/${id}/members`)).body.vouchers[0]
  await until(
    () => node.services.ledgers.codes.load(code),
    ({ state }) => state.code.owner?.type === 'loyalty_card',
  )
  await close(id)
})

test('of two requests that together exceed the balance exactly one succeeds', async () => {
  const id = await program()
  for (let round = 0; round < 5; round++) {
    const card = await member(id, `racer-${round}`)
    ok(await post(`/v1/loyalties/members/${card.code}/balance`, { points: 100 }))
    const answers = await Promise.all(
      [60, 60, 60].map((n) => post(`/v1/loyalties/members/${card.code}/balance`, { points: -n })),
    )
    assert.equal(answers.map(({ status }) => status).sort(), [200, 400, 400])
    const other = await member(id, `taker-${round}`)
    const both = await Promise.all([
      post(`/v1/loyalties/members/${card.code}/balance`, { points: -30 }),
      post(`/v1/loyalties/${id}/members/${other.code}/transfers`, [{ code: card.code, points: 30 }]),
    ])
    assert.equal(both.map(({ status }) => status).sort(), [200, 400], JSON.stringify(both.map(({ body }) => body)))
    assert.is(both.find(({ status }) => status === 400)?.body.key, 'loyalty_card_points_exceeded')
  }
})

test('a repeated Idempotency-Key or source_id is answered as the first time, and nothing is done twice', async () => {
  const id = await program()
  const key = { 'Idempotency-Key': 'join-1' }
  const body = { customer: { source_id: 'rita' } }
  const first = ok(await post(`/v1/loyalties/${id}/members`, body, key))
  assert.equal(ok(await post(`/v1/loyalties/${id}/members`, body, key)).body, first.body)
  const { code } = first.body
  const path = `/v1/loyalties/members/${code}/balance`
  const together = await Promise.all(Array.from({ length: 5 }, () => post(path, { points: 10, source_id: 'a' })))
  for (const answer of together) assert.equal(ok(answer).body, together[0]!.body)
  ok(await post(path, { points: 1 }))
  assert.equal(ok(await post(path, { points: 10, source_id: 'a' })).body, together[0]!.body)
  const removed = ok(await post(path, { points: -2 }, { 'Idempotency-Key': 'r-1' }))
  assert.equal(ok(await post(path, { points: -2 }, { 'Idempotency-Key': 'r-1' })).body, removed.body)
  const other = await member(id, 'rolf')
  const transfer = [{ code, points: 3, source_id: 't' }]
  const moved = ok(await post(`/v1/loyalties/${id}/members/${other.code}/transfers`, transfer))
  assert.is(
    ok(await post(`/v1/loyalties/${id}/members/${other.code}/transfers`, transfer)).body.loyalty_card.balance,
    3,
  )
  assert.is(ok(await get(`/v1/loyalties/members/${code}`, moved)).body.loyalty_card.balance, 6)
})

test('a transfer is both or neither, and each side names the other', async () => {
  const id = await program()
  const [from, to] = [await member(id, 'tom'), await member(id, 'tia')]
  ok(await post(`/v1/loyalties/members/${from.code}/balance`, { points: 10 }))
  const path = `/v1/loyalties/${id}/members/${to.code}/transfers`
  refused(await post(path, [{ code: from.code, points: 11 }]), 400, 'loyalty_card_points_exceeded')
  refused(await post(path, [{ code: to.code, points: 1 }]), 400, 'invalid_payload')
  refused(await post(path, [{ code: 'nobody', points: 1 }]), 404, 'not_found')
  ok(await post(`/v1/loyalties/members/${to.code}/disable`))
  refused(await post(path, [{ code: from.code, points: 1 }]), 400, 'loyalty_card_not_active')
  ok(await post(`/v1/loyalties/members/${to.code}/enable`))
  const done = ok(await post(path, [{ code: from.code, points: 4, reason: 'gift' }]))
  const [out] = ok(await get(`/v1/loyalties/members/${from.code}/transactions`, done)).body.data
  const [arrived] = ok(await get(`/v1/loyalties/members/${to.code}/transactions`)).body.data
  assert.equal([out.type, arrived.type], ['POINTS_TRANSFER_OUT', 'POINTS_TRANSFER_IN'])
  assert.equal([out.related_transaction_id, arrived.related_transaction_id], [arrived.id, out.id])
  assert.is(ok(await get(`/v1/loyalties/members/${from.code}`)).body.loyalty_card.balance, 6)
  assert.is(ok(await get(`/v1/loyalties/members/${to.code}`)).body.loyalty_card.balance, 4)
  const over = await post(path, [
    { code: from.code, points: 5 },
    { code: from.code, points: 5 },
  ])
  refused(over, 400, 'loyalty_card_points_exceeded')
  assert.match(over.body.details, /\(item 1; those before it were transferred\)$/)
  assert.is(ok(await get(`/v1/loyalties/members/${to.code}`)).body.loyalty_card.balance, 9)
})

test('a reward of a campaign gives a code that is good at once, the same one however often it is asked for', async () => {
  const id = await program()
  const { body: gifts } = ok(
    await post('/v1/campaigns', {
      name: 'given for points',
      voucher: { type: 'GIFT_VOUCHER', gift: { amount: 1_000 } },
    }),
  )
  const { body: reward } = ok(
    await post('/v1/rewards', {
      name: 'gift',
      type: 'CAMPAIGN',
      parameters: { campaign: { id: gifts.id, balance: 2_500 } },
    }),
  )
  assert.equal(reward.parameters.campaign, { id: gifts.id, balance: 2_500, type: 'GIFT_VOUCHERS' })
  ok(await post(`/v1/rewards/${reward.id}/assignments`, { campaign: id, parameters: { loyalty: { points: 5 } } }))
  const { code } = await member(id, 'gifted')
  ok(await post(`/v1/loyalties/members/${code}/balance`, { points: 50 }))
  const pay = () =>
    post(
      `/v1/loyalties/${id}/members/${code}/redemption`,
      { reward: { id: reward.id } },
      { 'Idempotency-Key': 'gift-1' },
    )
  const { body: paid } = ok(await pay())
  const { voucher } = paid.reward
  assert.equal([voucher.type, voucher.campaign_id, voucher.gift.balance], ['GIFT_VOUCHER', gifts.id, 2_500])
  assert.is(ok(await pay()).body.reward.voucher.code, voucher.code)
  assert.is((await get(`/v1/vouchers/${voucher.code}`)).body.gift.balance, 2_500)
  const back = await post(`/v1/loyalties/${id}/members/${code}/redemptions/${paid.id}/rollback`, {})
  assert.equal([back.status, back.body.key], [400, 'invalid_rollback_params'])
  // Its code cannot be made good in time: it is paid for all the same, which whoever asked again would be once more.
  const { codes } = node.services
  const { reserve } = codes
  Object.assign(codes, { reserve: () => Promise.reject(new TooBusy('code')) })
  const crowded = await post(`/v1/loyalties/${id}/members/${code}/redemption`, { reward: { id: reward.id } })
  Object.assign(codes, { reserve })
  assert.equal([ok(crowded).body.amount, crowded.body.reward.voucher], [5, undefined])
  assert.is(ok(await get(`/v1/loyalties/members/${code}`, crowded)).body.loyalty_card.balance, 40)
})

test('a reward of another program gives points on a card whose code is good at once, the same however often it is asked for', async () => {
  const id = await program()
  const { body: miles } = ok(
    await post('/v1/loyalties', { name: 'miles for points', voucher: { loyalty_card: { points: 3 } } }),
  )
  const { body: reward } = ok(
    await post('/v1/rewards', {
      name: 'miles',
      type: 'CAMPAIGN',
      parameters: { campaign: { id: miles.id, balance: 40 } },
    }),
  )
  ok(await post(`/v1/rewards/${reward.id}/assignments`, { campaign: id, parameters: { loyalty: { points: 5 } } }))
  const { code } = await member(id, 'flyer')
  ok(await post(`/v1/loyalties/members/${code}/balance`, { points: 50 }))
  const pay = (key: string) =>
    post(`/v1/loyalties/${id}/members/${code}/redemption`, { reward: { id: reward.id } }, { 'Idempotency-Key': key })
  const { body: paid } = ok(await pay('miles-1'))
  const { voucher } = paid.reward
  assert.equal([voucher.type, voucher.campaign_id, voucher.loyalty_card.balance], ['LOYALTY_CARD', miles.id, 43])
  assert.is(ok(await pay('miles-1')).body.reward.voucher.code, voucher.code)
  assert.is(ok(await pay('miles-2')).body.reward.voucher.loyalty_card.balance, 83)
  assert.is(ok(await get(`/v1/loyalties/members/${voucher.code}`)).body.loyalty_card.balance, 83)
})

test('a reward with a stock of three is paid for three times, however many ask', async () => {
  const id = await program()
  const reward = ok(
    await post('/v1/rewards', { name: 'rare', type: 'MATERIAL', parameters: { product: {} }, stock: 3 }),
  ).body
  ok(await post(`/v1/rewards/${reward.id}/assignments`, { campaign: id, parameters: { loyalty: { points: 5 } } }))
  const cards = []
  for (let i = 0; i < 6; i++) {
    const card = await member(id, `shopper-${i}`)
    ok(await post(`/v1/loyalties/members/${card.code}/balance`, { points: 10 }))
    cards.push(card)
  }
  const redeem = (code: string, headers = {}) =>
    post(`/v1/loyalties/${id}/members/${code}/redemption`, { reward: { id: reward.id } }, headers)
  const answers = await Promise.all(cards.map(({ code }, i) => redeem(code, { 'Idempotency-Key': `redeem-${i}` })))
  const won = answers.filter(({ status }) => status === 200)
  assert.is(won.length, 3)
  for (const answer of answers) if (answer.status !== 200) refused(answer, 400, 'quantity_exceeded')
  const winner = answers.indexOf(won[0]!)
  assert.is(ok(await redeem(cards[winner]!.code, { 'Idempotency-Key': `redeem-${winner}` })).body.id, won[0]!.body.id)
  const { code } = cards[winner]!
  const back = ok(
    await post(`/v1/loyalties/members/${code}/redemptions/${won[0]!.body.id}/rollback`, { reason: 'broken' }),
  )
  assert.is(back.body.voucher.loyalty_card.balance, 10)
  refused(
    await post(`/v1/loyalties/members/${code}/redemptions/${won[0]!.body.id}/rollback`),
    400,
    'already_rolled_back',
  )
  await until(
    async () => (await get(`/v1/rewards/${reward.id}`)).body.redeemed,
    (n) => n === 2,
  )
  const loser = cards[answers.findIndex(({ status }) => status !== 200)]!
  ok(await redeem(loser.code))
  refused(await redeem(loser.code), 400, 'quantity_exceeded')
})

test('one who cannot pay keeps nothing from others', async () => {
  const id = await program()
  const reward = ok(
    await post('/v1/rewards', { name: 'one', type: 'MATERIAL', parameters: { product: {} }, stock: 2 }),
  ).body
  ok(await post(`/v1/rewards/${reward.id}/assignments`, { campaign: id, parameters: { loyalty: { points: 8 } } }))
  const card = await member(id, 'poor')
  ok(await post(`/v1/loyalties/members/${card.code}/balance`, { points: 8 }))
  const both = await Promise.all(
    [1, 2, 3].map(() => post(`/v1/loyalties/${id}/members/${card.code}/redemption`, { reward: { id: reward.id } })),
  )
  assert.equal(both.map(({ status }) => status).sort(), [200, 400, 400])
  await until(
    async () => (await get(`/v1/rewards/${reward.id}`)).body.redeemed,
    (n) => n === 1,
  )
})

test('points expire at their instant by the clock, and segments by points follow', async () => {
  const id = await program()
  const segment = ok(
    await post('/v1/segments', {
      name: 'has points',
      type: 'auto-update',
      condition: { points: id, $more_than_equal: 5 },
    }),
  ).body
  const card = await member(id, 'mayfly')
  const at = new Date(Date.now() + 1_500).toISOString()
  const added = ok(
    await post(`/v1/loyalties/members/${card.code}/balance`, {
      points: 7,
      expiration_type: 'CUSTOM_DATE',
      expiration_date: at,
    }),
  )
  const listed = ok(await get(`/v1/loyalties/members/${card.code}/points-expiration`, added))
  assert.equal([listed.body.data[0].expires_at, listed.body.data[0].bucket.total_points], [at, 7])
  assert.is(ok(await get('/v1/customers/mayfly/segments')).body.data[0]?.id, segment.id)
  await until(
    async () => ok(await get(`/v1/loyalties/members/${card.code}`)).body.loyalty_card.balance,
    (n) => n === 0,
  )
  const [expired] = ok(await get(`/v1/loyalties/members/${card.code}/transactions`)).body.data
  assert.equal([expired.type, expired.created_at], ['POINTS_EXPIRATION', at])
  await until(
    async () => ok(await get('/v1/customers/mayfly/segments')).body.total,
    (n) => n === 0,
  )
  refused(await node.call('DELETE', `/v1/loyalties/${id}`), 400, 'resource_in_use')
})

test('pending points over HTTP', async () => {
  const id = await program()
  ok(
    await post(`/v1/loyalties/${id}/earning-rules`, [
      {
        event: 'bought',
        loyalty: { type: 'FIXED', points: 5 },
        pending_points: { period_type: 'DAY', period_value: 2 },
      },
    ]),
  )
  await buy('pia')
  const tracked = await buy('pia')
  assert.is(tracked.body.effects.at(-1).type, 'customer.voucher.loyalty_card.pending_points.added')
  const card = ok(await get(`/v1/loyalties/${id}/members`, tracked)).body.vouchers[0]
  assert.equal([card.loyalty_card.balance, card.loyalty_card.pending_points], [0, 10])
  const base = `/v1/loyalties/members/${card.code}/pending-points`
  const [one, two] = ok(await get(base)).body.data
  const changed = ok(await post(`${base}/${one.id}/balance`, { points: 3 })).body
  assert.equal([changed.points, changed.total, changed.pending_points.points, changed.object], [3, 8, 8, 'balance'])
  assert.is(ok(await post(`${base}/${one.id}/activate`)).body.balance, 8)
  assert.is((await post(`${base}/${two.id}/cancel`)).status, 204)
  refused(await post(`${base}/${two.id}/cancel`), 404, 'not_found')
  await close(id)
})

test('bad input is refused with the contract’s errors and writes nothing', async () => {
  const id = await program()
  const card = await member(id, 'ben')
  const path = `/v1/loyalties/members/${card.code}/balance`
  for (const points of [1.5, 0, '1.5', 'many', 1_000_000_000_001, -1_000_000_000_001, null, undefined])
    refused(await post(path, { points }), 400, 'invalid_payload')
  refused(await post('/v1/loyalties/members/nobody/balance', { points: 1 }), 404, 'not_found')
  refused(await post(`/v1/loyalties/camp_x/members/${card.code}/balance`, { points: 1 }), 404, 'not_found')
  refused(await post(path, { points: 1, expiration_type: 'CUSTOM_DATE' }), 400, 'invalid_expiration_date')
  refused(await post(path, { points: 1, expiration_date: '2020-01-01' }), 400, 'invalid_expiration_date')
  for (const points of [0, -1, 1.5, 1e13])
    refused(
      await post(`/v1/loyalties/${id}/members/${card.code}/transfers`, [{ code: 'x', points }]),
      400,
      'invalid_payload',
    )
  const rules = `/v1/loyalties/${id}/earning-rules`
  refused(await post(rules, [{ event: 'bought', loyalty: { type: 'FIXED', points: -1 } }]), 400, 'invalid_payload')
  refused(
    await post(rules, [{ event: 'bought', loyalty: { type: 'PROPORTIONAL', calculation_type: 'ORDER_AMOUNT' } }]),
    400,
    'invalid_payload',
  )
  refused(await post(rules, [{ event: 'sold', loyalty: { type: 'FIXED', points: 1 } }]), 400, 'invalid_payload')
  refused(
    await post('/v1/loyalties', { name: 'bad', voucher: { type: 'LOYALTY_CARD', code_config: { pattern: 'X#' } } }),
    400,
    'invalid_code_config',
  )
  const name = ok(await get(`/v1/loyalties/${id}`)).body.name
  refused(await post('/v1/loyalties', { name }), 409, 'duplicate_found')
  ok(await post(`/v1/loyalties/members/${card.code}/disable`))
  refused(await post(path, { points: 1 }), 400, 'loyalty_card_not_active')
  ok(await post(`/v1/loyalties/members/${card.code}/enable`))
  await close(id)
  refused(await post(path, { points: 1 }), 400, 'campaign_not_active')
  refused(await post(`/v1/loyalties/${id}/members`, { customer: { source_id: 'late' } }), 400, 'campaign_not_active')
  const enabled = ok(await post(`/v1/loyalties/${id}/enable`))
  refused(
    await post(`/v1/loyalties/${id}/members`, { customer: { source_id: 'cal' }, voucher: card.code }),
    409,
    'duplicate_found',
  )
  assert.is(ok(await get(`/v1/loyalties/members/${card.code}`, enabled)).body.loyalty_card.balance, 0)
  for (const reader of ['reader', 'auditor'] as const)
    assert.is((await node.call('POST', path, { points: 1 }, { as: reader })).status, 403)
})

test('the processes can be watched', async () => {
  const watched = await node.call('GET', '/v1/processes', undefined, { as: 'admin' })
  const names = watched.body.data.map((p: { name: string }) => p.name)
  for (const name of ['transfers', 'rewards', 'card-codes']) assert.ok(names.includes(name))
  assert.equal(watched.body.failures, [])
  const metrics = await (await fetch(`${node.url}/metrics`)).text()
  assert.match(metrics, 'tributary_process_pending{process="transfers"} 0')
})

test.run()
