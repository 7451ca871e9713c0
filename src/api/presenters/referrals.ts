// How the holders of referral codes show.
import * as v from 'valibot'
import type { PublicationDocument } from '../../../projections/publications.ts'
import type { ReferralDocument, RewardView } from '../../../projections/referrals.ts'
import { activityId } from '../../domain/customer/activity.ts'
import { isoOf, isoOrNull } from '../shapes.ts'

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

const Status = v.picklist(['pending', 'refused', 'converted', 'rewarded'])

const RewardGiven = v.object({
  state: v.string(),
  type: v.nullish(v.string()),
  amount: v.nullish(v.number()),
  tier_from: v.nullish(v.unknown()),
  voucher: v.nullable(v.object({ id: v.string(), code: v.string(), object: v.literal('voucher') })),
  campaign: v.nullable(v.record(v.string(), v.unknown())),
  reason: v.nullable(v.string()),
  at: v.nullable(v.string()),
})

const NamedCampaign = v.object({ id: v.string(), name: v.string(), object: v.literal('campaign') })

export const ReferralObject = v.pipe(
  v.object({
    id: v.string(),
    status: Status,
    campaign: NamedCampaign,
    voucher: v.object({ id: v.string(), code: v.string(), object: v.literal('voucher') }),
    referrer_id: v.string(),
    referee_id: v.string(),
    event: v.nullable(v.object({ id: v.string(), type: v.string(), object: v.literal('event') })),
    number: v.nullable(v.number()),
    referee_reward: v.nullable(RewardGiven),
    referrer_reward: v.nullable(RewardGiven),
    refused: v.nullable(v.object({ reason: v.string(), details: v.nullish(v.string()), at: v.string() })),
    holder_id: v.nullable(v.string()),
    converted_at: v.nullable(v.string()),
    created_at: v.string(),
    updated_at: v.string(),
    object: v.literal('referral'),
  }),
  v.title('Referral'),
)

const showRewardOfReferral = (reward: RewardView | null) =>
  reward && {
    state: reward.state,
    type: reward.type,
    amount: reward.amount,
    tier_from: reward.tier,
    voucher: reward.given ? { id: reward.given.id, code: reward.given.code, object: 'voucher' } : null,
    campaign: reward.given ? { ...reward.given.campaign, object: 'campaign' } : null,
    reason: reward.reason ?? null,
    at: isoOrNull(reward.at?.getTime()),
  }

export const showReferral = (document: ReferralDocument) => ({
  id: document._id,
  status: document.status,
  campaign: { ...document.campaign, object: 'campaign' },
  voucher: { ...document.voucher, object: 'voucher' },
  referrer_id: document.referrer,
  referee_id: document.referee,
  event: document.event && { id: activityId(document.event.fact), type: document.event.name, object: 'event' },
  number: document.number,
  referee_reward: showRewardOfReferral(document.referee_reward),
  referrer_reward: showRewardOfReferral(document.referrer_reward),
  refused: document.refused && {
    reason: document.refused.reason,
    details: document.refused.details,
    at: isoOf(document.refused.at.getTime()),
  },
  holder_id: document.holder?.id ?? null,
  converted_at: isoOrNull(document.converted_at?.getTime()),
  created_at: isoOf(document.created_at.getTime()),
  updated_at: isoOf(document.updated_at.getTime()),
  object: 'referral' as const,
})

/** How many referrals there are of each status. */
export const Totals = v.object({
  pending: v.number(),
  refused: v.number(),
  converted: v.number(),
  rewarded: v.number(),
  conversions: v.number(),
})

export const ReferralCode = v.object({
  id: v.string(),
  code: v.string(),
  campaign: v.string(),
  campaign_id: v.string(),
  is_referral_code: v.boolean(),
  referrer_id: v.string(),
  active: v.boolean(),
  published_at: v.string(),
  object: v.literal('voucher'),
})

/** A code of a campaign: the filters ask for no others. */
export type PublishedCode = PublicationDocument & { readonly campaign: NonNullable<PublicationDocument['campaign']> }

export const showReferralCode = (code: PublishedCode, active: boolean) => ({
  id: code.voucher.id,
  code: code.voucher.code,
  campaign: code.campaign.name,
  campaign_id: code.campaign.id,
  is_referral_code: true,
  referrer_id: code.customer,
  active,
  published_at: isoOf(code.created_at.getTime()),
  object: 'voucher' as const,
})
