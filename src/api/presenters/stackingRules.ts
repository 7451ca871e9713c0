// How stacking rules show: by themselves, with what was judged by them, and what they left out.
import * as v from 'valibot'
import type { Entry } from '../../domain/rulebook/kind.ts'
import type { Rulebook } from '../../domain/rulebook/rulebook.ts'
import { type StackingRules, stackingRulesOf } from '../../domain/rulebook/stackingRules.ts'
import type { ResolvedVoucher } from '../../domain/vouchers/resolve.ts'
import { CategoryObject, showCategories } from './categories.ts'
import { recordOf } from './parts.ts'

const Ids = v.array(v.string())

const fields = {
  redeemables_limit: v.number(),
  applicable_redeemables_limit: v.number(),
  applicable_redeemables_per_category_limit: v.nullable(v.number()),
  applicable_redeemables_category_limits: v.record(v.string(), v.number()),
  applicable_exclusive_redeemables_limit: v.number(),
  applicable_exclusive_redeemables_per_category_limit: v.nullable(v.number()),
  exclusive_categories: Ids,
  joint_categories: Ids,
  redeemables_application_mode: v.picklist(['ALL', 'PARTIAL']),
  redeemables_sorting_rule: v.picklist(['CATEGORY_HIERARCHY', 'REQUESTED_ORDER']),
  redeemables_products_application_mode: v.picklist(['STACK', 'ONCE']),
  redeemables_no_effect_rule: v.picklist(['REDEEM_ANYWAY', 'SKIP']),
  no_effect_skip_categories: Ids,
  no_effect_redeem_anyway_categories: Ids,
  redeemables_rollback_order_mode: v.picklist(['WITH_ORDER', 'WITHOUT_ORDER']),
}

export const StackingRulesObject = v.pipe(
  v.object({
    id: v.string(),
    ...fields,
    discount_calculation_mode: v.picklist(['INITIAL_AMOUNT', 'DISCOUNTED_AMOUNT']),
    initial_amount_mode_categories: Ids,
    discounted_amount_mode_categories: Ids,
    created_at: v.string(),
    updated_at: v.optional(v.string()),
    switched_off: v.optional(v.string()),
  }),
  v.title('StackingRulesDefinition'),
)

/** The rules that hold, with an answer that was judged by them; without bounds of its own a category has that of all redeemables. */
export const StackingRulesInForce = v.pipe(
  v.object({
    ...fields,
    applicable_redeemables_per_category_limit: v.number(),
    applicable_exclusive_redeemables_per_category_limit: v.number(),
  }),
  v.title('StackingRules'),
)

export const showStackingRules = (entry: Entry<StackingRules>) => ({
  id: entry.id,
  ...entry.definition,
  ...recordOf(entry),
})

export const showRulesInForce = ({ definitions }: Pick<Rulebook, 'definitions'>) => {
  const {
    discount_calculation_mode: _,
    initial_amount_mode_categories: __,
    discounted_amount_mode_categories: ___,
    ...rules
  } = stackingRulesOf(definitions)
  return {
    ...rules,
    applicable_redeemables_per_category_limit:
      rules.applicable_redeemables_per_category_limit ?? rules.applicable_redeemables_limit,
    applicable_exclusive_redeemables_per_category_limit:
      rules.applicable_exclusive_redeemables_per_category_limit ?? rules.applicable_exclusive_redeemables_limit,
  }
}

const StackedCategory = v.object({
  ...CategoryObject.pipe[0].entries,
  stacking_rules_type: v.optional(v.picklist(['JOINT', 'EXCLUSIVE'])),
})
export const StackedCategories = v.array(StackedCategory)

/** The categories of a voucher with what the stacking rules make of them. */
export const showStackedCategories = (
  { definitions }: Pick<Rulebook, 'definitions'>,
  voucher: ResolvedVoucher | undefined,
) => {
  const { exclusive_categories: exclusive, joint_categories: joint } = stackingRulesOf(definitions)
  return showCategories(definitions, { category_id: voucher?.category ?? null }, voucher?.campaign?.definition).map(
    (category) => ({
      ...category,
      ...(exclusive.includes(category.id) ? { stacking_rules_type: 'EXCLUSIVE' as const } : {}),
      ...(joint.includes(category.id) ? { stacking_rules_type: 'JOINT' as const } : {}),
    }),
  )
}
