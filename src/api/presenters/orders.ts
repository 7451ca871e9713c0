// How orders show.
import * as v from 'valibot'
import type { OrderDocument } from '../../../projections/orders.ts'
import type { DocumentFields } from '../lists/filters.ts'
import { shownOrder } from './facts/orders.ts'
import { orderFields } from './parts.ts'

export const OrderObject = v.pipe(
  v.object({
    id: v.string(),
    ...orderFields,
    redemptions: orderFields.redemptions.wrapped,
    created_at: v.string(),
    updated_at: v.nullable(v.string()),
  }),
  v.title('Order'),
)

const TIME = { type: 'datetime', array: false } as const

/** What orders can be filtered by, in lists and exports. */
export const ORDER_FILTERS: DocumentFields = {
  status: { path: 'status' },
  source_id: { path: 'source_id' },
  customer_id: { path: 'customer' },
  created_at: { path: 'created_at', shape: TIME },
  updated_at: { path: 'updated_at', shape: TIME },
}

/** An order of the read model as the HTTP contract shows it. */
export const showOrderDocument = ({ _id, status, customer, content, created_at, updated_at }: OrderDocument) =>
  shownOrder(content, {
    id: _id,
    status,
    customer,
    createdAt: created_at.getTime(),
    updatedAt: updated_at?.getTime() ?? null,
  })
