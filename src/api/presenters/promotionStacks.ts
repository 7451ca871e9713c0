// How promotion stacks show.
import * as v from 'valibot'
import { present } from '../../domain/present.ts'
import type { Entry } from '../../domain/rulebook/kind.ts'
import type { PromotionStack } from '../../domain/rulebook/promotionStack.ts'
import type { Rulebook } from '../../domain/rulebook/rulebook.ts'
import { type Failure, isFailure, notFound } from '../../http/errors.ts'
import type { Services } from '../../services.ts'
import { isoOf, isoOrNull, offOf } from '../shapes.ts'
import { CategoryObject, showCategories } from './categories.ts'
import { findPromotion } from './promotionTiers.ts'

export const PromotionStackObject = v.pipe(
  v.object({
    id: v.string(),
    name: v.string(),
    tiers: v.object({ ids: v.array(v.string()), hierarchy_mode: v.literal('MANUAL') }),
    campaign_id: v.string(),
    category_id: v.nullable(v.string()),
    categories: v.array(CategoryObject),
    created_at: v.string(),
    updated_at: v.optional(v.string()),
    switched_off: v.optional(v.string()),
    object: v.literal('promotion_stack'),
  }),
  v.title('PromotionStack'),
)

export const showPromotionStack = (entry: Entry<PromotionStack>, { definitions }: Pick<Rulebook, 'definitions'>) => {
  const { name, tiers, campaign_id, category_id } = entry.definition
  return {
    id: entry.id,
    name,
    tiers,
    campaign_id,
    category_id: category_id ?? null,
    categories: showCategories(definitions, entry.definition),
    created_at: isoOf(entry.createdAt),
    ...present({ updated_at: isoOrNull(entry.updatedAt) }),
    ...offOf(entry),
    object: 'promotion_stack' as const,
  }
}

export const ByStack = v.object({ campaignId: v.string(), stackId: v.string() })

/** The stack that a path names within a promotion. */
export const findStack = (
  services: Pick<Services, 'rulebook'>,
  { campaignId, stackId }: v.InferOutput<typeof ByStack>,
): Entry<PromotionStack> | Failure => {
  const promotion = findPromotion(services, { campaignId })
  if (isFailure(promotion)) return promotion
  const stack = services.rulebook.current().entries('promotionStack').get(stackId)
  return stack?.definition.campaign_id === promotion.id ? stack : notFound('promotion_stack', stackId)
}
