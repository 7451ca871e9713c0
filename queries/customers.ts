// Reading customers: one, and lists with filters and paging.

import * as v from 'valibot'
import type { CustomerDocument } from '../projections/customers.ts'
import { allOf, equals, filterQuery } from '../src/api/lists/filters.ts'
import { listBody, moment, orderOf, pageAndTotal, pagedByNumber, type Timed } from '../src/api/lists/pager.ts'
import { Range, rangeFilter } from '../src/api/lists/range.ts'
import { documents } from '../src/api/lists/sources.ts'
import { CUSTOMER_FILTERS, CustomerObject, readCustomer, showCustomers } from '../src/api/presenters/customers.ts'
import { reachOf, tokenNeeded } from '../src/api/reach.ts'
import { ById } from '../src/api/shapes.ts'
import { emailKey } from '../src/domain/customer/profile.ts'
import { isCustomerId } from '../src/domain/ids.ts'
import { listOf } from '../src/http/answers.ts'
import { isFailure, notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

const ORDERS = {
  created_at: ['created_at', '_id'],
  updated_at: ['updated_at', '_id'],
  source_id: ['source_id', '_id'],
} as const

/** Customers are asked for by the time they were made: `customers.scroll()` of the SDK knows nothing else. */
const TIMED: Timed<CustomerDocument> = {
  prefix: 'cust_',
  at: ({ created_at }) => created_at.getTime(),
  id: ({ _id }) => _id,
}

const ListQuery = v.object({
  ...pagedByNumber,
  email: v.optional(v.string()),
  phone: v.optional(v.string()),
  city: v.optional(v.string()),
  name: v.optional(v.string()),
  segment_id: v.optional(v.string()),
  created_at: Range,
  updated_at: Range,
  filters: v.optional(v.record(v.string(), v.unknown())),
  /** Paging by time: customers made after (or, newest first, before) this instant. */
  starting_after: v.optional(moment),
  order: orderOf(['created_at', 'updated_at', 'source_id'], '-created_at'),
})

const list = async (
  services: Services,
  { query, now }: { readonly query: v.InferOutput<typeof ListQuery>; readonly now: number },
): Promise<Outcome> => {
  const { timeZone } = services.rulebook.current().project
  const filters = filterQuery(query.filters, CUSTOMER_FILTERS, { timeZone, now })
  if (isFailure(filters)) return filters
  const filter = allOf(
    query.email === undefined ? {} : { email: emailKey(query.email) },
    equals('profile.phone', query.phone),
    equals('profile.address.city', query.city),
    equals('profile.name', query.name),
    equals('segments', query.segment_id),
    rangeFilter('created_at', query.created_at, timeZone),
    rangeFilter('updated_at', query.updated_at, timeZone),
    filters,
  )
  const source = documents(services.readModel.collection<CustomerDocument>('customers'), filter)
  const [page, total] = await pageAndTotal(source, ORDERS, query, TIMED)
  if (isFailure(page)) return page
  const shown = await showCustomers(services, page.entries)
  const customers = shown.map((customer, i) => ({ ...customer, created_at: page.timeOf(page.entries[i]!) }))
  return { body: listBody('customers', page, customers, { total }) }
}

export const customerQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/customers',
    summary: 'List customers',
    description:
      'Beyond the contract: by phone, and `filters` as in exports. Several customers are asked for at once by their ids, ' +
      '`filters[id][conditions][$in][0]=…`.',
    tag: 'Customers',
    permission: 'customers.read',
    query: ListQuery,
    response: listOf('customers', CustomerObject),
    handler: (call) => list(services, call),
  }),
  route({
    method: 'get',
    path: '/v1/customers/{id}',
    also: ['/client/v1/customers/{id}'],
    summary: 'Get a customer by id or source_id',
    description: 'A browser reads the customer whose token it sends.',
    tag: 'Customers',
    permission: 'customers.read',
    ability: 'read_own_profile',
    params: ById,
    response: CustomerObject,
    handler: async (call): Promise<Outcome> => {
      const { id } = call.params
      const reach = await reachOf(services, call, isCustomerId(id) ? { id } : { source_id: id })
      if (isFailure(reach)) return reach
      if (!reach.reads) return tokenNeeded('Reading a profile')
      const found = await readCustomer(services, id)
      if (!found) return notFound('customer', call.params.id)
      return { body: (await showCustomers(services, [found]))[0] }
    },
  }),
]
