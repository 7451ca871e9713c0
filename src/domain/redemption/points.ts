// Paying with the points of a loyalty card: a redeemable that is a card names the reward that its points are to pay for.
import type { PaidWithPoints } from '../customer/redemptions/facts.ts'
import type { CustomerState } from '../customer/state.ts'
import { type Gate, gatesBefore } from '../gates.ts'
import { paidFully } from '../loyalty/asked.ts'
import { type Offer, offerNamed, pointsFor, priceOn, rewardRef, worthOf } from '../loyalty/price.ts'
import { programsOf } from '../loyalty/programs.ts'
import type { PricedOrder } from '../order.ts'
import { type Refused, refuse, refuseNotFound } from '../refusal.ts'
import type { Rulebook } from '../rulebook/rulebook.ts'
import type { ResolvedVoucher } from '../vouchers/resolve.ts'
import { applyCredits } from './discount.ts'

/** What the points of a card are to pay for. */
export interface RewardWanted {
  /** Id of the reward, or of its assignment to the program. */
  readonly id: string
  /** For a coin reward: so many points; absent: as many as the order takes. */
  readonly points?: number
  /** No more than so many: those that its place was kept for. */
  readonly most?: number
  /** The reward has none left for anybody new. */
  readonly isOutOfStock?: boolean
  /** The fact by which one of the stock was reserved for it. */
  readonly reservation?: string
}

const ofCard = ({ code }: ResolvedVoucher) => ({ resource: { type: 'voucher', id: code } })

/** What a reward that is named stands for in the program of a card; undefined when the program does not offer it. */
export const offerFor = (
  { campaign }: ResolvedVoucher,
  reward: RewardWanted | undefined,
  rulebook: Rulebook,
): Offer | undefined => (campaign && reward ? offerNamed(rulebook, campaign.id, reward.id) : undefined)

/** The rules that stand before what a program offers. */
export const offerGates = (offer: Offer | undefined, rulebook: Rulebook): readonly Gate[] =>
  offer ? gatesBefore(rulebook, [{ type: 'reward_assignment', names: [offer.assignment] }]) : []

/** Why a card cannot pay for anything now, whatever for; its code and its program were looked at before. */
export const cardFault = (voucher: ResolvedVoucher, customer: CustomerState | undefined): Refused | undefined => {
  if (voucher.holder === undefined) return refuse('not_published', 'The card was given to nobody yet', ofCard(voucher))
  if (!customer) return refuse('missing_customer', 'A loyalty card is redeemed by its holder', ofCard(voucher))
  const card = Object.hasOwn(customer.loyalty.cards, voucher.id) ? customer.loyalty.cards[voucher.id] : undefined
  if (!card) return refuse('invalid_customer', 'A loyalty card is redeemed by its holder', ofCard(voucher))
  return card.active
    ? paidFully(card, voucher.quantity)
    : refuse('loyalty_card_not_active', `The card ${card.code} is disabled`, ofCard(voucher))
}

/** What a card pays, and what of it comes off the order. */
export interface PointsPayment {
  readonly paid: PaidWithPoints
  /** Minor units. */
  readonly amount: number
  readonly after?: PricedOrder
}

/**
 * What the card of a customer pays for a reward: a coin reward comes off the order, by no more than there is to pay, and takes no
 * more points than that needs, none for what is less than a minor unit; one of another type costs its price, and the order stays. `cardFault` holds of the card.
 */
export const payWithPoints = (
  voucher: ResolvedVoucher,
  wanted: RewardWanted | undefined,
  { customer, rulebook }: { readonly customer: CustomerState; readonly rulebook: Rulebook },
  order: PricedOrder | undefined,
): PointsPayment | Refused => {
  if (!wanted)
    return refuse('missing_reward', 'Property .reward says what the points of a card are to pay for', ofCard(voucher))
  const offer = offerFor(voucher, wanted, rulebook)
  const program = programsOf(rulebook).program.get(voucher.campaign?.id ?? '')
  if (!offer || !program) return refuseNotFound('reward', wanted.id)
  const { definition, id } = offer.reward
  if (definition.type === 'CAMPAIGN')
    return refuse(
      'invalid_redeemables',
      'A reward of type CAMPAIGN is paid for by POST /v1/loyalties/members/{memberId}/redemption',
      { resource: { type: 'reward', id } },
    )
  if (wanted.isOutOfStock && wanted.reservation === undefined)
    return refuse('quantity_exceeded', `The reward ${id} is out of stock`, { resource: { type: 'reward', id } })
  const card = customer.loyalty.cards[voucher.id]!
  const exceeded = (points: number): Refused =>
    refuse(
      'loyalty_card_points_exceeded',
      `The balance of ${card.balance} is less than ${points} points`,
      ofCard(voucher),
    )
  const paid = (points: number): PaidWithPoints => ({
    card: card.id,
    points,
    reward: rewardRef(offer.reward),
    assignment: offer.assignment,
    ...(card.tier ? { tier: card.tier.id } : {}),
  })
  if (definition.type !== 'COIN') {
    const points = priceOn(offer, card, program)!
    if (points > card.balance) return exceeded(points)
    return { paid: paid(points), amount: 0, ...(order ? { after: order } : {}) }
  }
  const { coin } = definition.parameters
  if (wanted.points === undefined && !order)
    return refuse('missing_amount', 'Without an order, reward.points says how many points are to be taken', {
      resource: { type: 'voucher', id: voucher.code },
    })
  if (card.balance === 0 || (wanted.points ?? 0) > card.balance) return exceeded(wanted.points ?? 1)
  const most = Math.min(wanted.points ?? card.balance, card.balance, wanted.most ?? Number.POSITIVE_INFINITY)
  if (!order) return { paid: paid(most), amount: 0 }
  const { order: after, credits: amount } = applyCredits(order, worthOf(most, coin), Number.POSITIVE_INFINITY)
  return { paid: paid(pointsFor(amount, coin)), amount, after }
}
