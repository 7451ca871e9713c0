// What can be listed: documents of a collection and what is in memory, each in an order of keys and from a place on.
import type { Filter, Keyed, ModelCollection, Sort } from '../../readmodel/index.ts'
import { isBroad } from './broad.ts'

/** What an entry is sorted by; null (never changed, no name) stands before everything else. */
export type SortValue = string | number | Date | null

/** Where an entry stands: its values of all keys of an order. The last key tells entries with equal others apart. */
export type Place = readonly SortValue[]

/** Something that can be listed. `keys` name what to sort by, the last one unique among all entries. */
export interface Source<D> {
  place(entry: D, keys: readonly string[]): Place
  /** At most `limit` entries in order, from behind a place where one is given, leaving out `skip`. */
  read(keys: readonly string[], descending: boolean, from: From, limit: number): Promise<readonly D[]>
  /** The entry that a client names as the last it has seen. */
  named(id: string): Promise<D | null | undefined>
  total(): Promise<number>
}

/** Where a read begins. */
export interface From {
  readonly after?: Place | undefined
  readonly skip: number
}

const at = (entry: unknown, path: string): SortValue => {
  const value = path
    .split('.')
    .reduce<unknown>((inner, name) => (inner as Readonly<Record<string, unknown>> | null)?.[name], entry)
  return value instanceof Date || typeof value === 'string' || typeof value === 'number' ? value : null
}

/** Documents behind a place: equal in the first keys and further in the next, for each key. */
const behind = (keys: readonly string[], descending: boolean, place: Place): Record<string, unknown> => {
  const way = descending ? '$lt' : '$gt'
  const branches = keys.flatMap((key, i): Record<string, unknown>[] => {
    const equal = Object.fromEntries(keys.slice(0, i).map((name, j) => [name, place[j]]))
    const value = place[i] ?? null
    // Comparisons leave null out.
    if (value === null) return descending ? [] : [{ ...equal, [key]: { $ne: null } }]
    const further = { ...equal, [key]: { [way]: value } }
    return descending && i < keys.length - 1 ? [further, { ...equal, [key]: null }] : [further]
  })
  return branches.length === 1 ? branches[0]! : { $or: branches }
}

/** The documents of a collection that fulfil a filter. */
export const documents = <D extends Keyed>(
  collection: ModelCollection<D>,
  filter: Record<string, unknown>,
  {
    named = (id) => ({ _id: id }),
    total = () => collection.count(filter as Filter<D>, isBroad(filter) ? { isBroad: true } : undefined),
  }: { named?: (id: string) => Record<string, unknown>; total?: () => Promise<number> } = {},
): Source<D> => ({
  place: (entry, keys) => keys.map((key) => at(entry, key)),
  async read(keys, descending, { after, skip }, limit) {
    const place = after ? behind(keys, descending, after) : {}
    const asked =
      Object.keys(place).length === 0 ? filter : Object.keys(filter).length === 0 ? place : { $and: [filter, place] }
    const sort = Object.fromEntries(keys.map((key) => [key, descending ? -1 : 1])) as Sort
    const options = { sort, skip, limit, ...(isBroad(filter) ? { isBroad: true } : {}) }
    return (await collection.find(asked as Filter<D>, options)) as unknown as readonly D[]
  },
  named: async (id) => (await collection.findOne(named(id) as Filter<D>)) as unknown as D | null,
  total,
})

const compared = (a: SortValue, b: SortValue): number => {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null)
  const [left, right] = [a instanceof Date ? a.getTime() : a, b instanceof Date ? b.getTime() : b]
  return left < right ? -1 : left > right ? 1 : 0
}

const comparedPlaces = (a: Place, b: Place): number => {
  for (const [i, value] of a.entries()) {
    const difference = compared(value, b[i] ?? null)
    if (difference !== 0) return difference
  }
  return 0
}

/** What is in memory: definitions, and small lists of one document. `keyValue` gives the value of a key. */
export const inMemory = <D>(
  entries: readonly D[],
  keyValue: (entry: D, key: string) => SortValue,
  idOf: (entry: D) => string,
): Source<D> => {
  const place = (entry: D, keys: readonly string[]): Place => keys.map((key) => keyValue(entry, key))
  return {
    place,
    async read(keys, descending, { after, skip }, limit) {
      const sign = descending ? -1 : 1
      return entries
        .map((entry) => ({ entry, place: place(entry, keys) }))
        .filter((one) => after === undefined || sign * comparedPlaces(one.place, after) > 0)
        .sort((a, b) => sign * comparedPlaces(a.place, b.place))
        .slice(skip, skip + limit)
        .map(({ entry }) => entry)
    },
    named: async (id) => entries.find((entry) => idOf(entry) === id),
    total: async () => entries.length,
  }
}
