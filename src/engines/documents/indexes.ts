// Index entries: which keys a document has in an index, arrays and nested paths included, as the server makes them.
import { CommandError } from './errors.ts'
import type { Filter } from './filter.ts'
import { bounded, EMPTY_ARRAY, isCut, type Key, type KeyPart, partKey } from './keys.ts'
import type { Space } from './overlay.ts'
import { type Doc, isArray, isDoc, type Maybe, type Value } from './values.ts'

export interface IndexField {
  readonly path: string
  readonly parts: readonly string[]
  readonly descending: boolean
}

export interface Index {
  readonly space: Space
  readonly name: string
  readonly fields: readonly IndexField[]
  /** The `_id` index: it has no entries of its own, documents are kept in its order. */
  readonly primary: boolean
  readonly unique: boolean
  readonly sparse: boolean
  /** Kept up to date, not used by the planner. */
  readonly hidden: boolean
  /** The specification as it is listed. */
  readonly spec: Doc
  /** Which documents belong into a partial index. */
  readonly partial: Filter | undefined
  readonly expireAfterSeconds: number | undefined
  /** Own fields of a document that its entries depend on. */
  readonly needs: ReadonlySet<string>
  /** Transactions whose snapshot is older than this commit do not use it. */
  readonly readySince: number
  /** Still being filled: kept up to date by writes, not yet used by reads. */
  readonly building: boolean
  /** Some document has several entries; set for good once seen. */
  multikey: boolean
  /** The fields, as bits by their place, in which some document has an array; of an index of an older program all. */
  arrays: number
  /** Some key was too long and cut, so the order of entries is no longer that of values. */
  cut: boolean
  /** The two flags as they stand on disk. */
  savedFlags: number
}

export const flagsOf = (index: Pick<Index, 'multikey' | 'cut' | 'arrays'>): number =>
  (index.multikey ? 1 : 0) + (index.cut ? 2 : 0) + 4 * index.arrays

const NUMERIC = /^(0|[1-9]\d*)$/

/** One field's way into a document: the value reached so far and what is left of the path. */
interface Reached {
  readonly value: Maybe
  readonly rest: readonly string[]
  /** An array reached by its position is a value like any other, not a list of values. */
  readonly whole?: boolean
}

const descend = ({ value, rest, whole }: Reached): Reached => {
  let current = value
  let at = 0
  let fixed = whole
  while (at < rest.length) {
    if (isDoc(current)) current = current.get(rest[at]!)
    else if (isArray(current) && NUMERIC.test(rest[at]!) && Number(rest[at]) < current.length) {
      current = current[Number(rest[at])]
      fixed = at === rest.length - 1
    } else if (isArray(current)) break
    else return { value: undefined, rest: [] }
    at += 1
  }
  return { value: current, rest: at === 0 ? rest : rest.slice(at), ...(fixed && { whole: true }) }
}

const expands = (reached: Reached): boolean => isArray(reached.value) && reached.whole !== true

/** Every combination of values of the fields, one array opened at a time; two different arrays at once are refused. */
const combinations = (
  fields: readonly Reached[],
  seen: { arrays: number },
): (readonly Maybe[] | readonly KeyPart[])[] => {
  const reached = fields.map(descend)
  const arrays = new Set(reached.filter(expands).map((r) => r.value))
  if (arrays.size === 0) return [reached.map((r) => (r.rest.length > 0 ? undefined : r.value))]
  if (arrays.size > 1) throw new CommandError(171, 'cannot index parallel arrays')
  for (const [i, one] of reached.entries()) if (expands(one)) seen.arrays |= 1 << i
  const [array] = arrays as Set<readonly Value[]>
  if (array!.length === 0)
    return [reached.map((r) => (!expands(r) ? r.value : r.rest.length > 0 ? null : EMPTY_ARRAY)) as readonly KeyPart[]]
  return array!.flatMap((element) =>
    combinations(
      reached.map((r) => {
        if (!expands(r)) return r
        if (r.rest.length === 0) return { value: element, rest: [], whole: true }
        return isDoc(element) ? { value: element, rest: r.rest } : { value: undefined, rest: [] }
      }),
      seen,
    ),
  )
}

/** The values a document has in an index; an empty list when it has no entry. `undefined` stands for missing. */
export const indexValues = (fields: readonly IndexField[], doc: Doc, seen: { arrays: number }) =>
  combinations(
    fields.map(({ parts }) => ({ value: doc, rest: parts })),
    seen,
  )

/** The keys of a document's entries, without the document's own key. Sets the index's `multikey` and `cut`. */
export const indexKeys = (index: Index, doc: Doc): readonly Key[] => {
  if (index.partial && !index.partial.matches(doc)) return []
  const { fields } = index
  if (fields.length === 1 && fields[0]!.parts.length === 1) {
    const value = doc.get(fields[0]!.path)
    if (!isArray(value)) {
      if (value === undefined && index.sparse) return []
      return [finish(index, partKey(value ?? null, fields[0]!.descending))]
    }
  }
  const seen = { arrays: 0 }
  const keys = new Set<Key>()
  for (const values of indexValues(fields, doc, seen)) {
    if (index.sparse && values.every((value) => value === undefined)) continue
    let key = ''
    for (let i = 0; i < values.length; i += 1) key += partKey(values[i] ?? null, fields[i]!.descending)
    keys.add(finish(index, key))
  }
  if (seen.arrays !== 0) {
    index.multikey = true
    index.arrays |= seen.arrays
  }
  return [...keys]
}

const finish = (index: Index, key: Key): Key => {
  const fitting = bounded(key)
  if (isCut(fitting)) index.cut = true
  return fitting
}

/** The key of an entry: a unique index has one entry a value, others one for each value and document. */
export const entryKey = (index: Index, key: Key, id: Key): Key => (index.unique ? key : key + id)

/** The values of a duplicate, for the error that names it: `{ field: value }` of the key that is taken. */
export const valuesOfKey = (index: Index, doc: Doc, key: Key): Record<string, Value> => {
  for (const values of indexValues(index.fields, doc, { arrays: 0 })) {
    const own = values.reduce<Key>((text, v, i) => text + partKey(v ?? null, index.fields[i]!.descending), '')
    if (bounded(own) === key)
      return Object.fromEntries(
        index.fields.map((f, i) => [f.path, values[i] === EMPTY_ARRAY ? [] : ((values[i] as Maybe) ?? null)]),
      )
  }
  return {}
}
