// Rewards of a referral: points on a card of a loyalty program, or a code of another campaign, to whom the program promised it.
import type { DecidedFact, Draft } from '../customer/draft.ts'
import type { ReferralFactData } from '../customer/referrals/facts.ts'
import { givePoints } from '../loyalty/give.ts'
import { type ReferralReward, referrerRewardFor } from '../rulebook/referralProgram.ts'
import { publishable, publishByRule } from '../vouchers/publish.ts'

type Given = ReferralFactData<'ReferralRewarded'>['given']
type Due = Omit<ReferralFactData<'ReferralRewardWithheld'>, 'reason'>

/** Puts points on the customer's card of the program, issued when there is none; or says why not. */
const givenPoints = (draft: Draft, program: string, points: number, about: string, cause: string): Given | string => {
  const given = givePoints(draft, program, points, { reason: `referral: ${about}`, cause })
  if (typeof given === 'string') return given
  const { card, moved } = given
  return {
    id: card.id,
    code: card.code,
    campaign: card.campaign,
    transaction: moved.transaction,
    balance: moved.balance.after,
  }
}

const giveCode = (
  draft: Draft,
  campaign: string,
  credits: number | null | undefined,
  cause: string,
): Given | string => {
  const entry = draft.rulebook.entries('campaign').get(campaign)
  if (!entry) return `there is no campaign ${campaign}`
  const fault = publishable(entry, draft.rulebook, draft.now)
  if (fault) return fault
  return { ...publishByRule(draft, entry, cause, credits), campaign: { id: campaign, name: entry.definition.name } }
}

/** Gives a reward and records it; what cannot be given is recorded with the reason. */
const pay = (draft: Draft, due: Due, cause: string): void => {
  const { reward } = due
  const { id } = reward.related_object_parent
  const given =
    reward.type === 'LOYALTY_CARD'
      ? givenPoints(draft, id, reward.amount, due.campaign.name, cause)
      : giveCode(draft, id, reward.amount, cause)
  if (typeof given === 'string') draft.emit('ReferralRewardWithheld', { ...due, reason: given }, cause)
  else draft.emit('ReferralRewarded', { ...due, given }, cause)
}

const rewarded = (reward: ReferralReward, from?: number) => ({ reward, ...(from === undefined ? {} : { tier: from }) })

/** The referee's reward follows from the conversion, the referrer's from the credit for it. */
export const reward = (draft: Draft, fact: DecidedFact): void => {
  if (draft.state.status !== 'active') return
  const { id: self } = draft.state
  if (fact.type === 'ReferralConverted') {
    const { promise, campaign, voucher, referrer, cause } = fact.data
    if (!promise.referee) return
    const parties = { conversion: cause.fact, campaign, voucher, referee: self, referrer }
    const base = { ...parties, event: cause.event, occurredAt: draft.now }
    pay(draft, { ...base, role: 'REFEREE', ...rewarded(promise.referee) }, fact.id)
  } else if (fact.type === 'ReferralCredited') {
    const { promise, campaign, voucher, referee, conversion, cause, number } = fact.data
    const found = referrerRewardFor(promise.referrer, promise.tiers ?? [], number)
    if (!found) return
    const parties = { conversion, campaign, voucher, referee, referrer: self }
    const base = { ...parties, event: cause.event, occurredAt: draft.now }
    pay(draft, { ...base, role: 'REFERRER', ...rewarded(found.reward, found.from) }, fact.id)
  }
}
