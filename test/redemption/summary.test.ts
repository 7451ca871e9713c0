// Segments by what a customer redeemed and ordered: entered with the redemption that makes them true, left with its rollback.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { redemptionFacts } from '../../src/domain/customer/redemptions/facts.ts'
import { NO_REDEMPTIONS } from '../../src/domain/customer/redemptions/state.ts'
import { NO_SUMS } from '../../src/domain/customer/redemptions/sums.ts'
import { openOrder } from '../../src/domain/order.ts'
import { performRedemptions, type RedeemVouchers } from '../../src/domain/redemption/redeem.ts'
import { evolveCode, noCode } from '../../src/domain/vouchers/code.ts'
import { DAY, T0, type World, world } from '../given.ts'
import { rolledBack, succeeded } from './fixtures.ts'

const CODE = evolveCode(noCode('TEN'), {
  type: 'CodeReserved',
  data: {
    code: 'TEN',
    owner: { type: 'voucher', id: 'v_ten' },
    spec: { discount: { type: 'AMOUNT', amount_off: 10, effect: 'APPLY_TO_ORDER' } },
    occurredAt: T0,
  },
})
const asked = { channel: 'API', apiKey: 'shop' }

const commandOf = (request: string, order: ReturnType<typeof openOrder>): RedeemVouchers => ({
  type: 'RedeemVouchers',
  request,
  redeemables: [{ asked: 'TEN', code: CODE, measures: {}, redemption: `r_${request}`, ledgers: ['code-TEN'] }],
  ...(order ? { order } : {}),
  asked,
  profile: {},
  mayCreate: true,
})
const redeem = (w: World, request: string, amount?: number) =>
  w.facts(commandOf(request, amount === undefined ? undefined : openOrder({ amount })))
/** What happens to orders on the way is told in `orders/`. */
const types = (facts: readonly { readonly type: string }[]) =>
  facts.map(({ type }) => type).filter((type) => !type.startsWith('Order'))

const shopper = (filter: Record<string, unknown>): World => {
  const w = world()
  w.facts({ type: 'SaveCustomer', profile: { source_id: 'ann' }, mayCreate: true })
  w.define('segment', 'seg', { name: 'big', type: 'auto-update', filter })
  return w
}

test('by the number of redemptions, and out again when one is rolled back', () => {
  const w = shopper({
    junction: 'and',
    'summary.redemptions.total_redeemed': { conditions: { $more_than_equal: [2] } },
  })
  assert.equal(types(redeem(w, 'one', 100)), ['RedemptionSucceeded'])
  assert.equal(types(redeem(w, 'two', 100)), ['RedemptionSucceeded', 'SegmentEntered'])
  const back = w.facts({ type: 'RollBackRedemptions', parent: 'back', redemptions: ['r_one'], asked })
  assert.equal(types(back), ['RedemptionRolledBack', 'SegmentLeft'])
})

test('by what was spent: the order after its discounts; a repeat and a reload change nothing', () => {
  const w = shopper({
    junction: 'and',
    'summary.orders.total_amount': { conditions: { $more_than: [180] } },
  })
  redeem(w, 'one', 100)
  assert.not('seg' in w.state.segments)
  redeem(w, 'one', 100)
  w.reload()
  assert.equal(w.state.orders.sums.spent, 90)
  assert.equal(types(redeem(w, 'two', 100)), ['RedemptionSucceeded'])
  assert.equal(types(redeem(w, 'three', 11)), ['RedemptionSucceeded', 'SegmentEntered'])
})

test('by the time of the last order, which ends by itself', () => {
  const w = shopper({
    junction: 'and',
    'summary.orders.last_order_date': { conditions: { $less_than_ago: ['P7D'] } },
  })
  redeem(w, 'one', 100)
  assert.ok('seg' in w.state.segments)
  w.wait(7 * 86_400_000 + 1)
  assert.equal(types(w.facts({ type: 'AdvanceClock' })), ['SegmentLeft'])
})

