// How customers show: in full, briefly, and with the sums of what they have.

import * as v from 'valibot'
import type { CustomerDocument, ReferralOf } from '../../../projections/customers.ts'
import { activityId } from '../../domain/customer/activity.ts'
import type { Card } from '../../domain/customer/loyalty/state.ts'
import type { OrderSums } from '../../domain/customer/orders/state.ts'
import { emailKey, type Profile } from '../../domain/customer/profile.ts'
import { type RedemptionSums, summaryOf } from '../../domain/customer/redemptions/sums.ts'
import type { CustomerState } from '../../domain/customer/state.ts'
import { isCustomerId } from '../../domain/ids.ts'
import { present } from '../../domain/present.ts'
import type { Services } from '../../services.ts'
import { type DocumentFields, TIME } from '../lists/filters.ts'
import { isoOf, isoOrNull } from '../shapes.ts'
import { giftBalances } from './giftBalances.ts'
import { cardsOf, showLoyalty } from './loyaltyMembers.ts'
import { createdAndUpdated, Metadata } from './parts.ts'

export const CustomerObject = v.pipe(
  v.object({
    id: v.string(),
    source_id: v.optional(v.string()),
    name: v.optional(v.string()),
    description: v.optional(v.string()),
    email: v.optional(v.string()),
    phone: v.optional(v.string()),
    birthdate: v.optional(v.string()),
    address: v.nullable(
      v.object({
        city: v.nullish(v.string()),
        state: v.nullish(v.string()),
        line_1: v.nullish(v.string()),
        line_2: v.nullish(v.string()),
        country: v.nullish(v.string()),
        postal_code: v.nullish(v.string()),
      }),
    ),
    summary: v.object({
      redemptions: v.object({
        total_redeemed: v.number(),
        total_failed: v.number(),
        total_succeeded: v.number(),
        total_rolled_back: v.number(),
        total_rollback_failed: v.number(),
        total_rollback_succeeded: v.number(),
        gift: v.optional(v.object({ redeemed_amount: v.number(), amount_to_go: v.optional(v.number()) })),
        loyalty_card: v.optional(v.object({ redeemed_points: v.number(), points_to_go: v.number() })),
      }),
      orders: v.object({
        total_amount: v.number(),
        total_count: v.number(),
        average_amount: v.number(),
        last_order_amount: v.number(),
        last_order_date: v.optional(v.string()),
      }),
    }),
    loyalty: v.object({
      points: v.number(),
      referred_customers: v.number(),
      /** By the name of the program. */
      campaigns: v.record(
        v.string(),
        v.object({ points: v.number(), loyalty_tier: v.optional(v.string()), referred_customers: v.number() }),
      ),
    }),
    referrals: v.object({
      total: v.number(),
      campaigns: v.array(
        v.object({
          campaign_id: v.string(),
          referrer_id: v.string(),
          related_object_id: v.string(),
          related_object_type: v.string(),
          date: v.string(),
        }),
      ),
    }),
    metadata: Metadata,
    system_metadata: Metadata,
    /** Channels and distributions that are refused. */
    unsubscribed: v.optional(v.unknown()),
    ...createdAndUpdated,
    object: v.literal('customer'),
  }),
  v.title('Customer'),
)

/** What customers can be filtered by, in lists and exports. */
export const CUSTOMER_FILTERS: DocumentFields = {
  id: { path: '_id' },
  source_id: { path: 'source_id' },
  name: { path: 'profile.name' },
  email: { path: 'email', form: emailKey },
  phone: { path: 'profile.phone' },
  address_city: { path: 'profile.address.city' },
  created_at: { path: 'created_at', shape: TIME },
  updated_at: { path: 'updated_at', shape: TIME },
}

interface Sums {
  readonly sums: RedemptionSums
  readonly ordered: OrderSums
}

/** Totals of what a customer redeemed and ordered; `toGo`: the credits left on gift vouchers, where they were looked up. */
const showSummary = ({ sums, ordered }: Sums, cards: readonly Card[], toGo: number | undefined) => {
  const { redemptions, orders } = summaryOf(sums, ordered, cards, toGo)
  const { last_order_date: at, ...amounts } = orders
  return { redemptions, orders: { ...amounts, last_order_date: at === undefined ? undefined : isoOf(at) } }
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
  ...present({
    source_id: profile.source_id,
    name: profile.name,
    description: profile.description,
    email: profile.email,
    phone: profile.phone,
    birthdate: profile.birthdate,
  }),
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
  // Nothing opted out of and never asked are one to their readers, whichever came last.
  ...(profile.unsubscribed?.length ? { unsubscribed: profile.unsubscribed } : {}),
  created_at: isoOf(createdAt),
  ...present({ updated_at: isoOrNull(updatedAt) }),
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
  ...present({ source_id: profile.source_id, name: profile.name, email: profile.email }),
  metadata: profile.metadata,
  object: 'customer' as const,
})

/** The customer that a path names by id or `source_id`. */
export const readCustomer = async ({ readModel }: Services, name: string): Promise<CustomerDocument | null> => {
  const collection = readModel.collection<CustomerDocument>('customers')
  const byId = isCustomerId(name) ? await collection.findOne({ _id: name }) : null
  return byId ?? collection.findOne({ source_id: name })
}

/** Customers as the contract shows them, with what their cards and gift vouchers hold. */
export const showCustomers = async (services: Services, documents: readonly CustomerDocument[]) => {
  const ids = documents.map(({ _id }) => _id)
  const [cards, credits] = await Promise.all([cardsOf(services, ids), giftBalances(services, ids)])
  return documents.map((document) => showCustomer(document, cards.get(document._id), credits.get(document._id)))
}
