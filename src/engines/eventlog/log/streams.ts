// What is known of each stream: number, newest revision, metadata. Kept in memory for the streams used lately.
import {
  isMetastream,
  METASTREAM_METADATA,
  metastreamOf,
  NO_METADATA,
  parseMetadata,
  type StreamMetadata,
  streamOfMetastream,
} from './metadata.ts'
import { createRecent } from './recent.ts'
import { newestData, type Store } from './store.ts'

export interface StreamState {
  readonly name: string
  readonly no: number
  /** Newest revision, -1 when there is none. */
  last: number
  tombstoned: boolean
}

export interface Streams {
  /** Undefined for a name never seen. */
  find(name: string): StreamState | undefined
  /** Inside a commit: the stream, made when it is new. */
  findOrCreate(name: string): StreamState
  metadata(name: string): StreamMetadata
  /** The stream or, of a metastream, its stream has a tombstone. */
  isTombstoned(name: string): boolean
  hasMetadata(name: string): boolean
  /** A metadata event was written. */
  metadataChanged(metastream: string, metadata: StreamMetadata): void
  /** After a commit: forgets what is too much. */
  trim(): void
  /** After a commit that failed: forgets everything, for memory is ahead of the disk. */
  clear(): void
}

/**
 * Streams kept in memory; each takes about half a kilobyte. Nothing of it is a Buffer: a small one would keep the 8 KB in memory that
 * Node cut it from.
 */
const KEPT = 50_000

export const createStreams = (store: Store, kept = KEPT): Streams => {
  const states = createRecent<StreamState>(kept)
  const metadata = createRecent<StreamMetadata>(kept)
  let count = store.streamCount()

  const find = (name: string): StreamState | undefined => {
    const known = states.get(name)
    if (known !== undefined) return known
    const row = store.stream(name)
    if (row === undefined) return undefined
    const state = { name, ...row, last: store.lastRevision(row.no) }
    states.set(name, state)
    return state
  }
  return {
    find,
    findOrCreate: (name) => {
      const known = find(name)
      if (known !== undefined) return known
      const state = { name, no: ++count, last: -1, tombstoned: false }
      store.putStream(name, { no: state.no, tombstoned: false })
      store.putStreamCount(count)
      states.set(name, state)
      return state
    },
    metadata: (name) => {
      if (isMetastream(name)) return METASTREAM_METADATA
      const known = metadata.get(name)
      if (known !== undefined) return known
      const metastream = find(metastreamOf(name))
      const data = metastream && newestData(store, metastream.no, metastream.last)
      const parsed = data === undefined ? NO_METADATA : parseMetadata(data)
      metadata.set(name, parsed)
      return parsed
    },
    isTombstoned: (name) =>
      find(name)?.tombstoned === true || (isMetastream(name) && find(streamOfMetastream(name))?.tombstoned === true),
    hasMetadata: (name) => (find(metastreamOf(name))?.last ?? -1) >= 0,
    metadataChanged: (metastream, changed) => void metadata.set(streamOfMetastream(metastream), changed),
    trim: () => {
      states.trim()
      metadata.trim()
    },
    clear: () => {
      states.clear()
      metadata.clear()
      count = store.streamCount()
    },
  }
}
