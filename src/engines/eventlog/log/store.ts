// The log on disk: LMDB's tables and the few ways in which rows are found.
import { createHash } from 'node:crypto'
import { type Database, open } from 'lmdb'
import { dataOf, idOf } from './record.ts'

/** Layout of the tables; a directory of another version is refused. */
const SCHEMA = 1
/** Where the first record lies: a real log has begun with the server's own records before anything is shown. */
export const FIRST_POSITION = 548
/** Under this revision the index knows a stream's tombstone. */
export const TOMBSTONE_INDEX = 2 ** 48 - 1
/** LMDB's longest key is 1,978 bytes; longer names are found by their hash. */
const LONGEST_NAME = 1_000

export interface StoreOptions {
  readonly dir: string
  /** Upper bound of the file, bytes; undefined: as large as the disk allows. */
  readonly mapSize?: number | undefined
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
  /** The nearest position at or after this one. */
  positionAtOrAfter(position: number): number | undefined
  positionOf(streamNo: number, revision: number): number | undefined
  putIndex(streamNo: number, revision: number, position: number): void
  /** Positions of a stream's revisions from `from` to `to`, both inclusive, in that order. */
  positions(streamNo: number, from: number, to: number, limit: number): Iterable<number>
  lastRevision(streamNo: number): number
  stream(name: string): StreamRow | undefined
  putStream(name: string, row: StreamRow): void
  streamCount(): number
  putStreamCount(count: number): void
  /** Where the next record will lie. */
  head(): number
  putHead(position: number): void
  readonly instanceId: string
  close(): Promise<void>
}

export class StoreUnusable extends Error {
  override readonly name = 'StoreUnusable'
}

const nameKey = (name: string): Buffer => {
  const bytes = Buffer.from(`n${name}`)
  return bytes.length <= LONGEST_NAME
    ? bytes
    : Buffer.concat([Buffer.from('h'), createHash('sha256').update(name).digest()])
}

export const openStore = ({ dir, mapSize }: StoreOptions, newInstanceId: () => string): Store => {
  // Without overlapping syncs a commit is data, fdatasync, then the page that makes it valid: safe against loss of power.
  const env = open({ path: dir, maxDbs: 8, overlappingSync: false, ...(mapSize === undefined ? {} : { mapSize }) })
  const log: Database<Buffer, number> = env.openDB('log', { encoding: 'binary' })
  const index: Database<Buffer, Buffer> = env.openDB('index', { encoding: 'binary', keyEncoding: 'binary' })
  const streams: Database<Buffer, Buffer> = env.openDB('streams', { encoding: 'binary', keyEncoding: 'binary' })
  const sys: Database<string | number, string> = env.openDB('sys', { encoding: 'json' })

  const schema = sys.get('schema')
  if (schema !== undefined && schema !== SCHEMA) {
    void env.close()
    throw new StoreUnusable(`the event log in ${dir} has layout ${schema}; this program reads layout ${SCHEMA}`)
  }
  if (schema === undefined) {
    env.transactionSync(() => {
      sys.putSync('instance', newInstanceId())
      sys.putSync('streams', 0)
      sys.putSync('head', FIRST_POSITION)
      sys.putSync('schema', SCHEMA)
    })
  }

  // LMDB copies keys and values when they are put, so these are used again and again.
  const key = Buffer.alloc(10)
  const indexKey = (streamNo: number, revision: number): Buffer => {
    key.writeUInt32BE(streamNo, 0)
    key.writeUIntBE(revision, 4, 6)
    return key
  }
  const rangeKey = (streamNo: number, revision: number): Buffer => Buffer.from(indexKey(streamNo, revision))
  const positionBytes = Buffer.alloc(8)

  return {
    commit: (write) => env.transactionSync(write),
    record: (position) => log.get(position),
    putRecord: (position, record) => log.putSync(position, record),
    records: (from, backwards, limit) =>
      backwards
        ? log.getRange({ start: from, exclusiveStart: true, reverse: true, limit })
        : log.getRange({ start: from, limit }),
    positionAtOrAfter: (position) => {
      for (const found of log.getKeys({ start: position, limit: 1 })) return found
      return undefined
    },
    positionOf: (streamNo, revision) => index.getBinaryFast(indexKey(streamNo, revision))?.readDoubleBE(0),
    putIndex: (streamNo, revision, position) => {
      positionBytes.writeDoubleBE(position)
      index.putSync(indexKey(streamNo, revision), positionBytes)
    },
    positions: (streamNo, from, to, limit) =>
      index
        .getRange({
          start: rangeKey(streamNo, from),
          end: rangeKey(streamNo, to),
          inclusiveEnd: true,
          reverse: from > to,
          limit,
        })
        .map(({ value }) => value.readDoubleBE(0)),
    lastRevision: (streamNo) => {
      const range = { start: rangeKey(streamNo, TOMBSTONE_INDEX - 1), end: rangeKey(streamNo, 0), inclusiveEnd: true }
      for (const found of index.getKeys({ ...range, reverse: true, limit: 1 })) return found.readUIntBE(4, 6)
      return -1
    },
    stream: (name) => {
      const row = streams.get(nameKey(name))
      return row && { no: row.readUInt32BE(0), tombstoned: row[4] === 1 }
    },
    putStream: (name, { no, tombstoned }) => {
      const row = Buffer.alloc(5)
      row.writeUInt32BE(no, 0)
      row[4] = tombstoned ? 1 : 0
      streams.putSync(nameKey(name), row)
    },
    streamCount: () => Number(sys.get('streams')),
    putStreamCount: (count) => sys.putSync('streams', count),
    head: () => Number(sys.get('head')),
    putHead: (position) => sys.putSync('head', position),
    instanceId: String(sys.get('instance')),
    close: () => env.close(),
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
