// What becomes of points when the order that earned them is cancelled: pending ones are cancelled with it, and of others those that
// are still there are taken back. A balance never falls below nothing.
import type { DecidedFact, Draft } from '../customer/draft.ts'
import { lotsOut, movement, refOf } from './ledger.ts'

const cancelPending = (draft: Draft, order: string, cause: string): void => {
  for (const card of Object.values(draft.state.loyalty.cards))
    for (const { id, points, activatesAt, cause: earnedBy } of card.pending)
      if (earnedBy.order === order)
        draft.emit(
          'PendingPointsCanceled',
          {
            card: refOf(card),
            campaign: card.campaign,
            pending: { id, points, activatesAt },
            reason: `the order ${order} was canceled`,
            occurredAt: draft.now,
          },
          cause,
        )
}

export const takeBackPoints = (draft: Draft, fact: DecidedFact): void => {
  if (fact.type !== 'OrderCanceled') return
  const { order } = fact.data
  cancelPending(draft, order, fact.id)
  for (const { card: id, points, transaction } of draft.state.orders.kept[order]?.earned ?? []) {
    const card = draft.state.loyalty.cards[id]
    const lots = card ? (lotsOut(card, Math.min(points, card.balance)) ?? []) : []
    if (!card || lots.length === 0) continue
    draft.emit(
      'PointsTakenBack',
      { ...movement('PointsTakenBack', card, lots, draft.now), order, related: transaction, given: points },
      fact.id,
    )
  }
}
