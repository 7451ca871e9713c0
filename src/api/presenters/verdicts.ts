// What answers say of a redeemable that was judged: in validations, and of what redemptions left out.
import * as v from 'valibot'
import { Discount } from '../../domain/rulebook/voucherSpec.ts'
import { CalculatedOrder, ErrorWithin, Metadata, NoItems } from './parts.ts'
import { StackedCategories } from './stackingRules.ts'

/** What a redeemable gives, or why it does not. */
export const JudgedResult = v.object({
  discount: v.optional(Discount),
  gift: v.optional(v.object({ credits: v.optional(v.number()), balance: v.optional(v.number()) })),
  loyalty_card: v.optional(v.object({ points: v.optional(v.number()) })),
  error: v.optional(ErrorWithin),
  details: v.optional(v.object({ key: v.string(), message: v.string() })),
})

const judged = {
  id: v.string(),
  object: v.picklist(['voucher', 'promotion_tier']),
  result: JudgedResult,
  name: v.optional(v.string()),
  campaign_id: v.optional(v.string()),
  campaign_name: v.optional(v.string()),
  metadata: v.optional(Metadata),
  categories: v.optional(StackedCategories),
}

export const JudgedRedeemable = v.pipe(
  v.object({
    status: v.picklist(['APPLICABLE', 'INAPPLICABLE', 'SKIPPED']),
    ...judged,
    /** The order as the redeemable leaves it, with what it takes off alone. */
    order: v.optional(CalculatedOrder),
    applicable_to: v.optional(NoItems),
    inapplicable_to: v.optional(NoItems),
  }),
  v.title('JudgedRedeemable'),
)

export const LeftOutLists = {
  inapplicable_redeemables: v.optional(v.array(v.object({ status: v.literal('INAPPLICABLE'), ...judged }))),
  skipped_redeemables: v.optional(v.array(v.object({ status: v.literal('SKIPPED'), ...judged }))),
}
