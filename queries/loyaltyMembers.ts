// Reading members of loyalty programs: cards with their balances, points that will expire or are pending, a card's activity.
import * as v from 'valibot'
import type { ActivityDocument } from '../projections/activity.ts'
import type { LoyaltyCardDocument } from '../projections/loyaltyCards.ts'
import { CodeName } from '../src/domain/codes.ts'
import type { Bucket, Card, Pending } from '../src/domain/loyalty/state.ts'
import type { Campaign } from '../src/domain/rulebook/campaign.ts'
import { type Failure, isFailure, notFound, refuse } from '../src/http/errors.ts'
import { instant, pageLimit, pageNumber } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/runtime/services.ts'
import { placeAfter } from './events.ts'
import { fresh } from './fresh.ts'
import { ByCampaign, findProgram, PageQuery, READERS } from './loyalties.ts'
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
  order_id: null,
  points: pending.points,
  activates_at: isoOf(pending.activatesAt),
  details: { event: { id: pending.cause.fact, type: pending.cause.type }, earning_rule: { id: pending.rule } },
  created_at: isoOf(pending.createdAt),
  object: 'loyalty_pending_points' as const,
})

const Range = v.optional(v.object({ before: v.optional(instant), after: v.optional(instant) }))
const MembersQuery = v.object({ limit: pageLimit, page: pageNumber, created_at: Range, updated_at: Range })

const between = (range: v.InferOutput<typeof Range>) =>
  range && {
    ...(range.before === undefined ? {} : { $lt: new Date(range.before) }),
    ...(range.after === undefined ? {} : { $gt: new Date(range.after) }),
  }

const members = async (
  services: Services,
  campaign: string,
  query: v.InferOutput<typeof MembersQuery>,
): Promise<Outcome> => {
  const program = findProgram(services, campaign)
  if (isFailure(program)) return program
  const created = between(query.created_at)
  const updated = between(query.updated_at)
  const filter = {
    campaign: program.id,
    ...(created ? { created_at: created } : {}),
    ...(updated ? { updated_at: updated } : {}),
  }
  const cards = services.readModel.collection<LoyaltyCardDocument>('loyaltyCards')
  const [found, total] = await Promise.all([
    cards.find(filter, { sort: { created_at: -1, _id: -1 }, skip: (query.page - 1) * query.limit, limit: query.limit }),
    cards.count(filter),
  ])
  return { body: { object: 'list', data_ref: 'vouchers', vouchers: found.map((d) => showMember(services, d)), total } }
}

/** The paths of a member with and without the program. */
export const memberPaths = <const Tail extends string>(tail: Tail) => ({
  path: `/v1/loyalties/members/{memberId}${tail}` as const,
  also: [`/v1/loyalties/{campaignId}/members/{memberId}${tail}`],
})

export const ByMember = v.object({ campaignId: v.optional(v.string()), memberId: CodeName })

const slice = <T>(items: readonly T[], { limit, page }: v.InferOutput<typeof PageQuery>): readonly T[] =>
  items.slice((page - 1) * limit, page * limit)

const ActivityQuery = v.object({
  limit: pageLimit,
  order: v.optional(v.picklist(['created_at', '-created_at']), '-created_at'),
  starting_after_id: v.optional(v.string()),
})

const activity = async (
  services: Services,
  { memberId, campaignId }: v.InferOutput<typeof ByMember>,
  query: v.InferOutput<typeof ActivityQuery>,
): Promise<Outcome> => {
  const card = await readCard(services, memberId, campaignId)
  if (isFailure(card)) return card
  const place =
    query.starting_after_id === undefined ? undefined : await placeAfter(services, query.starting_after_id, query.order)
  if (query.starting_after_id !== undefined && !place)
    return refuse('invalid_or_expired_cursor', `No activity has the id ${query.starting_after_id}`)
  const found = await services.readModel
    .collection<ActivityDocument>('activity')
    .find(
      { customer: card.customer, 'data.voucher.id': card._id, ...place },
      { sort: { position: query.order === 'created_at' ? 1 : -1 }, limit: query.limit + 1 },
    )
  const page = found.slice(0, query.limit)
  return {
    body: {
      object: 'list',
      data_ref: 'data',
      data: page.map(({ _id, type, data, created_at, group_id }) => ({
        id: _id,
        type,
        data: { holder_id: card.customer, ...data },
        created_at: isoOf(created_at.getTime()),
        group_id,
      })),
      has_more: found.length > query.limit,
      more_starting_after: found.length > query.limit ? page.at(-1)!._id : null,
    },
  }
}

export const loyaltyMemberQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/loyalties/{campaignId}/members',
    summary: 'List the members of a loyalty program',
    tag: TAG,
    roles: READERS,
    params: ByCampaign,
    query: MembersQuery,
    handler: fresh(services, (call) => members(services, call.params.campaignId, call.query)),
  }),
  route({
    method: 'get',
    ...memberPaths(''),
    summary: "Get a member's card, with its balance",
    tag: TAG,
    roles: READERS,
    params: ByMember,
    response: MemberObject,
    handler: fresh(services, async (call): Promise<Outcome> => {
      const found = await readCard(services, call.params.memberId, call.params.campaignId)
      return isFailure(found) ? found : { body: showMember(services, found) }
    }),
  }),
  route({
    method: 'get',
    ...memberPaths('/balance'),
    summary: "A card's balance",
    tag: TAG,
    roles: READERS,
    params: ByMember,
    handler: fresh(services, async (call): Promise<Outcome> => {
      const found = await readCard(services, call.params.memberId, call.params.campaignId)
      if (isFailure(found)) return found
      const { id, total, balance } = found.card
      return {
        body: { type: 'loyalty_card', total, balance, object: 'balance', related_object: { type: 'voucher', id } },
      }
    }),
  }),
  route({
    method: 'get',
    ...memberPaths('/points-expiration'),
    summary: 'The points of a card by when they expire, soonest first',
    tag: TAG,
    roles: READERS,
    params: ByMember,
    query: PageQuery,
    handler: fresh(services, async (call): Promise<Outcome> => {
      const found = await readCard(services, call.params.memberId, call.params.campaignId)
      if (isFailure(found)) return found
      const { card } = found
      const data = slice(card.buckets, call.query).map((bucket) => showBucket(card, bucket))
      return { body: { object: 'list', data_ref: 'data', data, total: card.buckets.length } }
    }),
  }),
  route({
    method: 'get',
    ...memberPaths('/pending-points'),
    summary: 'Points of a card that become spendable later',
    tag: TAG,
    roles: READERS,
    params: ByMember,
    query: PageQuery,
    handler: fresh(services, async (call): Promise<Outcome> => {
      const found = await readCard(services, call.params.memberId, call.params.campaignId)
      if (isFailure(found)) return found
      const { card, customer } = found
      const { limit, page } = call.query
      const data = slice(card.pending, call.query).map((pending) => showPending(card, customer, pending))
      const more = card.pending.length > page * limit
      return {
        body: {
          object: 'list',
          data_ref: 'data',
          data,
          has_more: more,
          more_starting_after: more ? data.at(-1)!.id : null,
          total: card.pending.length,
        },
      }
    }),
  }),
  route({
    method: 'get',
    ...memberPaths('/activity'),
    summary: "A card's activity",
    tag: TAG,
    roles: READERS,
    params: ByMember,
    query: ActivityQuery,
    handler: fresh(services, (call) => activity(services, call.params, call.query)),
  }),
]
