// Creating, changing and deleting rewards, and offering them in loyalty programs.
import * as v from 'valibot'
import { findProgram } from '../src/api/presenters/loyalties.ts'
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
import type { Definitions } from '../src/domain/rulebook/kind.ts'
import { Reward } from '../src/domain/rulebook/reward.ts'
import { RewardAssignment } from '../src/domain/rulebook/rewardAssignment.ts'
import { isFailure, notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { assignmentsFor, ValidationRules } from './assigning.ts'
import { definitionRoutes } from './definitionRoutes.ts'
import { recorded } from './definitions.ts'
import { createAll, createInProgram, type Proposal, routesToOne } from './partRoutes.ts'

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

const findOffer = (services: Services, { id, assignmentId }: v.InferOutput<typeof ByRewardAssignment>) => {
  const found = services.rulebook.current().entries('rewardAssignment').get(assignmentId)
  return found?.definition.reward_id === id ? found : notFound('reward_assignment', assignmentId)
}

type Parameters = v.InferOutput<typeof OfferPatch>

const repriced = (old: RewardAssignment, { parameters }: Parameters) =>
  parameters === undefined ? old : { ...old, parameters }

const OFFER = {
  kind: 'rewardAssignment',
  prefix: 'rewa',
  tag: TAG,
  response: AssignmentObject,
  show: showAssignment,
} as const

/** An offer, and the rules that gate it; a rule that is not there is the answer for all. */
const offered = (
  definition: RewardAssignment,
  rules: readonly string[],
  definitions: Definitions,
  now: number,
): Proposal<'rewardAssignment'> => ({
  definition,
  along: (id) =>
    assignmentsFor(definitions, rules, { related_object_type: 'reward_assignment', related_object_id: id }, now),
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
  const change = routesToOne(services, {
    kind: 'reward',
    tag: TAG,
    path: '/v1/rewards/{id}',
    params: ById,
    find: (_, { id }) => services.rulebook.current().entries('reward').get(id) ?? notFound('reward', id),
    patch: RewardPatch,
    whole: Reward,
    response: RewardObject,
    // Beside the definition there is its stock, which is read once the definition is recorded.
    show: (entry) => showReward(services, entry),
    patched: (old, patch) => ({ ...old, ...patch, type: old.type }),
    change: { summary: 'Change a reward' },
  })
  return [create, ...change, remove, ...offerCommands(services)]
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
      return createAll(
        services,
        call,
        OFFER,
        1,
        (definitions) => [offered(definition, rules ?? [], definitions, call.now)],
        ([made]) => made,
      )
    },
  }),
  ...routesToOne(services, {
    ...OFFER,
    path: '/v1/rewards/{id}/assignments/{assignmentId}',
    params: ByRewardAssignment,
    find: findOffer,
    patch: OfferPatch,
    patched: repriced,
    change: { summary: 'Change what a reward costs in a program' },
    remove: { summary: 'Offer a reward no longer' },
  }),
  createInProgram(services, {
    ...OFFER,
    path: '/v1/loyalties/{campaignId}/rewards',
    also: ['/v1/loyalties/{campaignId}/reward-assignments'],
    summary: 'Offer rewards in a loyalty program, all or none',
    body: Offer,
    made: ({ reward, parameters, validation_rules: rules }, { id }, definitions, now) =>
      offered({ reward_id: reward, campaign: id, parameters }, rules ?? [], definitions, now),
  }),
  ...routesToOne(services, {
    ...OFFER,
    path: '/v1/loyalties/{campaignId}/rewards/{assignmentId}',
    also: ['/v1/loyalties/{campaignId}/reward-assignments/{assignmentId}'],
    params: ByAssignment,
    find: findAssignment,
    patch: OfferPatch,
    patched: repriced,
    change: { summary: 'Change what a reward costs in a program' },
    remove: { summary: 'Offer a reward no longer' },
  }),
]
