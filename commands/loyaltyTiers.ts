// Creating the tiers of a loyalty program.
import { loyaltyTiers, TierBody } from '../src/api/definitions/loyaltyTier.ts'
import type { Services } from '../src/services.ts'
import { createInProgram } from './partRoutes.ts'

export const loyaltyTierCommands = (services: Services) => [
  createInProgram(services, loyaltyTiers, {
    summary: 'Create tiers, all or none',
    description:
      'A list. Ranges of points may not overlap. Cards come under them at their next change, or by the clock.',
    body: TierBody,
    made: (body, { id }) => ({ definition: { ...body, campaign_id: id } }),
  }),
]
