// Creating, changing and deleting promotion stacks.
import * as v from 'valibot'
import { ByStack, findStack, PromotionStackObject, showPromotionStack } from '../src/api/presenters/promotionStacks.ts'
import { ByPromotion, findPromotion } from '../src/api/presenters/promotionTiers.ts'
import { PROMOTION_TIERS } from '../src/api/resources.ts'
import { PromotionStack } from '../src/domain/rulebook/promotionStack.ts'
import { isFailure } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { recorded } from './definitions.ts'
import { createAll, routesToOne } from './partRoutes.ts'

const { campaign_id: _, ...fields } = PromotionStack.entries
const SHOWN = ['campaign_id', 'categories']
const StackBody = v.pipe(v.object(fields), recorded(...SHOWN), v.title('PromotionStackBody'))
const StackPatch = v.pipe(v.partial(v.object(fields)), recorded(...SHOWN))

export const promotionStackCommands = (services: Services) => {
  const { tag, writes } = PROMOTION_TIERS
  const show = showPromotionStack
  return [
    route({
      method: 'post',
      path: '/v1/promotions/{campaignId}/stacks',
      summary: 'Create a promotion stack',
      description:
        'Tiers of the promotion that are redeemed together, in the order of `tiers.ids`: a redeemable with the object ' +
        'promotion_stack stands for them, all or none.',
      tag,
      permission: writes,
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
          { kind: 'promotionStack', prefix: 'stack', show },
          1,
          () => [{ definition }],
          ([shown]) => shown,
        )
      },
    }),
    ...routesToOne(services, {
      kind: 'promotionStack',
      tag,
      path: '/v1/promotions/{campaignId}/stacks/{stackId}',
      params: ByStack,
      find: findStack,
      patch: StackPatch,
      whole: PromotionStack,
      response: PromotionStackObject,
      show,
      change: { summary: 'Change a promotion stack' },
      remove: { summary: 'Delete a promotion stack', description: 'Its tiers stay.' },
    }),
  ]
}
