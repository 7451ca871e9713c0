// Reading publications: how one shows, and the list of them.

import * as v from 'valibot'
import type { CustomerDocument } from '../projections/customers.ts'
import type { PublicationDocument } from '../projections/publications.ts'
import { allOf, type DocumentFields, equals, filterQuery, NOTHING } from '../src/api/lists/filters.ts'
import { listBody, orderOf, pageAndTotal, pagedByNumber } from '../src/api/lists/pager.ts'
import { documents } from '../src/api/lists/sources.ts'
import { campaignNamed } from '../src/api/presenters/campaigns.ts'
import { readCustomer, showCustomers } from '../src/api/presenters/customers.ts'
import { PublicationObject, showPublication, VOUCHER_TYPES } from '../src/api/presenters/publications.ts'
import { CodeName } from '../src/domain/codes.ts'
import { listOf } from '../src/http/answers.ts'
import { fail, isFailure, notFound } from '../src/http/errors.ts'
import { queryFlag, queryInteger } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

const MAX_PAGE = 1_000

const ORDERS = {
  id: ['_id'],
  created_at: ['position'],
  voucher_code: ['voucher.code', 'position'],
  customer_id: ['customer', 'position'],
  channel: ['channel', 'position'],
} as const

/** What is shown of a publication follows from its campaign, or from what a single voucher is. */
const isReferral = { 'campaign.type': 'REFERRAL_PROGRAM' }

const typeCases: readonly (readonly [Record<string, unknown>, string])[] = [
  ...(['DISCOUNT_VOUCHER', 'GIFT_VOUCHER'] as const).map((type) => [{ type }, type] as const),
  ...Object.entries(VOUCHER_TYPES).map(
    ([campaign, type]) => [{ type: null, 'campaign.type': campaign }, type] as const,
  ),
  [{ type: null, 'campaign.type': { $nin: Object.keys(VOUCHER_TYPES) } }, 'DISCOUNT_VOUCHER'],
]

const FIELDS: DocumentFields = {
  // Only what came about is a publication here.
  result: {
    cases: [
      [{}, 'SUCCESS'],
      [NOTHING, 'FAILURE'],
    ],
  },
  failure_code: { path: 'failure_code' },
  customer_id: { path: 'customer' },
  campaign_name: { path: 'campaign.name' },
  voucher_type: { cases: typeCases },
  is_referral_code: {
    cases: [
      [isReferral, true],
      [{ 'campaign.type': { $ne: 'REFERRAL_PROGRAM' } }, false],
    ],
  },
  parent_object_id: { path: 'campaign.id' },
  related_object_id: { path: 'vouchers.id' },
  source_id: { path: 'source_id' },
}

const ListQuery = v.object({
  ...pagedByNumber,
  page: v.optional(queryInteger(1, 1_000_000), '1'),
  campaign: v.optional(v.string()),
  customer: v.optional(v.string()),
  voucher: v.optional(CodeName),
  source_id: v.optional(v.string()),
  result: v.optional(v.picklist(['SUCCESS', 'FAILURE'])),
  voucher_type: v.optional(v.picklist(['discount', 'loyalty', 'gift'])),
  is_referral_code: v.optional(queryFlag),
  order: orderOf(['created_at', 'id', 'voucher_code', 'customer_id', 'channel'], '-created_at'),
  filters: v.optional(v.record(v.string(), v.unknown())),
})

const TYPE_WORDS = { discount: 'DISCOUNT_VOUCHER', loyalty: 'LOYALTY_CARD', gift: 'GIFT_VOUCHER' } as const

/** The parameters that say the same as a filter do, as that filter. */
const asFilters = ({ result, voucher_type: type, is_referral_code: referral }: v.InferOutput<typeof ListQuery>) => {
  const is = (value: unknown) => ({ conditions: { $is: String(value) } })
  return {
    ...(result === undefined ? {} : { result: is(result) }),
    ...(type === undefined ? {} : { voucher_type: is(TYPE_WORDS[type]) }),
    ...(referral === undefined ? {} : { is_referral_code: is(referral) }),
  }
}

const list = async (
  services: Services,
  { query, now }: { readonly query: v.InferOutput<typeof ListQuery>; readonly now: number },
): Promise<Outcome> => {
  const { limit, page: number, campaign, customer, voucher, source_id: sourceId } = query
  if (number > MAX_PAGE) return fail('page_over_limit', `Property .page must be <= ${MAX_PAGE}`)
  const rulebook = services.rulebook.current()
  const entry = campaign === undefined ? undefined : campaignNamed(rulebook.definitions, campaign)
  const holder = customer === undefined ? undefined : await readCustomer(services, customer)
  if (holder === null) return notFound('customer', customer!)
  const setting = { timeZone: rulebook.project.timeZone, now }
  const filters = filterQuery(query.filters, FIELDS, setting)
  if (isFailure(filters)) return filters
  const parameters = filterQuery(asFilters(query), FIELDS, setting)
  if (isFailure(parameters)) return parameters
  const filter = allOf(
    campaign === undefined ? {} : { 'campaign.id': entry?.id ?? campaign },
    holder === undefined ? {} : { customer: holder._id },
    equals('vouchers.code', voucher),
    equals('source_id', sourceId),
    parameters,
    filters,
  )
  const source = documents(services.readModel.collection<PublicationDocument>('publications'), filter)
  const [page, total] = await pageAndTotal(source, ORDERS, query)
  if (isFailure(page)) return page
  const holders = await services.readModel
    .collection<CustomerDocument>('customers')
    .find({ _id: { $in: [...new Set(page.entries.map((p) => p.customer))] } }, { limit })
  const customers = new Map((await showCustomers(services, holders)).map((one) => [one.id, one]))
  const shown = page.entries.map((document) => showPublication(document, customers.get(document.customer)))
  return { body: listBody('publications', page, shown, { total }) }
}

export const publicationQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/publications',
    summary: 'List publications',
    tag: 'Publications',
    permission: 'codes.read',
    query: ListQuery,
    response: listOf('publications', PublicationObject),
    handler: (call) => list(services, call),
  }),
]
