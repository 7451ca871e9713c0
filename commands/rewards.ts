// Offering rewards in loyalty programs.
import * as v from 'valibot'
import { assignmentsFor, ValidationRules } from '../src/api/assigning.ts'
import { offersInProgram, offersOfReward } from '../src/api/definitions/rewardAssignment.ts'
import { findProgram } from '../src/api/presenters/loyalties.ts'
import { ById } from '../src/api/shapes.ts'
import type { Definitions } from '../src/domain/rulebook/kind.ts'
import { RewardAssignment } from '../src/domain/rulebook/rewardAssignment.ts'
import { isFailure, notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { createAll, createInProgram, type Proposal } from './partRoutes.ts'

const { parameters } = RewardAssignment.entries
const Offer = v.object({ reward: v.string(), parameters, validation_rules: ValidationRules })
const AssignmentBody = v.object({ campaign: v.string(), parameters, validation_rules: ValidationRules })

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

export const rewardCommands = (services: Services) => [
  route({
    method: 'post',
    path: '/v1/rewards/{id}/assignments',
    summary: 'Offer a reward in a loyalty program',
    tag: offersOfReward.tag,
    permission: 'definitions.write',
    params: ById,
    body: AssignmentBody,
    response: offersOfReward.response,
    handler: (call): Outcome | Promise<Outcome> => {
      const program = findProgram(services, call.body.campaign)
      if (isFailure(program)) return program
      if (!services.rulebook.current().entries('reward').has(call.params.id)) return notFound('reward', call.params.id)
      const { parameters, validation_rules: rules } = call.body
      const definition = { reward_id: call.params.id, campaign: program.id, parameters }
      return createAll(
        services,
        call,
        offersOfReward,
        1,
        (definitions) => [offered(definition, rules ?? [], definitions, call.now)],
        ([made]) => made,
      )
    },
  }),
  createInProgram(services, offersInProgram, {
    summary: 'Offer rewards in a loyalty program, all or none',
    body: Offer,
    made: ({ reward, parameters, validation_rules: rules }, { id }, definitions, now) =>
      offered({ reward_id: reward, campaign: id, parameters }, rules ?? [], definitions, now),
  }),
]
