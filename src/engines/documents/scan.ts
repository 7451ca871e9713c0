// Reading documents that match: along a plan, in slices, so that a long read neither blocks others nor holds a snapshot.
import { decode } from './bson.ts'
import type { Collection } from './catalog.ts'
import type { Filter, Found } from './filter.ts'
import type { Key } from './keys.ts'
import type { View } from './overlay.ts'
import type { Plan } from './planner.ts'

export interface FoundDocument {
  readonly key: Key
  readonly raw: Buffer
  /** Key of the index's entry that led to it, where that is asked for. */
  readonly entry?: Key
}

export interface Scan {
  /** The next matches: at most `max`, fewer when the time slice is over or they are large. */
  take(view: View, max: number): FoundDocument[]
  readonly done: boolean
  /** Entries of the index, or of the collection, that were read, and documents that were looked at. */
  readonly keys: number
  readonly documents: number
}

/** How long one slice of a scan may keep the event loop, in milliseconds. */
const SLICE_MS = 8
/** About how many bytes of documents one slice gives. */
const SLICE_BYTES = 2 * 1024 * 1024
const CHECK_EVERY = 64

/** Own fields of a document that a filter looks at; `undefined` for all of them. */
const filterNeeds = (filter: Filter): ReadonlySet<string> | undefined =>
  filter.paths && new Set([...filter.paths].map((path) => path.split('.')[0]!))

/** A test of raw documents that decodes no more than the filter needs. */
export const rawTest = (filter: Filter): ((raw: Buffer, found?: Found) => boolean) => {
  const needs = filterNeeds(filter)
  if (needs?.size === 0) return () => true
  return (raw, found) => filter.matches(decode(raw, needs), found)
}

/** A scan that goes on where its last slice ended, whatever was written in between. */
export const createScan = (collection: Collection, plan: Plan, filter: Filter, entries = false): Scan => {
  const matches = rawTest(filter)
  const { index, ranges, reverse } = plan
  const ordered = reverse ? [...ranges].reverse() : ranges
  const seen = index?.multikey ? new Set<Key>() : undefined
  let range = 0
  /** The last entry read of the current range; the next slice begins after it. */
  let last: Key | undefined
  let keys = 0
  let documents = 0

  const bounds = (): readonly [Key, Key | undefined] => {
    const { from, to } = ordered[range]!
    if (last === undefined) return [from, to]
    return reverse ? [from, last] : [`${last}\0`, to]
  }

  const fetch = (view: View, key: Key, value: Buffer): FoundDocument | undefined => {
    if (index === undefined) return { key, raw: value }
    const id = value.toString('latin1')
    if (seen?.has(id)) return undefined
    const raw = view.get(collection.space, id)
    return raw && (entries ? { key: id, raw, entry: key } : { key: id, raw })
  }

  return {
    take: (view, max) => {
      const out: FoundDocument[] = []
      let bytes = 0
      const until = performance.now() + SLICE_MS
      while (range < ordered.length) {
        const [from, to] = bounds()
        for (const [key, value] of view.range(index?.space ?? collection.space, from, to, reverse)) {
          last = key
          keys += 1
          const found = fetch(view, key, value)
          if (found) documents += 1
          if (found && matches(found.raw)) {
            seen?.add(found.key)
            out.push(found)
            bytes += found.raw.length
            if (out.length >= max || bytes >= SLICE_BYTES) return out
          }
          if (keys % CHECK_EVERY === 0 && performance.now() > until) return out
        }
        range += 1
        last = undefined
      }
      return out
    },
    get done() {
      return range >= ordered.length
    },
    get keys() {
      return keys
    },
    get documents() {
      return documents
    },
  }
}

/** Gives others their turn. */
export const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
