// The ledger of a card: adding, removing, expiry, transfers, rewards and refunds, and what is refused.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { advance, DAY, HOUR, summary, world } from '../given.ts'
import { balances, buy, card, changes, fixed, join, PROGRAM, program, shop } from './fixtures.ts'

const NEVER = { type: 'NON_EXPIRING' } as const
const add = (w: ReturnType<typeof shop>, points: number, at?: number, id = 'v_1') =>
  w.facts({ type: 'AddPoints', card: id, points, expiry: at === undefined ? NEVER : { type: 'CUSTOM_DATE', at } })
const remove = (points: number, id = 'v_1') => ({ type: 'RemovePoints' as const, card: id, points })
const buckets = (w: ReturnType<typeof shop>) =>
  card(w).buckets.map(({ points, expiresAt }) => [points, expiresAt === null ? null : expiresAt - w.now])

test('points that expire soonest are taken first, and a bucket holds all of one date', () => {
  const w = shop()
  join(w)
  add(w, 10)
  add(w, 20, w.now + 2 * DAY)
  add(w, 30, w.now + DAY)
  add(w, 5, w.now + DAY)
  assert.equal(buckets(w), [
    [35, DAY],
    [20, 2 * DAY],
    [10, null],
  ])
  w.facts(remove(40))
  assert.equal(buckets(w), [
    [15, 2 * DAY],
    [10, null],
  ])
  balances(w)
})

test('removing more than there is writes nothing', () => {
  const w = shop()
  join(w)
  add(w, 10)
  const refusal = w.refused(remove(11))
  assert.is(refusal.key, 'loyalty_card_points_exceeded')
  assert.is(card(w).balance, 10)
  assert.equal(changes(w.facts(remove(10))), ['POINTS_REMOVAL -10'])
  assert.is(w.refused(remove(1)).key, 'loyalty_card_points_exceeded')
})

test('a card, a program or a date that does not allow it', () => {
  const w = shop()
  join(w)
  assert.is(w.refused(remove(1, 'v_x')).key, 'not_found')
  assert.is(
    w.refused({ type: 'AddPoints', card: 'v_1', points: 1, expiry: { type: 'CUSTOM_DATE', at: w.now } }).key,
    'invalid_expiration_date',
  )
  w.facts({ type: 'SwitchLoyaltyCard', card: 'v_1', active: false })
  assert.is(w.refused(remove(1)).key, 'loyalty_card_not_active')
  w.facts({ type: 'SwitchLoyaltyCard', card: 'v_1', active: true })
  w.define('campaign', PROGRAM, program({ active: false }))
  assert.is(w.refused(remove(1)).key, 'campaign_not_active')
  const other = world({ customer: 'cust_other' })
  assert.is(
    other.refused({
      type: 'IssueLoyaltyCard',
      campaign: PROGRAM,
      card: { id: 'v', code: 'c' },
      profile: { source_id: 's' },
      mayCreate: true,
    }).key,
    'not_found',
  )
})

test('joining again changes nothing where one card is allowed, and gives another where more are', () => {
  const w = shop()
  join(w)
  join(w, 'v_2', 'CODE2')
  assert.equal(Object.keys(w.state.loyalty.cards), ['v_1'])
  w.define('campaign', PROGRAM, program({ join_once: false }))
  join(w, 'v_2', 'CODE2')
  join(w, 'v_2', 'CODE2')
  assert.equal(Object.keys(w.state.loyalty.cards), ['v_1', 'v_2'])
})

test('a wish for a card finds the one that was given for it, or for any where one is enough', () => {
  const w = shop({}, { join_once: false })
  w.define('campaign', 'camp_2', program({ name: 'two', join_once: false }))
  w.define('campaign', 'camp_3', program({ name: 'three', join_once: true }))
  const wish = (campaign: string, id: string, more: { publication?: string; joinOnce?: boolean } = {}) => {
    const card = { id, code: id.toUpperCase() }
    w.facts({ type: 'IssueLoyaltyCard', campaign, card, profile: { source_id: 's' }, mayCreate: true, ...more })
    return Object.keys(w.state.loyalty.cards).join(' ')
  }
  assert.is(wish(PROGRAM, 'a', { publication: 'pub_1' }), 'a')
  assert.is(wish(PROGRAM, 'b', { publication: 'pub_1' }), 'a', 'the same publication')
  assert.is(wish(PROGRAM, 'a', { publication: 'pub_2' }), 'a', 'the same card')
  assert.is(wish(PROGRAM, 'b', { publication: 'pub_2' }), 'a b')
  assert.is(wish(PROGRAM, 'c', { joinOnce: true }), 'a b', 'one is enough for whoever asks')
  assert.is(wish(PROGRAM, 'c'), 'a b c')
  assert.is(wish('camp_2', 'd', { publication: 'pub_1', joinOnce: true }), 'a b c d', 'cards of another program')
  assert.is(wish('camp_3', 'e'), 'a b c d e')
  assert.is(wish('camp_3', 'f'), 'a b c d e', 'one is enough for the program')
  assert.equal(w.facts({ type: 'ReplaceCardCode', card: 'x', taken: 'X', attempt: 1 }), [])
})

