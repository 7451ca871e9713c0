// How orders show.
import * as v from 'valibot'
import type { DocumentFields } from '../lists/filters.ts'
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
