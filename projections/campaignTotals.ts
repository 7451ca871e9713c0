// Totals of each campaign's redemptions and rollbacks, and of the money in them.
import { isCustomerFact } from '../src/domain/customer/facts.ts'
import {
  isRedemptionFact,
  type RedemptionFact,
  redemptionFacts,
  requestOfStream,
} from '../src/domain/customer/redemptions/facts.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import type { Projection } from './projection.ts'

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

const after = (totals: CampaignTotalsDocument, fact: RedemptionFact): CampaignTotalsDocument => {
  switch (fact.type) {
    case 'RedemptionSucceeded': {
      const { amount, discounted, credits } = fact.data.share
      return {
        ...totals,
        succeeded: totals.succeeded + 1,
        discounted: totals.discounted + discounted,
        orders: totals.orders + amount,
        credits: totals.credits + credits,
      }
    }
    case 'RedemptionRolledBack': {
      const { amount, discounted, credits } = fact.data.share
      return {
        ...totals,
        rolled_back: totals.rolled_back + 1,
        rolled_back_discounted: totals.rolled_back_discounted + discounted,
        rolled_back_orders: totals.rolled_back_orders + amount,
        rolled_back_credits: totals.rolled_back_credits + credits,
      }
    }
    case 'RedemptionFailed':
      return { ...totals, failed: totals.failed + 1 }
    case 'RedemptionRollbackFailed':
      return { ...totals, rollbacks_failed: totals.rollbacks_failed + 1 }
    case 'RedemptionAbandoned':
      return totals
    default:
      return fact satisfies never
  }
}

export const campaignTotals: Projection<CampaignTotalsDocument> = {
  name: 'campaignTotals',
  version: 1,
  indexes: [],
  types: Object.keys(redemptionFacts).filter((type) => type !== 'RedemptionAbandoned'),
  keys: (fact) =>
    (customerOfStream(fact.stream) !== undefined || requestOfStream(fact.stream) !== undefined) &&
    isCustomerFact(fact) &&
    isRedemptionFact(fact) &&
    fact.type !== 'RedemptionAbandoned' &&
    fact.data.campaign
      ? [fact.data.campaign.id]
      : [],
  evolve: (before, fact, key) =>
    isCustomerFact(fact) && isRedemptionFact(fact) ? after(before ?? { _id: key, ...NOTHING }, fact) : before,
}
