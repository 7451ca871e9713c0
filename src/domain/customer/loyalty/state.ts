// A customer's cards as the facts leave them: buckets of points by expiry, pending points, tiers, and what rules have paid.

import type { Tally } from '../../rulebook/limits.ts'
import type { CardTraits } from '../../rulebook/voucherSpec.ts'
import type { Lot, RewardRef } from './facts.ts'

/** Points of one expiry on one card. */
export interface Bucket {
  readonly id: string
  readonly points: number
  /** ms; null: they never expire. */
  readonly expiresAt: number | null
  readonly createdAt: number
  readonly updatedAt: number
}

export interface Pending {
  readonly id: string
  readonly points: number
  readonly activatesAt: number
  readonly rule: string
  /** The event that earned them: its fact and its type. */
  readonly cause: { readonly fact: string; readonly type: string; readonly order?: string }
  readonly createdAt: number
}

/** What a redemption took, so that it can be given back under its dates. */
export interface Spend {
  readonly at: number
  readonly points: number
  readonly lots: readonly Lot[]
  readonly reward: RewardRef
  readonly assignment: string
  readonly reservation?: string
}

export interface HeldTier {
  readonly id: string
  readonly name: string
  readonly since: number
  readonly until: number | null
}

export interface Card {
  readonly id: string
  readonly code: string
  readonly campaign: { readonly id: string; readonly name: string }
  readonly active: boolean
  /** The request that gave it out. */
  readonly publication?: string
  /** The caller's own name of the publication. */
  readonly sourceId?: string
  /** What its code said of itself before anybody had it: dates that hold beside its program's, and what it shows in place of that's. */
  readonly own?: CardTraits
  readonly metadata: Readonly<Record<string, unknown>>
  readonly createdAt: number
  readonly updatedAt: number
  /** Points ever given less those taken away. */
  readonly total: number
  readonly redeemed: number
  readonly expired: number
  /** total − redeemed − expired, and the sum of the buckets. */
  readonly balance: number
  /** Changes of the balance so far; numbers their transactions. */
  readonly transactions: number
  /** Soonest to expire first. */
  readonly buckets: readonly Bucket[]
  readonly pending: readonly Pending[]
  readonly tier: HeldTier | null
  /** Redemptions that it paid for, less those that were taken back. */
  readonly payments: number
  /** By redemption, for as long as one may be rolled back. */
  readonly spends: Readonly<Record<string, Spend>>
  /** Transfers that left and are not known to have arrived: the lots they took. */
  readonly transit: Readonly<
    Record<string, { readonly points: number; readonly lots: readonly Lot[]; readonly transaction: string }>
  >
}

export interface LoyaltyState {
  /** In the order of their issue. */
  readonly cards: Readonly<Record<string, Card>>
  /** By the id of a rule or a program. */
  readonly tallies: Readonly<Record<string, Tally>>
}

export const NO_LOYALTY: LoyaltyState = { cards: {}, tallies: {} }

/** The HTTP contract's bound on how long a redemption may be rolled back, ms. */
export const ROLLBACK_WINDOW_MS = 92 * 86_400_000

export const bySoonest = (a: Bucket, b: Bucket): number =>
  (a.expiresAt ?? Number.POSITIVE_INFINITY) - (b.expiresAt ?? Number.POSITIVE_INFINITY) || a.createdAt - b.createdAt

export const without = <T>(record: Readonly<Record<string, T>>, key: string): Readonly<Record<string, T>> => {
  const { [key]: _, ...rest } = record
  return rest
}

export const recentSpends = (spends: Card['spends'], now: number): Card['spends'] =>
  Object.fromEntries(Object.entries(spends).filter(([, { at }]) => now - at <= ROLLBACK_WINDOW_MS))

const movedIn = <T extends { readonly lots: readonly Lot[] }>(
  record: Readonly<Record<string, T>>,
  expiryOf: (at: number | null) => number | null,
): Readonly<Record<string, T>> =>
  Object.fromEntries(
    Object.entries(record).map(([key, one]) => [
      key,
      { ...one, lots: one.lots.map((lot) => ({ ...lot, expiresAt: expiryOf(lot.expiresAt) })) },
    ]),
  )

/** The card with other expiries: of the points on it, and of those that may come back. */
export const rezoned = (card: Card, expiries: ReadonlyMap<number, number>): Card => {
  const expiryOf = (at: number | null) => (at === null ? null : (expiries.get(at) ?? at))
  return {
    ...card,
    buckets: card.buckets.map((one) => ({ ...one, expiresAt: expiryOf(one.expiresAt) })).sort(bySoonest),
    spends: movedIn(card.spends, expiryOf),
    transit: movedIn(card.transit, expiryOf),
  }
}

export const heldTier = (
  tier: { readonly id: string; readonly name: string },
  since: number,
  until: number | null,
): HeldTier => ({
  ...tier,
  since,
  until,
})

/** The customer's first card in a program. */
export const cardIn = ({ cards }: LoyaltyState, campaign: string): Card | undefined =>
  Object.values(cards).find((card) => card.campaign.id === campaign)

/** The spendable points in a program over all cards; undefined without one. */
export const pointsIn = ({ cards }: LoyaltyState, campaign: string): number | undefined => {
  let points: number | undefined
  for (const card of Object.values(cards)) if (card.campaign.id === campaign) points = (points ?? 0) + card.balance
  return points
}

export const cardByCode = ({ cards }: LoyaltyState, code: string): Card | undefined =>
  Object.values(cards).find((card) => card.code === code)
