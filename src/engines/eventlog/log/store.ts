// The log on disk: LMDB's tables and the few ways in which rows are found.
import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { type Database, open } from 'lmdb'
import { checkDataFile, DATA_FILE, markCreated, type StoreKind, StoreUnusable } from '../../dataFile.ts'
import { LMDB_FILES } from '../../private.ts'
import { createRoom } from '../../room.ts'
import { DamagedRecord } from './damage.ts'
import { dataOf, idOf, openRecord, revisionOf, sealRecord, spanOf, streamOf } from './record.ts'
import { createResident } from './resident.ts'
import { createStreamIndex, TOMBSTONE_INDEX } from './streamIndex.ts'

const KIND: StoreKind = { name: 'event log', marker: 'event-log.json', layout: 1 }
/** Where the first record lies: a real log has begun with the server's own records before anything is shown. */
export const FIRST_POSITION = 548
/** LMDB's longest key is 1,978 bytes; longer names are found by their hash. */
const LONGEST_NAME = 1_000
/** What one record that is read by itself brings into memory, its neighbours included, bytes. */
const SINGLE_READ = 16 * 1024
/** Entries of the stream index that are gathered before they are put on disk. */
const INDEX_PORTION = 4_096

/** Bytes of a row of the index, and of one of the log's own few. */
const INDEX_ROW = 18
const SYSTEM_ROW = 100

export interface StoreOptions {
  readonly dir: string
  /** A commit is refused once the file has so many bytes; undefined: as large as the disk allows. */
  readonly maxBytes?: number | undefined
}

export interface StreamRow {
  readonly no: number
  readonly tombstoned: boolean
}

/** One stored event with where it lies. */
export interface Stored {
  readonly position: number
  readonly record: Buffer
}

export interface RecordPage {
  readonly rows: readonly Stored[]
  readonly atEnd: boolean
}

/** Which way a read goes; default forwards. */
export interface Way {
  readonly backwards?: boolean
}

