// Categories: what campaigns and vouchers are sorted into, in an order of their own.

import * as v from 'valibot'
import { name300 } from '../name.ts'
import type { Definitions, Entry, Fault, Kind, Reference } from './kind.ts'

/** No shop sorts its campaigns into more levels. */
const MAX_HIERARCHY = 1_000_000

export const Category = v.object({
  name: name300,
  /** The lower, the earlier; several may have the same. */
  hierarchy: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_HIERARCHY)),
})
export type Category = v.InferOutput<typeof Category>

export const categoryKind: Kind<Category> = {
  fact: 'Category',
  prefix: 'cat',
  resource: 'category',
  schema: Category,
  uniqueName: ({ name }) => name,
  check: () => [],
  uses: () => [],
}

/** What is in a category, or in none. */
interface Categorised {
  readonly category_id?: string | null
}

/** The category of something; undefined when it is in none, or in one that is gone. */
export const categoryOf = (all: Definitions, { category_id: id }: Categorised): Entry<Category> | undefined =>
  typeof id === 'string'
    ? (all.entries.category as ReadonlyMap<string, Entry<Category>> | undefined)?.get(id)
    : undefined

/** The fault of being put into a category that there is not. */
export const categoryFaults = (categorised: Categorised, all: Definitions): readonly Fault[] =>
  typeof categorised.category_id === 'string' && !categoryOf(all, categorised)
    ? [{ path: 'category_id', message: `must name a category: there is no ${categorised.category_id}` }]
    : []

export const categoryUses = ({ category_id: id }: Categorised): readonly Reference[] =>
  typeof id === 'string' ? [{ kind: 'category', id }] : []
