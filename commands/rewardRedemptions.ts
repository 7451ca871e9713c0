// Paying for rewards with points, and taking that back.

import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { contextOf } from '../src/api/context.ts'
import { showCustomerBriefly } from '../src/api/presenters/customers.ts'
import { ByMember, memberPaths, showCard } from '../src/api/presenters/loyaltyMembers.ts'
import { RedemptionObject } from '../src/api/presenters/redemptions.ts'
import { showReward } from '../src/api/presenters/rewards.ts'
import { codeNamed, showCode } from '../src/api/presenters/vouchers.ts'
import { isoOf } from '../src/api/shapes.ts'
import { cardIn } from '../src/domain/customer/loyalty/state.ts'
import type { CustomerState } from '../src/domain/customer/state.ts'
import { idFrom } from '../src/domain/ids.ts'
import type { LoyaltyCommand, RedeemReward } from '../src/domain/loyalty/asked.ts'
import { ruleCard } from '../src/domain/loyalty/cards.ts'
import { name300 } from '../src/domain/name.ts'
import { Points } from '../src/domain/points.ts'
import { present } from '../src/domain/present.ts'
import { type RefusalKey, refuse } from '../src/domain/refusal.ts'
import type { Rulebook } from '../src/domain/rulebook/rulebook.ts'
import { GivenMetadata } from '../src/domain/size.ts'
import { giftOf, ownerTypeOf, ruleVoucher } from '../src/domain/vouchers/publish.ts'
import { type Failure, fail, fromRefusal, isFailure, notFound } from '../src/http/errors.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import { processKey } from '../src/processes/process.ts'
import { MAX_ATTEMPTS } from '../src/runtime/makeVoucher.ts'
import type { Services } from '../src/services.ts'
import { TooBusy, unlessBusy } from '../src/trouble.ts'
import {
  executeOnCard,
  type MemberCall,
  mismatch,
  type Recorded,
  requestOf,
  TAG,
  text,
  tokenOf,
} from './cardCommands.ts'
import { type FoundCard, factsOf, findCard } from './cards.ts'

const RedemptionBody = v.pipe(
  v.object({
    reward: v.object({ id: name300, points: v.optional(Points), assignment_id: v.optional(name300) }),
    metadata: v.optional(GivenMetadata),
  }),
  v.title('RewardRedemption'),
)

/** Pays for a reward of bounded stock: one is reserved first, under a key that the process goes by as well. */
const redeemReserved = async (
  services: Services,
  call: MemberCall<unknown>,
  { customer, card }: FoundCard,
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
        points,
        source,
      },
    },
    context,
  )
  if ('refusal' in kept) return fromRefusal(kept.refusal)
  const reservation = kept.state.reserved.get(redemption) ?? kept.state.taken.get(redemption)
  if (reservation === undefined) throw new TooBusy(`reward ${reward}`)
  const executed = await services.customers.execute(
    customer.id,
    { ...command, reservation },
    { ...context, key: processKey({ id: reservation }) },
  )
  if (executed.kind === 'refused') return fromRefusal(executed.refusal)
  const declined = (await factsOf(services, executed)).find((fact) => fact.type === 'RewardDeclined')
  if (declined?.type !== 'RewardDeclined') return executed
  await services.stock.execute(reward, { type: 'Release', redemption, reason: declined.data.reason }, context)
  return fromRefusal(refuse(declined.data.key as RefusalKey, declined.data.reason).refused)
}

const RewardRedemption = v.pipe(
  v.object({
    ...RedemptionObject.pipe[0].entries,
    customer_id: v.string(),
    result: v.literal('SUCCESS'),
    redemption: v.nullable(v.string()),
  }),
  v.title('PointsRedemption'),
)

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
    points,
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
    return fail('loyalty_card_points_exceeded', `The balance of ${card.balance} is less than ${price} points`, {
      resourceType: 'voucher',
      resourceId: card.code,
    })
  const done =
    typeof entry.definition.stock === 'number'
      ? await redeemReserved(services, call, found, entry.id, command)
      : await executeOnCard(services, call, found, command).then((executed) =>
          isFailure(executed) ? executed : executed.done,
        )
  if (isFailure(done)) return done
  const fact = (await factsOf(services, done)).find((f) => f.type === 'PointsSpent')
  if (fact?.type !== 'PointsSpent') return mismatch()
  const { state } = done
  const reward = entry.definition
  const given =
    reward.type === 'CAMPAIGN'
      ? // It is paid for by now: whoever asked again would pay twice.
        await unlessBusy(
          (isProgram(rulebook, reward.parameters.campaign.id) ? cardGiven : voucherGiven)(
            services,
            call,
            state,
            reward.parameters.campaign.id,
            fact.id,
          ),
        )
      : undefined
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
      redemption: null,
      loyalty_card: { points: fact.data.points },
      channel: { channel_id: call.channel, channel_type: 'API' },
      result: 'SUCCESS',
      status: 'SUCCEEDED',
      order: null,
      customer: showCustomerBriefly(state.id, state.profile),
      reward: {
        ...present(await showReward(services, entry)),
        customer: showCustomerBriefly(state.id, state.profile),
        assignment_id: offer.id,
        loyalty_tier_id: now.tier?.id ?? null,
        ...(given ? { voucher: given } : {}),
      },
      related_object_type: 'voucher',
      related_object_id: card.id,
      voucher: showCard(now, state.id, rulebook),
    },
    ...tokenOf(done),
  }
}

