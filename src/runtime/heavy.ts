// A memory of large things that is bounded by bytes as well as by number.
import { LRUCache } from 'lru-cache'
import { sizeOf } from '../domain/size.ts'

/** What an entry costs beside its value; and objects take several times what they are as JSON, which plain text does not. */
const ENTRY_BYTES = 500
const PER_BYTE = 3

interface Weighed<V> {
  readonly value: V
  /** Bytes when it was last gone through, those of plain text included. */
  readonly measured: number
  readonly plain: number
  /** What was said to have come since. */
  readonly grown: number
}

export interface HeavyCache<V> {
  get(key: string): V | undefined
  peek(key: string): V | undefined
  has(key: string): boolean
  /** `grown`: how many bytes of JSON the value has at most more than the one before under this key; a new one is gone through. */
  set(key: string, value: V, grown: number): void
  delete(key: string): void
  clear(): void
  readonly size: number
  /** Bytes of JSON that an entry had when it was last gone through; 0 when it is not there. */
  weightOf(key: string): number
  /** All of them, those asked for last first, with the bytes of JSON that each is taken to have. */
  entries(): Iterable<readonly [key: string, value: V, bytes: number]>
  /** Bytes that all entries are taken to have. */
  readonly bytes: number
}

export interface HeavyOptions<V> {
  readonly maxEntries: number
  readonly maxBytes: number
  /** What of a value is gone through: plain values. */
  readonly weighs: (value: V) => unknown
  /** Bytes of what else it holds as plain text; 0 when not given. */
  readonly plain?: (value: V) => number
  /** Told of each entry that has to make room for others, with the bytes of JSON that it is taken to have. */
  readonly onEvicted?: (key: string, value: V, bytes: number) => void
}

/**
 * Entries that were not asked for the longest go first. An entry is gone through again only when it may have grown by half: what
 * that costs stays in proportion to what came.
 */
export const createHeavyCache = <V>({
  maxEntries,
  maxBytes,
  weighs,
  plain: plainOf = () => 0,
  onEvicted,
}: HeavyOptions<V>): HeavyCache<V> => {
  const cache = new LRUCache<string, Weighed<V>>({
    max: maxEntries,
    maxSize: maxBytes,
    ...(onEvicted
      ? {
          dispose({ value, measured, grown }, key, reason) {
            if (reason === 'evict') onEvicted(key, value, measured + grown)
          },
        }
      : {}),
  })
  const weigh = (value: V, before: Weighed<V> | undefined, grown: number): Weighed<V> => {
    const since = (before?.grown ?? 0) + grown
    if (before && since <= Math.max(4_096, before.measured / 2)) return { ...before, value, grown: since }
    const plain = plainOf(value)
    return { value, measured: sizeOf(weighs(value)).bytes + plain, plain, grown: 0 }
  }
  return {
    get: (key) => cache.get(key)?.value,
    peek: (key) => cache.peek(key)?.value,
    has: (key) => cache.has(key),
    set(key, value, grown) {
      const weighed = weigh(value, cache.peek(key), grown)
      const size = ENTRY_BYTES + PER_BYTE * (weighed.measured - weighed.plain + weighed.grown) + weighed.plain
      // One that is larger than the whole memory is not kept, nor what it was before.
      if (size > maxBytes) cache.delete(key)
      else cache.set(key, weighed, { size })
    },
    delete: (key) => void cache.delete(key),
    clear: () => cache.clear(),
    weightOf: (key) => cache.peek(key)?.measured ?? 0,
    *entries() {
      for (const [key, { value, measured, grown }] of cache.entries()) yield [key, value, measured + grown]
    },
    get size() {
      return cache.size
    },
    get bytes() {
      return cache.calculatedSize
    },
  }
}
