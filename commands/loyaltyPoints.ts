// Changing the points of a card: adding and removing, transfers, rewards and their roll-back, pending points.
import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { showCustomerBriefly } from '../queries/customers.ts'
import { ByMember, MemberObject, memberPaths, showCard, showPending } from '../queries/loyaltyMembers.ts'
import { showReward } from '../queries/rewards.ts'
import { isoOf } from '../queries/shapes.ts'
import { calendarOf } from '../src/domain/calendar.ts'
import type { CustomerState } from '../src/domain/customer/state.ts'
import { idFrom } from '../src/domain/ids.ts'
import type { Expiry, LoyaltyCommand, RedeemReward } from '../src/domain/loyalty/commands.ts'
import { isMovement, type MovementFact } from '../src/domain/loyalty/facts.ts'
import { Points, PointsChange } from '../src/domain/loyalty/points.ts'
import { balanceShown } from '../src/domain/loyalty/show.ts'
import { isRefused, type RefusalKey, refuse as refuseByDomain } from '../src/domain/refusal.ts'
import { type Failure, fromRefusal, isFailure, notFound, refuse } from '../src/http/errors.ts'
import { name300 } from '../src/http/fields.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import { receiveCommand } from '../src/processes/loyalty.ts'
import { processKey } from '../src/processes/process.ts'
import type { Executed } from '../src/runtime/customers.ts'
import type { Services } from '../src/runtime/services.ts'
import { factsOf, findCard, type Held, rememberedOf } from './cards.ts'
import { contextOf, tooBusy } from './context.ts'

const TAG = 'Loyalty points'
const WRITERS = ['admin', 'integrator'] as const

type MemberCall<B> = Call<B, unknown, v.InferOutput<typeof ByMember>>
type Recorded = Extract<Executed, { kind: 'done' | 'repeated' }>

const text = v.pipe(v.string(), v.maxLength(1_000))

const BalanceBody = v.pipe(
  v.object({
    points: PointsChange,
    expiration_type: v.optional(v.picklist(['PROGRAM_RULES', 'CUSTOM_DATE', 'NON_EXPIRING'])),
    expiration_date: v.optional(v.nullable(text)),
    reason: v.optional(v.nullable(text)),
    /** The caller's own id of this change: sending it again answers as before and changes nothing. */
    source_id: v.optional(v.nullable(name300)),
  }),
  v.title('LoyaltyBalanceChange'),
)
type BalanceBody = v.InferOutput<typeof BalanceBody>

const requestOf = (body: { reason?: string | null; source_id?: string | null }, channel: string) => ({
  ...(body.reason ? { reason: body.reason } : {}),
  ...(body.source_id ? { sourceId: body.source_id } : {}),
  source: channel,
})

const expiryOf = (services: Services, body: BalanceBody): Expiry | Failure => {
  const type = body.expiration_type ?? (body.expiration_date ? 'CUSTOM_DATE' : 'PROGRAM_RULES')
  if (type !== 'CUSTOM_DATE') return { type }
  const { timeZone } = services.rulebook.current().project
  const at = body.expiration_date ? calendarOf(timeZone).parse(body.expiration_date) : undefined
  return at === undefined
    ? refuse('invalid_expiration_date', 'Property .expiration_date must match format "date-time" or "date"')
    : { type, at }
}

/** Executes a command about a card; a name that the caller gave to the change comes before that of the request. */
const execute = async (
  services: Services,
  call: Pick<Call<unknown, unknown, unknown>, 'requestId' | 'key' | 'now' | 'idempotencyKey'>,
  { customer, card }: Held,
  command: LoyaltyCommand,
  sourceId?: string | null,
): Promise<{ readonly done: Recorded; readonly key: string } | Failure> => {
  const named = sourceId ? `${command.type}:${card.id}:${sourceId}` : call.idempotencyKey
  const key = named ?? randomBytes(16).toString('hex')
  const executed = await services.customers.execute(customer.id, command, contextOf(call, services, { key }))
  if (executed.kind === 'busy') return tooBusy()
  if (executed.kind === 'refused') return fromRefusal(executed.refusal)
  return { done: executed, key }
}

const tokenOf = ({ position }: Recorded) => (position === undefined ? {} : { consistencyToken: position })

const mismatch = (): Failure =>
  refuse('duplicate_key', 'This key or source_id has been used for another kind of request before')

