// What answers say of a voucher of any kind: codes, gift cards, loyalty cards.
import * as v from 'valibot'
import { Discount, VoucherType } from '../../domain/rulebook/voucherSpec.ts'
import { validityFields } from '../../domain/validity.ts'
import { CategoryObject } from './categories.ts'
import { createdAndUpdated, Metadata } from './parts.ts'
import { AssignmentList } from './validationRules.ts'

const CardPoints = v.object({
  points: v.number(),
  balance: v.number(),
  redeemed_points: v.optional(v.number()),
  expired_points: v.optional(v.number()),
  pending_points: v.optional(v.number()),
  next_expiration_date: v.optional(v.string()),
  next_expiration_points: v.optional(v.number()),
})

const fields = {
  id: v.string(),
  code: v.string(),
  campaign: v.optional(v.string()),
  campaign_id: v.optional(v.string()),
  category: v.optional(v.string()),
  category_id: v.optional(v.string()),
  categories: v.array(CategoryObject),
  type: VoucherType,
  discount: v.optional(Discount),
  /** What it has had in all, and what is left of it, minor units. */
  gift: v.optional(v.object({ amount: v.number(), balance: v.number(), effect: v.optional(v.string()) })),
  loyalty_card: v.optional(CardPoints),
  /** The tier that the card is in. */
  loyalty_tier: v.optional(v.nullable(v.object({ id: v.string(), name: v.string() }))),
  ...validityFields,
  redemption: v.object({
    quantity: v.optional(v.number()),
    redeemed_quantity: v.number(),
    redeemed_amount: v.optional(v.number()),
    redeemed_points: v.optional(v.number()),
    object: v.literal('list'),
    url: v.string(),
  }),
  publish: v.object({ object: v.literal('list'), count: v.number(), url: v.string() }),
  active: v.boolean(),
  additional_info: v.optional(v.string()),
  metadata: Metadata,
  is_referral_code: v.boolean(),
  holder_id: v.optional(v.string()),
  referrer_id: v.optional(v.string()),
  validation_rules_assignments: v.optional(AssignmentList),
  ...createdAndUpdated,
  object: v.literal('voucher'),
}

export const VoucherObject = v.pipe(v.object(fields), v.title('Voucher'))

export const MemberObject = v.pipe(
  v.object({
    ...fields,
    campaign: v.string(),
    campaign_id: v.string(),
    type: v.literal('LOYALTY_CARD'),
    loyalty_card: CardPoints,
    holder_id: v.string(),
  }),
  v.title('LoyaltyCard'),
)

/** The voucher beside what was done with it: whole where it may be told and is still there. */
export const VoucherWithin = v.pipe(v.partial(v.object(fields)), v.title('VoucherWithin'))
