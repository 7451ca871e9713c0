// Schemas of what many answers show as a part: validity, customers in brief, orders, rewards' parameters, lists that are always empty.
import * as v from 'valibot'
import { OrderStatus } from '../../domain/order.ts'
import { present } from '../../domain/present.ts'
import type { Entry } from '../../domain/rulebook/kind.ts'
import { isoOf, isoOrNull, offOf } from '../shapes.ts'

export const Metadata = v.record(v.string(), v.unknown())

/** With every definition: why it is switched off although nobody did. */
export const switchedOff = { switched_off: v.optional(v.string()) }

/** With every record. */
export const createdAndUpdated = { created_at: v.string(), updated_at: v.optional(v.string()) }

/** What answers say of every definition beside itself: `updated_at` where it was changed. */
export const recordOf = (entry: Pick<Entry<unknown>, 'createdAt' | 'updatedAt' | 'off'>) => ({
  created_at: isoOf(entry.createdAt),
  ...present({ updated_at: isoOrNull(entry.updatedAt) }),
  ...offOf(entry),
})

/** The same where the contract has a null for what was never changed. */
export const recordOrNullOf = (entry: Pick<Entry<unknown>, 'createdAt' | 'updatedAt' | 'off'>) => ({
  created_at: isoOf(entry.createdAt),
  updated_at: isoOrNull(entry.updatedAt),
  ...offOf(entry),
})

/** How a definition shows that answers give as it is: under `title` in the API document. */
export const shownAs = <const Name extends string, Entries extends v.ObjectEntries>(
  name: Name,
  title: string,
  entries: Entries,
) => ({
  response: v.pipe(
    v.object({ id: v.string(), ...entries, ...createdAndUpdated, ...switchedOff, object: v.literal(name) }),
    v.title(title),
  ),
  show: <D extends v.InferOutput<v.ObjectSchema<Entries, undefined>>>(entry: Entry<D>) => ({
    id: entry.id,
    ...entry.definition,
    ...recordOf(entry),
    object: name,
  }),
})

/** The short form of a customer beside what is about somebody; nobody is asked for more than what it is called. */
export const BriefCustomer = v.pipe(
  v.object({
    id: v.string(),
    source_id: v.optional(v.string()),
    name: v.optional(v.string()),
    email: v.optional(v.string()),
    metadata: v.optional(Metadata),
    object: v.literal('customer'),
  }),
  v.title('CustomerInBrief'),
)

/** To what of an order a discount applies: no products are kept here, so these lists are empty. */
export const NoItems = v.pipe(
  v.object({ object: v.literal('list'), data_ref: v.literal('data'), data: v.array(v.unknown()), total: v.number() }),
  v.title('ApplicableTo'),
)

export const Channel = v.object({ channel_id: v.string(), channel_type: v.string() })

const Product = v.looseObject({
  id: v.optional(v.string()),
  name: v.optional(v.string()),
  price: v.optional(v.number()),
})

const OrderItem = v.pipe(
  v.object({
    id: v.optional(v.string()),
    product_id: v.optional(v.string()),
    sku_id: v.optional(v.string()),
    source_id: v.optional(v.string()),
    related_object: v.optional(v.picklist(['product', 'sku'])),
    quantity: v.optional(v.number()),
    initial_quantity: v.optional(v.number()),
    discount_quantity: v.optional(v.number()),
    price: v.optional(v.number()),
    amount: v.optional(v.number()),
    initial_amount: v.optional(v.number()),
    discount_amount: v.optional(v.number()),
    applied_discount_amount: v.optional(v.number()),
    subtotal_amount: v.optional(v.number()),
    product: v.optional(Product),
    sku: v.optional(Product),
    metadata: v.optional(Metadata),
    object: v.literal('order_item'),
  }),
  v.title('OrderItem'),
)

const OrderRedemption = v.object({
  date: v.string(),
  related_object_type: v.optional(v.string()),
  related_object_id: v.optional(v.string()),
  related_object_parent_id: v.optional(v.string()),
  stacked: v.optional(v.array(v.string())),
  rollback_id: v.optional(v.string()),
  rollback_date: v.optional(v.string()),
  rollback_stacked: v.optional(v.array(v.string())),
})

