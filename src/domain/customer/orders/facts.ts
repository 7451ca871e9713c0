// Facts of orders, in the stream of the customer who ordered; of an order of nobody's in a stream of its own.

import * as v from 'valibot'
import { OrderStatus, RecordedOrder } from '../../order.ts'
import { sumsOf, wholeFields } from '../../personal.ts'
import { evolveBy, type FactIn, rowsOf } from '../factRow.ts'
import { kept, markPaid, type OrdersState } from './state.ts'

const At = v.pipe(v.number(), v.integer())

/** An order as facts keep it: an `OrderContent`. */
const Content = v.looseObject({
  ...RecordedOrder.entries,
  referrer: v.optional(v.string()),
  redemptions: v.optional(v.record(v.string(), v.looseObject({ stacked: v.array(v.string()) }))),
})

const Change = v.object({
  /** Id of the order. */
  order: v.string(),
  status: OrderStatus,
  /** What it was before, where it was there: minor units, and whether it counted as paid. */
  was: v.optional(v.object({ status: OrderStatus, amount: v.number(), paid: v.boolean() })),
  /** The order as it is now, whole; its sums alone once the person is erased. */
  content: v.optional(Content),
  /** What is left to pay, minor units. */
  amount: v.number(),
  /** Who says so: a caller, a request that redeemed or rolled back codes, or an import of what is over. */
  by: v.picklist(['request', 'redemption', 'rollback', 'import']),
  /** When the order was made, ms. */
  createdAt: At,
  occurredAt: At,
})
export type OrderFactData = v.InferOutput<typeof Change>

const personal = wholeFields({ content: undefined }, undefined, { content: sumsOf })

/** A row under the contract's event type. What was bought, and what the caller added, is personal. */
const order = (event: string, evolve?: (state: OrdersState, data: OrderFactData) => OrdersState) => ({
  ...rowsOf<OrdersState>()(Change, { personal, evolve }),
  event,
})

export const orderFacts = {
  OrderCreated: order('customer.order.created', (state, data) => kept(state, data, { isNew: true })),
  OrderUpdated: order('customer.order.updated', (state, data) => kept(state, data)),
  /** What follows from a status that is new. An order is paid once, until it is cancelled. */
  OrderPaid: order('customer.order.paid', (state, data) => markPaid(state, data, { paid: true })),
  OrderCanceled: order('customer.order.canceled', (state, data) => markPaid(state, data, { paid: false })),
  OrderFulfilled: order('customer.order.fulfilled'),
  OrderProcessing: order('customer.order.processing'),
} as const

type Registry = typeof orderFacts
export type OrderFactType = keyof Registry
export type OrderFact = FactIn<Registry>

export const evolveOrders: (state: OrdersState, fact: OrderFact) => OrdersState = evolveBy<OrdersState>(orderFacts)

export const isOrderFact = (fact: { readonly type: string; readonly data: unknown }): fact is OrderFact =>
  Object.hasOwn(orderFacts, fact.type)

/** Facts of the streams in which orders are found by their ids. */
export const orderHomeFacts = {
  /** An id, or a `source_id`, stands for an order, and whose it is. */
  OrderReserved: {
    version: 1,
    schema: v.object({ name: v.string(), order: v.string(), customer: v.optional(v.string()), occurredAt: At }),
  },
} as const
export type OrderReserved = v.InferOutput<typeof orderHomeFacts.OrderReserved.schema>
