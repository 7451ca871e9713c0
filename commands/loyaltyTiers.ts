// Creating, changing and deleting tiers of a loyalty program.
import * as v from 'valibot'
import { ByTier, findTier, showTier, TierObject } from '../src/api/presenters/loyaltyTiers.ts'
import { LoyaltyTier } from '../src/domain/rulebook/loyaltyTier.ts'
import type { Services } from '../src/services.ts'
import { recorded } from './definitions.ts'
import { createInProgram, routesToOne } from './partRoutes.ts'

const TAG = 'Loyalty tiers'

const { campaign_id: _, ...fields } = LoyaltyTier.entries
const SHOWN = ['campaign_id', 'config']
const TierBody = v.pipe(v.object(fields), recorded(...SHOWN), v.title('LoyaltyTierBody'))
const TierPatch = v.pipe(v.partial(v.object(fields)), recorded(...SHOWN))

export const loyaltyTierCommands = (services: Services) => [
  createInProgram(services, {
    kind: 'loyaltyTier',
    prefix: 'ltr',
    tag: TAG,
    path: '/v1/loyalties/{campaignId}/tiers',
    summary: 'Create tiers, all or none',
    description:
      'A list. Ranges of points may not overlap. Cards come under them at their next change, or by the clock.',
    body: TierBody,
    response: TierObject,
    show: showTier,
    made: (body, { id }) => ({ definition: { ...body, campaign_id: id } }),
  }),
  ...routesToOne(services, {
    kind: 'loyaltyTier',
    tag: TAG,
    path: '/v1/loyalties/{campaignId}/tiers/{tierId}',
    params: ByTier,
    find: findTier,
    patch: TierPatch,
    whole: LoyaltyTier,
    response: TierObject,
    show: showTier,
    change: { summary: 'Change a tier' },
    remove: { summary: 'Delete a tier' },
  }),
]