test('a card begins with the points that its program gives', () => {
  const w = shop({}, { voucher: { type: 'LOYALTY_CARD', loyalty_card: { points: 100 } } })
  join(w)
  assert.is(card(w).balance, 100)
  balances(w)
})

test('points expire at their instant, however late the clock', () => {
  const w = shop()
  join(w)
  add(w, 30, w.now + DAY)
  add(w, 5, w.now + 2 * DAY)
  add(w, 1)
  const first = w.now + DAY
  assert.is(w.state.nextDueAt, first)
  w.wait(DAY - 1)
  assert.equal(w.facts(advance), [])
  w.wait(10 * DAY)
  w.reload()
  const facts = w.facts(advance)
  assert.equal(changes(facts), ['POINTS_EXPIRATION -30', 'POINTS_EXPIRATION -5'])
  assert.is(facts[0]!.data.occurredAt, first)
  assert.is(card(w).balance, 1)
  assert.is(card(w).total, 36)
  balances(w)
})

test('expired points cannot be spent by a command that comes before the clock', () => {
  const w = shop()
  join(w)
  add(w, 30, w.now + DAY)
  w.wait(DAY)
  assert.is(w.refused(remove(1)).key, 'loyalty_card_points_exceeded')
})

test('expiration rules: months rounded to ends, and fixed days, in the zone of the project', () => {
  const at = (rules: Record<string, unknown>, now: string) => {
    const w = shop(
      { timeZone: 'America/New_York', now: Date.parse(now) },
      { voucher: { type: 'LOYALTY_CARD', loyalty_card: { points: 0, expiration_rules: rules } } },
    )
    w.define('earningRule', 'ern_1', fixed(5))
    buy(w)
    return new Date(card(w).buckets[0]!.expiresAt!).toISOString()
  }
  const now = '2026-01-31T17:00:00Z'
  assert.is(at({ period_type: 'MONTH', period_value: 1 }, now), '2026-03-01T05:00:00.000Z')
  assert.is(
    at({ period_type: 'MONTH', period_value: 2, rounding_type: 'END_OF_MONTH' }, now),
    '2026-04-01T04:00:00.000Z',
  )
  assert.is(
    at({ period_type: 'MONTH', period_value: 2, rounding_type: 'END_OF_QUARTER' }, now),
    '2026-04-01T04:00:00.000Z',
  )
  assert.is(
    at({ period_type: 'MONTH', period_value: 1, rounding_type: 'END_OF_HALF_YEAR' }, now),
    '2026-07-01T04:00:00.000Z',
  )
  assert.is(
    at({ period_type: 'MONTH', period_value: 1, rounding_type: 'END_OF_YEAR' }, now),
    '2027-01-01T05:00:00.000Z',
  )
  assert.is(
    at({ period_type: 'MONTH', period_value: 1, rounding_type: 'PARTICULAR_MONTH', rounding_value: 1 }, now),
    '2027-02-01T05:00:00.000Z',
  )
  assert.is(at({ period_type: 'FIXED_DAY_OF_YEAR', fixed_month: 1, fixed_day: 31 }, now), '2026-02-01T05:00:00.000Z')
  assert.is(at({ period_type: 'FIXED_DAY_OF_YEAR', fixed_month: 2, fixed_day: 29 }, now), '2026-03-01T05:00:00.000Z')
  // A rule's own instead of the program's.
  const w = shop(
    {},
    {
      voucher: { type: 'LOYALTY_CARD', loyalty_card: { expiration_rules: { period_type: 'MONTH', period_value: 1 } } },
    },
  )
  w.define('earningRule', 'ern_1', fixed(5, { expiration_rules: { period_type: 'MONTH', period_value: 6 } }))
  buy(w)
  assert.is(new Date(card(w).buckets[0]!.expiresAt!).toISOString(), '2026-09-03T00:00:00.000Z')
})

