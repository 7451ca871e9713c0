// Points at their edges: what a card holds, what pending points become, periods of tiers, the last card and the last point of a
// transfer, and how rules are named by what sets them off.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { evolveCard } from '../../src/domain/customer/loyalty/evolve.ts'
import { MOVEMENTS, type MovementFact } from '../../src/domain/customer/loyalty/facts.ts'
import { loyaltyHappening } from '../../src/domain/customer/loyalty/happening.ts'
import { bySoonest, pointsIn } from '../../src/domain/customer/loyalty/state.ts'
import { NO_ORDER_SUMS, type OrderSums } from '../../src/domain/customer/orders/state.ts'
import { NO_SUMS, summaryOf } from '../../src/domain/customer/redemptions/sums.ts'
import { nextDueAt } from '../../src/domain/decider/decide.ts'
import { offerNamed } from '../../src/domain/loyalty/price.ts'
import { isRefused } from '../../src/domain/refusal.ts'
import { orderValue } from '../../src/domain/rulebook/orderEarning.ts'
import { advance, DAY, summary, type World } from '../given.ts'
import { balances, buy, card, changes, fixed, join, PROGRAM, program, shop } from './fixtures.ts'

const NEVER = { type: 'NON_EXPIRING' } as const
const add = (w: World, points: number, id = 'v_1') => w.facts({ type: 'AddPoints', card: id, points, expiry: NEVER })
const told = (w: World, command: Parameters<World['when']>[0]): string => {
  const decided = w.when(command)
  return isRefused(decided) ? decided.refused.key : summary(decided.facts).join(' ')
}

test('an expiry lies after now, be it by an instant', () => {
  const w = shop()
  join(w)
  const at = (ms: number) =>
    told(w, { type: 'AddPoints', card: 'v_1', points: 1, expiry: { type: 'CUSTOM_DATE', at: w.now + ms } })
  assert.equal([at(-1), at(0), at(1)], ['invalid_expiration_date', 'invalid_expiration_date', 'PointsAdded'])
})

test('pending points are changed to one at least, activated at their instant or cancelled, once', () => {
  const w = shop()
  w.define('earningRule', 'ern_1', fixed(10, { pending_points: { period_value: 2 } }))
  buy(w)
  const id = () => card(w).pending[0]!.id
  const change = (pending: string, change: { by: number } | { to: 'activated' | 'canceled' }) =>
    told(w, { type: 'ChangePendingPoints', card: card(w).id, pending, change })
  assert.is(card(w).pending[0]!.activatesAt, w.now + 2 * DAY)
  assert.equal([change('x', { by: 1 }), change(id(), { by: -10 })], ['not_found', 'invalid_pending_points_state'])
  assert.equal([change(id(), { by: -9 }), card(w).pending[0]!.points], ['PendingPointsUpdated', 1])
  assert.equal(
    [change(id(), { by: 10 ** 15 }), change(id(), { by: 10 ** 15 - 1 })],
    ['invalid_pending_points_state', 'PendingPointsUpdated'],
  )
  assert.is(change(id(), { by: 2 - 10 ** 15 }), 'PendingPointsUpdated')
  const first = id()
  assert.is(change(first, { to: 'activated' }), 'PendingPointsActivated')
  assert.equal([card(w).balance, change(first, { to: 'activated' })], [2, 'not_found'])
  buy(w)
  assert.is(change(id(), { to: 'canceled' }), 'PendingPointsCanceled')
  buy(w)
  w.wait(2 * DAY - 1)
  assert.equal(w.facts(advance), [])
  w.wait(1)
  assert.equal(changes(w.facts(advance)), ['PENDING_POINTS_ACTIVATION 10'])
  balances(w)
})

test('what falls due on a card that is full is cancelled, and a full card earns nothing', () => {
  const w = shop()
  join(w)
  w.define('earningRule', 'ern_1', fixed(10, { pending_points: { period_value: 1 } }))
  for (let n = 0; n < 1_000; n++) add(w, n < 999 ? 10 ** 12 : 10 ** 12 - 10)
  buy(w)
  assert.is(card(w).pending.length, 1)
  add(w, 1)
  w.wait(DAY)
  assert.equal(summary(w.facts(advance)), ['PendingPointsCanceled'])
  const room = (points: number) => {
    w.define('earningRule', 'ern_1', fixed(points))
    return changes(buy(w))
  }
  assert.equal([room(10), room(9), room(1)], [[], ['POINTS_ACCRUAL 9'], []])
})

