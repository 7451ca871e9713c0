// Creating promotion stacks.
import { promotionStacks, StackBody } from '../src/api/definitions/promotionStack.ts'
import { PromotionStackObject } from '../src/api/presenters/promotionStacks.ts'
import { ByPromotion, findPromotion } from '../src/api/presenters/promotionTiers.ts'
import { isFailure } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { createAll } from './partRoutes.ts'

export const promotionStackCommands = (services: Services) => [
  route({
    method: 'post',
    path: '/v1/promotions/{campaignId}/stacks',
    summary: 'Create a promotion stack',
    description:
      'Tiers of the promotion that are redeemed together, in the order of `tiers.ids`: a redeemable with the object ' +
      'promotion_stack stands for them, all or none.',
    tag: promotionStacks.tag,
    permission: 'definitions.write',
    params: ByPromotion,
    body: StackBody,
    response: PromotionStackObject,
    handler: (call): Outcome | Promise<Outcome> => {
      const promotion = findPromotion(services, call.params)
      if (isFailure(promotion)) return promotion
      const definition = { ...call.body, campaign_id: promotion.id }
      return createAll(
        services,
        call,
        promotionStacks,
        1,
        () => [{ definition }],
        ([shown]) => shown,
      )
    },
  }),
]