test('a redemption says that its order has facts of its own where a customer ordered something', () => {
  const w = shopper({ junction: 'and', 'summary.redemptions.total_redeemed': { conditions: { $more_than: [9] } } })
  const said = (facts: readonly { readonly type: string; readonly data: object }[]) =>
    facts.filter(({ type }) => type === 'RedemptionSucceeded').map(({ data }) => 'ordered' in data)
  assert.equal(said(redeem(w, 'one', 100)), [true])
  assert.equal(said(redeem(w, 'two')), [false])
  const ofNobody = (order: ReturnType<typeof openOrder>) => {
    const facts: { readonly type: string; readonly data: object }[] = []
    const emit = (type: string, data: object) => facts.push({ type, data })
    const desk = { redemptions: w.state.redemptions, rulebook: w.rulebook, now: w.now, emit }
    assert.is(performRedemptions(desk, commandOf('nobody', order)), undefined)
    return said(facts)
  }
  assert.equal([ofNobody(openOrder({ amount: 100 })), ofNobody(undefined)], [[false], [false]])
})

test('redemptions are counted by code and by campaign until they are rolled back, and remembered for as long as they can be', () => {
  const { RedemptionSucceeded, RedemptionRolledBack, RedemptionAbandoned } = redemptionFacts
  const one = succeeded(1)
  const made = (...all: readonly (typeof one)[]) => all.reduce(RedemptionSucceeded.evolve!, NO_REDEMPTIONS)
  const days = (n: number) => ({ times: n, days: n === 0 ? {} : { '2026-03-02': n } })
  const counts = ({ byVoucher, byCampaign }: typeof NO_REDEMPTIONS) => [byVoucher, byCampaign]
  const { campaign: _, ...alone } = succeeded(2)
  const two = made(one, succeeded(2))
  const back = RedemptionRolledBack.evolve!(two, rolledBack(one, T0))
  assert.equal(counts(made(one)), [{ v_1: days(1) }, { camp_a: days(1) }])
  assert.equal(counts(two), [{ v_1: days(2) }, { camp_a: days(2) }])
  assert.equal(counts(made(one, alone)), [{ v_1: days(2) }, { camp_a: days(1) }])
  assert.equal(counts(back), [{ v_1: days(1) }, { camp_a: days(1) }])
  assert.equal([back.made.r_1?.rolledBack, back.made.r_2?.rolledBack], [rolledBack(one, T0).rollback, undefined])
  const later = (ms: number) => Object.keys(made(one, succeeded(2, { occurredAt: one.occurredAt + ms })).made)
  assert.equal([later(93 * DAY), later(93 * DAY + 1)], [['r_1', 'r_2'], ['r_2']])
  let given = NO_REDEMPTIONS
  for (let n = 0; n < 65; n++) given = RedemptionAbandoned.evolve!(given, { request: `q${n}`, occurredAt: T0 })
  assert.equal([given.abandoned.length, given.abandoned[0], given.abandoned[63]], [64, 'q1', 'q64'])
})

test('the sums of redemptions: each kind by itself, an order by the first of its request where it has no facts of its own', () => {
  const { RedemptionSucceeded, RedemptionFailed, RedemptionRolledBack, RedemptionRollbackFailed } = redemptionFacts
  const one = { ...succeeded(1, { credits: 7 }), order: { total_amount: 90, amount: 100 } }
  const bought = (more: object) => {
    const { succeeded: n, credits, orders, spent, lastOrder } = RedemptionSucceeded.sums!(NO_SUMS, { ...one, ...more })
    return [n, credits, orders, spent, lastOrder]
  }
  const last = (amount: number) => ({ amount, at: one.occurredAt })
  assert.equal(bought({}), [1, 7, 1, 90, last(90)])
  assert.equal(bought({ order: { amount: 100 } }), [1, 7, 1, 100, last(100)])
  for (const none of [{ place: 1 }, { ordered: true }, { order: undefined }, { order: {} }])
    assert.equal(bought(none), [1, 7, 0, 0, null], JSON.stringify(none))
  assert.equal(bought({ credits: undefined }), [1, 0, 1, 90, last(90)])
  const sums = RedemptionSucceeded.sums!(NO_SUMS, one)
  const { order } = one
  assert.equal(RedemptionRolledBack.sums!(sums, { ...rolledBack(one, T0), order, credits: 7 }), {
    ...sums,
    rolledBack: 1,
    credits: 0,
    orders: 0,
    spent: 0,
  })
  assert.equal(RedemptionFailed.sums!(sums, {} as never), { ...sums, failed: 1 })
  assert.equal(RedemptionRollbackFailed.sums!(sums, {} as never), { ...sums, rollbackFailed: 1 })
})

test.run()
