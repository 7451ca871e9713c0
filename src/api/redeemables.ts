// What requests about redeemables have in common: the body's fields, the customer they mean, and how refusals show.

import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { formerKey } from '../domain/callerKeys.ts'
import { CodeName, codeIn } from '../domain/codes.ts'
import { CustomerInput, type ProfilePatch } from '../domain/customer/profile.ts'
import type { LeftOut } from '../domain/customer/redemptions/facts.ts'
import type { CustomerState } from '../domain/customer/state.ts'
import { type CustomerId, idFrom, isCustomerId } from '../domain/ids.ts'
import { name300 } from '../domain/name.ts'
import { numeric } from '../domain/numbers.ts'
import { OrderInput } from '../domain/order.ts'
import { outsideId, outsideIdOrNone } from '../domain/outsideIds.ts'
import { Points } from '../domain/points.ts'
import { present } from '../domain/present.ts'
import type { RedemptionAsk } from '../domain/redemption/ask.ts'
import type { Asked } from '../domain/redemption/redeem.ts'
import { SKIPPED_BECAUSE, type SkipKey } from '../domain/redemption/stacking.ts'
import type { Refusal } from '../domain/refusal.ts'
import { MAX_REDEEMABLES, stackingRulesOf } from '../domain/rulebook/stackingRules.ts'
import { MAX_AMOUNT } from '../domain/rulebook/voucherSpec.ts'
import { GivenMetadata } from '../domain/size.ts'
import { resolveVoucher, tierCode } from '../domain/vouchers/resolve.ts'
import { errorBody, type Failure, fail, fromRefusal, isFailure, notFound } from '../http/errors.ts'
import type { Call } from '../http/route.ts'
import { loadCode } from '../runtime/codeStreams.ts'
import type { CommandContext } from '../runtime/customers.ts'
import type { Services } from '../services.ts'
import { customerOfSource } from './context.ts'
import { showStackedCategories } from './presenters/stackingRules.ts'
import { type Reach, reachOf, sayable, strangerFault } from './reach.ts'

const credits = v.pipe(numeric, v.integer(), v.minValue(1), v.maxValue(MAX_AMOUNT))

/** What the points of a loyalty card are to pay for: a reward by its id or that of its assignment. */
const RewardField = v.nullish(v.object({ id: name300, assignment_id: v.nullish(name300), points: v.nullish(Points) }))

export const Redeemable = v.object({
  object: v.optional(v.picklist(['voucher', 'promotion_tier', 'promotion_stack']), 'voucher'),
  /** The code, or the id of the promotion tier or stack. */
  id: v.pipe(name300, CodeName),
  gift: v.nullish(v.object({ credits: v.nullish(credits) })),
  reward: RewardField,
})
export type Redeemable = v.InferOutput<typeof Redeemable>

/** Whom a request names, by id or `source_id`, with what it says of the profile. Nobody is fine too. */
export const CustomerField = v.nullish(
  v.pipe(
    CustomerInput,
    v.transform(({ id, ...profile }) => ({ id, profile })),
  ),
)

const TTL_UNITS = {
  NANOSECONDS: 1e-6,
  MICROSECONDS: 1e-3,
  MILLISECONDS: 1,
  SECONDS: 1_000,
  MINUTES: 60_000,
  HOURS: 3_600_000,
  DAYS: 86_400_000,
} as const

const MAX_TTL_MS = 365 * TTL_UNITS.DAYS
const DEFAULT_TTL_DAYS = 7

export const RedemptionSession = v.nullish(
  v.pipe(
    v.object({
      type: v.optional(v.literal('LOCK', 'must be equal to LOCK'), 'LOCK'),
      key: v.nullish(outsideId()),
      ttl: v.nullish(v.pipe(numeric, v.minValue(1))),
      ttl_unit: v.nullish(v.picklist(Object.keys(TTL_UNITS) as (keyof typeof TTL_UNITS)[])),
    }),
    v.check(
      ({ ttl, ttl_unit: unit }) => (ttl ?? 0) * TTL_UNITS[unit ?? 'DAYS'] <= MAX_TTL_MS,
      'ttl must NOT be longer than a year',
    ),
  ),
)
export type RedemptionSession = v.InferOutput<typeof RedemptionSession>

