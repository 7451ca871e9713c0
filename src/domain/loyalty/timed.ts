// What time does to points: pending ones become spendable and others expire, each at its instant.
import type { Draft } from '../customer/draft.ts'
import type { Card } from '../customer/loyalty/state.ts'
import type { CustomerState } from '../customer/state.ts'
import { hasRoom, lotFor, movement } from './ledger.ts'
import { expiryOf, programsOf } from './programs.ts'
import { advanceTiers } from './tiers.ts'

const dueOf = (card: Card): number => {
  // Buckets stand in the order of their expiry.
  let earliest = card.buckets[0]?.expiresAt ?? Number.POSITIVE_INFINITY
  for (const { activatesAt } of card.pending) earliest = Math.min(earliest, activatesAt)
  return Math.min(earliest, card.tier?.until ?? Number.POSITIVE_INFINITY)
}

/** The earliest instant, ms, at which points of this customer become spendable, expire, or no longer hold a tier. */
export const dueLoyalty = ({ loyalty }: CustomerState): number | null => {
  let earliest = Number.POSITIVE_INFINITY
  for (const card of Object.values(loyalty.cards)) earliest = Math.min(earliest, dueOf(card))
  return earliest === Number.POSITIVE_INFINITY ? null : earliest
}

/** Makes pending points spendable, under the expiry that their rule or program gives from now on. */
export const activate = (draft: Draft, cardId: string, pendingId: string): void => {
  const card = draft.state.loyalty.cards[cardId]
  const pending = card?.pending.find(({ id }) => id === pendingId)
  if (!card || !pending) return
  if (!hasRoom(card, pending.points)) {
    draft.emit('PendingPointsCanceled', {
      card: { id: card.id, code: card.code },
      campaign: card.campaign,
      pending: { id: pending.id, points: pending.points, activatesAt: pending.activatesAt },
      reason: 'the card holds as many points as one may',
      occurredAt: draft.now,
    })
    return
  }
  const programs = programsOf(draft.rulebook)
  const own = draft.rulebook.entries('earningRule').get(pending.rule)?.definition.expiration_rules
  const expiry = expiryOf(programs, programs.program.get(card.campaign.id), draft.now, own)
  draft.emit('PendingPointsActivated', {
    ...movement('PendingPointsActivated', card, [lotFor(card, pending.points, expiry)], draft.now),
    pending: pending.id,
    rule: pending.rule,
    ...(pending.cause.order === undefined ? {} : { order: pending.cause.order }),
  })
}

/** Records the expiry of everything on a card whose time is over. */
export const expire = (draft: Draft, cardId: string): void => {
  const card = draft.state.loyalty.cards[cardId]
  const over = card?.buckets.filter(({ expiresAt }) => expiresAt !== null && expiresAt <= draft.now) ?? []
  if (!card || over.length === 0) return
  const lots = over.map(({ id, points, expiresAt }) => ({ bucket: id, points, expiresAt }))
  draft.emit('PointsExpired', movement('PointsExpired', card, lots, draft.now))
}

/** What falls due at `draft.now`: activations first, then expiry, then tiers. */
export const advanceLoyalty = (draft: Draft): void => {
  for (const { id, pending } of Object.values(draft.state.loyalty.cards)) {
    for (const due of pending) if (due.activatesAt <= draft.now) activate(draft, id, due.id)
    expire(draft, id)
  }
  advanceTiers(draft)
}
