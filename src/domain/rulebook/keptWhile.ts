// What is worked out of one definition beside all others, kept for as long as nothing that it was worked out of has changed.
import type { Definitions, Entry } from './kind.ts'

/** One look at the other definitions: asked again, does it still give what it gave? */
type StillSo = (all: Definitions) => boolean

const NONE: ReadonlyMap<string, Entry<unknown>> = new Map<string, Entry<unknown>>()

const kindIn = (all: Definitions, kind: string): ReadonlyMap<string, Entry<unknown>> => all.entries[kind] ?? NONE

const byName = new WeakMap<object, ReadonlyMap<string, Entry<unknown>>>()

/** The definitions of a kind that has a `name`, by it; made once for as long as none of the kind changes. */
export const namedIn = <D extends { readonly name: string }>(
  all: Definitions,
  kind: string,
): ReadonlyMap<string, Entry<D>> => {
  const entries = kindIn(all, kind)
  const known = byName.get(entries) as ReadonlyMap<string, Entry<D>> | undefined
  if (known) return known
  const made = new Map<string, Entry<D>>()
  // As a search in order would find it: of two with one name, which only older data has, the first.
  for (const entry of entries.values() as Iterable<Entry<D>>) {
    const { name } = entry.definition
    if (!made.has(name)) made.set(name, entry)
  }
  byName.set(entries, made)
  return made
}

/** A map that tells which of its keys were asked for, or that it was asked for all of them. */
const watchedMap = <V>(
  map: ReadonlyMap<string, V>,
  one: (key: string) => void,
  every: () => void,
): ReadonlyMap<string, V> => {
  const all = (): ReadonlyMap<string, V> => {
    every()
    return map
  }
  return {
    get(key) {
      one(key)
      return map.get(key)
    },
    has(key) {
      one(key)
      return map.has(key)
    },
    get size() {
      return all().size
    },
    forEach: (each) => all().forEach(each),
    entries: () => all().entries(),
    keys: () => all().keys(),
    values: () => all().values(),
    [Symbol.iterator]: () => all()[Symbol.iterator](),
  }
}

/** The definitions as `read` sees them, with every look written down once in `looks`. */
const watched = (all: Definitions, looks: Map<string, StillSo>): Definitions => {
  const watch = (what: string, of: (all: Definitions) => ReadonlyMap<string, Entry<unknown>>) => {
    const map = of(all)
    return watchedMap(
      map,
      (key) => {
        const seen = map.get(key)
        looks.set(`${what}/${key}`, (now) => of(now).get(key) === seen)
      },
      () => looks.set(what, (now) => of(now) === map),
    )
  }
  const kinds = new Map<string, ReadonlyMap<string, Entry<unknown>>>()
  const entries = new Proxy(all.entries, {
    get: (_, kind: string) => {
      const known = kinds.get(kind)
      if (known) return known
      const map = watch(kind, (of) => kindIn(of, kind))
      byName.set(
        map,
        watch(`${kind} by name`, (of) => namedIn(of, kind)),
      )
      kinds.set(kind, map)
      return map
    },
  })
  return {
    ...all,
    entries,
    get project() {
      // Also since when: what is made of it says so.
      const { timeZone, zoneSince } = all.project ?? {}
      looks.set('zone', ({ project }) => project?.timeZone === timeZone && project?.zoneSince === zoneSince)
      return all.project
    },
  }
}

/**
 * Works something out of a definition beside all others at most once for as long as it, and whatever of the others was looked
 * at for it, stays the same, over all revisions of the rulebook: changing one definition of a thousand costs one and its users.
 * `read` must know the others from its second argument alone.
 */
export const keptWhile = <D, T>(read: (entry: Entry<D>, all: Definitions) => T) => {
  const cache = new WeakMap<Entry<D>, { readonly made: T; readonly looks: readonly StillSo[] }>()
  return (entry: Entry<D>, all: Definitions): T => {
    const known = cache.get(entry)
    if (known?.looks.every((stillSo) => stillSo(all))) return known.made
    const looks = new Map<string, StillSo>()
    const made = read(entry, watched(all, looks))
    cache.set(entry, { made, looks: [...looks.values()] })
    return made
  }
}