/** How long a session's locks last, ms; seven days where the request does not say. */
export const ttlOf = ({ ttl, ttl_unit: unit }: NonNullable<RedemptionSession>): number =>
  ttl === null || ttl === undefined
    ? DEFAULT_TTL_DAYS * TTL_UNITS.DAYS
    : Math.max(1, Math.round(ttl * TTL_UNITS[unit ?? 'DAYS']))

/** A session that ends after `longest` ms at the latest. */
export const atMost = (session: NonNullable<RedemptionSession>, longest: number): NonNullable<RedemptionSession> =>
  ttlOf(session) <= longest ? session : { ...session, ttl: longest / TTL_UNITS.MINUTES, ttl_unit: 'MINUTES' }

/** A session as it is answered: under its own key, else under one of its request's, the same for a repeat of that. */
export const showSession = (session: NonNullable<RedemptionSession>, request: string | undefined) => ({
  key: session.key ?? (request === undefined ? `ssn_${randomBytes(16).toString('hex')}` : idFrom('ssn', request)),
  type: 'LOCK' as const,
  ttl: session.ttl ?? DEFAULT_TTL_DAYS,
  ttl_unit: session.ttl_unit ?? ('DAYS' as const),
})

/** The fields of a validation or redemption beside its redeemables. */
const asksFields = {
  customer: CustomerField,
  order: v.nullish(OrderInput),
  metadata: v.nullish(GivenMetadata),
  tracking_id: v.nullish(outsideIdOrNone()),
  session: RedemptionSession,
}

/** What may be asked for is always told in full; of categories there are none. */
const Expanding = v.nullish(
  v.object({
    expand: v.nullish(v.array(v.picklist(['order', 'redeemable', 'redemption', 'category']))),
  }),
)

export const RedeemablesBody = v.pipe(
  v.object({
    redeemables: v.pipe(
      v.array(Redeemable),
      v.minLength(1, 'must NOT have fewer than 1 items'),
      v.maxLength(MAX_REDEEMABLES, `must NOT have more than ${MAX_REDEEMABLES} items`),
    ),
    ...asksFields,
    options: Expanding,
  }),
  v.title('RedeemablesRequest'),
)
export type RedeemablesBody = v.InferOutput<typeof RedeemablesBody>

/** The body of the older routes, which are about a single code. */
export const oneCodeBody = (title: string) =>
  v.pipe(
    v.nullish(
      v.object({
        ...asksFields,
        gift: v.nullish(v.object({ credits: v.nullish(credits) })),
        reward: RewardField,
      }),
      {},
    ),
    v.title(title),
  )
export type OneCodeBody = v.InferOutput<ReturnType<typeof oneCodeBody>>

/** What a body of an older route asks for, in the newer form. */
export const asksOf = (code: string, body: OneCodeBody): Omit<RedeemablesBody, 'options'> => {
  const { gift, reward, customer, order, metadata, tracking_id, session } = body ?? {}
  const redeemable: Redeemable = { object: 'voucher', id: code, ...present({ gift, reward }) }
  return { redeemables: [redeemable], customer, order, metadata, tracking_id, session }
}

export type AnyCall = Pick<
  Call<unknown, unknown, unknown>,
  'requestId' | 'key' | 'client' | 'now' | 'idempotencyKey' | 'channel' | 'audience'
>

/** What a request says of itself. */
export const askedOf = (
  call: Pick<AnyCall, 'channel' | 'key'>,
  { metadata, tracking_id: trackingId }: Pick<RedeemablesBody, 'metadata' | 'tracking_id'>,
): Asked => ({
  channel: call.channel,
  apiKey: call.key.name,
  ...(metadata ? { metadata } : {}),
  ...(trackingId ? { trackingId } : {}),
})

const someoneNew = (): CustomerId => idFrom('cust', randomBytes(16).toString('hex')) as CustomerId

/** Whom a request means: a customer, or nobody where it names none. */
export interface Meant {
  readonly reach: Reach
  readonly customer?: NonNullable<RedemptionAsk['customer']>
  readonly state?: CustomerState
  readonly position?: bigint
}

