// Reading publications: how one shows, and the list of them.
import * as v from 'valibot'
import type { CustomerDocument } from '../projections/customers.ts'
import type { PublicationDocument } from '../projections/publications.ts'
import { CodeName } from '../src/domain/codes.ts'
import type { Profile } from '../src/domain/customer/profile.ts'
import type { CustomerState } from '../src/domain/customer/state.ts'
import type { VoucherType } from '../src/domain/vouchers/spec.ts'
import type { HeldVoucher } from '../src/domain/vouchers/state.ts'
import { notFound, refuse } from '../src/http/errors.ts'
import { pageLimit, queryInteger } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/runtime/services.ts'
import { campaignNamed } from './campaigns.ts'
import { readCustomer, showCustomerBriefly } from './customers.ts'
import { fresh } from './fresh.ts'
import { isoOf } from './shapes.ts'

export const PublicationObject = v.pipe(
  v.looseObject({
    id: v.string(),
    object: v.literal('publication'),
    customer_id: v.string(),
    source_id: v.nullable(v.string()),
    result: v.literal('SUCCESS'),
    voucher: v.looseObject({ id: v.string(), code: v.string() }),
    created_at: v.string(),
  }),
  v.title('Publication'),
)

interface Shown {
  readonly id: string
  readonly voucher: { readonly id: string; readonly code: string }
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

const show = (customer: string, profile: Profile | undefined, shown: Shown) => ({
  id: shown.id,
  object: 'publication' as const,
  created_at: isoOf(shown.at),
  customer_id: customer,
  tracking_id: profile?.source_id ?? null,
  metadata: shown.metadata,
  channel: shown.channel ?? 'API',
  source_id: shown.sourceId,
  result: 'SUCCESS' as const,
  customer: profile ? showCustomerBriefly(customer, profile) : { id: customer, object: 'customer' },
  voucher: {
    id: shown.voucher.id,
    code: shown.voucher.code,
    campaign: shown.campaign?.name ?? null,
    campaign_id: shown.campaign?.id ?? null,
    type: shown.type ?? VOUCHER_TYPES[shown.campaign?.type ?? ''] ?? 'DISCOUNT_VOUCHER',
    is_referral_code: shown.campaign?.type === 'REFERRAL_PROGRAM',
    ...(shown.campaign?.type === 'REFERRAL_PROGRAM' ? { referrer_id: customer } : {}),
    holder_id: customer,
    object: 'voucher' as const,
  },
  vouchers_id: [shown.voucher.id],
})

/** The publication of a code that a customer holds, from the state that a command has just left. */
export const showHeld = ({ id, profile }: CustomerState, held: HeldVoucher) =>
  show(id, profile, {
    id: held.publication.id,
    voucher: held,
    campaign: held.campaign ?? null,
    type: held.type ?? null,
    sourceId: held.publication.sourceId ?? null,
    channel: held.publication.channel ?? null,
    metadata: held.publication.metadata ?? {},
    at: held.publishedAt,
  })

const showDocument = (document: PublicationDocument, profile: Profile | undefined) =>
  show(document.customer, profile, {
    id: document._id,
    voucher: document.voucher,
    campaign: document.campaign,
    type: document.type,
    sourceId: document.source_id,
    channel: document.channel,
    metadata: document.metadata,
    at: document.created_at.getTime(),
  })

const MAX_PAGE = 1_000

const ListQuery = v.object({
  limit: pageLimit,
  page: v.optional(queryInteger(1, 1_000_000), '1'),
  campaign: v.optional(v.string()),
  customer: v.optional(v.string()),
  voucher: v.optional(CodeName),
  source_id: v.optional(v.string()),
  order: v.optional(v.picklist(['created_at', '-created_at']), '-created_at'),
})

const list = async (services: Services, query: v.InferOutput<typeof ListQuery>): Promise<Outcome> => {
  const { limit, page, campaign, customer, voucher, source_id: sourceId, order } = query
  if (page > MAX_PAGE) return refuse('page_over_limit', `Property .page must be <= ${MAX_PAGE}`)
  const entry = campaign === undefined ? undefined : campaignNamed(services.rulebook.current().definitions, campaign)
  const holder = customer === undefined ? undefined : await readCustomer(services, customer)
  if (holder === null) return notFound('customer', customer!)
  const filter = {
    ...(campaign === undefined ? {} : { 'campaign.id': entry?.id ?? campaign }),
    ...(holder === undefined ? {} : { customer: holder._id }),
    ...(voucher === undefined ? {} : { 'voucher.code': voucher }),
    ...(sourceId === undefined ? {} : { source_id: sourceId }),
  }
  const collection = services.readModel.collection<PublicationDocument>('publications')
  const [found, total] = await Promise.all([
    collection.find(filter, {
      sort: { position: order === 'created_at' ? 1 : -1 },
      skip: (page - 1) * limit,
      limit,
    }),
    collection.count(filter),
  ])
  const holders = await services.readModel
    .collection<CustomerDocument>('customers')
    .find({ _id: { $in: [...new Set(found.map((p) => p.customer))] } }, { limit })
  const profiles = new Map(holders.map(({ _id, profile }) => [_id, profile]))
  return {
    body: {
      object: 'list',
      data_ref: 'publications',
      publications: found.map((document) => showDocument(document, profiles.get(document.customer))),
      total,
    },
  }
}

export const publicationQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/publications',
    summary: 'List publications',
    tag: 'Publications',
    roles: ['admin', 'integrator', 'reader', 'auditor'],
    query: ListQuery,
    handler: fresh(services, (call) => list(services, call.query)),
  }),
]
