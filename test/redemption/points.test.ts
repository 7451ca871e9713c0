// Cards that pay with points, over a whole node: what is taken and given back, alone, together with codes, and by many at once.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { randomOf } from '../random.ts'
import { asking, fresh } from '../system/asking.ts'
import { type TestNode, testNode } from '../system/node.ts'
import { serverSdk } from '../system/sdk.ts'
import { until } from '../until.ts'

let node: TestNode
let club = ''
const test = suite('points as redeemables')

const { post: ok } = asking(() => node)

const reward = async (definition: Record<string, unknown>, points?: number) => {
  const { id } = await ok('/v1/rewards', { name: fresh('reward'), ...definition })
  const assignment = await ok(`/v1/rewards/${id}/assignments`, {
    campaign: club,
    ...(points === undefined ? {} : { parameters: { loyalty: { points } } }),
  })
  return { id: id as string, assignment: assignment.id as string }
}
/** Ten points pay a euro. */
const coin = (stock?: number) =>
  reward({ type: 'COIN', parameters: { coin: { exchange_ratio: 100, points_ratio: 10 } }, ...(stock ? { stock } : {}) })
const mug = (points: number, stock?: number) =>
  reward({ type: 'MATERIAL', parameters: { product: { id: 'prod_mug' } }, ...(stock ? { stock } : {}) }, points)

const card = async (points: number, customer = fresh('member')) => {
  const { code } = await ok(`/v1/loyalties/${club}/members`, { customer: { source_id: customer } })
  if (points > 0) await ok(`/v1/loyalties/members/${code}/balance`, { points })
  return { code: code as string, customer }
}

const balanceOf = async (code: string): Promise<number> =>
  (await node.call('GET', `/v1/vouchers/${code}`)).body.loyalty_card.balance

const paying = (code: string, id: string, points?: number) => ({
  object: 'voucher',
  id: code,
  reward: { id, ...(points === undefined ? {} : { points }) },
})
const redeem = (redeemables: unknown, more: Record<string, unknown> = {}, headers = {}) =>
  node.call('POST', '/v1/redemptions', { redeemables, ...more }, { headers })

test.before(async () => {
  node = await testNode({}, undefined, { client: { allow: ['validate', 'redeem'] } })
  club = (await ok('/v1/loyalties', { name: 'club', voucher: { type: 'LOYALTY_CARD' } })).id
})
test.after(() => node.end())

test('a rule on the points that a reward takes asks for what is really taken, said or not, on both routes', async () => {
  const few = { name: 'redemption.reward.pay_with_points.points_used', conditions: { $less_than_or_equal: [20] } }
  const rule = await ok('/v1/validation-rules', { name: fresh('few'), rules: { '1': few, logic: '1' } })
  const [money, cup] = [await coin(), await mug(15)]
  for (const { assignment } of [money, cup])
    await ok(`/v1/validation-rules/${rule.id}/assignments`, {
      related_object_type: 'reward_assignment',
      related_object_id: assignment,
    })
  const { code, customer } = await card(200)
  const pay = async (id: string, points?: number, amount = 10_000) => {
    const { status, body } = await redeem([paying(code, id, points)], {
      order: { amount },
      customer: { source_id: customer },
    })
    return status === 200 ? balanceOf(code) : body.key
  }
  assert.is(await pay(money.id, 21), 'redemption_rules_violated')
  assert.is(await pay(money.id), 'redemption_rules_violated')
  assert.is(await pay(money.id, 20), 180)
  assert.is(await pay(money.id, undefined, 100), 170)
  assert.is(await pay(cup.id), 155)
  const asked = (points: number) =>
    node.call('POST', `/v1/loyalties/members/${code}/redemption`, { reward: { id: money.id, points } })
  assert.is((await asked(21)).body.key, 'redemption_rules_violated')
  assert.is((await asked(20)).status, 200)
  assert.is(await balanceOf(code), 135)
})

