// What a program offers for points, and what it costs on a card: asked by validations and by the decisions that pay.
import type { Card } from '../customer/loyalty/state.ts'
import type { Entry } from '../rulebook/kind.ts'
import type { Reward } from '../rulebook/reward.ts'
import type { Rulebook } from '../rulebook/rulebook.ts'
import type { Program } from './programs.ts'

/** A reward as a program offers it. */
export interface Offer {
  /** Id of the assignment. */
  readonly assignment: string
  /** What it costs; undefined for a coin reward, which has no price of its own. */
  readonly price: number | undefined
  readonly reward: Entry<Reward>
}

/** A reward as facts name it. */
export const rewardRef = ({ id, revision, definition: { name, type } }: Entry<Reward>) => ({ id, name, type, revision })

/** What a program offers under an assignment. */
export const offerOf = (rulebook: Rulebook, program: string, assignment: string): Offer | undefined => {
  const entry = rulebook.entries('rewardAssignment').get(assignment)
  if (entry?.definition.campaign !== program || entry.off !== undefined) return undefined
  const reward = rulebook.entries('reward').get(entry.definition.reward_id)
  if (!reward) return undefined
  const price = reward.definition.type === 'COIN' ? undefined : (entry.definition.parameters?.loyalty?.points ?? 0)
  return { assignment, price, reward }
}

/** What a program offers by a name: the id of a reward, or of its assignment. */
export const offerNamed = (rulebook: Rulebook, program: string, name: string): Offer | undefined => {
  const own = offerOf(rulebook, program, name)
  if (own) return own
  for (const [id, { definition }] of rulebook.entries('rewardAssignment')) {
    const offer = definition.reward_id === name ? offerOf(rulebook, program, id) : undefined
    if (offer) return offer
  }
  return undefined
}

/** The price of an offer as the card's tier changes it; undefined for a coin reward. */
export const priceOn = ({ assignment, price }: Offer, card: Card, program: Program): number | undefined => {
  if (price === undefined) return undefined
  const mapping = program.tiers.find((tier) => tier.id === card.tier?.id)?.definition.rewards[assignment]
  if (!mapping) return price
  return mapping.type === 'CUSTOM' ? mapping.points : Math.floor(price * mapping.multiplier)
}

interface Coin {
  readonly exchange_ratio: number
  readonly points_ratio: number
}

/** What so many points pay, minor units, rounded down. */
export const worthOf = (points: number, { exchange_ratio, points_ratio }: Coin): number =>
  Number((BigInt(points) * BigInt(exchange_ratio)) / BigInt(points_ratio))

/** The fewest points that pay an amount (minor units) whole. */
export const pointsFor = (amount: number, { exchange_ratio, points_ratio }: Coin): number =>
  Number((BigInt(amount) * BigInt(points_ratio) + BigInt(exchange_ratio) - 1n) / BigInt(exchange_ratio))
