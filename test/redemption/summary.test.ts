// Segments by what a customer redeemed and ordered: entered with the redemption that makes them true, left with its rollback.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openOrder } from '../../src/domain/order.ts'
import { performRedemptions, type RedeemVouchers } from '../../src/domain/redemption/redeem.ts'
import { evolveCode, noCode } from '../../src/domain/vouchers/code.ts'
import { T0, type World, world } from '../given.ts'

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

test.run()
