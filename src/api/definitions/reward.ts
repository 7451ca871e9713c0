// Rewards: what points can be paid for.
import * as v from 'valibot'
import { Reward } from '../../domain/rulebook/reward.ts'
import { namedListQuery } from '../lists/definitions.ts'
import { RewardObject, showReward } from '../presenters/rewards.ts'
import { asWhole, definitionResource, recorded } from './resource.ts'

const RewardBody = v.pipe(Reward, recorded('redeemed'))
const { type: _, parameters: __, ...common } = Reward.options[0].entries
const RewardPatch = v.pipe(
  v.partial(
    v.object({ ...common, type: v.string(), parameters: v.union(Reward.options.map((one) => one.entries.parameters)) }),
  ),
  recorded('redeemed'),
)

export const rewards = definitionResource('reward', {
  path: '/v1/rewards',
  tag: 'Rewards',
  one: 'a reward',
  many: 'rewards',
  body: RewardBody,
  patch: RewardPatch,
  response: RewardObject,
  // Beside the definition there is its stock, which is read once the definition is recorded.
  show: (entry, { services }) => showReward(services, entry),
  describe: {
    create:
      '`MATERIAL` (a product), `COIN` (points for currency) or `CAMPAIGN` (a code of a discount or gift campaign; `balance` is ' +
      'what a gift voucher begins with, minor units). `stock` bounds how many are ever redeemed.',
    remove: 'Refused while a program offers it.',
  },
  patched: ({ definition }, patch) => asWhole(Reward, { ...definition, ...patch, type: definition.type }),
  list: {
    texts: ['name', 'type'],
    query: v.object({ ...namedListQuery, assignment_id: v.optional(v.string()) }),
    among(all, { assignment_id: assignment }, rulebook) {
      if (assignment === undefined) return all
      const offered = rulebook.entries('rewardAssignment').get(assignment)?.definition.reward_id
      return all.filter(({ id }) => id === offered)
    },
  },
})
