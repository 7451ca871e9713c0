// What an order holds, and what it holds after somebody has said something of it.

import type { OrderContent, OrderRedemption } from '../customer/orders/content.ts'
import { mergeRecord } from '../mergeRecord.ts'
import { amountOf, openItem, type PricedItem, type PricedOrder, priceOf, sumOf, withSums } from '../order.ts'
import { type Refused, refuse } from '../refusal.ts'
import { sizeOf } from '../size.ts'
import type { OrderPatch, SavedItem } from './input.ts'

/** Bytes that an order may have as JSON: several facts about it stand in one append. */
export const MAX_ORDER_BYTES = 160 * 1024
/** Requests that redeemed codes for one order, and are told of; of more the first are not. */
const MAX_REQUESTS = 50

const pricedItem = (item: SavedItem): PricedItem => {
  const { initial_quantity, discount_quantity, initial_amount, discount_amount = 0, ...rest } = item
  const open = openItem(rest, priceOf(rest), amountOf(rest) ?? 0)
  return {
    ...open,
    initial_quantity: initial_quantity ?? open.initial_quantity,
    discount_quantity: discount_quantity ?? 0,
    initial_amount: initial_amount ?? open.initial_amount,
    discount_amount,
    subtotal_amount: open.amount - discount_amount,
  }
}

type Described = Pick<OrderPatch, 'metadata'>

const mergedMetadata = (before: Pick<OrderContent, 'metadata'> | undefined, { metadata }: Described) =>
  metadata ? mergeRecord(before?.metadata ?? {}, metadata) : before?.metadata

/**
 * The order after a patch. Items are replaced as a whole, metadata key by key (null takes one away). An amount that is given
 * stands, else new items say what the order costs. Refuses an order that comes to less than nothing, or is too large to keep.
 */
export const patchedContent = (
  before: OrderContent | undefined,
  patch: OrderPatch,
  referrer: string | null | undefined,
): OrderContent | Refused => {
  const items = patch.items?.map(pricedItem) ?? before?.items
  const amount =
    patch.amount ?? (patch.items && items ? sumOf(items.map((item) => item.amount)) : (before?.amount ?? 0))
  const metadata = mergedMetadata(before, patch)
  const source_id = patch.source_id ?? before?.source_id
  const { redemptions } = before ?? {}
  const referred = referrer === undefined ? before?.referrer : (referrer ?? undefined)
  const stated = {
    ...(source_id === undefined ? {} : { source_id }),
    amount,
    initial_amount: patch.initial_amount ?? (amount === before?.amount ? before.initial_amount : amount),
    ...(items ? { items } : {}),
    ...(metadata && Object.keys(metadata).length > 0 ? { metadata } : {}),
  }
  const discount = patch.discount_amount ?? before?.discount_amount ?? 0
  const summed = withSums(stated, discount, Math.min(before?.applied_discount_amount ?? 0, discount))
  if (summed.total_amount < 0)
    return refuse('invalid_order', `Discounts of ${summed.total_discount_amount} are more than the order's ${amount}`)
  return sized({
    ...summed,
    ...(referred === undefined ? {} : { referrer: referred }),
    ...(redemptions ? { redemptions } : {}),
  })
}

const sized = (content: OrderContent): OrderContent | Refused => {
  const { bytes } = sizeOf(content)
  return bytes > MAX_ORDER_BYTES
    ? refuse('invalid_order', `The order would have ${bytes} bytes, and may have at most ${MAX_ORDER_BYTES}`)
    : content
}

/** The order as a request that redeemed codes leaves it. One that is too large to keep is kept without its items. */
export const redeemedContent = (
  before: OrderContent | undefined,
  { id: _, status: __, ...order }: PricedOrder,
  request: string,
  redemption: OrderRedemption,
): OrderContent => {
  const others = Object.entries(before?.redemptions ?? {}).slice(1 - MAX_REQUESTS)
  const metadata = mergedMetadata(before, order)
  const content: OrderContent = {
    ...order,
    ...(metadata ? { metadata } : {}),
    ...(order.source_id === undefined && before?.source_id !== undefined ? { source_id: before.source_id } : {}),
    ...(before?.referrer === undefined ? {} : { referrer: before.referrer }),
    redemptions: { ...Object.fromEntries(others), [request]: redemption },
  }
  if (sizeOf(content).bytes <= MAX_ORDER_BYTES) return content
  const { items: ___, metadata: ____, ...amounts } = content
  return amounts
}
