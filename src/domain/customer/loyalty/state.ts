// A customer's cards as the facts leave them: buckets of points by expiry, pending points, tiers, and what rules have paid.

import { NO_TALLY, shifted, type Tally, tallied } from '../../rulebook/limits.ts'
import { isMovement, type Lot, type LoyaltyFact, type LoyaltyFactData, MOVEMENTS, type MovementFact } from './facts.ts'

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
  readonly reward: LoyaltyFactData<'PointsSpent'>['reward']
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

const bySoonest = (a: Bucket, b: Bucket): number =>
  (a.expiresAt ?? Number.POSITIVE_INFINITY) - (b.expiresAt ?? Number.POSITIVE_INFINITY) || a.createdAt - b.createdAt

const withLot = (
  buckets: readonly Bucket[],
  { bucket, points, expiresAt }: Lot,
  sign: 1 | -1,
  at: number,
): readonly Bucket[] => {
  const i = buckets.findIndex(({ id }) => id === bucket)
  const before = buckets[i]
  if (!before)
    return [...buckets, { id: bucket, points: sign * points, expiresAt, createdAt: at, updatedAt: at }].sort(bySoonest)
  const after = before.points + sign * points
  return after === 0 ? buckets.toSpliced(i, 1) : buckets.with(i, { ...before, points: after, updatedAt: at })
}

const moved = (card: Card, fact: MovementFact): Card => {
  const { sign, total, redeemed, expired } = MOVEMENTS[fact.type]
  const { points, lots, occurredAt } = fact.data
  let { buckets } = card
  for (const lot of lots) buckets = withLot(buckets, lot, sign, occurredAt)
  return {
    ...card,
    total: card.total + total * points,
    redeemed: card.redeemed + redeemed * points,
    expired: card.expired + expired * points,
    balance: card.balance + sign * points,
    transactions: card.transactions + 1,
    buckets,
    updatedAt: occurredAt,
  }
}

const without = <T>(record: Readonly<Record<string, T>>, key: string): Readonly<Record<string, T>> => {
  const { [key]: _, ...rest } = record
  return rest
}

const recentSpends = (spends: Card['spends'], now: number): Card['spends'] =>
  Object.fromEntries(Object.entries(spends).filter(([, { at }]) => now - at < ROLLBACK_WINDOW_MS))

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
const rezoned = (card: Card, expiries: ReadonlyMap<number, number>): Card => {
  const expiryOf = (at: number | null) => (at === null ? null : (expiries.get(at) ?? at))
  return {
    ...card,
    buckets: card.buckets.map((one) => ({ ...one, expiresAt: expiryOf(one.expiresAt) })).sort(bySoonest),
    spends: movedIn(card.spends, expiryOf),
    transit: movedIn(card.transit, expiryOf),
  }
}

const heldTier = (
  tier: { readonly id: string; readonly name: string },
  since: number,
  until: number | null,
): HeldTier => ({
  ...tier,
  since,
  until,
})

