// Orders: one document each, as the last fact about it left it.

import type { OrderContent } from '../src/domain/customer/orders/content.ts'
import { isOrderFact, type OrderFact, orderFacts } from '../src/domain/customer/orders/facts.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import type { OrderStatus } from '../src/domain/order.ts'
import { isOrderStream } from '../src/domain/orders/home.ts'
import { sortable } from '../src/domain/position.ts'
import type { RecordedFact } from '../src/domain/recorded.ts'
import { erasedBy, erasedKeys, TRACES_ERASED } from '../src/domain/traces.ts'
import type { Projection } from './projection.ts'

export interface OrderDocument {
  readonly _id: string
  /** Null for an order of nobody's, and once the customer is deleted. */
  readonly customer: string | null
  /** Copies for the indexes of filters. */
  readonly source_id: string | null
  readonly status: OrderStatus
  readonly paid: boolean
  /** What is left to pay, minor units. */
  readonly total_amount: number
  readonly content: OrderContent
  readonly created_at: Date
  readonly updated_at: Date | null
  /** The place in the log at which it was made, as sortable text. */
  readonly position: string
}

const orderIn = (fact: RecordedFact): OrderFact | undefined =>
  isOrderFact(fact) && (customerOfStream(fact.stream) !== undefined || isOrderStream(fact.stream)) ? fact : undefined

const amountsOf = (amount: number): OrderContent => ({
  amount,
  initial_amount: amount,
  discount_amount: 0,
  items_discount_amount: 0,
  total_discount_amount: 0,
  applied_discount_amount: 0,
  items_applied_discount_amount: 0,
  total_applied_discount_amount: 0,
  total_amount: amount,
})

/** What is left of an order whose customer was deleted: the money. */
const anonymous = (before: OrderDocument): OrderDocument => {
  const { items: _, metadata: __, source_id: ___, referrer: ____, redemptions: _____, ...amounts } = before.content
  return { ...before, customer: null, source_id: null, content: amounts }
}

export const orders: Projection<OrderDocument> = {
  name: 'orders',
  version: 1,
  indexes: [
    { key: { created_at: 1, _id: 1 } },
    { key: { updated_at: 1, _id: 1 } },
    { key: { status: 1, created_at: 1, _id: 1 } },
    { key: { customer: 1, position: 1 } },
    { key: { customer: 1, created_at: 1, _id: 1 } },
    { key: { source_id: 1 } },
  ],
  types: [...Object.keys(orderFacts), TRACES_ERASED],
  keys: (recorded) => {
    const fact = orderIn(recorded)
    return fact ? [fact.data.order] : erasedKeys(recorded, 'orders')
  },
  evolve: (before, recorded, key) => {
    if (erasedBy(recorded)) return before && anonymous(before)
    const fact = orderIn(recorded)
    if (!fact) return before
    const { status, content, amount, createdAt, occurredAt, was } = fact.data
    if (fact.type === 'OrderPaid' || fact.type === 'OrderCanceled')
      return before && { ...before, paid: fact.type === 'OrderPaid' }
    if (fact.type !== 'OrderCreated' && fact.type !== 'OrderUpdated') return before
    const kept = (content as unknown as OrderContent | undefined) ?? amountsOf(amount)
    return {
      _id: key,
      customer: customerOfStream(recorded.stream) ?? null,
      source_id: kept.source_id ?? null,
      status,
      paid: before?.paid ?? was?.paid ?? false,
      total_amount: amount,
      content: kept,
      created_at: new Date(createdAt),
      updated_at: fact.type === 'OrderCreated' ? null : new Date(occurredAt),
      position: before?.position ?? sortable(recorded.position),
    }
  },
}
