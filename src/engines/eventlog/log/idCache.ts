// Which events were written lately: event id → where, bounded and in memory only, as the real server has it.

export interface WrittenAt {
  readonly streamNo: number
  readonly revision: number
}

export interface IdCache {
  get(id: string): WrittenAt | undefined
  /** The last write wins. The oldest id is forgotten when the cache is full. */
  put(id: string, at: WrittenAt): void
  delete(id: string): void
}

/** The real server gives it 8 MiB, which are about this many ids. */
export const ID_CACHE_SIZE = 100_000

export const createIdCache = (limit = ID_CACHE_SIZE): IdCache => {
  const written = new Map<string, WrittenAt>()
  return {
    get: (id) => written.get(id),
    put: (id, at) => {
      if (!written.delete(id) && written.size >= limit) {
        const oldest = written.keys().next()
        if (!oldest.done) written.delete(oldest.value)
      }
      written.set(id, at)
    },
    delete: (id) => void written.delete(id),
  }
}
