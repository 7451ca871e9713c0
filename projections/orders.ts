// Orders: one document each, as the last fact about it left it.

import type { OrderContent } from '../src/domain/customer/orders/content.ts'
import type { OrderFactType } from '../src/domain/customer/orders/facts.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import { type OrderStatus, withSums } from '../src/domain/order.ts'
import { isOrderStream } from '../src/domain/orders/home.ts'
import { sortable } from '../src/domain/position.ts'
import { erasing, projection, type Reaction, type RecordedOf, toEach } from './projection.ts'

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

/** What is left of an order whose customer was deleted: the money. */
const anonymous = (before: OrderDocument): OrderDocument => {
  const { items: _, metadata: __, source_id: ___, referrer: ____, redemptions: _____, ...amounts } = before.content
  return { ...before, customer: null, source_id: null, content: amounts }
}

const paid =
  (isPaid: boolean): Reaction<OrderDocument, 'OrderPaid' | 'OrderCanceled', string | null>[1] =>
  (before) =>
    before && { ...before, paid: isPaid }

const idOf = ({ data }: RecordedOf<OrderFactType>): string => data.order

export const orders = projection<OrderDocument, string | null>({
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
  streams: (stream) => customerOfStream(stream) ?? (isOrderStream(stream) ? null : undefined),
  on: {
    ...toEach<OrderDocument, 'OrderCreated' | 'OrderUpdated', string | null>(
      ['OrderCreated', 'OrderUpdated'],
      idOf,
      (before, { type, data, position }, { key, owner }) => {
        const { status, content, amount, createdAt, occurredAt, was } = data
        const kept =
          (content as unknown as OrderContent | undefined) ?? withSums({ amount, initial_amount: amount }, 0, 0)
        return {
          _id: key,
          customer: owner,
          source_id: kept.source_id ?? null,
          status,
          paid: before?.paid ?? was?.paid ?? false,
          total_amount: amount,
          content: kept,
          created_at: new Date(createdAt),
          updated_at: type === 'OrderCreated' ? null : new Date(occurredAt),
          position: before?.position ?? sortable(position),
        }
      },
    ),
    OrderPaid: [idOf, paid(true)],
    OrderCanceled: [idOf, paid(false)],
    ...erasing('orders', anonymous),
  },
})
