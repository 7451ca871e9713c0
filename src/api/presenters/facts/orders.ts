// How orders show: in the activity log, and as the order of the HTTP contract.
import type { OrderContent } from '../../../domain/customer/orders/content.ts'
import { type OrderFact, orderFacts } from '../../../domain/customer/orders/facts.ts'
import { idFrom } from '../../../domain/ids.ts'
import type { PricedOrder } from '../../../domain/order.ts'
import type { Activity } from './entry.ts'

/** What the contract says of an order beside its amounts; `created_at` and `updated_at` are ISO times. */
export interface OrderView {
  readonly id?: string
  readonly status?: string
  readonly created_at?: string
  readonly updated_at?: string
  readonly customer_id?: string | null
  readonly referrer_id?: string | null
  readonly redemptions?: Readonly<Record<string, object>>
}

/** The order object of the contract. Items have ids once the order has one. */
export const showOrder = (order: PricedOrder, view: OrderView = {}) => {
  const { items, metadata: said, id: own, source_id, status, ...amounts } = order
  const shown = view.id ?? own
  return {
    id: shown,
    source_id: source_id ?? null,
    created_at: view.created_at,
    updated_at: view.created_at === undefined ? undefined : (view.updated_at ?? null),
    status: view.status ?? status ?? 'CREATED',
    ...amounts,
    ...(items
      ? {
          items: items.map((item, i) => ({
            id: shown === undefined ? undefined : idFrom('ordli', shown, `${i}`),
            object: 'order_item',
            ...item,
          })),
        }
      : {}),
    metadata: said ?? {},
    customer_id: view.customer_id ?? null,
    referrer_id: view.referrer_id ?? null,
    ...(view.customer_id ? { customer: { id: view.customer_id, object: 'customer' as const } } : {}),
    ...(view.referrer_id ? { referrer: { id: view.referrer_id, object: 'customer' as const } } : {}),
    ...(view.redemptions ? { redemptions: view.redemptions } : {}),
    object: 'order' as const,
  }
}

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
