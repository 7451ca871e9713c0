// Reading of the log: bounded pages of streams and of $all, ready to be sent.

import { isDamage, MisledIndex } from './damage.ts'
import { firstReadable, NO_METADATA, type StreamMetadata } from './metadata.ts'
import { createdMs, dataOf, isHiddenRecord, isOfStream, revisionOf, typeOf } from './record.ts'
import type { Store, Stored, Way } from './store.ts'
import { TOMBSTONE_INDEX } from './streamIndex.ts'
import type { StreamState, Streams } from './streams.ts'

/** A page of events, and from where to go on; `next` is undefined at the end. */
export interface Page {
  readonly events: readonly Stored[]
  readonly next: number | undefined
}

export type StreamStatus = 'readable' | 'not-found' | 'deleted'

export interface Reader {
  status(stream: string): StreamStatus
  /** Newest revision, -1 when there is none. */
  lastRevision(stream: string): number
  /** At most `limit` readable events from revision `from` on (inclusive). `next` is a revision. */
  stream(stream: string, from: number, limit: number, way?: Way): Page
  /** The same forwards, without regard to what metadata hides: what a live subscriber gets. */
  live(stream: string, from: number, limit: number): Page
  /** At most `limit` rows; `from` inclusive forwards, exclusive backwards. `next` is a position. Hidden rows are left out. */
  all(from: number, limit: number, way?: Way): Page
  /** The record that begins here. */
  record(position: number): Buffer | undefined
  /** A record begins here. */
  isPosition(position: number): boolean
  /** Position of an event that a reader of the stream would get. */
  readablePosition(stream: string, revision: number): number | undefined
  /** The event that a link points at: undefined when this is no link, null when its target cannot be read. */
  resolve(record: Buffer): Buffer | null | undefined
  tombstone(stream: string): Stored | undefined
}

export interface ReaderOptions {
  readonly store: Store
  readonly streams: Streams
  readonly now: () => number
}

const LINK = '$>'
const LINK_TARGET = /^(\d{1,15})@(.+)$/s
/** A page is cut when it has this many bytes, so that large events do not add up in memory. */
const PAGE_BYTES = 256 * 1024

export const createReader = ({ store, streams, now }: ReaderOptions): Reader => {
  const status = (name: string): StreamStatus => {
    if (streams.isTombstoned(name)) return 'deleted'
    const stream = streams.find(name)
    return stream === undefined || stream.last < 0 || streams.metadata(name).softDeleted ? 'not-found' : 'readable'
  }

  /** The record of a revision, which the index says is at the position. */
  const recordOf = (stream: StreamState, name: Buffer, revision: number, position: number): Buffer => {
    const record = store.record(position)
    if (record === undefined || revisionOf(record) !== revision || !isOfStream(record, name))
      throw new MisledIndex(stream.name, revision, position)
    return record
  }

  const page = (
    name: string,
    from: number,
    limit: number,
    metadata: StreamMetadata,
    { backwards = false }: Way = {},
  ): Page => {
    const stream = streams.find(name)
    const end: Page = { events: [], next: undefined }
    if (stream === undefined || stream.last < 0) return end
    const first = firstReadable(metadata, stream.last)
    const start = backwards ? Math.min(from, stream.last) : Math.max(from, first)
    const stop = backwards ? first : stream.last
    if (backwards ? start < stop : start > stop) return end
    const oldest = metadata.maxAgeMs === undefined ? undefined : now() - metadata.maxAgeMs
    const events: Stored[] = []
    const nameBytes = Buffer.from(name)
    let revision = start
    let bytes = 0
    for (const position of store.positions(stream.no, start, stop, limit)) {
      let record: Buffer
      try {
        record = recordOf(stream, nameBytes, revision, position)
      } catch (error) {
        // What lies before it is served; whoever goes on from there is told.
        if (events.length === 0 || !isDamage(error)) throw error
        return { events, next: revision }
      }
      if (oldest === undefined || createdMs(record) > oldest) events.push({ position, record })
      else if (backwards) return { events, next: undefined }
      revision += backwards ? -1 : 1
      bytes += record.length
      if (bytes >= PAGE_BYTES) break
    }
    const done = backwards ? revision < stop : revision > stop
    return { events, next: done ? undefined : revision }
  }

  const readablePosition = (name: string, revision: number): number | undefined =>
    status(name) === 'readable'
      ? page(name, revision, 1, streams.metadata(name)).events.find((e) => revisionOf(e.record) === revision)?.position
      : undefined

  return {
    status,
    lastRevision: (name) => streams.find(name)?.last ?? -1,
    stream: (name, from, limit, way) => page(name, from, limit, streams.metadata(name), way),
    live: (name, from, limit) => page(name, from, limit, NO_METADATA),
    all: (from, limit, { backwards = false } = {}) => {
      const { rows, atEnd } = store.records(from, { backwards, limit, maxBytes: PAGE_BYTES })
      const last = rows.at(-1)?.position
      return {
        events: rows.filter(({ record }) => !isHiddenRecord(record)),
        next: atEnd || last === undefined ? undefined : backwards ? last : last + 1,
      }
    },
    record: (position) => store.record(position),
    isPosition: (position) => store.record(position) !== undefined,
    readablePosition,
    resolve: (record) => {
      if (typeOf(record) !== LINK) return undefined
      const target = LINK_TARGET.exec(dataOf(record).toString('utf8'))
      if (target === null) return undefined
      const [, revision, stream] = target
      const position = readablePosition(stream!, Number(revision))
      return position === undefined ? null : (store.record(position) ?? null)
    },
    tombstone: (name) => {
      const stream = streams.find(name)
      const position = stream && store.positionOf(stream.no, TOMBSTONE_INDEX)
      const record = position === undefined ? undefined : store.record(position)
      return record === undefined || position === undefined ? undefined : { position, record }
    },
  }
}
