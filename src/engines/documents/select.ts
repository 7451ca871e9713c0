// Finding the documents of a statement: a plan, and the first or all matches of it.
import { decode } from './bson.ts'
import type { Collection } from './catalog.ts'
import { badValue } from './errors.ts'
import type { Filter } from './filter.ts'
import { createMemory } from './memory.ts'
import { toDouble } from './numbers.ts'
import type { View } from './overlay.ts'
import { type Between, type Hint, type Plan, plan } from './planner.ts'
import { createScan, type FoundDocument } from './scan.ts'
import { createSorter, type SortFields, sortKey, sortNeeds } from './sort.ts'
import { type Doc, isDoc, isNumber, type Maybe, type Value } from './values.ts'

/** What can be read, and as of when. */
export interface Source {
  readonly view: View
  readonly asOf: number
}

export interface Query {
  readonly filter: Filter
  readonly sort: SortFields
  /** As the command gives it. */
  readonly hint: Maybe
  readonly between?: Between | undefined
}

/** What a hint asks for. One for an index that is not there, or not to be used, is refused where there is a collection. */
const hintOf = (collection: Collection, hint: Maybe, asOf: number): Hint | undefined => {
  if (hint === undefined || (isDoc(hint) && hint.size === 0)) return undefined
  if (isDoc(hint) && hint.has('$natural')) return { natural: naturalOf(hint) }
  const index = collection.indexes.find(({ name, spec }) =>
    typeof hint === 'string' ? name === hint : isDoc(hint) && sameSpec(spec.get('key') as Doc, hint),
  )
  if (!index || index.hidden || index.building || index.readySince > asOf)
    throw badValue('hint provided does not correspond to an existing index')
  return { index }
}

/** The direction of `{ $natural: 1 }`, as a hint or as an order. */
export const naturalOf = (doc: Doc): 1 | -1 => {
  const way = doc.get('$natural')
  const direction = isNumber(way) ? toDouble(way) : 0
  if (doc.size !== 1 || (direction !== 1 && direction !== -1)) throw badValue('$natural must be 1 or -1, and alone')
  return direction
}

const sameSpec = (a: Doc, b: Doc): boolean => {
  const [x, y] = [[...a], [...b]]
  return x.length === y.length && x.every(([path, way], i) => path === y[i]![0] && Number(way) === Number(y[i]![1]))
}

export const planQuery = (collection: Collection, source: Source, query: Query): Plan =>
  plan({ ...query, collection, hint: hintOf(collection, query.hint, source.asOf), asOf: source.asOf })

/** The first match in the order asked for. */
export const firstMatch = (collection: Collection, source: Source, query: Query): FoundDocument | undefined => {
  const chosen = planQuery(collection, source, query)
  const scan = createScan(collection, chosen, query.filter)
  if (chosen.sorted) {
    while (!scan.done) {
      const [found] = scan.take(source.view, 1)
      if (found) return found
    }
    return undefined
  }
  const memory = createMemory()
  const sorter = createSorter<FoundDocument>(memory, 1)
  const needs = new Set(sortNeeds(query.sort))
  while (!scan.done)
    for (const found of scan.take(source.view, 100))
      sorter.add(sortKey(query.sort, decode(found.raw, needs)), found, found.raw.length)
  const [first] = sorter.finish()
  memory.free()
  return first?.[0]
}

/** All matches at once, for statements inside a transaction. Throws 292 when they are more than a query may hold. */
export const allMatches = (collection: Collection, source: Source, query: Query): FoundDocument[] => {
  const scan = createScan(collection, planQuery(collection, source, query), query.filter)
  const memory = createMemory()
  const out: FoundDocument[] = []
  try {
    while (!scan.done)
      for (const found of scan.take(source.view, 1000)) {
        memory.hold(found.raw.length + found.key.length + 100)
        out.push(found)
      }
    return out
  } finally {
    memory.free()
  }
}

/** The value that a filter holds `_id` to: no more than the document with it can match. */
export const idOfFilter = (filter: Doc): Value | undefined => {
  const id = filter.get('_id')
  if (id === undefined || Array.isArray(id)) return undefined
  if (typeof id !== 'object' || id === null) return id
  if (isDoc(id)) return id.keys().next().value?.startsWith('$') ? undefined : id
  return '_bsontype' in id && id._bsontype === 'BSONRegExp' ? undefined : id
}
