// Sorting: a sort specification, the key a document sorts by, and bounded sorting in memory.
import { RANK_NULL } from './compare.ts'
import { badValue, CommandError, notImplemented } from './errors.ts'
import { type IndexField, indexValues } from './indexes.ts'
import { EMPTY_ARRAY, EMPTY_KEY, inverted, type Key, partKey } from './keys.ts'
import type { Memory } from './memory.ts'
import { compareNumbers } from './numbers.ts'
import { type Doc, isDoc, isNumber } from './values.ts'

export type SortFields = readonly IndexField[]

/** Reads `{ field: 1 | -1, … }`. */
export const parseSort = (sort: Doc | undefined): SortFields =>
  [...(sort ?? [])].map(([path, direction]) => {
    if (isDoc(direction)) throw notImplemented('sorting by $meta')
    if (!isNumber(direction)) throw new CommandError(15974, `Illegal key in $sort specification: ${path}`)
    if (path === '') throw new CommandError(40352, 'FieldPath cannot be constructed with empty string')
    const parts = path.split('.')
    if (parts.some((part) => part === ''))
      throw new CommandError(15998, 'FieldPath field names may not be empty strings')
    if (path.startsWith('$')) throw new CommandError(16410, "FieldPath field names may not start with '$'")
    const descending = compareNumbers(direction, -1) === 0
    if (!descending && compareNumbers(direction, 1) !== 0)
      throw new CommandError(15975, '$sort key ordering must be 1 (for ascending) or -1 (for descending)')
    return { path, parts, descending }
  })

/** An empty array as a stage of a pipeline sorts it: after null, where a find puts it before. */
export const EMPTY_IN_PIPELINE: Key = String.fromCharCode(RANK_NULL + 1)

/** The bytes a document sorts by: of several values of an array the first in the order asked for. */
export const sortKey = (fields: SortFields, doc: Doc, emptyArray = EMPTY_KEY): Key => {
  let least: Key | undefined
  let combined: ReturnType<typeof indexValues>
  try {
    combined = indexValues(fields, doc, { arrays: 0 })
  } catch {
    throw badValue('cannot sort with keys that are parallel arrays')
  }
  for (const values of combined) {
    let key = ''
    for (let i = 0; i < fields.length; i += 1) {
      const part = values[i] ?? null
      const { descending } = fields[i]!
      if (part === EMPTY_ARRAY) key += descending ? inverted(emptyArray) : emptyArray
      else key += partKey(part, descending)
    }
    if (least === undefined || key < least) least = key
  }
  return least ?? ''
}

/** The fields of documents that a sort looks at. */
export const sortNeeds = (fields: SortFields): readonly string[] => fields.map((f) => f.parts[0]!)

export interface Sorter<T> {
  /** `size` is what the item takes, in bytes. Throws 292 when the query holds too much. */
  add(key: Key, item: T, size: number): void
  /** What was added, in order and in chunks; of equal keys the one added first comes first. */
  finish(): Generator<readonly T[], void, undefined>
}

interface Sortable<T> {
  readonly key: Key
  readonly order: number
  readonly item: T
  readonly size: number
}

/** Items that one chunk of the answer has. */
const CHUNK = 256
/** What an item takes beside itself and its key. */
const ITEM_BYTES = 120

/** Sorts what is added, keeping the first `limit` only. */
export const createSorter = <T>(memory: Memory, limit = Number.POSITIVE_INFINITY): Sorter<T> => {
  let held: Sortable<T>[] = []
  let count = 0
  const shrink = (): void => {
    held.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.order - b.order))
    if (held.length <= limit) return
    let dropped = 0
    for (let i = limit; i < held.length; i += 1) dropped += held[i]!.size
    memory.hold(-dropped)
    held = held.slice(0, limit)
  }
  return {
    add: (key, item, itemSize) => {
      const size = itemSize + key.length + ITEM_BYTES
      if (held.length >= limit * 2 + 64) shrink()
      try {
        memory.hold(size)
      } catch (error) {
        if (held.length <= limit) throw error
        shrink()
        memory.hold(size)
      }
      held.push({ key, order: count, item, size })
      count += 1
    },
    finish: function* () {
      shrink()
      for (let at = 0; at < held.length; at += CHUNK) {
        const chunk = held.slice(at, at + CHUNK)
        for (let i = at; i < at + chunk.length; i += 1) held[i] = undefined as never
        yield chunk.map(({ item }) => item)
        memory.hold(-chunk.reduce((sum, { size }) => sum + size, 0))
      }
    },
  }
}
