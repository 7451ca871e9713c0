// Discounts in units: so many of a product for nothing, of those that are in the order or added to it.

import { MAX_ORDER, type PricedItem, type PricedOrder, withSums } from '../order.ts'
import type { Discount } from '../rulebook/voucherSpec.ts'
import { byPrice, takeFromItems, unitPrice } from './take.ts'

export type UnitDiscount = Extract<Discount, { readonly type: 'UNIT' }>

const idsOf = ({ product_id, sku_id, source_id, product, sku }: PricedItem): readonly unknown[] => [
  product_id,
  sku_id,
  source_id,
  product?.id,
  product?.source_id,
  sku?.id,
  sku?.source_id,
]

/** An item for a product that the order does not hold. Its price is unknown: there is no catalogue. */
const newItem = (id: string): PricedItem => ({
  ...(id.startsWith('prod_')
    ? { product_id: id }
    : id.startsWith('sku_')
      ? { sku_id: id }
      : { source_id: id, related_object: 'product' as const }),
  quantity: 0,
  initial_quantity: 0,
  discount_quantity: 0,
  price: 0,
  amount: 0,
  initial_amount: 0,
  discount_amount: 0,
  applied_discount_amount: 0,
  subtotal_amount: 0,
})

/** So many units more of an item, while the order has room for their amount. */
const added = (item: PricedItem, units: number, room: number): PricedItem => {
  const price = unitPrice(item)
  const more = price > 0 ? Math.min(units, Math.floor(room / price)) : units
  return {
    ...item,
    quantity: item.quantity + more,
    amount: item.amount + more * price,
    subtotal_amount: item.subtotal_amount + more * price,
  }
}

/**
 * Gives `unit_off` units of the product `unit_type` away, beginning with the item whose unit costs least. ADD_MISSING_ITEMS
 * takes those that are in the order and not given away yet, and adds what is missing; ADD_NEW_ITEMS always adds them. Added
 * units raise the order's amount and are taken off it in full; their price is that of the item which holds the product, else 0.
 * Also says what the units are worth, minor units.
 */
export const applyUnits = (
  order: PricedOrder,
  { unit_off, unit_type, effect }: UnitDiscount,
): { readonly order: PricedOrder; readonly worth: number } => {
  if (unit_type === undefined || unit_type === null) return { order, worth: 0 }
  const held = order.items ?? []
  const found = held
    .map((_, i) => i)
    .filter((i) => idsOf(held[i]!).includes(unit_type))
    .sort((a, b) => byPrice(held[a]!, held[b]!))
  const items = found.length > 0 ? [...held] : [...held, newItem(unit_type)]
  const places = found.length > 0 ? found : [held.length]

  const free = items.map(() => 0)
  let left = unit_off
  if (effect === 'ADD_MISSING_ITEMS')
    for (const i of places) {
      const { quantity, discount_quantity } = items[i]!
      free[i] = Math.min(left, quantity - discount_quantity)
      left -= free[i]!
    }
  const first = places[0]!
  const before = items[first]!
  items[first] = added(before, left, MAX_ORDER - order.amount)
  free[first] = free[first]! + items[first]!.quantity - before.quantity

  const amount = order.amount + items[first]!.amount - before.amount
  const wanted = items.map((item, i) => free[i]! * unitPrice(item))
  const given = items.map((item, i) => ({ ...item, discount_quantity: item.discount_quantity + free[i]! }))
  const raised = withSums({ ...order, items: given, amount }, order.discount_amount, order.applied_discount_amount)
  return {
    order: takeFromItems(raised, wanted),
    worth: Math.min(
      MAX_ORDER,
      wanted.reduce((sum, one) => sum + one, 0),
    ),
  }
}
