// Offers: what a reward costs in a loyalty program. Each is below its reward, and below its program.
import * as v from 'valibot'
import { entriesOf } from '../../domain/rulebook/entries.ts'
import { RewardAssignment } from '../../domain/rulebook/rewardAssignment.ts'
import { AssignmentObject, showAssignment } from '../presenters/rewards.ts'
import { partOf } from './part.ts'
import { definitionResource, recorded } from './resource.ts'

const param = 'assignmentId'
const shared = {
  param,
  tag: 'Rewards',
  one: 'an offer of a reward',
  many: 'offers of a reward',
  patch: v.pipe(
    v.object({ parameters: RewardAssignment.entries.parameters }),
    recorded('reward_id', 'related_object_id', 'related_object_type'),
  ),
  response: AssignmentObject,
  show: showAssignment,
  describe: { change: 'What the reward costs in the program.', remove: 'It is offered no longer.' },
  own: ['list'],
} as const

export const offersOfReward = definitionResource('rewardAssignment', {
  ...shared,
  path: '/v1/rewards/{id}/assignments',
  find: (definitions, { id, assignmentId = '' }) => {
    const offer = entriesOf(definitions, 'rewardAssignment').get(assignmentId)
    return offer?.definition.reward_id === id ? offer : undefined
  },
})

export const offersInProgram = definitionResource('rewardAssignment', {
  ...shared,
  path: '/v1/loyalties/{campaignId}/rewards',
  also: ['/v1/loyalties/{campaignId}/reward-assignments'],
  find: partOf('LOYALTY_PROGRAM', 'rewardAssignment', { param, owner: (offer) => offer.campaign }),
})
