// A customer's cards, and what rules have paid, after a fact.

import { present } from '../../present.ts'
import { NO_TALLY, shifted, tallied } from '../../rulebook/limits.ts'
import { evolveBy } from '../factRow.ts'
import { isMovement, type Lot, type LoyaltyFact, loyaltyFacts, MOVEMENTS, type MovementFact } from './facts.ts'
import { type Bucket, bySoonest, type Card, type LoyaltyState, without } from './state.ts'

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

const evolveRow = evolveBy<Card>(loyaltyFacts)

/** The card after a fact about it; null when there is none (any more). Total, and without any rule. */
export const evolveCard = (before: Card | null, fact: LoyaltyFact): Card | null => {
  if (fact.type === 'LoyaltyCardIssued') {
    const { card, campaign, metadata, publication, sourceId, own, occurredAt } = fact.data
    return {
      ...card,
      campaign,
      active: true,
      ...present({ publication, sourceId, own }),
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
      payments: 0,
      spends: {},
      transit: {},
    }
  }
  if (!before || fact.type === 'LoyaltyCardClosed') return null
  return evolveRow(isMovement(fact) ? moved(before, fact) : before, fact)
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
