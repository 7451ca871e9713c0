// Reading vouchers: how one shows, one by its code or id, and lists of them.

import * as v from 'valibot'
import type { VoucherDocument, VoucherSums } from '../projections/vouchers.ts'
import { allOf, type DocumentFields, equals, filterQuery, TIME } from '../src/api/lists/filters.ts'
import { Ids, listBody, orderOf, pageAndTotal, pagedByNumber } from '../src/api/lists/pager.ts'
import { Range, rangeFilter } from '../src/api/lists/range.ts'
import { documents } from '../src/api/lists/sources.ts'
import { campaignNamed } from '../src/api/presenters/campaigns.ts'
import { readCustomer } from '../src/api/presenters/customers.ts'
import { VoucherObject } from '../src/api/presenters/voucherObject.ts'
import { codeNamed, showCode, showVouchers } from '../src/api/presenters/vouchers.ts'
import { CodeName } from '../src/domain/codes.ts'
import { campaignsIn } from '../src/domain/rulebook/campaign.ts'
import type { Rulebook } from '../src/domain/rulebook/rulebook.ts'
import { listOf } from '../src/http/answers.ts'
import { type Failure, isFailure, notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

/** The sums of a code in the read model; undefined when it has not come there yet. */
export const sumsOf = async ({ readModel }: Services, code: string): Promise<VoucherSums | undefined> =>
  (await readModel.collection<VoucherDocument>('vouchers').findOne({ _id: code }, { projection: { sums: 1 } }))?.sums

const get = async (services: Services, name: string): Promise<Outcome> => {
  const code = await codeNamed(services, name)
  const shown = code && (await showCode(services, code, await sumsOf(services, code.code)))
  return shown ? { body: shown } : notFound('voucher', name)
}

const ORDERS = {
  created_at: ['position'],
  updated_at: ['updated_at', '_id'],
  code: ['_id'],
} as const

const FIELDS: DocumentFields = {
  code: { path: '_id' },
  id: { path: 'voucher' },
  campaign_id: { path: 'campaign' },
  category: { path: 'category' },
  holder_id: { path: 'customer' },
  customer_id: { path: 'customer' },
  active: {
    cases: [
      [{ active: true }, true],
      [{ active: false }, false],
    ],
  },
  created_at: { path: 'created_at', shape: TIME },
  updated_at: { path: 'updated_at', shape: TIME },
}

const ListQuery = v.object({
  ...pagedByNumber,
  code: v.optional(CodeName),
  /** By name or id. */
  campaign: v.optional(v.string()),
  campaign_id: v.optional(v.string()),
  /** The holder, by id or `source_id`. */
  customer: v.optional(v.string()),
  category: v.optional(v.string()),
  /** Codes by their vouchers' ids. */
  ids: Ids,
  created_at: Range,
  updated_at: Range,
  order: orderOf(['created_at', 'updated_at', 'code'], '-created_at'),
  filters: v.optional(v.record(v.string(), v.unknown())),
})

type ListQuery = v.InferOutput<typeof ListQuery>

/** Codes of campaigns that are there, or of none; of one category where it is asked for. */
export const ofCampaigns = (rulebook: Rulebook, category: string | undefined): Record<string, unknown> => {
  const all = [...campaignsIn(rulebook.definitions).values()]
  // Asked of each code in the order of the list: looked up by campaign, all of them would be read to be sorted.
  const isThere = { $nor: [{ campaign: { $nin: [null, ...all.map(({ id }) => id)] } }] }
  if (category === undefined) return { listed: true, ...isThere }
  const same = all.filter(({ definition }) => definition.category === category).map(({ id }) => id)
  return {
    listed: true,
    $or: [
      { category, ...isThere },
      { category: null, campaign: { $in: same } },
    ],
  }
}

const filterOf = async (
  services: Services,
  { query, now }: { readonly query: ListQuery; readonly now: number },
): Promise<Record<string, unknown> | Failure> => {
  const rulebook = services.rulebook.current()
  const named = query.campaign_id ?? query.campaign
  const entry = named === undefined ? undefined : campaignNamed(rulebook.definitions, named)
  if (named !== undefined && !entry) return notFound('campaign', named)
  const holder = query.customer === undefined ? undefined : await readCustomer(services, query.customer)
  if (holder === null) return notFound('customer', query.customer!)
  const filters = filterQuery(query.filters, FIELDS, { timeZone: rulebook.project.timeZone, now })
  if (isFailure(filters)) return filters
  return allOf(
    entry ? { campaign: entry.id, listed: true } : {},
    entry && query.category === undefined ? {} : ofCampaigns(rulebook, query.category),
    holder ? { customer: holder._id } : {},
    rangeFilter('created_at', query.created_at, services.rulebook.current().project.timeZone),
    rangeFilter('updated_at', query.updated_at, services.rulebook.current().project.timeZone),
    equals('_id', query.code),
    query.ids === undefined ? {} : { voucher: { $in: query.ids } },
    filters,
  )
}

const list = async (
  services: Services,
  call: { readonly query: ListQuery; readonly now: number },
): Promise<Outcome> => {
  const filter = await filterOf(services, call)
  if (isFailure(filter)) return filter
  const source = documents(services.readModel.collection<VoucherDocument>('vouchers'), filter)
  const [page, total] = await pageAndTotal(source, ORDERS, call.query)
  if (isFailure(page)) return page
  const shown = await showVouchers(services, page.entries)
  const vouchers = page.entries.flatMap((document) => shown.get(document._id) ?? [])
  return { body: listBody('vouchers', page, vouchers, { total }) }
}

/** Whether the code is that of a loyalty card. */
export const isCard = ({ state }: VoucherDocument): boolean => state.owner?.type === 'loyalty_card'

export const voucherQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/vouchers',
    summary: 'List vouchers',
    tag: 'Vouchers',
    permission: 'codes.read',
    query: ListQuery,
    response: listOf('vouchers', VoucherObject),
    handler: (call) => list(services, call),
  }),
  route({
    method: 'get',
    path: '/v1/vouchers/{code}',
    summary: 'Get a voucher by code or id',
    description: 'What a code is comes from its own stream and is never behind; how often it was redeemed may be.',
    tag: 'Vouchers',
    permission: 'codes.read',
    params: v.object({ code: CodeName }),
    response: VoucherObject,
    handler: ({ params }) => get(services, params.code),
  }),
]
