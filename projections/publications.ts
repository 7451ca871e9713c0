// Publications: one document for each code that was given to a customer, cards of loyalty programs among them.
import type { VoucherRef } from '../src/domain/customer/vouchers/facts.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import { sortable } from '../src/domain/position.ts'
import type { VoucherType } from '../src/domain/rulebook/voucherSpec.ts'
import { impliedPublication } from '../src/domain/vouchers/publish.ts'
import { erasing, projection } from './projection.ts'

export interface PublicationDocument {
  readonly _id: string
  readonly customer: string
  /** The first of those that it gave, by which publications are sorted. */
  readonly voucher: VoucherRef
  /** All that it gave. */
  readonly vouchers: readonly VoucherRef[]
  /** Null for a single voucher. */
  readonly campaign: { readonly id: string; readonly name: string; readonly type: string } | null
  /** What a single voucher is. */
  readonly type: VoucherType | null
  readonly source_id: string | null
  readonly channel: string | null
  readonly metadata: Readonly<Record<string, unknown>>
  readonly created_at: Date
  /** The place in the log, as sortable text. */
  readonly position: string
}

/** A publication that gives several says so by a fact for each. */
const andAlso = (before: PublicationDocument, voucher: VoucherRef): PublicationDocument =>
  before.vouchers.some(({ id }) => id === voucher.id) ? before : { ...before, vouchers: [...before.vouchers, voucher] }

/** Only a code that a rule gave is ever replaced. */
const replaced = (before: PublicationDocument | null, voucher: VoucherRef): PublicationDocument | null =>
  before && { ...before, voucher, vouchers: [voucher] }

export const publications = projection<PublicationDocument>({
  name: 'publications',
  version: 5,
  indexes: [
    { key: { position: 1 } },
    { key: { 'campaign.id': 1, position: 1 } },
    { key: { customer: 1, position: 1 } },
    { key: { 'voucher.code': 1, position: 1 } },
    { key: { 'vouchers.code': 1, position: 1 } },
    { key: { channel: 1, position: 1 } },
    { key: { source_id: 1, position: 1 } },
  ],
  streams: customerOfStream,
  on: {
    VoucherPublished: [
      ({ data }) => data.publication.id,
      (before, { data: { voucher, campaign, type, publication, occurredAt }, position }, { key, owner }) =>
        before
          ? andAlso(before, voucher)
          : {
              _id: key,
              customer: owner,
              voucher,
              vouchers: [voucher],
              campaign: campaign ?? null,
              type: type ?? null,
              source_id: publication.sourceId ?? null,
              channel: publication.channel ?? null,
              metadata: publication.metadata ?? {},
              created_at: new Date(occurredAt),
              position: sortable(position),
            },
    ],
    VoucherCodeReplaced: [
      ({ data }) => impliedPublication(data.voucher.id),
      (before, { data }) => replaced(before, data.voucher),
    ],
    LoyaltyCardIssued: [
      ({ data }) => impliedPublication(data.card.id),
      (_, { data: { card, campaign, source, sourceId, metadata, occurredAt }, position }, { key, owner }) => ({
        _id: key,
        customer: owner,
        voucher: card,
        vouchers: [card],
        campaign: { ...campaign, type: 'LOYALTY_PROGRAM' },
        type: null,
        source_id: sourceId ?? null,
        channel: source ?? null,
        metadata: metadata ?? {},
        created_at: new Date(occurredAt),
        position: sortable(position),
      }),
    ],
    LoyaltyCardCodeReplaced: [
      ({ data }) => impliedPublication(data.card.id),
      (before, { data }) => replaced(before, data.card),
    ],
    ...erasing('publications'),
  },
})
