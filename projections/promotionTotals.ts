// Totals of what was redeemed of each promotion tier; what was rolled back is taken off.
import { requestOfStream } from '../src/domain/customer/redemptions/facts.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import { projection } from './projection.ts'

export interface PromotionTotalsDocument {
  readonly _id: string
  readonly redeemed: number
  /** The orders' amounts before discounts, and what came off them by the tier; minor units. */
  readonly orders: number
  readonly discounted: number
}

interface Told {
  readonly data: {
    readonly promotion?: { readonly id: string } | undefined
    readonly share: { readonly amount: number; readonly discounted: number }
  }
}

const tierOf = ({ data }: Told): string | undefined => data.promotion?.id

const counting =
  (by: 1 | -1) =>
  (before: PromotionTotalsDocument | null, { data: { share } }: Told, { key }: { readonly key: string }) => {
    const { redeemed, orders, discounted } = before ?? { redeemed: 0, orders: 0, discounted: 0 }
    return {
      _id: key,
      redeemed: redeemed + by,
      orders: orders + by * share.amount,
      discounted: discounted + by * share.discounted,
    }
  }

export const promotionTotals = projection<PromotionTotalsDocument>({
  name: 'promotionTotals',
  version: 1,
  indexes: [],
  streams: (stream) => customerOfStream(stream) ?? requestOfStream(stream),
  on: { RedemptionSucceeded: [tierOf, counting(1)], RedemptionRolledBack: [tierOf, counting(-1)] },
})
