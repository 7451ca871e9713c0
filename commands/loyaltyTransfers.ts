// Points that go from one card to another, which may be another customer's.

import * as v from 'valibot'
import { contextOf } from '../src/api/context.ts'
import { ByMember, memberPaths, showCard } from '../src/api/presenters/loyaltyMembers.ts'
import { MemberObject } from '../src/api/presenters/voucherObject.ts'
import { CodeName } from '../src/domain/codes.ts'
import type { MovementFact } from '../src/domain/customer/loyalty/facts.ts'
import type { CustomerState } from '../src/domain/customer/state.ts'
import type { LoyaltyCommand } from '../src/domain/loyalty/asked.ts'
import { name300 } from '../src/domain/name.ts'
import { outsideId } from '../src/domain/outsideIds.ts'
import { Points } from '../src/domain/points.ts'
import { type RefusalKey, refuse } from '../src/domain/refusal.ts'
import { type Failure, fail, fromRefusal, isFailure, notFound, shownFrom } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import { receiveCommand } from '../src/processes/loyalty.ts'
import { processKey } from '../src/processes/process.ts'
import type { Services } from '../src/services.ts'
import { unlessBusy } from '../src/trouble.ts'
import {
  executeOnCard,
  type MemberCall,
  mismatch,
  otherReason,
  type Recorded,
  requestOf,
  TAG,
  text,
} from './cardCommands.ts'
import { type FoundCard, factsOf, findCard } from './cards.ts'

const Transfer = v.object({
  code: v.pipe(name300, CodeName),
  points: Points,
  reason: v.optional(v.nullable(text)),
  source_id: v.optional(v.nullable(outsideId())),
})
const TransfersBody = v.pipe(v.array(Transfer), v.minLength(1), v.maxLength(20))

/** Brings points that left to their card; gives why that card could not take them, once they are back. */
const arrive = async (
  services: Services,
  call: MemberCall<unknown>,
  from: CustomerState,
  out: Extract<MovementFact, { type: 'PointsTransferredOut' }> & { readonly id: string },
): Promise<Failure | undefined> => {
  const { to, card, campaign } = out.data
  if (to.customer === from.id) return undefined
  const received = await services.customers.execute(
    to.customer,
    receiveCommand({ customer: from.id, card, campaign }, out.data),
    contextOf(call, services, { key: processKey(out) }),
  )
  // What is not done here is left to the process, which goes by the same keys.
  if (received.kind === 'refused') return fromRefusal(received.refusal)
  const rejected = (await factsOf(services, received)).find((fact) => fact.type === 'PointsTransferRejected')
  if (rejected?.type !== 'PointsTransferRejected') return undefined
  const { transfer, key, reason } = rejected.data
  await unlessBusy(
    services.customers.execute(
      from.id,
      { type: 'ReturnTransfer', card: card.id, transfer, to, reason },
      contextOf(call, services, { key: processKey(rejected) }),
    ),
  )
  return fromRefusal(refuse(key as RefusalKey, reason).refused)
}

/** Each transfer is by itself: of one that is refused the answer says that those before it stand, and from where on they show. */
const afterOthers = async (
  services: Services,
  target: FoundCard,
  count: number,
  failure: Failure,
): Promise<Failure> => {
  if (count === 0) return failure
  const { position } = await services.customers.load(target.customer.id)
  const details = `${failure.details} (item ${count}; those before it were transferred)`
  return shownFrom({ ...failure, details }, position)
}

const transfer = async (
  services: Services,
  call: MemberCall<v.InferOutput<typeof TransfersBody>>,
): Promise<Outcome> => {
  const target = await findCard(services, call.params.memberId, call.params.campaignId)
  if (isFailure(target)) return target
  if (!target.card.active)
    return fail('loyalty_card_not_active', `The card ${target.card.code} is disabled`, {
      resourceType: 'voucher',
      resourceId: target.card.code,
    })
  const sources: FoundCard[] = []
  for (const { code } of call.body) {
    const source = await findCard(services, code)
    if (isFailure(source)) return source
    if (source.card.id === target.card.id)
      return fail('invalid_payload', 'Points cannot be transferred from a card to itself', {
        resourceType: 'voucher',
        resourceId: code,
      })
    sources.push(source)
  }
  const to = {
    customer: target.customer.id,
    card: { id: target.card.id, code: target.card.code },
    campaign: target.card.campaign,
  }
  let last: Recorded | undefined
  for (const [i, item] of call.body.entries()) {
    const source = sources[i]!
    const command: LoyaltyCommand = {
      type: 'TransferPoints',
      card: source.card.id,
      points: item.points,
      to,
      ...requestOf(item, call.channel),
    }
    const named = call.idempotencyKey === undefined ? call : { ...call, idempotencyKey: `${call.idempotencyKey}/${i}` }
    const executed = await executeOnCard(services, named, source, command, item.source_id)
    if (isFailure(executed)) return afterOthers(services, target, i, executed)
    last = executed.done
    const out = (await factsOf(services, executed.done)).find((fact) => fact.type === 'PointsTransferredOut')
    if (out?.type !== 'PointsTransferredOut') {
      // Long ago, and no longer remembered: it has arrived since.
      if (executed.done.kind === 'repeated' && executed.done.range.count === 0) continue
      return mismatch()
    }
    const other = otherReason(executed.done, out.data.reason, item)
    if (other) return afterOthers(services, target, i, other)
    const failed = await arrive(services, call, executed.done.state, out)
    if (failed) return afterOthers(services, target, i, failed)
  }
  const { state, position } = await services.customers.load(target.customer.id)
  const card = state.loyalty.cards[target.card.id]
  if (!card) return notFound('voucher', target.card.code)
  const newest = [position, last?.position].reduce((a, b) => (a !== undefined && (b === undefined || a > b) ? a : b))
  const shown = showCard(card, state.id, services.rulebook.current())
  return {
    body: { ...NONE_SAID, ...shown, redemption: { quantity: null, ...shown.redemption } },
    consistencyToken: newest,
  }
}

/** What only this answer says with null, as the contract has it. */
const TransferredCard = v.pipe(
  v.object({
    ...MemberObject.pipe[0].entries,
    category: v.nullable(v.string()),
    category_id: v.nullable(v.string()),
    additional_info: v.nullable(v.string()),
    redemption: v.object({
      ...MemberObject.pipe[0].entries.redemption.entries,
      quantity: v.nullable(v.number()),
    }),
  }),
  v.title('TransferredCard'),
)

const NONE_SAID = { category: null, category_id: null, start_date: null, expiration_date: null, additional_info: null }

export const loyaltyTransferCommands = (services: Services) => [
  route({
    method: 'post',
    ...memberPaths('/transfers'),
    summary: 'Transfer points from other cards to this one',
    description:
      'Each leaves its card and arrives here, or comes back: also when this node dies in between. They arrive under a fresh expiry. ' +
      'Those that stand before one that is refused were transferred; a repeat under their `source_id`s does nothing again.',
    tag: TAG,
    permission: 'points.transfer',
    params: ByMember,
    body: TransfersBody,
    response: TransferredCard,
    handler: (call) => transfer(services, call),
  }),
]
