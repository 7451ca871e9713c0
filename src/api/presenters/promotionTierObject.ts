// What answers say of a promotion tier.
import * as v from 'valibot'
import { PromotionTier } from '../../domain/rulebook/promotionTier.ts'
import { validityFields } from '../../domain/validity.ts'
import { CategoryObject } from './categories.ts'
import { createdAndUpdated, switchedOff } from './parts.ts'
import { AssignmentList } from './validationRules.ts'

export const PromotionTierObject = v.pipe(
  v.object({
    id: v.string(),
    ...PromotionTier.entries,
    banner: v.optional(v.string()),
    promotion_id: v.string(),
    campaign: v.optional(
      v.object({
        id: v.string(),
        ...validityFields,
        active: v.boolean(),
        category_id: v.optional(v.string()),
        object: v.literal('campaign'),
      }),
    ),
    active: v.boolean(),
    category: v.optional(v.string()),
    category_id: v.optional(v.string()),
    validation_rule_assignments: AssignmentList,
    categories: v.array(CategoryObject),
    /** What was redeemed of it; only where tiers are asked for by themselves. */
    summary: v.optional(
      v.object({
        redemptions: v.object({ total_redeemed: v.number() }),
        orders: v.object({ total_amount: v.number(), total_discount_amount: v.number() }),
      }),
    ),
    ...createdAndUpdated,
    ...switchedOff,
    object: v.literal('promotion_tier'),
  }),
  v.title('PromotionTier'),
)
