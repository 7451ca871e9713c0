// Rolling back: of one redemption, or of all of a request, all or none.

import * as v from 'valibot'
import { type RedemptionDocument, redemptionOf } from '../projections/redemptions.ts'
import { contextOf, findCustomer } from '../src/api/context.ts'
import { CalculatedOrder } from '../src/api/presenters/parts.ts'
import { redeemedVouchers } from '../src/api/presenters/redeemedVouchers.ts'
import { ParentRedemption, RedemptionObject, showParent, showRedemption } from '../src/api/presenters/redemptions.ts'
import { type AnyCall, askedOf, CustomerField, customerMeant } from '../src/api/redeemables.ts'
import { redemptionStream } from '../src/domain/customer/redemptions/facts.ts'
import { customerStream, idFrom } from '../src/domain/ids.ts'
import { GivenMetadata } from '../src/domain/size.ts'
import { type Failure, fail, fromRefusal, isFailure, notFound, shownFrom } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { CommandContext } from '../src/runtime/customers.ts'
import type { RolledBack } from '../src/runtime/rollBack.ts'
import { caughtUp, findPatiently } from '../src/runtime/shown.ts'
import type { Services } from '../src/services.ts'
import { headersAt, isSome, NO_PLACE, redeemedIn, TAG, TrackingId } from './redemptions.ts'

const RollbacksObject = v.pipe(
  v.object({
    rollbacks: v.array(RedemptionObject),
    parent_rollback: ParentRedemption,
    order: v.optional(CalculatedOrder),
  }),
  v.title('Rollbacks'),
)

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
      return {
        failure: shownFrom(done.refusal.key === 'not_found' ? gone(id) : fromRefusal(done.refusal), done.position),
      }
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

export const rollbackCommands = (services: Services) => [
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
