// How the cards of loyalty programs show, and which of them a call means.

import * as v from 'valibot'
import type { LoyaltyCardDocument } from '../../../projections/loyaltyCards.ts'
import type { PendingPointsDocument } from '../../../projections/pendingPoints.ts'
import { CodeName } from '../../domain/codes.ts'
import type { Bucket, Card, Pending } from '../../domain/customer/loyalty/state.ts'
import { groupBy } from '../../domain/grouped.ts'
import { present } from '../../domain/present.ts'
import type { Rulebook } from '../../domain/rulebook/rulebook.ts'
import { type Failure, isFailure, notFound } from '../../http/errors.ts'
import type { Outcome } from '../../http/route.ts'
import type { Services } from '../../services.ts'
import { allOf, equals } from '../lists/filters.ts'
import { Ids, listBody, orderOf, pageAndTotal, pagedByNumber } from '../lists/pager.ts'
import { Range, rangeFilter } from '../lists/range.ts'
import { documents } from '../lists/sources.ts'
import { isoOf, isoOrNull } from '../shapes.ts'
import { showCategories } from './categories.ts'
import { findProgram } from './loyalties.ts'
import { showValidity } from './validity.ts'

/** A card as the HTTP contract shows it: a voucher. */
export const showCard = (card: Card, customer: string, rulebook: Rulebook) => {
  const definition = rulebook.entries('campaign').get(card.campaign.id)?.definition
  const { own = {} } = card
  const categories = showCategories(rulebook.definitions, own, definition)
  const next = card.buckets.find(({ expiresAt }) => expiresAt !== null)
  const redemptions = Object.keys(card.spends).length
  return {
    id: card.id,
    code: card.code,
    campaign: card.campaign.name,
    campaign_id: card.campaign.id,
    ...present({ category: own.category ?? definition?.category, category_id: categories[0]?.id }),
    categories,
    type: 'LOYALTY_CARD' as const,
    loyalty_card: {
      points: card.total,
      balance: card.balance,
      redeemed_points: card.redeemed,
      expired_points: card.expired,
      ...present({ next_expiration_date: isoOrNull(next?.expiresAt), next_expiration_points: next?.points }),
      pending_points: card.pending.reduce((sum, { points }) => sum + points, 0),
    },
    loyalty_tier: card.tier && { id: card.tier.id, name: card.tier.name },
    ...showValidity(own, definition),
    ...present({ additional_info: own.additional_info }),
    publish: { object: 'list' as const, count: 1, url: `/v1/vouchers/${encodeURIComponent(card.code)}/publications` },
    redemption: {
      object: 'list' as const,
      redeemed_points: card.redeemed,
      redeemed_quantity: redemptions,
      url: `/v1/vouchers/${encodeURIComponent(card.code)}/redemptions`,
    },
    active: card.active,
    metadata: card.metadata,
    is_referral_code: false,
    holder_id: customer,
    created_at: isoOf(card.createdAt),
    ...(card.updatedAt === card.createdAt ? {} : { updated_at: isoOf(card.updatedAt) }),
    object: 'voucher' as const,
  }
}

export const showMember = (services: Services, { card, customer }: LoyaltyCardDocument) =>
  showCard(card, customer, services.rulebook.current())

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

export const showPending = (
  card: { readonly id: string; readonly campaign: { readonly id: string } },
  customer: string,
  pending: Pending,
) => ({
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
    order: pending.cause.order === undefined ? undefined : { id: pending.cause.order, source_id: null },
  },
  created_at: isoOf(pending.createdAt),
  object: 'loyalty_pending_points' as const,
})

export const MembersQuery = v.object({
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

export const members = async (
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
    equals('customer', holder),
    equals('code', query.code),
    query.ids === undefined ? {} : { _id: { $in: query.ids } },
  )
  const source = documents(services.readModel.collection<LoyaltyCardDocument>('loyaltyCards'), filter)
  const [page, total] = await pageAndTotal(source, ORDERS, query)
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

export const showPendingDocument = ({
  _id,
  customer,
  card,
  campaign,
  points,
  rule,
  cause,
  activates_at,
  created_at,
}: PendingPointsDocument) =>
  showPending({ id: card, campaign: { id: campaign } }, customer, {
    id: _id,
    points,
    rule,
    cause: { fact: cause.fact, type: cause.type, ...(cause.order === null ? {} : { order: cause.order }) },
    activatesAt: activates_at.getTime(),
    createdAt: created_at.getTime(),
  })

export const PointsBucket = v.pipe(
  v.object({
    id: v.string(),
    voucher_id: v.string(),
    campaign_id: v.string(),
    bucket: v.object({ total_points: v.number() }),
    status: v.string(),
    /** Null: they never expire. */
    expires_at: v.nullable(v.string()),
    created_at: v.string(),
    updated_at: v.optional(v.string()),
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
  ...(bucket.updatedAt === bucket.createdAt ? {} : { updated_at: isoOf(bucket.updatedAt) }),
  object: 'loyalty_points_bucket' as const,
})