test('points pay a part of the order, and a rollback brings them back', async () => {
  const { id, assignment } = await coin()
  const { code, customer } = await card(50)
  const order = { amount: 1_000 }
  const seen = await ok('/v1/validations', {
    redeemables: [paying(code, id, 30)],
    order,
    customer: { source_id: customer },
  })
  assert.equal(
    [seen.valid, seen.redeemables[0].result, seen.order.total_amount],
    [true, { loyalty_card: { points: 30 } }, 700],
  )
  assert.is(await balanceOf(code), 50)
  const done = await redeem([paying(code, id, 30)], { order, customer: { source_id: customer } })
  assert.is(done.status, 200, JSON.stringify(done.body))
  const [one] = done.body.redemptions
  assert.equal([one.amount, one.loyalty_card, one.order.total_amount], [30, { points: 30 }, 700])
  assert.equal([one.reward.id, one.reward.assignment_id, one.reward.loyalty_tier_id], [id, assignment, null])
  assert.is(one.voucher.loyalty_card.balance, 20)
  assert.is(await balanceOf(code), 20)
  const read = await node.call('GET', `/v1/redemptions/${one.id}`, undefined, { after: done })
  assert.equal([read.body.amount, read.body.reward.id, read.body.voucher.type], [30, id, 'LOYALTY_CARD'])
  const spent = await node.call('GET', `/v1/loyalties/members/${code}/transactions`, undefined, { after: done })
  assert.equal(
    spent.body.data.map(({ type }: { type: string }) => type),
    ['POINTS_REDEMPTION', 'POINTS_ADDITION'],
  )
  const twice = await node.call('POST', `/v1/loyalties/members/${code}/redemptions/${one.id}/rollback`, {})
  assert.equal([twice.status, twice.body.key], [400, 'invalid_redemption'])
  const back = await node.call('POST', `/v1/redemptions/${one.id}/rollback`, { reason: 'sent back' })
  assert.equal(
    [back.status, back.body.amount, back.body.loyalty_card],
    [200, -30, { points: 30 }],
    JSON.stringify(back.body),
  )
  assert.is(await balanceOf(code), 50)
  const again = await node.call('POST', `/v1/redemptions/${one.id}/rollback`, {})
  assert.is(again.body.key, 'already_rolled_back')
  assert.is(await balanceOf(code), 50)
})

test('no more points are taken than the order needs, and as many as it needs where none are named', async () => {
  const { id } = await coin()
  const { code } = await card(500)
  const some = await redeem([paying(code, id, 400)], { order: { amount: 1_005 } })
  assert.equal([some.body.redemptions?.[0].amount, some.body.order?.total_amount], [101, 0], JSON.stringify(some.body))
  const all = await redeem([paying(code, id)], { order: { amount: 10_000 } })
  assert.equal([all.body.redemptions[0].amount, all.body.order.total_amount], [399, 6_010])
  assert.is(await balanceOf(code), 0)
  const none = await redeem([paying(code, id)], { order: { amount: 10_000 } })
  assert.is(none.body.key, 'loyalty_card_points_exceeded')
})

test('points that pay nothing stay on the card, however they are exchanged', async () => {
  for (const [exchange_ratio, points_ratio] of [
    [1, 10],
    [3, 7],
    [100, 30],
    [7, 1],
  ] as const) {
    const { id } = await reward({ type: 'COIN', parameters: { coin: { exchange_ratio, points_ratio } } })
    const { code } = await card(1_000)
    let balance = 1_000
    for (const points of [1, 5, 15, 29]) {
      const { body } = await redeem([paying(code, id, points)], { order: { amount: 500 } })
      const [{ amount: taken }] = body.redemptions
      const paid = 500 - body.order.total_amount
      assert.is(paid, Math.floor((points * exchange_ratio) / points_ratio))
      assert.ok(taken <= points && Math.floor((taken * exchange_ratio) / points_ratio) === paid)
      assert.ok(taken === 0 || Math.floor(((taken - 1) * exchange_ratio) / points_ratio) < paid, `${taken} for ${paid}`)
      balance -= taken
      assert.is(await balanceOf(code), balance)
    }
  }
})

