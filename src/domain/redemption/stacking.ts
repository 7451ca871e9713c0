// How the redeemables of a request go together: in which order they are applied, which are left out for others, and of what each takes
// its discount. Pure: the rules and what each redeemable is are given.
import type { PricedOrder } from '../order.ts'
import { type Category, categoryOf } from '../rulebook/category.ts'
import type { Definitions, Entry } from '../rulebook/kind.ts'
import type { StackingRules } from '../rulebook/stackingRules.ts'
import type { ResolvedVoucher } from '../vouchers/resolve.ts'

/** Why a redeemable is left out although nothing is wrong with it. */
export type SkipKey =
  | 'applicable_redeemables_limit_exceeded'
  | 'applicable_redeemables_per_category_limit_exceeded'
  | 'applicable_exclusive_redeemables_limit_exceeded'
  | 'applicable_exclusive_redeemables_per_category_limit_exceeded'
  | 'exclusion_rules_not_met'
  | 'preceding_validation_failed'
  | 'no_effect'

export const SKIPPED_BECAUSE: Readonly<Record<SkipKey, string>> = {
  applicable_redeemables_limit_exceeded: 'As many redeemables are applied as may be',
  applicable_redeemables_per_category_limit_exceeded: 'As many redeemables of the category are applied as may be',
  applicable_exclusive_redeemables_limit_exceeded: 'As many exclusive redeemables are applied as may be',
  applicable_exclusive_redeemables_per_category_limit_exceeded:
    'As many exclusive redeemables of the category are applied as may be',
  exclusion_rules_not_met: 'A redeemable of an exclusive category is applied without it',
  preceding_validation_failed: 'A redeemable before this one is not applicable',
  no_effect: 'The redeemable changes nothing of the order',
}

/** What the rules ask of a redeemable. */
export interface Trait {
  readonly category: Entry<Category> | undefined
  readonly isExclusive: boolean
  readonly isJoint: boolean
}

/** The category of a voucher: its own, its promotion tier's, or else its campaign's. */
export const categoryOfVoucher = (
  all: Definitions,
  voucher: ResolvedVoucher | undefined,
): Entry<Category> | undefined =>
  voucher && categoryOf(all, { category_id: voucher.category ?? voucher.campaign?.definition.category_id ?? null })

export const traitOf = (rules: StackingRules, category: Entry<Category> | undefined): Trait => ({
  category,
  isExclusive: category !== undefined && rules.exclusive_categories.includes(category.id),
  isJoint: category !== undefined && rules.joint_categories.includes(category.id),
})

/** The places of redeemables in the order in which they are applied; those of no category come last by hierarchy. */
export const applicationOrder = (rules: StackingRules, traits: readonly Trait[]): readonly number[] => {
  const places = traits.map((_, place) => place)
  if (rules.redeemables_sorting_rule === 'REQUESTED_ORDER') return places
  const rank = (place: number): number => traits[place]!.category?.definition.hierarchy ?? Number.MAX_SAFE_INTEGER
  return places.sort((a, b) => rank(a) - rank(b) || a - b)
}

/** Counts what is applied, and says what has no place beside it. */
export const startTally = (rules: StackingRules, { isExclusion }: { readonly isExclusion: boolean }) => {
  let [all, exclusive] = [0, 0]
  const byCategory = new Map<string, number>()
  const within = (bound: number | null, n: number): boolean => bound === null || n < bound
  return {
    skipped({ category, isExclusive, isJoint }: Trait): SkipKey | undefined {
      const ofCategory = byCategory.get(category?.id ?? '') ?? 0
      if (isExclusion && !isExclusive && !isJoint) return 'exclusion_rules_not_met'
      if (isExclusive && !within(rules.applicable_exclusive_redeemables_limit, exclusive))
        return 'applicable_exclusive_redeemables_limit_exceeded'
      if (isExclusive && !within(rules.applicable_exclusive_redeemables_per_category_limit, ofCategory))
        return 'applicable_exclusive_redeemables_per_category_limit_exceeded'
      if (!within(rules.applicable_redeemables_limit, all)) return 'applicable_redeemables_limit_exceeded'
      const bound =
        category &&
        (rules.applicable_redeemables_category_limits[category.id] ?? rules.applicable_redeemables_per_category_limit)
      return within(bound ?? null, ofCategory) ? undefined : 'applicable_redeemables_per_category_limit_exceeded'
    },
    applied({ category, isExclusive }: Trait): void {
      all += 1
      if (isExclusive) exclusive += 1
      if (category) byCategory.set(category.id, (byCategory.get(category.id) ?? 0) + 1)
    },
  }
}

/** Whether a redeemable of a category that changes nothing is skipped. */
export const isSkippedWithoutEffect = (rules: StackingRules, { category }: Trait): boolean => {
  if (category && rules.no_effect_skip_categories.includes(category.id)) return true
  if (category && rules.no_effect_redeem_anyway_categories.includes(category.id)) return false
  return rules.redeemables_no_effect_rule === 'SKIP'
}

/** Whether a discount of a category is taken of the order as it came. */
export const isOfInitialAmount = (rules: StackingRules, { category }: Trait): boolean => {
  if (category && rules.initial_amount_mode_categories.includes(category.id)) return true
  if (category && rules.discounted_amount_mode_categories.includes(category.id)) return false
  return rules.discount_calculation_mode === 'INITIAL_AMOUNT'
}

const quantities = ({ items = [] }: PricedOrder): number => items.reduce((sum, { quantity }) => sum + quantity, 0)

/** Whether an order is another one afterwards: something came off it, or was added to it. */
export const isChanged = (before: PricedOrder, after: PricedOrder): boolean =>
  after.total_amount !== before.total_amount ||
  after.total_discount_amount !== before.total_discount_amount ||
  quantities(after) !== quantities(before)
