// What a request for qualifications asks of the codes that it wants to hear of, what is known of a code beforehand, and what is found.
import * as v from 'valibot'
import { calendarOf } from '../calendar.ts'
import { campaignsIn } from '../rulebook/campaign.ts'
import type { Entry } from '../rulebook/kind.ts'
import type { PromotionStack } from '../rulebook/promotionStack.ts'
import type { Rulebook } from '../rulebook/rulebook.ts'
import { compileValidity } from '../validity.ts'
import type { CodeState } from '../vouchers/code.ts'
import type { ResolvedVoucher } from '../vouchers/resolve.ts'
import type { Applicable } from './evaluate.ts'
import type { CodeStream } from './ledgers.ts'
import type { Redeemable, Situation } from './situation.ts'

/** A code or promotion tier that could be redeemed now, with what its ledger says. */
export interface Qualified {
  /** ms. */
  readonly createdAt: number
  readonly stream: CodeStream
  readonly verdict: Applicable
}

export interface QualifiedStack {
  readonly entry: Entry<PromotionStack>
  /** Its tiers in their order. */
  readonly tiers: readonly Qualified[]
  /** What comes off the order by all of them, minor units. */
  readonly applied: number
}

const text = v.pipe(v.string(), v.maxLength(300))
const MAX_VALUES = 100
const values = v.pipe(
  v.union([
    v.pipe(
      text,
      v.transform((value) => [value]),
    ),
    v.pipe(v.array(text), v.maxLength(MAX_VALUES)),
  ]),
)

const Conditions = v.strictObject({
  $in: v.optional(values),
  $not_in: v.optional(values),
  $is: v.optional(values),
  $is_not: v.optional(values),
  /** Their values say nothing. */
  $has_value: v.optional(v.unknown()),
  $is_unknown: v.optional(v.unknown()),
})
type Conditions = v.InferOutput<typeof Conditions>

const field = v.optional(v.object({ conditions: v.optional(Conditions, {}) }))

/** The filters of a qualification: all must hold, or with the junction `or` one of them. Of several values one is enough. */
export const QualificationFilters = v.strictObject({
  junction: v.optional(v.picklist(['and', 'or', 'AND', 'OR']), 'and'),
  campaign_id: field,
  campaign_type: field,
  category_id: field,
  code: field,
  resource_id: field,
  resource_type: field,
  voucher_type: field,
})
export type QualificationFilters = v.InferOutput<typeof QualificationFilters>

type FieldName = Exclude<keyof QualificationFilters, 'junction'>

const factsOf = (
  voucher: ResolvedVoucher,
  category: string | undefined,
): Readonly<Record<FieldName, string | undefined>> => ({
  campaign_id: voucher.campaign?.id,
  campaign_type: voucher.campaign?.definition.campaign_type,
  category_id: category,
  code: voucher.tier ? undefined : voucher.code,
  resource_id: voucher.id,
  resource_type: voucher.tier ? 'promotion_tier' : 'voucher',
  voucher_type: voucher.tier ? undefined : voucher.type,
})

const holds = (value: string | undefined, conditions: Conditions): boolean => {
  const { $in, $not_in, $is, $is_not } = conditions
  const within = (list: readonly string[]) => value !== undefined && list.includes(value)
  return (
    [$in, $is].every((list) => list === undefined || within(list)) &&
    [$not_in, $is_not].every((list) => list === undefined || !within(list)) &&
    (!Object.hasOwn(conditions, '$has_value') || value !== undefined) &&
    (!Object.hasOwn(conditions, '$is_unknown') || value === undefined)
  )
}

const letThrough = (
  filters: QualificationFilters | undefined,
  facts: Readonly<Partial<Record<FieldName, string | undefined>>>,
): boolean => {
  if (!filters) return true
  const { junction, ...fields } = filters
  const asked = Object.entries(fields) as [FieldName, { readonly conditions: Conditions } | undefined][]
  const answers = asked.flatMap(([name, filter]) => (filter ? [holds(facts[name], filter.conditions)] : []))
  if (answers.length === 0) return true
  return junction.toLowerCase() === 'or' ? answers.includes(true) : !answers.includes(false)
}

/** Whether a voucher or promotion tier is one that the filters let through. `category`: the voucher's own or its campaign's. */
export const passes = (
  filters: QualificationFilters | undefined,
  voucher: ResolvedVoucher,
  category: string | undefined,
): boolean => letThrough(filters, factsOf(voucher, category))

/** Whether a promotion stack is one that the filters let through. */
export const stackPasses = (
  filters: QualificationFilters | undefined,
  { id, campaign, category }: { readonly id: string; readonly campaign: string; readonly category: string | undefined },
): boolean =>
  letThrough(filters, {
    campaign_id: campaign,
    campaign_type: 'PROMOTION',
    category_id: category,
    resource_id: id,
    resource_type: 'promotion_stack',
  })

/**
 * A code as read models know it: what its ledger says beyond these sums (reservations, budgets of rules) is taken to allow it.
 * Credits in minor units.
 */
export const foreseen = (
  code: CodeState,
  voucher: ResolvedVoucher,
  { redeemed, taken, added }: { readonly redeemed: number; readonly taken: number; readonly added: number },
): Redeemable => ({
  asked: code.code,
  code,
  measures: {},
  times: redeemed + 1,
  ...(voucher.gift ? { available: Math.max(0, voucher.gift.amount + added - taken) } : {}),
})

/** The campaigns whose codes may be redeemed at all now; null stands for single vouchers. */
export const campaignsWithCodes = (rulebook: Rulebook, now: number): readonly (string | null)[] => {
  const calendar = calendarOf(rulebook.project.timeZone)
  return [
    null,
    ...[...campaignsIn(rulebook.definitions).values()]
      .filter(
        ({ definition }) =>
          definition.active &&
          (definition.campaign_type === 'DISCOUNT_COUPONS' || definition.campaign_type === 'GIFT_VOUCHERS') &&
          compileValidity(definition, calendar)(now).holds,
      )
      .map(({ id }) => id),
  ]
}

/** The codes of nobody that browsers are told: such as are meant for everybody. One for a single use is somebody's to be. */
export const isForEverybody = ({ campaign, holder, type, quantity }: ResolvedVoucher): boolean =>
  campaign === undefined && holder === undefined && type === 'DISCOUNT_VOUCHER' && quantity !== 1

/** Without an order there is nothing for a gift voucher to pay: whether it has a credit left is what can be asked. */
export const leastOf = (voucher: ResolvedVoucher | undefined, { order }: Situation) =>
  voucher?.type === 'GIFT_VOUCHER' && !order ? { credits: 1 } : {}

/** What was found by what each takes off the order (minor units), the most or the least first. */
export const dealsOf = <F>(
  found: readonly F[],
  rule: 'BEST_DEAL' | 'LEAST_DEAL',
  appliedBy: (one: F) => number,
): readonly F[] => {
  const sign = rule === 'BEST_DEAL' ? -1 : 1
  return found.toSorted((a, b) => sign * (appliedBy(a) - appliedBy(b)))
}
