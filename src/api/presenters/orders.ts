// How orders show.
import * as v from 'valibot'
import type { DocumentFields } from '../lists/filters.ts'

const Person = v.looseObject({ id: v.string(), object: v.literal('customer') })

export const OrderObject = v.pipe(
  v.looseObject({
    id: v.string(),
    source_id: v.nullable(v.string()),
    status: v.picklist(['CREATED', 'PAID', 'CANCELED', 'PROCESSING', 'FULFILLED']),
    amount: v.number(),
    total_amount: v.number(),
    items: v.optional(v.array(v.looseObject({ id: v.string(), object: v.literal('order_item') }))),
    metadata: v.record(v.string(), v.unknown()),
    customer_id: v.nullable(v.string()),
    customer: v.optional(Person),
    referrer_id: v.nullable(v.string()),
    referrer: v.optional(Person),
    redemptions: v.record(v.string(), v.looseObject({ date: v.string() })),
    created_at: v.string(),
    updated_at: v.nullable(v.string()),
    object: v.literal('order'),
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
