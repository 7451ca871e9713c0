// Reading members of loyalty programs: cards with their balances, points that will expire or are pending, a card's activity.

import * as v from 'valibot'
import type { ActivityDocument } from '../projections/activity.ts'
import type { LoyaltyCardDocument } from '../projections/loyaltyCards.ts'
import { CodeName } from '../src/domain/codes.ts'
import type { Bucket, Card, Pending } from '../src/domain/customer/loyalty/state.ts'
import type { Campaign } from '../src/domain/rulebook/campaign.ts'
import { listOf, Named, PointsBalance } from '../src/http/answers.ts'
import { type Failure, isFailure, notFound } from '../src/http/errors.ts'
import { pageNumber } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { LOG_ORDER } from './events.ts'
import { allOf } from './filters.ts'
import { ByCampaign, findProgram } from './loyalties.ts'
import { documents, Ids, inMemory, listBody, orderOf, pagedById, pagedByNumber, pageOf } from './pager.ts'
import { Range, rangeFilter } from './range.ts'
import { isoOf, isoOrNull } from './shapes.ts'

const TAG = 'Loyalty members'

export const MemberObject = v.pipe(
  v.looseObject({
    id: v.string(),
    code: v.string(),
    campaign: v.string(),
    campaign_id: v.string(),
    type: v.literal('LOYALTY_CARD'),
    loyalty_card: v.looseObject({ points: v.number(), balance: v.number() }),
    holder_id: v.string(),
    active: v.boolean(),
    object: v.literal('voucher'),
  }),
  v.title('LoyaltyCard'),
)

/** A card as the HTTP contract shows it: a voucher. */
export const showCard = (card: Card, customer: string, definition: Campaign | undefined) => {
  const next = card.buckets.find(({ expiresAt }) => expiresAt !== null)
  const redemptions = Object.keys(card.spends).length
  return {
    id: card.id,
    code: card.code,
    campaign: card.campaign.name,
    campaign_id: card.campaign.id,
    category: definition?.category ?? null,
    category_id: definition?.category_id ?? null,
    categories: [],
    type: 'LOYALTY_CARD' as const,
    discount: null,
    gift: null,
    loyalty_card: {
      points: card.total,
      balance: card.balance,
      redeemed_points: card.redeemed,
      expired_points: card.expired,
      next_expiration_date: isoOrNull(next?.expiresAt),
      next_expiration_points: next?.points ?? null,
      pending_points: card.pending.reduce((sum, { points }) => sum + points, 0),
    },
    loyalty_tier: card.tier && { id: card.tier.id, name: card.tier.name },
    start_date: definition?.start_date ?? null,
    expiration_date: definition?.expiration_date ?? null,
    validity_timeframe: definition?.validity_timeframe ?? null,
    validity_day_of_week: definition?.validity_day_of_week ?? null,
    publish: { object: 'list' as const, count: 1, url: `/v1/vouchers/${encodeURIComponent(card.code)}/publications` },
    redemption: {
      object: 'list' as const,
      quantity: null,
      redeemed_points: card.redeemed,
      redeemed_quantity: redemptions,
      url: `/v1/vouchers/${encodeURIComponent(card.code)}/redemptions`,
    },
    active: card.active,
    additional_info: null,
    metadata: card.metadata,
    is_referral_code: false,
    holder_id: customer,
    created_at: isoOf(card.createdAt),
    updated_at: card.updatedAt === card.createdAt ? null : isoOf(card.updatedAt),
    object: 'voucher' as const,
  }
}

const campaignOf = ({ rulebook }: Services, id: string): Campaign | undefined =>
  rulebook.current().entries('campaign').get(id)?.definition

const showMember = (services: Services, { card, customer }: LoyaltyCardDocument) =>
  showCard(card, customer, campaignOf(services, card.campaign.id))

/** The card that a path names by code or id, in the program that it names, where it does. */
export const readCard = async (
  services: Services,
  member: string,
  campaign?: string,
): Promise<LoyaltyCardDocument | Failure> => {
  const program = campaign === undefined ? undefined : findProgram(services, campaign)
  if (program && isFailure(program)) return program
  const cards = services.readModel.collection<LoyaltyCardDocument>('loyaltyCards')
  const found = (await cards.findOne({ code: member })) ?? (await cards.findOne({ _id: member }))
  return found && (!program || found.campaign === program.id) ? found : notFound('voucher', member)
}

const groupBy = <T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> => {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group) group.push(item)
    else groups.set(keyOf(item), [item])
  }
  return groups
}

