// Transfers of points between two cards: they leave one, arrive at the other or come back; both or neither.
import type { Draft } from '../customer/draft.ts'
import type { Counterpart } from '../customer/loyalty/facts.ts'
import type { Card } from '../customer/loyalty/state.ts'
import { idFrom } from '../ids.ts'
import { type Refused, refuse } from '../refusal.ts'
import {
  type CompleteTransfer,
  exceeded,
  overfull,
  type ReceiveTransfer,
  type ReturnTransfer,
  type TransferPoints,
  usable,
} from './asked.ts'
import { lotFor, lotsOut, movement, refOf } from './ledger.ts'
import { expiryOf, programsOf } from './programs.ts'
import { expire } from './timed.ts'

type Requested = { readonly reason?: string; readonly sourceId?: string; readonly source?: string }

const sideOf = (draft: Draft, card: Card): Counterpart => ({
  customer: draft.state.id,
  card: refOf(card),
  campaign: card.campaign,
})

/** The transaction by which a transfer arrives: known when it leaves, so that each side can name the other. */
const arrivalOf = (transfer: string): string => idFrom('vtx', transfer, 'in')

/** A card that can take so many points. */
const roomyCard = (draft: Draft, id: string, points: number): ReturnType<typeof usable> => {
  if (draft.state.status !== 'active') return refuse('not_found', `There is no customer ${draft.state.id}`)
  const found = usable(draft, id)
  return 'refused' in found ? found : (overfull(found.card, points) ?? found)
}

/** Takes the points out. Between two cards of one customer the other side follows in the same append. */
export const transferOut = (draft: Draft, command: TransferPoints, requested: Requested): Refused | undefined => {
  const found = usable(draft, command.card)
  if ('refused' in found) return found
  const { card } = found
  const { points, to } = command
  if (to.card.id === card.id)
    return refuse('invalid_payload', 'Points cannot be transferred from a card to itself', {
      resource: { type: 'voucher', id: card.code },
    })
  const lots = lotsOut(card, points)
  if (!lots) return exceeded(card, points)
  const within = to.customer === draft.state.id
  if (within) {
    const other = roomyCard(draft, to.card.id, points)
    if ('refused' in other) return other
  }
  const out = movement('PointsTransferredOut', card, lots, draft.now)
  const transfer = out.transaction
  draft.emit('PointsTransferredOut', { ...out, ...requested, transfer, to, related: arrivalOf(transfer) })
  if (within) {
    receiveTransfer(
      draft,
      { type: 'ReceiveTransfer', transfer, card: to.card.id, points, from: sideOf(draft, card) },
      requested,
    )
    completeTransfer(draft, { type: 'CompleteTransfer', card: card.id, transfer })
  }
  return undefined
}

/** Takes points in under a fresh expiry. What cannot be taken is recorded as rejected, so that it goes back. */
export const receiveTransfer = (
  draft: Draft,
  { transfer, card: id, points, from }: ReceiveTransfer,
  requested: Requested,
): undefined => {
  const found = roomyCard(draft, id, points)
  if ('refused' in found) {
    const code = draft.state.loyalty.cards[id]?.code ?? ''
    draft.emit('PointsTransferRejected', {
      card: { id, code },
      transfer,
      from,
      key: found.refused.key,
      reason: found.refused.details,
      occurredAt: draft.now,
    })
    return undefined
  }
  const { card, program } = found
  const lot = lotFor(card, points, expiryOf(programsOf(draft.rulebook), program, draft.now))
  draft.emit('PointsTransferredIn', {
    ...movement('PointsTransferredIn', card, [lot], draft.now),
    transaction: arrivalOf(transfer),
    ...requested,
    transfer,
    from,
    related: transfer,
  })
  return undefined
}

/** It arrived: nothing is kept for its return. */
export const completeTransfer = (draft: Draft, { card: id, transfer }: CompleteTransfer): undefined => {
  const card = draft.state.loyalty.cards[id]
  if (card && Object.hasOwn(card.transit, transfer))
    draft.emit('PointsTransferSettled', {
      card: refOf(card),
      campaign: card.campaign,
      transfer,
      occurredAt: draft.now,
    })
  return undefined
}

/** It did not arrive: the points are back under the dates they had, and expire at once if those are over. */
export const returnTransfer = (draft: Draft, { card: id, transfer, to, reason }: ReturnTransfer): undefined => {
  const card = draft.state.loyalty.cards[id]
  const lost = card && Object.hasOwn(card.transit, transfer) ? card.transit[transfer] : undefined
  if (!card || !lost) return undefined
  draft.emit('PointsTransferReturned', {
    ...movement('PointsTransferReturned', card, lost.lots, draft.now),
    transfer,
    to,
    related: lost.transaction,
    reason,
  })
  expire(draft, id)
  return undefined
}
