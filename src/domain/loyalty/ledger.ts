// The ledger: putting points into buckets and taking the soonest to expire first, with what each change must say of itself.

import { type CardRef, type Lot, MOVEMENTS, type MovementType } from '../customer/loyalty/facts.ts'
import type { Card } from '../customer/loyalty/state.ts'
import { idFrom } from '../ids.ts'
import { MAX_TOTAL } from '../points.ts'

export const refOf = ({ id, code }: Pick<Card, 'id' | 'code'>): CardRef => ({ id, code })

/** The one bucket of a card for an expiry: points that expire together are kept together. */
const bucketId = (card: Card, expiresAt: number | null): string => {
  const known = card.buckets.find((bucket) => bucket.expiresAt === expiresAt)
  if (known) return known.id
  const id = idFrom('lopb', card.id, String(expiresAt))
  // A bucket keeps its id when its expiry moves with the time zone.
  const isOther = card.buckets.some((bucket) => bucket.id === id)
  return isOther ? idFrom('lopb', card.id, String(expiresAt), String(card.transactions)) : id
}

/** A lot that puts points under an expiry (ms; null: never). */
export const lotFor = (card: Card, points: number, expiresAt: number | null): Lot => ({
  bucket: bucketId(card, expiresAt),
  points,
  expiresAt,
})

/** The lots that taking so many points takes, soonest to expire first; undefined when the card has not so many. */
export const lotsOut = (card: Card, points: number): readonly Lot[] | undefined => {
  if (points > card.balance) return undefined
  const lots: Lot[] = []
  let left = points
  for (const { id, points: there, expiresAt } of card.buckets) {
    if (left === 0) break
    const taken = Math.min(there, left)
    lots.push({ bucket: id, points: taken, expiresAt })
    left -= taken
  }
  return lots
}

/** Whether a card has room for so many points more: its total stays where whole numbers are exact. */
export const hasRoom = (card: Card, points: number): boolean => card.total + points <= MAX_TOTAL

/** What a change of `type` by these lots says of itself, on the card as it is before. */
export const movement = (type: MovementType, card: Card, lots: readonly Lot[], occurredAt: number) => {
  const { sign, total } = MOVEMENTS[type]
  const points = lots.reduce((sum, lot) => sum + lot.points, 0)
  return {
    transaction: idFrom('vtx', card.id, String(card.transactions)),
    card: refOf(card),
    campaign: card.campaign,
    points,
    balance: { before: card.balance, after: card.balance + sign * points },
    total: card.total + total * points,
    lots: [...lots],
    occurredAt,
  }
}
