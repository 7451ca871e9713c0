// The order of a validation or a redemption: what a request may say of it, what it costs, and how the contract shows it.
import * as v from 'valibot'
import { answered } from './answered.ts'
import { MAX_ORDER_ITEMS } from './conditions/subject.ts'
import { CustomerInput } from './customer/profile.ts'
import { idFrom } from './ids.ts'
import { numeric } from './numbers.ts'
import { outsideIdOrNone } from './outsideIds.ts'
import { MAX_AMOUNT } from './rulebook/voucherSpec.ts'
import { GivenMetadata } from './size.ts'

/** The most that an order may come to with the units that vouchers add, minor units; still exact as a number. */
export const MAX_ORDER = 1_000 * MAX_AMOUNT

export const amount = v.pipe(numeric, v.integer(), v.minValue(0), v.maxValue(MAX_AMOUNT))
export const quantity = v.pipe(numeric, v.integer(), v.minValue(0), v.maxValue(1_000_000))
export const orderName = outsideIdOrNone()
const metadata = v.record(v.string(), v.unknown())

export const OrderStatus = v.picklist(['CREATED', 'PAID', 'CANCELED', 'PROCESSING', 'FULFILLED'])
export type OrderStatus = v.InferOutput<typeof OrderStatus>

/** A copy without what is null or undefined: clients send back the objects that they were shown. */
export const present = <T extends object>(record: T): { [K in keyof T]?: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null && value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>
  }

const Product = v.pipe(v.looseObject({ price: v.nullish(amount) }), v.transform(present))

/** What a request may say of an item. */
export const itemFields = {
  product_id: v.nullish(orderName),
  sku_id: v.nullish(orderName),
  /** The seller's own id of the product or SKU, as `related_object` says. */
  source_id: v.nullish(orderName),
  related_object: v.nullish(v.picklist(['product', 'sku'])),
  /** 1 when absent. */
  quantity: v.nullish(quantity),
  /** Of one unit, minor units; else the price of `sku` or `product`. */
  price: v.nullish(amount),
  /** Of all units, minor units; else price times quantity. */
  amount: v.nullish(amount),
  product: v.nullish(Product),
  sku: v.nullish(Product),
  metadata: v.nullish(GivenMetadata),
}

/** What only an answer says of an item. */
export const ITEM_ANSWERED = [
  'id',
  'object',
  'applied_discount_amount',
  'applied_discount_quantity',
  'applied_quantity',
  'applied_quantity_amount',
  'subtotal_amount',
]
/** What is computed where codes are applied, and may be said of an order that is only recorded. */
const ITEM_COMPUTED = ['initial_quantity', 'discount_quantity', 'initial_amount', 'discount_amount']

const Item = v.pipe(v.object(itemFields), answered(...ITEM_ANSWERED, ...ITEM_COMPUTED), v.transform(present))
export type Item = v.InferOutput<typeof Item>

export const priceOf = ({ price, sku, product }: Item): number | undefined => price ?? sku?.price ?? product?.price

/** What an item costs before any discount, minor units; undefined when it says nothing of that. */
export const amountOf = (item: Item): number | undefined => {
  const price = priceOf(item)
  return item.amount ?? (price === undefined ? undefined : price * (item.quantity ?? 1))
}

export const sumOf = (amounts: readonly number[]): number => amounts.reduce((sum, one) => sum + one, 0)

/** What the contract only answers about an order, wherever one is sent. */
export const ORDER_ANSWERED = [
  'object',
  'updated_at',
  'redemptions',
  'items_discount_amount',
  'total_discount_amount',
  'applied_discount_amount',
  'items_applied_discount_amount',
  'total_applied_discount_amount',
  'total_amount',
] as const

/**
 * The `order` of a request. Numbers may be sent as text; what is null counts as absent; amounts are minor units, whole, from 0
 * to `MAX_AMOUNT`, and neither an item nor all of them together may come to more. What the contract computes (discounts,
 * totals) is taken for no input, so that an order that was shown can be sent again. Whose it is says whom the request is about.
 */
export const OrderInput = v.pipe(
  v.object({
    id: v.nullish(orderName),
    source_id: v.nullish(orderName),
    status: v.nullish(OrderStatus),
    /** Else what the items come to. */
    amount: v.nullish(amount),
    items: v.nullish(v.pipe(v.array(Item), v.maxLength(MAX_ORDER_ITEMS))),
    metadata: v.nullish(GivenMetadata),
    customer: v.nullish(CustomerInput),
    customer_id: v.nullish(orderName),
  }),
  answered(...ORDER_ANSWERED, 'created_at', 'referrer', 'referrer_id', 'initial_amount', 'discount_amount'),
  v.check(
    ({ items }) => sumOf((items ?? []).map((item) => amountOf(item) ?? 0)) <= MAX_AMOUNT,
    `items must NOT come to more than ${MAX_AMOUNT}`,
  ),
  v.transform(present),
)
export type OrderInput = v.InferOutput<typeof OrderInput>

type Described = Pick<Item, 'product_id' | 'sku_id' | 'source_id' | 'related_object' | 'product' | 'sku' | 'metadata'>

