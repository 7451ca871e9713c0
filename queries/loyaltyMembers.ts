// Reading members of loyalty programs: cards with their balances, points that will expire or are pending, a card's activity.

import * as v from 'valibot'
import type { ActivityDocument } from '../projections/activity.ts'
import { listBody, orderOf, pagedById, pagedByNumber, pageOf } from '../src/api/lists/pager.ts'
import { documents, inMemory } from '../src/api/lists/sources.ts'
import { ByCampaign } from '../src/api/presenters/loyalties.ts'
import {
  ByMember,
  MembersQuery,
  memberPaths,
  members,
  PointsBucket,
  readCard,
  showBucket,
  showMember,
  showPending,
} from '../src/api/presenters/loyaltyMembers.ts'
import { withOrderSources } from '../src/api/presenters/orderSources.ts'
import { HistoryEntry, PendingPointsObject } from '../src/api/presenters/parts.ts'
import { MemberObject } from '../src/api/presenters/voucherObject.ts'
import { isoOf } from '../src/api/shapes.ts'
import type { Bucket, Pending } from '../src/domain/customer/loyalty/state.ts'
import { listOf, PointsBalance } from '../src/http/answers.ts'
import { isFailure } from '../src/http/errors.ts'
import { pageNumber } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { LOG_ORDER } from './events.ts'

const TAG = 'Loyalty members'

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
    response: listOf('data', PendingPointsObject),
    handler: async (call): Promise<Outcome> => {
      const found = await readCard(services, call.params.memberId, call.params.campaignId)
      if (isFailure(found)) return found
      const { card, customer } = found
      const page = await pageOf(ofPoints(card.pending), SOONEST, call.query)
      if (isFailure(page)) return page
      const pending = page.entries.map((one) => showPending(card, customer, one))
      const shown = await withOrderSources(services, pending)
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
    response: listOf('data', HistoryEntry),
    handler: (call) => activity(services, call.params, call.query),
  }),
]
