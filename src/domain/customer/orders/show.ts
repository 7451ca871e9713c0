// How orders show: as internal events for conditions and triggers, in the activity log, and as the order of the HTTP contract.

import type { Occurrence, Order } from '../../conditions/subject.ts'
import { showOrder } from '../../order.ts'
import type { Activity } from '../activity.ts'
import type { OrderContent } from './content.ts'
import type { OrderFact, OrderFactType } from './facts.ts'

/** The contract's event type of each fact. */
export const ORDER_EVENTS: Readonly<Record<OrderFactType, string>> = {
  OrderCreated: 'customer.order.created',
  OrderUpdated: 'customer.order.updated',
  OrderPaid: 'customer.order.paid',
  OrderCanceled: 'customer.order.canceled',
  OrderFulfilled: 'customer.order.fulfilled',
  OrderProcessing: 'customer.order.processing',
}

/** The order of a fact, as rules ask for it. */
export const orderAsked = (fact: { readonly type: string; readonly data: unknown }): Order | undefined =>
  Object.hasOwn(ORDER_EVENTS, fact.type) ? ((fact as OrderFact).data.content as Order | undefined) : undefined

/** What conditions may ask of an order's event: the order's own metadata, and beside it the names that are listed here. */
export const orderOccurrence = (id: string, { type, data }: OrderFact, recordedAt: number): Occurrence => ({
  id,
  type: ORDER_EVENTS[type],
  occurredAt: data.occurredAt,
  recordedAt,
  // Most who ask count, and look at nothing else.
  get metadata() {
    const { content } = data
    return {
      ...content?.metadata,
      order: data.order,
      ...(content?.source_id === undefined ? {} : { order_source_id: content.source_id }),
      status: data.status,
      total_amount: data.amount,
      ...(content
        ? { amount: content.amount, discount_amount: content.total_discount_amount, items: content.items?.length ?? 0 }
        : {}),
    }
  },
})

const iso = (ms: number): string => new Date(ms).toISOString()

/** An order as the HTTP contract shows it; times in ms. */
export const shownOrder = (
  content: OrderContent,
  view: {
    readonly id: string
    readonly status: string
    readonly customer: string | null
    readonly createdAt: number
    readonly updatedAt: number | null
  },
) => {
  const { referrer, redemptions, ...order } = content
  return showOrder(order, {
    id: view.id,
    status: view.status,
    created_at: iso(view.createdAt),
    ...(view.updatedAt === null ? {} : { updated_at: iso(view.updatedAt) }),
    customer_id: view.customer,
    referrer_id: referrer ?? null,
    redemptions: redemptions ?? {},
  })
}

/** The entry that a fact makes in the activity log. */
export const orderActivity = ({ type, data }: OrderFact): Activity => {
  const { order, status, content, was, createdAt, occurredAt } = data
  const updatedAt = was ? occurredAt : null
  return {
    type: ORDER_EVENTS[type],
    category: 'ACTION',
    data: {
      order: content
        ? shownOrder(content as unknown as OrderContent, { id: order, status, customer: null, createdAt, updatedAt })
        : { id: order, status, object: 'order' },
      referrer: content?.referrer === undefined ? null : { id: content.referrer, object: 'customer' },
      redemption: null,
    },
  }
}
