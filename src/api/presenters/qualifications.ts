// How a qualification shows: promotion tiers, codes and stacks that could be redeemed now.
import * as v from 'valibot'
import { calendarOf } from '../../domain/calendar.ts'
import { stepOrder } from '../../domain/order.ts'
import { present } from '../../domain/present.ts'
import { creditsLeft } from '../../domain/redemption/ledger.ts'
import type { Qualified, QualifiedStack } from '../../domain/redemption/qualify.ts'
import type { Rulebook } from '../../domain/rulebook/rulebook.ts'
import type { AnyCall } from '../redeemables.ts'
import { isoOf } from '../shapes.ts'
import { showCategories } from './categories.ts'
import { showOrder } from './facts/orders.ts'
import { CalculatedOrder, Metadata, NoItems } from './parts.ts'
import { StackedCategories, StackingRulesInForce, showStackedCategories } from './stackingRules.ts'
import { JudgedResult } from './verdicts.ts'

const redeemableFields = {
  id: v.string(),
  object: v.picklist(['voucher', 'promotion_tier', 'promotion_stack']),
  created_at: v.string(),
  result: JudgedResult,
  order: v.optional(CalculatedOrder),
  validation_rule_id: v.optional(v.string()),
  applicable_to: NoItems,
  inapplicable_to: NoItems,
  metadata: Metadata,
  categories: StackedCategories,
  name: v.optional(v.string()),
  banner: v.optional(v.string()),
  campaign_id: v.optional(v.string()),
  campaign_name: v.optional(v.string()),
}

export const Qualifications = v.pipe(
  v.object({
    redeemables: v.object({
      object: v.literal('list'),
      data_ref: v.literal('data'),
      data: v.array(
        v.pipe(
          v.object({
            ...redeemableFields,
            /** The tiers of a stack. */
            redeemables: v.optional(v.array(v.object(redeemableFields))),
          }),
          v.title('QualifiedRedeemable'),
        ),
      ),
      total: v.number(),
      has_more: v.boolean(),
      more_starting_after: v.optional(v.string()),
    }),
    tracking_id: v.optional(v.string()),
    order: v.optional(CalculatedOrder),
    stacking_rules: StackingRulesInForce,
  }),
  v.title('Qualifications'),
)

export const NO_LIST = { object: 'list', data_ref: 'data', data: [], total: 0 } as const

const resultOf = ({ stream: { ledger }, verdict }: Qualified, call: AnyCall, rulebook: Rulebook) => {
  const { voucher, credits, after } = verdict
  if (voucher.type !== 'GIFT_VOUCHER') return voucher.discount ? { discount: voucher.discount } : {}
  const view = { now: call.now, calendar: calendarOf(rulebook.project.timeZone), apiKey: call.key.name }
  return {
    gift: { balance: creditsLeft(ledger, voucher.gift?.amount ?? 0, view), credits: after ? (credits ?? 0) : 0 },
  }
}

export const showQualified = (found: Qualified, call: AnyCall, rulebook: Rulebook) => {
  const { createdAt, verdict } = found
  const { voucher, before, after } = verdict
  const { name, banner } = voucher.tier?.definition ?? {}
  const rule = verdict.because[0]?.rule
  return {
    id: voucher.code,
    object: voucher.tier ? ('promotion_tier' as const) : ('voucher' as const),
    created_at: isoOf(createdAt),
    result: resultOf(found, call, rulebook),
    ...(before && after ? { order: showOrder(stepOrder(before, after)) } : {}),
    validation_rule_id: rule,
    applicable_to: NO_LIST,
    inapplicable_to: NO_LIST,
    metadata: voucher.metadata,
    categories: showStackedCategories(rulebook, voucher),
    ...present({ name, banner, campaign_name: voucher.campaign?.definition.name, campaign_id: voucher.campaign?.id }),
  }
}

/** How a promotion stack shows, with its tiers. */
export const showQualifiedStack = ({ entry, tiers }: QualifiedStack, call: AnyCall, rulebook: Rulebook) => {
  const { name, campaign_id } = entry.definition
  const campaign = rulebook.entries('campaign').get(campaign_id)?.definition
  const [before, after] = [tiers[0]?.verdict.before, tiers.at(-1)?.verdict.after]
  return {
    id: entry.id,
    object: 'promotion_stack' as const,
    created_at: isoOf(entry.createdAt),
    result: {},
    ...(before && after ? { order: showOrder(stepOrder(before, after)) } : {}),
    applicable_to: NO_LIST,
    inapplicable_to: NO_LIST,
    metadata: {},
    categories: showCategories(rulebook.definitions, entry.definition, campaign),
    name,
    ...present({ campaign_name: campaign?.name, campaign_id }),
    redeemables: tiers.map((one) => showQualified(one, call, rulebook)),
  }
}