/** The loyalty part of a customer object, from the cards. */
export const showLoyalty = (cards: readonly Card[]) => ({
  points: cards.reduce((sum, { balance }) => sum + balance, 0),
  referred_customers: 0,
  campaigns: Object.fromEntries(
    [...groupBy(cards, ({ campaign }) => campaign.name)].map(([name, held]) => [
      name,
      {
        points: held.reduce((sum, { balance }) => sum + balance, 0),
        ...(held[0]?.tier ? { loyalty_tier: held[0].tier.name } : {}),
        referred_customers: 0,
      },
    ]),
  ),
})

/** The cards of customers, for objects that show them. */
export const cardsOf = async (
  { readModel }: Services,
  customers: readonly string[],
): Promise<ReadonlyMap<string, readonly Card[]>> => {
  const found = await readModel
    .collection<LoyaltyCardDocument>('loyaltyCards')
    .find({ customer: { $in: [...customers] } }, { sort: { created_at: 1, _id: 1 }, limit: 1_000 })
  return new Map(
    [...groupBy(found, ({ customer }) => customer)].map(([id, docs]) => [id, docs.map(({ card }) => card)]),
  )
}

const PointsBucket = v.pipe(
  v.object({
    id: v.string(),
    voucher_id: v.string(),
    campaign_id: v.string(),
    bucket: v.object({ total_points: v.number() }),
    status: v.string(),
    /** Null: they never expire. */
    expires_at: v.nullable(v.string()),
    created_at: v.string(),
    updated_at: v.nullable(v.string()),
    object: v.literal('loyalty_points_bucket'),
  }),
  v.title('PointsBucket'),
)

export const showBucket = (card: Card, bucket: Bucket) => ({
  id: bucket.id,
  voucher_id: card.id,
  campaign_id: card.campaign.id,
  bucket: { total_points: bucket.points },
  status: 'ACTIVE' as const,
  expires_at: isoOrNull(bucket.expiresAt),
  created_at: isoOf(bucket.createdAt),
  updated_at: bucket.updatedAt === bucket.createdAt ? null : isoOf(bucket.updatedAt),
  object: 'loyalty_points_bucket' as const,
})

export const showPending = (card: Card, customer: string, pending: Pending) => ({
  id: pending.id,
  voucher_id: card.id,
  campaign_id: card.campaign.id,
  customer_id: customer,
  order_id: pending.cause.order ?? null,
  points: pending.points,
  activates_at: isoOf(pending.activatesAt),
  details: {
    event: { id: pending.cause.fact, type: pending.cause.type },
    earning_rule: { id: pending.rule },
    ...(pending.cause.order === undefined ? {} : { order: { id: pending.cause.order, source_id: null } }),
  },
  created_at: isoOf(pending.createdAt),
  object: 'loyalty_pending_points' as const,
})

const MembersQuery = v.object({
  ...pagedByNumber,
  created_at: Range,
  updated_at: Range,
  /** The holder, by id or `source_id`. */
  customer: v.optional(v.string()),
  code: v.optional(CodeName),
  ids: Ids,
  order: orderOf(['created_at', 'updated_at', 'code'], '-created_at'),
})

const ORDERS = {
  created_at: ['created_at', '_id'],
  updated_at: ['updated_at', '_id'],
  code: ['code', '_id'],
} as const

const members = async (
  services: Services,
  campaign: string,
  query: v.InferOutput<typeof MembersQuery>,
): Promise<Outcome> => {
  const program = findProgram(services, campaign)
  if (isFailure(program)) return program
  const holder = query.customer === undefined ? undefined : await services.customers.resolve(query.customer)
  const filter = allOf(
    { campaign: program.id },
    rangeFilter('created_at', query.created_at, services.rulebook.current().project.timeZone),
    rangeFilter('updated_at', query.updated_at, services.rulebook.current().project.timeZone),
    holder === undefined ? {} : { customer: holder },
    query.code === undefined ? {} : { code: query.code },
    query.ids === undefined ? {} : { _id: { $in: query.ids } },
  )
  const source = documents(services.readModel.collection<LoyaltyCardDocument>('loyaltyCards'), filter)
  const [page, total] = await Promise.all([pageOf(source, ORDERS, query), source.total()])
  if (isFailure(page)) return page
  const shown = page.entries.map((document) => showMember(services, document))
  return { body: listBody('vouchers', page, shown, { total }) }
}

/** The paths of a member with and without the program. */
export const memberPaths = <const Tail extends string>(tail: Tail) => ({
  path: `/v1/loyalties/members/{memberId}${tail}` as const,
  also: [`/v1/loyalties/{campaignId}/members/{memberId}${tail}`],
})

export const ByMember = v.object({ campaignId: v.optional(v.string()), memberId: CodeName })

const ActivityQuery = v.object({ ...pagedById, order: orderOf(['created_at'], '-created_at') })

