// What can be asked of a customer's cards, and which card may be asked for it.

import type { Draft } from '../customer/draft.ts'
import type { CardRef, Counterpart } from '../customer/loyalty/facts.ts'
import type { Card } from '../customer/loyalty/state.ts'
import type { ProfilePatch } from '../customer/profile.ts'
import { MAX_TOTAL } from '../points.ts'
import { present } from '../present.ts'
import { type Refused, refuse, refuseNotFound } from '../refusal.ts'
import type { CardTraits } from '../rulebook/voucherSpec.ts'
import { hasRoom } from './ledger.ts'
import { type Program, programsOf } from './programs.ts'

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
  /** What it begins with, where that is not what its program says. */
  readonly points?: number
  /** Names the request: with it a customer is given one card. */
  readonly publication?: string
  /** The caller's own name of the publication. */
  readonly sourceId?: string
  /** A customer who has a card of the program keeps that one, also where the program says otherwise. */
  readonly joinOnce?: boolean
  /** What its code says of itself. */
  readonly own?: CardTraits
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

export interface CompleteTransfer {
  readonly type: 'CompleteTransfer'
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
  | CompleteTransfer
  | ReturnTransfer
  | RedeemReward
  | RefundPoints
  | ChangePendingPoints

/** A balance that is less than what is asked for. */
export const exceeded = (card: Card, points: number): Refused =>
  refuse('loyalty_card_points_exceeded', `The balance of ${card.balance} is less than ${points} points`, {
    resource: { type: 'voucher', id: card.code },
  })

/** What a fact keeps of who asked. */
export const requested = ({ reason, sourceId, source }: Request) => ({
  ...present({ reason, sourceId, source }),
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

/** Refuses what a card would pay for beyond how often it may be redeemed (null: as often as it can), by whichever route. */
export const paidFully = ({ payments, code }: Card, quantity: number | null | undefined): Refused | undefined =>
  typeof quantity === 'number' && payments >= quantity
    ? refuse('quantity_exceeded', `The card was redeemed as often as it may be (${quantity})`, {
        resource: { type: 'voucher', id: code },
      })
    : undefined

/** Refuses what would take a card's total beyond where whole numbers are exact. */
export const overfull = (card: Card, points: number): Refused | undefined =>
  hasRoom(card, points)
    ? undefined
    : refuse('invalid_add_balance_params', `A card may be given at most ${MAX_TOTAL} points`, {
        resource: { type: 'voucher', id: card.code },
      })
