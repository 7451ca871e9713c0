// Rewards of type CAMPAIGN: what the points pay for is a code of a campaign, or points of another program; it follows from the
// payment in the same decision.
import type { DecidedFact, Draft } from '../customer/draft.ts'
import { type Refused, refuse, refuseNotFound } from '../refusal.ts'
import type { Campaign } from '../rulebook/campaign.ts'
import type { Entry } from '../rulebook/kind.ts'
import type { Reward } from '../rulebook/reward.ts'
import { publishable, publishByRule } from '../vouchers/publish.ts'
import { givePoints, receiverOf } from './give.ts'
import { programsOf } from './programs.ts'

const isProgram = ({ definition }: Entry<Campaign>): boolean => definition.campaign_type === 'LOYALTY_PROGRAM'

/** Why points of a program cannot be given now. */
const pointsWithheld = (draft: Draft, campaign: string, points: number): string | undefined => {
  const found = receiverOf(draft, campaign, points)
  if (typeof found === 'string') return found
  return programsOf(draft.rulebook).program.get(campaign)?.inForce(draft.now).holds
    ? undefined
    : `the loyalty program ${found.program.definition.name} is not in force now`
}

/** Why what a reward promises cannot be given now: its campaign is off, or not in force. Rewards of other types give nothing. */
export const rewardWithheld = (draft: Draft, reward: Reward): Refused | undefined => {
  if (reward.type !== 'CAMPAIGN') return undefined
  const { id, balance } = reward.parameters.campaign
  const entry = draft.rulebook.entries('campaign').get(id)
  if (!entry) return refuseNotFound('campaign', id)
  const gives = isProgram(entry) ? 'points' : 'a code'
  const fault = isProgram(entry)
    ? pointsWithheld(draft, id, balance ?? 0)
    : publishable(entry, draft.rulebook, draft.now)
  return fault === undefined
    ? undefined
    : refuse('campaign_not_active', `The reward gives ${gives}, and ${fault}`, { resource: { type: 'campaign', id } })
}

/** Gives what was paid for to whoever paid. */
export const giveReward = (draft: Draft, fact: DecidedFact): void => {
  if (fact.type !== 'PointsSpent' || fact.data.reward.type !== 'CAMPAIGN') return
  const reward = draft.rulebook.entries('reward').get(fact.data.reward.id)?.definition
  if (reward?.type !== 'CAMPAIGN') return
  const { id, balance } = reward.parameters.campaign
  const entry = draft.rulebook.entries('campaign').get(id)
  if (!entry) return
  if (!isProgram(entry)) publishByRule(draft, entry, fact.id, balance)
  else if (balance) givePoints(draft, id, balance, { reason: `reward: ${reward.name}`, cause: fact.id })
}
