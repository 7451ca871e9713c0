// Promotion tiers: discounts without a code, each for whoever its rules and those of its campaign let through.

import * as v from 'valibot'
import { calendarOf } from '../calendar.ts'
import { name300 } from '../name.ts'
import { validityFaults, validityFields } from '../validity.ts'
import { campaignsIn } from './campaign.ts'
import { categoryFaults, categoryUses } from './category.ts'
import type { Definitions, Entry, Fault, Kind } from './kind.ts'
import { Discount } from './voucherSpec.ts'

/** A list of the tiers of a campaign is always whole. */
export const MAX_TIERS = 100
const MAX_HIERARCHY = 1_000_000

const text = (max: number) => v.pipe(v.string(), v.maxLength(max))

export const PromotionTier = v.object({
  campaign_id: v.string(),
  name: name300,
  /** What a shop may say to its customers. */
  banner: v.nullish(text(3_000)),
  /** A tier without one takes nothing off. */
  action: v.optional(v.object({ discount: v.optional(Discount) }), {}),
  /** Its place among the tiers of its campaign: the lower, the earlier. */
  hierarchy: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_HIERARCHY)),
  active: v.optional(v.boolean(), true),
  ...validityFields,
  category: v.nullish(text(300)),
  category_id: v.nullish(text(300)),
  metadata: v.optional(v.record(v.string(), v.unknown()), {}),
})
export type PromotionTier = v.InferOutput<typeof PromotionTier>

/** The tiers of a campaign in their order. */
export const promotionTiersOf = (campaign: string, all: Definitions): readonly Entry<PromotionTier>[] =>
  [...((all.entries.promotionTier ?? new Map()) as ReadonlyMap<string, Entry<PromotionTier>>).values()]
    .filter(({ definition }) => definition.campaign_id === campaign)
    .sort((a, b) => a.definition.hierarchy - b.definition.hierarchy || a.createdAt - b.createdAt)

const check = (_: string, definition: PromotionTier, all: Definitions): readonly Fault[] => [
  ...(campaignsIn(all).get(definition.campaign_id)?.definition.campaign_type === 'PROMOTION'
    ? []
    : [{ path: 'campaign_id', message: `must name a promotion campaign: there is no ${definition.campaign_id}` }]),
  ...validityFaults(definition, calendarOf(all.project?.timeZone ?? 'UTC')),
  ...categoryFaults(definition, all),
]

const tooMany = (id: string, { campaign_id: campaign }: PromotionTier, all: Definitions): readonly Fault[] =>
  promotionTiersOf(campaign, all).filter((other) => other.id !== id).length < MAX_TIERS
    ? []
    : [{ path: 'campaign_id', message: `must NOT name a campaign that has ${MAX_TIERS} tiers already` }]

export const promotionTierKind: Kind<PromotionTier> = {
  fact: 'PromotionTier',
  prefix: 'promo',
  resource: 'promotion_tier',
  schema: PromotionTier,
  uniqueName: ({ name, campaign_id: campaign }) => `${name} in ${campaign}`,
  check,
  checkChange: tooMany,
  doubts: ({ action }) => (action.discount ? [] : ['a tier without a discount takes nothing off']),
  goesWith: ({ campaign_id: id }) => ({ kind: 'campaign', id }),
  uses: categoryUses,
}
