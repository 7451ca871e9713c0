// What a redemption leaves with its customer, and what of it can be taken back: each once, until the end of its window, with its
// points and its order.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { calendarOf } from '../../src/domain/calendar.ts'
import { ROLLBACK_WINDOW_MS } from '../../src/domain/customer/loyalty/state.ts'
import { NO_ORDER_SUMS } from '../../src/domain/customer/orders/state.ts'
import { counted, countWithin, NO_COUNTS } from '../../src/domain/customer/redemptions/counts.ts'
import { MAX_ABANDONED, madeBy, ROLLBACK_MS, recent } from '../../src/domain/customer/redemptions/state.ts'
import { NO_SUMS, summaryOf, withOrder } from '../../src/domain/customer/redemptions/sums.ts'
import type { CustomerCommand } from '../../src/domain/decider/commands.ts'
import { openOrder } from '../../src/domain/order.ts'
import type { Placed } from '../../src/domain/redemption/redeem.ts'
import { isRefused } from '../../src/domain/refusal.ts'
import { type CodeState, noCode } from '../../src/domain/vouchers/code.ts'
import { DAY, summary, T0, type World, world } from '../given.ts'
import { balances, card, join, PROGRAM, shop } from '../loyalty/fixtures.ts'

const asked = { channel: 'API', apiKey: 'shop' }
const code = (name: string, spec: CodeState['spec'], owner: Record<string, unknown> = {}): CodeState => ({
  ...noCode(name),
  owner: { type: 'voucher', id: `v_${name}`, ...owner },
  spec,
})
const TEN = code('TEN', { discount: { type: 'AMOUNT', amount_off: 10, effect: 'APPLY_TO_ORDER' } })
const GIFT = code('GIFT', { type: 'GIFT_VOUCHER', gift: { amount: 500, effect: 'APPLY_TO_ORDER' } })

const placed = (of: CodeState, redemption: string, more: Partial<Placed> = {}): Placed => ({
  asked: of.code,
  code: of,
  measures: {},
  redemption,
  ledgers: [],
  ...more,
})
const redeeming = (
  request: string,
  redeemables: readonly Placed[],
  amount: number | undefined = 100,
): CustomerCommand => ({
  type: 'RedeemVouchers',
  request,
  redeemables,
  order: openOrder({ id: `ord_${request}`, amount })!,
  asked,
  profile: { source_id: 's' },
  mayCreate: true,
})
const back = (parent: string, ...redemptions: readonly string[]): CustomerCommand => ({
  type: 'RollBackRedemptions',
  parent,
  redemptions,
  asked,
})
const told = (w: World, command: CustomerCommand): string => {
  const decided = w.when(command)
  return isRefused(decided)
    ? decided.refused.key
    : summary(decided.facts)
        .filter((one) => one !== 'CustomerCreated')
        .join(' ')
}

test('a request comes about once, and one that was given up does not any more', () => {
  const w = world()
  const one = redeeming('q', [placed(TEN, 'r_1'), placed(GIFT, 'r_2', { available: 500 })])
  assert.is(told(w, one), 'RedemptionSucceeded RedemptionSucceeded OrderCreated OrderPaid')
  assert.is(told(w, one), '')
  assert.is(told(w, { type: 'AbandonRedemption', request: 'q' }), '')
  assert.is(told(w, { type: 'AbandonRedemption', request: 'p' }), 'RedemptionAbandoned')
  assert.is(told(w, { type: 'AbandonRedemption', request: 'p' }), '')
  assert.is(told(w, redeeming('p', [placed(TEN, 'r_3')])), 'multiple_requests')
  const [first, second] = madeBy(w.state.redemptions, 'q')
  assert.equal([first?.place, first?.of, first?.applied, second?.credits, second?.applied], [0, 2, 10, 90, 90])
  assert.ok(first?.order?.items === undefined && second?.order?.total_amount === 0)
  assert.equal(first?.share, { day: '2026-03-02', apiKey: 'shop', credits: 0, amount: 100, discounted: 10 })
  assert.equal(second?.share, { day: '2026-03-02', apiKey: 'shop', credits: 90, amount: 100, discounted: 90 })
  for (let n = 0; n < MAX_ABANDONED; n++) w.facts({ type: 'AbandonRedemption', request: `x${n}` })
  assert.equal([w.state.redemptions.abandoned.length, w.state.redemptions.abandoned[0]], [MAX_ABANDONED, 'x0'])
})

