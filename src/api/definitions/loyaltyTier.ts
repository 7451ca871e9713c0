// Tiers of loyalty programs: ranges of points in which cards earn and pay otherwise.
import * as v from 'valibot'
import { LoyaltyTier } from '../../domain/rulebook/loyaltyTier.ts'
import { showTier, TierObject } from '../presenters/loyaltyTiers.ts'
import { partOf } from './part.ts'
import { asWhole, definitionResource, recorded } from './resource.ts'

const { campaign_id: _, ...fields } = LoyaltyTier.entries
const SHOWN = ['campaign_id', 'config']
export const TierBody = v.pipe(v.object(fields), recorded(...SHOWN), v.title('LoyaltyTierBody'))
const TierPatch = v.pipe(v.partial(v.object(fields)), recorded(...SHOWN))

export const loyaltyTiers = definitionResource('loyaltyTier', {
  path: '/v1/loyalties/{campaignId}/tiers',
  param: 'tierId',
  tag: 'Loyalty tiers',
  one: 'a tier',
  many: 'tiers',
  patch: TierPatch,
  response: TierObject,
  show: showTier,
  find: partOf('LOYALTY_PROGRAM', 'loyaltyTier', { param: 'tierId', owner: (tier) => tier.campaign_id }),
  patched: ({ definition }, patch) => asWhole(LoyaltyTier, { ...definition, ...patch }),
  // Of one program.
  own: ['list'],
})
