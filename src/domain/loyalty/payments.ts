// Paying for rewards with points, and getting them back.
import { calendarOf } from '../calendar.ts'
import { subjectOf } from '../customer/conditions.ts'
import type { Draft } from '../customer/draft.ts'
import type { LoyaltyFactData } from '../customer/loyalty/facts.ts'
import type { Card } from '../customer/loyalty/state.ts'
import type { PaidWithPoints } from '../customer/redemptions/facts.ts'
import { campaignTarget, codeTarget, gatesBefore, refusalOf } from '../gates.ts'
import { type Refused, refuse, refuseNotFound } from '../refusal.ts'
import { timeFault } from '../validity.ts'
import { exceeded, paidFully, type RedeemReward, type RefundPoints, requested, usable } from './asked.ts'
import { lotsOut, movement } from './ledger.ts'
import { offerOf, priceOn, rewardRef } from './price.ts'
import type { Program } from './programs.ts'
import { rewardWithheld } from './rewardGifts.ts'
import { expire } from './timed.ts'

type Priced = { readonly points: number; readonly reward: LoyaltyFactData<'PointsSpent'>['reward'] }

/** What a reward costs on a card: the assignment's price as the card's tier changes it, or as many as are offered. */
const priceOf = (
  draft: Draft,
  { assignment: id, points }: RedeemReward,
  card: Card,
  program: Program,
): Priced | Refused => {
  const offer = offerOf(draft.rulebook, program.id, id)
  if (!offer) return refuseNotFound('reward_assignment', id)
  const withheld = rewardWithheld(draft, offer.reward.definition)
  if (withheld) return withheld
  const price = priceOn(offer, card, program) ?? points
  return price === undefined
    ? refuse('missing_param', 'Property .reward.points is required for a COIN reward')
    : { points: price, reward: rewardRef(offer.reward) }
}

/** The refusal of the first rule that keeps a card from being redeemed for a reward: of its program, its own, or the offer's. */
const keptBack = (
  draft: Draft,
  card: Card,
  program: Program,
  { assignment, points }: { readonly assignment: string; readonly points: number },
): Refused | undefined => {
  const redemption = { metadata: {}, points_used: points }
  const offer = { type: 'reward_assignment', names: [assignment] } as const
  for (const { condition } of gatesBefore(draft.rulebook, [
    campaignTarget(program),
    codeTarget(card.id, card.code),
    offer,
  ])) {
    const evaluation = condition.evaluate(subjectOf(draft.state), { redemption }, draft.now)
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

/** Takes the points of a redemption that was decided on the card as it is; `reservation` as in the command. */
export const spendPoints = (
  draft: Draft,
  redemption: string,
  { card: id, points, reward, assignment }: PaidWithPoints,
  more: { readonly source?: string; readonly reservation?: string },
): void => {
  const card = draft.state.loyalty.cards[id]
  const lots = card && lotsOut(card, points)
  if (!lots) throw new Error(`the card ${id} has not the ${points} points of the redemption ${redemption}`)
  draft.emit('PointsSpent', {
    ...movement('PointsSpent', card, lots, draft.now),
    ...more,
    redemption,
    reward,
    assignment,
  })
}

const redeem = (draft: Draft, command: RedeemReward): Refused | undefined => {
  const found = usable(draft, command.card)
  if ('refused' in found) return found
  const { card, program } = found
  if (!program.inForce(draft.now).holds)
    return refuse('campaign_not_active', `The program ${card.campaign.name} is not in force now`, {
      resource: { type: 'campaign', id: program.id },
    })
  const untimely =
    card.own &&
    timeFault(card.own, calendarOf(draft.rulebook.project.timeZone), draft.now, 'The card', {
      type: 'voucher',
      id: card.code,
    })
  if (untimely) return untimely
  const own = card.own?.redemption?.quantity
  const full = paidFully(card, own === undefined ? program.definition.voucher?.redemption?.quantity : own)
  if (full) return full
  const priced = priceOf(draft, command, card, program)
  if ('refused' in priced) return priced
  const { points, reward } = priced
  const { redemption, assignment, reservation } = command
  const kept = keptBack(draft, card, program, { assignment, points })
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
export const redeemReserved = (draft: Draft, command: RedeemReward): Refused | undefined => {
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

/** Whether a card can give back what a redemption took. One that was closed with its holder has nothing to give back to. */
export const isRefundable = (
  draft: Draft,
  { card, redemption }: { readonly card: string; readonly redemption: string },
) => {
  const held = draft.state.loyalty.cards[card]
  return held === undefined || Object.hasOwn(held.spends, redemption)
}

/** Gives the points of a redemption that is rolled back to its card again, where that is still there. */
export const giveBackPoints = (draft: Draft, command: RefundPoints): void => {
  if (draft.state.loyalty.cards[command.card]) refundSpend(draft, command)
}

/** Gives back what a payment by the member's own route took. */
export const refund = (draft: Draft, command: RefundPoints): Refused | undefined =>
  Object.hasOwn(draft.state.redemptions.made, command.redemption)
    ? refuse(
        'invalid_redemption',
        'It is rolled back with what it paid: POST /v1/redemptions/{redemptionId}/rollback',
        {
          resource: { type: 'redemption', id: command.redemption },
        },
      )
    : refundSpend(draft, command)

/** Gives back what a redemption took, under the dates it came from. */
const refundSpend = (draft: Draft, command: RefundPoints): Refused | undefined => {
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