test('items of the order are kept with the first that is applied, and so is what was left out', () => {
  const w = world()
  w.define('stackingRules', 'sr_1', {
    redeemables_application_mode: 'PARTIAL',
    applicable_redeemables_per_category_limit: null,
  })
  const bad = { ...TEN, code: 'BAD', active: false }
  const items = [{ product_id: 'p', price: 100, quantity: 1 }]
  const command = {
    ...redeeming('q', [placed(bad, 'r_0'), placed(TEN, 'r_1'), placed(TEN, 'r_2')]),
    order: openOrder({ items })!,
  } as CustomerCommand
  assert.is(told(w, command), 'RedemptionSucceeded RedemptionSucceeded OrderCreated OrderPaid')
  const [first, second] = madeBy(w.state.redemptions, 'q')
  assert.equal([first?.place, second?.place, first?.of], [1, 2, 3])
  assert.ok(first?.order?.items && second?.order?.items === undefined)
  assert.equal([first?.leftOut?.map((one) => one.code), second?.leftOut], [['BAD'], undefined])
  const [order] = Object.values(w.state.orders.kept)
  assert.equal(order?.content?.redemptions?.q?.stacked, ['r_1', 'r_2'])
})

test('what is taken back is taken back once; of several all that is left, or nothing', () => {
  const w = world()
  w.facts(redeeming('q', [placed(TEN, 'r_1'), placed(TEN, 'r_2')]))
  assert.is(told(w, back('b0', 'r_x')), 'not_found')
  assert.is(told(w, back('b0', 'r_1', 'r_x')), 'not_found')
  assert.is(told(w, back('b1', 'r_1')), 'RedemptionRolledBack OrderUpdated')
  const { data } = w.stream.find(({ type }) => type === 'RedemptionRolledBack')!
  assert.is('ordered' in data && data.ordered, true, 'what its order comes to is told by the order')
  assert.is(told(w, back('b1', 'r_1')), '')
  assert.is(told(w, back('b2', 'r_1')), 'already_rolled_back')
  assert.equal(w.state.redemptions.byVoucher.v_TEN?.times, 1)
  // The last one cancels the order.
  assert.is(told(w, back('b3', 'r_1', 'r_2')), 'RedemptionRolledBack OrderUpdated OrderCanceled')
  assert.is(told(w, back('b4', 'r_1', 'r_2')), 'already_rolled_back')
  assert.equal([w.state.redemptions.byVoucher.v_TEN, w.state.redemptions.sums.rolledBack], [{ times: 0, days: {} }, 2])
  const { redemptions } = Object.values(w.state.orders.kept)[0]!.content!
  assert.equal(redemptions?.q?.rollback_id, 'b3')
  assert.is(redemptions?.q?.rollback_stacked?.length, 2)
})

test('an order stays as it is, where the rules say so', () => {
  const w = world()
  w.define('stackingRules', 'sr_1', { redeemables_rollback_order_mode: 'WITHOUT_ORDER' })
  w.facts(redeeming('q', [placed(TEN, 'r_1')]))
  assert.is(told(w, back('b1', 'r_1')), 'RedemptionRolledBack')
})

test('points come back with the redemption to the last instant of its window, also after the card paid again', () => {
  const paidAndBack = (later: number) => {
    const w = shop()
    join(w)
    w.define('reward', 'rew_1', { name: 'coin', type: 'COIN', parameters: { coin: { exchange_ratio: 1 } } })
    w.define('rewardAssignment', 'rewa_1', { reward_id: 'rew_1', campaign: PROGRAM })
    w.facts({ type: 'AddPoints', card: 'v_1', points: 100, expiry: { type: 'NON_EXPIRING' } })
    const CARD = code('CODE1', {}, { type: 'loyalty_card', id: 'v_1', campaign: PROGRAM, customer: 'cust_test' })
    const pay = (request: string) =>
      w.facts(redeeming(request, [placed(CARD, `r_${request}`, { reward: { id: 'rewa_1', points: 10 } })]))
    pay('q')
    w.wait(later)
    pay('p')
    const outcome = told(w, back('b', 'r_q'))
    balances(w)
    return [outcome.split(' ')[0], card(w).balance]
  }
  assert.is(ROLLBACK_MS, ROLLBACK_WINDOW_MS)
  assert.equal(paidAndBack(ROLLBACK_MS), ['RedemptionRolledBack', 90])
  assert.equal(paidAndBack(ROLLBACK_MS + 1), ['invalid_redemption', 80])
  // A day longer it is known that it is too late; then nothing is.
  assert.equal(paidAndBack(ROLLBACK_MS + DAY), ['invalid_redemption', 80])
  assert.equal(paidAndBack(ROLLBACK_MS + DAY + 1), ['not_found', 80])
})