const activity = async (
  services: Services,
  { memberId, campaignId }: v.InferOutput<typeof ByMember>,
  query: v.InferOutput<typeof ActivityQuery>,
): Promise<Outcome> => {
  const card = await readCard(services, memberId, campaignId)
  if (isFailure(card)) return card
  const filter = { customer: card.customer, 'data.voucher.id': card._id }
  const source = documents(services.readModel.collection<ActivityDocument>('activity'), filter)
  const page = await pageOf(source, LOG_ORDER, query)
  if (isFailure(page)) return page
  const shown = page.entries.map(({ _id, type, data, created_at, group_id }) => ({
    id: _id,
    type,
    data: { holder_id: card.customer, ...data },
    created_at: isoOf(created_at.getTime()),
    group_id,
  }))
  return { body: listBody('data', page, shown, { id: ({ _id }) => _id }) }
}

/** Points of one card, which are in its own document. */
const SOONEST = {
  expires_at: ['expiresAt', 'id'],
  activates_at: ['activatesAt', 'id'],
  id: ['createdAt', 'id'],
} as const
const ExpiringQuery = v.object({ ...pagedByNumber, order: orderOf(['expires_at'], 'expires_at') })
const PendingQuery = v.object({
  ...pagedById,
  /** Older clients page by number. */
  page: pageNumber,
  order: orderOf(['activates_at', 'id'], 'activates_at'),
})

/** Points that never expire come last. */
const ofPoints = <P extends Bucket | Pending>(points: readonly P[]) =>
  inMemory(
    points,
    (one, key) => {
      if (key === 'id') return one.id
      if (key === 'createdAt') return one.createdAt
      return 'activatesAt' in one ? one.activatesAt : (one.expiresAt ?? Number.MAX_SAFE_INTEGER)
    },
    ({ id }) => id,
  )

export const loyaltyMemberQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/loyalties/{campaignId}/members',
    summary: 'List the members of a loyalty program',
    tag: TAG,
    permission: 'members.read',
    params: ByCampaign,
    query: MembersQuery,
    response: listOf('vouchers', MemberObject),
    handler: (call) => members(services, call.params.campaignId, call.query),
  }),
  route({
    method: 'get',
    ...memberPaths(''),
    summary: "Get a member's card, with its balance",
    tag: TAG,
    permission: 'members.read',
    params: ByMember,
    response: MemberObject,
    handler: async (call): Promise<Outcome> => {
      const found = await readCard(services, call.params.memberId, call.params.campaignId)
      return isFailure(found) ? found : { body: showMember(services, found) }
    },
  }),
  route({
    method: 'get',
    ...memberPaths('/balance'),
    summary: "A card's balance",
    tag: TAG,
    permission: 'members.read',
    params: ByMember,
    response: PointsBalance,
    handler: async (call): Promise<Outcome> => {
      const found = await readCard(services, call.params.memberId, call.params.campaignId)
      if (isFailure(found)) return found
      const { id, total, balance } = found.card
      return {
        body: { type: 'loyalty_card', total, balance, object: 'balance', related_object: { type: 'voucher', id } },
      }
    },
  }),
  route({
    method: 'get',
    ...memberPaths('/points-expiration'),
    summary: 'The points of a card by when they expire, soonest first',
    tag: TAG,
    permission: 'members.read',
    params: ByMember,
    query: ExpiringQuery,
    response: listOf('data', PointsBucket),
    handler: async (call): Promise<Outcome> => {
      const found = await readCard(services, call.params.memberId, call.params.campaignId)
      if (isFailure(found)) return found
      const { card } = found
      const page = await pageOf(ofPoints(card.buckets), SOONEST, call.query)
      if (isFailure(page)) return page
      const shown = page.entries.map((bucket) => showBucket(card, bucket))
      return { body: listBody('data', page, shown, { total: card.buckets.length }) }
    },
  }),
  route({
    method: 'get',
    ...memberPaths('/pending-points'),
    summary: 'Points of a card that become spendable later',
    tag: TAG,
    permission: 'members.read',
    params: ByMember,
    query: PendingQuery,
    response: listOf('data', Named),
    handler: async (call): Promise<Outcome> => {
      const found = await readCard(services, call.params.memberId, call.params.campaignId)
      if (isFailure(found)) return found
      const { card, customer } = found
      const page = await pageOf(ofPoints(card.pending), SOONEST, call.query)
      if (isFailure(page)) return page
      const shown = page.entries.map((pending) => showPending(card, customer, pending))
      return { body: listBody('data', page, shown, { total: card.pending.length, id: ({ id }) => id }) }
    },
  }),
  route({
    method: 'get',
    ...memberPaths('/activity'),
    summary: "A card's activity",
    tag: TAG,
    permission: 'members.read',
    params: ByMember,
    query: ActivityQuery,
    response: listOf('data', v.looseObject({ id: v.string(), type: v.string(), created_at: v.string() })),
    handler: (call) => activity(services, call.params, call.query),
  }),
]