const changeBalance = async (services: Services, call: MemberCall<BalanceBody>): Promise<Outcome> => {
  const { body } = call
  const found = await findCard(services, call.params.memberId, call.params.campaignId)
  if (isFailure(found)) return found
  const expiry = expiryOf(services, body)
  if (isFailure(expiry)) return expiry
  const request = requestOf(body, call.channel)
  const { id: card } = found.card
  const command: LoyaltyCommand =
    body.points > 0
      ? { type: 'AddPoints', card, points: body.points, expiry, ...request }
      : { type: 'RemovePoints', card, points: -body.points, ...request }
  // One name for both directions: a source_id is used once.
  const named = body.source_id ? { ...call, idempotencyKey: `balance:${card}:${body.source_id}` } : call
  const executed = await execute(services, named, found, command)
  if (isFailure(executed)) return executed
  const { done, key } = executed
  const fact = (await factsOf(services, done)).filter(isMovement).find(({ data }) => data.card.id === card)
  const balance = fact
    ? balanceShown(fact)
    : done.kind === 'repeated' && done.range.count === 0
      ? (await rememberedOf(services, found.customer.id, key))?.data.balance
      : undefined
  return balance === undefined ? mismatch() : { body: balance, ...tokenOf(done) }
}

const Transfer = v.object({
  code: name300,
  points: Points,
  reason: v.optional(v.nullable(text)),
  source_id: v.optional(v.nullable(name300)),
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
  if (received.kind === 'busy') return tooBusy()
  if (received.kind === 'refused') return fromRefusal(received.refusal)
  const rejected = (await factsOf(services, received)).find((fact) => fact.type === 'PointsTransferRejected')
  if (rejected?.type !== 'PointsTransferRejected') return undefined
  const { transfer, key, reason } = rejected.data
  await services.customers.execute(
    from.id,
    { type: 'ReturnTransfer', card: card.id, transfer, to, reason },
    contextOf(call, services, { key: processKey(rejected) }),
  )
  return fromRefusal(refuseByDomain(key as RefusalKey, reason).refused)
}

const transfer = async (
  services: Services,
  call: MemberCall<v.InferOutput<typeof TransfersBody>>,
): Promise<Outcome> => {
  const target = await findCard(services, call.params.memberId, call.params.campaignId)
  if (isFailure(target)) return target
  if (!target.card.active)
    return refuse('loyalty_card_not_active', `The card ${target.card.code} is disabled`, {
      resourceType: 'voucher',
      resourceId: target.card.code,
    })
  const sources: Held[] = []
  for (const { code } of call.body) {
    const source = await findCard(services, code)
    if (isFailure(source)) return source
    if (source.card.id === target.card.id)
      return refuse('invalid_payload', 'Points cannot be transferred from a card to itself', {
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
    const executed = await execute(services, named, source, command, item.source_id)
    if (isFailure(executed)) return executed
    last = executed.done
    const out = (await factsOf(services, executed.done)).find((fact) => fact.type === 'PointsTransferredOut')
    if (out?.type !== 'PointsTransferredOut') {
      // Long ago, and no longer remembered: it has arrived since.
      if (executed.done.kind === 'repeated' && executed.done.range.count === 0) continue
      return mismatch()
    }
    const failed = await arrive(services, call, executed.done.state, out)
    if (failed) return failed
  }
  const { state, position } = await services.customers.load(target.customer.id)
  const card = state.loyalty.cards[target.card.id]
  if (!card) return notFound('voucher', target.card.code)
  const newest = [position, last?.position].reduce((a, b) => (a !== undefined && (b === undefined || a > b) ? a : b))
  return {
    body: showCard(card, state.id, services.rulebook.current().entries('campaign').get(card.campaign.id)?.definition),
    ...(newest === undefined ? {} : { consistencyToken: newest }),
  }
}

const RedemptionBody = v.pipe(
  v.object({
    reward: v.object({ id: name300, points: v.optional(Points), assignment_id: v.optional(name300) }),
    order: v.optional(v.unknown()),
    metadata: v.optional(v.record(v.string(), v.unknown())),
  }),
  v.title('RewardRedemption'),
)

/** Pays for a reward of bounded stock: one is reserved first, under a key that the process goes by as well. */
const redeemReserved = async (
  services: Services,
  call: MemberCall<unknown>,
  { customer, card }: Held,
  reward: string,
  command: RedeemReward,
): Promise<Recorded | Failure> => {
  const { redemption, assignment, points, source } = command
  const context = contextOf(call, services)
  const kept = await services.stock.execute(
    reward,
    {
      type: 'Reserve',
      reservation: {
        redemption,
        reward,
        assignment,
        customer: customer.id,
        card: { id: card.id, code: card.code },
        ...(points === undefined ? {} : { points }),
        ...(source === undefined ? {} : { source }),
      },
    },
    context,
  )
  if ('refusal' in kept) return fromRefusal(kept.refusal)
  const reservation = kept.state.reserved.get(redemption) ?? kept.state.taken.get(redemption)
  if (reservation === undefined) return tooBusy()
  const executed = await services.customers.execute(
    customer.id,
    { ...command, reservation },
    { ...context, key: processKey({ id: reservation }) },
  )
  if (executed.kind === 'busy') return tooBusy()
  if (executed.kind === 'refused') return fromRefusal(executed.refusal)
  const declined = (await factsOf(services, executed)).find((fact) => fact.type === 'RewardDeclined')
  if (declined?.type !== 'RewardDeclined') return executed
  await services.stock.execute(reward, { type: 'Release', redemption, reason: declined.data.reason }, context)
  return fromRefusal(refuseByDomain(declined.data.key as RefusalKey, declined.data.reason).refused)
}

const redeem = async (services: Services, call: MemberCall<v.InferOutput<typeof RedemptionBody>>): Promise<Outcome> => {
  const found = await findCard(services, call.params.memberId, call.params.campaignId)
  if (isFailure(found)) return found
  const { card } = found
  const rulebook = services.rulebook.current()
  const { id, assignment_id: named, points } = call.body.reward
  const offer = [...rulebook.entries('rewardAssignment').values()].find(
    (entry) =>
      entry.definition.campaign === card.campaign.id &&
      (named === undefined ? entry.definition.reward_id === id || entry.id === id : entry.id === named),
  )
  const entry = offer && rulebook.entries('reward').get(offer.definition.reward_id)
  if (!offer || !entry) return notFound('reward', id)
  const redemption = idFrom('r', card.id, call.idempotencyKey ?? randomBytes(16).toString('hex'))
  const command: RedeemReward = {
    type: 'RedeemReward',
    card: card.id,
    redemption,
    assignment: offer.id,
    source: call.channel,
    ...(points === undefined ? {} : { points }),
  }
  const price = offer.definition.parameters?.loyalty?.points ?? points
  // Asked before anything is kept; who decides is the customer's stream.
  if (
    price !== undefined &&
    typeof entry.definition.stock === 'number' &&
    !card.tier &&
    price > card.balance &&
    !hasPaid(card, redemption)
  )
    return refuse('loyalty_card_points_exceeded', `The balance of ${card.balance} is less than ${price} points`, {
      resourceType: 'voucher',
      resourceId: card.code,
    })
  const done =
    typeof entry.definition.stock === 'number'
      ? await redeemReserved(services, call, found, entry.id, command)
      : await execute(services, call, found, command).then((executed) =>
          isFailure(executed) ? executed : executed.done,
        )
  if (isFailure(done)) return done
  const fact = (await factsOf(services, done)).find((f) => f.type === 'PointsSpent')
  if (fact?.type !== 'PointsSpent') return mismatch()
  const { state } = done
  const now = state.loyalty.cards[card.id] ?? card
  return {
    body: {
      id: fact.data.redemption,
      object: 'redemption',
      date: isoOf(fact.data.occurredAt),
      customer_id: state.id,
      tracking_id: null,
      metadata: call.body.metadata ?? {},
      amount: fact.data.points,
      result: 'SUCCESS',
      status: 'SUCCEEDED',
      order: null,
      customer: showCustomerBriefly(state.id, state.profile),
      reward: {
        ...(await showReward(services, entry)),
        assignment_id: offer.id,
        loyalty_tier_id: now.tier?.id ?? null,
      },
      related_object_type: 'voucher',
      related_object_id: card.id,
      voucher: showCard(now, state.id, rulebook.entries('campaign').get(card.campaign.id)?.definition),
    },
    ...tokenOf(done),
  }
}

const hasPaid = ({ spends }: Held['card'], redemption: string): boolean => Object.hasOwn(spends, redemption)

const RollbackBody = v.object({ reason: v.optional(v.nullable(text)) })
const ByRedemption = v.object({ ...ByMember.entries, redemptionId: v.string() })

const rollBack = async (
  services: Services,
  call: Call<v.InferOutput<typeof RollbackBody>, unknown, v.InferOutput<typeof ByRedemption>>,
): Promise<Outcome> => {
  const found = await findCard(services, call.params.memberId, call.params.campaignId)
  if (isFailure(found)) return found
  const { redemptionId: redemption } = call.params
  const command: LoyaltyCommand = {
    type: 'RefundPoints',
    card: found.card.id,
    redemption,
    ...requestOf(call.body, call.channel),
  }
  const executed = await execute(services, call, found, command)
  if (isFailure(executed)) return executed
  const fact = (await factsOf(services, executed.done)).find((f) => f.type === 'PointsRefunded')
  if (fact?.type !== 'PointsRefunded') return mismatch()
  const { state } = executed.done
  return {
    body: {
      id: idFrom('rr', fact.data.transaction),
      object: 'redemption_rollback',
      date: isoOf(fact.data.occurredAt),
      customer_id: state.id,
      amount: -fact.data.points,
      redemption,
      reason: fact.data.reason ?? null,
      result: 'SUCCESS',
      status: 'SUCCEEDED',
      customer: showCustomerBriefly(state.id, state.profile),
      voucher: showCard(
        state.loyalty.cards[found.card.id] ?? found.card,
        state.id,
        services.rulebook.current().entries('campaign').get(found.card.campaign.id)?.definition,
      ),
    },
    ...tokenOf(executed.done),
  }
}

const ByPending = v.object({ memberId: v.string(), pendingId: v.string() })
const PENDING = '/v1/loyalties/members/{memberId}/pending-points/{pendingId}'

const changePending = async (
  services: Services,
  call: Call<unknown, unknown, v.InferOutput<typeof ByPending>>,
  change: Extract<LoyaltyCommand, { type: 'ChangePendingPoints' }>['change'],
  answer: (held: Held, state: CustomerState) => unknown,
): Promise<Outcome> => {
  const found = await findCard(services, call.params.memberId)
  if (isFailure(found)) return found
  const command: LoyaltyCommand = {
    type: 'ChangePendingPoints',
    card: found.card.id,
    pending: call.params.pendingId,
    change,
    source: call.channel,
  }
  const executed = await execute(services, call, found, command)
  if (isFailure(executed)) return executed
  return { body: answer(found, executed.done.state), ...tokenOf(executed.done) }
}

export const loyaltyPointCommands = (services: Services) => [
  route({
    method: 'post',
    ...memberPaths('/balance'),
    summary: 'Add points to a card, or remove them',
    description: 'Removal takes what expires soonest first. A `source_id` that was used before answers as then.',
    tag: TAG,
    roles: WRITERS,
    params: ByMember,
    body: BalanceBody,
    handler: (call) => changeBalance(services, call),
  }),
  route({
    method: 'post',
    ...memberPaths('/transfers'),
    summary: 'Transfer points from other cards to this one',
    description:
      'Each leaves its card and arrives here, or comes back: also when this node dies in between. They arrive under a fresh expiry.',
    tag: TAG,
    roles: WRITERS,
    params: ByMember,
    body: TransfersBody,
    response: MemberObject,
    handler: (call) => transfer(services, call),
  }),
  route({
    method: 'post',
    ...memberPaths('/redemption'),
    summary: 'Pay for a reward with points',
    tag: TAG,
    roles: WRITERS,
    params: ByMember,
    body: RedemptionBody,
    handler: (call) => redeem(services, call),
  }),
  route({
    method: 'post',
    ...memberPaths('/redemptions/{redemptionId}/rollback'),
    summary: 'Roll a reward redemption back',
    description: 'The points go back under the dates they had, and expire at once when those are over.',
    tag: TAG,
    roles: WRITERS,
    params: ByRedemption,
    body: v.optional(RollbackBody, {}),
    handler: (call) => rollBack(services, call),
  }),
  route({
    method: 'post',
    path: `${PENDING}/balance`,
    summary: 'Change how many points are pending',
    tag: TAG,
    roles: WRITERS,
    params: ByPending,
    body: v.object({ points: PointsChange }),
    handler: (call) =>
      changePending(services, call, { by: call.body.points }, ({ card }, state) => {
        const now = state.loyalty.cards[card.id]
        const pending = now?.pending.find(({ id }) => id === call.params.pendingId)
        return now && pending ? showPending(now, state.id, pending) : null
      }),
  }),
  route({
    method: 'post',
    path: `${PENDING}/activate`,
    summary: 'Make pending points spendable now',
    tag: TAG,
    roles: WRITERS,
    params: ByPending,
    handler: (call) =>
      changePending(services, call, { to: 'activated' }, ({ card }, state) => {
        const now = state.loyalty.cards[card.id] ?? card
        return {
          type: 'loyalty_card',
          points: card.pending.find(({ id }) => id === call.params.pendingId)?.points ?? 0,
          total: now.total,
          balance: now.balance,
          object: 'balance',
          related_object: { type: 'voucher', id: card.id },
        }
      }),
  }),
  route({
    method: 'post',
    path: `${PENDING}/cancel`,
    summary: 'Take pending points away',
    tag: TAG,
    roles: WRITERS,
    params: ByPending,
    status: 204,
    handler: async (call): Promise<Outcome> => {
      const outcome = await changePending(services, call, { to: 'canceled' }, () => null)
      if (isFailure(outcome) || isRefused(outcome)) return outcome
      const { body: _, ...answer } = outcome
      return answer
    },
  }),
]
