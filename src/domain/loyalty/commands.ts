// What comes of asking a customer's cards for something: the facts, or the refusal.
import type { Draft } from '../customer/draft.ts'
import { MAX_TOTAL } from '../points.ts'
import { present } from '../present.ts'
import { type Refused, refuse, refuseNotFound } from '../refusal.ts'
import {
  type AddPoints,
  type ChangePendingPoints,
  exceeded,
  type IssueLoyaltyCard,
  type LoyaltyCommand,
  overfull,
  type RemovePoints,
  type ReplaceCardCode,
  requested,
  type SwitchLoyaltyCard,
  usable,
} from './asked.ts'
import { issueCard, ruleCode } from './cards.ts'
import { lotFor, lotsOut, movement, refOf } from './ledger.ts'
import { redeemReserved, refund } from './payments.ts'
import { expiryOf, programsOf } from './programs.ts'
import { activate } from './timed.ts'
import { completeTransfer, receiveTransfer, returnTransfer, transferOut } from './transfers.ts'

const issue = (
  draft: Draft,
  { campaign, card, metadata, source, points, publication, sourceId, own, joinOnce = false }: IssueLoyaltyCard,
): Refused | undefined => {
  const program = programsOf(draft.rulebook).program.get(campaign)
  if (!program) return refuseNotFound('campaign', campaign)
  const { active, join_once: once, name } = program.definition
  const held = Object.values(draft.state.loyalty.cards).find(
    (there) =>
      there.campaign.id === campaign &&
      (once || joinOnce || there.id === card.id || (publication !== undefined && there.publication === publication)),
  )
  if (held) return undefined
  if (!active || !program.inForce(draft.now).holds)
    return refuse('campaign_not_active', `The program ${name} is not active`, {
      resource: { type: 'campaign', id: campaign },
    })
  const given = {
    ...(metadata ? { metadata: { ...metadata } } : {}),
    ...present({ source, publication, sourceId, own }),
  }
  issueCard(draft, program, { card, by: 'request', ...given }, present({ points }))
  return undefined
}

const replaceCode = (draft: Draft, { card: id, taken, attempt }: ReplaceCardCode): undefined => {
  const card = draft.state.loyalty.cards[id]
  if (!card || card.code !== taken) return undefined
  const program = programsOf(draft.rulebook).program.get(card.campaign.id)
  draft.emit('LoyaltyCardCodeReplaced', {
    card: { id, code: ruleCode(draft.rulebook, program, id, attempt) },
    campaign: card.campaign,
    before: taken,
    attempt,
    occurredAt: draft.now,
  })
  return undefined
}

const add = (draft: Draft, command: AddPoints): Refused | undefined => {
  const found = usable(draft, command.card)
  if ('refused' in found) return found
  const { card, program } = found
  const { expiry, points } = command
  if (expiry.type === 'CUSTOM_DATE' && expiry.at <= draft.now)
    return refuse('invalid_expiration_date', 'The expiration date must lie in the future', {
      resource: { type: 'voucher', id: card.code },
    })
  const full = overfull(card, points)
  if (full) return full
  const at =
    expiry.type === 'PROGRAM_RULES'
      ? expiryOf(programsOf(draft.rulebook), program, draft.now)
      : expiry.type === 'CUSTOM_DATE'
        ? expiry.at
        : null
  draft.emit('PointsAdded', {
    ...movement('PointsAdded', card, [lotFor(card, points, at)], draft.now),
    ...requested(command),
  })
  return undefined
}

const remove = (draft: Draft, command: RemovePoints): Refused | undefined => {
  const found = usable(draft, command.card)
  if ('refused' in found) return found
  const lots = lotsOut(found.card, command.points)
  if (!lots) return exceeded(found.card, command.points)
  draft.emit('PointsRemoved', { ...movement('PointsRemoved', found.card, lots, draft.now), ...requested(command) })
  return undefined
}

const changePending = (draft: Draft, command: ChangePendingPoints): Refused | undefined => {
  const found = usable(draft, command.card)
  if ('refused' in found) return found
  const { card } = found
  const pending = card.pending.find(({ id }) => id === command.pending)
  if (!pending) return refuseNotFound('pending_points', command.pending)
  const { change } = command
  const { id, points, activatesAt } = pending
  const base = { card: refOf(card), campaign: card.campaign, ...requested(command), occurredAt: draft.now }
  if ('by' in change) {
    const after = points + change.by
    if (after < 1 || after > MAX_TOTAL)
      return refuse('invalid_pending_points_state', `${points} pending points cannot be changed by ${change.by}`, {
        resource: { type: 'pending_points', id },
      })
    draft.emit('PendingPointsUpdated', { ...base, pending: { id, points: after, activatesAt }, before: points })
  } else if (change.to === 'canceled')
    draft.emit('PendingPointsCanceled', { ...base, pending: { id, points, activatesAt } })
  else activate(draft, card.id, id)
  return undefined
}

const switchCard = (draft: Draft, { card: id, active }: SwitchLoyaltyCard): Refused | undefined => {
  const card = draft.state.loyalty.cards[id]
  if (!card) return refuseNotFound('voucher', id)
  if (card.active !== active)
    draft.emit(active ? 'LoyaltyCardEnabled' : 'LoyaltyCardDisabled', {
      card: refOf(card),
      campaign: card.campaign,
      occurredAt: draft.now,
    })
  return undefined
}

/** Closes every card: the customer goes. */
export const closeCards = (draft: Draft): void => {
  for (const card of Object.values(draft.state.loyalty.cards))
    draft.emit('LoyaltyCardClosed', {
      card: refOf(card),
      campaign: card.campaign,
      balance: card.balance,
      occurredAt: draft.now,
    })
}

/** Emits the facts of a command about cards, or says why not; emitting nothing is success: it already holds. */
export const performLoyalty = (draft: Draft, command: LoyaltyCommand): Refused | undefined => {
  switch (command.type) {
    case 'IssueLoyaltyCard':
      return issue(draft, command)
    case 'ReplaceCardCode':
      return replaceCode(draft, command)
    case 'SwitchLoyaltyCard':
      return switchCard(draft, command)
    case 'AddPoints':
      return add(draft, command)
    case 'RemovePoints':
      return remove(draft, command)
    case 'TransferPoints':
      return transferOut(draft, command, requested(command))
    case 'ReceiveTransfer':
      return receiveTransfer(draft, command, requested(command))
    case 'CompleteTransfer':
      return completeTransfer(draft, command)
    case 'ReturnTransfer':
      return returnTransfer(draft, command)
    case 'RedeemReward':
      return redeemReserved(draft, command)
    case 'RefundPoints':
      return refund(draft, command)
    case 'ChangePendingPoints':
      return changePending(draft, command)
    default:
      return command satisfies never
  }
}