test('tiers by points in a period count its days alone, and last to its end', () => {
  type Unit = 'MONTH' | 'QUARTER' | 'HALF_YEAR' | 'YEAR'
  const of = (qualification_period: Unit, at: string) => {
    const w = shop(
      { now: Date.parse(`${at}T23:59:59.999Z`) },
      { loyalty_tiers_expiration: { qualification_type: 'POINTS_IN_PERIOD', qualification_period } },
    )
    w.define('earningRule', 'ern_1', fixed(5))
    w.define('loyaltyTier', 'ltr_1', { campaign_id: PROGRAM, name: 'one', points: { from: 5, to: 9 } })
    w.define('loyaltyTier', 'ltr_2', { campaign_id: PROGRAM, name: 'two', points: { from: 10 } })
    buy(w)
    const first = card(w).tier
    w.wait(1)
    w.facts(advance)
    const next = card(w).tier
    return [first && new Date(first.until!).toISOString().slice(0, 10), next?.name]
  }
  assert.equal(
    [of('MONTH', '2026-05-31'), of('QUARTER', '2026-06-30'), of('HALF_YEAR', '2026-06-30'), of('YEAR', '2026-12-31')],
    [
      ['2026-06-01', undefined],
      ['2026-07-01', undefined],
      ['2026-07-01', undefined],
      ['2027-01-01', undefined],
    ],
  )
  assert.equal(
    [
      of('QUARTER', '2026-05-31'),
      of('HALF_YEAR', '2026-07-31'),
      of('HALF_YEAR', '2026-12-31'),
      of('YEAR', '2026-06-30'),
    ],
    [
      ['2026-07-01', 'one'],
      ['2027-01-01', 'one'],
      ['2027-01-01', undefined],
      ['2027-01-01', 'one'],
    ],
  )
})

test('a tier that is held for longer, or shorter, says so', () => {
  const by = (qualification_period: string) =>
    program({ loyalty_tiers_expiration: { qualification_type: 'POINTS_IN_PERIOD', qualification_period } })
  const w = shop({ now: Date.parse('2026-05-10T12:00:00Z') })
  w.define('campaign', PROGRAM, by('MONTH'))
  w.define('earningRule', 'ern_1', fixed(5))
  w.define('loyaltyTier', 'ltr_1', { campaign_id: PROGRAM, name: 'one', points: { from: 5 } })
  buy(w)
  const changed = (period: string) => {
    w.define('campaign', PROGRAM, by(period))
    return [summary(w.facts(advance)), new Date(card(w).tier!.until!).toISOString().slice(0, 10)]
  }
  const rows = [
    ['MONTH', [], '2026-06-01'],
    ['QUARTER', ['LoyaltyTierProlonged'], '2026-07-01'],
    ['HALF_YEAR', [], '2026-07-01'],
    ['YEAR', ['LoyaltyTierProlonged'], '2027-01-01'],
  ] as const
  for (const [period, facts, until] of rows) assert.equal(changed(period), [facts, until], period)
})

test('a period of tiers counts its first day', () => {
  for (const [qualification_period, at] of [
    ['MONTH', '2026-05-01'],
    ['QUARTER', '2026-04-01'],
    ['HALF_YEAR', '2026-07-01'],
    ['YEAR', '2026-01-01'],
  ] as const) {
    const w = shop(
      { now: Date.parse(`${at}T00:00:00Z`) },
      { loyalty_tiers_expiration: { qualification_type: 'POINTS_IN_PERIOD', qualification_period } },
    )
    w.define('earningRule', 'ern_1', fixed(5))
    w.define('loyaltyTier', 'ltr_1', { campaign_id: PROGRAM, name: 'one', points: { from: 5 } })
    buy(w)
    assert.is(card(w).tier?.name, 'one', qualification_period)
  }
})