/** The card after a fact about it; null when there is none (any more). Total, and without any rule. */
export const evolveCard = (before: Card | null, fact: LoyaltyFact): Card | null => {
  if (fact.type === 'LoyaltyCardIssued') {
    const { card, campaign, metadata, occurredAt } = fact.data
    return {
      ...card,
      campaign,
      active: true,
      metadata: metadata ?? {},
      createdAt: occurredAt,
      updatedAt: occurredAt,
      total: 0,
      redeemed: 0,
      expired: 0,
      balance: 0,
      transactions: 0,
      buckets: [],
      pending: [],
      tier: null,
      spends: {},
      transit: {},
    }
  }
  if (!before) return null
  const card = isMovement(fact) ? moved(before, fact) : before
  switch (fact.type) {
    case 'LoyaltyCardCodeReplaced':
      return { ...card, code: fact.data.card.code, updatedAt: fact.data.occurredAt }
    case 'LoyaltyCardEnabled':
    case 'LoyaltyCardDisabled':
      return { ...card, active: fact.type === 'LoyaltyCardEnabled', updatedAt: fact.data.occurredAt }
    case 'LoyaltyCardClosed':
      return null
    case 'PointsTransferredOut': {
      const { transfer, points, lots, transaction } = fact.data
      return { ...card, transit: { ...card.transit, [transfer]: { points, lots, transaction } } }
    }
    case 'PointsTransferReturned':
    case 'PointsTransferSettled':
      return { ...card, transit: without(card.transit, fact.data.transfer) }
    case 'PointsSpent': {
      const { redemption, points, lots, reward, assignment, reservation, occurredAt } = fact.data
      const spends = recentSpends(card.spends, occurredAt)
      const kept = reservation === undefined ? {} : { reservation }
      return {
        ...card,
        spends: { ...spends, [redemption]: { at: occurredAt, points, lots, reward, assignment, ...kept } },
      }
    }
    case 'PointsRefunded':
      return { ...card, spends: without(card.spends, fact.data.redemption) }
    case 'PendingPointsAdded': {
      const { pending, rule, cause, occurredAt } = fact.data
      const { fact: id, type, order } = cause
      const paidBy = { fact: id, type, ...(order === undefined ? {} : { order }) }
      return {
        ...card,
        pending: [...card.pending, { ...pending, rule: rule.id, cause: paidBy, createdAt: occurredAt }],
      }
    }
    case 'PendingPointsUpdated': {
      const { id, points } = fact.data.pending
      return { ...card, pending: card.pending.map((p) => (p.id === id ? { ...p, points } : p)) }
    }
    case 'PendingPointsCanceled':
      return { ...card, pending: card.pending.filter((p) => p.id !== fact.data.pending.id) }
    case 'PendingPointsActivated':
      return { ...card, pending: card.pending.filter((p) => p.id !== fact.data.pending) }
    case 'LoyaltyTierJoined':
    case 'LoyaltyTierUpgraded':
    case 'LoyaltyTierDowngraded':
      return { ...card, tier: heldTier(fact.data.to, fact.data.occurredAt, fact.data.until) }
    case 'LoyaltyTierProlonged':
      return { ...card, tier: heldTier(fact.data.to, card.tier?.since ?? fact.data.occurredAt, fact.data.until) }
    case 'LoyaltyTierLeft':
      return { ...card, tier: null }
    case 'CardRezoned':
      return rezoned(card, new Map(fact.data.expiries.map(({ before: old, after }) => [old, after])))
    case 'PointsEarned':
    case 'PointsAdded':
    case 'PointsRemoved':
    case 'PointsTakenBack':
    case 'PointsExpired':
    case 'PointsTransferredIn':
    case 'PointsTransferRejected':
    case 'RewardDeclined':
      return card
    default:
      return fact satisfies never
  }
}

/** The id of the card that a fact is about. */
export const cardOf = (fact: LoyaltyFact): string =>
  typeof fact.data.card === 'string' ? fact.data.card : fact.data.card.id

const paid = (tallies: LoyaltyState['tallies'], id: string, points: number, day: string, at: number) => ({
  ...tallies,
  [id]: tallied(tallies[id] ?? NO_TALLY, points, day, at),
})

/** The customer's loyalty after a fact. */
export const evolveLoyalty = (state: LoyaltyState, fact: LoyaltyFact): LoyaltyState => {
  const id = cardOf(fact)
  const before = state.cards[id] ?? null
  const after = evolveCard(before, fact)
  const cards = after === before ? state.cards : after ? { ...state.cards, [id]: after } : without(state.cards, id)
  if (fact.type === 'CardRezoned') {
    const tallies = { ...state.tallies }
    for (const { by, ...move } of fact.data.paid ?? []) {
      const tally = tallies[by]
      if (tally) tallies[by] = shifted(tally, move)
    }
    return { cards, tallies }
  }
  if (fact.type !== 'PointsEarned' && fact.type !== 'PendingPointsAdded') return { ...state, cards }
  const { rule, campaign, day, at } = fact.data
  const points = fact.type === 'PointsEarned' ? fact.data.points : fact.data.pending.points
  return { cards, tallies: paid(paid(state.tallies, rule.id, points, day, at), campaign.id, points, day, at) }
}

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
