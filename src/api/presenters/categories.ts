// How categories show, by themselves and with what is in them.
import { Category, categoryOf } from '../../domain/rulebook/category.ts'
import type { Definitions } from '../../domain/rulebook/kind.ts'
import { shownAs } from './parts.ts'

export const { response: CategoryObject, show: showCategory } = shownAs('category', 'Category', Category.entries)

interface Categorised {
  readonly category_id?: string | null
}

/** The categories of something, its own or else its campaign's, as a list: there is at most one. */
export const showCategories = (all: Definitions, own: Categorised, campaign?: Categorised) => {
  const entry = categoryOf(all, { category_id: own.category_id ?? campaign?.category_id ?? null })
  return entry ? [showCategory(entry)] : []
}