test('a half of a year is its six months, and a day that another zone has left in the next period counts there', () => {
  const inPeriod = (qualification_period: 'HALF_YEAR' | 'MONTH', timeZone: string, at: string) => {
    const w = shop(
      { now: Date.parse(at), timeZone },
      { loyalty_tiers_expiration: { qualification_type: 'POINTS_IN_PERIOD', qualification_period } },
    )
    w.define('earningRule', 'ern_1', fixed(5))
    return w
  }
  const halves = ['2026-01-01T00:00:00Z', '2026-06-30T23:59:59Z', '2026-07-01T00:00:00Z', '2026-12-31T23:59:59Z'].map(
    (at) => {
      const w = inPeriod('HALF_YEAR', 'UTC', at)
      w.define('loyaltyTier', 'ltr_1', { campaign_id: PROGRAM, name: 'one', points: { from: 5 } })
      buy(w)
      return new Date(card(w).tier!.until!).toISOString()
    },
  )
  const [summer, winter] = ['2026-07-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z']
  assert.equal(halves, [summer, summer, winter, winter])
  // The newest 32 payments move with the zone, into May; the first one stays on the first of June.
  const w = inPeriod('MONTH', 'Pacific/Auckland', '2026-05-31T12:30:00Z')
  w.define('loyaltyTier', 'ltr_1', { campaign_id: PROGRAM, name: 'may', points: { from: 160, to: 164 } })
  w.define('loyaltyTier', 'ltr_2', { campaign_id: PROGRAM, name: 'both', points: { from: 165 } })
  for (let n = 0; n < 33; n++) buy(w)
  assert.is(card(w).tier?.name, 'both')
  w.rezone('UTC')
  add(w, 1, card(w).id)
  assert.is(card(w).tier?.name, 'may')
})

test('a tier is looked at with a card’s beginning and with what it will get, and goes up or down by its range', () => {
  const w = shop()
  w.define('loyaltyTier', 'ltr_0', { campaign_id: PROGRAM, name: 'zero', points: { to: 0 } })
  w.define('loyaltyTier', 'ltr_1', { campaign_id: PROGRAM, name: 'one', points: { from: 1, to: 9 } })
  w.define('loyaltyTier', 'ltr_2', { campaign_id: PROGRAM, name: 'two', points: { from: 10 } })
  assert.is(join(w).tier?.name, 'zero')
  const said = (facts: readonly { readonly type: string }[]) =>
    facts.filter(({ type }) => type.startsWith('LoyaltyTier')).map(({ type }) => type.slice('LoyaltyTier'.length))
  const take = (points: number) => said(w.facts({ type: 'RemovePoints', card: 'v_1', points }))
  assert.equal([said(add(w, 1)), said(add(w, 9)), said(add(w, 1))], [['Upgraded'], ['Upgraded'], []])
  assert.equal([take(2), take(9)], [['Downgraded'], ['Downgraded']])
  w.define('loyaltyTier', 'ltr_0', { campaign_id: PROGRAM, name: 'zero' })
  assert.equal(said(w.facts({ type: 'AdvanceClock' })), ['Left'])
  add(w, 1)
  w.remove('loyaltyTier', 'ltr_1')
  w.define('loyaltyTier', 'ltr_3', { campaign_id: PROGRAM, name: 'three', points: { from: 1, to: 9 } })
  assert.equal(said(w.facts({ type: 'AdvanceClock' })), ['Left', 'Joined'])
  const pending = shop(
    {},
    { loyalty_tiers_expiration: { qualification_type: 'POINTS_IN_PERIOD', qualification_period: 'YEAR' } },
  )
  pending.define('loyaltyTier', 'ltr_1', { campaign_id: PROGRAM, name: 'one', points: { from: 5 } })
  pending.define('earningRule', 'ern_1', fixed(5, { pending_points: { period_value: 2 } }))
  assert.equal(said(buy(pending)), ['Joined'])
  assert.is(card(pending).balance, 0)
})

test('a tier is reached from its first point to its last', () => {
  const w = shop()
  // From the lowest up, in whichever order they were made.
  w.define('loyaltyTier', 'ltr_2', { campaign_id: PROGRAM, name: 'two', points: { from: 20 } })
  w.define('loyaltyTier', 'ltr_1', { campaign_id: PROGRAM, name: 'one', points: { from: 10, to: 19 } })
  w.define('loyaltyTier', 'ltr_0', { campaign_id: PROGRAM, name: 'nobody' })
  join(w)
  const at = (points: number) => {
    add(w, points)
    return card(w).tier?.name
  }
  assert.equal([at(9), at(1), at(9), at(1)], [undefined, 'one', 'one', 'two'])
  const back = (points: number) => told(w, { type: 'RemovePoints', card: 'v_1', points })
  assert.equal(
    [back(1), back(9), back(1)],
    ['PointsRemoved LoyaltyTierDowngraded', 'PointsRemoved', 'PointsRemoved LoyaltyTierLeft'],
  )
  const overlap = (from: number | null, to: number | null) =>
    w.refusalOf('loyaltyTier', 'ltr_3', { campaign_id: PROGRAM, name: 'three', points: { from, to } })?.key
  assert.equal(
    [overlap(0, 9), overlap(0, 10), overlap(null, 9), overlap(20, null), overlap(9, 8)],
    [undefined, 'invalid_payload', undefined, 'invalid_payload', 'invalid_payload'],
  )
})

