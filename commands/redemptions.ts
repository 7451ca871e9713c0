// Redeeming and rolling back: one request's redeemables all or none, under the limits of their codes, campaigns and customers.

import * as v from 'valibot'
import { type RedemptionDocument, redemptionOf } from '../projections/redemptions.ts'
import { contextOf, findCustomer } from '../src/api/context.ts'
import { CalculatedOrder } from '../src/api/presenters/parts.ts'
import { redeemedVouchers } from '../src/api/presenters/redeemedVouchers.ts'
import { ParentRedemption, RedemptionObject, showParent, showRedemption } from '../src/api/presenters/redemptions.ts'
import { LeftOutLists } from '../src/api/presenters/verdicts.ts'
import { type Reach, tellable, tellableRefusal } from '../src/api/reach.ts'
import {
  type AnyCall,
  askedOf,
  asksOf,
  CustomerField,
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
import { redemptionStream } from '../src/domain/customer/redemptions/facts.ts'
import { customerStream, idFrom } from '../src/domain/ids.ts'
import { name300 } from '../src/domain/name.ts'
import { outsideIdOrNone } from '../src/domain/outsideIds.ts'
import { present } from '../src/domain/present.ts'
import type { Wanted } from '../src/domain/redemption/sight.ts'
import { metadataRefused } from '../src/domain/rulebook/metadataSchema.ts'
import { GivenMetadata } from '../src/domain/size.ts'
import { type Failure, fail, fromRefusal, isFailure, notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { CommandContext } from '../src/runtime/customers.ts'
import { isMeant } from '../src/runtime/orders.ts'
import type { Succeeded } from '../src/runtime/redemptions.ts'
import type { RolledBack } from '../src/runtime/rollBack.ts'
import { caughtUp, findPatiently } from '../src/runtime/shown.ts'
import type { Services } from '../src/services.ts'
import { TooBusy } from '../src/trouble.ts'

const TAG = 'Redemptions'

/** The place in the log shows in lists only: an answer to a command has none. */
const NO_PLACE = ''

/** What was redeemed, each once. */
const redeemedIn = (documents: readonly RedemptionDocument[]): readonly Wanted[] => [
  ...new Map(
    documents.map(({ voucher: { code }, promotion }) => [code, { code, ...(promotion ? { isTier: true } : {}) }]),
  ).values(),
]

type Children = readonly [RedemptionDocument, ...RedemptionDocument[]]

const isSome = (documents: readonly RedemptionDocument[]): documents is Children => documents.length > 0

const headersAt = (position: bigint | undefined) => (position === undefined ? {} : { consistencyToken: position })

/** A refusal, with where to wait for the record of it. */
const failed = (failure: Failure, position: bigint | undefined): Failure =>
  position === undefined ? failure : { ...failure, headers: { 'Consistency-Token': String(position) } }

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
    return { failure: failed(fromRefusal(tellableRefusal(reach, redeemed.refusal)), redeemed.position) }
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

const RollbacksObject = v.pipe(
  v.object({
    rollbacks: v.array(RedemptionObject),
    parent_rollback: ParentRedemption,
    order: v.optional(CalculatedOrder),
  }),
  v.title('Rollbacks'),
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
const TrackingId = v.optional(outsideIdOrNone())

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

const text = (max: number) => v.nullish(v.pipe(v.string(), v.maxLength(max)))

const RollbackBody = v.pipe(
  v.nullish(
    v.object({
      reason: text(1_000),
      tracking_id: text(300),
      customer: CustomerField,
      metadata: v.nullish(GivenMetadata),
    }),
    {},
  ),
  v.title('RollbackRequest'),
)
type RollbackBody = v.InferOutput<typeof RollbackBody>

const RollbackQuery = v.object({
  reason: v.optional(v.pipe(v.string(), v.maxLength(1_000))),
  tracking_id: TrackingId,
})

/**
 * The redemptions that an id names: that one, or those of the request with it. Those made just now are waited for; while it cannot be
 * told whether there are any, that is what is answered (503), not that there are none.
 */
const redemptionsNamed = async (services: Services, id: string): Promise<readonly RedemptionDocument[]> => {
  const collection = services.readModel.collection<RedemptionDocument>('redemptions')
  const find = async () => {
    const one = await collection.findOne({ _id: id, kind: 'redemption', result: 'SUCCESS' })
    return one
      ? [one]
      : collection.find({ parent: id, kind: 'redemption', result: 'SUCCESS' }, { sort: { place: 1 }, limit: 30 })
  }
  const found = await findPatiently(
    async () => {
      const some = await find()
      return some.length > 0 ? some : undefined
    },
    (ms) => caughtUp(services, ms),
  )
  return found ?? []
}

type RollbackCall = AnyCall & {
  readonly body: RollbackBody
  readonly query: v.InferOutput<typeof RollbackQuery>
}

/** What a rollback says of its customer is taken in, as with a redemption; why it is not, when the redemption is not theirs. */
const customerFault = async (
  services: Services,
  call: RollbackCall,
  customer: string | null,
  context: CommandContext,
): Promise<Failure | undefined> => {
  const said = call.body?.customer
  if (!said) return undefined
  for (const name of [said.id, said.profile.source_id]) {
    if (typeof name !== 'string') continue
    const found = await findCustomer(services, name)
    if (isFailure(found) || found.id !== customer)
      return fail('invalid_customer', 'Property .customer must be the customer of the redemption')
  }
  const meant = await customerMeant(services, call, { customer: said }, context)
  return isFailure(meant) ? meant : undefined
}

/** The record of a redemption outlives its customer, in whose stream it would be taken back. */
const gone = (id: string): Failure =>
  fail('invalid_redemption', `The customer of the redemption ${id} was deleted: it cannot be rolled back any more`)

const rollBack = async (
  services: Services,
  call: RollbackCall,
  id: string,
): Promise<{ readonly failure: Failure } | { readonly done: Extract<RolledBack, { kind: 'rolled_back' }> }> => {
  const found = await redemptionsNamed(services, id)
  const [first] = found
  if (!first) return { failure: notFound('redemption', id) }
  const context = contextOf(call, services)
  const fault = await customerFault(services, call, first.customer, context)
  if (fault) return { failure: fault }
  const reason = call.query.reason ?? call.body?.reason ?? undefined
  const trackingId = call.query.tracking_id ?? call.body?.tracking_id ?? undefined
  const asked = askedOf(call, { metadata: call.body?.metadata, tracking_id: trackingId })
  const stream = first.customer === null ? redemptionStream(first.request) : customerStream(first.customer)
  const done = await services.redemptions.rollBack(
    {
      stream,
      redemptions: found.map(({ redemption }) => redemption),
      asked,
      reason,
    },
    call.idempotencyKey === undefined ? context : { ...context, key: idFrom('rr', id, call.idempotencyKey) },
  )
  switch (done.kind) {
    case 'failed':
      return { failure: failed(done.refusal.key === 'not_found' ? gone(id) : fromRefusal(done.refusal), done.position) }
    default:
      return { done }
  }
}

const rollbackChildren = ({ rollbacks, customer }: Extract<RolledBack, { kind: 'rolled_back' }>) =>
  rollbacks.map((data) => redemptionOf({ type: 'RedemptionRolledBack', data }, customer?.id ?? null, NO_PLACE))

const rollBackOne = async (services: Services, call: RollbackCall, id: string): Promise<Outcome> => {
  const rolled = await rollBack(services, call, id)
  if ('failure' in rolled) return rolled.failure
  const [child] = rollbackChildren(rolled.done)
  if (!child) return notFound('redemption', id)
  const vouchers = await redeemedVouchers(services, redeemedIn([child]))
  return {
    body: showRedemption(child, rolled.done.customer?.profile, vouchers.get(child.voucher.code)),
    ...headersAt(rolled.done.position),
  }
}

const rollBackAll = async (services: Services, call: RollbackCall, id: string): Promise<Outcome> => {
  const rolled = await rollBack(services, call, id)
  if ('failure' in rolled) return rolled.failure
  const children = rollbackChildren(rolled.done)
  if (!isSome(children)) return notFound('redemption', id)
  const profile = rolled.done.customer?.profile
  const parent = showParent(children, profile)
  const vouchers = await redeemedVouchers(services, redeemedIn(children))
  return {
    body: {
      rollbacks: children.map((child) => showRedemption(child, profile, vouchers.get(child.voucher.code))),
      parent_rollback: parent,
      ...(parent.order ? { order: parent.order } : {}),
    },
    ...headersAt(rolled.done.position),
  }
}

const ById = v.object({ id: v.string() })

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
  route({
    method: 'post',
    path: '/v1/redemptions/{id}/rollback',
    summary: 'Roll a redemption back',
    description: 'Within three months; its places, credits and counts are free again.',
    tag: TAG,
    permission: 'redemptions.rollback',
    params: ById,
    query: RollbackQuery,
    body: RollbackBody,
    response: RedemptionObject,
    handler: (call) => rollBackOne(services, call, call.params.id),
  }),
  route({
    method: 'post',
    path: '/v1/redemptions/{id}/rollbacks',
    summary: 'Roll the redemptions of a request back, all or none',
    tag: TAG,
    permission: 'redemptions.rollback',
    params: ById,
    query: RollbackQuery,
    body: RollbackBody,
    response: RollbacksObject,
    handler: (call) => rollBackAll(services, call, call.params.id),
  }),
]
