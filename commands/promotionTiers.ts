// Creating promotion tiers.
import { assignmentsFor } from '../src/api/assigning.ts'
import { promotionTiers, TierBody } from '../src/api/definitions/promotionTier.ts'
import { PromotionTierObject } from '../src/api/presenters/promotionTierObject.ts'
import { ByPromotion, findPromotion } from '../src/api/presenters/promotionTiers.ts'
import type { Definitions } from '../src/domain/rulebook/kind.ts'
import { promotionTiersOf } from '../src/domain/rulebook/promotionTier.ts'
import { isFailure } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { createAll } from './partRoutes.ts'

/** Behind all others of its campaign. */
const nextIn = (campaign: string, all: Definitions): number =>
  1 + (promotionTiersOf(campaign, all).at(-1)?.definition.hierarchy ?? 0)

export const promotionTierCommands = (services: Services) => [
  route({
    method: 'post',
    path: '/v1/promotions/{campaignId}/tiers',
    summary: 'Create a promotion tier',
    description:
      'A discount without a code, for every customer whom the rules of the tier (`validation_rules`) and of its campaign let ' +
      'through. It is redeemed by its id as a redeemable with the object promotion_tier. Without a `hierarchy` it is the last.',
    tag: promotionTiers.tag,
    permission: 'definitions.write',
    params: ByPromotion,
    body: TierBody,
    response: PromotionTierObject,
    handler: (call): Outcome | Promise<Outcome> => {
      const promotion = findPromotion(services, call.params)
      if (isFailure(promotion)) return promotion
      const { tier, hierarchy, rules } = call.body
      return createAll(
        services,
        call,
        promotionTiers,
        1,
        (all) => [
          {
            definition: { ...tier, campaign_id: promotion.id, hierarchy: hierarchy ?? nextIn(promotion.id, all) },
            along: (id) =>
              assignmentsFor(all, rules, { related_object_type: 'promotion_tier', related_object_id: id }, call.now),
          },
        ],
        ([shown]) => shown,
      )
    },
  }),
]
