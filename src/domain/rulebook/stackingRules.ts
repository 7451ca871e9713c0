// Stacking rules: how the redeemables of one request go together. A project has them once, or goes by the defaults, under which none
// excludes another.

import * as v from 'valibot'
import { name300 } from '../name.ts'
import { categoryFaults, categoryUses } from './category.ts'
import type { Definitions, Entry, Fault, Kind } from './kind.ts'

/** How many redeemables one request may name. */
export const MAX_REDEEMABLES = 30
/** The contract's bound on redeemables of exclusive categories. */
const MAX_EXCLUSIVE = 5
const MAX_CATEGORIES = 100

const count = (max: number) => v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(max))
const categories = v.optional(v.pipe(v.array(name300), v.maxLength(MAX_CATEGORIES)), [])

export const StackingRules = v.object({
  /** How many redeemables a request may name. */
  redeemables_limit: v.optional(count(MAX_REDEEMABLES), MAX_REDEEMABLES),
  /** How many of them are applied; the others are skipped. */
  applicable_redeemables_limit: v.optional(count(MAX_REDEEMABLES), 5),
  /** How many of one category; null for no bound. */
  applicable_redeemables_per_category_limit: v.optional(v.nullable(count(MAX_REDEEMABLES)), 1),
  /** By category, in place of the bound for all of them. */
  applicable_redeemables_category_limits: v.optional(
    v.pipe(
      v.record(name300, count(MAX_REDEEMABLES)),
      v.check(
        (one) => Object.keys(one).length <= MAX_CATEGORIES,
        `must NOT have more than ${MAX_CATEGORIES} properties`,
      ),
    ),
    {},
  ),
  applicable_exclusive_redeemables_limit: v.optional(count(MAX_EXCLUSIVE), 1),
  applicable_exclusive_redeemables_per_category_limit: v.optional(v.nullable(count(MAX_EXCLUSIVE)), 1),
  /** What is in one of them is redeemed alone, or with others that are exclusive or joint. */
  exclusive_categories: categories,
  /** What is in one of them is redeemed whatever else is. */
  joint_categories: categories,
  /** What a percentage is taken of: of the order as it came, or of what the redeemables before have left. */
  discount_calculation_mode: v.optional(v.picklist(['INITIAL_AMOUNT', 'DISCOUNTED_AMOUNT']), 'DISCOUNTED_AMOUNT'),
  /** Categories for which it is the one or the other in any case. */
  initial_amount_mode_categories: categories,
  discounted_amount_mode_categories: categories,
  /** Whether all redeemables must be applicable, or those that are not are left out. */
  redeemables_application_mode: v.optional(v.picklist(['ALL', 'PARTIAL']), 'ALL'),
  redeemables_sorting_rule: v.optional(v.picklist(['CATEGORY_HIERARCHY', 'REQUESTED_ORDER']), 'REQUESTED_ORDER'),
  /** Whether several discounts on items may come off one item, or the first alone. */
  redeemables_products_application_mode: v.optional(v.picklist(['STACK', 'ONCE']), 'STACK'),
  /** What becomes of a redeemable that changes nothing of the order. */
  redeemables_no_effect_rule: v.optional(v.picklist(['REDEEM_ANYWAY', 'SKIP']), 'REDEEM_ANYWAY'),
  no_effect_skip_categories: categories,
  no_effect_redeem_anyway_categories: categories,
  /** Whether a rollback tells the order. */
  redeemables_rollback_order_mode: v.optional(v.picklist(['WITH_ORDER', 'WITHOUT_ORDER']), 'WITH_ORDER'),
})
export type StackingRules = v.InferOutput<typeof StackingRules>

/** What holds where a project has no stacking rules: all redeemables of a request are applied, and none excludes another. */
const PERMISSIVE: StackingRules = {
  ...v.parse(StackingRules, {}),
  applicable_redeemables_limit: MAX_REDEEMABLES,
  applicable_redeemables_per_category_limit: null,
  applicable_exclusive_redeemables_limit: MAX_REDEEMABLES,
  applicable_exclusive_redeemables_per_category_limit: null,
}

/** The rules by which redeemables go together now. */
export const stackingRulesOf = ({ entries }: Definitions): StackingRules => {
  const all = (entries.stackingRules ?? new Map()) as ReadonlyMap<string, Entry<StackingRules>>
  for (const { definition, off } of all.values()) if (off === undefined) return definition
  return PERMISSIVE
}

/** Lists of categories, two by two: no category is in both. */
const OPPOSITES = [
  ['exclusive_categories', 'joint_categories'],
  ['initial_amount_mode_categories', 'discounted_amount_mode_categories'],
  ['no_effect_skip_categories', 'no_effect_redeem_anyway_categories'],
] as const
const LISTS = OPPOSITES.flat()

/** Of two bounds the first is no larger than the second. */
const WITHIN = [
  ['applicable_redeemables_limit', 'redeemables_limit'],
  ['applicable_redeemables_per_category_limit', 'applicable_redeemables_limit'],
  ['applicable_exclusive_redeemables_per_category_limit', 'applicable_exclusive_redeemables_limit'],
] as const

const named = (rules: StackingRules): readonly { readonly path: string; readonly category: string }[] => [
  ...LISTS.flatMap((list) => rules[list].map((category, n) => ({ path: `${list}[${n}]`, category }))),
  ...Object.keys(rules.applicable_redeemables_category_limits).map((category) => ({
    path: `applicable_redeemables_category_limits.${category}`,
    category,
  })),
]

const check = (_: string, rules: StackingRules, all: Definitions): readonly Fault[] => [
  ...WITHIN.flatMap(([bound, by]) =>
    (rules[bound] ?? 0) > rules[by] ? [{ path: bound, message: `must be less than or equal to ${by}` }] : [],
  ),
  ...named(rules).flatMap(({ path, category }) =>
    categoryFaults({ category_id: category }, all).map(({ message }) => ({ path, message })),
  ),
  ...OPPOSITES.flatMap(([one, other]) =>
    rules[one].flatMap((category, n) =>
      rules[other].includes(category)
        ? [{ path: `${one}[${n}]`, message: `must NOT be in ${other} as well: ${category}` }]
        : [],
    ),
  ),
]

export const stackingRulesKind: Kind<StackingRules> = {
  fact: 'StackingRules',
  prefix: 'strul',
  resource: 'stacking_rules',
  schema: StackingRules,
  /** There is one of them. */
  uniqueName: () => 'stacking rules',
  check,
  uses: (rules) => named(rules).flatMap(({ category }) => categoryUses({ category_id: category })),
}