test('a card pays as often as it may, what came back not counted', () => {
  const w = shop({}, { voucher: { type: 'LOYALTY_CARD', redemption: { quantity: 1 } } })
  join(w)
  add(w, 20)
  w.define('reward', 'rew_1', { name: 'mug', type: 'MATERIAL', parameters: { product: { id: 'prod_1' } } })
  w.define('rewardAssignment', 'rewa_1', {
    reward_id: 'rew_1',
    campaign: PROGRAM,
    parameters: { loyalty: { points: 5 } },
  })
  const pay = (redemption: string) => told(w, { type: 'RedeemReward', card: 'v_1', redemption, assignment: 'rewa_1' })
  const refund = (redemption: string) => told(w, { type: 'RefundPoints', card: 'v_1', redemption })
  assert.equal(
    [pay('a'), pay('b'), refund('a'), refund('a'), pay('c')],
    ['PointsSpent', 'quantity_exceeded', 'PointsRefunded', 'already_rolled_back', 'PointsSpent'],
  )
  assert.equal([card(w).payments, card(w).redeemed, card(w).balance, card(w).transactions], [1, 5, 15, 4])
  balances(w)
  const { rulebook } = w
  assert.equal([offerNamed(rulebook, PROGRAM, 'rew_1')?.price, offerNamed(rulebook, PROGRAM, 'rew_2')], [5, undefined])
})

test('a customer has one card of a program that gives one, or asks for one; a publication gives one in any case', () => {
  const issue = (w: World, id: string, more: object = {}) =>
    told(w, {
      type: 'IssueLoyaltyCard',
      campaign: PROGRAM,
      card: { id, code: id },
      profile: { source_id: 's' },
      mayCreate: true,
      ...more,
    })
  const issued = 'LoyaltyCardIssued'
  const one = shop()
  assert.equal([issue(one, 'v_1'), issue(one, 'v_2')], [`CustomerCreated ${issued}`, ''])
  const many = shop({}, { join_once: false })
  issue(many, 'v_1', { publication: 'pub_1' })
  assert.equal(
    [
      issue(many, 'v_1'),
      issue(many, 'v_2', { publication: 'pub_1' }),
      issue(many, 'v_2', { joinOnce: true }),
      issue(many, 'v_2', { publication: 'pub_2' }),
      issue(many, 'v_3'),
    ],
    ['', '', '', issued, issued],
  )
  const over = { expiration_date: '2026-03-01' }
  for (const more of [{ active: false }, over]) assert.is(issue(shop({}, more), 'v_1'), 'campaign_not_active')
})

test('a card is switched off and on, once each, and takes and gives nothing while it is off', () => {
  const w = shop()
  join(w)
  add(w, 5)
  const turn = (active: boolean, id = 'v_1') => told(w, { type: 'SwitchLoyaltyCard', card: id, active })
  const use = () => [
    told(w, { type: 'AddPoints', card: 'v_1', points: 1, expiry: NEVER }),
    told(w, { type: 'RemovePoints', card: 'v_1', points: 1 }),
  ]
  assert.equal([turn(true), turn(false), turn(false), turn(false, 'v_2')], ['', 'LoyaltyCardDisabled', '', 'not_found'])
  assert.equal(use(), ['loyalty_card_not_active', 'loyalty_card_not_active'])
  assert.equal([turn(true), ...use()], ['LoyaltyCardEnabled', 'PointsAdded', 'PointsRemoved'])
})

