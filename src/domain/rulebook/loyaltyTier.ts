// Loyalty tiers: ranges of points, and what rules pay and rewards cost to those who are in one.

import * as v from 'valibot'
import { name300 } from '../name.ts'
import { MAX_TOTAL, Points } from '../points.ts'
import { programFaults } from './campaign.ts'
import type { Definitions, Entry, Fault, Kind } from './kind.ts'

const bound = v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_TOTAL)))

/** What becomes of a rule's points, or a reward's price, in a tier. */
export const Mapping = v.variant('type', [
  v.object({
    type: v.literal('MULTIPLY'),
    multiplier: v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(1_000_000)),
  }),
  v.object({ type: v.literal('CUSTOM'), points: Points }),
])
export type Mapping = v.InferOutput<typeof Mapping>

const mappings = v.optional(v.record(v.string(), Mapping), {})

export const LoyaltyTier = v.object({
  campaign_id: v.string(),
  name: name300,
  /** Both inclusive; an absent bound is none. A tier without any of this is reached by nobody. */
  points: v.nullish(v.object({ from: bound, to: bound })),
  earning_rules: mappings,
  rewards: mappings,
  metadata: v.optional(v.nullable(v.record(v.string(), v.unknown())), {}),
})
export type LoyaltyTier = v.InferOutput<typeof LoyaltyTier>

const NOBODY = { from: Number.POSITIVE_INFINITY, to: Number.NEGATIVE_INFINITY }
const rangeOf = ({ points }: LoyaltyTier) => points ?? NOBODY
const lowest = (tier: LoyaltyTier): number => rangeOf(tier).from ?? 0
const highest = (tier: LoyaltyTier): number => rangeOf(tier).to ?? Number.POSITIVE_INFINITY

/** The tiers of a program from the lowest up. */
export const tiersOf = (campaign: string, all: Definitions): readonly Entry<LoyaltyTier>[] =>
  [...((all.entries.loyaltyTier ?? new Map()) as ReadonlyMap<string, Entry<LoyaltyTier>>).values()]
    .filter((entry) => entry.definition.campaign_id === campaign)
    .sort((a, b) => lowest(a.definition) - lowest(b.definition))

/** The tier among those given that so many points reach. */
export const tierFor = (tiers: readonly Entry<LoyaltyTier>[], points: number): Entry<LoyaltyTier> | undefined =>
  tiers.find(({ definition }) => points >= lowest(definition) && points <= highest(definition))

const check = (id: string, definition: LoyaltyTier, all: Definitions): readonly Fault[] => {
  const faults: Fault[] = [...programFaults(definition.campaign_id, 'campaign_id', all)]
  if (definition.points && highest(definition) < lowest(definition))
    faults.push({ path: 'points.to', message: 'must NOT be below points.from' })
  const other = tiersOf(definition.campaign_id, all).find(
    (entry) =>
      entry.id !== id &&
      lowest(definition) <= highest(entry.definition) &&
      lowest(entry.definition) <= highest(definition),
  )
  if (other) faults.push({ path: 'points', message: `must NOT overlap those of the tier ${other.definition.name}` })
  for (const rule of Object.keys(definition.earning_rules))
    if (!all.entries.earningRule?.has(rule))
      faults.push({ path: `earning_rules.${rule}`, message: 'must name an earning rule' })
  for (const assignment of Object.keys(definition.rewards))
    if (!all.entries.rewardAssignment?.has(assignment))
      faults.push({ path: `rewards.${assignment}`, message: 'must name a reward assignment' })
  return faults
}

export const loyaltyTierKind: Kind<LoyaltyTier> = {
  fact: 'LoyaltyTier',
  prefix: 'ltr',
  resource: 'loyalty_tier',
  schema: LoyaltyTier,
  uniqueName: (definition) => `${definition.name} in ${definition.campaign_id}`,
  check,
  doubts: ({ points }) => (points ? [] : ['a tier without points is reached by nobody']),
  uses: (definition) => [
    { kind: 'campaign', id: definition.campaign_id },
    ...Object.keys(definition.earning_rules).map((id) => ({ kind: 'earningRule', id })),
    ...Object.keys(definition.rewards).map((id) => ({ kind: 'rewardAssignment', id })),
  ],
}
