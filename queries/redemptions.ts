// Reading redemptions and rollbacks: how one shows, one by its id or that of its request, lists of all and of a code's.

import * as v from 'valibot'
import type { CustomerDocument } from '../projections/customers.ts'
import type { RedemptionDocument } from '../projections/redemptions.ts'
import type { VoucherDocument } from '../projections/vouchers.ts'
import { allOf, type DocumentFields, equals, filterQuery } from '../src/api/lists/filters.ts'
import { listBody, pageAndTotal, pagedByNumber } from '../src/api/lists/pager.ts'
import { Range, rangeFilter } from '../src/api/lists/range.ts'
import { documents } from '../src/api/lists/sources.ts'
import { campaignNamed } from '../src/api/presenters/campaigns.ts'
import { readCustomer } from '../src/api/presenters/customers.ts'
import { showTierNow } from '../src/api/presenters/promotionTiers.ts'
import { order, RedemptionObject, showParent, showRedemption } from '../src/api/presenters/redemptions.ts'
import { showVouchers } from '../src/api/presenters/vouchers.ts'
import { ById } from '../src/api/shapes.ts'
import { CodeName } from '../src/domain/codes.ts'
import { resolveVoucher } from '../src/domain/vouchers/resolve.ts'
import { listOf } from '../src/http/answers.ts'
import { type Failure, isFailure, notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import { loadCode } from '../src/runtime/codeStreams.ts'
import type { Services } from '../src/services.ts'
import { sumsOf } from './vouchers.ts'

const MAX_REDEEMABLES = 30

const redemptionsOf = ({ readModel }: Services) => readModel.collection<RedemptionDocument>('redemptions')

/** The profiles of the customers of a page, by their ids. */
const profilesOf = async ({ readModel }: Services, page: readonly RedemptionDocument[]) => {
  const ids = [...new Set(page.flatMap(({ customer }) => (customer === null ? [] : [customer])))]
  const found = await readModel
    .collection<CustomerDocument>('customers')
    .find({ _id: { $in: ids } }, { limit: Math.max(1, ids.length) })
  return new Map(found.map(({ _id, profile }) => [_id, profile]))
}

/** The vouchers of a page as they are now, by code, and its promotion tiers by id. */
const wholesOf = async (services: Services, page: readonly RedemptionDocument[]) => {
  const codes = [...new Set(page.flatMap(({ voucher, promotion }) => (promotion ? [] : [voucher.code])))]
  const found = await services.readModel
    .collection<VoucherDocument>('vouchers')
    .find({ _id: { $in: codes } }, { limit: Math.max(1, codes.length) })
  const tiers = page.flatMap(({ promotion }) => {
    const shown = promotion && showTierNow(services, promotion.id)
    return shown ? [[promotion.id, shown] as const] : []
  })
  return new Map<string, object>([...(await showVouchers(services, found)), ...tiers])
}

/** Redemptions as the contract shows them, with their customers and vouchers. */
const showAll = async (services: Services, page: readonly RedemptionDocument[]) => {
  const [profiles, wholes] = await Promise.all([profilesOf(services, page), wholesOf(services, page)])
  return page.map((document) =>
    showRedemption(document, profiles.get(document.customer ?? ''), wholes.get(document.voucher.code)),
  )
}

const get = async (services: Services, id: string): Promise<Outcome> => {
  const found = await redemptionsOf(services).findOne({ _id: id })
  if (found) return { body: (await showAll(services, [found]))[0] }
  const [first, ...more] = await redemptionsOf(services).find(
    { parent: id, result: 'SUCCESS' },
    { sort: { parent: 1, place: 1 }, limit: MAX_REDEEMABLES },
  )
  if (!first) return notFound('redemption', id)
  return { body: showParent([first, ...more], (await profilesOf(services, [first])).get(first.customer ?? '')) }
}

const ORDERS = {
  created_at: ['created_at', 'position'],
  id: ['_id'],
  voucher_code: ['voucher.code', 'created_at', 'position'],
  tracking_id: ['tracking_id', 'created_at', 'position'],
  customer_id: ['customer', 'created_at', 'position'],
} as const

const FIELDS: DocumentFields = {
  voucher_code: { path: 'voucher.code' },
  related_object_id: { path: 'voucher.id' },
  related_object_parent_id: { path: 'campaign.id' },
  parent_redemption_id: { path: 'parent' },
  failure_code: { path: 'failure.key' },
  result: { path: 'result' },
  object: {
    cases: [
      [{ kind: 'redemption' }, 'redemption'],
      [{ kind: 'rollback' }, 'redemption_rollback'],
    ],
  },
  customer_id: { path: 'customer' },
  campaign_name: { path: 'campaign.name' },
}

const ListQuery = v.object({
  ...pagedByNumber,
  result: v.optional(v.picklist(['SUCCESS', 'FAILURE'])),
  /** By id or name. */
  campaign: v.optional(v.string()),
  /** By id or `source_id`. */
  customer: v.optional(v.string()),
  /** The code. */
  voucher: v.optional(CodeName),
  created_at: Range,
  order,
  filters: v.optional(v.record(v.string(), v.unknown())),
})

type ListQuery = v.InferOutput<typeof ListQuery>

const filterOf = async (
  services: Services,
  { query, now }: { readonly query: ListQuery; readonly now: number },
): Promise<Record<string, unknown> | Failure> => {
  const { result, campaign, customer, voucher } = query
  const rulebook = services.rulebook.current()
  const who = customer === undefined ? undefined : await readCustomer(services, customer)
  if (who === null) return notFound('customer', customer!)
  const entry = campaign === undefined ? undefined : campaignNamed(rulebook.definitions, campaign)
  const filters = filterQuery(query.filters, FIELDS, { timeZone: rulebook.project.timeZone, now })
  if (isFailure(filters)) return filters
  return allOf(
    equals('result', result),
    // Redemptions outlive their campaign: its id still finds them.
    campaign === undefined ? {} : { 'campaign.id': entry?.id ?? campaign },
    who ? { customer: who._id } : {},
    equals('voucher.code', voucher),
    rangeFilter('created_at', query.created_at, services.rulebook.current().project.timeZone),
    filters,
  )
}

const shownPage = async (
  services: Services,
  filter: Record<string, unknown>,
  query: Pick<ListQuery, 'limit' | 'page' | 'order' | 'cursor'>,
) => {
  const source = documents(redemptionsOf(services), filter)
  const [page, total] = await pageAndTotal(source, ORDERS, query)
  if (isFailure(page)) return page
  return { page, total, shown: await showAll(services, page.entries) }
}

const list = async (
  services: Services,
  call: { readonly query: ListQuery; readonly now: number },
): Promise<Outcome> => {
  const filter = await filterOf(services, call)
  if (isFailure(filter)) return filter
  const found = await shownPage(services, filter, call.query)
  if (isFailure(found)) return found
  return { body: listBody('redemptions', found.page, found.shown, { total: found.total }) }
}

const OfCodeQuery = v.object({ ...pagedByNumber, order })

const ofCode = async (services: Services, code: string, query: v.InferOutput<typeof OfCodeQuery>): Promise<Outcome> => {
  const { state } = await loadCode(services.ledgers, code)
  const voucher = resolveVoucher(state, services.rulebook.current())
  if (!voucher) return notFound('voucher', code)
  const [found, sums] = await Promise.all([
    shownPage(services, { 'voucher.code': code }, query),
    sumsOf(services, code),
  ])
  if (isFailure(found)) return found
  return {
    body: {
      ...listBody('redemption_entries', found.page, found.shown, { total: found.total }),
      quantity: voucher.quantity,
      redeemed_quantity: sums?.redeemed ?? 0,
      ...(voucher.type === 'GIFT_VOUCHER' ? { redeemed_amount: sums?.taken ?? 0 } : {}),
      url: `/v1/vouchers/${encodeURIComponent(code)}/redemptions`,
    },
  }
}

export const redemptionQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/redemptions',
    summary: 'List redemptions and rollbacks, those that failed among them',
    tag: 'Redemptions',
    permission: 'redemptions.read',
    query: ListQuery,
    response: listOf('redemptions', RedemptionObject),
    handler: (call) => list(services, call),
  }),
  route({
    method: 'get',
    path: '/v1/redemptions/{id}',
    summary: 'Get a redemption or rollback by its id, or the request that redemptions came about by',
    tag: 'Redemptions',
    permission: 'redemptions.read',
    params: ById,
    response: RedemptionObject,
    handler: ({ params }) => get(services, params.id),
  }),
  route({
    method: 'get',
    path: '/v1/vouchers/{code}/redemption',
    also: ['/v1/vouchers/{code}/redemptions'],
    summary: "List a code's redemptions and rollbacks",
    tag: 'Vouchers',
    permission: 'redemptions.read',
    params: v.object({ code: CodeName }),
    query: OfCodeQuery,
    response: v.object({
      object: v.literal('list'),
      data_ref: v.literal('redemption_entries'),
      quantity: v.nullable(v.number()),
      redeemed_quantity: v.number(),
      redeemed_amount: v.optional(v.number()),
      redeemed_points: v.optional(v.number()),
      redemption_entries: v.array(RedemptionObject),
      total: v.number(),
      has_more: v.optional(v.boolean()),
      more_starting_after: v.optional(v.string()),
      next_cursor: v.optional(v.nullable(v.string())),
      url: v.string(),
    }),
    handler: ({ params, query }) => ofCode(services, params.code, query),
  }),
]
