// Facts of redemptions for tests of what is read of them.
import type { RedemptionFactData } from '../../src/domain/customer/redemptions/facts.ts'
import { type OrderInput, openOrder } from '../../src/domain/order.ts'
import { T0 } from '../given.ts'

export const CAMPAIGNS = [
  { id: 'camp_a', name: 'spring', type: 'DISCOUNT_COUPONS' },
  { id: 'camp_b', name: 'gifts', type: 'GIFT_VOUCHERS' },
] as const

export const order = (amount: number) => ({ ...openOrder({ ...orderInput(amount) })! })
const orderInput = (amount: number): OrderInput => ({
  amount,
  items: [{ product_id: 'p', quantity: 1, price: amount }],
})

export const succeeded = (
  n: number,
  more: Partial<RedemptionFactData<'RedemptionSucceeded'>> = {},
  amount = 100,
): RedemptionFactData<'RedemptionSucceeded'> => ({
  redemption: `r_${n}`,
  request: `req_${n}`,
  channel: 'API',
  apiKey: 'shop',
  place: 0,
  of: 1,
  voucher: { id: 'v_1', code: 'SPRING', type: 'DISCOUNT_VOUCHER' },
  campaign: CAMPAIGNS[0],
  discount: { type: 'AMOUNT', amount_off: 10, effect: 'APPLY_TO_ORDER' },
  applied: 10,
  order: order(amount),
  share: { day: '2026-03-02', apiKey: 'shop', credits: 0, amount, discounted: 10 },
  ledgers: ['code-SPRING'],
  occurredAt: T0 + n,
  ...more,
})

export const rolledBack = (
  made: RedemptionFactData<'RedemptionSucceeded'>,
  at: number,
): RedemptionFactData<'RedemptionRolledBack'> => {
  const { redemption, request, channel, apiKey, place, voucher, campaign, order, credits, applied, share, ledgers } =
    made
  return {
    rollback: `r${redemption}`,
    parent: `back_${request}`,
    redemption,
    request,
    channel,
    apiKey,
    place,
    voucher,
    ...(campaign ? { campaign } : {}),
    ...(order ? { order } : {}),
    ...(credits === undefined ? {} : { credits }),
    ...(applied === undefined ? {} : { applied }),
    reason: 'returned',
    share,
    ledgers,
    occurredAt: at,
  }
}

export const failed = (n: number): RedemptionFactData<'RedemptionFailed'> => ({
  redemption: `rf_${n}`,
  request: `req_${n}`,
  channel: 'API',
  apiKey: 'shop',
  voucher: { code: 'SPRING' },
  campaign: CAMPAIGNS[0],
  reason: 'quantity_exceeded',
  details: 'too often',
  message: 'Sold out',
  occurredAt: T0 + n,
})
