// Reading vouchers: how one shows, one by its code or id, and lists of them.

import * as v from 'valibot'
import type { LoyaltyCardDocument } from '../projections/loyaltyCards.ts'
import { NO_VOUCHER_SUMS, type VoucherDocument, type VoucherSums } from '../projections/vouchers.ts'
import { CodeName } from '../src/domain/codes.ts'
import { cardByCode } from '../src/domain/customer/loyalty/state.ts'
import { type Campaign, campaignsIn } from '../src/domain/rulebook/campaign.ts'
import type { Rulebook } from '../src/domain/rulebook/rulebook.ts'
import { type Gift, VoucherType } from '../src/domain/rulebook/voucherSpec.ts'
import type { CodeState } from '../src/domain/vouchers/code.ts'
import { resolveVoucher } from '../src/domain/vouchers/resolve.ts'
import { listOf } from '../src/http/answers.ts'
import { type Failure, isFailure, notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import { loadCode } from '../src/runtime/codeStreams.ts'
import type { Services } from '../src/services.ts'
import { campaignNamed } from './campaigns.ts'
import { readCustomer } from './customers.ts'
import { allOf, type DocumentFields, filterQuery, TIME } from './filters.ts'
import { showCard } from './loyaltyMembers.ts'
import { documents, Ids, listBody, orderOf, pagedByNumber, pageOf } from './pager.ts'
import { Range, rangeFilter } from './range.ts'
import { isoOf, isoOrNull } from './shapes.ts'
import { showAssignment } from './validationRules.ts'

export const VoucherObject = v.pipe(
  v.looseObject({
    id: v.string(),
    code: v.string(),
    campaign: v.nullable(v.string()),
    campaign_id: v.nullable(v.string()),
    category: v.nullable(v.string()),
    type: VoucherType,
    discount: v.nullable(v.looseObject({ type: v.string() })),
    gift: v.nullable(v.looseObject({ amount: v.number(), balance: v.number() })),
    start_date: v.nullable(v.string()),
    expiration_date: v.nullable(v.string()),
    redemption: v.looseObject({
      quantity: v.nullable(v.number()),
      redeemed_quantity: v.number(),
      object: v.literal('list'),
      url: v.string(),
    }),
    publish: v.looseObject({ object: v.literal('list'), count: v.number(), url: v.string() }),
    active: v.boolean(),
    additional_info: v.nullable(v.string()),
    metadata: v.record(v.string(), v.unknown()),
    is_referral_code: v.boolean(),
    holder_id: v.nullable(v.string()),
    created_at: v.string(),
    updated_at: v.nullable(v.string()),
    object: v.literal('voucher'),
  }),
  v.title('Voucher'),
)

/** The validation rules that are assigned to vouchers, by the voucher's id or code. */
const assignedTo = (rulebook: Rulebook) => {
  const found = new Map<string, ReturnType<typeof showAssignment>[]>()
  for (const entry of rulebook.entries('assignment').values()) {
    const { related_object_type: type, related_object_id: id } = entry.definition
    if (type === 'voucher') found.set(id, [...(found.get(id) ?? []), showAssignment(entry)])
  }
  return found
}

/** What a gift voucher has had in all, and what is left of it, minor units. */
const showGift = ({ amount, effect }: Gift, { taken, added }: VoucherSums) => ({
  amount: amount + added,
  balance: Math.max(0, amount + added - taken),
  effect,
})

/** A voucher as the HTTP contract shows it; undefined for a code that nobody reserved or that is deleted. */
export const showVoucher = (code: CodeState, rulebook: Rulebook, sums: VoucherSums = NO_VOUCHER_SUMS) => {
  const voucher = resolveVoucher(code, rulebook)
  if (!voucher) return undefined
  const { spec } = code
  const campaign: Campaign | undefined = voucher.campaign?.definition
  const path = `/v1/vouchers/${encodeURIComponent(code.code)}`
  const assigned = rulebook.prepared(assignedTo)
  const assignments = [...(assigned.get(voucher.id) ?? []), ...(assigned.get(code.code) ?? [])]
  return {
    id: voucher.id,
    code: code.code,
    campaign: campaign?.name ?? null,
    campaign_id: voucher.campaign?.id ?? null,
    category: spec.category ?? campaign?.category ?? null,
    type: voucher.type,
    discount: voucher.type === 'DISCOUNT_VOUCHER' ? (voucher.discount ?? null) : null,
    gift: voucher.type === 'GIFT_VOUCHER' && voucher.gift ? showGift(voucher.gift, sums) : null,
    loyalty_card: null,
    start_date: spec.start_date ?? campaign?.start_date ?? null,
    expiration_date: spec.expiration_date ?? campaign?.expiration_date ?? null,
    validity_timeframe: spec.validity_timeframe ?? campaign?.validity_timeframe ?? null,
    validity_day_of_week: spec.validity_day_of_week ?? campaign?.validity_day_of_week ?? null,
    validity_hours: spec.validity_hours ?? campaign?.validity_hours ?? null,
    publish: {
      object: 'list' as const,
      count: voucher.holder === undefined ? 0 : 1,
      url: `/v1/publications?voucher=${encodeURIComponent(code.code)}`,
    },
    redemption: {
      object: 'list' as const,
      quantity: voucher.quantity,
      redeemed_quantity: sums.redeemed,
      ...(voucher.type === 'GIFT_VOUCHER' ? { redeemed_amount: sums.taken } : {}),
      url: `${path}/redemptions`,
    },
    active: voucher.active,
    additional_info: spec.additional_info ?? null,
    metadata: voucher.metadata,
    is_referral_code: voucher.isReferral,
    ...(voucher.isReferral ? { referrer_id: voucher.holder ?? null } : {}),
    holder_id: voucher.holder ?? null,
    validation_rules_assignments: {
      object: 'list' as const,
      data_ref: 'data' as const,
      data: assignments,
      total: assignments.length,
    },
    created_at: isoOf(code.createdAt),
    updated_at: isoOrNull(code.updatedAt),
    object: 'voucher' as const,
  }
}

/** The code that a path names by code or, when no code is called that, by the voucher's id: as its stream has it now. */
export const codeNamed = async (services: Services, name: string): Promise<CodeState | undefined> => {
  const { state } = await loadCode(services.ledgers, name)
  if (state.owner) return state
  const known = await services.readModel
    .collection<VoucherDocument>('vouchers')
    .findOne({ voucher: name }, { projection: { _id: 1 } })
  return known ? (await loadCode(services.ledgers, known._id)).state : undefined
}

/** The sums as the code's own ledger has them. */
const sumsInLedger = async (services: Services, code: string): Promise<VoucherSums> => {
  const { codes } = await services.redemptions.look([code])
  const ledger = codes[0]?.ledger
  return ledger
    ? { redeemed: ledger.confirmed.times, taken: ledger.confirmed.credits, added: ledger.added }
    : NO_VOUCHER_SUMS
}

/**
 * A code of any kind as it is now, by its stream; a loyalty card by that of its holder. Undefined when there is none. `sums`
 * are else those of its ledger, which hears of a redemption a moment after it came about.
 */
export const showCode = async (
  services: Services,
  code: CodeState,
  sums?: VoucherSums,
): Promise<object | undefined> => {
  const rulebook = services.rulebook.current()
  const { owner } = code
  if (owner?.type !== 'loyalty_card')
    return showVoucher(code, rulebook, sums ?? (await sumsInLedger(services, code.code)))
  if (owner.customer === undefined) return undefined
  const { state } = await services.customers.load(owner.customer)
  const card = cardByCode(state.loyalty, code.code)
  return card && showCard(card, state.id, rulebook.entries('campaign').get(card.campaign.id)?.definition)
}

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
  created_at: { path: 'created_at', slot: TIME },
  updated_at: { path: 'updated_at', slot: TIME },
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
    query.code === undefined ? {} : { _id: query.code },
    query.ids === undefined ? {} : { voucher: { $in: query.ids } },
    filters,
  )
}