const reward = (w: ReturnType<typeof shop>, price = 40) => {
  w.define('reward', 'rew_1', { name: 'mug', type: 'MATERIAL', parameters: { product: { id: 'prod_1' } }, stock: 5 })
  w.define('rewardAssignment', 'rewa_1', {
    reward_id: 'rew_1',
    campaign: PROGRAM,
    parameters: { loyalty: { points: price } },
  })
}

test('a reward is paid for, and a refund goes back under the dates it came from', () => {
  const w = shop()
  join(w)
  reward(w)
  add(w, 30, w.now + DAY)
  add(w, 30)
  assert.equal(changes(w.facts({ type: 'RedeemReward', card: 'v_1', redemption: 'r_1', assignment: 'rewa_1' })), [
    'POINTS_REDEMPTION -40',
  ])
  assert.equal([card(w).balance, card(w).total], [20, 60])
  assert.is(
    w.refused({ type: 'RedeemReward', card: 'v_1', redemption: 'r_2', assignment: 'rewa_1' }).key,
    'loyalty_card_points_exceeded',
  )
  w.wait(HOUR)
  assert.equal(changes(w.facts({ type: 'RefundPoints', card: 'v_1', redemption: 'r_1' })), ['POINTS_REFUND 40'])
  assert.equal(buckets(w), [
    [30, DAY - HOUR],
    [30, null],
  ])
  assert.is(w.refused({ type: 'RefundPoints', card: 'v_1', redemption: 'r_1' }).key, 'already_rolled_back')
  balances(w)
})

test('a refund of points whose date has passed expires at once', () => {
  const w = shop()
  join(w)
  reward(w)
  add(w, 40, w.now + DAY)
  w.facts({ type: 'RedeemReward', card: 'v_1', redemption: 'r_1', assignment: 'rewa_1' })
  w.wait(2 * DAY)
  assert.equal(changes(w.facts({ type: 'RefundPoints', card: 'v_1', redemption: 'r_1' })), [
    'POINTS_REFUND 40',
    'POINTS_EXPIRATION -40',
  ])
  assert.is(card(w).balance, 0)
  balances(w)
})

test('a refusal of what was reserved is recorded, so that it can be released', () => {
  const w = shop()
  join(w)
  reward(w)
  const facts = w.facts({
    type: 'RedeemReward',
    card: 'v_1',
    redemption: 'r_1',
    assignment: 'rewa_1',
    reservation: 'f',
  })
  assert.equal(summary(facts), ['RewardDeclined'])
  assert.is(facts[0]!.type === 'RewardDeclined' && facts[0]!.data.key, 'loyalty_card_points_exceeded')
})

test('a reward that gives a code publishes it with the payment, once, and only while the campaign does so', () => {
  const w = shop()
  join(w)
  add(w, 100)
  const gifts = {
    name: 'gifts',
    campaign_type: 'GIFT_VOUCHERS',
    voucher: { type: 'GIFT_VOUCHER', gift: { amount: 1_000 } },
  } as const
  w.define('campaign', 'camp_gifts', gifts)
  const gift = (more: object = {}) => ({
    name: 'a gift',
    type: 'CAMPAIGN' as const,
    parameters: { campaign: { id: 'camp_gifts', ...more } },
  })
  for (const [wrong, path] of [
    [{ id: 'camp_none' }, /campaign\.id/],
    [{ id: PROGRAM }, /campaign\.balance must be the points/],
    [{ type: 'DISCOUNT_COUPONS' }, /campaign\.type must be/],
  ] as const)
    assert.match(JSON.stringify(w.refusalOf('reward', 'rew_g', gift(wrong))), path)
  w.define('reward', 'rew_g', gift({ balance: 2_500 }))
  assert.ok(w.remove('campaign', 'camp_gifts'), 'a campaign that a reward gives codes of stays')
  w.define('rewardAssignment', 'rewa_g', {
    reward_id: 'rew_g',
    campaign: PROGRAM,
    parameters: { loyalty: { points: 40 } },
  })
  const ask = { type: 'RedeemReward', card: 'v_1', redemption: 'r_1', assignment: 'rewa_g' } as const
  const [paid, given, ...rest] = w.facts(ask)
  assert.equal([paid?.type, given?.type, rest], ['PointsSpent', 'VoucherPublished', []])
  assert.is(given?.causedBy, paid?.id)
  assert.equal(given?.type === 'VoucherPublished' && [given.data.campaign?.id, given.data.credits], [
    'camp_gifts',
    2_500,
  ])
  assert.is(w.refused({ type: 'RefundPoints', card: 'v_1', redemption: 'r_1' }).key, 'invalid_rollback_params')
  w.define('campaign', 'camp_gifts', { ...gifts, active: false })
  assert.is(w.refused({ ...ask, redemption: 'r_2' }).key, 'campaign_not_active')
  assert.is(card(w).balance, 60)
  balances(w)
})