type Whose = {
  readonly customer?: v.InferOutput<typeof CustomerField>
  readonly order?: OrderInput | null | undefined
  readonly redeemables?: readonly Redeemable[]
}

/** The holder of the first card that is to pay: who pays with points is known by the card. */
const holderOf = async ({ ledgers }: Services, { redeemables = [] }: Whose): Promise<string | undefined> => {
  const code = codeIn(redeemables.find(({ reward }) => reward)?.id ?? '')
  const owner = code === undefined ? undefined : (await loadCode(ledgers, code)).state.owner
  return owner?.type === 'loyalty_card' ? owner.customer : undefined
}

/** The customer of a request: its own, else its order's; 400 where the two are not one. */
const whoseOf = async (
  services: Services,
  { customer, order }: Whose,
): Promise<{ readonly id: string | undefined; readonly profile: ProfilePatch } | Failure> => {
  const { id: own, profile: said } = customer ?? { id: undefined, profile: {} as ProfilePatch }
  const { id = order?.customer_id ?? undefined, ...profile }: CustomerInput = order?.customer ?? {}
  if (typeof (own ?? said.source_id) !== 'string') return { id: own ?? id, profile: { ...profile, ...said } }
  if (typeof (id ?? profile.source_id) !== 'string') return { id: own, profile: said }
  const streamOf = async (named: string | undefined, source: unknown): Promise<string> =>
    named ?? (await services.customers.load(customerOfSource(services, String(source)))).state.id
  return (await streamOf(own, said.source_id)) === (await streamOf(id, profile.source_id))
    ? { id: own, profile: said }
    : fail('invalid_order', 'Property .order.customer must be the customer of the request')
}

/**
 * The customer whom a request names, itself, by its order or by a card that is to pay, with what it says of the profile taken in, so that rules find the segments that follow
 * from it. With `dryRun` in the context nothing of this is recorded. To a stranger's question a customer is somebody of whom
 * nothing is known; what a stranger does, only a new customer can be meant by.
 */
export const customerMeant = async (
  services: Services,
  call: Pick<AnyCall, 'client'>,
  whose: Whose,
  context: CommandContext,
): Promise<Meant | Failure> => {
  const named = await whoseOf(services, whose)
  if (isFailure(named)) return named
  const { profile: said } = named
  const id =
    named.id ?? (typeof said.source_id === 'string' || call.client ? undefined : await holderOf(services, whose))
  const reach = await reachOf(services, call, { ...said, id })
  if (isFailure(reach)) return reach
  const { source_id: source } = said
  if (id === undefined && typeof source !== 'string') return { reach }
  if (id !== undefined && !isCustomerId(id)) return notFound('customer', id)
  const { key: _, ...unnamed } = context
  const isQuestion = reach.isStranger && context.dryRun === true
  const stream = isQuestion ? someoneNew() : (id ?? customerOfSource(services, source as string))
  const fault = isQuestion ? undefined : await strangerFault(services, call, reach, stream)
  if (fault) return fault
  const profile = isQuestion ? {} : sayable(reach, { id }, said)
  const command = { type: 'SaveCustomer', profile, mayCreate: isQuestion || id === undefined } as const
  const saved = await services.customers.execute(stream, command, unnamed)
  if (saved.kind === 'refused') return fromRefusal(saved.refusal)
  const { state, position } = saved
  return {
    reach,
    customer: { id: state.id, profile: {}, mayCreate: id === undefined },
    state,
    position,
  }
}

/** What a body asks for, with the tiers of promotion stacks in the places of these; or which stack there is not. */
export const expanded = <B extends Pick<RedeemablesBody, 'redeemables'>>(
  { rulebook }: Pick<Services, 'rulebook'>,
  body: B,
): B | Failure => {
  const stacks = rulebook.current().entries('promotionStack')
  const redeemables: Redeemable[] = []
  for (const one of body.redeemables) {
    const stack = one.object === 'promotion_stack' ? stacks.get(one.id) : undefined
    if (one.object !== 'promotion_stack') redeemables.push(one)
    else if (!stack) return notFound('promotion_stack', one.id)
    else for (const id of stack.definition.tiers.ids) redeemables.push({ object: 'promotion_tier', id })
  }
  const limit = stackingRulesOf(rulebook.current().definitions).redeemables_limit
  return redeemables.length > limit
    ? fail(
        'invalid_payload',
        `Property .redeemables must NOT have more than ${limit} items, the tiers of stacks among them`,
      )
    : { ...body, redeemables }
}

