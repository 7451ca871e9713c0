// Vouchers: one document a code, of whatever kind, as the facts of its own stream leave it, with sums over its redemptions.

import type { LoyaltyFact } from '../src/domain/customer/loyalty/facts.ts'
import type { RedemptionFact } from '../src/domain/customer/redemptions/facts.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import { sortable } from '../src/domain/position.ts'
import type { RecordedFact } from '../src/domain/recorded.ts'
import type { LedgerFact } from '../src/domain/redemption/ledger.ts'
import { type CodeFact, type CodeState, evolveCode, isCodeFact, noCode } from '../src/domain/vouchers/code.ts'
import type { Projection } from './projection.ts'

/** Sums over a code's redemptions; credits in minor units. */
export interface VoucherSums {
  /** Redemptions that came about and were not rolled back. */
  readonly redeemed: number
  /** Gift credits taken by them. */
  readonly taken: number
  /** Gift credits added by hand, less those taken away. */
  readonly added: number
}

export const NO_VOUCHER_SUMS: VoucherSums = { redeemed: 0, taken: 0, added: 0 }

export interface VoucherDocument {
  /** The code. */
  readonly _id: string
  /** Copies for the indexes; null for a single voucher, and for one that nobody has. */
  readonly voucher: string
  readonly campaign: string | null
  readonly customer: string | null
  readonly category: string | null
  readonly active: boolean
  /** Whether there is such a voucher: the code is reserved and, where it is to be that of a loyalty card, the card is there. */
  readonly listed: boolean
  /** For loyalty cards, which are in the streams of their holders. */
  readonly issued: boolean
  readonly created_at: Date
  readonly updated_at: Date | null
  /** The place in the log of the code's first fact, as sortable text. */
  readonly position: string
  readonly state: CodeState
  readonly sums: VoucherSums
}

/** Referees have a read model of their own. */
type VoucherFact = Exclude<CodeFact, { readonly type: 'RefereesAssigned' | 'RefereeRemoved' }>

const TYPES = [
  'CodeReserved',
  'CodeAssigned',
  'CodeReleased',
  'CodeEnabled',
  'CodeDisabled',
  'VoucherChanged',
  'VoucherDeleted',
] as const satisfies readonly VoucherFact['type'][]

/*
 * Redemptions count when they come about, in the stream of the customer, not when the code's ledger is told of it: who waits for
 * his own redemption sees it counted.
 */
const SUMMED_TYPES = ['RedemptionSucceeded', 'RedemptionRolledBack', 'GiftCreditsChanged'] as const
type SummedFact = Extract<RedemptionFact | LedgerFact, { readonly type: (typeof SUMMED_TYPES)[number] }>

const isSummed = (fact: { readonly type: string; readonly data: unknown }): fact is SummedFact =>
  SUMMED_TYPES.some((type) => type === fact.type)

const codeIn = (fact: SummedFact): string =>
  fact.type === 'GiftCreditsChanged' ? fact.data.code : fact.data.voucher.code

const summed = (sums: VoucherSums, fact: SummedFact): VoucherSums => {
  switch (fact.type) {
    case 'RedemptionSucceeded':
      return { ...sums, redeemed: sums.redeemed + 1, taken: sums.taken + fact.data.share.credits }
    case 'RedemptionRolledBack':
      return { ...sums, redeemed: sums.redeemed - 1, taken: sums.taken - fact.data.share.credits }
    case 'GiftCreditsChanged':
      return { ...sums, added: sums.added + fact.data.amount }
    default:
      return fact satisfies never
  }
}

/* A card may be issued before its code is reserved, or the other way round; it is closed with its holder. */
const CARD_TYPES = ['LoyaltyCardIssued', 'LoyaltyCardCodeReplaced', 'LoyaltyCardClosed'] as const
type CardFact = Extract<LoyaltyFact, { readonly type: (typeof CARD_TYPES)[number] }>

const isCardFact = (fact: { readonly type: string; readonly data: unknown }): fact is CardFact =>
  CARD_TYPES.some((type) => type === fact.type)

/** The document of a card's code after a fact of the card. A code that went to somebody else meanwhile stays as it is. */
const withCard = (before: VoucherDocument | null, recorded: RecordedFact, fact: CardFact): VoucherDocument | null => {
  const { card, campaign, occurredAt } = fact.data
  if (before && before.voucher !== card.id) return before
  if (fact.type === 'LoyaltyCardClosed') return null
  if (before) return { ...before, issued: true, listed: before.state.owner !== undefined }
  return {
    _id: card.code,
    voucher: card.id,
    campaign: campaign.id,
    customer: customerOfStream(recorded.stream) ?? null,
    category: null,
    active: true,
    listed: false,
    issued: true,
    created_at: new Date(occurredAt),
    updated_at: null,
    position: sortable(recorded.position),
    state: noCode(card.code),
    sums: NO_VOUCHER_SUMS,
  }
}

const isVoucherFact = (fact: { readonly type: string; readonly data: unknown }): fact is VoucherFact =>
  isCodeFact(fact) && TYPES.some((type) => type === fact.type)

export const vouchers: Projection<VoucherDocument> = {
  name: 'vouchers',
  version: 3,
  indexes: [
    { key: { voucher: 1 } },
    { key: { customer: 1, listed: 1, position: 1 } },
    // Lists in each order, of all codes and of a campaign's.
    { key: { listed: 1, position: 1 } },
    { key: { listed: 1, updated_at: 1, _id: 1 } },
    { key: { listed: 1, _id: 1 } },
    { key: { campaign: 1, listed: 1, position: 1 } },
    { key: { campaign: 1, listed: 1, updated_at: 1, _id: 1 } },
    { key: { campaign: 1, listed: 1, _id: 1 } },
    // Free codes, and those of a customer's that a campaign gave.
    { key: { campaign: 1, customer: 1, active: 1, position: 1 } },
    { key: { customer: 1, active: 1, position: 1 } },
  ],
  types: [...TYPES, ...SUMMED_TYPES, ...CARD_TYPES],
  keys: (fact) => {
    if (isVoucherFact(fact)) return [fact.data.code]
    if (isCardFact(fact)) return [fact.data.card.code]
    return isSummed(fact) ? [codeIn(fact)] : []
  },
  evolve: (before, fact, key) => {
    if (isCardFact(fact)) return withCard(before, fact, fact)
    if (isSummed(fact)) return before && { ...before, sums: summed(before.sums, fact) }
    if (!isVoucherFact(fact) || (!before && fact.type !== 'CodeReserved')) return before
    if (fact.type === 'VoucherDeleted') return null
    const state = evolveCode(before?.state ?? noCode(key), fact)
    if (!state.owner) return before
    const issued = before?.issued === true && before.voucher === state.owner.id
    return {
      _id: key,
      voucher: state.owner.id,
      campaign: state.owner.campaign ?? null,
      customer: state.owner.customer ?? null,
      category: state.spec.category ?? null,
      active: state.active,
      issued,
      listed: state.owner.type !== 'loyalty_card' || issued,
      created_at: new Date(state.createdAt),
      updated_at: state.updatedAt === null ? null : new Date(state.updatedAt),
      position: before?.position ?? sortable(fact.position),
      state,
      sums: before?.sums ?? NO_VOUCHER_SUMS,
    }
  },
}
