// Promotion stacks: tiers of one promotion that are redeemed together.
import * as v from 'valibot'
import { PromotionStack } from '../../domain/rulebook/promotionStack.ts'
import { PromotionStackObject, showPromotionStack } from '../presenters/promotionStacks.ts'
import { partOf } from './part.ts'
import { asWhole, definitionResource, recorded } from './resource.ts'

const { campaign_id: _, ...fields } = PromotionStack.entries
const SHOWN = ['campaign_id', 'categories']
export const StackBody = v.pipe(v.object(fields), recorded(...SHOWN), v.title('PromotionStackBody'))
const StackPatch = v.pipe(v.partial(v.object(fields)), recorded(...SHOWN))

export const promotionStacks = definitionResource('promotionStack', {
  path: '/v1/promotions/{campaignId}/stacks',
  param: 'stackId',
  tag: 'Promotions',
  one: 'a promotion stack',
  many: 'promotion stacks',
  patch: StackPatch,
  response: PromotionStackObject,
  show: (entry, { rulebook }) => showPromotionStack(entry, rulebook),
  describe: { remove: 'Its tiers stay.' },
  find: partOf('PROMOTION', 'promotionStack', { param: 'stackId', owner: (stack) => stack.campaign_id }),
  patched: ({ definition }, patch) => asWhole(PromotionStack, { ...definition, ...patch }),
  // Of one campaign, and of all.
  own: ['list'],
})
