// What a customer can redeem with: codes and cards that the customer holds, and referral codes as whose referee.

import * as v from 'valibot'
import type { ReferralDocument } from '../projections/referrals.ts'
import type { VoucherDocument } from '../projections/vouchers.ts'
import { type Field, predicateOf, TEXT, TIME } from '../src/api/lists/filters.ts'
import { listBody, orderOf, pagedById, pageOf } from '../src/api/lists/pager.ts'
import { inMemory } from '../src/api/lists/sources.ts'
import { readCustomer } from '../src/api/presenters/customers.ts'
import { VoucherWithin } from '../src/api/presenters/voucherObject.ts'
import { showVouchers } from '../src/api/presenters/vouchers.ts'
import { ById, isoOf } from '../src/api/shapes.ts'
import { calendarOf } from '../src/domain/calendar.ts'
import { campaignsIn } from '../src/domain/rulebook/campaign.ts'
import type { Rulebook } from '../src/domain/rulebook/rulebook.ts'
import { spanOf } from '../src/domain/validity.ts'
import { holderId } from '../src/domain/vouchers/code.ts'
import { type ResolvedVoucher, resolveVoucher } from '../src/domain/vouchers/resolve.ts'
import { isFailure, notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { isCard, ofCampaigns } from './vouchers.ts'

const Role = v.picklist(['OWNER', 'REFERRER', 'REFEREE'])

type Role = v.InferOutput<typeof Role>

const Status = v.picklist(['ACTIVE', 'USED', 'DISABLED', 'NOT_ACTIVE_YET', 'EXPIRED', 'NO_BALANCE'])

type Status = v.InferOutput<typeof Status>

const RedeemableList = v.pipe(
  v.object({
    object: v.literal('list'),
    data_ref: v.literal('data'),
    data: v.array(
      v.object({
        id: v.string(),
        created_at: v.string(),
        redeemable_id: v.string(),
        redeemable_object: v.literal('voucher'),
        customer_id: v.string(),
        holder_role: Role,
        campaign_id: v.nullable(v.string()),
        campaign_type: v.nullable(v.string()),
        voucher_type: v.string(),
        redeemable: v.object({
          type: v.literal('voucher'),
          voucher: VoucherWithin,
          status: Status,
        }),
      }),
    ),
    total: v.number(),
    has_more: v.boolean(),
    more_starting_after: v.optional(v.string()),
    next_cursor: v.nullable(v.string()),
  }),
  v.title('RedeemableList'),
)

/** Whether a code can be redeemed in general; days of the week, hours and rules are not asked. `balance`: points or credits. */
export const statusOf = (
  voucher: ResolvedVoucher,
  { redeemed, balance }: { readonly redeemed: number; readonly balance: number | null },
  rulebook: Rulebook,
  now: number,
): Status => {
  const { campaign, validity, quantity } = voucher
  if (!voucher.active || (campaign && !campaign.definition.active)) return 'DISABLED'
  const calendar = calendarOf(rulebook.project.timeZone)
  const spans = [validity, ...(campaign ? [campaign.definition] : [])].map((one) => spanOf(one, calendar))
  if (spans.some(({ to }) => to !== undefined && now >= to)) return 'EXPIRED'
  if (spans.some(({ from }) => from !== undefined && now < from)) return 'NOT_ACTIVE_YET'
  if (quantity !== null && redeemed >= quantity) return 'USED'
  return balance === 0 ? 'NO_BALANCE' : 'ACTIVE'
}

/** A code that a customer holds in a role. */
interface HeldCode {
  readonly id: string
  readonly code: string
  readonly role: Role
  readonly voucher: string
  readonly campaign: string | null
  readonly campaignType: string | null
  readonly voucherType: string | null
  readonly at: Date
  readonly position: string
}

/** How many codes of one customer are looked through: the ids of a list's entries do not say where they stand. */
const MAX_HELD = 10_000

/** All codes of a customer that campaigns which are there gave out. */
const heldBy = async (services: Services, customer: string): Promise<readonly HeldCode[]> => {
  const rulebook = services.rulebook.current()
  const programs = [...campaignsIn(rulebook.definitions).values()]
    .filter(({ definition }) => definition.campaign_type === 'REFERRAL_PROGRAM')
    .map(({ id }) => id)
  const [codes, referrals] = await Promise.all([
    services.readModel.collection<VoucherDocument>('vouchers').find(
      { customer, ...ofCampaigns(rulebook, undefined) },
      {
        sort: { customer: 1, position: 1 },
        limit: MAX_HELD,
        projection: { voucher: 1, position: 1, campaign: 1, state: 1 },
      },
    ),
    services.readModel
      .collection<ReferralDocument>('referrals')
      .find({ 'campaign.id': { $in: programs }, referee: customer, holder: { $ne: null } }, { limit: MAX_HELD }),
  ])
  // A code may be deleted while somebody is still assigned to it.
  const there = await services.readModel
    .collection<VoucherDocument>('vouchers')
    .find(
      { _id: { $in: referrals.map(({ voucher }) => voucher.code) }, listed: true },
      { limit: MAX_HELD, projection: { _id: 1 } },
    )
  const codesThere = new Set(there.map(({ _id }) => _id))
  const held = [
    ...codes.map(({ _id, voucher, campaign, position, state }): HeldCode => {
      const resolved = resolveVoucher(state, rulebook)
      return {
        id: holderId(voucher, customer),
        code: _id,
        role: state.owner?.type === 'referral_code' ? 'REFERRER' : 'OWNER',
        voucher,
        campaign,
        campaignType: resolved?.campaign?.definition.campaign_type ?? null,
        voucherType: resolved?.type ?? null,
        at: new Date(state.givenAt ?? state.createdAt),
        position,
      }
    }),
    ...referrals
      .filter(({ voucher }) => codesThere.has(voucher.code))
      .flatMap(({ voucher, campaign, holder, position }): HeldCode[] =>
        holder
          ? [
              {
                id: holder.id,
                code: voucher.code,
                role: 'REFEREE',
                voucher: voucher.id,
                campaign: campaign.id,
                campaignType: 'REFERRAL_PROGRAM',
                voucherType: 'DISCOUNT_VOUCHER',
                at: holder.at,
                position,
              },
            ]
          : [],
      ),
  ]
  return held
}

const FIELDS = new Map<string, Field<HeldCode>>([
  ['id', [TEXT, ({ id }) => id]],
  ['created_at', [TIME, ({ at }) => at.getTime()]],
  ['redeemable_id', [TEXT, ({ voucher }) => voucher]],
  ['redeemable_object', [TEXT, () => 'voucher']],
  ['holder_role', [TEXT, ({ role }) => role, Role.options]],
  ['campaign_id', [TEXT, ({ campaign }) => campaign]],
  ['campaign_type', [TEXT, ({ campaignType }) => campaignType]],
  ['voucher_type', [TEXT, ({ voucherType }) => voucherType]],
])

const Query = v.object({
  ...pagedById,
  order: orderOf(['id', 'created_at'], '-id'),
  filters: v.optional(v.record(v.string(), v.unknown())),
})

type Query = v.InferOutput<typeof Query>

/** In the order in which the codes were made. */
const ORDERS = { id: ['position', 'id'], created_at: ['position', 'id'] } as const

const balanceOf = (voucher: { readonly gift?: unknown; readonly loyalty_card?: unknown }): number | null => {
  const part = voucher.gift ?? voucher.loyalty_card
  return typeof part === 'object' && part !== null && 'balance' in part && typeof part.balance === 'number'
    ? part.balance
    : null
}

const list = async (services: Services, name: string, query: Query, now: number): Promise<Outcome> => {
  const customer = await readCustomer(services, name)
  if (!customer) return notFound('customer', name)
  const { timeZone } = services.rulebook.current().project
  const passes = predicateOf(query.filters, FIELDS, { timeZone, now })
  if (typeof passes !== 'function') return passes
  const held = (await heldBy(services, customer._id)).filter(passes)
  const source = inMemory(
    held,
    (one, key) => (key === 'id' ? one.id : one.position),
    ({ id }) => id,
  )
  const page = await pageOf(source, ORDERS, query)
  if (isFailure(page)) return page
  const documents = await services.readModel
    .collection<VoucherDocument>('vouchers')
    .find({ _id: { $in: page.entries.map(({ code }) => code) } }, { limit: query.limit })
  const byCode = new Map(documents.map((document) => [document._id, document]))
  const shown = await showVouchers(services, documents)
  const rulebook = services.rulebook.current()
  const data = page.entries.flatMap(({ id, code, role, at }) => {
    const [document, voucher] = [byCode.get(code), shown.get(code)]
    const resolved = document && resolveVoucher(document.state, rulebook)
    if (!document || !voucher || !resolved) return []
    const redeemed = isCard(document) ? 0 : document.sums.redeemed
    return {
      id,
      created_at: isoOf(at.getTime()),
      redeemable_id: document.voucher,
      redeemable_object: 'voucher' as const,
      customer_id: customer._id,
      holder_role: role,
      campaign_id: document.campaign,
      campaign_type: resolved.campaign?.definition.campaign_type ?? null,
      voucher_type: resolved.type,
      redeemable: {
        type: 'voucher' as const,
        voucher,
        status: statusOf(resolved, { redeemed, balance: balanceOf(voucher) }, rulebook, now),
      },
    }
  })
  return { body: listBody('data', page, data, { total: held.length, id: ({ id }) => id }) }
}

export const redeemableQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/customers/{id}/redeemables',
    summary: "A customer's codes and cards",
    tag: 'Customers',
    permission: 'codes.read',
    params: ById,
    query: Query,
    response: RedeemableList,
    handler: ({ params, query, now }) => list(services, params.id, query, now),
  }),
]
