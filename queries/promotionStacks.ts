// Reading promotion stacks. The rulebook in memory is their read model.
import * as v from 'valibot'
import { promotionStacks } from '../src/api/definitions/promotionStack.ts'
import { namedListQuery, pageOfDefinitions } from '../src/api/lists/definitions.ts'
import { PromotionStackObject, showPromotionStack } from '../src/api/presenters/promotionStacks.ts'
import { ByPromotion, findPromotion } from '../src/api/presenters/promotionTiers.ts'
import { promotionStacksOf } from '../src/domain/rulebook/promotionStack.ts'
import { listOf } from '../src/http/answers.ts'
import { isFailure } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

export const promotionStackQueries = (services: Services) => {
  const { tag } = promotionStacks
  const permission = 'definitions.read'
  return [
    route({
      method: 'get',
      path: '/v1/promotions/stacks',
      summary: 'List the promotion stacks of all campaigns',
      tag,
      permission,
      query: v.object(namedListQuery),
      response: listOf('data', PromotionStackObject),
      handler: (call): Promise<Outcome> => {
        const rulebook = services.rulebook.current()
        return pageOfDefinitions(
          services,
          rulebook.entries('promotionStack').values(),
          call,
          { texts: ['name', 'campaign_id'] },
          (entry) => showPromotionStack(entry, rulebook),
        )
      },
    }),
    route({
      method: 'get',
      path: '/v1/promotions/{campaignId}/stacks',
      summary: 'The promotion stacks of a campaign',
      tag,
      permission,
      params: ByPromotion,
      response: listOf('data', PromotionStackObject),
      handler: (call): Outcome => {
        const promotion = findPromotion(services, call.params)
        if (isFailure(promotion)) return promotion
        const rulebook = services.rulebook.current()
        const data = promotionStacksOf(promotion.id, rulebook.definitions).map((entry) =>
          showPromotionStack(rulebook.entries('promotionStack').get(entry.id) ?? entry, rulebook),
        )
        return { body: { object: 'list', data_ref: 'data', data, total: data.length } }
      },
    }),
  ]
}
