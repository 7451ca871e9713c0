// Reading referrals: by program with totals, and what became of a code, a referrer and a referee.

import * as v from 'valibot'
import type { ReferralDocument, ReferralStatus } from '../projections/referrals.ts'
import {
  allOf,
  type DocumentFields,
  type Field,
  filterQuery,
  NOTHING,
  predicateOf,
  TEXT,
  TIME,
} from '../src/api/lists/filters.ts'
import { listBody, orderOf, pageAndTotal, pagedById, pageOf } from '../src/api/lists/pager.ts'
import { documents, type Source } from '../src/api/lists/sources.ts'
import { campaignNamed } from '../src/api/presenters/campaigns.ts'
import { readCustomer } from '../src/api/presenters/customers.ts'
import {
  HolderObject,
  type PublishedCode,
  ReferralCode,
  ReferralObject,
  showHolder,
  showReferral,
  showReferralCode,
  Totals,
} from '../src/api/presenters/referrals.ts'
import { CodeName } from '../src/domain/codes.ts'
import { holderId } from '../src/domain/vouchers/code.ts'
import { answerOf, listOf } from '../src/http/answers.ts'
import { isFailure, notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import { MAX_COUNTED } from '../src/readmodel/index.ts'
import { loadCode } from '../src/runtime/codeStreams.ts'
import type { Services } from '../src/services.ts'

const STATUSES = ['pending', 'refused', 'converted', 'rewarded'] as const satisfies readonly ReferralStatus[]

const referralsOf = ({ readModel }: Services) => readModel.collection<ReferralDocument>('referrals')

type Filter = Readonly<Record<string, unknown>>

/** How many referrals there are of each status. `converted` counts those whose rewards are not all given. */
const totals = async (services: Services, filter: Filter) => {
  const groups = await referralsOf(services).aggregate<{ _id: ReferralStatus; n: number }>([
    { $match: filter },
    { $limit: MAX_COUNTED },
    { $group: { _id: '$status', n: { $sum: 1 } } },
  ])
  const counted = Object.fromEntries(STATUSES.map((status) => [status, 0])) as Record<ReferralStatus, number>
  for (const { _id, n } of groups) counted[_id] = n
  return { ...counted, conversions: counted.converted + counted.rewarded }
}

const ListQuery = v.object({
  ...pagedById,
  status: v.optional(v.picklist(STATUSES)),
  referrer: v.optional(v.string()),
  referee: v.optional(v.string()),
  code: v.optional(CodeName),
  order: orderOf(['created_at'], '-created_at'),
})

type ListQuery = v.InferOutput<typeof ListQuery>

/** Many referees can be assigned by one fact: those share a position, and are told apart by their ids. */
const ORDERS = { created_at: ['position', '_id'], id: ['position', '_id'] } as const

/** The ids of customers that a query names; null when one of them is nobody. */
const idOf = async (services: Services, name: string | undefined): Promise<string | null | undefined> =>
  name === undefined ? undefined : ((await readCustomer(services, name))?._id ?? null)

const list = async (services: Services, campaign: string, query: ListQuery): Promise<Outcome> => {
  const entry = campaignNamed(services.rulebook.current().definitions, campaign)
  if (!entry) return notFound('campaign', campaign)
  const [referrer, referee] = await Promise.all([idOf(services, query.referrer), idOf(services, query.referee)])
  if (referrer === null) return notFound('customer', query.referrer!)
  if (referee === null) return notFound('customer', query.referee!)
  const about = {
    'campaign.id': entry.id,
    referrer,
    referee,
    'voucher.code': query.code,
  }
  const [paged, counted] = await Promise.all([
    pageOf(
      documents(referralsOf(services), { ...about, ...(query.status === undefined ? {} : { status: query.status }) }),
      ORDERS,
      query,
    ),
    totals(services, about),
  ])
  if (isFailure(paged)) return paged
  const total =
    query.status === undefined ? STATUSES.reduce((sum, status) => sum + counted[status], 0) : counted[query.status]
  const shown = paged.entries.map(showReferral)
  return { body: { ...listBody('data', paged, shown, { total, id: ({ _id }) => _id }), totals: counted } }
}

const MAX_CODES = 100

const codeStatus = async (services: Services, code: string, campaign: string | undefined): Promise<Outcome> => {
  const { state } = await loadCode(services.ledgers, code)
  const published = await services.readModel
    .collection<PublishedCode>('publications')
    .findOne({ 'voucher.code': code, 'campaign.type': 'REFERRAL_PROGRAM' })
  const entry = campaign === undefined ? undefined : campaignNamed(services.rulebook.current().definitions, campaign)
  if (!published || (campaign !== undefined && entry?.id !== published.campaign.id)) return notFound('voucher', code)
  return {
    body: { ...showReferralCode(published, state.active), totals: await totals(services, { 'voucher.code': code }) },
  }
}

const referrerStatus = async (services: Services, campaign: string, name: string): Promise<Outcome> => {
  const entry = campaignNamed(services.rulebook.current().definitions, campaign)
  if (!entry) return notFound('campaign', campaign)
  const customer = await readCustomer(services, name)
  if (!customer) return notFound('customer', name)
  const [codes, counted] = await Promise.all([
    services.readModel
      .collection<PublishedCode>('publications')
      .find({ 'campaign.id': entry.id, customer: customer._id }, { sort: { position: 1 }, limit: MAX_CODES }),
    totals(services, { 'campaign.id': entry.id, referrer: customer._id }),
  ])
  const states = await Promise.all(codes.map(({ voucher }) => loadCode(services.ledgers, voucher.code)))
  return {
    body: {
      object: 'referrer',
      customer_id: customer._id,
      campaign_id: entry.id,
      codes: codes.map((code, i) => showReferralCode(code, states[i]!.state.active)),
      totals: counted,
    },
  }
}

const refereeStatus = async (services: Services, campaign: string, name: string): Promise<Outcome> => {
  const entry = campaignNamed(services.rulebook.current().definitions, campaign)
  if (!entry) return notFound('campaign', campaign)
  const customer = await readCustomer(services, name)
  if (!customer) return notFound('customer', name)
  const found = await referralsOf(services).find(
    { 'campaign.id': entry.id, referee: customer._id },
    { sort: { position: 1 }, limit: MAX_CODES },
  )
  // One conversion is all there can be; with none, the newest word is what counts.
  const telling = found.find((document) => document.converted_at !== null) ?? found.at(-1)
  return {
    body: {
      object: 'referee',
      customer_id: customer._id,
      campaign_id: entry.id,
      status: telling?.status ?? 'none',
      referrals: found.map(showReferral),
    },
  }
}

const HoldersQuery = v.object({
  ...pagedById,
  order: orderOf(['id', 'created_at'], 'id'),
  filters: v.optional(v.record(v.string(), v.unknown())),
})

const HOLDER_FIELDS: DocumentFields = {
  id: { path: 'holder.id' },
  created_at: { path: 'holder.at', shape: TIME },
  holder_role: {
    cases: [
      [{}, 'REFEREE'],
      [NOTHING, 'REFERRER'],
    ],
  },
  customer_id: { path: 'referee' },
}

type Holder = Parameters<typeof showHolder>[0]

/** A code's holders: who gave it to others, and behind it those it was assigned to. */
const holdersOf = (
  first: Holder | undefined,
  referees: Source<ReferralDocument>,
): Source<Holder | ReferralDocument> => {
  const isReferee = (entry: Holder | ReferralDocument): entry is ReferralDocument => 'referee' in entry
  // Before every position in the log.
  const place = (entry: Holder | ReferralDocument, keys: readonly string[]) =>
    isReferee(entry) ? referees.place(entry, keys) : keys.map(() => '')
  return {
    place,
    async read(keys, descending, { after, skip }, limit) {
      const isBehindFirst = after?.every((value) => value === '') === true
      if (descending) {
        if (isBehindFirst) return []
        const found = await referees.read(keys, true, { after, skip }, limit)
        return found.length < limit && first ? [...found, first] : found
      }
      if (after !== undefined || !first)
        return referees.read(keys, false, { after: isBehindFirst ? undefined : after, skip }, limit)
      const rest = limit > 1 ? await referees.read(keys, false, { skip }, limit - 1) : []
      return [first, ...rest]
    },
    named: async (id) => (first?.id === id ? first : referees.named(id)),
    total: async () => (await referees.total()) + (first ? 1 : 0),
  }
}

const holders = async (
  services: Services,
  { code, campaignId }: { code: string; campaignId?: string },
  { query, now }: { readonly query: v.InferOutput<typeof HoldersQuery>; readonly now: number },
): Promise<Outcome> => {
  const published = await services.readModel
    .collection<PublishedCode>('publications')
    .findOne({ 'voucher.code': code, 'campaign.type': 'REFERRAL_PROGRAM' })
  const rulebook = services.rulebook.current()
  const entry = campaignId === undefined ? undefined : campaignNamed(rulebook.definitions, campaignId)
  if (!published || (campaignId !== undefined && entry?.id !== published.campaign.id)) return notFound('voucher', code)
  const { voucher, campaign } = published
  const own: Holder = {
    id: holderId(voucher.id, published.customer),
    voucher: voucher.id,
    campaign: campaign.id,
    customer: published.customer,
    metadata: {},
    at: published.created_at.getTime(),
    role: 'REFERRER',
  }
  const setting = { timeZone: rulebook.project.timeZone, now }
  const filters = filterQuery(query.filters, HOLDER_FIELDS, setting)
  if (isFailure(filters)) return filters
  const passes = predicateOf(query.filters, OWN_FIELDS, setting)
  if (typeof passes !== 'function') return passes
  const referees = documents(referralsOf(services), allOf({ 'voucher.code': code, holder: { $ne: null } }, filters), {
    named: (id) => ({ 'voucher.code': code, 'holder.id': id }),
  })
  const source = holdersOf(passes(own) ? own : undefined, referees)
  const [page, total] = await pageAndTotal(source, ORDERS, query)
  if (isFailure(page)) return page
  const asHolder = (one: Holder | ReferralDocument): Holder =>
    'referee' in one
      ? {
          id: one.holder?.id ?? one._id,
          voucher: voucher.id,
          campaign: campaign.id,
          customer: one.referee,
          metadata: one.holder?.metadata ?? {},
          at: (one.holder?.at ?? one.created_at).getTime(),
        }
      : one
  const shown = page.entries.map((one) => showHolder(asHolder(one)))
  return { body: listBody('data', page, shown, { total, id: (one) => asHolder(one).id }) }
}

const OWN_FIELDS = new Map<string, Field<Holder>>([
  ['id', [TEXT, ({ id }) => id]],
  ['created_at', [TIME, ({ at }) => at]],
  ['holder_role', [TEXT, () => 'REFERRER', ['REFEREE', 'REFERRER']]],
  ['customer_id', [TEXT, ({ customer }) => customer]],
])

const CodeParams = v.object({ code: CodeName, campaignId: v.optional(v.string()) })

const CustomerParams = v.object({ campaignId: v.string(), customer: v.string() })

export const referralQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/referrals/{campaignId}',
    summary: 'Referrals of a program, with totals by status',
    description:
      'pending: assigned to a code; refused: the event came, but did not convert, and why; converted; rewarded.',
    tag: 'Referrals',
    permission: 'referrals.read',
    params: v.object({ campaignId: v.string() }),
    query: ListQuery,
    response: v.object({ ...listOf('data', ReferralObject).entries, totals: Totals }),
    handler: (call) => list(services, call.params.campaignId, call.query),
  }),
  route({
    method: 'get',
    path: '/v1/referrals/members/{code}',
    also: ['/v1/referrals/{campaignId}/members/{code}'],
    summary: 'What became of a referral code',
    tag: 'Referrals',
    permission: 'referrals.read',
    params: CodeParams,
    response: v.pipe(v.object({ ...ReferralCode.entries, totals: Totals }), v.title('ReferralCode')),
    handler: ({ params }) => codeStatus(services, params.code, params.campaignId),
  }),
  route({
    method: 'get',
    path: '/v1/referrals/members/{code}/holders',
    also: ['/v1/referrals/{campaignId}/members/{code}/holders'],
    summary: 'Who holds a referral code: its referrer and the referees assigned to it',
    tag: 'Referrals',
    permission: 'referrals.read',
    params: CodeParams,
    query: HoldersQuery,
    response: listOf('data', HolderObject),
    handler: (call) => {
      const { code, campaignId } = call.params
      return holders(services, { code, campaignId }, call)
    },
  }),
  route({
    method: 'get',
    path: '/v1/referrals/{campaignId}/referrers/{customer}',
    summary: "A referrer's codes and what came of them",
    tag: 'Referrals',
    permission: 'referrals.read',
    params: CustomerParams,
    response: answerOf('referrer', {
      customer_id: v.string(),
      campaign_id: v.string(),
      codes: v.array(ReferralCode),
      totals: Totals,
    }),
    handler: ({ params }) => referrerStatus(services, params.campaignId, params.customer),
  }),
  route({
    method: 'get',
    path: '/v1/referrals/{campaignId}/referees/{customer}',
    summary: 'Whether a customer was referred: pending, converted, rewarded, or refused and why',
    tag: 'Referrals',
    permission: 'referrals.read',
    params: CustomerParams,
    response: answerOf('referee', {
      customer_id: v.string(),
      campaign_id: v.string(),
      status: v.string(),
      referrals: v.array(ReferralObject),
    }),
    handler: ({ params }) => refereeStatus(services, params.campaignId, params.customer),
  }),
]