/** Codes of any kind as the contract shows them, by code, from the read models; without those whose campaign is gone. */
export const showVouchers = async (
  services: Services,
  found: readonly VoucherDocument[],
): Promise<ReadonlyMap<string, object>> => {
  const cards = await services.readModel
    .collection<LoyaltyCardDocument>('loyaltyCards')
    .find({ _id: { $in: found.filter(isCard).map(({ voucher }) => voucher) } }, { limit: Math.max(1, found.length) })
  const cardOf = new Map(cards.map((document) => [document._id, document]))
  const rulebook = services.rulebook.current()
  const shown = new Map<string, object>()
  for (const document of found) {
    const held = cardOf.get(document.voucher)
    const campaign = rulebook.entries('campaign').get(document.campaign ?? '')?.definition
    const voucher = isCard(document)
      ? held && showCard(held.card, held.customer, campaign)
      : showVoucher(document.state, rulebook, document.sums)
    if (voucher) shown.set(document._id, voucher)
  }
  return shown
}

const list = async (
  services: Services,
  call: { readonly query: ListQuery; readonly now: number },
): Promise<Outcome> => {
  const filter = await filterOf(services, call)
  if (isFailure(filter)) return filter
  const source = documents(services.readModel.collection<VoucherDocument>('vouchers'), filter)
  const [page, total] = await Promise.all([pageOf(source, ORDERS, call.query), source.total()])
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
