// Creating, changing and deleting rewards, and offering them in loyalty programs.
import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { ByCampaign, findProgram } from '../src/api/presenters/loyalties.ts'
import {
  AssignmentObject,
  ByAssignment,
  ByRewardAssignment,
  findAssignment,
  RewardObject,
  showAssignment,
  showReward,
} from '../src/api/presenters/rewards.ts'
import { REWARDS } from '../src/api/resources.ts'
import { ById } from '../src/api/shapes.ts'
import { idFrom } from '../src/domain/ids.ts'
import { isRefused, type Refused } from '../src/domain/refusal.ts'
import type { DefinitionChange } from '../src/domain/rulebook/facts.ts'
import type { Definitions, Entry } from '../src/domain/rulebook/kind.ts'
import { entriesOf } from '../src/domain/rulebook/kinds.ts'
import { Reward } from '../src/domain/rulebook/reward.ts'
import { RewardAssignment } from '../src/domain/rulebook/rewardAssignment.ts'
import { isFailure, notFound } from '../src/http/errors.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { assignmentsFor, ValidationRules } from './assigning.ts'
import { definitionRoutes } from './definitionRoutes.ts'
import { changeDefinitions, recorded } from './definitions.ts'
import { invalid } from './invalid.ts'

const TAG = 'Rewards'
const RewardBody = v.pipe(Reward, recorded('redeemed'))
const { type: _, parameters: __, ...common } = Reward.options[0].entries
const RewardPatch = v.pipe(
  v.partial(
    v.object({ ...common, type: v.string(), parameters: v.union(Reward.options.map((one) => one.entries.parameters)) }),
  ),
  recorded('redeemed'),
)

const OFFERED = ['reward_id', 'related_object_id', 'related_object_type']
const Offer = v.object({
  reward: v.string(),
  parameters: RewardAssignment.entries.parameters,
  validation_rules: ValidationRules,
})
const OfferPatch = v.pipe(v.object({ parameters: RewardAssignment.entries.parameters }), recorded(...OFFERED))
const AssignmentBody = v.object({
  campaign: v.string(),
  parameters: RewardAssignment.entries.parameters,
  validation_rules: ValidationRules,
})

type AnyCall = Call<unknown, unknown, unknown>

/** Changes a reward; its stock is read from its stream once the definition is recorded. */
const changed = async (services: Services, call: AnyCall, id: string, definition: Reward): Promise<Outcome> => {
  const outcome = await changeDefinitions(
    services,
    call,
    () => [{ kind: 'reward', verb: 'Updated', id, definition, occurredAt: call.now }],
    () => ({}),
  )
  if ('failed' in outcome || 'refused' in outcome) return outcome
  return { ...outcome, body: await showReward(services, services.rulebook.current().entries('reward').get(id)!) }
}

/** Each offer, and the rules that gate it; a rule that is not there is the answer for all. */
const changesOf = (
  offers: Parameters<typeof offer>[2],
  ids: readonly string[],
  definitions: Definitions,
  occurredAt: number,
): readonly DefinitionChange[] | Refused => {
  const changes: DefinitionChange[] = []
  for (const [i, { definition, rules }] of offers.entries()) {
    const id = ids[i]!
    const target = { related_object_type: 'reward_assignment', related_object_id: id } as const
    const gates = assignmentsFor(definitions, rules, target, occurredAt)
    if (isRefused(gates)) return gates
    changes.push({ kind: 'rewardAssignment', verb: 'Created', id, definition, occurredAt }, ...gates)
  }
  return changes
}

/** Creates assignments, all or none. */
const offer = (
  services: Services,
  call: AnyCall,
  offers: readonly { readonly definition: RewardAssignment; readonly rules: readonly string[] }[],
  answer: (made: readonly ReturnType<typeof showAssignment>[]) => unknown,
): Promise<Outcome> => {
  const key = call.idempotencyKey ?? randomBytes(16).toString('hex')
  const ids = offers.map((_, i) => idFrom('rewa', key, String(i)))
  return changeDefinitions(
    services,
    call,
    (definitions) =>
      entriesOf(definitions, 'rewardAssignment').has(ids[0]!) ? [] : changesOf(offers, ids, definitions, call.now),
    (rulebook) => ({ body: answer(ids.map((id) => showAssignment(rulebook.entries('rewardAssignment').get(id)!))) }),
  )
}

const changeOffer = (
  services: Services,
  call: AnyCall,
  found: Entry<RewardAssignment>,
  parameters: RewardAssignment['parameters'],
): Promise<Outcome> =>
  changeDefinitions(
    services,
    call,
    () => [
      {
        kind: 'rewardAssignment',
        verb: 'Updated',
        id: found.id,
        definition: { ...found.definition, ...(parameters === undefined ? {} : { parameters }) },
        occurredAt: call.now,
      },
    ],
    (rulebook) => ({ body: showAssignment(rulebook.entries('rewardAssignment').get(found.id)!) }),
  )

const withdraw = (services: Services, call: AnyCall, id: string): Promise<Outcome> =>
  changeDefinitions(
    services,
    call,
    () => [{ kind: 'rewardAssignment', verb: 'Deleted', id, occurredAt: call.now }],
    () => ({ status: 204 }),
  )

