// Changing the points of one card: adding and removing, and what becomes of pending ones.

import * as v from 'valibot'
import { balanceShown } from '../src/api/presenters/facts/loyalty.ts'
import { ByMember, memberPaths, showPending } from '../src/api/presenters/loyaltyMembers.ts'
import { calendarOf } from '../src/domain/calendar.ts'
import { CodeName } from '../src/domain/codes.ts'
import { isMovement } from '../src/domain/customer/loyalty/facts.ts'
import type { CustomerState } from '../src/domain/customer/state.ts'
import type { Expiry, LoyaltyCommand } from '../src/domain/loyalty/asked.ts'
import { outsideId } from '../src/domain/outsideIds.ts'
import { PointsChange } from '../src/domain/points.ts'
import { isRefused } from '../src/domain/refusal.ts'
import { PointsBalance } from '../src/http/answers.ts'
import { type Failure, fail, isFailure } from '../src/http/errors.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { executeOnCard, type MemberCall, mismatch, otherReason, requestOf, TAG, text, tokenOf } from './cardCommands.ts'
import { type FoundCard, factsOf, findCard, rememberedOf } from './cards.ts'

const BalanceBody = v.pipe(
  v.object({
    points: PointsChange,
    expiration_type: v.optional(v.picklist(['PROGRAM_RULES', 'CUSTOM_DATE', 'NON_EXPIRING'])),
    expiration_date: v.optional(v.nullable(text)),
    reason: v.optional(v.nullable(text)),
    /** The caller's own id of this change: sending it again answers as before and changes nothing. */
    source_id: v.optional(v.nullable(outsideId())),
  }),
  v.title('LoyaltyBalanceChange'),
)
type BalanceBody = v.InferOutput<typeof BalanceBody>

const expiryOf = (services: Services, body: BalanceBody): Expiry | Failure => {
  const type = body.expiration_type ?? (body.expiration_date ? 'CUSTOM_DATE' : 'PROGRAM_RULES')
  if (type !== 'CUSTOM_DATE') return { type }
  const { timeZone } = services.rulebook.current().project
  const at = body.expiration_date ? calendarOf(timeZone).parseEnd(body.expiration_date) : undefined
  return at === undefined
    ? fail('invalid_expiration_date', 'Property .expiration_date must match format "date-time" or "date"')
    : { type, at }
}

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
  const executed = await executeOnCard(services, call, found, command, body.source_id, `balance:${card}`)
  if (isFailure(executed)) return executed
  const { done, key } = executed
  const fact = (await factsOf(services, done)).filter(isMovement).find(({ data }) => data.card.id === card)
  const isReasoned = fact?.type === 'PointsAdded' || fact?.type === 'PointsRemoved'
  const other = isReasoned ? otherReason(done, fact.data.reason, body) : undefined
  if (other) return other
  const balance = fact
    ? balanceShown(fact)
    : done.kind === 'repeated' && done.range.count === 0
      ? (await rememberedOf(services, found.customer.id, key))?.data.balance
      : undefined
  return balance === undefined ? mismatch() : { body: balance, ...tokenOf(done) }
}

const ByPending = v.object({ memberId: CodeName, pendingId: v.string() })
const PENDING = '/v1/loyalties/members/{memberId}/pending-points/{pendingId}'

const changePending = async (
  services: Services,
  call: Call<unknown, unknown, v.InferOutput<typeof ByPending>>,
  change: Extract<LoyaltyCommand, { type: 'ChangePendingPoints' }>['change'],
  answer: (held: FoundCard, state: CustomerState) => unknown,
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
  const executed = await executeOnCard(services, call, found, command)
  if (isFailure(executed)) return executed
  return { body: answer(found, executed.done.state), ...tokenOf(executed.done) }
}

export const loyaltyPointCommands = (services: Services) => [
  route({
    method: 'post',
    ...memberPaths('/balance'),
    summary: 'Add points to a card, or remove them',
    description:
      'Removal takes what expires soonest first. A `source_id` that was used before answers as then, if all else is the same.',
    tag: TAG,
    permission: 'points.adjust',
    params: ByMember,
    body: BalanceBody,
    response: PointsBalance,
    handler: (call) => changeBalance(services, call),
  }),
  route({
    method: 'post',
    path: `${PENDING}/balance`,
    summary: 'Change how many points are pending',
    tag: TAG,
    permission: 'points.adjust',
    params: ByPending,
    body: v.object({ points: PointsChange }),
    response: PointsBalance,
    handler: (call) =>
      changePending(services, call, { by: call.body.points }, ({ card }, state) => {
        const now = state.loyalty.cards[card.id]
        const pending = now?.pending.find(({ id }) => id === call.params.pendingId)
        return {
          points: call.body.points,
          total: pending?.points ?? 0,
          ...(now && pending ? { pending_points: showPending(now, state.id, pending) } : {}),
          object: 'balance' as const,
          related_object: { type: 'voucher' as const, id: card.id },
          operation_type: 'MANUAL' as const,
        }
      }),
  }),
  route({
    method: 'post',
    path: `${PENDING}/activate`,
    summary: 'Make pending points spendable now',
    tag: TAG,
    permission: 'points.adjust',
    params: ByPending,
    response: PointsBalance,
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
          operation_type: 'MANUAL',
        }
      }),
  }),
  route({
    method: 'post',
    path: `${PENDING}/cancel`,
    summary: 'Take pending points away',
    tag: TAG,
    permission: 'points.adjust',
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