test('points go from card to card to the last one, and not to the same card', () => {
  const w = shop({}, { join_once: false })
  join(w)
  join(w, 'v_2', 'CODE2')
  add(w, 10)
  const to = (id: string, points: number) =>
    told(w, {
      type: 'TransferPoints',
      card: 'v_1',
      points,
      to: { customer: w.state.id, card: { id, code: id }, campaign: { id: PROGRAM, name: 'club' } },
    })
  assert.equal(
    [to('v_1', 1), to('v_2', 11), to('v_3', 1)],
    ['invalid_payload', 'loyalty_card_points_exceeded', 'not_found'],
  )
  assert.is(to('v_2', 10), 'PointsTransferredOut PointsTransferredIn PointsTransferSettled')
  const { v_1: from, v_2: other } = w.state.loyalty.cards
  assert.equal([from?.balance, other?.balance, from?.transit, pointsIn(w.state.loyalty, PROGRAM)], [0, 10, {}, 10])
  assert.is(pointsIn(w.state.loyalty, 'camp_other'), undefined)
})

test('a rule by a tier is set off by that tier, one by any tier by all', () => {
  const w = shop()
  w.define('loyaltyTier', 'ltr_1', { campaign_id: PROGRAM, name: 'one', points: { from: 10, to: 19 } })
  w.define('loyaltyTier', 'ltr_2', { campaign_id: PROGRAM, name: 'two', points: { from: 20 } })
  const rule = (points: number, tier: string, order: number) =>
    fixed(points, { event: 'customer.loyalty.tier.joined', loyalty_tier: { id: tier }, stacking: { order } })
  w.define('earningRule', 'ern_any', rule(1, '__ANY__', 2))
  w.define('earningRule', 'ern_one', rule(2, 'ltr_1', 1))
  w.define('earningRule', 'ern_two', rule(4, 'ltr_2', 0))
  join(w)
  assert.equal(changes(add(w, 10)), ['POINTS_ADDITION 10', 'POINTS_ACCRUAL 2', 'POINTS_ACCRUAL 1'])
  const fault = (more: object) => w.refusalOf('earningRule', 'ern_x', fixed(1, more as never))?.details ?? ''
  assert.is(fault({ event: 'customer.loyalty.tier.joined', loyalty_tier: { id: '__ANY__' } }), '')
  assert.match(fault({ loyalty_tier: { id: 'ltr_1' } }), /an event of tiers only/)
  assert.match(fault({ event: 'customer.loyalty.tier.joined', loyalty_tier: { id: 'ltr_9' } }), /no ltr_9/)
  assert.is(w.remove('loyaltyTier', 'ltr_2')?.key, 'resource_in_use')
})

test('buckets stand by their expiry, those that never end last, the older first', () => {
  const bucket = (id: string, expiresAt: number | null, createdAt: number) => ({
    id,
    expiresAt,
    createdAt,
    points: 1,
    updatedAt: 0,
  })
  const all = [bucket('d', 9, 2), bucket('c', 9, 1), bucket('b', 8, 5)]
  assert.equal(
    [...all].sort(bySoonest).map(({ id }) => id),
    ['b', 'c', 'd'],
  )
  assert.ok(bySoonest(bucket('a', 9, 0), bucket('b', null, 0)) < 0)
})

test('an event of a card says what it changed, with its sign', () => {
  const campaign = { id: PROGRAM, name: 'club' }
  const base = {
    card: { id: 'v', code: 'V' },
    campaign,
    points: 7,
    balance: { before: 9, after: 2 },
    rule: 'ern_1',
    occurredAt: 1,
  }
  const said = (type: string, data: object) => loyaltyHappening({ type, data } as never)?.metadata
  assert.equal(said('PointsRemoved', base), {
    campaign: PROGRAM,
    campaign_name: 'club',
    transaction_type: 'POINTS_REMOVAL',
    points: -7,
    balance: 2,
  })
  assert.equal(said('PendingPointsActivated', { ...base, pending: 'lopp' })?.points, 7)
  const pending = said('PendingPointsAdded', { campaign, pending: { id: 'l', points: 4 }, rule: { id: 'ern_1' } })
  assert.equal(pending, { campaign: PROGRAM, campaign_name: 'club', earning_rule: 'ern_1', points: 4 })
  const tier = said('LoyaltyTierJoined', { campaign, to: { id: 'ltr', name: 'gold' }, points: 3 })
  assert.equal([tier?.tier, tier?.tier_name, tier?.points], ['ltr', 'gold', undefined])
})

