// Taking amounts off an order or off its items, never more than there is.
import { byText } from '../byText.ts'
import { MAX_ORDER, type PricedItem, type PricedOrder, withSums } from '../order.ts'
import { spread } from './spread.ts'

/** Which items of an order a discount is for. */
export type Reach = (item: PricedItem) => boolean

/** The sum of amounts, where the sum is known to be no more than an order may come to, else that. */
export const bounded = (amounts: readonly number[]): number =>
  Math.min(
    MAX_ORDER,
    amounts.reduce((sum, one) => sum + one, 0),
  )

const nameOf = ({ sku_id, product_id, source_id }: PricedItem): string => sku_id ?? product_id ?? source_id ?? ''

/** Cheapest first, and a total order but for items that are alike: what depends on it does not on the order of the items. */
export const byPrice = (a: PricedItem, b: PricedItem): number =>
  unitPrice(a) - unitPrice(b) ||
  a.subtotal_amount - b.subtotal_amount ||
  a.amount - b.amount ||
  a.quantity - b.quantity ||
  a.discount_quantity - b.discount_quantity ||
  byText(nameOf(a), nameOf(b))

/** What one unit costs, minor units, rounded down; 0 when unknown. */
export const unitPrice = ({ price, quantity, amount }: PricedItem): number =>
  price ?? (quantity > 0 ? Math.floor(amount / quantity) : 0)

/** The place of each item when the dearest comes first: who gets a unit that can be divided no further. */
export const ranksOf = (items: readonly PricedItem[]): readonly number[] => {
  const ranks: number[] = []
  const sorted = items.map((_, i) => i).sort((a, b) => byPrice(items[b]!, items[a]!))
  for (const [rank, i] of sorted.entries()) ranks[i] = rank
  return ranks
}

/** Takes up to `wanted` off the order as a whole. */
export const takeFromOrder = (order: PricedOrder, wanted: number): PricedOrder => {
  const taken = Math.min(wanted, order.total_amount)
  return withSums(order, order.discount_amount + taken, order.applied_discount_amount + taken)
}

/**
 * Takes up to `wanted[i]` off item i: no more than is left of the item, and of all together no more than is left of the order
 * (something may have been taken off it as a whole), in proportion to what each would have given.
 */
export const takeFromItems = (order: PricedOrder, wanted: readonly number[]): PricedOrder => {
  const { items = [] } = order
  const possible = items.map((item, i) => Math.min(wanted[i]!, item.subtotal_amount))
  const taken = bounded(possible) > order.total_amount ? spread(order.total_amount, possible, ranksOf(items)) : possible
  const changed = items.map((item, i) => ({
    ...item,
    discount_amount: item.discount_amount + taken[i]!,
    applied_discount_amount: item.applied_discount_amount + taken[i]!,
    subtotal_amount: item.subtotal_amount - taken[i]!,
  }))
  return withSums({ ...order, items: changed }, order.discount_amount, order.applied_discount_amount)
}
