// How campaigns show, with the totals of their codes.

import * as v from 'valibot'
import type { VoucherTotalsDocument } from '../../../projections/voucherTotals.ts'
import { wholeConfig } from '../../domain/codes.ts'
import { Campaign, campaignsIn, hasOwnCodes, LoyaltyCard } from '../../domain/rulebook/campaign.ts'
import type { Definitions, Entry } from '../../domain/rulebook/kind.ts'
import { Discount, Gift, VoucherType } from '../../domain/rulebook/voucherSpec.ts'
import type { Services } from '../../services.ts'
import { CategoryObject, showCategories } from './categories.ts'
import { createdAndUpdated, Metadata, recordOf, switchedOff } from './parts.ts'
import { PromotionTierObject } from './promotionTierObject.ts'

/** The vouchers of a campaign. */
const CampaignVoucher = v.pipe(
  v.object({
    type: VoucherType,
    discount: v.optional(Discount),
    gift: v.optional(Gift),
    loyalty_card: v.optional(LoyaltyCard),
    code_config: v.object({
      length: v.optional(v.number()),
      charset: v.optional(v.string()),
      prefix: v.optional(v.string()),
      postfix: v.optional(v.string()),
      pattern: v.optional(v.string()),
      initial_count: v.optional(v.number()),
    }),
    redemption: v.object({ quantity: v.nullable(v.number()) }),
    is_referral_code: v.boolean(),
    metadata: v.optional(Metadata),
    /** Of loyalty programs. */
    active: v.optional(v.boolean()),
    object: v.optional(v.literal('voucher')),
  }),
  v.title('CampaignVoucher'),
)

export const CampaignObject = v.pipe(
  v.object({
    id: v.string(),
    ...Campaign.entries,
    voucher: v.optional(CampaignVoucher),
    vouchers_count: v.optional(v.number()),
    active: v.boolean(),
    auto_join: v.boolean(),
    join_once: v.boolean(),
    creation_status: v.string(),
    vouchers_generation_status: v.string(),
    readonly: v.boolean(),
    protected: v.boolean(),
    category_id: v.nullable(v.string()),
    categories: v.array(CategoryObject),
    /** Of promotions, where one is asked for by itself. */
    promotion: v.optional(
      v.object({
        object: v.literal('list'),
        data_ref: v.literal('tiers'),
        tiers: v.array(PromotionTierObject),
        total: v.number(),
        has_more: v.boolean(),
      }),
    ),
    ...createdAndUpdated,
    ...switchedOff,
    object: v.literal('campaign'),
  }),
  v.title('Campaign'),
)

export type Totals = Pick<VoucherTotalsDocument, 'codes' | 'published' | 'open' | 'failed'>

/** How far the codes are that a campaign was created with, or that were added to it. */
export const generationOf = (
  { vouchers_count: wanted, campaign_type: type }: Campaign,
  totals: Totals | null | undefined,
) => {
  if (!hasOwnCodes(type)) return 'DONE'
  if (!totals) return (wanted ?? 0) > 0 ? 'IN_PROGRESS' : 'DONE'
  if (totals.open > 0) return 'IN_PROGRESS'
  return totals.failed > 0 && totals.codes === 0 ? 'FAILED' : 'DONE'
}

/** The parts of a campaign that the contract always has: its vouchers whole, and the category that it is in. */
export const wholeCampaign = (campaign: Campaign, all: Definitions) => {
  const { voucher, category_id: category, campaign_type: type } = campaign
  return {
    ...(voucher || type === 'REFERRAL_PROGRAM'
      ? {
          voucher: {
            type: 'DISCOUNT_VOUCHER' as const,
            ...voucher,
            code_config: wholeConfig(voucher?.code_config ?? {}),
            redemption: { quantity: voucher?.redemption?.quantity ?? null },
            is_referral_code: type === 'REFERRAL_PROGRAM' || (voucher?.is_referral_code ?? false),
          },
        }
      : {}),
    readonly: false,
    protected: false,
    category_id: category ?? null,
    categories: showCategories(all, campaign),
  }
}

/** How many codes there are; of a type whose codes come as they are published, none were there before. */
const countOf = ({ campaign_type: type }: Campaign, totals: Totals | null | undefined) => {
  if (type === 'PROMOTION') return { vouchers_count: undefined }
  return totals === undefined && hasOwnCodes(type) ? {} : { vouchers_count: totals?.codes ?? 0 }
}

/** A campaign as the HTTP contract shows it, with its totals where they are known; null: it has none yet. */
export const showCampaign = (
  { id, definition, createdAt, updatedAt, off }: Entry<Campaign>,
  all: Definitions,
  totals?: Totals | null,
) => ({
  id,
  ...definition,
  ...wholeCampaign(definition, all),
  ...countOf(definition, totals),
  creation_status: generationOf(definition, totals),
  vouchers_generation_status: generationOf(definition, totals),
  ...recordOf({ createdAt, updatedAt, off }),
  object: 'campaign' as const,
})

/** The campaign that a path names by id or name. */
export const campaignNamed = (definitions: Definitions, name: string): Entry<Campaign> | undefined => {
  const campaigns = campaignsIn(definitions)
  return campaigns.get(name) ?? [...campaigns.values()].find(({ definition }) => definition.name === name)
}

/** The totals of campaigns, by id. */
export const totalsOf = async (
  { readModel }: Pick<Services, 'readModel'>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, VoucherTotalsDocument>> => {
  const found = await readModel
    .collection<VoucherTotalsDocument>('voucherTotals')
    .find({ _id: { $in: [...ids] } }, { limit: Math.max(1, ids.length) })
  return new Map(found.map((document) => [document._id, document]))
}
