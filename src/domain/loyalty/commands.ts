// What can be asked of a customer's cards, and the facts or refusals that each asking gives.

import { subjectOf } from '../customer/conditions.ts'
import type { Draft } from '../customer/draft.ts'
import type { CardRef, Counterpart, LoyaltyFactData } from '../customer/loyalty/facts.ts'
import type { Card } from '../customer/loyalty/state.ts'
import type { ProfilePatch } from '../customer/profile.ts'
import { campaignTarget, codeTarget, gatesBefore } from '../gates.ts'
import { MAX_TOTAL } from '../points.ts'
import { refusalOf } from '../redemption/evaluate.ts'
import { type Refused, refuse, refuseNotFound } from '../refusal.ts'
import { issueCard, ruleCode } from './cards.ts'
import { hasRoom, lotFor, lotsOut, movement, refOf } from './ledger.ts'
import { expiryOf, type Program, programsOf } from './programs.ts'
import { rewardWithheld } from './rewardGifts.ts'
import { activate, expire } from './timed.ts'
import { receiveTransfer, returnTransfer, settleTransfer, transferOut } from './transfers.ts'

/** Who asks, in which words. */
export interface Request {
  readonly reason?: string
  readonly sourceId?: string
  /** The caller's channel. */
  readonly source?: string
}

export type Expiry =
  | { readonly type: 'PROGRAM_RULES' }
  | { readonly type: 'NON_EXPIRING' }
  | { readonly type: 'CUSTOM_DATE'; readonly at: number }

export interface IssueLoyaltyCard {
  readonly type: 'IssueLoyaltyCard'
  readonly campaign: string
  readonly card: CardRef
  readonly profile: ProfilePatch
  readonly mayCreate: boolean
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly source?: string
}

/** The code that a rule gave was taken: another attempt, which a process reserves in turn. */
export interface ReplaceCardCode {
  readonly type: 'ReplaceCardCode'
  readonly card: string
  /** The code that was taken. */
  readonly taken: string
  readonly attempt: number
}

export interface SwitchLoyaltyCard {
  readonly type: 'SwitchLoyaltyCard'
  readonly card: string
  readonly active: boolean
}

export interface AddPoints extends Request {
  readonly type: 'AddPoints'
  readonly card: string
  readonly points: number
  readonly expiry: Expiry
}

export interface RemovePoints extends Request {
  readonly type: 'RemovePoints'
  readonly card: string
  readonly points: number
}

/** Takes points out for another card, of this customer or another's. */
export interface TransferPoints extends Request {
  readonly type: 'TransferPoints'
  readonly card: string
  readonly points: number
  readonly to: Counterpart
}

/** The other side of a transfer that left: by a process, with what the fact said. */
export interface ReceiveTransfer extends Request {
  readonly type: 'ReceiveTransfer'
  readonly transfer: string
  readonly card: string
  readonly points: number
  readonly from: Counterpart
}

export interface SettleTransfer {
  readonly type: 'SettleTransfer'
  readonly card: string
  readonly transfer: string
}

export interface ReturnTransfer {
  readonly type: 'ReturnTransfer'
  readonly card: string
  readonly transfer: string
  readonly to: Counterpart
  readonly reason: string
}

/** Pays for a reward with points. */
export interface RedeemReward extends Request {
  readonly type: 'RedeemReward'
  readonly card: string
  readonly redemption: string
  readonly assignment: string
  /** For a coin reward, which has no price of its own. */
  readonly points?: number
  /** The fact by which one of the stock was reserved: a refusal is then recorded, so that it can be released. */
  readonly reservation?: string
}

export interface RefundPoints extends Request {
  readonly type: 'RefundPoints'
  readonly card: string
  readonly redemption: string
}

export interface ChangePendingPoints extends Request {
  readonly type: 'ChangePendingPoints'
  readonly card: string
  readonly pending: string
  readonly change: { readonly to: 'activated' } | { readonly to: 'canceled' } | { readonly by: number }
}

