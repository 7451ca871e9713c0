// Totals of each campaign's redemptions and rollbacks, and of the money in them.
import { requestOfStream } from '../src/domain/customer/redemptions/facts.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import { projection } from './projection.ts'

/** Amounts in minor units; what was rolled back is in both, not taken off the first. */
export interface CampaignTotalsDocument {
  readonly _id: string
  readonly succeeded: number
  readonly failed: number
  readonly rolled_back: number
  readonly rollbacks_failed: number
  /** What came off orders. */
  readonly discounted: number
  readonly rolled_back_discounted: number
  /** The orders' amounts before discounts. */
  readonly orders: number
  readonly rolled_back_orders: number
  /** Gift credits. */
  readonly credits: number
  readonly rolled_back_credits: number
}

const NOTHING: Omit<CampaignTotalsDocument, '_id'> = {
  succeeded: 0,
  failed: 0,
  rolled_back: 0,
  rollbacks_failed: 0,
  discounted: 0,
  rolled_back_discounted: 0,
  orders: 0,
  rolled_back_orders: 0,
  credits: 0,
  rolled_back_credits: 0,
}

const totalsOf = (before: CampaignTotalsDocument | null, key: string): CampaignTotalsDocument =>
  before ?? { _id: key, ...NOTHING }

const campaignOf = ({ data }: { readonly data: { readonly campaign?: { readonly id: string } | undefined } }) =>
  data.campaign?.id

export const campaignTotals = projection<CampaignTotalsDocument>({
  name: 'campaignTotals',
  version: 1,
  indexes: [],
  streams: (stream) => customerOfStream(stream) ?? requestOfStream(stream),
  on: {
    RedemptionSucceeded: [
      campaignOf,
      (before, { data: { share } }, { key }) => {
        const totals = totalsOf(before, key)
        return {
          ...totals,
          succeeded: totals.succeeded + 1,
          discounted: totals.discounted + share.discounted,
          orders: totals.orders + share.amount,
          credits: totals.credits + share.credits,
        }
      },
    ],
    RedemptionRolledBack: [
      campaignOf,
      (before, { data: { share } }, { key }) => {
        const totals = totalsOf(before, key)
        return {
          ...totals,
          rolled_back: totals.rolled_back + 1,
          rolled_back_discounted: totals.rolled_back_discounted + share.discounted,
          rolled_back_orders: totals.rolled_back_orders + share.amount,
          rolled_back_credits: totals.rolled_back_credits + share.credits,
        }
      },
    ],
    RedemptionFailed: [
      campaignOf,
      (before, _, { key }) => {
        const totals = totalsOf(before, key)
        return { ...totals, failed: totals.failed + 1 }
      },
    ],
    RedemptionRollbackFailed: [
      campaignOf,
      (before, _, { key }) => {
        const totals = totalsOf(before, key)
        return { ...totals, rollbacks_failed: totals.rollbacks_failed + 1 }
      },
    ],
  },
})