const findOffer = (services: Services, { id, assignmentId }: v.InferOutput<typeof ByRewardAssignment>) => {
  const found = services.rulebook.current().entries('rewardAssignment').get(assignmentId)
  return found?.definition.reward_id === id ? found : notFound('reward_assignment', assignmentId)
}

/** Beside the definition there is its stock, which is read once the definition is recorded. */
const changing = (services: Services) =>
  route({
    method: 'put',
    ifMatch: true,
    path: '/v1/rewards/{id}',
    summary: 'Change a reward',
    tag: TAG,
    permission: 'definitions.write',
    params: ById,
    body: RewardPatch,
    response: RewardObject,
    handler: (call): Outcome | Promise<Outcome> => {
      const found = services.rulebook.current().entries('reward').get(call.params.id)
      if (!found) return notFound('reward', call.params.id)
      const parsed = v.safeParse(Reward, { ...found.definition, ...call.body, type: found.definition.type })
      return parsed.success ? changed(services, call, found.id, parsed.output) : invalid(parsed.issues)
    },
  })

export const rewardCommands = (services: Services) => {
  const { create, remove } = definitionRoutes(services, REWARDS, {
    body: RewardBody,
    patch: RewardPatch,
    response: RewardObject,
    describe: {
      create:
        '`MATERIAL` (a product), `COIN` (points for currency) or `CAMPAIGN` (a code of a discount or gift campaign; `balance` is ' +
        'what a gift voucher begins with, minor units). `stock` bounds how many are ever redeemed.',
      remove: 'Refused while a program offers it.',
    },
    show: (entry) => showReward(services, entry),
  })
  return [create, changing(services), remove, ...offerCommands(services)]
}

const offerCommands = (services: Services) => [
  route({
    method: 'post',
    path: '/v1/rewards/{id}/assignments',
    summary: 'Offer a reward in a loyalty program',
    tag: TAG,
    permission: 'definitions.write',
    params: ById,
    body: AssignmentBody,
    response: AssignmentObject,
    handler: (call): Outcome | Promise<Outcome> => {
      const program = findProgram(services, call.body.campaign)
      if (isFailure(program)) return program
      if (!services.rulebook.current().entries('reward').has(call.params.id)) return notFound('reward', call.params.id)
      const { parameters, validation_rules: rules } = call.body
      const definition = { reward_id: call.params.id, campaign: program.id, parameters }
      return offer(services, call, [{ definition, rules: rules ?? [] }], ([made]) => made)
    },
  }),
  route({
    method: 'put',
    ifMatch: true,
    path: '/v1/rewards/{id}/assignments/{assignmentId}',
    summary: 'Change what a reward costs in a program',
    tag: TAG,
    permission: 'definitions.write',
    params: ByRewardAssignment,
    body: OfferPatch,
    response: AssignmentObject,
    handler: (call): Outcome | Promise<Outcome> => {
      const found = findOffer(services, call.params)
      return isFailure(found) ? found : changeOffer(services, call, found, call.body.parameters)
    },
  }),
  route({
    method: 'delete',
    ifMatch: true,
    path: '/v1/rewards/{id}/assignments/{assignmentId}',
    summary: 'Offer a reward no longer',
    tag: TAG,
    permission: 'definitions.write',
    params: ByRewardAssignment,
    status: 204,
    handler: (call): Outcome | Promise<Outcome> => {
      const found = findOffer(services, call.params)
      return isFailure(found) ? found : withdraw(services, call, found.id)
    },
  }),
  route({
    method: 'post',
    path: '/v1/loyalties/{campaignId}/rewards',
    also: ['/v1/loyalties/{campaignId}/reward-assignments'],
    summary: 'Offer rewards in a loyalty program, all or none',
    tag: TAG,
    permission: 'definitions.write',
    params: ByCampaign,
    body: v.pipe(v.array(Offer), v.minLength(1), v.maxLength(100)),
    response: v.array(AssignmentObject),
    handler: (call): Outcome | Promise<Outcome> => {
      const program = findProgram(services, call.params.campaignId)
      if (isFailure(program)) return program
      const offers = call.body.map(({ reward, parameters, validation_rules: rules }) => ({
        definition: { reward_id: reward, campaign: program.id, parameters },
        rules: rules ?? [],
      }))
      return offer(services, call, offers, (made) => made)
    },
  }),
  route({
    method: 'put',
    ifMatch: true,
    path: '/v1/loyalties/{campaignId}/rewards/{assignmentId}',
    also: ['/v1/loyalties/{campaignId}/reward-assignments/{assignmentId}'],
    summary: 'Change what a reward costs in a program',
    tag: TAG,
    permission: 'definitions.write',
    params: ByAssignment,
    body: OfferPatch,
    response: AssignmentObject,
    handler: (call): Outcome | Promise<Outcome> => {
      const found = findAssignment(services, call.params)
      return isFailure(found) ? found : changeOffer(services, call, found, call.body.parameters)
    },
  }),
  route({
    method: 'delete',
    ifMatch: true,
    path: '/v1/loyalties/{campaignId}/rewards/{assignmentId}',
    also: ['/v1/loyalties/{campaignId}/reward-assignments/{assignmentId}'],
    summary: 'Offer a reward no longer',
    tag: TAG,
    permission: 'definitions.write',
    params: ByAssignment,
    status: 204,
    handler: (call): Outcome | Promise<Outcome> => {
      const found = findAssignment(services, call.params)
      return isFailure(found) ? found : withdraw(services, call, found.id)
    },
  }),
]
