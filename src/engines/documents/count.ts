// Matches of which nothing is wanted but how many there are, found along keys alone: no document is read for them.
import type { Collection } from './catalog.ts'
import type { Filter } from './filter.ts'
import type { Index } from './indexes.ts'
import type { Key } from './keys.ts'
import type { Space } from './overlay.ts'
import type { KeyRange, Plan } from './planner.ts'
import type { FoundDocument, Scan } from './scan.ts'
import { BSONRegExp, isArray, isDoc, MaxKey, MinKey, type Value } from './values.ts'

/** Keys of which there is one for each match. */
export interface Counted {
  readonly space: Space
  readonly range: KeyRange
}

const NUMERIC = /^\d+$/
/** Longer values may have been cut in an index, so that an entry may be of another one. */
const LONGEST = 800

/** A value that what is equal to it is found by one key: none that stands for missing, for elements or for a pattern. */
const isPlain = (value: Value): boolean =>
  value !== null &&
  !isArray(value) &&
  !isDoc(value) &&
  !(value instanceof BSONRegExp) &&
  !(value instanceof MinKey) &&
  !(value instanceof MaxKey)

/** Whether entries that have these values of an index's first fields are as many as the documents that have them. */
const isOneEach = ({ cut, fields, multikey }: Index, conditions: Filter['conditions']): boolean =>
  !cut &&
  conditions.length <= fields.length &&
  // An array beside the value has entries of its own, each with that value.
  (fields.length === 1 || !multikey) &&
  conditions.every(({ op }) => op === 'eq') &&
  fields
    .slice(0, conditions.length)
    .every(
      ({ path, parts }) => conditions.some((one) => one.path === path) && !parts.some((part) => NUMERIC.test(part)),
    )

/** An index that has one entry for each document, whichever they are; of another one some may be missing, or there be more. */
const wholeIndex = ({ indexes }: Collection, asOf: number): Index | undefined =>
  indexes.find(
    ({ primary, sparse, partial, multikey, building, readySince }) =>
      !primary && !sparse && partial === undefined && !multikey && !building && readySince <= asOf,
  )

/**
 * The keys that are as many as there are matches: of the whole collection, or of one value of each of the first fields of an index
 * that has one entry of them for each document. Undefined where documents have to be looked at.
 */
export const countedBy = (
  collection: Collection,
  { index, ranges, ordered }: Plan,
  filter: Filter,
  asOf: number,
): Counted | undefined => {
  const [range] = ranges
  if (range === undefined || ranges.length > 1 || !filter.complete || filter.alternatives.length > 0) return undefined
  const { conditions } = filter
  if (conditions.length === 0) {
    if (index !== undefined || ordered) return undefined
    // Entries lie closer together than documents.
    return { space: wholeIndex(collection, asOf)?.space ?? collection.space, range }
  }
  if (index === undefined || range.from.length > LONGEST || !isOneEach(index, conditions)) return undefined
  return conditions.every((one) => one.op === 'eq' && isPlain(one.value)) ? { space: index.space, range } : undefined
}

/** Stands for a document that nobody looks at. */
const UNSEEN: FoundDocument = { key: '', raw: Buffer.alloc(0) }

/** Counts in slices of at most so many keys as are asked for, as a scan whose matches are not to be looked at. */
export const createCount = ({ space, range }: Counted): Scan => {
  let from: Key = range.from
  let done = false
  let keys = 0
  return {
    take: (view, max) => {
      // The store passes over keys by itself, many times faster than each is handed out.
      const next = view.keyBehind(space, from, range.to, max)
      if (next === undefined) done = true
      else from = next
      const found = next === undefined ? [...view.keys(space, from, range.to)].length : max
      keys += found
      return Array<FoundDocument>(found).fill(UNSEEN)
    },
    get done() {
      return done
    },
    get keys() {
      return keys
    },
    documents: 0,
  }
}
