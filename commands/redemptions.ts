// Redeeming: one request's redeemables all or none, under the limits of their codes, campaigns and customers.

import * as v from 'valibot'
import { type RedemptionDocument, redemptionOf } from '../projections/redemptions.ts'
import { contextOf } from '../src/api/context.ts'
import { CalculatedOrder } from '../src/api/presenters/parts.ts'
import { redeemedVouchers } from '../src/api/presenters/redeemedVouchers.ts'
import { ParentRedemption, RedemptionObject, showParent, showRedemption } from '../src/api/presenters/redemptions.ts'
import { LeftOutLists } from '../src/api/presenters/verdicts.ts'
import { type Reach, tellable, tellableRefusal } from '../src/api/reach.ts'
import {
  type AnyCall,
  askedOf,
  asksOf,
  codesOf,
  customerMeant,
  expanded,
  namesOf,
  type OneCodeBody,
  oneCodeBody,
  RedeemablesBody,
  redeemablesFault,
  showLeftOut,
} from '../src/api/redeemables.ts'
import { CodeName } from '../src/domain/codes.ts'
import type { Profile } from '../src/domain/customer/profile.ts'
import { name300 } from '../src/domain/name.ts'
import { outsideIdOrNone } from '../src/domain/outsideIds.ts'
import { present } from '../src/domain/present.ts'
import type { Wanted } from '../src/domain/redemption/sight.ts'
import { metadataRefused } from '../src/domain/rulebook/metadataSchema.ts'
import { type Failure, fromRefusal, isFailure, shownFrom } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import { isMeant } from '../src/runtime/orders.ts'
import type { Succeeded } from '../src/runtime/redemptions.ts'
import type { Services } from '../src/services.ts'
import { TooBusy } from '../src/trouble.ts'

export const TAG = 'Redemptions'

/** The place in the log shows in lists only: an answer to a command has none. */
export const NO_PLACE = ''

/** What was redeemed, each once. */
export const redeemedIn = (documents: readonly RedemptionDocument[]): readonly Wanted[] => [
  ...new Map(
    documents.map(({ voucher: { code }, promotion }) => [code, { code, ...(promotion ? { isTier: true } : {}) }]),
  ).values(),
]

export type Children = readonly [RedemptionDocument, ...RedemptionDocument[]]

export const isSome = (documents: readonly RedemptionDocument[]): documents is Children => documents.length > 0

export const headersAt = (position: bigint | undefined) =>
  position === undefined ? {} : { consistencyToken: position }

type Asks = Omit<RedeemablesBody, 'options'>

/** Who else a code belongs to is nothing for strangers. */
const shownTo = ({ isStranger }: Reach, document: RedemptionDocument): RedemptionDocument =>
  isStranger ? { ...document, holder: null } : document

/** What a request for redemptions comes to: their documents in the order of the redeemables, or why there are none. */
const redeem = async (
  services: Services,
  call: AnyCall,
  body: Asks,
): Promise<
  | { readonly failure: Failure }
  | {
      readonly children: Children
      readonly profile: Profile | undefined
      /** By code; none for strangers. */
      readonly vouchers: ReadonlyMap<string, object>
      /** What the stacking rules left out, as lists of the answer. */
      readonly leftOut: ReturnType<typeof showLeftOut>
      readonly position: bigint | undefined
    }
> => {
  const fault = redeemablesFault(body.redeemables)
  if (fault) return { failure: fault }
  const { definitions } = services.rulebook.current()
  const unfit =
    metadataRefused(definitions, 'redemption', body.metadata) ??
    (body.order && metadataRefused(definitions, 'order', body.order.metadata, { isNew: false }))
  if (unfit) return { failure: fromRefusal(unfit.refused) }
  const context = contextOf(call, services)
  const meant = await customerMeant(services, call, body, context)
  if (isFailure(meant)) return { failure: meant }
  const { reach } = meant
  const asker = { customer: meant.customer?.id, isStranger: call.client !== undefined }
  const about = body.order ? await services.orders.meant(body.order, asker, context) : undefined
  if (about && !isMeant(about)) return { failure: fromRefusal(about.refused) }
  const session = body.session?.key ?? undefined
  const redeemed = await services.redemptions.redeem(
    {
      ...namesOf(call),
      redeemables: codesOf(body.redeemables),
      asked: askedOf(call, body),
      ...(about ? { order: about.order } : {}),
      ...(about?.known ? { knownOrder: about.known } : {}),
      ...(session === undefined ? {} : { session }),
      ...(meant.customer ? { customer: meant.customer } : {}),
    },
    context,
  )
  if (redeemed.kind === 'failed')
    return { failure: shownFrom(fromRefusal(tellableRefusal(reach, redeemed.refusal)), redeemed.position) }
  const { customer: state, position, redemptions, streams } = redeemed
  const children = redemptions.map((data: Succeeded) =>
    shownTo(reach, redemptionOf({ type: 'RedemptionSucceeded', data }, state?.id ?? null, NO_PLACE)),
  )
  const profile = state && tellable(reach, state.profile)
  if (!isSome(children)) throw new TooBusy(`request ${redeemed.request}`)
  const vouchers = reach.isStranger
    ? new Map<string, object>()
    : await redeemedVouchers(services, redeemedIn(children), { request: redeemed.request, ...present({ streams }) })
  const leftOut = showLeftOut(
    services,
    redemptions.flatMap((one: Succeeded) => one.leftOut ?? []),
    (refusal) => tellableRefusal(reach, refusal),
    call.requestId,
  )
  return { children, profile, vouchers, leftOut, position }
}