test('a reward of another program puts points on the card there, issued for them once, and never pays for itself', () => {
  const w = shop()
  join(w)
  add(w, 100)
  const other = { name: 'miles', campaign_type: 'LOYALTY_PROGRAM', voucher: { type: 'LOYALTY_CARD' } } as const
  w.define('campaign', 'camp_miles', other)
  const miles = {
    name: 'miles for points',
    type: 'CAMPAIGN' as const,
    parameters: { campaign: { id: 'camp_miles', balance: 7 } },
  }
  w.define('reward', 'rew_m', miles)
  const offer = { reward_id: 'rew_m', campaign: PROGRAM, parameters: { loyalty: { points: 40 } } }
  assert.match(
    JSON.stringify(w.refusalOf('rewardAssignment', 'rewa_s', { ...offer, campaign: 'camp_miles' })),
    /campaign must be another program/,
  )
  w.define('rewardAssignment', 'rewa_m', offer)
  const ask = { type: 'RedeemReward', card: 'v_1', redemption: 'r_1', assignment: 'rewa_m' } as const
  assert.equal(
    w.facts(ask).map(({ type }) => type),
    ['PointsSpent', 'LoyaltyCardIssued', 'PointsAdded'],
  )
  assert.equal(
    w.facts({ ...ask, redemption: 'r_2' }).map(({ type }) => type),
    ['PointsSpent', 'PointsAdded'],
  )
  const there = Object.values(w.state.loyalty.cards).find(({ campaign }) => campaign.id === 'camp_miles')
  assert.equal([there?.balance, card(w).balance], [14, 20])
  assert.is(w.refused({ type: 'RefundPoints', card: 'v_1', redemption: 'r_1' }).key, 'invalid_rollback_params')
  w.define('campaign', 'camp_miles', { ...other, active: false })
  assert.is(w.refused({ ...ask, redemption: 'r_3' }).key, 'campaign_not_active')
  balances(w)
})

test('a coin reward takes as many points as are offered', () => {
  const w = shop()
  join(w)
  add(w, 100)
  w.define('reward', 'rew_c', { name: 'coins', type: 'COIN', parameters: { coin: { exchange_ratio: 1 } } })
  w.define('rewardAssignment', 'rewa_c', { reward_id: 'rew_c', campaign: PROGRAM })
  assert.is(
    w.refusalOf('rewardAssignment', 'rewa_x', {
      reward_id: 'rew_c',
      campaign: PROGRAM,
      parameters: { loyalty: { points: 3 } },
    })?.key,
    'duplicate_found',
  )
  assert.is(
    w.refused({ type: 'RedeemReward', card: 'v_1', redemption: 'r', assignment: 'rewa_c' }).key,
    'missing_param',
  )
  w.facts({ type: 'RedeemReward', card: 'v_1', redemption: 'r', assignment: 'rewa_c', points: 60 })
  assert.is(card(w).balance, 40)
})

const side = (w: ReturnType<typeof shop>, id: string, code: string) => ({
  customer: w.state.id,
  card: { id, code },
  campaign: { id: PROGRAM, name: 'club' },
})

test('a transfer between cards of one customer is one append', () => {
  const w = shop({}, { join_once: false })
  join(w, 'v_1', 'A')
  join(w, 'v_2', 'B')
  add(w, 50)
  const facts = w.facts({ type: 'TransferPoints', card: 'v_1', points: 20, to: side(w, 'v_2', 'B') })
  assert.equal(changes(facts), ['POINTS_TRANSFER_OUT -20', 'POINTS_TRANSFER_IN 20'])
  const [out, arrived] = facts
  assert.ok(out?.type === 'PointsTransferredOut' && arrived?.type === 'PointsTransferredIn')
  assert.is(out.data.related, arrived.data.transaction)
  assert.is(arrived.data.related, out.data.transaction)
  assert.equal(w.state.loyalty.cards.v_1?.transit, {})
  assert.is(
    w.refused({ type: 'TransferPoints', card: 'v_1', points: 1, to: side(w, 'v_1', 'A') }).key,
    'invalid_payload',
  )
  assert.is(
    w.refused({ type: 'TransferPoints', card: 'v_1', points: 31, to: side(w, 'v_2', 'B') }).key,
    'loyalty_card_points_exceeded',
  )
  balances(w)
})

