// Totals of redemptions and rollbacks, of all and of each campaign's, and of the money in them.
import { requestOfStream } from '../src/domain/customer/redemptions/facts.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import { projection, type Reaction, type RecordedOf } from './projection.ts'

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

type Totals = typeof NOTHING

/** The key of the totals of all, whether of a campaign or not. */
export const ALL_REDEMPTIONS = 'all'

/** A redemption adds these to the totals. */
const adding = <T extends `Redemption${'Succeeded' | 'Failed' | 'RolledBack' | 'RollbackFailed'}`>(
  more: (fact: RecordedOf<T>) => Partial<Totals>,
): Reaction<CampaignTotalsDocument, T, string> => [
  ({ data: { campaign } }) => (campaign ? [ALL_REDEMPTIONS, campaign.id] : [ALL_REDEMPTIONS]),
  (before, fact, { key }) => {
    const grown = Object.entries(more(fact)).map(([name, by]) => [name, (before?.[name as keyof Totals] ?? 0) + by])
    return { _id: key, ...NOTHING, ...before, ...Object.fromEntries(grown) }
  },
]

export const campaignTotals = projection<CampaignTotalsDocument>({
  name: 'campaignTotals',
  version: 2,
  indexes: [],
  streams: (stream) => customerOfStream(stream) ?? requestOfStream(stream),
  on: {
    RedemptionSucceeded: adding(({ data: { share } }) => ({
      succeeded: 1,
      discounted: share.discounted,
      orders: share.amount,
      credits: share.credits,
    })),
    RedemptionRolledBack: adding(({ data: { share } }) => ({
      rolled_back: 1,
      rolled_back_discounted: share.discounted,
      rolled_back_orders: share.amount,
      rolled_back_credits: share.credits,
    })),
    RedemptionFailed: adding(() => ({ failed: 1 })),
    RedemptionRollbackFailed: adding(() => ({ rollbacks_failed: 1 })),
  },
})
