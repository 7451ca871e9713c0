// Rewards of type CAMPAIGN: what the points pay for is a code of a campaign, which follows from the payment in the same decision.
import type { DecidedFact, Draft } from '../customer/draft.ts'
import { type Refused, refuse, refuseNotFound } from '../refusal.ts'
import type { Reward } from '../rulebook/reward.ts'
import { publishable, publishByRule } from '../vouchers/publish.ts'

/** Why the code that a reward promises cannot be given now: its campaign is off, or not in force. Other rewards give none. */
export const codeWithheld = (draft: Draft, reward: Reward): Refused | undefined => {
  if (reward.type !== 'CAMPAIGN') return undefined
  const { id } = reward.parameters.campaign
  const entry = draft.rulebook.entries('campaign').get(id)
  if (!entry) return refuseNotFound('campaign', id)
  const fault = publishable(entry, draft.rulebook, draft.now)
  return fault === undefined
    ? undefined
    : refuse('campaign_not_active', `The reward gives a code, and ${fault}`, { resource: { type: 'campaign', id } })
}

/** Publishes the code that was paid for to whoever paid. */
export const giveRewardCode = (draft: Draft, fact: DecidedFact): void => {
  if (fact.type !== 'PointsSpent' || fact.data.reward.type !== 'CAMPAIGN') return
  const reward = draft.rulebook.entries('reward').get(fact.data.reward.id)?.definition
  if (reward?.type !== 'CAMPAIGN') return
  const { id, balance } = reward.parameters.campaign
  const entry = draft.rulebook.entries('campaign').get(id)
  if (entry) publishByRule(draft, entry, fact.id, balance)
}
