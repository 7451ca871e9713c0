// Publications: one document for each code that was given to a customer, cards of loyalty programs among them.
import { type CustomerFact, isCustomerFact } from '../src/domain/customer/facts.ts'
import type { VoucherRef } from '../src/domain/customer/vouchers/facts.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import { sortable } from '../src/domain/position.ts'
import type { VoucherType } from '../src/domain/rulebook/voucherSpec.ts'
import { erasedBy, erasedKeys, TRACES_ERASED } from '../src/domain/traces.ts'
import { impliedPublication } from '../src/domain/vouchers/publish.ts'
import type { Projection } from './projection.ts'

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

type Given = Extract<CustomerFact, { readonly type: 'VoucherPublished' | 'LoyaltyCardIssued' }>

/** What was given, under which campaign, and how it was asked for. */
const givenBy = (fact: Given) => {
  if (fact.type === 'VoucherPublished') {
    const { voucher, campaign, type, publication } = fact.data
    const { sourceId, channel, metadata } = publication
    return {
      voucher,
      vouchers: [voucher],
      campaign: campaign ?? null,
      type: type ?? null,
      source_id: sourceId ?? null,
      channel: channel ?? null,
      metadata: metadata ?? {},
    }
  }
  const { card, campaign, source, metadata } = fact.data
  return {
    voucher: card,
    vouchers: [card],
    campaign: { ...campaign, type: 'LOYALTY_PROGRAM' },
    type: null,
    source_id: null,
    channel: source ?? null,
    metadata: metadata ?? {},
  }
}

/** A publication that gives several says so by a fact for each. */
const andAlso = (before: PublicationDocument, voucher: VoucherRef): PublicationDocument =>
  before.vouchers.some(({ id }) => id === voucher.id) ? before : { ...before, vouchers: [...before.vouchers, voucher] }

export const publications: Projection<PublicationDocument> = {
  name: 'publications',
  version: 4,
  indexes: [
    { key: { position: 1 } },
    { key: { 'campaign.id': 1, position: 1 } },
    { key: { customer: 1, position: 1 } },
    { key: { 'voucher.code': 1, position: 1 } },
    { key: { 'vouchers.code': 1, position: 1 } },
    { key: { channel: 1, position: 1 } },
    { key: { source_id: 1, position: 1 } },
  ],
  types: ['VoucherPublished', 'VoucherCodeReplaced', 'LoyaltyCardIssued', 'LoyaltyCardCodeReplaced', TRACES_ERASED],
  keys: (fact) => {
    if (!isCustomerFact(fact)) return erasedKeys(fact, 'publications')
    switch (fact.type) {
      case 'VoucherPublished':
        return [fact.data.publication.id]
      // Only a code that a rule gave is ever replaced.
      case 'VoucherCodeReplaced':
        return [impliedPublication(fact.data.voucher.id)]
      case 'LoyaltyCardIssued':
      case 'LoyaltyCardCodeReplaced':
        return [impliedPublication(fact.data.card.id)]
      default:
        return []
    }
  },
  evolve: (before, fact, key) => {
    if (erasedBy(fact)) return null
    const customer = customerOfStream(fact.stream)
    if (customer === undefined || !isCustomerFact(fact)) return before
    switch (fact.type) {
      case 'VoucherCodeReplaced':
        return before && { ...before, voucher: fact.data.voucher, vouchers: [fact.data.voucher] }
      case 'LoyaltyCardCodeReplaced':
        return before && { ...before, voucher: fact.data.card, vouchers: [fact.data.card] }
      case 'VoucherPublished':
      case 'LoyaltyCardIssued':
        if (before && fact.type === 'VoucherPublished') return andAlso(before, fact.data.voucher)
        return {
          _id: key,
          customer,
          ...givenBy(fact),
          created_at: new Date(fact.data.occurredAt),
          position: sortable(fact.position),
        }
      default:
        return before
    }
  },
}