test('a card pays beside codes for the same order, all or none', async () => {
  const { id } = await mug(20)
  const { id: money } = await coin()
  const ten = fresh('TEN')
  await ok(`/v1/vouchers/${ten}`, { type: 'DISCOUNT_VOUCHER', discount: { type: 'PERCENT', percent_off: 10 } })
  const { code } = await card(60)
  const both = await redeem([{ object: 'voucher', id: ten }, paying(code, money, 40)], { order: { amount: 1_000 } })
  assert.is(both.body.order?.total_amount, 500, JSON.stringify(both.body))
  const thing = await redeem([paying(code, id)], { order: { amount: 1_000 } })
  assert.equal([thing.body.redemptions[0].amount, thing.body.order.total_amount], [20, 1_000])
  const poor = await redeem([{ object: 'voucher', id: ten }, paying(code, id)], { order: { amount: 1_000 } })
  assert.is(poor.body.key, 'loyalty_card_points_exceeded')
  const undone = await node.call('POST', `/v1/redemptions/${both.body.parent_redemption.id}/rollbacks`, {})
  assert.is(undone.status, 200, JSON.stringify(undone.body))
  assert.is(await balanceOf(code), 40)
})

test('what stands in the way of a card is said by its own key', async () => {
  const { id } = await mug(10)
  const { code, customer } = await card(30)
  const keyOf = async (redeemable: unknown, more: Record<string, unknown> = {}) =>
    (await redeem([redeemable], more)).body.key
  assert.is(await keyOf({ object: 'voucher', id: code }, { customer: { source_id: customer } }), 'missing_reward')
  assert.is(await keyOf({ object: 'voucher', id: code }), 'missing_customer')
  assert.is(await keyOf(paying(code, id), { customer: { source_id: 'a stranger' } }), 'invalid_customer')
  assert.is(await keyOf(paying(code, 'rew_none')), 'not_found')
  assert.is(await keyOf(paying(code, (await coin()).id)), 'missing_amount')
  const coupons = await ok('/v1/campaigns', {
    name: fresh('coupons'),
    campaign_type: 'DISCOUNT_COUPONS',
    voucher: { type: 'DISCOUNT_VOUCHER', discount: { type: 'AMOUNT', amount_off: 100 } },
  })
  const gives = await reward({ type: 'CAMPAIGN', parameters: { campaign: { id: coupons.id } } }, 5)
  assert.is(await keyOf(paying(code, gives.id)), 'invalid_redeemables')
  await ok(`/v1/vouchers/${code}/disable`)
  assert.is(await keyOf(paying(code, id)), 'loyalty_card_not_active')
  assert.is(await balanceOf(code), 30)
})

test('a card is redeemed as often as it may be, whichever way it pays', async () => {
  const twice = await ok('/v1/loyalties', {
    name: fresh('twice'),
    voucher: { type: 'LOYALTY_CARD', redemption: { quantity: 2 } },
  })
  const { id } = await ok('/v1/rewards', {
    name: fresh('reward'),
    type: 'MATERIAL',
    parameters: { product: { id: 'prod_mug' } },
  })
  await ok(`/v1/rewards/${id}/assignments`, { campaign: twice.id, parameters: { loyalty: { points: 1 } } })
  const member = await ok(`/v1/loyalties/${twice.id}/members`, { customer: { source_id: fresh('member') } })
  const { code } = member
  await ok(`/v1/loyalties/members/${code}/balance`, { points: 50 })
  const own = () => node.call('POST', `/v1/loyalties/members/${code}/redemption`, { reward: { id } })
  const both = () => redeem([paying(code, id)])
  const first = await own()
  assert.is(first.status, 200, JSON.stringify(first.body))
  const second = await both()
  assert.is(second.status, 200, JSON.stringify(second.body))
  assert.equal([(await own()).body.key, (await both()).body.key], ['quantity_exceeded', 'quantity_exceeded'])
  assert.is(await balanceOf(code), 48)
  // What is taken back makes room for another, by whichever route.
  await ok(`/v1/loyalties/members/${code}/redemptions/${first.body.id}/rollback`)
  assert.is((await both()).status, 200)
  assert.equal([(await own()).body.key, (await both()).body.key], ['quantity_exceeded', 'quantity_exceeded'])
  await ok(`/v1/redemptions/${second.body.redemptions[0].id}/rollback`)
  assert.is((await own()).status, 200)
  assert.is((await own()).body.key, 'quantity_exceeded')
})

