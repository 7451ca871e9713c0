// What a voucher is worth: its discount or gift credits, how often it may be redeemed, and when.
import * as v from 'valibot'
import { answered } from '../answered.ts'
import { MAX_POINTS } from '../points.ts'
import { validityFields } from '../validity.ts'

/** Largest amount of money, minor units: sums of many such amounts are still exact as numbers. */
export const MAX_AMOUNT = 1_000_000_000_000

const amount = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_AMOUNT))
const positive = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_AMOUNT))
const text = (max: number) => v.pipe(v.string(), v.maxLength(max))

/** A product as the shop calls it: kept and shown, and asked nothing of. */
const Named = v.nullish(
  v.object({ id: v.nullish(text(300)), source_id: v.nullish(text(300)), name: v.nullish(text(300)) }),
)

/** The most that a discount takes off one order in all, minor units, however many items it is taken off. */
const cap = { aggregated_amount_limit: v.nullish(positive) }

export const Discount = v.variant('type', [
  v.object({
    type: v.literal('AMOUNT'),
    ...cap,
    /** Minor units. */
    amount_off: amount,
    /** Off the order, off each item, off each unit, or off all items together in proportion to their amounts or quantities. */
    effect: v.optional(
      v.picklist([
        'APPLY_TO_ORDER',
        'APPLY_TO_ITEMS',
        'APPLY_TO_ITEMS_BY_QUANTITY',
        'APPLY_TO_ITEMS_PROPORTIONALLY',
        'APPLY_TO_ITEMS_PROPORTIONALLY_BY_QUANTITY',
      ]),
      'APPLY_TO_ORDER',
    ),
  }),
  v.object({
    type: v.literal('PERCENT'),
    ...cap,
    percent_off: v.pipe(v.number(), v.minValue(0), v.maxValue(100)),
    /** The most that is taken off, minor units. */
    amount_limit: v.nullish(positive),
    effect: v.optional(v.picklist(['APPLY_TO_ORDER', 'APPLY_TO_ITEMS']), 'APPLY_TO_ORDER'),
  }),
  v.object({
    type: v.literal('FIXED'),
    ...cap,
    /** What the order, or each item, costs afterwards, minor units. */
    fixed_amount: amount,
    effect: v.optional(v.picklist(['APPLY_TO_ORDER', 'APPLY_TO_ITEMS']), 'APPLY_TO_ORDER'),
  }),
  v.object({
    type: v.literal('UNIT'),
    unit_off: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000)),
    /** Id of the product or SKU that is given away. */
    unit_type: v.nullish(text(300)),
    product: Named,
    sku: Named,
    effect: v.optional(v.picklist(['ADD_NEW_ITEMS', 'ADD_MISSING_ITEMS']), 'ADD_MISSING_ITEMS'),
  }),
])
export type Discount = v.InferOutput<typeof Discount>

export const Gift = v.object({
  /** What the voucher begins with, minor units. */
  amount,
  effect: v.optional(v.picklist(['APPLY_TO_ORDER', 'APPLY_TO_ITEMS']), 'APPLY_TO_ORDER'),
})
export type Gift = v.InferOutput<typeof Gift>

/** What a loyalty card begins with, once it has a holder. */
export const CardWorth = v.object({
  points: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_POINTS)),
})

export const VoucherType = v.picklist(['LOYALTY_CARD', 'DISCOUNT_VOUCHER', 'GIFT_VOUCHER'])
export type VoucherType = v.InferOutput<typeof VoucherType>

/** How often a code may be redeemed; null for no bound. */
export const Quantity = v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1_000_000_000)))

/** How often a code may be redeemed, as answers show it beside how often it was. */
export const Redemption = v.pipe(
  v.object({ quantity: v.optional(Quantity) }),
  answered(
    'object',
    'url',
    'redeemed_quantity',
    'redeemed_amount',
    'redeemed_points',
    'data_ref',
    'total',
    'redemption_entries',
  ),
)

/** What is to be said of a code that was redeemed elsewhere. */
export const UNREDEEMED = 'a voucher begins unredeemed, so say what is left of it'

/** What a code says of itself. What is absent follows the code's campaign, where it has one. */
export const VoucherSpec = v.object({
  type: v.optional(VoucherType),
  discount: v.optional(Discount),
  gift: v.optional(Gift),
  loyalty_card: v.optional(CardWorth),
  redemption: v.optional(Redemption),
  ...validityFields,
  category: v.nullish(text(300)),
  category_id: v.nullish(text(300)),
  additional_info: v.nullish(text(3_000)),
  metadata: v.optional(v.record(v.string(), v.unknown())),
})
export type VoucherSpec = v.InferOutput<typeof VoucherSpec>

/** What a code of a card says that stays said of the card: beside its points and metadata, which a customer's stream keeps. */
export const CardTraits = v.pick(VoucherSpec, [
  'redemption',
  'start_date',
  'expiration_date',
  'validity_timeframe',
  'validity_day_of_week',
  'validity_hours',
  'category',
  'category_id',
  'additional_info',
])
export type CardTraits = v.InferOutput<typeof CardTraits>
