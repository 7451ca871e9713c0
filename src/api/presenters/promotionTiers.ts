// How promotion tiers show, with their campaign and the rules that stand before them.
import * as v from 'valibot'
import type { PromotionTotalsDocument } from '../../../projections/promotionTotals.ts'
import { present } from '../../domain/present.ts'
import type { Campaign } from '../../domain/rulebook/campaign.ts'
import type { Entry } from '../../domain/rulebook/kind.ts'
import { type PromotionTier, promotionTiersOf } from '../../domain/rulebook/promotionTier.ts'
import type { Rulebook } from '../../domain/rulebook/rulebook.ts'
import { type Failure, notFound } from '../../http/errors.ts'
import type { Services } from '../../services.ts'
import { campaignNamed } from './campaigns.ts'
import { showCategories } from './categories.ts'
import { recordOf } from './parts.ts'
import { showAssignmentsTo } from './validationRules.ts'
import { showValidity } from './validity.ts'

const showPromotion = ({ id, definition }: Entry<Campaign>) => ({
  id,
  ...showValidity(definition),
  active: definition.active,
  ...present({ category_id: definition.category_id }),
  object: 'campaign' as const,
})

/** A promotion tier as the HTTP contract shows it. */
export const showPromotionTier = (entry: Entry<PromotionTier>, rulebook: Rulebook) => {
  const { id, definition } = entry
  const { name, banner, action, hierarchy, campaign_id, active, metadata, category, category_id } = definition
  const campaign = rulebook.entries('campaign').get(campaign_id)
  return {
    id,
    name,
    ...present({ banner }),
    action,
    hierarchy,
    promotion_id: campaign_id,
    campaign_id,
    ...(campaign ? { campaign: showPromotion(campaign) } : {}),
    active,
    ...showValidity(definition),
    metadata,
    validation_rule_assignments: showAssignmentsTo(rulebook, 'promotion_tier', id),
    ...present({ category, category_id }),
    categories: showCategories(rulebook.definitions, definition, campaign?.definition),
    ...recordOf(entry),
    object: 'promotion_tier' as const,
  }
}

/** Promotion tiers with what was redeemed of each. */
export const showTiersWithTotals = async (
  { readModel }: Pick<Services, 'readModel'>,
  entries: readonly Entry<PromotionTier>[],
  rulebook: Rulebook,
) => {
  const ids = entries.map(({ id }) => id)
  const found = await readModel
    .collection<PromotionTotalsDocument>('promotionTotals')
    .find({ _id: { $in: ids } }, { limit: Math.max(1, ids.length) })
  const totals = new Map(found.map((document) => [document._id, document]))
  return entries.map((entry) => {
    const { redeemed = 0, orders = 0, discounted = 0 } = totals.get(entry.id) ?? {}
    const summary = {
      redemptions: { total_redeemed: redeemed },
      orders: { total_amount: orders, total_discount_amount: discounted },
    }
    return { ...showPromotionTier(entry, rulebook), summary }
  })
}

/** One of them. */
export const showTierWithTotals = async (
  services: Pick<Services, 'readModel'>,
  entry: Entry<PromotionTier>,
  rulebook: Rulebook,
): Promise<object> => (await showTiersWithTotals(services, [entry], rulebook))[0]!

/** The tiers of a campaign, in their order. */
export const tiersOf = (campaign: string, rulebook: Rulebook): readonly Entry<PromotionTier>[] =>
  promotionTiersOf(campaign, rulebook.definitions).map(
    (entry) => rulebook.entries('promotionTier').get(entry.id) ?? entry,
  )

/** The tiers of a promotion, for the answer about the campaign; nothing for campaigns of other types. */
export const promotionOf = ({ id, definition }: Entry<Campaign>, rulebook: Rulebook) => {
  if (definition.campaign_type !== 'PROMOTION') return {}
  const tiers = tiersOf(id, rulebook).map((entry) => showPromotionTier(entry, rulebook))
  return { promotion: { object: 'list', data_ref: 'tiers', tiers, total: tiers.length, has_more: false } } as const
}

/** The promotion tier of an id as it is now; undefined when there is none any more. */
export const showTierNow = ({ rulebook }: Pick<Services, 'rulebook'>, id: string): object | undefined => {
  const current = rulebook.current()
  const entry = current.entries('promotionTier').get(id)
  return entry && showPromotionTier(entry, current)
}

export const ByPromotion = v.object({ campaignId: v.string() })

/** The promotion campaign that a path names by id or name. */
export const findPromotion = (
  { rulebook }: Pick<Services, 'rulebook'>,
  { campaignId: name }: v.InferOutput<typeof ByPromotion>,
): Entry<Campaign> | Failure => {
  const found = campaignNamed(rulebook.current().definitions, name)
  return found?.definition.campaign_type === 'PROMOTION' ? found : notFound('campaign', name)
}
