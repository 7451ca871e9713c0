// How facts about referrals show as internal events, for conditions and triggers.
import type { Happening } from '../factRow.ts'
import { type ReferralFact, referralFacts } from './facts.ts'

/** The contract's event type of each fact; undefined for those that are only bookkeeping. */
export const eventOf = ({ type }: ReferralFact): string | undefined => referralFacts[type].event

/** Which side of the referral the fact's own customer is on. */
export const roleOf = (fact: ReferralFact): 'REFEREE' | 'REFERRER' =>
  fact.type === 'ReferralCredited'
    ? 'REFERRER'
    : fact.type === 'ReferralRewarded' || fact.type === 'ReferralRewardWithheld'
      ? fact.data.role
      : 'REFEREE'

/** What conditions may ask of a fact's event: the campaign, the code, the customer's role, the reward. */
export const referralHappening = (fact: ReferralFact): Happening | undefined => {
  const type = eventOf(fact)
  if (type === undefined) return undefined
  const { campaign, voucher } = fact.data
  return {
    type,
    metadata: {
      campaign: campaign.id,
      campaign_name: campaign.name,
      code: voucher.code,
      role: roleOf(fact),
      ...(fact.type === 'ReferralCredited' ? { number: fact.data.number } : {}),
      ...(fact.type === 'ReferralRewarded'
        ? { reward_type: fact.data.reward.type, amount: fact.data.reward.amount ?? 0 }
        : {}),
    },
  }
}