const RedemptionsObject = v.pipe(
  v.object({
    redemptions: v.array(RedemptionObject),
    parent_redemption: ParentRedemption,
    order: v.optional(CalculatedOrder),
    /** What the stacking rules left out. */
    ...LeftOutLists,
  }),
  v.title('Redemptions'),
)

const redeemAll = async (services: Services, call: AnyCall, given: RedeemablesBody): Promise<Outcome> => {
  const body = expanded(services, given)
  if (isFailure(body)) return body
  const done = await redeem(services, call, body)
  if ('failure' in done) return done.failure
  const { profile, vouchers } = done
  const parent = showParent(done.children, profile)
  return {
    body: {
      redemptions: done.children.map((child) => showRedemption(child, profile, vouchers.get(child.voucher.code))),
      parent_redemption: parent,
      ...(parent.order ? { order: parent.order } : {}),
      ...done.leftOut,
    },
    ...headersAt(done.position),
  }
}

/** The older answer about a single code has no nulls. */
const OneRedemption = v.pipe(
  v.object({
    ...v.partial(RedemptionObject.pipe[0]).entries,
    id: v.string(),
    object: v.literal('redemption'),
    date: v.string(),
    result: v.literal('SUCCESS'),
  }),
  v.title('VoucherRedemption'),
)

const LegacyBody = oneCodeBody('VoucherRedemptionRequest')
export const TrackingId = v.optional(outsideIdOrNone())

/** The older routes take `tracking_id` in the query too. */
const tracked = (body: OneCodeBody, trackingId: string | undefined): OneCodeBody =>
  trackingId === undefined ? body : { ...body, tracking_id: trackingId }

const redeemOne = async (services: Services, call: AnyCall, code: string, body: OneCodeBody): Promise<Outcome> => {
  const asks = asksOf(code, body)
  const done = await redeem(services, call, asks)
  if ('failure' in done) return done.failure
  const [child] = done.children
  return {
    body: present(showRedemption(child, done.profile, done.vouchers.get(child.voucher.code))),
    ...headersAt(done.position),
  }
}

export const redemptionCommands = (services: Services) => [
  ...(['/v1/redemptions', '/client/v1/redemptions'] as const).map((path) =>
    route({
      method: 'post',
      path,
      summary: 'Redeem up to 30 codes and promotion tiers for one order, all or none',
      description:
        'No limit of a code, promotion tier, campaign or customer is ever passed. With an `Idempotency-Key` a repeat answers as the first time. ' +
        'A loyalty card pays with points for the `reward` that it names; its holder is the customer where none is named.',
      tag: TAG,
      permission: 'redemptions.write',
      ability: 'redeem',
      body: RedeemablesBody,
      response: RedemptionsObject,
      handler: (call) => redeemAll(services, call, call.body),
    }),
  ),
  route({
    method: 'post',
    path: '/v1/vouchers/{code}/redemption',
    summary: 'Redeem one code (older form)',
    tag: TAG,
    permission: 'redemptions.write',
    params: v.object({ code: CodeName }),
    query: v.object({ tracking_id: TrackingId }),
    body: LegacyBody,
    response: OneRedemption,
    handler: (call) => redeemOne(services, call, call.params.code, tracked(call.body, call.query.tracking_id)),
  }),
  route({
    method: 'post',
    path: '/client/v1/redeem',
    summary: 'Redeem one code (older form, from browsers)',
    tag: TAG,
    permission: 'redemptions.write',
    ability: 'redeem',
    query: v.object({ code: v.pipe(name300, CodeName), tracking_id: TrackingId }),
    body: LegacyBody,
    response: OneRedemption,
    handler: (call) => redeemOne(services, call, call.query.code, tracked(call.body, call.query.tracking_id)),
  }),
]
