// Reading where rewards are offered, and which of them a member can pay for.

import * as v from 'valibot'
import { definitionListQuery, pageOfDefinitions } from '../src/api/lists/definitions.ts'
import { ByCampaign, findProgram } from '../src/api/presenters/loyalties.ts'
import { readCard } from '../src/api/presenters/loyaltyMembers.ts'
import {
  AssignmentObject,
  ByAssignment,
  findAssignment,
  RewardObject,
  showAssignment,
  showReward,
} from '../src/api/presenters/rewards.ts'
import { ById } from '../src/api/shapes.ts'
import { CodeName } from '../src/domain/codes.ts'
import type { Entry } from '../src/domain/rulebook/kind.ts'
import type { RewardAssignment } from '../src/domain/rulebook/rewardAssignment.ts'
import type { Rulebook } from '../src/domain/rulebook/rulebook.ts'
import { listOf } from '../src/http/answers.ts'
import { isFailure, notFound } from '../src/http/errors.ts'
import { queryFlag } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { ListQuery } from './loyalties.ts'

const TAG = 'Rewards'

/** The assignments of a program, in the order of their creation. */
export const assignmentsOf = (rulebook: Rulebook, campaign: string): readonly Entry<RewardAssignment>[] =>
  [...rulebook.entries('rewardAssignment').values()].filter(({ definition }) => definition.campaign === campaign)

const PROGRAM_LISTS = ['/v1/loyalties/{campaignId}/reward-assignments']

const OFFER_FIELDS = { texts: ['reward_id'] }

const MemberRewardsQuery = v.object({ ...definitionListQuery, affordable_only: v.optional(queryFlag, 'false') })

export const rewardQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/rewards/{id}/assignments',
    summary: 'Where a reward is offered',
    tag: TAG,
    permission: 'definitions.read',
    params: ById,
    query: ListQuery,
    response: listOf('data', AssignmentObject),
    handler: async (call): Promise<Outcome> => {
      const rulebook = services.rulebook.current()
      if (!rulebook.entries('reward').has(call.params.id)) return notFound('reward', call.params.id)
      const all = [...rulebook.entries('rewardAssignment').values()].filter(
        ({ definition }) => definition.reward_id === call.params.id,
      )
      return pageOfDefinitions(services, all, call, OFFER_FIELDS, showAssignment)
    },
  }),
  route({
    method: 'get',
    path: '/v1/loyalties/{campaignId}/rewards',
    also: PROGRAM_LISTS,
    summary: 'What a loyalty program offers for points',
    tag: TAG,
    permission: 'definitions.read',
    params: ByCampaign,
    query: v.object({
      ...definitionListQuery,
      assignment_id: v.optional(v.string()),
      assignmentId: v.optional(v.string()),
    }),
    response: listOf('data', AssignmentObject),
    handler: async (call): Promise<Outcome> => {
      const program = findProgram(services, call.params.campaignId)
      if (isFailure(program)) return program
      const asked = call.query.assignment_id ?? call.query.assignmentId
      const offers = assignmentsOf(services.rulebook.current(), program.id).filter(
        ({ id }) => asked === undefined || id === asked,
      )
      return pageOfDefinitions(services, offers, call, OFFER_FIELDS, showAssignment)
    },
  }),
  route({
    method: 'get',
    path: '/v1/loyalties/{campaignId}/reward-assignments/{assignmentId}/reward',
    summary: 'The reward of an offer',
    tag: TAG,
    permission: 'definitions.read',
    params: ByAssignment,
    response: RewardObject,
    handler: async (call): Promise<Outcome> => {
      const found = findAssignment(services, call.params)
      if (isFailure(found)) return found
      return {
        body: await showReward(
          services,
          services.rulebook.current().entries('reward').get(found.definition.reward_id)!,
        ),
      }
    },
  }),
  route({
    method: 'get',
    path: '/v1/loyalties/members/{memberId}/rewards',
    summary: 'What a member is offered',
    description: '`affordable_only` leaves out what the card cannot pay now.',
    tag: TAG,
    permission: 'members.read',
    params: v.object({ memberId: CodeName }),
    query: MemberRewardsQuery,
    response: listOf('data', v.object({ reward: RewardObject, assignment: AssignmentObject, object: v.string() })),
    handler: async (call): Promise<Outcome> => {
      const found = await readCard(services, call.params.memberId)
      if (isFailure(found)) return found
      const rulebook = services.rulebook.current()
      const offers = assignmentsOf(rulebook, found.campaign).filter(
        ({ definition }) =>
          !call.query.affordable_only || (definition.parameters?.loyalty?.points ?? 1) <= found.card.balance,
      )
      return pageOfDefinitions(services, offers, call, OFFER_FIELDS, async (assignment) => ({
        reward: await showReward(services, rulebook.entries('reward').get(assignment.definition.reward_id)!),
        assignment: showAssignment(assignment),
        object: 'loyalty_reward',
      }))
    },
  }),
]