export type LoyaltyCommand =
  | IssueLoyaltyCard
  | ReplaceCardCode
  | SwitchLoyaltyCard
  | AddPoints
  | RemovePoints
  | TransferPoints
  | ReceiveTransfer
  | SettleTransfer
  | ReturnTransfer
  | RedeemReward
  | RefundPoints
  | ChangePendingPoints

export const exceeded = (card: Card, points: number): Refused =>
  refuse('loyalty_card_points_exceeded', `The balance of ${card.balance} is less than ${points} points`, {
    resource: { type: 'voucher', id: card.code },
  })

const requested = ({ reason, sourceId, source }: Request) => ({
  ...(reason === undefined ? {} : { reason }),
  ...(sourceId === undefined ? {} : { sourceId }),
  ...(source === undefined ? {} : { source }),
})

/** A card that may be used, with its program; else why not. */
export const usable = (draft: Draft, id: string): { readonly card: Card; readonly program: Program } | Refused => {
  const card = draft.state.loyalty.cards[id]
  if (!card) return refuseNotFound('voucher', id)
  const resource = { type: 'voucher', id: card.code }
  if (!card.active) return refuse('loyalty_card_not_active', `The card ${card.code} is disabled`, { resource })
  const program = programsOf(draft.rulebook).program.get(card.campaign.id)
  if (!program) return refuseNotFound('campaign', card.campaign.id)
  if (!program.definition.active)
    return refuse('campaign_not_active', `The program ${card.campaign.name} is disabled`, {
      resource: { type: 'campaign', id: card.campaign.id },
    })
  return { card, program }
}

/** Refuses what would take a card's total beyond where whole numbers are exact. */
export const overfull = (card: Card, points: number): Refused | undefined =>
  hasRoom(card, points)
    ? undefined
    : refuse('invalid_add_balance_params', `A card may be given at most ${MAX_TOTAL} points`, {
        resource: { type: 'voucher', id: card.code },
      })