/** An order with its amounts, minor units; what is not known of one that was not recorded is left out. */
export const orderFields = {
  source_id: v.nullable(v.string()),
  status: OrderStatus,
  amount: v.number(),
  initial_amount: v.optional(v.number()),
  discount_amount: v.optional(v.number()),
  items_discount_amount: v.optional(v.number()),
  total_discount_amount: v.optional(v.number()),
  applied_discount_amount: v.optional(v.number()),
  items_applied_discount_amount: v.optional(v.number()),
  total_applied_discount_amount: v.optional(v.number()),
  total_amount: v.number(),
  items: v.optional(v.array(OrderItem)),
  metadata: Metadata,
  customer_id: v.nullable(v.string()),
  customer: v.optional(BriefCustomer),
  referrer_id: v.nullable(v.string()),
  referrer: v.optional(BriefCustomer),
  redemptions: v.optional(v.record(v.string(), OrderRedemption)),
  object: v.literal('order'),
}

/** The order of a redemption, or what one would make of it. */
export const CalculatedOrder = v.pipe(
  v.object({
    id: v.optional(v.string()),
    ...orderFields,
    created_at: v.optional(v.string()),
    updated_at: v.optional(v.nullable(v.string())),
  }),
  v.title('CalculatedOrder'),
)

/** An entry of the activity log where it is that of one thing: of a card, of a segment. */
export const HistoryEntry = v.object({
  id: v.string(),
  type: v.string(),
  data: Metadata,
  created_at: v.string(),
  group_id: v.nullable(v.string()),
})

/** An error within an answer of 200. */
export const ErrorWithin = v.pipe(
  v.object({
    code: v.number(),
    key: v.string(),
    message: v.string(),
    details: v.optional(v.string()),
    request_id: v.string(),
    resource_id: v.optional(v.string()),
    resource_type: v.optional(v.string()),
    error: v.optional(v.object({ message: v.string() })),
  }),
  v.title('ErrorWithin'),
)

/** A movement of points or credits. */
export const TransactionObject = v.pipe(
  v.object({
    id: v.string(),
    source_id: v.nullable(v.string()),
    voucher_id: v.string(),
    campaign_id: v.nullable(v.string()),
    source: v.nullable(v.string()),
    reason: v.nullable(v.string()),
    type: v.string(),
    details: v.object({
      balance: v.object({
        type: v.picklist(['loyalty_card', 'gift_voucher']),
        total: v.number(),
        points: v.optional(v.number()),
        amount: v.optional(v.number()),
        balance: v.number(),
        operation_type: v.optional(v.string()),
        related_object: v.object({ id: v.string(), type: v.literal('voucher') }),
        object: v.literal('balance'),
      }),
      earning_rule: v.optional(Metadata),
      event: v.optional(Metadata),
      custom_event: v.optional(Metadata),
      event_schema: v.optional(Metadata),
      order: v.optional(Metadata),
      segment: v.optional(Metadata),
      loyalty_tier: v.optional(Metadata),
      reward: v.optional(Metadata),
      redemption: v.optional(Metadata),
      rollback: v.optional(Metadata),
      pending_points: v.optional(Metadata),
      source_voucher: v.optional(Metadata),
      destination_voucher: v.optional(Metadata),
      buckets: v.optional(
        v.array(v.object({ id: v.string(), points: v.number(), expires_at: v.nullable(v.string()) })),
      ),
    }),
    related_transaction_id: v.nullable(v.string()),
    created_at: v.string(),
  }),
  v.title('Transaction'),
)

/** Points that become spendable later. */
export const PendingPointsObject = v.pipe(
  v.object({
    id: v.string(),
    voucher_id: v.string(),
    campaign_id: v.string(),
    customer_id: v.string(),
    order_id: v.nullable(v.string()),
    points: v.number(),
    activates_at: v.string(),
    details: v.object({
      event: v.object({ id: v.string(), type: v.string() }),
      earning_rule: v.object({ id: v.string() }),
      order: v.optional(v.object({ id: v.string(), source_id: v.nullable(v.string()) })),
    }),
    created_at: v.string(),
    object: v.literal('loyalty_pending_points'),
  }),
  v.title('PendingPoints'),
)
