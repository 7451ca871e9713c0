// How the holders of referral codes show.
import * as v from 'valibot'
import { isoOf } from '../shapes.ts'

export const HolderObject = v.pipe(
  v.object({
    id: v.string(),
    redeemable_id: v.string(),
    campaign_id: v.string(),
    customer_id: v.string(),
    redeemable_object: v.literal('voucher'),
    campaign_type: v.literal('REFERRAL_PROGRAM'),
    voucher_type: v.literal('DISCOUNT_VOUCHER'),
    metadata: v.record(v.string(), v.unknown()),
    holder_role: v.picklist(['REFEREE', 'REFERRER']),
    object: v.literal('redeemable_holder'),
    created_at: v.string(),
  }),
  v.title('ReferralHolder'),
)

/** A customer's place among the holders of a code. */
export const showHolder = (holder: {
  readonly id: string
  readonly voucher: string
  readonly campaign: string
  readonly customer: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly at: number
  readonly role?: 'REFEREE' | 'REFERRER'
}) => ({
  id: holder.id,
  redeemable_id: holder.voucher,
  redeemable_object: 'voucher' as const,
  campaign_id: holder.campaign,
  campaign_type: 'REFERRAL_PROGRAM' as const,
  voucher_type: 'DISCOUNT_VOUCHER' as const,
  customer_id: holder.customer,
  holder_role: holder.role ?? ('REFEREE' as const),
  metadata: holder.metadata,
  object: 'redeemable_holder' as const,
  created_at: isoOf(holder.at),
})
