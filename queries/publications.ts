// Reading publications: how one shows, and the list of them.

import * as v from 'valibot'
import type { CustomerDocument } from '../projections/customers.ts'
import type { PublicationDocument } from '../projections/publications.ts'
import { CodeName } from '../src/domain/codes.ts'
import type { CustomerState } from '../src/domain/customer/state.ts'
import type { VoucherRef } from '../src/domain/customer/vouchers/facts.ts'
import { type HeldVoucher, heldBy } from '../src/domain/customer/vouchers/state.ts'
import type { VoucherType } from '../src/domain/rulebook/voucherSpec.ts'
import { listOf } from '../src/http/answers.ts'
import { isFailure, notFound, refuse } from '../src/http/errors.ts'
import { queryFlag, queryInteger } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { campaignNamed } from './campaigns.ts'
import { readCustomer, showCustomer, showCustomerState } from './customers.ts'
import { allOf, type DocumentFields, filterQuery, NOTHING } from './filters.ts'
import { cardsOf } from './loyaltyMembers.ts'
import { documents, listBody, orderOf, pagedByNumber, pageOf } from './pager.ts'
import { isoOf } from './shapes.ts'

export const PublicationObject = v.pipe(
  v.looseObject({
    id: v.string(),
    object: v.literal('publication'),
    customer_id: v.string(),
    source_id: v.nullable(v.string()),
    result: v.literal('SUCCESS'),
    voucher: v.looseObject({ id: v.string(), code: v.string() }),
    vouchers_id: v.optional(v.array(v.string())),
    /** The codes of a publication of several. */
    vouchers: v.array(v.string()),
    created_at: v.string(),
  }),
  v.title('Publication'),
)

interface Shown {
  readonly id: string
  readonly vouchers: readonly VoucherRef[]
  readonly campaign: { readonly id: string; readonly name: string; readonly type: string } | null
  readonly type: VoucherType | null
  readonly sourceId: string | null
  readonly channel: string | null
  readonly metadata: Readonly<Record<string, unknown>>
  readonly at: number
}

const VOUCHER_TYPES: Readonly<Record<string, string>> = {
  GIFT_VOUCHERS: 'GIFT_VOUCHER',
  LOYALTY_PROGRAM: 'LOYALTY_CARD',
}

type WholeCustomer = ReturnType<typeof showCustomerState>

/** `voucher` is the first of several. */
const show = (customer: string, whole: WholeCustomer | undefined, shown: Shown) => ({
  id: shown.id,
  object: 'publication' as const,
  created_at: isoOf(shown.at),
  customer_id: customer,
  tracking_id: whole?.source_id ?? null,
  metadata: shown.metadata,
  channel: shown.channel ?? 'API',
  source_id: shown.sourceId,
  result: 'SUCCESS' as const,
  customer: whole ?? { id: customer, object: 'customer' as const },
  voucher: {
    ...shown.vouchers[0]!,
    campaign: shown.campaign?.name ?? null,
    campaign_id: shown.campaign?.id ?? null,
    type: shown.type ?? VOUCHER_TYPES[shown.campaign?.type ?? ''] ?? 'DISCOUNT_VOUCHER',
    is_referral_code: shown.campaign?.type === 'REFERRAL_PROGRAM',
    ...(shown.campaign?.type === 'REFERRAL_PROGRAM' ? { referrer_id: customer } : {}),
    holder_id: customer,
    object: 'voucher' as const,
  },
  vouchers_id: shown.vouchers.map(({ id }) => id),
  vouchers: shown.vouchers.map(({ code }) => code),
})

/** The publication of a code that a customer holds, from the state that a command has just left. */
export const showHeld = (state: CustomerState, held: HeldVoucher) => {
  const { id, vouchers } = state
  const together = heldBy(vouchers, held.publication.id)
  return show(id, showCustomerState(state), {
    id: held.publication.id,
    vouchers: (together.length > 0 ? together : [held]).map(({ id: voucher, code }) => ({ id: voucher, code })),
    campaign: held.campaign ?? null,
    type: held.type ?? null,
    sourceId: held.publication.sourceId ?? null,
    channel: held.publication.channel ?? null,
    metadata: held.publication.metadata ?? {},
    at: held.publishedAt,
  })
}

const showDocument = (document: PublicationDocument, customer: WholeCustomer | undefined) =>
  show(document.customer, customer, {
    id: document._id,
    vouchers: document.vouchers,
    campaign: document.campaign,
    type: document.type,
    sourceId: document.source_id,
    channel: document.channel,
    metadata: document.metadata,
    at: document.created_at.getTime(),
  })

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
  if (number > MAX_PAGE) return refuse('page_over_limit', `Property .page must be <= ${MAX_PAGE}`)
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
    voucher === undefined ? {} : { 'vouchers.code': voucher },
    sourceId === undefined ? {} : { source_id: sourceId },
    parameters,
    filters,
  )
  const source = documents(services.readModel.collection<PublicationDocument>('publications'), filter)
  const [page, total] = await Promise.all([pageOf(source, ORDERS, query), source.total()])
  if (isFailure(page)) return page
  const holders = await services.readModel
    .collection<CustomerDocument>('customers')
    .find({ _id: { $in: [...new Set(page.entries.map((p) => p.customer))] } }, { limit })
  const cards = await cardsOf(
    services,
    holders.map(({ _id }) => _id),
  )
  const customers = new Map(holders.map((one) => [one._id, showCustomer(one, cards.get(one._id))]))
  const shown = page.entries.map((document) => showDocument(document, customers.get(document.customer)))
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
