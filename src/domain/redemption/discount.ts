// Discounts and gift credits applied to an order, one after another, each to what the ones before it have left.

import type { PricedOrder } from '../order.ts'
import type { Discount, Gift } from '../rulebook/voucherSpec.ts'
import { percentOf, spread } from './spread.ts'
import { bounded, type Reach, ranksOf, takeFromItems, takeFromOrder } from './take.ts'
import { applyUnits, type UnitDiscount } from './units.ts'

export interface Applied {
  readonly order: PricedOrder
  /** What the discount gives of what it found, minor units. */
  readonly discount_amount: number
  /** What of that really came off, minor units: never more than there was. */
  readonly applied_discount_amount: number
  readonly effect: Discount['effect']
}

type PriceDiscount = Exclude<Discount, UnitDiscount>
type ItemsEffect = Exclude<PriceDiscount['effect'], 'APPLY_TO_ORDER'>

const everything: Reach = () => true

/** What a discount gives of an order as a whole. */
const ofOrder = (order: PricedOrder, discount: PriceDiscount): number => {
  switch (discount.type) {
    case 'AMOUNT':
      return discount.amount_off
    case 'PERCENT':
      return Math.min(
        percentOf(order.total_amount, discount.percent_off),
        discount.amount_limit ?? Number.POSITIVE_INFINITY,
      )
    case 'FIXED':
      return Math.max(0, order.total_amount - discount.fixed_amount)
  }
}

/** What a discount gives of each item that it reaches. */
const ofItems = (
  order: PricedOrder,
  discount: PriceDiscount,
  effect: ItemsEffect,
  isReached: readonly boolean[],
): readonly number[] => {
  const items = order.items ?? []
  const left = items.map((item, i) => (isReached[i] ? item.subtotal_amount : 0))
  const units = items.map((item, i) => (isReached[i] ? item.quantity : 0))
  switch (discount.type) {
    case 'AMOUNT':
      switch (effect) {
        case 'APPLY_TO_ITEMS':
          return items.map((_, i) => (isReached[i] ? discount.amount_off : 0))
        case 'APPLY_TO_ITEMS_BY_QUANTITY':
          return units.map((count) => bounded([discount.amount_off * count]))
        case 'APPLY_TO_ITEMS_PROPORTIONALLY':
          return spread(Math.min(discount.amount_off, bounded(left)), left, ranksOf(items))
        case 'APPLY_TO_ITEMS_PROPORTIONALLY_BY_QUANTITY':
          return spread(discount.amount_off, units, ranksOf(items))
        default:
          return effect satisfies never
      }
    case 'PERCENT': {
      const whole = percentOf(bounded(left), discount.percent_off)
      return spread(Math.min(whole, discount.amount_limit ?? whole), left, ranksOf(items))
    }
    case 'FIXED':
      return left.map((amount, i) => Math.max(0, amount - bounded([discount.fixed_amount * units[i]!])))
  }
}

/** What items are given where all of it together may take no more than `limit` off: each its share of what it could take. */
const capped = (order: PricedOrder, given: readonly number[], limit: number): readonly number[] => {
  const items = order.items ?? []
  const takeable = given.map((amount, i) => Math.min(amount, items[i]!.subtotal_amount))
  return bounded(takeable) <= limit ? given : spread(limit, takeable, ranksOf(items))
}

/**
 * Applies a discount to what is left of an order. `reach` says which items a discount on items is for; one on the order or in
 * units does not ask it.
 *
 * - AMOUNT takes `amount_off` off the order; off each item (`APPLY_TO_ITEMS`, as Voucherify's guide "Discount effects" has it);
 *   off each unit (`…_BY_QUANTITY`); or off all items together, divided by what each costs or by its quantity
 *   (`…_PROPORTIONALLY…`), the parts adding up to it.
 * - PERCENT takes a part of what is left, rounded half up once (`percentOf`), at most `amount_limit`; on items the same sum,
 *   divided by what each costs.
 * - FIXED makes the order, or each unit, cost `fixed_amount`; it never makes anything dearer.
 * - UNIT: see `applyUnits`.
 *
 * Given a `base`, what a discount on prices gives is reckoned of that order and comes off what is left of this one. With an
 * `aggregated_amount_limit` no more than that comes off the order in all.
 */
export const applyDiscount = (
  order: PricedOrder,
  discount: Discount,
  reach: Reach = everything,
  base: PricedOrder = order,
): Applied => {
  const done = (after: PricedOrder, given: number): Applied => ({
    order: after,
    discount_amount: given,
    applied_discount_amount: after.total_applied_discount_amount - order.total_applied_discount_amount,
    effect: discount.effect,
  })
  if (discount.type === 'UNIT') {
    const { order: after, worth } = applyUnits(order, discount)
    return done(after, worth)
  }
  const limit = discount.aggregated_amount_limit ?? Number.POSITIVE_INFINITY
  if (discount.effect === 'APPLY_TO_ORDER') {
    const given = Math.min(ofOrder(base, discount), limit)
    return done(takeFromOrder(order, given), given)
  }
  const given = capped(order, ofItems(base, discount, discount.effect, (order.items ?? []).map(reach)), limit)
  return done(takeFromItems(order, given), bounded(given))
}

/**
 * Pays with gift credits: `wanted` of them, else as many as there is something to pay for, and never more than are available
 * or than is left of the order (or of the items that `reach` names). Without an order only what is asked for by number is paid.
 */
export const applyCredits = <O extends PricedOrder | undefined>(
  order: O,
  wanted: number | undefined,
  available: number,
  effect: Gift['effect'] = 'APPLY_TO_ORDER',
  reach: Reach = everything,
): { readonly order: O | PricedOrder; readonly credits: number } => {
  if (!order) return { order, credits: Math.min(wanted ?? 0, available) }
  const items = order.items ?? []
  const left = items.map((item) => (reach(item) ? item.subtotal_amount : 0))
  const payable = effect === 'APPLY_TO_ORDER' ? order.total_amount : Math.min(order.total_amount, bounded(left))
  const credits = Math.min(wanted ?? payable, available, payable)
  const after =
    effect === 'APPLY_TO_ORDER'
      ? takeFromOrder(order, credits)
      : takeFromItems(order, spread(credits, left, ranksOf(items)))
  return { order: after, credits }
}
