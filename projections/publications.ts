// Publications: one document for each code that was given to a customer.
import { isCustomerFact } from '../src/domain/customer/facts.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import { sortable } from '../src/domain/position.ts'
import { ruledPublication } from '../src/domain/vouchers/publish.ts'
import type { Projection } from './projection.ts'

export interface PublicationDocument {
  readonly _id: string
  readonly customer: string
  readonly voucher: { readonly id: string; readonly code: string }
  readonly campaign: { readonly id: string; readonly name: string; readonly type: string }
  readonly source_id: string | null
  readonly channel: string | null
  readonly metadata: Readonly<Record<string, unknown>>
  readonly created_at: Date
  /** The place in the log, as sortable text. */
  readonly position: string
}

export const publications: Projection<PublicationDocument> = {
  name: 'publications',
  version: 1,
  indexes: [
    { key: { position: 1 } },
    { key: { 'campaign.id': 1, position: 1 } },
    { key: { customer: 1, position: 1 } },
    { key: { 'voucher.code': 1 } },
    { key: { source_id: 1 } },
  ],
  types: ['VoucherPublished', 'VoucherCodeReplaced'],
  keys: (fact) => {
    if (!isCustomerFact(fact)) return []
    if (fact.type === 'VoucherPublished') return [fact.data.publication.id]
    // Only a code that a rule gave is ever replaced.
    return fact.type === 'VoucherCodeReplaced' ? [ruledPublication(fact.data.voucher.id)] : []
  },
  evolve: (before, fact, key) => {
    const customer = customerOfStream(fact.stream)
    if (customer === undefined || !isCustomerFact(fact)) return before
    if (fact.type === 'VoucherCodeReplaced') return before && { ...before, voucher: fact.data.voucher }
    if (fact.type !== 'VoucherPublished') return before
    const { voucher, campaign, publication, occurredAt } = fact.data
    return {
      _id: key,
      customer,
      voucher,
      campaign,
      source_id: publication.sourceId ?? null,
      channel: publication.channel ?? null,
      metadata: publication.metadata ?? {},
      created_at: new Date(occurredAt),
      position: sortable(fact.position),
    }
  },
}
