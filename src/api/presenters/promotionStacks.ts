// How promotion stacks show.
import * as v from 'valibot'
import type { Entry } from '../../domain/rulebook/kind.ts'
import type { PromotionStack } from '../../domain/rulebook/promotionStack.ts'
import type { Rulebook } from '../../domain/rulebook/rulebook.ts'
import { CategoryObject, showCategories } from './categories.ts'
import { recordOf } from './parts.ts'

export const PromotionStackObject = v.pipe(
  v.object({
    id: v.string(),
    name: v.string(),
    tiers: v.object({ ids: v.array(v.string()), hierarchy_mode: v.literal('MANUAL') }),
    campaign_id: v.string(),
    category_id: v.nullable(v.string()),
    categories: v.array(CategoryObject),
    created_at: v.string(),
    updated_at: v.optional(v.string()),
    switched_off: v.optional(v.string()),
    object: v.literal('promotion_stack'),
  }),
  v.title('PromotionStack'),
)

export const showPromotionStack = (entry: Entry<PromotionStack>, { definitions }: Pick<Rulebook, 'definitions'>) => {
  const { name, tiers, campaign_id, category_id } = entry.definition
  return {
    id: entry.id,
    name,
    tiers,
    campaign_id,
    category_id: category_id ?? null,
    categories: showCategories(definitions, entry.definition),
    ...recordOf(entry),
    object: 'promotion_stack' as const,
  }
}
