// Reading customers: one, and lists with filters and paging.

import * as v from 'valibot'
import type { CustomerDocument, ReferralOf } from '../projections/customers.ts'
import { reachOf, tokenNeeded } from '../src/api/reach.ts'
import { activityId } from '../src/domain/customer/activity.ts'
import type { Card } from '../src/domain/customer/loyalty/state.ts'
import type { OrderSums } from '../src/domain/customer/orders/state.ts'
import { emailKey, type Profile } from '../src/domain/customer/profile.ts'
import { type RedemptionSums, summaryOf } from '../src/domain/customer/redemptions/sums.ts'
import type { CustomerState } from '../src/domain/customer/state.ts'
import { isCustomerId } from '../src/domain/ids.ts'
import { listOf } from '../src/http/answers.ts'
import { isFailure, notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { allOf } from './filters.ts'
import { giftBalances } from './giftBalances.ts'
import { cardsOf, showLoyalty } from './loyaltyMembers.ts'
import { documents, listBody, moment, orderOf, pagedByNumber, pageOf, type Timed } from './pager.ts'
import { Range, rangeFilter } from './range.ts'
import { ById, isoOf, isoOrNull } from './shapes.ts'

export const CustomerObject = v.pipe(
  v.looseObject({
    id: v.string(),
    source_id: v.nullable(v.string()),
    object: v.literal('customer'),
    created_at: v.string(),
    updated_at: v.nullable(v.string()),
    metadata: v.record(v.string(), v.unknown()),
  }),
  v.title('Customer'),
)

interface Sums {
  readonly sums: RedemptionSums
  readonly ordered: OrderSums
}

/** Totals of what a customer redeemed and ordered; `toGo`: the credits left on gift vouchers, where they were looked up. */
const showSummary = ({ sums, ordered }: Sums, cards: readonly Card[], toGo: number | undefined) => {
  const { redemptions, orders } = summaryOf(sums, ordered, cards, toGo)
  const { last_order_date: at, ...amounts } = orders
  return { redemptions, orders: { ...amounts, ...(at === undefined ? {} : { last_order_date: isoOf(at) }) } }
}

/** The customer's referrals on both sides. */
interface Referred {
  readonly referrals: readonly ReferralOf[]
  readonly referred: Readonly<Record<string, number>>
}

const showProfile = (
  id: string,
  profile: Profile,
  createdAt: number,
  updatedAt: number | null,
  { referrals, referred }: Referred,
  cards: readonly Card[],
  sums: Sums,
  toGo?: number,
) => ({
  id,
  source_id: profile.source_id ?? null,
  name: profile.name ?? null,
  description: profile.description ?? null,
  email: profile.email ?? null,
  phone: profile.phone ?? null,
  birthdate: profile.birthdate ?? null,
  address: profile.address ?? null,
  summary: showSummary(sums, cards, toGo),
  loyalty: {
    ...showLoyalty(cards),
    referred_customers: Object.values(referred).reduce((sum, n) => sum + n, 0),
  },
  referrals: {
    total: referrals.length,
    campaigns: referrals.map(({ campaign, referrer, cause, at }) => ({
      campaign_id: campaign,
      referrer_id: referrer,
      related_object_id: activityId(cause),
      related_object_type: 'custom_event',
      date: isoOf(at.getTime()),
    })),
  },
  metadata: profile.metadata,
  system_metadata: {},
  ...(profile.unsubscribed ? { unsubscribed: profile.unsubscribed } : {}),
  created_at: isoOf(createdAt),
  updated_at: isoOrNull(updatedAt),
  object: 'customer' as const,
})

/** A customer as the HTTP contract shows it, from the customer's own stream; `toGo` is held in the streams of codes. */
export const showCustomerState = (state: CustomerState, toGo?: number) =>
  showProfile(
    state.id,
    state.profile,
    state.createdAt,
    state.updatedAt === state.createdAt ? null : state.updatedAt,
    {
      referrals: Object.values(state.referrals.referred).map(({ campaign, referrer, cause, at }) => ({
        campaign: campaign.id,
        referrer,
        cause: cause.fact,
        at: new Date(at),
      })),
      referred: state.referrals.credited,
    },
    Object.values(state.loyalty.cards),
    { sums: state.redemptions.sums, ordered: state.orders.sums },
    toGo,
  )

/** The same from the read model. */
export const showCustomer = (document: CustomerDocument, cards: readonly Card[] = [], toGo?: number) =>
  showProfile(
    document._id,
    document.profile,
    document.created_at.getTime(),
    document.updated_at?.getTime() ?? null,
    document,
    cards,
    document,
    toGo,
  )

/** The short form in which events and activity entries show their customer. */
export const showCustomerBriefly = (id: string, profile: Profile) => ({
  id,
  source_id: profile.source_id ?? null,
  name: profile.name ?? null,
  email: profile.email ?? null,
  metadata: profile.metadata,
  object: 'customer' as const,
})

/** The customer that a path names by id or `source_id`. */
export const readCustomer = async ({ readModel }: Services, name: string): Promise<CustomerDocument | null> => {
  const collection = readModel.collection<CustomerDocument>('customers')
  const byId = isCustomerId(name) ? await collection.findOne({ _id: name }) : null
  return byId ?? collection.findOne({ source_id: name })
}

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
  /** Paging by time: customers made after (or, newest first, before) this instant. */
  starting_after: v.optional(moment),
  order: orderOf(['created_at', 'updated_at', 'source_id'], '-created_at'),
})
type ListQuery = v.InferOutput<typeof ListQuery>

const filterOf = (query: ListQuery, timeZone: string): Record<string, unknown> =>
  allOf(
    query.email === undefined ? {} : { email: emailKey(query.email) },
    query.phone === undefined ? {} : { 'profile.phone': query.phone },
    query.city === undefined ? {} : { 'profile.address.city': query.city },
    query.name === undefined ? {} : { 'profile.name': query.name },
    query.segment_id === undefined ? {} : { segments: query.segment_id },
    rangeFilter('created_at', query.created_at, timeZone),
    rangeFilter('updated_at', query.updated_at, timeZone),
  )

/** Customers as the contract shows them, with what their cards and gift vouchers hold. */
export const showCustomers = async (services: Services, documents: readonly CustomerDocument[]) => {
  const ids = documents.map(({ _id }) => _id)
  const [cards, credits] = await Promise.all([cardsOf(services, ids), giftBalances(services, ids)])
  return documents.map((document) => showCustomer(document, cards.get(document._id), credits.get(document._id)))
}

const list = async (services: Services, query: ListQuery): Promise<Outcome> => {
  const source = documents(
    services.readModel.collection<CustomerDocument>('customers'),
    filterOf(query, services.rulebook.current().project.timeZone),
  )
  const [page, total] = await Promise.all([pageOf(source, ORDERS, query, TIMED), source.total()])
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
    tag: 'Customers',
    permission: 'customers.read',
    query: ListQuery,
    response: listOf('customers', CustomerObject),
    handler: (call) => list(services, call.query),
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