test('rules of the card, its program and what it offers stand before the payment', async () => {
  const { id, assignment } = await mug(10)
  const { code } = await card(100)
  const rule = await ok('/v1/validation-rules', {
    name: fresh('rule'),
    rules: { 1: { name: 'redemption.count.daily', conditions: { $less_than_or_equal: [2] } }, logic: '1' },
  })
  await ok(`/v1/validation-rules/${rule.id}/assignments`, {
    related_object_type: 'reward_assignment',
    related_object_id: assignment,
  })
  const answers = await Promise.all(Array.from({ length: 5 }, () => redeem([paying(code, id)])))
  assert.is(answers.filter(({ status }) => status === 200).length, 2)
  assert.is(await balanceOf(code), 80)
  const other = await mug(10)
  assert.is((await redeem([paying(code, other.id)])).status, 200)
})

test('a tier changes the price', async () => {
  const { id, assignment } = await mug(100)
  const [tier] = await ok(`/v1/loyalties/${club}/tiers`, [
    { name: fresh('gold'), points: { from: 5_000 }, rewards: { [assignment]: { type: 'MULTIPLY', multiplier: 0.5 } } },
  ])
  const { code } = await card(6_000)
  const done = await redeem([paying(code, id)])
  assert.equal([done.body.redemptions[0].amount, done.body.redemptions[0].reward.loyalty_tier_id], [50, tier.id])
})

test('a reward of bounded stock is paid for as often as there are some, and a rollback makes room for one', async () => {
  const { id } = await mug(1, 3)
  const cards = await Promise.all(Array.from({ length: 8 }, () => card(5)))
  const answers = await Promise.all(cards.map(({ code }) => redeem([paying(code, id)])))
  const yes = answers.filter(({ status }) => status === 200)
  assert.is(yes.length, 3, JSON.stringify(answers.map(({ body }) => body.key ?? 'done')))
  for (const { status, body } of answers) if (status !== 200) assert.is(body.key, 'quantity_exceeded')
  const sold = await ok('/v1/validations', { redeemables: [paying(cards[0]!.code, id)] })
  assert.equal([sold.valid, sold.redeemables[0].result.details.key], [false, 'quantity_exceeded'])
  const back = await node.call('POST', `/v1/redemptions/${yes[0]!.body.redemptions[0].id}/rollback`, {})
  assert.is(back.status, 200)
  // The process returns it to the stock.
  await until(async () => (await redeem([paying(cards[7]!.code, id)])).status === 200)
  const now = await node.call('GET', `/v1/rewards/${id}`, undefined, { as: 'admin' })
  assert.is(now.body.redeemed, 3)
})

test('what was reserved for a request that broke off is let go', async () => {
  const { id, assignment } = await mug(10, 1)
  const { code } = await card(100)
  const { id: member, holder_id: customer } = (await node.call('GET', `/v1/vouchers/${code}`)).body
  const reservation = {
    redemption: fresh('r'),
    reward: id,
    assignment,
    customer,
    card: { id: member, code },
    request: fresh('r'),
  }
  const context = { requestId: 'v-1', actor: { name: 'shop', role: 'integrator' }, now: Date.now() } as const
  await node.services.stock.execute(id, { type: 'Reserve', reservation }, context)
  assert.is((await redeem([paying(code, id)])).body.key, 'quantity_exceeded')
  await until(async () => (await redeem([paying(code, id)])).status === 200)
  assert.is(await balanceOf(code), 90)
})

