// Finding the documents of a statement: a plan, and the first or all matches of it.
import { decode } from './bson.ts'
import type { Collection } from './catalog.ts'
import { badValue, notImplemented } from './errors.ts'
import type { Filter } from './filter.ts'
import type { View } from './overlay.ts'
import { type Plan, plan } from './planner.ts'
import { createScan, type FoundDocument } from './scan.ts'
import { createSorter, type SortFields, sortKey, sortNeeds } from './sort.ts'
import { type Doc, isDoc, type Maybe, type Value } from './values.ts'

/** What can be read, and as of when. */
export interface Source {
  readonly view: View
  readonly asOf: number
}

export interface Query {
  readonly filter: Filter
  readonly sort: SortFields
  readonly hint: string | undefined
}

/** Name of the index that a hint asks for; `$natural` for none. */
export const hintName = (collection: Collection | undefined, hint: Maybe): string | undefined => {
  if (hint === undefined || (isDoc(hint) && hint.size === 0)) return undefined
  if (isDoc(hint) && hint.has('$natural')) return '$natural'
  const wanted = collection?.indexes.find((index) =>
    typeof hint === 'string' ? index.name === hint : isDoc(hint) && sameSpec(index.spec.get('key') as Doc, hint),
  )
  if (!wanted && collection) throw badValue('hint provided does not correspond to an existing index')
  return wanted?.name
}

const sameSpec = (a: Doc, b: Doc): boolean => {
  const [x, y] = [[...a], [...b]]
  return x.length === y.length && x.every(([path, way], i) => path === y[i]![0] && Number(way) === Number(y[i]![1]))
}

/** Only the order of bytes is served. */
export const refuseCollation = (collation: Maybe): void => {
  if (collation === undefined) return
  const locale: Maybe = isDoc(collation) ? collation.get('locale') : undefined
  if (locale !== 'simple' && !(isDoc(collation) && collation.size === 0)) throw notImplemented('a collation')
}

export const planQuery = (collection: Collection, source: Source, { filter, sort, hint }: Query): Plan =>
  plan({ collection, filter, sort, hint, asOf: source.asOf })

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
  const sorter = createSorter<FoundDocument>(1)
  const needs = new Set(sortNeeds(query.sort))
  while (!scan.done)
    for (const found of scan.take(source.view, 100))
      sorter.add(sortKey(query.sort, decode(found.raw, needs)), found, found.raw.length)
  return sorter.finish()[0]
}

/** All matches at once, for statements inside a transaction. */
export const allMatches = (collection: Collection, source: Source, query: Query): FoundDocument[] => {
  const scan = createScan(collection, planQuery(collection, source, query), query.filter)
  const out: FoundDocument[] = []
  while (!scan.done) out.push(...scan.take(source.view, 1000))
  return out
}

/** The value that a filter holds `_id` to: no more than the document with it can match. */
export const idOfFilter = (filter: Doc): Value | undefined => {
  const id = filter.get('_id')
  if (id === undefined || Array.isArray(id)) return undefined
  if (typeof id !== 'object' || id === null) return id
  if (isDoc(id)) return id.keys().next().value?.startsWith('$') ? undefined : id
  return '_bsontype' in id && id._bsontype === 'BSONRegExp' ? undefined : id
}