test('what an item does not say counts as one unit of no price', () => {
  const every = { every: 1, points: 1 }
  const value = (calculation_type: string, items: Record<string, unknown>[]) => {
    const name = calculation_type.replace('ORDER_ITEMS_', '').toLowerCase()
    const rule = { type: 'PROPORTIONAL', calculation_type, order_items: { [name]: every } } as unknown as Parameters<
      typeof orderValue
    >[0]
    return orderValue(rule, { items } as never).value
  }
  assert.equal([value('ORDER_ITEMS_QUANTITY', [{}, { quantity: 3 }]), value('ORDER_ITEMS_QUANTITY', [])], [4, 0])
  assert.is(value('ORDER_ITEMS_AMOUNT', [{}, { amount: 5 }, { amount: 2 }]), 7)
  assert.is(value('ORDER_ITEMS_SUBTOTAL_AMOUNT', [{}, { amount: 5 }, { amount: 9, subtotal_amount: 2 }]), 7)
})

test('what each change of a balance does to a card and to its sums', () => {
  const ids = { card: { id: 'v_1', code: 'X' }, campaign: { id: PROGRAM, name: 'club' } }
  const change = (type: MovementFact['type'], points: number, occurredAt: number, bucket = 'b') =>
    ({
      type,
      data: {
        ...ids,
        points,
        lots: [{ bucket, points, expiresAt: null }],
        transaction: 't',
        redemption: 'r_1',
        transfer: 'tr_1',
        pending: 'p_1',
        occurredAt,
      },
    }) as unknown as MovementFact
  const issued = evolveCard(null, {
    type: 'LoyaltyCardIssued',
    data: { ...ids, by: 'request', occurredAt: 1 },
  })
  const before = evolveCard(issued, change('PointsAdded', 10, 2))!
  const did = Object.fromEntries(
    (Object.keys(MOVEMENTS) as MovementFact['type'][]).map((type) => {
      const after = evolveCard(before, change(type, 3, 5))!
      const sums = (['balance', 'total', 'redeemed', 'expired', 'payments', 'transactions'] as const).map(
        (name) => after[name] - before[name],
      )
      assert.equal(
        after.buckets,
        [{ id: 'b', points: after.balance, expiresAt: null, createdAt: 2, updatedAt: 5 }],
        type,
      )
      assert.equal([after.balance, after.updatedAt], [after.total - after.redeemed - after.expired, 5], type)
      return [type, sums]
    }),
  )
  const [given, taken] = [
    [3, 3, 0, 0, 0, 1],
    [-3, -3, 0, 0, 0, 1],
  ]
  assert.equal(did, {
    PointsEarned: given,
    PointsAdded: given,
    PointsRemoved: taken,
    PointsTakenBack: taken,
    PointsExpired: [-3, 0, 0, 3, 0, 1],
    PointsTransferredOut: taken,
    PointsTransferredIn: given,
    PointsTransferReturned: given,
    PointsSpent: [-3, 0, 3, 0, 1, 1],
    PointsRefunded: [3, 0, -3, 0, -1, 1],
    PendingPointsActivated: given,
  })
  // A bucket that nothing is left in is none, and one that was not there begins with what comes.
  assert.equal(evolveCard(before, change('PointsRemoved', 10, 5))!.buckets, [])
  assert.equal(
    evolveCard(before, change('PointsAdded', 1, 5, 'c'))!.buckets.map(({ id, points }) => [id, points]),
    [
      ['b', 10],
      ['c', 1],
    ],
  )
  const sent = evolveCard(before, change('PointsTransferredOut', 3, 5))!
  assert.equal(Object.keys(sent.transit), ['tr_1'])
  assert.equal(evolveCard(sent, change('PointsTransferReturned', 3, 6))!.transit, {})
  assert.equal(Object.keys(evolveCard(before, change('PointsSpent', 3, 5))!.spends), ['r_1'])
})