test('redemptions are kept for the window and a day, asked by the oldest', () => {
  const made = { a: { occurredAt: 0 }, b: { occurredAt: 1 } } as never
  const kept = ROLLBACK_MS + DAY
  assert.is(recent(made, kept), made)
  assert.equal(Object.keys(recent(made, kept + 1)), ['b'])
  assert.is(Object.keys(recent({}, kept)).length, 0)
})

test('counts by day, to the day of the week and the month', () => {
  const utc = calendarOf('UTC')
  const counts = ['2026-02-28', '2026-03-01', '2026-03-02', '2026-03-31', '2026-04-01'].reduce(
    (sum, day) => counted(sum, day, 1),
    NO_COUNTS,
  )
  const within = (suffix: '' | '.daily' | '.weekly' | '.monthly', day: string) =>
    countWithin(counts, utc, suffix, Date.parse(`${day}T12:00:00Z`))
  assert.equal(
    [within('', '2026-03-15'), within('.monthly', '2026-03-15'), within('.monthly', '2026-04-01')],
    [5, 3, 1],
  )
  assert.equal([within('.daily', '2026-03-02'), within('.daily', '2026-03-03')], [1, 0])
  // Weeks begin on Monday, here the second of March.
  assert.equal([within('.weekly', '2026-03-01'), within('.weekly', '2026-03-02')], [2, 1])
  assert.equal(counted({ times: 1, days: {} }, '2026-01-01', -1), { times: 0, days: {} })
})

test('sums: money of orders told by the first redemption of each, credits by all; the summary adds what orders say', () => {
  const first = { place: 0, order: { amount: 100, total_amount: 90 }, credits: 5, occurredAt: T0 }
  const sums = withOrder(NO_SUMS, first, 1)
  assert.equal([sums.credits, sums.orders, sums.spent, sums.lastOrder], [5, 1, 90, { amount: 90, at: T0 }])
  const none = withOrder(sums, first, -1)
  assert.equal([none.credits, none.orders, none.spent, none.lastOrder], [0, 0, 0, sums.lastOrder])
  assert.is(withOrder(NO_SUMS, { ...first, order: { amount: 100 } }, 1).spent, 100)
  for (const other of [{ place: 1 }, { order: undefined }, { ordered: true }, { order: {} }])
    assert.equal(withOrder(NO_SUMS, { ...first, ...other }, 1), { ...NO_SUMS, credits: 5 })
  const counted = { ...sums, succeeded: 7, rolledBack: 2, failed: 3, rollbackFailed: 4 }
  const ordered = { ...NO_ORDER_SUMS, orders: 2, spent: 61, lastOrder: { amount: 8, at: T0 + 1 } }
  const cards = [
    { redeemed: 10, balance: 3 },
    { redeemed: 1, balance: 4 },
  ]
  assert.equal(summaryOf(counted, ordered, cards, 12), {
    redemptions: {
      total_redeemed: 5,
      total_failed: 3,
      total_succeeded: 7,
      total_rolled_back: 2,
      total_rollback_failed: 4,
      total_rollback_succeeded: 2,
      gift: { redeemed_amount: 5, amount_to_go: 12 },
      loyalty_card: { redeemed_points: 11, points_to_go: 7 },
    },
    orders: { total_amount: 151, total_count: 3, average_amount: 50, last_order_amount: 8, last_order_date: T0 + 1 },
  })
  const older = summaryOf(sums, { ...ordered, lastOrder: { amount: 8, at: T0 - 1 } }, [])
  assert.is(older.orders.last_order_amount, 90)
  assert.equal(summaryOf(NO_SUMS, NO_ORDER_SUMS, []).orders, {
    total_amount: 0,
    total_count: 0,
    average_amount: 0,
    last_order_amount: 0,
  })
  const half = summaryOf(NO_SUMS, { ...NO_ORDER_SUMS, orders: 2, spent: 101 }, [])
  assert.is(half.orders.average_amount, 51, 'rounded half up')
})

test.run()
