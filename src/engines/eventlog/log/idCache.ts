// Which events were written lately: event id → where, bounded and in memory only, as the real server has it.

export interface WrittenAt {
  readonly streamNo: number
  readonly revision: number
}

export interface IdCache {
  get(id: string): WrittenAt | undefined
  /** The first write of an id stays until it is forgotten. `nameLength` is that of the stream's name, in characters. */
  put(id: string, at: WrittenAt, nameLength: number): void
  /** Takes back what was put since the last `keep`. */
  takeBack(): void
  /** What was put stays. */
  keep(): void
}

/** The real server gives the cache so much, and counts for an entry the id, the revision and the stream's name. */
export const ID_CACHE_BYTES = 8 * 1024 * 1024
const entryBytes = (nameLength: number): number => 50 + 2 * nameLength

export const createIdCache = (limit = ID_CACHE_BYTES): IdCache => {
  const written = new Map<string, { readonly at: WrittenAt; readonly bytes: number }>()
  let bytes = 0
  let fresh: string[] = []
  const forget = (id: string) => {
    bytes -= written.get(id)?.bytes ?? 0
    written.delete(id)
  }
  return {
    get: (id) => written.get(id)?.at,
    put: (id, at, nameLength) => {
      if (written.has(id)) return
      while (bytes > limit) {
        const oldest = written.keys().next()
        if (oldest.done) break
        forget(oldest.value)
      }
      const entry = { at, bytes: entryBytes(nameLength) }
      written.set(id, entry)
      bytes += entry.bytes
      fresh.push(id)
    },
    takeBack: () => {
      for (const id of fresh) forget(id)
      fresh = []
    },
    keep: () => {
      if (fresh.length > 0) fresh = []
    },
  }
}
