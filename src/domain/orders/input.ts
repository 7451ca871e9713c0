// What a request may say of an order that is recorded for itself: the fields of any order, and what was taken off it elsewhere.

import * as v from 'valibot'
import { answered } from '../answered.ts'
import { MAX_ORDER_ITEMS } from '../conditions/subject.ts'
import {
  amount,
  amountOf,
  ITEM_ANSWERED,
  itemFields,
  OrderStatus,
  orderName,
  present,
  quantity,
  sumOf,
} from '../order.ts'
import { MAX_AMOUNT } from '../rulebook/voucherSpec.ts'
import { GivenMetadata } from '../size.ts'

const SavedItem = v.pipe(
  v.object({
    ...itemFields,
    /** Units and amounts before anything was given or taken off; minor units. */
    initial_quantity: v.nullish(quantity),
    discount_quantity: v.nullish(quantity),
    initial_amount: v.nullish(amount),
    /** What was taken off this very item. */
    discount_amount: v.nullish(amount),
  }),
  answered(...ITEM_ANSWERED),
  v.check(
    (item) => (item.discount_amount ?? 0) <= (amountOf(present(item)) ?? 0),
    'discount_amount must NOT be more than the item costs',
  ),
  v.transform(present),
)
export type SavedItem = v.InferOutput<typeof SavedItem>

/** The fields of an order beside its id, its times and the people that it is about. */
export const orderFields = {
  source_id: v.nullish(orderName),
  status: v.nullish(OrderStatus),
  /** Else what the items come to. */
  amount: v.nullish(amount),
  initial_amount: v.nullish(amount),
  /** What was taken off the order as a whole. */
  discount_amount: v.nullish(amount),
  items: v.nullish(
    v.pipe(
      v.array(SavedItem),
      v.maxLength(MAX_ORDER_ITEMS),
      v.check(
        (items) => sumOf(items.map((item) => amountOf(item) ?? 0)) <= MAX_AMOUNT,
        `must NOT come to more than ${MAX_AMOUNT}`,
      ),
    ),
  ),
  metadata: v.nullish(GivenMetadata),
}

/** What a request says of an order; what is absent stays as it is. */
export interface OrderPatch {
  readonly source_id?: string | null | undefined
  readonly status?: OrderStatus | null | undefined
  readonly amount?: number | null | undefined
  readonly initial_amount?: number | null | undefined
  readonly discount_amount?: number | null | undefined
  readonly items?: readonly SavedItem[] | null | undefined
  readonly metadata?: Readonly<Record<string, unknown>> | null | undefined
}
