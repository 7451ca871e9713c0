// What a customer can redeem with: codes and cards that the customer holds, and referral codes as whose referee.
import * as v from 'valibot'
import type { ReferralDocument } from '../projections/referrals.ts'
import type { VoucherDocument } from '../projections/vouchers.ts'
import { calendarOf } from '../src/domain/calendar.ts'
import { campaignsIn } from '../src/domain/rulebook/campaign.ts'
import type { Rulebook } from '../src/domain/rulebook/rulebook.ts'
import { holderId } from '../src/domain/vouchers/code.ts'
import { type ResolvedVoucher, resolveVoucher } from '../src/domain/vouchers/resolve.ts'
import { notFound, refuse } from '../src/http/errors.ts'
import { pageLimit } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/runtime/services.ts'
import { readCustomer } from './customers.ts'
import { fresh } from './fresh.ts'
import { ById, isoOf } from './shapes.ts'
import { isCard, ofCampaigns, showVouchers } from './vouchers.ts'

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
          voucher: v.looseObject({ id: v.string(), code: v.string(), object: v.literal('voucher') }),
          status: Status,
        }),
      }),
    ),
    total: v.number(),
    has_more: v.boolean(),
    more_starting_after: v.nullable(v.string()),
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
  const { parse } = calendarOf(rulebook.project.timeZone)
  const spans = [validity, ...(campaign ? [campaign.definition] : [])]
  const instants = (dates: readonly (string | null | undefined)[]) =>
    dates.flatMap((date) => (date ? (parse(date) ?? []) : []))
  if (instants(spans.map((span) => span.expiration_date)).some((end) => now >= end)) return 'EXPIRED'
  if (instants(spans.map((span) => span.start_date)).some((start) => now < start)) return 'NOT_ACTIVE_YET'
  if (quantity !== null && redeemed >= quantity) return 'USED'
  return balance === 0 ? 'NO_BALANCE' : 'ACTIVE'
}

/** A code that a customer holds in a role. */
interface Held {
  readonly id: string
  readonly code: string
  readonly role: Role
  readonly at: Date
  readonly position: string
}

/** How many codes of one customer are looked through: the ids of a list's entries do not say where they stand. */
const MAX_HELD = 10_000

/** All codes of a customer that campaigns which are there gave out, in the order in which they were made. */
const heldBy = async (services: Services, customer: string, roles: ReadonlySet<Role>): Promise<readonly Held[]> => {
  const rulebook = services.rulebook.current()
  const programs = [...campaignsIn(rulebook.definitions).values()]
    .filter(({ definition }) => definition.campaign_type === 'REFERRAL_PROGRAM')
    .map(({ id }) => id)
  const own = roles.has('OWNER') || roles.has('REFERRER')
  const [codes, referrals] = await Promise.all([
    own
      ? services.readModel.collection<VoucherDocument>('vouchers').find(
          { customer, ...ofCampaigns(rulebook, undefined) },
          {
            sort: { customer: 1, position: 1 },
            limit: MAX_HELD,
            projection: { voucher: 1, position: 1, 'state.owner.type': 1, 'state.givenAt': 1, 'state.createdAt': 1 },
          },
        )
      : [],
    roles.has('REFEREE')
      ? services.readModel
          .collection<ReferralDocument>('referrals')
          .find({ 'campaign.id': { $in: programs }, referee: customer, holder: { $ne: null } }, { limit: MAX_HELD })
      : [],
  ])
  const held = [
    ...codes.map(
      ({ _id, voucher, position, state }): Held => ({
        id: holderId(voucher, customer),
        code: _id,
        role: state.owner?.type === 'referral_code' ? 'REFERRER' : 'OWNER',
        at: new Date(state.givenAt ?? state.createdAt),
        position,
      }),
    ),
    ...referrals.flatMap(({ voucher, holder, position }): Held[] =>
      holder ? [{ id: holder.id, code: voucher.code, role: 'REFEREE', at: holder.at, position }] : [],
    ),
  ]
  return held
    .filter(({ role }) => roles.has(role))
    .sort((a, b) => (a.position < b.position ? -1 : a.position > b.position ? 1 : a.id < b.id ? -1 : 1))
}

const RoleFilter = v.object({
  holder_role: v.optional(
    v.object({
      conditions: v.object({ $in: v.optional(v.array(Role)), $is: v.optional(v.union([Role, v.array(Role)])) }),
    }),
  ),
})

const Query = v.object({
  limit: pageLimit,
  order: v.optional(v.picklist(['id', '-id', 'created_at', '-created_at']), '-id'),
  starting_after_id: v.optional(v.string()),
  filters: v.optional(RoleFilter),
})
type Query = v.InferOutput<typeof Query>

const rolesOf = ({ filters }: Query): ReadonlySet<Role> => {
  const { $in, $is } = filters?.holder_role?.conditions ?? {}
  const named = [...($in ?? []), ...($is === undefined ? [] : [$is].flat())]
  return new Set(named.length > 0 ? named : Role.options)
}

const balanceOf = (voucher: { readonly gift?: unknown; readonly loyalty_card?: unknown }): number | null => {
  const part = voucher.gift ?? voucher.loyalty_card
  return typeof part === 'object' && part !== null && 'balance' in part && typeof part.balance === 'number'
    ? part.balance
    : null
}

const list = async (services: Services, name: string, query: Query, now: number): Promise<Outcome> => {
  const customer = await readCustomer(services, name)
  if (!customer) return notFound('customer', name)
  const held = [...(await heldBy(services, customer._id, rolesOf(query)))]
  if (query.order.startsWith('-')) held.reverse()
  const after = query.starting_after_id
  const last = after === undefined ? -1 : held.findIndex(({ id }) => id === after)
  if (after !== undefined && last < 0)
    return refuse('invalid_or_expired_cursor', `The customer has no redeemable with the id ${after}`)
  const page = held.slice(last + 1, last + 1 + query.limit)
  const documents = await services.readModel
    .collection<VoucherDocument>('vouchers')
    .find({ _id: { $in: page.map(({ code }) => code) } }, { limit: query.limit })
  const byCode = new Map(documents.map((document) => [document._id, document]))
  const shown = await showVouchers(services, documents)
  const rulebook = services.rulebook.current()
  const data = page.flatMap(({ id, code, role, at }) => {
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
  const more = last + 1 + query.limit < held.length
  return {
    body: {
      object: 'list',
      data_ref: 'data',
      data,
      total: held.length,
      has_more: more,
      more_starting_after: more ? page.at(-1)!.id : null,
    },
  }
}

export const redeemableQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/customers/{id}/redeemables',
    summary: "A customer's codes and cards",
    tag: 'Customers',
    roles: ['admin', 'integrator', 'reader', 'auditor'],
    params: ById,
    query: Query,
    response: RedeemableList,
    handler: fresh(services, ({ params, query, now }) => list(services, params.id, query, now)),
  }),
]