/** Why a list of redeemables cannot be looked at as a whole; undefined when it can. */
export const redeemablesFault = (redeemables: readonly Redeemable[]): Failure | undefined => {
  const ids = redeemables.map(({ id }) => id)
  const twice = ids.filter((id, n) => ids.indexOf(id) !== n)
  return twice.length > 0
    ? fail('duplicated_redeemables', `Each redeemable may be given once: ${[...new Set(twice)].join(', ')}`)
    : undefined
}

export const codesOf = (redeemables: readonly Redeemable[]): RedemptionAsk['redeemables'] =>
  redeemables.map(({ object, id, gift, reward }) => ({
    code: id,
    ...(object === 'promotion_tier' ? { isTier: true } : {}),
    ...(gift?.credits ? { credits: gift.credits } : {}),
    ...(reward ? { reward: { id: reward.assignment_id ?? reward.id, ...present({ points: reward.points }) } } : {}),
  }))

/** The caller's name for a request, so that asking again under it does nothing again; else one of its own. */
export const namesOf = ({
  idempotencyKey: key,
  key: { appId },
}: AnyCall): Pick<RedemptionAsk, 'name' | 'formerName'> => {
  const former = key === undefined ? undefined : formerKey(key)
  return {
    name: key ?? randomBytes(16).toString('hex'),
    ...(former === undefined ? {} : { formerName: idFrom('r', 'key', appId, former) }),
  }
}

/** A refusal as it stands within an answer of 200. */
export const showRefusal = (refusal: Refusal, requestId: string) => errorBody(fromRefusal(refusal), requestId)

const isSkipKey = (key: string): key is SkipKey => Object.hasOwn(SKIPPED_BECAUSE, key)

/** Why a redeemable was left out, as the answer about it says. */
export const showSkipped = (key: string) => ({
  details: { key, message: isSkipKey(key) ? SKIPPED_BECAUSE[key] : key },
})

/** What was left out of a request for redemptions, as lists of their own; none where all was redeemed. */
export const showLeftOut = (
  { rulebook }: Pick<Services, 'rulebook'>,
  leftOut: readonly LeftOut[],
  tell: (refusal: Refusal) => Refusal,
  requestId: string,
) => {
  const current = rulebook.current()
  const shown = leftOut.map(({ code, isTier, refusal, skipped }) => {
    const object = isTier ? ('promotion_tier' as const) : ('voucher' as const)
    const tier = isTier ? resolveVoucher(tierCode(code), current) : undefined
    const refused = refusal && tell({ ...refusal, resource: { type: object, id: code } } as Refusal)
    return {
      status: refused ? ('INAPPLICABLE' as const) : ('SKIPPED' as const),
      id: code,
      object,
      ...present({ name: tier?.tier?.definition.name, metadata: tier?.metadata }),
      ...(tier?.campaign ? { campaign_id: tier.campaign.id, campaign_name: tier.campaign.definition.name } : {}),
      result: refused
        ? {
            error: showRefusal(refused, requestId),
            details: { key: refused.key, message: refused.ruleMessage ?? refused.details },
          }
        : showSkipped(skipped ?? ''),
      ...(tier ? { categories: showStackedCategories(current, tier) } : {}),
    }
  })
  return listedByStatus(shown)
}

/** Lists of what may not be redeemed and of what was left out beside others, where there are any, as the contract has it. */
export const listedByStatus = <T extends { readonly status: string }>(shown: readonly T[]) => {
  const [inapplicable, skipped] = ['INAPPLICABLE', 'SKIPPED'].map((kind) =>
    shown.filter(({ status }) => status === kind),
  )
  return {
    ...(inapplicable?.length ? { inapplicable_redeemables: inapplicable } : {}),
    ...(skipped?.length ? { skipped_redeemables: skipped } : {}),
  }
}
