// Reward assignments: in which loyalty program a reward is offered, and for how many points.
import * as v from 'valibot'
import { Points } from '../points.ts'
import { programFaults } from './campaign.ts'
import type { Entry, Fault, Kind } from './kind.ts'
import type { Reward } from './reward.ts'

export const RewardAssignment = v.object({
  reward_id: v.string(),
  /** The loyalty program. */
  campaign: v.string(),
  /** The price; a coin reward has none: whoever redeems it says how many points. */
  parameters: v.nullish(v.object({ loyalty: v.nullish(v.object({ points: Points })) })),
})
export type RewardAssignment = v.InferOutput<typeof RewardAssignment>

export const rewardAssignmentKind: Kind<RewardAssignment> = {
  fact: 'RewardAssignment',
  prefix: 'rewa',
  resource: 'reward_assignment',
  schema: RewardAssignment,
  uniqueName: ({ reward_id, campaign }) => `reward ${reward_id} in ${campaign}`,
  check: (_, definition, all) => {
    const reward = all.entries.reward?.get(definition.reward_id) as Entry<Reward> | undefined
    const price = definition.parameters?.loyalty?.points
    const faults: Fault[] = [...programFaults(definition.campaign, 'campaign', all)]
    if (!reward) faults.push({ path: 'reward', message: `must name a reward: there is no ${definition.reward_id}` })
    else if (reward.definition.type === 'COIN' && price !== undefined)
      faults.push({ path: 'parameters.loyalty', message: 'must NOT be given for a COIN reward' })
    else if (reward.definition.type !== 'COIN' && price === undefined)
      faults.push({ path: 'parameters.loyalty.points', message: 'is required' })
    if (reward?.definition.type === 'CAMPAIGN' && reward.definition.parameters.campaign.id === definition.campaign)
      faults.push({ path: 'campaign', message: 'must be another program than the one whose points the reward gives' })
    return faults
  },
  uses: ({ reward_id, campaign }) => [
    { kind: 'reward', id: reward_id },
    { kind: 'campaign', id: campaign },
  ],
}
