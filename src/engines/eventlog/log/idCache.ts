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
const ID_CACHE_BYTES = 8 * 1024 * 1024
const entryBytes = (nameLength: number): number => 50 + 2 * nameLength

/** Entries that were forgotten stay in the queue until there are so many of them. */
const QUEUE_SLACK = 4_096

export const createIdCache = (limit = ID_CACHE_BYTES): IdCache => {
  const written = new Map<string, WrittenAt & { readonly bytes: number }>()
  // Oldest first. A Map alone would do, but finding its first key costs more with each entry deleted before it.
  let queue: string[] = []
  let oldest = 0
  let bytes = 0
  let fresh = 0
  const forget = (id: string) => {
    bytes -= written.get(id)?.bytes ?? 0
    written.delete(id)
  }
  return {
    get: (id) => written.get(id),
    put: (id, { streamNo, revision }, nameLength) => {
      if (written.has(id)) return
      while (bytes > limit && oldest < queue.length - fresh) forget(queue[oldest++]!)
      if (oldest > QUEUE_SLACK && oldest > queue.length / 2) {
        queue = queue.slice(oldest)
        oldest = 0
      }
      const entry = { streamNo, revision, bytes: entryBytes(nameLength) }
      written.set(id, entry)
      bytes += entry.bytes
      queue.push(id)
      fresh++
    },
    takeBack: () => {
      for (const id of queue.splice(queue.length - fresh)) forget(id)
      fresh = 0
    },
    keep: () => {
      fresh = 0
    },
  }
}