/** An item with its amounts, minor units. `initial_…` is what was asked for, before vouchers added units. */
export interface PricedItem extends Described {
  readonly quantity: number
  readonly initial_quantity: number
  /** Units that a voucher gave away. */
  readonly discount_quantity: number
  readonly price?: number
  readonly amount: number
  readonly initial_amount: number
  /** Taken off this very item so far; `applied_…` is the part of it that the shown step took. */
  readonly discount_amount: number
  readonly applied_discount_amount: number
  /** What is left of the item: `amount - discount_amount`. */
  readonly subtotal_amount: number
}

/** An order with its amounts, minor units: what it costs, what was taken off it and off its items, and what is left. */
export interface PricedOrder {
  readonly id?: string
  readonly source_id?: string
  readonly status?: string
  readonly amount: number
  readonly initial_amount: number
  /** Taken off the order as a whole. */
  readonly discount_amount: number
  /** Taken off single items: the sum of theirs. */
  readonly items_discount_amount: number
  readonly total_discount_amount: number
  readonly applied_discount_amount: number
  readonly items_applied_discount_amount: number
  readonly total_applied_discount_amount: number
  /** What is left to pay: `amount - total_discount_amount`, never below 0. */
  readonly total_amount: number
  readonly items?: readonly PricedItem[]
  readonly metadata?: Readonly<Record<string, unknown>>
}

type Stated = Pick<PricedOrder, 'id' | 'source_id' | 'status' | 'metadata' | 'items' | 'amount' | 'initial_amount'>

/** An order whose sums follow from its items and from what was taken off it as a whole. */
export const withSums = (order: Stated, discount: number, applied: number): PricedOrder => {
  const items = order.items ?? []
  const ofItems = sumOf(items.map((item) => item.discount_amount))
  const appliedToItems = sumOf(items.map((item) => item.applied_discount_amount))
  return {
    ...order,
    discount_amount: discount,
    items_discount_amount: ofItems,
    total_discount_amount: discount + ofItems,
    applied_discount_amount: applied,
    items_applied_discount_amount: appliedToItems,
    total_applied_discount_amount: applied + appliedToItems,
    total_amount: order.amount - discount - ofItems,
  }
}

/** An item before any discount, with what it costs. */
export const openItem = (
  { quantity = 1, price: _, amount: __, ...described }: Item,
  price: number | undefined,
  cost: number,
) => ({
  ...described,
  quantity,
  initial_quantity: quantity,
  discount_quantity: 0,
  ...(price === undefined ? {} : { price }),
  amount: cost,
  initial_amount: cost,
  discount_amount: 0,
  applied_discount_amount: 0,
  subtotal_amount: cost,
})

/**
 * The order before any discount. An amount that is given stands, also beside items that come to something else (an order may
 * hold more than its items, and Voucherify shows such an order as it was sent: guide "Discount effects", "Apply to order");
 * else it is what the items come to, 0 when nothing has a price.
 */
export const openOrder = (input: OrderInput | undefined): PricedOrder | undefined => {
  if (!input) return undefined
  const { items, amount: given, customer: _, customer_id: __, ...stated } = input
  const priced = items?.map((item) => openItem(item, priceOf(item), amountOf(item) ?? 0))
  const amount = given ?? sumOf((priced ?? []).map((item) => item.amount))
  return withSums({ ...stated, ...(priced ? { items: priced } : {}), amount, initial_amount: amount }, 0, 0)
}

/**
 * The order as one of several redeemables has it: all that was taken off up to and including its own discount, and as
 * `applied_…` only what its own discount took. `before` is the order that it found.
 */
export const stepOrder = (before: PricedOrder, after: PricedOrder): PricedOrder => {
  const items = after.items?.map((item, i) => ({
    ...item,
    applied_discount_amount: item.applied_discount_amount - (before.items?.[i]?.applied_discount_amount ?? 0),
  }))
  return withSums(
    { ...after, ...(items ? { items } : {}) },
    after.discount_amount,
    after.applied_discount_amount - before.applied_discount_amount,
  )
}

const RecordedItem = v.looseObject({
  quantity: v.number(),
  initial_quantity: v.number(),
  discount_quantity: v.number(),
  amount: v.number(),
  initial_amount: v.number(),
  discount_amount: v.number(),
  applied_discount_amount: v.number(),
  subtotal_amount: v.number(),
})

/** An order as facts keep it: a `PricedOrder`, whose items may have been left out. */
export const RecordedOrder = v.looseObject({
  id: v.optional(v.string()),
  source_id: v.optional(v.string()),
  status: v.optional(v.string()),
  amount: v.number(),
  initial_amount: v.number(),
  discount_amount: v.number(),
  items_discount_amount: v.number(),
  total_discount_amount: v.number(),
  applied_discount_amount: v.number(),
  items_applied_discount_amount: v.number(),
  total_applied_discount_amount: v.number(),
  total_amount: v.number(),
  items: v.optional(v.array(RecordedItem)),
  metadata: v.optional(metadata),
})

/** The id of the order with a `source_id` of the seller's own. */
export const orderOfSource = (sourceId: string): string => idFrom('ord', 'source', sourceId)

/** The id of the order of a request: the one that it was given, else one that follows from the request. */
export const orderId = (order: Pick<PricedOrder, 'id'>, request: string): string => order.id ?? idFrom('ord', request)