const issue = (draft: Draft, { campaign, card, metadata, source }: IssueLoyaltyCard): Refused | undefined => {
  const program = programsOf(draft.rulebook).program.get(campaign)
  if (!program) return refuseNotFound('campaign', campaign)
  const { active, join_once: once, name } = program.definition
  const held = Object.values(draft.state.loyalty.cards).find(
    (there) => there.campaign.id === campaign && (once || there.id === card.id),
  )
  if (held) return undefined
  if (!active || !program.inForce(draft.now).holds)
    return refuse('campaign_not_active', `The program ${name} is not active`, {
      resource: { type: 'campaign', id: campaign },
    })
  const given = { ...(metadata ? { metadata: { ...metadata } } : {}), ...(source === undefined ? {} : { source }) }
  issueCard(draft, program, { card, by: 'request', ...given })
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

type Priced = { readonly points: number; readonly reward: LoyaltyFactData<'PointsSpent'>['reward'] }

/** What a reward costs on a card: the assignment's price as the card's tier changes it, or as many as are offered. */
const priceOf = (
  draft: Draft,
  { assignment: id, points }: RedeemReward,
  card: Card,
  program: Program,
): Priced | Refused => {
  const assignment = draft.rulebook.entries('rewardAssignment').get(id)
  if (assignment?.definition.campaign !== program.id || assignment.off !== undefined)
    return refuseNotFound('reward_assignment', id)
  const entry = draft.rulebook.entries('reward').get(assignment.definition.reward_id)
  if (!entry) return refuseNotFound('reward', assignment.definition.reward_id)
  const withheld = rewardWithheld(draft, entry.definition)
  if (withheld) return withheld
  const { name, type } = entry.definition
  const reward = { id: entry.id, name, type, revision: entry.revision }
  if (type === 'COIN') {
    if (points === undefined) return refuse('missing_param', 'Property .reward.points is required for a COIN reward')
    return { points, reward }
  }
  const price = assignment.definition.parameters?.loyalty?.points ?? 0
  const mapping = program.tiers.find((tier) => tier.id === card.tier?.id)?.definition.rewards[id]
  if (!mapping) return { points: price, reward }
  return { points: mapping.type === 'CUSTOM' ? mapping.points : Math.floor(price * mapping.multiplier), reward }
}

/** The refusal of the first rule that keeps a card from being redeemed for a reward: of its program, its own, or the offer's. */
const keptBack = (draft: Draft, card: Card, program: Program, assignment: string): Refused | undefined => {
  const offer = { type: 'reward_assignment', names: [assignment] } as const
  for (const { condition } of gatesBefore(draft.rulebook, [
    campaignTarget(program),
    codeTarget(card.id, card.code),
    offer,
  ])) {
    const evaluation = condition.evaluate(subjectOf(draft.state), { redemption: { metadata: {} } }, draft.now)
    if (evaluation.holds) continue
    const { failed } = evaluation
    const { key, details } = refusalOf(evaluation, { customer: draft.state })
    return refuse(key, details, {
      resource: { type: 'voucher', id: card.code },
      ...(failed?.message === undefined ? {} : { ruleMessage: failed.message }),
    })
  }
  return undefined
}

const redeem = (draft: Draft, command: RedeemReward): Refused | undefined => {
  const found = usable(draft, command.card)
  if ('refused' in found) return found
  const { card, program } = found
  if (!program.inForce(draft.now).holds)
    return refuse('campaign_not_active', `The program ${card.campaign.name} is not in force now`, {
      resource: { type: 'campaign', id: program.id },
    })
  const priced = priceOf(draft, command, card, program)
  if ('refused' in priced) return priced
  const { points, reward } = priced
  const { redemption, assignment, reservation } = command
  const kept = keptBack(draft, card, program, assignment)
  if (kept) return kept
  const lots = lotsOut(card, points)
  if (!lots) return exceeded(card, points)
  draft.emit('PointsSpent', {
    ...movement('PointsSpent', card, lots, draft.now),
    ...requested(command),
    redemption,
    reward,
    assignment,
    ...(reservation === undefined ? {} : { reservation }),
  })
  return undefined
}

/** As `redeem`; a refusal of what was reserved is recorded for whoever must release it. */
const redeemReserved = (draft: Draft, command: RedeemReward): Refused | undefined => {
  const refused = redeem(draft, command)
  if (!refused || command.reservation === undefined) return refused
  const { card, redemption, assignment, reservation } = command
  const entry = draft.rulebook.entries('rewardAssignment').get(assignment)
  const reward = entry && draft.rulebook.entries('reward').get(entry.definition.reward_id)
  draft.emit('RewardDeclined', {
    card,
    redemption,
    assignment,
    reservation,
    reward: {
      id: reward?.id ?? '',
      name: reward?.definition.name ?? '',
      type: reward?.definition.type ?? '',
      revision: reward?.revision ?? '-1',
    },
    key: refused.refused.key,
    reason: refused.refused.details,
    occurredAt: draft.now,
  })
  return undefined
}

const refund = (draft: Draft, command: RefundPoints): Refused | undefined => {
  const card = draft.state.loyalty.cards[command.card]
  if (!card) return refuseNotFound('voucher', command.card)
  const spend = Object.hasOwn(card.spends, command.redemption) ? card.spends[command.redemption] : undefined
  if (!spend)
    return refuse('already_rolled_back', `The redemption ${command.redemption} cannot be rolled back (any more)`, {
      resource: { type: 'redemption', id: command.redemption },
    })
  const { reward, assignment, reservation, lots } = spend
  // Points that came back while their code or points stay good would be paid out twice.
  if (reward.type === 'CAMPAIGN')
    return refuse(
      'invalid_rollback_params',
      'A reward of type CAMPAIGN stays with its customer: what it gives is given out',
      {
        resource: { type: 'redemption', id: command.redemption },
      },
    )
  draft.emit('PointsRefunded', {
    ...movement('PointsRefunded', card, lots, draft.now),
    ...requested(command),
    redemption: command.redemption,
    reward,
    assignment,
    ...(reservation === undefined ? {} : { reservation }),
  })
  // What would have expired in the meantime does so now.
  expire(draft, card.id)
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
    case 'SettleTransfer':
      return settleTransfer(draft, command)
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
