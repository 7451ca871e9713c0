// Reading orders: how one shows, one by its id or `source_id`, and the list of all.

import * as v from 'valibot'
import type { OrderDocument } from '../projections/orders.ts'
import { allOf, equals, filterQuery } from '../src/api/lists/filters.ts'
import { listBody, orderOf, pageAndTotal, pagedByNumber } from '../src/api/lists/pager.ts'
import { Range, rangeFilter } from '../src/api/lists/range.ts'
import { documents } from '../src/api/lists/sources.ts'
import { readCustomer } from '../src/api/presenters/customers.ts'
import { ORDER_FILTERS, OrderObject, showOrderDocument } from '../src/api/presenters/orders.ts'
import { ById } from '../src/api/shapes.ts'
import { listOf } from '../src/http/answers.ts'
import { isFailure, notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

const ORDER_KEYS = {
  created_at: ['created_at', '_id'],
  updated_at: ['updated_at', '_id'],
  status: ['status', 'created_at', '_id'],
} as const

const ordersOf = ({ readModel }: Services) => readModel.collection<OrderDocument>('orders')

const ListQuery = v.object({
  ...pagedByNumber,
  /** By id or `source_id`. */
  customer: v.optional(v.string()),
  status: v.optional(v.picklist(['CREATED', 'PAID', 'CANCELED', 'PROCESSING', 'FULFILLED'])),
  created_at: Range,
  updated_at: Range,
  filters: v.optional(v.record(v.string(), v.unknown())),
  order: orderOf(['created_at', 'updated_at', 'status'], '-created_at'),
})

const list = async (
  services: Services,
  { query, now }: { readonly query: v.InferOutput<typeof ListQuery>; readonly now: number },
): Promise<Outcome> => {
  const { timeZone } = services.rulebook.current().project
  const who = query.customer === undefined ? undefined : await readCustomer(services, query.customer)
  if (who === null) return notFound('customer', query.customer!)
  const filters = filterQuery(query.filters, ORDER_FILTERS, { timeZone, now })
  if (isFailure(filters)) return filters
  const filter = allOf(
    who ? { customer: who._id } : {},
    equals('status', query.status),
    rangeFilter('created_at', query.created_at, timeZone),
    rangeFilter('updated_at', query.updated_at, timeZone),
    filters,
  )
  const source = documents(ordersOf(services), filter)
  const [page, total] = await pageAndTotal(source, ORDER_KEYS, query)
  if (isFailure(page)) return page
  return { body: listBody('orders', page, page.entries.map(showOrderDocument), { total }) }
}

export const orderQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/orders',
    summary: 'List orders',
    description: 'Beyond the contract: by customer, status, times, and `filters` as in exports.',
    tag: 'Orders',
    permission: 'orders.read',
    query: ListQuery,
    response: listOf('orders', OrderObject),
    handler: (call) => list(services, call),
  }),
  route({
    method: 'get',
    path: '/v1/orders/{id}',
    summary: 'Get an order by its id or source_id',
    tag: 'Orders',
    permission: 'orders.read',
    params: ById,
    response: OrderObject,
    handler: async ({ params }): Promise<Outcome> => {
      const found =
        (await ordersOf(services).findOne({ _id: params.id })) ??
        (await ordersOf(services).findOne({ source_id: params.id }))
      return found ? { body: showOrderDocument(found) } : notFound('order', params.id)
    },
  }),
]