test('asked again under its key it is one payment', async () => {
  const { id } = await mug(10, 5)
  const { code } = await card(100)
  const ask = () => redeem([paying(code, id)], {}, { 'Idempotency-Key': `pay-${code}` })
  const [first, second] = [await ask(), await ask()]
  assert.is(first.body.redemptions[0].id, second.body.redemptions[0].id)
  assert.is(await balanceOf(code), 90)
})

test('a browser pays with the card of the customer whose token it sends, and with nobody else’s', async () => {
  const { id } = await mug(10)
  const { code, customer } = await card(100)
  const body = { redeemables: [paying(code, id)] }
  const client = { as: 'client' as const }
  assert.is((await node.call('POST', '/client/v1/redemptions', body, client)).body.key, 'missing_customer')
  const stranger = await node.call(
    'POST',
    '/client/v1/redemptions',
    { ...body, customer: { source_id: customer } },
    client,
  )
  assert.ok(stranger.status >= 400, JSON.stringify(stranger.body))
  assert.is(await balanceOf(code), 100)
})

test('the older routes and the official SDK pay with points', async () => {
  const { id, assignment } = await coin()
  const { code } = await card(100)
  const old = await ok(`/v1/vouchers/${code}/validate`, { reward: { id, points: 10 }, order: { amount: 1_000 } })
  assert.equal(
    [old.valid, old.loyalty, old.reward, old.order.total_amount],
    [true, { points_cost: 10 }, { id, assignment_id: assignment, points: 10 }, 900],
  )
  const sdk = serverSdk(node)
  const one = await sdk.redemptions.redeem(code, { reward: { id, points: 10 }, order: { amount: 1_000 } } as never)
  assert.is((one as { loyalty_card?: { points: number } }).loyalty_card?.points, 10)
  const all = await sdk.redemptions.redeemStackable({
    redeemables: [{ object: 'voucher', id: code, reward: { id, points: '20' } }],
    order: { amount: 1_000 },
  } as never)
  assert.is(all.order?.total_amount, 800)
  assert.is(await balanceOf(code), 70)
})

const SEED = Number(process.env.SEED ?? 41)

test('however many ask at once, points are taken once, given back once and never beyond the balance', async () => {
  const random = randomOf(SEED)
  const { id: money } = await coin()
  const { id: thing } = await mug(7)
  const { code } = await card(100)
  const kept: { readonly id: string; readonly points: number }[] = []
  let expected = 100
  for (let round = 0; round < 6; round++) {
    const asks = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const kind = random()
        if (kind < 0.25 && kept.length > 0) {
          const one = kept.splice(Math.floor(random() * kept.length), 1)[0]!
          const back = await node.call('POST', `/v1/redemptions/${one.id}/rollback`, {})
          assert.is(back.status, 200, JSON.stringify(back.body))
          return one.points
        }
        if (kind < 0.4) {
          const paid = await node.call('POST', `/v1/loyalties/members/${code}/redemption`, { reward: { id: thing } })
          assert.ok(paid.status === 200 || paid.body.key === 'loyalty_card_points_exceeded', JSON.stringify(paid.body))
          return paid.status === 200 ? -7 : 0
        }
        const points = 1 + Math.floor(random() * 60)
        const done = await redeem([kind < 0.7 ? paying(code, money, points) : paying(code, thing)], {
          order: { amount: 100_000 },
        })
        if (done.status !== 200) {
          assert.is(done.body.key, 'loyalty_card_points_exceeded', JSON.stringify(done.body))
          return 0
        }
        const [{ id, amount }] = done.body.redemptions
        kept.push({ id, points: amount })
        return -amount
      }),
    )
    expected += asks.reduce((sum, n) => sum + n, 0)
    const balance = await balanceOf(code)
    assert.ok(balance >= 0 && balance === expected, `seed ${SEED}: ${balance}, not ${expected}`)
  }
})

test.run()
