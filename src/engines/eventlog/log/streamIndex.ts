// Where each revision of each stream lies. New entries are kept in memory and put on disk in large portions, because single
// ones would cost a page each at every commit; what is not on disk yet is read from the log's tail when the store is opened.
import type { Database } from 'lmdb'

export interface StreamIndex {
  positionOf(streamNo: number, revision: number): number | undefined
  /** Inside a commit. Revisions of a stream come in order, without gaps. */
  add(streamNo: number, revision: number, position: number): void
  /** Positions of revisions `from` to `to`, both inclusive, in that order; at most `limit`. */
  positions(streamNo: number, from: number, to: number, limit: number): readonly number[]
  /** Newest revision, -1 when there is none. */
  lastRevision(streamNo: number): number
  /** Entries that are in memory only. */
  pending(): number
  /** Inside a commit: puts them on disk. */
  write(): void
  /** After a commit that wrote: they are no longer needed in memory. */
  written(): void
  /** After a commit that failed: takes back what was added since `keep`. */
  takeBack(): void
  keep(): void
}

/** Under this revision the index knows a stream's tombstone. */
export const TOMBSTONE_INDEX = 2 ** 48 - 1

/** A row of the index: stream and revision, and the position under it. */
export const indexKey = (streamNo: number, revision: number): Buffer => {
  const key = Buffer.alloc(10)
  key.writeUInt32BE(streamNo, 0)
  key.writeUIntBE(revision, 4, 6)
  return key
}
export const indexValue = (position: number): Buffer => {
  const value = Buffer.alloc(8)
  value.writeDoubleBE(position, 0)
  return value
}

/** The newest revisions of one stream, from `first` on. */
interface Tail {
  /** Revision of the first of `positions`; without any it means nothing. */
  first: number
  readonly positions: number[]
  tombstone: number | undefined
}

/** `disk` gives the table, which is another one each time the store was opened again. */
export const createStreamIndex = (disk: () => Database<Buffer, Buffer>): StreamIndex => {
  let tails = new Map<number, Tail>()
  let fresh: { readonly streamNo: number; readonly tombstone: boolean }[] = []
  let count = 0

  // LMDB copies keys and values when they are put, so these are used again and again.
  const key = Buffer.alloc(10)
  const keyOf = (streamNo: number, revision: number): Buffer => {
    key.writeUInt32BE(streamNo, 0)
    key.writeUIntBE(revision, 4, 6)
    return key
  }
  const value = Buffer.alloc(8)

  const fromTail = (streamNo: number, revision: number): number | undefined => {
    const tail = tails.get(streamNo)
    return revision === TOMBSTONE_INDEX ? tail?.tombstone : tail?.positions[revision - tail.first]
  }
  const positionOf = (streamNo: number, revision: number): number | undefined =>
    revision >= 0 && revision <= TOMBSTONE_INDEX
      ? (fromTail(streamNo, revision) ?? disk().getBinaryFast(keyOf(streamNo, revision))?.readDoubleBE(0))
      : undefined

  const lastOnDisk = (streamNo: number): number => {
    const range = { start: indexKey(streamNo, TOMBSTONE_INDEX - 1), end: indexKey(streamNo, 0), inclusiveEnd: true }
    for (const found of disk().getKeys({ ...range, reverse: true, limit: 1 })) return found.readUIntBE(4, 6)
    return -1
  }
  const lastRevision = (streamNo: number): number => {
    const tail = tails.get(streamNo)
    return tail === undefined || tail.positions.length === 0
      ? lastOnDisk(streamNo)
      : tail.first + tail.positions.length - 1
  }
  const onDisk = (streamNo: number, from: number, to: number, limit: number): number[] => {
    const range = { start: indexKey(streamNo, from), end: indexKey(streamNo, to), inclusiveEnd: true }
    const found: number[] = []
    for (const entry of disk().getRange({ ...range, reverse: from > to, limit }))
      found.push(entry.value.readDoubleBE(0))
    return found
  }

  return {
    positionOf,
    lastRevision,
    add: (streamNo, revision, position) => {
      const tombstone = revision === TOMBSTONE_INDEX
      const known = tails.get(streamNo)
      const tail = known ?? { first: revision, positions: [], tombstone: undefined }
      if (known === undefined) tails.set(streamNo, tail)
      if (tombstone) tail.tombstone = position
      else {
        // A tail can be left without positions by a tombstone, or by a commit that failed.
        if (tail.positions.length === 0) tail.first = revision
        tail.positions.push(position)
      }
      fresh.push({ streamNo, tombstone })
      count++
    },
    positions: (streamNo, from, to, limit) => {
      const tail = tails.get(streamNo)
      if (tail === undefined || tail.positions.length === 0) return onDisk(streamNo, from, to, limit)
      const { first } = tail
      const inTail = (a: number, b: number) => tail.positions.slice(Math.max(a - first, 0), Math.max(b - first + 1, 0))
      if (from <= to) {
        const older = from < first ? onDisk(streamNo, from, Math.min(to, first - 1), limit) : []
        return to < first ? older : [...older, ...inTail(from, Math.min(to, from + limit - 1))]
      }
      const newer = from >= first ? inTail(Math.max(to, from - limit + 1), from).reverse() : []
      const left = limit - newer.length
      return to >= first || left === 0 ? newer : [...newer, ...onDisk(streamNo, Math.min(from, first - 1), to, left)]
    },
    pending: () => count,
    write: () => {
      const table = disk()
      const put = (streamNo: number, revision: number, position: number) => {
        value.writeDoubleBE(position)
        table.putSync(keyOf(streamNo, revision), value)
      }
      // In order of the keys, so that pages are filled one after the other.
      for (const streamNo of [...tails.keys()].sort((a, b) => a - b)) {
        const { first, positions, tombstone } = tails.get(streamNo)!
        for (const [i, position] of positions.entries()) put(streamNo, first + i, position)
        if (tombstone !== undefined) put(streamNo, TOMBSTONE_INDEX, tombstone)
      }
    },
    written: () => {
      tails = new Map()
      count = 0
    },
    takeBack: () => {
      for (const { streamNo, tombstone } of fresh.reverse()) {
        const tail = tails.get(streamNo)!
        if (tombstone) tail.tombstone = undefined
        else tail.positions.pop()
      }
      count -= fresh.length
      fresh = []
    },
    keep: () => {
      if (fresh.length > 0) fresh = []
    },
  }
}
