// How the tiers of loyalty programs show.
import * as v from 'valibot'
import type { Entry } from '../../domain/rulebook/kind.ts'
import { LoyaltyTier } from '../../domain/rulebook/loyaltyTier.ts'
import { type Failure, isFailure, notFound } from '../../http/errors.ts'
import type { Services } from '../../services.ts'
import { findProgram } from './loyalties.ts'
import { recordOrNullOf, switchedOff } from './parts.ts'

export const TierObject = v.pipe(
  v.object({
    id: v.string(),
    ...LoyaltyTier.entries,
    config: v.object({ points: LoyaltyTier.entries.points }),
    created_at: v.string(),
    updated_at: v.nullable(v.string()),
    ...switchedOff,
    object: v.literal('loyalty_tier'),
  }),
  v.title('LoyaltyTier'),
)

/** A tier as the HTTP contract shows it. */
export const showTier = ({ id, definition, createdAt, updatedAt, off }: Entry<LoyaltyTier>) => ({
  id,
  ...definition,
  config: { points: definition.points },
  ...recordOrNullOf({ createdAt, updatedAt, off }),
  object: 'loyalty_tier' as const,
})

export const ByTier = v.object({ campaignId: v.string(), tierId: v.string() })

/** The tier that a path names within a program. */
export const findTier = (
  services: Services,
  { campaignId, tierId }: v.InferOutput<typeof ByTier>,
): Entry<LoyaltyTier> | Failure => {
  const program = findProgram(services, campaignId)
  if (isFailure(program)) return program
  const tier = services.rulebook.current().entries('loyaltyTier').get(tierId)
  return tier?.definition.campaign_id === program.id ? tier : notFound('loyalty_tier', tierId)
}