test('a transfer that cannot arrive comes back under its old dates', () => {
  const from = shop({ customer: 'cust_from' })
  const to = shop({ customer: 'cust_to' })
  join(from, 'v_1', 'A')
  join(to, 'v_2', 'B')
  add(from, 50, from.now + DAY)
  const [out] = from.facts({ type: 'TransferPoints', card: 'v_1', points: 20, to: side(to, 'v_2', 'B') })
  assert.ok(out?.type === 'PointsTransferredOut')
  const { transfer, points } = out.data
  to.facts({ type: 'SwitchLoyaltyCard', card: 'v_2', active: false })
  const receive = { type: 'ReceiveTransfer', transfer, card: 'v_2', points, from: side(from, 'v_1', 'A') } as const
  const [rejected] = to.facts(receive)
  assert.ok(rejected?.type === 'PointsTransferRejected')
  const back = {
    type: 'ReturnTransfer',
    card: 'v_1',
    transfer,
    to: side(to, 'v_2', 'B'),
    reason: rejected.data.reason,
  } as const
  assert.equal(changes(from.facts(back)), ['POINTS_TRANSFER_IN 20'])
  assert.equal(from.facts(back), [], 'once')
  assert.equal(buckets(from), [[50, DAY]])
  balances(from)
  balances(to)
})

test('deleting the customer closes the cards', () => {
  const w = shop()
  join(w)
  add(w, 10)
  assert.equal(summary(w.facts({ type: 'DeleteCustomer', permanently: false })), [
    'LoyaltyCardClosed',
    'CustomerDeleted',
  ])
  assert.equal(w.state.loyalty.cards, {})
  const [rejected] = w.facts({
    type: 'ReceiveTransfer',
    transfer: 't',
    card: 'v_1',
    points: 5,
    from: side(w, 'v_9', 'Z'),
  })
  assert.is(rejected?.type, 'PointsTransferRejected')
})

test('pending points can be changed, activated and canceled by hand', () => {
  const w = shop()
  w.define('earningRule', 'ern_1', fixed(5, { pending_points: { period_value: 3 } }))
  buy(w)
  buy(w)
  const [first, second] = card(w).pending
  const change = (pending: string, how: { to: 'activated' } | { to: 'canceled' } | { by: number }) =>
    ({ type: 'ChangePendingPoints', card: card(w).id, pending, change: how }) as const
  assert.is(w.refused(change(first!.id, { by: -5 })).key, 'invalid_pending_points_state')
  w.facts(change(first!.id, { by: 3 }))
  assert.equal(changes(w.facts(change(first!.id, { to: 'activated' }))), ['PENDING_POINTS_ACTIVATION 8'])
  assert.is(w.refused(change(first!.id, { to: 'activated' })).key, 'not_found')
  w.facts(change(second!.id, { to: 'canceled' }))
  w.wait(10 * DAY)
  assert.equal(w.facts(advance), [])
  assert.is(card(w).balance, 8)
  balances(w)
})

test('a transfer that is not under way neither arrives nor comes back', () => {
  const w = shop()
  join(w)
  add(w, 5)
  const to = { customer: 'cust_other', card: { id: 'v_9', code: 'C9' }, campaign: { id: PROGRAM, name: 'club' } }
  // The first also by a name that every object has.
  for (const [id, transfer] of [
    ['v_1', 'constructor'],
    ['v_1', 'tr_1'],
    ['v_x', 'tr_1'],
  ] as const) {
    assert.equal(w.facts({ type: 'CompleteTransfer', card: id, transfer }), [])
    assert.equal(w.facts({ type: 'ReturnTransfer', card: id, transfer, to, reason: 'late' }), [])
  }
  balances(w)
})

test('the code that a rule gave can be replaced, once, while it is the card’s', () => {
  const w = shop(
    {},
    { voucher: { type: 'LOYALTY_CARD', code_config: { pattern: 'LC-########', charset: '0123456789' } } },
  )
  w.define('earningRule', 'ern_1', fixed(5))
  buy(w)
  const { id, code } = card(w)
  assert.match(code, /^LC-\d{8}$/)
  const replace = { type: 'ReplaceCardCode', card: id, taken: code, attempt: 1 } as const
  w.facts(replace)
  assert.is.not(card(w).code, code)
  assert.equal(w.facts(replace), [])
})

test.run()
