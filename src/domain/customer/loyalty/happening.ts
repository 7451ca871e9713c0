// How facts about cards show as internal events, for conditions and triggers.
import type { Happening } from '../factRow.ts'
import { isMovement, type LoyaltyFact, loyaltyFacts, MOVEMENTS, type MovementFact } from './facts.ts'

/** What a movement adds to the balance: negative when points are taken. */
export const signedPoints = (fact: MovementFact): number => MOVEMENTS[fact.type].sign * fact.data.points

/** The program that a fact is about, where it names one. */
export const campaignIn = (fact: LoyaltyFact): { readonly id: string; readonly name: string } | undefined =>
  'campaign' in fact.data ? fact.data.campaign : undefined

const metadataOf = (fact: LoyaltyFact): Record<string, unknown> => {
  const metadata: Record<string, unknown> = {}
  const campaign = campaignIn(fact)
  if (campaign) {
    metadata.campaign = campaign.id
    metadata.campaign_name = campaign.name
  }
  if (isMovement(fact)) {
    metadata.transaction_type = MOVEMENTS[fact.type].type
    metadata.points = signedPoints(fact)
    metadata.balance = fact.data.balance.after
  }
  const { data } = fact
  if ('rule' in data && typeof data.rule === 'object') metadata.earning_rule = data.rule.id
  if ('pending' in data && typeof data.pending === 'object') metadata.points = data.pending.points
  if ('to' in data && 'name' in data.to) {
    metadata.tier = data.to.id
    metadata.tier_name = data.to.name
  }
  if ('reward' in data) metadata.reward = data.reward.id
  return metadata
}

/** What conditions may ask of a fact's event: the campaign, the card, the points (negative when taken), the balance. */
export const loyaltyHappening = (fact: LoyaltyFact): Happening | undefined => {
  const { event: type } = loyaltyFacts[fact.type] as { readonly event?: string }
  if (type === undefined) return undefined
  return {
    type,
    get metadata() {
      return metadataOf(fact)
    },
  }
}
