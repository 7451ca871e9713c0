// How publications show.
import * as v from 'valibot'
import type { PublicationDocument } from '../../../projections/publications.ts'
import type { CustomerState } from '../../domain/customer/state.ts'
import type { VoucherRef } from '../../domain/customer/vouchers/facts.ts'
import { type HeldVoucher, heldBy } from '../../domain/customer/vouchers/state.ts'
import type { VoucherType } from '../../domain/rulebook/voucherSpec.ts'
import { isoOf } from '../shapes.ts'
import { CustomerObject, showCustomerState } from './customers.ts'
import { Metadata } from './parts.ts'

export const PublicationObject = v.pipe(
  v.object({
    id: v.string(),
    object: v.literal('publication'),
    customer_id: v.string(),
    source_id: v.nullable(v.string()),
    result: v.literal('SUCCESS'),
    tracking_id: v.nullable(v.string()),
    metadata: Metadata,
    channel: v.string(),
    /** Whole, where it may be told. */
    customer: v.object({ ...v.partial(CustomerObject.pipe[0]).entries, id: v.string(), object: v.literal('customer') }),
    /** The first of several. */
    voucher: v.object({
      id: v.string(),
      code: v.string(),
      campaign: v.nullable(v.string()),
      campaign_id: v.nullable(v.string()),
      type: v.string(),
      is_referral_code: v.boolean(),
      referrer_id: v.optional(v.string()),
      holder_id: v.string(),
      object: v.literal('voucher'),
    }),
    vouchers_id: v.optional(v.array(v.string())),
    /** The codes of a publication of several. */
    vouchers: v.array(v.string()),
    created_at: v.string(),
  }),
  v.title('Publication'),
)

interface Shown {
  readonly id: string
  readonly vouchers: readonly VoucherRef[]
  readonly campaign: { readonly id: string; readonly name: string; readonly type: string } | null
  readonly type: VoucherType | null
  readonly sourceId: string | null
  readonly channel: string | null
  readonly metadata: Readonly<Record<string, unknown>>
  readonly at: number
}

export const VOUCHER_TYPES: Readonly<Record<string, string>> = {
  GIFT_VOUCHERS: 'GIFT_VOUCHER',
  LOYALTY_PROGRAM: 'LOYALTY_CARD',
}

export type WholeCustomer = ReturnType<typeof showCustomerState>

/** `voucher` is the first of several. */
export const show = (customer: string, whole: WholeCustomer | undefined, shown: Shown) => ({
  id: shown.id,
  object: 'publication' as const,
  created_at: isoOf(shown.at),
  customer_id: customer,
  tracking_id: whole?.source_id ?? null,
  metadata: shown.metadata,
  channel: shown.channel ?? 'API',
  source_id: shown.sourceId,
  result: 'SUCCESS' as const,
  customer: whole ?? { id: customer, object: 'customer' as const },
  voucher: {
    ...shown.vouchers[0]!,
    campaign: shown.campaign?.name ?? null,
    campaign_id: shown.campaign?.id ?? null,
    type: shown.type ?? VOUCHER_TYPES[shown.campaign?.type ?? ''] ?? 'DISCOUNT_VOUCHER',
    is_referral_code: shown.campaign?.type === 'REFERRAL_PROGRAM',
    ...(shown.campaign?.type === 'REFERRAL_PROGRAM' ? { referrer_id: customer } : {}),
    holder_id: customer,
    object: 'voucher' as const,
  },
  vouchers_id: shown.vouchers.map(({ id }) => id),
  vouchers: shown.vouchers.map(({ code }) => code),
})

/** The publication of a code that a customer holds, from the state that a command has just left. */
export const showHeld = (state: CustomerState, held: HeldVoucher, toGo: number | undefined) => {
  const { id, vouchers } = state
  const together = heldBy(vouchers, held.publication.id)
  return show(id, showCustomerState(state, toGo), {
    id: held.publication.id,
    vouchers: (together.length > 0 ? together : [held]).map(({ id: voucher, code }) => ({ id: voucher, code })),
    campaign: held.campaign ?? null,
    type: held.type ?? null,
    sourceId: held.publication.sourceId ?? null,
    channel: held.publication.channel ?? null,
    metadata: held.publication.metadata ?? {},
    at: held.publishedAt,
  })
}

export const showPublication = (document: PublicationDocument, customer: WholeCustomer | undefined) =>
  show(document.customer, customer, {
    id: document._id,
    vouchers: document.vouchers,
    campaign: document.campaign,
    type: document.type,
    sourceId: document.source_id,
    channel: document.channel,
    metadata: document.metadata,
    at: document.created_at.getTime(),
  })
