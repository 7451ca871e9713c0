// Vouchers: one document a code, of whatever kind, as the facts of its own stream leave it, with sums over its redemptions.
import { customerOfStream } from '../src/domain/ids.ts'
import { sortable } from '../src/domain/position.ts'
import { type CodeFact, type CodeState, evolveCode, noCode } from '../src/domain/vouchers/code.ts'
import { projection, type Reaction, type RecordedOf, toEach } from './projection.ts'

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

/** The document of a card's code after a fact of the card. A code that went to somebody else meanwhile stays as it is. */
const withCard: Reaction<VoucherDocument, 'LoyaltyCardIssued' | 'LoyaltyCardCodeReplaced', string>[1] = (
  before,
  { data: { card, campaign, occurredAt }, stream, position },
) => {
  if (before && before.voucher !== card.id) return before
  if (before) return { ...before, issued: true, listed: before.state.owner !== undefined }
  return {
    _id: card.code,
    voucher: card.id,
    campaign: campaign.id,
    customer: customerOfStream(stream) ?? null,
    category: null,
    active: true,
    listed: false,
    issued: true,
    created_at: new Date(occurredAt),
    updated_at: null,
    position: sortable(position),
    state: noCode(card.code),
    sums: NO_VOUCHER_SUMS,
  }
}

/** The document of a code after a fact of the code's own stream. */
const withCode: Reaction<VoucherDocument, CodeFact['type'], string>[1] = (before, fact, { key }) => {
  if (!before && fact.type !== 'CodeReserved') return before
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
    // A card that nobody has is listed by its code; one that somebody has once it is there.
    listed: state.owner.type !== 'loyalty_card' || issued || state.owner.customer === undefined,
    created_at: new Date(state.createdAt),
    updated_at: state.updatedAt === null ? null : new Date(state.updatedAt),
    position: before?.position ?? sortable(fact.position),
    state,
    sums: before?.sums ?? NO_VOUCHER_SUMS,
  }
}

const ofCode = ({ data }: { readonly data: { readonly code: string } }): string => data.code
const ofCard = ({ data }: { readonly data: { readonly card: { readonly code: string } } }): string => data.card.code
/** Promotion tiers are no codes. */
const ofVoucher = ({ data }: RecordedOf<'RedemptionSucceeded' | 'RedemptionRolledBack'>): string | undefined =>
  data.promotion ? undefined : data.voucher.code

/** Adds to the sums of a code that is there. */
const summed = (
  before: VoucherDocument | null,
  { redeemed, taken, added }: Partial<VoucherSums>,
): VoucherDocument | null =>
  before && {
    ...before,
    sums: {
      redeemed: before.sums.redeemed + (redeemed ?? 0),
      taken: before.sums.taken + (taken ?? 0),
      added: before.sums.added + (added ?? 0),
    },
  }

export const vouchers = projection<VoucherDocument>({
  name: 'vouchers',
  version: 4,
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
  streams: (stream) => stream,
  on: {
    // Referees have a read model of their own.
    ...toEach(
      ['CodeReserved', 'CodeAssigned', 'CodeReleased', 'CodeEnabled', 'CodeDisabled', 'VoucherChanged'],
      ofCode,
      withCode,
    ),
    VoucherDeleted: [ofCode, () => null],
    /*
     * Redemptions count when they come about, in the stream of the customer, not when the code's ledger is told of it: who waits
     * for his own redemption sees it counted.
     */
    RedemptionSucceeded: [
      ofVoucher,
      (before, { data: { share } }) => summed(before, { redeemed: 1, taken: share.credits }),
    ],
    RedemptionRolledBack: [
      ofVoucher,
      (before, { data: { share } }) => summed(before, { redeemed: -1, taken: -share.credits }),
    ],
    GiftCreditsChanged: [ofCode, (before, { data }) => summed(before, { added: data.amount })],
    // A card may be issued before its code is reserved, or the other way round; it is closed with its holder.
    ...toEach(['LoyaltyCardIssued', 'LoyaltyCardCodeReplaced'], ofCard, withCard),
    LoyaltyCardClosed: [ofCard, (before, { data }) => (before && before.voucher !== data.card.id ? before : null)],
  },
})