export interface Store {
  /** Runs `write` in one transaction that is on disk when this returns. Throws, with nothing written, when it cannot be. */
  commit(write: () => void): void
  /** Throws DamagedRecord, as `records` does where the first of them is damaged. */
  record(position: number): Buffer | undefined
  putRecord(position: number, record: Buffer): void
  /**
   * Records in order of position; `from` inclusive forwards, exclusive backwards. Ends after `limit` rows or `maxBytes`;
   * `atEnd` says that there are no more.
   */
  records(from: number, page: { readonly limit: number; readonly maxBytes: number } & Way): RecordPage
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

/** A stream's name as the key of its row. */
export const nameKey = (name: string): Buffer => {
  const bytes = Buffer.from(`n${name}`)
  return bytes.length <= LONGEST_NAME
    ? bytes
    : Buffer.concat([Buffer.from('h'), createHash('sha256').update(name).digest()])
}

/** Throws StoreUnusable when the directory holds something else than a whole log of this layout. */
export const openStore = ({ dir, maxBytes }: StoreOptions, newInstanceId: () => string): Store => {
  checkDataFile(dir, KIND)
  const openTables = () => {
    // Without overlapping syncs a commit is data, fdatasync, then the page that makes it valid: safe against loss of power.
    const env = open({ path: dir, maxDbs: 8, overlappingSync: false, ...LMDB_FILES })
    const log: Database<Buffer, number> = env.openDB('log', { encoding: 'binary' })
    const index: Database<Buffer, Buffer> = env.openDB('index', { encoding: 'binary', keyEncoding: 'binary' })
    const streams: Database<Buffer, Buffer> = env.openDB('streams', { encoding: 'binary', keyEncoding: 'binary' })
    const sys: Database<string | number, string> = env.openDB('sys', { encoding: 'json' })
    return { env, log, index, streams, sys }
  }
  let tables = openTables()
  const room = createRoom({ file: join(dir, DATA_FILE), stats: () => tables.env.getStats() })
  const index = createStreamIndex(() => tables.index)
  const resident = createResident()
  let committing = false
  /** Between two operations only: nothing may be open on the tables. */
  const renewIfTooMuch = () => {
    if (committing || !resident.isTooMuch()) return
    // Without a write that is under way this closes at once, although it gives a promise.
    void tables.env.close()
    tables = openTables()
    resident.renewed()
  }

  if (tables.sys.get('instance') === undefined) {
    const { env, sys } = tables
    env.transactionSync(() => {
      sys.putSync('instance', newInstanceId())
      sys.putSync('streams', 0)
      sys.putSync('head', FIRST_POSITION)
      sys.putSync('indexed', 0)
    })
  }
  markCreated(dir, KIND)

  const stream = (name: string): StreamRow | undefined => {
    const row = tables.streams.get(nameKey(name))
    return row && { no: row.readUInt32BE(0), tombstoned: row[4] === 1 }
  }

  const opened = (bytes: Buffer, position: number): Buffer => {
    const record = openRecord(bytes, position)
    if (record === undefined) throw new DamagedRecord(join(dir, DATA_FILE), position, bytes)
    return record
  }
  /** Before the log is served: what cannot be read would leave a gap that appends fall into. */
  const openedAtStart = (bytes: Buffer, position: number): Buffer => {
    try {
      return opened(bytes, position)
    } catch (error) {
      throw error instanceof DamagedRecord ? new StoreUnusable(`${error.message}; restore the log from a copy`) : error
    }
  }

  /** The newest record that the index knows, on disk or in memory. */
  let newest = Number(tables.sys.get('indexed')) - 1
  // What the index on disk does not know yet is read from the end of the log.
  for (const { key, value } of tables.log.getRange({ start: newest + 1 })) {
    const record = openedAtStart(value, key)
    const row = stream(streamOf(record))
    if (row === undefined)
      throw new StoreUnusable(`the event log in ${dir} is damaged: the record at ${key} has no stream`)
    index.add(row.no, revisionOf(record) ?? TOMBSTONE_INDEX, key)
    newest = key
  }
  index.keep()

  /** So that a later start needs nothing but the index to know where each stream ends. */
  const persistIndex = () => {
    if (index.pending() === 0) return
    try {
      tables.env.transactionSync(() => {
        index.write()
        tables.sys.putSync('indexed', newest + 1)
      })
      index.written()
    } catch {
      // A full disk: it stays in memory, and the next start reads it from the end of the log again.
    }
  }
  persistIndex()

  const commit = (write: () => void) => {
    if (maxBytes !== undefined && statSync(join(dir, DATA_FILE)).size >= maxBytes) {
      throw new Error(`the event log is full: it may not have more than ${maxBytes} bytes`)
    }
    const before = newest
    let indexed = false
    committing = true
    room.begin()
    try {
      tables.env.transactionSync(() => {
        write()
        if (index.pending() < INDEX_PORTION) return
        for (let i = 0; i < index.pending(); i++) room.take(INDEX_ROW)
        index.write()
        tables.sys.putSync('indexed', newest + 1)
        indexed = true
      })
    } catch (error) {
      index.takeBack()
      newest = before
      throw error
    } finally {
      committing = false
    }
    index.keep()
    if (indexed) index.written()
    renewIfTooMuch()
  }

  return {
    commit,
    record: (position) => {
      // A single record brings its neighbours into memory with it.
      resident.touched(SINGLE_READ)
      renewIfTooMuch()
      const bytes = tables.log.get(position)
      return bytes && opened(bytes, position)
    },
    putRecord: (position, record) => {
      newest = position
      resident.touched(record.length)
      const bytes = sealRecord(record, position)
      room.take(bytes.length)
      tables.log.putSync(position, bytes)
    },
    records: (from, { backwards = false, limit, maxBytes }) => {
      const rows: Stored[] = []
      let bytes = 0
      let isCut = false
      const range = backwards ? { start: from, exclusiveStart: true, reverse: true, limit } : { start: from, limit }
      for (const { key, value } of tables.log.getRange(range)) {
        const record = openRecord(value, key)
        if (record === undefined) {
          // What lies before it is served; whoever goes on from there is told.
          if (rows.length === 0) throw new DamagedRecord(join(dir, DATA_FILE), key, value)
          isCut = true
          break
        }
        rows.push({ position: key, record })
        bytes += value.length
        if (bytes >= maxBytes) break
      }
      resident.touched(bytes)
      renewIfTooMuch()
      return { rows, atEnd: !isCut && bytes < maxBytes && rows.length < limit }
    },
    positionOf: index.positionOf,
    putIndex: index.add,
    positions: index.positions,
    lastRevision: index.lastRevision,
    stream,
    putStream: (name, { no, tombstoned }) => {
      const row = Buffer.alloc(5)
      row.writeUInt32BE(no, 0)
      row[4] = tombstoned ? 1 : 0
      room.take(LONGEST_NAME + row.length)
      tables.streams.putSync(nameKey(name), row)
    },
    streamCount: () => Number(tables.sys.get('streams')),
    putStreamCount: (count) => {
      room.take(SYSTEM_ROW)
      tables.sys.putSync('streams', count)
    },
    head: () => {
      const saved = Number(tables.sys.get('head'))
      for (const { key, value } of tables.log.getRange({ reverse: true, limit: 1 }))
        return Math.max(saved, key + spanOf(openedAtStart(value, key)))
      return saved
    },
    putHead: (position) => {
      room.take(SYSTEM_ROW)
      tables.sys.putSync('head', position)
    },
    instanceId: String(tables.sys.get('instance')),
    close: async () => {
      persistIndex()
      await tables.env.close()
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
