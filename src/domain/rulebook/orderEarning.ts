// Points in proportion to an order: what of it a rule counts by.

import * as v from 'valibot'
import type { Order, OrderItem } from '../conditions/subject.ts'
import { metadataAt } from '../metadataPath.ts'
import { name300 } from '../name.ts'
import { Points } from '../points.ts'

const every = v.pipe(v.number(), v.finite(), v.gtValue(0))
const share = { /** Points for each whole `every`: of minor units, of pieces, of the number. */ every, points: Points }

/** Which items count: those of a product or SKU, by its id or the seller's own; all where nothing is named. */
const Selected = v.object({ object: v.picklist(['product', 'sku']), id: name300 })
const items = v.object({
  ...share,
  object: v.optional(v.picklist(['product', 'sku'])),
  id: v.optional(name300),
  applicable_to: v.optional(v.pipe(v.array(Selected), v.maxLength(100))),
})

const proportional = v.literal('PROPORTIONAL')

/** The forms of an earning rule that pay in proportion to an order. */
export const OrderEarnings = [
  v.object({
    type: proportional,
    calculation_type: v.literal('ORDER_AMOUNT'),
    order: v.object({ amount: v.object(share) }),
  }),
  v.object({
    type: proportional,
    calculation_type: v.literal('ORDER_TOTAL_AMOUNT'),
    order: v.object({ total_amount: v.object(share) }),
  }),
  v.object({
    type: proportional,
    calculation_type: v.literal('ORDER_METADATA'),
    order: v.object({ metadata: v.object({ ...share, property: name300 }) }),
  }),
  v.object({
    type: proportional,
    calculation_type: v.literal('ORDER_ITEMS_QUANTITY'),
    order_items: v.object({ quantity: items }),
  }),
  v.object({
    type: proportional,
    calculation_type: v.literal('ORDER_ITEMS_AMOUNT'),
    order_items: v.object({ amount: items }),
  }),
  v.object({
    type: proportional,
    calculation_type: v.literal('ORDER_ITEMS_SUBTOTAL_AMOUNT'),
    order_items: v.object({ subtotal_amount: items }),
  }),
] as const
type OrderEarning = v.InferOutput<(typeof OrderEarnings)[number]>

/** Whether a rule pays in proportion to an order. */
export const isOfOrder = <L extends { readonly type: string }>(loyalty: L): loyalty is Extract<L, OrderEarning> =>
  'calculation_type' in loyalty && String(loyalty.calculation_type).startsWith('ORDER_')

interface Counted {
  /** Undefined where the order has no such thing. */
  readonly value: number | undefined
  readonly share: { readonly every: number; readonly points: number }
  /** What is counted, in words. */
  readonly named: string
}

type Item = OrderItem & { readonly subtotal_amount?: number }

const namesOf = (item: Item, object: 'product' | 'sku'): readonly unknown[] => [
  object === 'product' ? item.product_id : item.sku_id,
  item[object]?.id,
  item[object]?.source_id,
  'related_object' in item && item.related_object === object ? item.source_id : undefined,
]

const sumOf = (
  order: Order | undefined,
  { object, id, applicable_to: among = [] }: v.InferOutput<typeof items>,
  of: (item: Item) => number,
): number | undefined => {
  if (!order?.items) return undefined
  const wanted = [...among, ...(object !== undefined && id !== undefined ? [{ object, id }] : [])]
  const counted = order.items.filter(
    (item) => wanted.length === 0 || wanted.some((one) => namesOf(item, one.object).includes(one.id)),
  )
  return counted.reduce((sum, item) => sum + of(item), 0)
}

/** What of an order a rule counts by. */
export const orderValue = (loyalty: OrderEarning, order: Order | undefined): Counted => {
  switch (loyalty.calculation_type) {
    case 'ORDER_AMOUNT':
      return { value: order?.amount, share: loyalty.order.amount, named: 'order amount' }
    case 'ORDER_TOTAL_AMOUNT':
      return { value: order?.total_amount, share: loyalty.order.total_amount, named: 'total amount of the order' }
    case 'ORDER_METADATA': {
      const { metadata } = loyalty.order
      const { property } = metadata
      const said = metadataAt(order?.metadata, property)
      const value = typeof said === 'number' ? said : undefined
      return { value, share: metadata, named: `number ${property} in the order's metadata` }
    }
    case 'ORDER_ITEMS_QUANTITY': {
      const { quantity } = loyalty.order_items
      const value = sumOf(order, quantity, (item) => item.quantity ?? 1)
      return { value, share: quantity, named: 'quantity of items' }
    }
    case 'ORDER_ITEMS_AMOUNT': {
      const { amount } = loyalty.order_items
      return { value: sumOf(order, amount, (item) => item.amount ?? 0), share: amount, named: 'amount of items' }
    }
    case 'ORDER_ITEMS_SUBTOTAL_AMOUNT': {
      const { subtotal_amount: subtotal } = loyalty.order_items
      const value = sumOf(order, subtotal, (item) => item.subtotal_amount ?? item.amount ?? 0)
      return { value, share: subtotal, named: 'subtotal of items' }
    }
    default:
      return loyalty satisfies never
  }
}
