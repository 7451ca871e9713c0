// How categories show, by themselves and with what is in them.
import * as v from 'valibot'
import { present } from '../../domain/present.ts'
import { type Category, categoryOf } from '../../domain/rulebook/category.ts'
import type { Definitions, Entry } from '../../domain/rulebook/kind.ts'
import { isoOf, isoOrNull, offOf } from '../shapes.ts'

export const CategoryObject = v.pipe(
  v.object({
    id: v.string(),
    name: v.string(),
    hierarchy: v.number(),
    created_at: v.string(),
    updated_at: v.optional(v.string()),
    switched_off: v.optional(v.string()),
    object: v.literal('category'),
  }),
  v.title('Category'),
)

export const showCategory = (entry: Entry<Category>) => ({
  id: entry.id,
  ...entry.definition,
  created_at: isoOf(entry.createdAt),
  ...present({ updated_at: isoOrNull(entry.updatedAt) }),
  ...offOf(entry),
  object: 'category' as const,
})

interface Categorised {
  readonly category_id?: string | null
}

/** The categories of something, its own or else its campaign's, as a list: there is at most one. */
export const showCategories = (all: Definitions, own: Categorised, campaign?: Categorised) => {
  const entry = categoryOf(all, { category_id: own.category_id ?? campaign?.category_id ?? null })
  return entry ? [showCategory(entry)] : []
}
