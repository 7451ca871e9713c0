// How orders show: as internal events for conditions and triggers, in the activity log, and as the order of the HTTP contract.

import type { Order } from '../../conditions/subject.ts'
import { showOrder } from '../../order.ts'
import type { Activity } from '../activity.ts'
import type { Happening } from '../factRow.ts'
import type { OrderContent } from './content.ts'
import { isOrderFact, type OrderFact, orderFacts } from './facts.ts'

/** The order of a fact, as rules ask for it. */
export const orderAsked = (fact: { readonly type: string; readonly data: unknown }): Order | undefined =>
  isOrderFact(fact) ? (fact.data.content as Order | undefined) : undefined

/** What conditions may ask of an order's event: the order's own metadata, and beside it the names that are listed here. */
export const orderHappening = ({ type, data }: OrderFact): Happening => ({
  type: orderFacts[type].event,
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
    type: orderFacts[type].event,
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