test('the summary of a customer adds what orders say to what redemptions say, the newest order last', () => {
  const sums = {
    ...NO_SUMS,
    succeeded: 5,
    rolledBack: 2,
    failed: 3,
    rollbackFailed: 4,
    credits: 6,
    orders: 1,
    spent: 2,
  }
  const summary = (old: OrderSums['lastOrder'], ordered: OrderSums['lastOrder']) =>
    summaryOf(
      { ...sums, lastOrder: old },
      { all: 9, orders: 1, spent: 3, lastOrder: ordered },
      [
        { redeemed: 1, balance: 10 },
        { redeemed: 2, balance: 20 },
      ],
      7,
    )
  const both = summary({ amount: 1, at: 8 }, { amount: 2, at: 8 })
  assert.equal(both.redemptions, {
    total_redeemed: 3,
    total_failed: 3,
    total_succeeded: 5,
    total_rolled_back: 2,
    total_rollback_failed: 4,
    total_rollback_succeeded: 2,
    gift: { redeemed_amount: 6, amount_to_go: 7 },
    loyalty_card: { redeemed_points: 3, points_to_go: 30 },
  })
  // Half a minor unit is rounded up; of two orders of one instant it is the one with facts of its own.
  assert.equal(both.orders, {
    total_amount: 5,
    total_count: 2,
    average_amount: 3,
    last_order_amount: 2,
    last_order_date: 8,
  })
  const last = (...given: Parameters<typeof summary>) => summary(...given).orders.last_order_amount
  assert.equal(
    [
      last({ amount: 1, at: 9 }, { amount: 2, at: 8 }),
      last({ amount: 1, at: 9 }, null),
      last(null, { amount: 2, at: 8 }),
    ],
    [1, 1, 2],
  )
  assert.equal(summaryOf(NO_SUMS, NO_ORDER_SUMS, []).orders, {
    total_amount: 0,
    total_count: 0,
    average_amount: 0,
    last_order_amount: 0,
  })
})

test('what falls due first says when to look again, be it a segment or points', () => {
  for (const [days, first] of [
    [2, 2],
    [9, 5],
  ] as const) {
    const w = shop()
    w.define('segment', 'seg_new', {
      name: 'new',
      type: 'auto-update',
      condition: { event: 'bought', count: { $more_than_equal: 1 }, within: 'P5D' },
    })
    const start = w.now
    buy(w)
    w.facts({ type: 'AddPoints', card: join(w).id, points: 1, expiry: { type: 'CUSTOM_DATE', at: start + days * DAY } })
    assert.is(nextDueAt(w.state), start + first * DAY, `${days} days`)
  }
})

test('a card is given whether its request says something new of the customer or what is known', () => {
  const w = shop({}, { join_once: false })
  const issue = (id: string, name: string) =>
    summary(
      w.facts({
        type: 'IssueLoyaltyCard',
        campaign: PROGRAM,
        card: { id, code: id },
        profile: { source_id: 's', name },
        mayCreate: true,
      }),
    )
  assert.equal(issue('v_1', 'Ann'), ['CustomerCreated', 'LoyaltyCardIssued'])
  w.wait(DAY)
  assert.equal(issue('v_2', 'Ann'), ['LoyaltyCardIssued'])
  assert.equal(issue('v_3', 'Bea'), ['CustomerUpdated', 'LoyaltyCardIssued'])
})

test('what was paid by the day counts by the day of another zone once, with the first card', () => {
  const w = shop({ timeZone: 'Europe/Warsaw', now: Date.parse('2026-01-11T23:30:00Z') }, { join_once: false })
  w.define('earningRule', 'ern_day', fixed(5, { max_per_period: { period: 'day', times: 1 } }))
  join(w)
  buy(w)
  join(w, 'v_2', 'CODE2')
  for (const id of ['v_1', 'v_2'])
    w.facts({
      type: 'AddPoints',
      card: id,
      points: 1,
      expiry: { type: 'CUSTOM_DATE', at: Date.parse('2026-02-12T23:00:00Z') },
    })
  w.rezone('UTC')
  const paid = w
    .facts(advance)
    .flatMap((fact) =>
      fact.type === 'CardRezoned' ? [(fact.data.paid ?? []).map(({ by, after }) => `${by} ${after}`)] : [],
    )
  assert.equal(paid, [['ern_day 2026-01-11', 'camp_club 2026-01-11'], []])
})

test('in another zone points that expire with a day do so with its day, and those that expire at an instant at that', () => {
  const w = shop({ timeZone: 'Europe/Warsaw', now: Date.parse('2026-01-10T12:00:00Z') })
  join(w)
  const expiring = (at: string) =>
    w.facts({ type: 'AddPoints', card: 'v_1', points: 1, expiry: { type: 'CUSTOM_DATE', at: Date.parse(at) } })
  expiring('2026-02-12T23:00:00Z')
  expiring('2026-03-01T11:00:00Z')
  w.rezone('UTC')
  const rezoned = w.facts(advance)
  assert.equal(
    rezoned.map(({ type, data }) => [type, 'expiries' in data && data.expiries]),
    [['CardRezoned', [{ before: Date.parse('2026-02-12T23:00:00Z'), after: Date.parse('2026-02-13T00:00:00Z') }]]],
  )
})

test.run()
