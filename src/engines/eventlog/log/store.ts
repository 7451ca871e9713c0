// The log on disk: LMDB's tables and the few ways in which rows are found.
import { createHash } from 'node:crypto'
import { type Database, open } from 'lmdb'
import { checkDataFile, markCreated, openDataFile, StoreUnusable } from './file.ts'
import { dataOf, idOf, revisionOf, spanOf, streamOf } from './record.ts'
import { createStreamIndex, TOMBSTONE_INDEX } from './streamIndex.ts'

/** Where the first record lies: a real log has begun with the server's own records before anything is shown. */
export const FIRST_POSITION = 548
/** LMDB's longest key is 1,978 bytes; longer names are found by their hash. */
const LONGEST_NAME = 1_000
/** Entries of the stream index that are gathered before they are put on disk. */
const INDEX_PORTION = 4_096

export interface StoreOptions {
  readonly dir: string
  /** A commit is refused once the file has so many bytes; undefined: as large as the disk allows. */
  readonly maxBytes?: number | undefined
}

export interface StreamRow {
  readonly no: number
  readonly tombstoned: boolean
}

export interface Store {
  /** Runs `write` in one transaction that is on disk when this returns. Throws, with nothing written, when it cannot be. */
  commit(write: () => void): void
  record(position: number): Buffer | undefined
  putRecord(position: number, record: Buffer): void
  /** Records in order of position; `from` inclusive forwards, exclusive backwards. Ends after `limit` rows. */
  records(from: number, backwards: boolean, limit: number): Iterable<{ readonly key: number; readonly value: Buffer }>
  positionOf(streamNo: number, revision: number): number | undefined
  putIndex(streamNo: number, revision: number, position: number): void
  /** Positions of a stream's revisions from `from` to `to`, both inclusive, in that order. */
  positions(streamNo: number, from: number, to: number, limit: number): readonly number[]
  /** Newest revision, -1 when there is none. */
  lastRevision(streamNo: number): number
  stream(name: string): StreamRow | undefined
  putStream(name: string, row: StreamRow): void
  streamCount(): number
  putStreamCount(count: number): void
  /** Where the next record will lie. */
  head(): number
  /** Needed only when the log has moved on without a record. */
  putHead(position: number): void
  readonly instanceId: string
  close(): Promise<void>
}

const nameKey = (name: string): Buffer => {
  const bytes = Buffer.from(`n${name}`)
  return bytes.length <= LONGEST_NAME
    ? bytes
    : Buffer.concat([Buffer.from('h'), createHash('sha256').update(name).digest()])
}

/** Throws StoreUnusable when the directory holds something else than a whole log of this layout. */
export const openStore = ({ dir, maxBytes }: StoreOptions, newInstanceId: () => string): Store => {
  checkDataFile(dir)
  // Without overlapping syncs a commit is data, fdatasync, then the page that makes it valid: safe against loss of power.
  const env = open({ path: dir, maxDbs: 8, overlappingSync: false })
  const log: Database<Buffer, number> = env.openDB('log', { encoding: 'binary' })
  const index = createStreamIndex(env.openDB('index', { encoding: 'binary', keyEncoding: 'binary' }))
  const streams: Database<Buffer, Buffer> = env.openDB('streams', { encoding: 'binary', keyEncoding: 'binary' })
  const sys: Database<string | number, string> = env.openDB('sys', { encoding: 'json' })

  if (sys.get('instance') === undefined) {
    env.transactionSync(() => {
      sys.putSync('instance', newInstanceId())
      sys.putSync('streams', 0)
      sys.putSync('head', FIRST_POSITION)
      sys.putSync('indexed', 0)
    })
  }
  markCreated(dir)

  const stream = (name: string): StreamRow | undefined => {
    const row = streams.get(nameKey(name))
    return row && { no: row.readUInt32BE(0), tombstoned: row[4] === 1 }
  }

  /** The newest record that the index knows, on disk or in memory. */
  let newest = Number(sys.get('indexed')) - 1
  // What the index on disk does not know yet is read from the end of the log.
  for (const { key, value } of log.getRange({ start: newest + 1 })) {
    const row = stream(streamOf(value))
    if (row === undefined)
      throw new StoreUnusable(`the event log in ${dir} is damaged: the record at ${key} has no stream`)
    index.add(row.no, revisionOf(value) ?? TOMBSTONE_INDEX, key)
    newest = key
  }
  index.keep()

  const file = openDataFile(dir)
  const commit = (write: () => void) => {
    if (maxBytes !== undefined && file.size() >= maxBytes) {
      throw new Error(`the event log is full: it may not have more than ${maxBytes} bytes`)
    }
    const before = newest
    let indexed = false
    try {
      env.transactionSync(() => {
        write()
        if (index.pending() < INDEX_PORTION) return
        index.write()
        sys.putSync('indexed', newest + 1)
        indexed = true
      })
    } catch (error) {
      index.takeBack()
      newest = before
      throw error
    }
    index.keep()
    if (indexed) index.written()
  }

  return {
    commit,
    record: (position) => log.get(position),
    putRecord: (position, record) => {
      newest = position
      log.putSync(position, record)
    },
    records: (from, backwards, limit) =>
      backwards
        ? log.getRange({ start: from, exclusiveStart: true, reverse: true, limit })
        : log.getRange({ start: from, limit }),
    positionOf: index.positionOf,
    putIndex: index.add,
    positions: index.positions,
    lastRevision: index.lastRevision,
    stream,
    putStream: (name, { no, tombstoned }) => {
      const row = Buffer.alloc(5)
      row.writeUInt32BE(no, 0)
      row[4] = tombstoned ? 1 : 0
      streams.putSync(nameKey(name), row)
    },
    streamCount: () => Number(sys.get('streams')),
    putStreamCount: (count) => sys.putSync('streams', count),
    head: () => {
      const saved = Number(sys.get('head'))
      for (const { key, value } of log.getRange({ reverse: true, limit: 1 }))
        return Math.max(saved, key + spanOf(value))
      return saved
    },
    putHead: (position) => sys.putSync('head', position),
    instanceId: String(sys.get('instance')),
    close: async () => {
      file.close()
      await env.close()
    },
  }
}

export const storedId = (store: Store, streamNo: number, revision: number): string | undefined => {
  const position = store.positionOf(streamNo, revision)
  const record = position === undefined ? undefined : store.record(position)
  return record && idOf(record)
}

/** Data of the newest event of a stream. */
export const newestData = (store: Store, streamNo: number, last: number): Buffer | undefined => {
  const position = last < 0 ? undefined : store.positionOf(streamNo, last)
  const record = position === undefined ? undefined : store.record(position)
  return record && dataOf(record)
}
