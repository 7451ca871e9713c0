// Changes not yet in the store, and views that show them over what is: of a transaction, or of one write being made ready.
import type { Key } from './keys.ts'

/** A part of the store with its own order of keys: the documents of a collection, the entries of an index, the catalog. */
export type Space = number

export type Entry = readonly [Key, Buffer]

/** What can be read at some moment. */
export interface View {
  get(space: Space, key: Key): Buffer | undefined
  /** Entries from `from` up to, not including, `to` (or the end of the space), in order or in reverse. */
  range(space: Space, from: Key, to: Key | undefined, reverse?: boolean): Iterable<Entry>
  /** The keys alone of such a range. */
  keys(space: Space, from: Key, to: Key | undefined): Iterable<Key>
  /** The key of such a range that has `count` others before it; undefined where there are no more than so many. */
  keyBehind(space: Space, from: Key, to: Key | undefined, count: number): Key | undefined
}

/** New values, `null` for what is removed. */
export interface Overlay {
  get(space: Space, key: Key): Buffer | null | undefined
  put(space: Space, key: Key, value: Buffer | null): void
  readonly size: number
  spaces(): Iterable<readonly [Space, ReadonlyMap<Key, Buffer | null>]>
  /** Changed keys of the range in order; `undefined` when the space is untouched. */
  sorted(space: Space): readonly Key[] | undefined
  /** Marks a point that `rollback` returns to; there is one at a time. */
  mark(): void
  rollback(): void
}

interface Layer {
  readonly values: Map<Key, Buffer | null>
  /** The keys in order, kept once somebody has asked for them. */
  order: Key[] | undefined
}

/** Index of the first key that is not below `key`. */
const lowerBound = (keys: readonly Key[], key: Key): number => {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (keys[middle]! < key) low = middle + 1
    else high = middle
  }
  return low
}

export const createOverlay = (): Overlay => {
  const layers = new Map<Space, Layer>()
  /** What was there before each change since the mark; nothing is kept where nobody marks. */
  let undo: { readonly space: Space; readonly key: Key; readonly before: Buffer | null | undefined }[] | undefined
  let size = 0
  const layerOf = (space: Space): Layer => {
    const known = layers.get(space)
    if (known) return known
    const made: Layer = { values: new Map(), order: undefined }
    layers.set(space, made)
    return made
  }
  return {
    get: (space, key) => layers.get(space)?.values.get(key),
    put: (space, key, value) => {
      const layer = layerOf(space)
      const before = layer.values.get(key)
      undo?.push({ space, key, before })
      if (before === undefined && layer.order) layer.order.splice(lowerBound(layer.order, key), 0, key)
      size += (value?.length ?? 0) - (before?.length ?? 0) + (before === undefined ? key.length : 0)
      layer.values.set(key, value)
    },
    get size() {
      return size
    },
    spaces: function* () {
      for (const [space, layer] of layers) yield [space, layer.values] as const
    },
    sorted: (space) => {
      const layer = layers.get(space)
      if (layer === undefined || layer.values.size === 0) return undefined
      layer.order ??= [...layer.values.keys()].sort((a, b) => (a < b ? -1 : 1))
      return layer.order
    },
    mark: () => {
      if (undo?.length !== 0) undo = []
    },
    rollback: () => {
      for (const { space, key, before } of (undo ?? []).reverse()) {
        const layer = layerOf(space)
        size += (before?.length ?? 0) - (layer.values.get(key)?.length ?? 0) - (before === undefined ? key.length : 0)
        if (before === undefined) {
          layer.values.delete(key)
          layer.order = undefined
        } else layer.values.set(key, before)
      }
      undo = []
    },
  }
}

/** The changed entries of a range. */
const changes = function* (
  overlay: Overlay,
  space: Space,
  keys: readonly Key[],
  from: Key,
  to: Key | undefined,
  reverse: boolean,
): Iterable<readonly [Key, Buffer | null]> {
  const first = lowerBound(keys, from)
  const end = to === undefined ? keys.length : lowerBound(keys, to)
  for (let i = 0; i < end - first; i += 1) {
    const key = keys[reverse ? end - 1 - i : first + i]!
    yield [key, overlay.get(space, key) ?? null]
  }
}

const merge = function* (
  base: Iterable<Entry>,
  changed: Iterable<readonly [Key, Buffer | null]>,
  reverse: boolean,
): Iterable<Entry> {
  const left = base[Symbol.iterator]()
  const right = changed[Symbol.iterator]()
  try {
    let a = left.next()
    let b = right.next()
    while (a.done !== true || b.done !== true) {
      const takeBase =
        b.done === true || (a.done !== true && (reverse ? a.value[0] > b.value[0] : a.value[0] < b.value[0]))
      if (takeBase) {
        yield a.value as Entry
        a = left.next()
        continue
      }
      const [key, value] = (b as IteratorYieldResult<readonly [Key, Buffer | null]>).value
      if (a.done !== true && a.value[0] === key) a = left.next()
      if (value !== null) yield [key, value]
      b = right.next()
    }
  } finally {
    left.return?.()
  }
}

const keysOf = function* (entries: Iterable<Entry>): Iterable<Key> {
  for (const [key] of entries) yield key
}

/** Shows the overlay's changes over the base. */
export const overlaid = (base: View, overlay: Overlay): View => ({
  get: (space, key) => {
    const changed = overlay.get(space, key)
    return changed === undefined ? base.get(space, key) : (changed ?? undefined)
  },
  range: (space, from, to, reverse = false) => {
    const keys = overlay.sorted(space)
    const below = base.range(space, from, to, reverse)
    return keys === undefined ? below : merge(below, changes(overlay, space, keys, from, to, reverse), reverse)
  },
  keys: (space, from, to) => {
    const keys = overlay.sorted(space)
    if (keys === undefined) return base.keys(space, from, to)
    return keysOf(merge(base.range(space, from, to), changes(overlay, space, keys, from, to, false), false))
  },
  keyBehind(space, from, to, count) {
    if (overlay.sorted(space) === undefined) return base.keyBehind(space, from, to, count)
    let left = count
    for (const key of this.keys(space, from, to)) if (left-- === 0) return key
    return undefined
  },
})