const isProgram = (rulebook: Rulebook, campaign: string): boolean =>
  rulebook.entries('campaign').get(campaign)?.definition.campaign_type === 'LOYALTY_PROGRAM'

/** The card that a reward of type CAMPAIGN put points on, its code made good where the reward issued it. */
const cardGiven = async (
  services: Services,
  call: MemberCall<unknown>,
  { id: customer, loyalty }: CustomerState,
  campaign: string,
  payment: string,
) => {
  const { key: _, ...context } = contextOf(call, services)
  const rulebook = services.rulebook.current()
  const issued = ruleCard(customer, campaign, payment)
  let card = cardIn(loyalty, campaign)
  if (card && card.id !== issued) return showCard(card, customer, rulebook)
  for (let attempt = 1; card && attempt <= MAX_ATTEMPTS; attempt++) {
    const owner = { type: 'loyalty_card', id: card.id, campaign, customer }
    if ((await services.codes.reserve(card.code, owner, context)) === 'reserved')
      return showCard(card, customer, rulebook)
    const replaced = await services.customers.execute(
      customer,
      { type: 'ReplaceCardCode', card: card.id, taken: card.code, attempt },
      context,
    )
    if (replaced.kind === 'refused') return undefined
    card = replaced.state.loyalty.cards[card.id]
  }
  return undefined
}

/**
 * The voucher that a reward of type CAMPAIGN gave, its code made good before anybody is told of it; undefined for other rewards.
 * What cannot be done here in time is done by the process.
 */
const voucherGiven = async (
  services: Services,
  call: MemberCall<unknown>,
  { id: customer, vouchers }: CustomerState,
  campaign: string,
  payment: string,
) => {
  const { key: _, ...context } = contextOf(call, services)
  const rulebook = services.rulebook.current()
  let held = vouchers[ruleVoucher(customer, campaign, payment)]
  for (let attempt = 1; held?.campaign && attempt <= MAX_ATTEMPTS; attempt++) {
    const { id, code } = held
    const owner = { type: ownerTypeOf(held.campaign.type), id, campaign, customer }
    const spec = giftOf(rulebook.entries('campaign').get(campaign)?.definition, held.credits)
    if ((await services.codes.reserve(code, owner, context, spec)) === 'reserved') {
      const state = await codeNamed(services, code)
      return state && showCode(services, state)
    }
    const replaced = await services.customers.execute(
      customer,
      { type: 'ReplaceVoucherCode', voucher: id, taken: code, attempt },
      context,
    )
    if (replaced.kind === 'refused') return undefined
    held = replaced.state.vouchers[id]
  }
  return undefined
}

const hasPaid = ({ spends }: FoundCard['card'], redemption: string): boolean => Object.hasOwn(spends, redemption)

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
  const executed = await executeOnCard(services, call, found, command)
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
      tracking_id: null,
      metadata: {},
      amount: -fact.data.points,
      redemption,
      ...present({ reason: fact.data.reason }),
      loyalty_card: { points: fact.data.points },
      channel: { channel_id: call.channel, channel_type: 'API' },
      result: 'SUCCESS',
      status: 'SUCCEEDED',
      order: null,
      customer: showCustomerBriefly(state.id, state.profile),
      related_object_type: 'voucher',
      related_object_id: found.card.id,
      voucher: showCard(state.loyalty.cards[found.card.id] ?? found.card, state.id, services.rulebook.current()),
    },
    ...tokenOf(executed.done),
  }
}

export const rewardRedemptionCommands = (services: Services) => [
  route({
    method: 'post',
    ...memberPaths('/redemption'),
    summary: 'Pay for a reward with points',
    description:
      'A reward of type CAMPAIGN gives a code at once, or points on the card of another program: `reward.voucher`. Its redemption ' +
      'cannot be rolled back.',
    tag: TAG,
    permission: 'redemptions.write',
    params: ByMember,
    body: RedemptionBody,
    response: RewardRedemption,
    handler: (call) => redeem(services, call),
  }),
  route({
    method: 'post',
    ...memberPaths('/redemptions/{redemptionId}/rollback'),
    summary: 'Roll a reward redemption back',
    description: 'The points go back under the dates they had, and expire at once when those are over.',
    tag: TAG,
    permission: 'redemptions.rollback',
    params: ByRedemption,
    body: v.optional(RollbackBody, {}),
    response: RewardRedemption,
    handler: (call) => rollBack(services, call),
  }),
]
