// Documents of all read models that a session keeps in memory, in one bound: who has the most customers has the most documents too.
import { LRUCache } from 'lru-cache'
import { sizeOf } from '../domain/size.ts'
import type { CacheEntry } from './fold.ts'

/** What a document costs beside its text, of which it takes several times, bytes. */
const DOCUMENT_BYTES = 500
const PER_BYTE = 3

export interface DocumentCacheOptions {
  /** Bytes for all documents together. */
  readonly maxBytes: number
  readonly maxDocuments: number
}

export interface DocumentCache {
  get(projection: string, key: string): CacheEntry | undefined
  set(projection: string, key: string, held: CacheEntry): void
  /** Bytes that all are taken to have. */
  readonly bytes: number
}

/** Those that were not asked for the longest go first; one that is larger than the whole is not kept, nor what it was before. */
export const createDocumentCache = ({ maxBytes, maxDocuments }: DocumentCacheOptions): DocumentCache => {
  // As many as `maxDocuments`, by their least size: told so by `max`, it would take the room for all of them at once.
  const least = Math.max(DOCUMENT_BYTES, Math.floor(maxBytes / maxDocuments))
  const cache = new LRUCache<string, CacheEntry>({
    maxSize: maxBytes,
    sizeCalculation: ({ document }) => Math.max(least, DOCUMENT_BYTES + PER_BYTE * sizeOf(document).bytes),
  })
  // Names of read models have no spaces.
  const nameOf = (projection: string, key: string): string => `${projection} ${key}`
  return {
    get: (projection, key) => cache.get(nameOf(projection, key)),
    set: (projection, key, held) => void cache.set(nameOf(projection, key), held),
    get bytes() {
      return cache.calculatedSize
    },
  }
}
