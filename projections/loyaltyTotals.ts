// Totals of each loyalty program: its cards, and the points of each type of transaction.
import { MOVEMENTS, type MovementType } from '../src/domain/customer/loyalty/facts.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import { projection, type RecordedOf, toEach } from './projection.ts'

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

const totalsOf = (before: LoyaltyTotalsDocument | null, key: string): LoyaltyTotalsDocument =>
  before ?? { _id: key, ...NOTHING }

const withPending = (totals: LoyaltyTotalsDocument, points: number): LoyaltyTotalsDocument => ({
  ...totals,
  pending: totals.pending + points,
})

const moved = (
  before: LoyaltyTotalsDocument | null,
  fact: RecordedOf<MovementType>,
  { key }: { readonly key: string },
): LoyaltyTotalsDocument => {
  const totals = totalsOf(before, key)
  const { type, sign } = MOVEMENTS[fact.type]
  const { count, points } = totals.transactions[type] ?? { count: 0, points: 0 }
  return {
    ...totals,
    balance: totals.balance + sign * fact.data.points,
    pending: fact.type === 'PendingPointsActivated' ? totals.pending - fact.data.points : totals.pending,
    transactions: { ...totals.transactions, [type]: { count: count + 1, points: points + fact.data.points } },
  }
}

const campaignOf = ({ data }: { readonly data: { readonly campaign: { readonly id: string } } }): string =>
  data.campaign.id

export const loyaltyTotals = projection<LoyaltyTotalsDocument>({
  name: 'loyaltyTotals',
  version: 1,
  indexes: [],
  streams: customerOfStream,
  on: {
    ...toEach(Object.keys(MOVEMENTS) as MovementType[], campaignOf, moved),
    LoyaltyCardIssued: [
      campaignOf,
      (before, _, { key }) => {
        const totals = totalsOf(before, key)
        return { ...totals, members: totals.members + 1 }
      },
    ],
    LoyaltyCardClosed: [
      campaignOf,
      (before, { data }, { key }) => {
        const totals = totalsOf(before, key)
        return {
          ...totals,
          members: totals.members - 1,
          balance: totals.balance - data.balance,
          closed: totals.closed + data.balance,
        }
      },
    ],
    PendingPointsAdded: [
      campaignOf,
      (before, { data }, { key }) => withPending(totalsOf(before, key), data.pending.points),
    ],
    PendingPointsUpdated: [
      campaignOf,
      (before, { data }, { key }) => withPending(totalsOf(before, key), data.pending.points - data.before),
    ],
    PendingPointsCanceled: [
      campaignOf,
      (before, { data }, { key }) => withPending(totalsOf(before, key), -data.pending.points),
    ],
  },
})
