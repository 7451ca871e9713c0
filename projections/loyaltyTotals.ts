// Totals of each loyalty program: its cards, and the points of each type of transaction.
import { isCustomerFact } from '../src/domain/customer/facts.ts'
import { isLoyaltyFact, isMovement, MOVEMENTS } from '../src/domain/customer/loyalty/facts.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import type { Projection } from './projection.ts'

export interface LoyaltyTotalsDocument {
  readonly _id: string
  /** Cards that are there. */
  readonly members: number
  /** Spendable points on all of them. */
  readonly balance: number
  /** Points that went with closed cards. */
  readonly closed: number
  readonly pending: number
  readonly transactions: Readonly<Record<string, { readonly count: number; readonly points: number }>>
}

const NOTHING: Omit<LoyaltyTotalsDocument, '_id'> = { members: 0, balance: 0, closed: 0, pending: 0, transactions: {} }

const TYPES = [
  ...Object.keys(MOVEMENTS),
  'LoyaltyCardIssued',
  'LoyaltyCardClosed',
  'PendingPointsAdded',
  'PendingPointsUpdated',
  'PendingPointsCanceled',
]

export const loyaltyTotals: Projection<LoyaltyTotalsDocument> = {
  name: 'loyaltyTotals',
  version: 1,
  indexes: [],
  types: TYPES,
  keys: (fact) =>
    customerOfStream(fact.stream) !== undefined &&
    isCustomerFact(fact) &&
    isLoyaltyFact(fact) &&
    'campaign' in fact.data
      ? [fact.data.campaign.id]
      : [],
  evolve: (before, fact, key) => {
    if (!isCustomerFact(fact) || !isLoyaltyFact(fact)) return before
    const totals = before ?? { _id: key, ...NOTHING }
    if (isMovement(fact)) {
      const { type, sign } = MOVEMENTS[fact.type]
      const { count, points } = totals.transactions[type] ?? { count: 0, points: 0 }
      return {
        ...totals,
        balance: totals.balance + sign * fact.data.points,
        pending: fact.type === 'PendingPointsActivated' ? totals.pending - fact.data.points : totals.pending,
        transactions: { ...totals.transactions, [type]: { count: count + 1, points: points + fact.data.points } },
      }
    }
    switch (fact.type) {
      case 'LoyaltyCardIssued':
        return { ...totals, members: totals.members + 1 }
      case 'LoyaltyCardClosed':
        return {
          ...totals,
          members: totals.members - 1,
          balance: totals.balance - fact.data.balance,
          closed: totals.closed + fact.data.balance,
        }
      case 'PendingPointsAdded':
        return { ...totals, pending: totals.pending + fact.data.pending.points }
      case 'PendingPointsUpdated':
        return { ...totals, pending: totals.pending + fact.data.pending.points - fact.data.before }
      case 'PendingPointsCanceled':
        return { ...totals, pending: totals.pending - fact.data.pending.points }
      default:
        return before
    }
  },
}
