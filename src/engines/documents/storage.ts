// The store's file: an LMDB environment read through views and written by group commits that end with an fsync.
import { open, type Transaction as ReadTransaction, type RootDatabase } from 'lmdb'
import { CommandError } from './errors.ts'
import type { Key } from './keys.ts'
import { createOverlay, type Entry, type Overlay, overlaid, type Space, type View } from './overlay.ts'

/** Address space for the file; it grows up to this size. */
const MAP_SIZE = 2 ** 38
/** Open transactions, each of which holds a snapshot. */
const MAX_READERS = 4096

/** A state of the store that later commits do not change, until it is released. */
export interface Snapshot extends View {
  release(): void
}

/**
 * Work of a write: reads the latest state through `view`, puts its changes into `changes`. It runs inside a commit, so it
 * must be synchronous. What it throws undoes its changes only.
 */
export type Write<T> = (view: View, changes: Overlay) => T

export interface Storage extends View {
  snapshot(): Snapshot
  /** Runs the work in the next commit, together with what else waits; resolves when it is on disk. */
  write<T>(work: Write<T>): Promise<T>
  close(): Promise<void>
}

/** The file cannot take more: what a client is told about a failed commit. */
const storageError = (error: unknown): CommandError => {
  const message = error instanceof Error ? error.message : String(error)
  return /space|MAP_FULL|ENOSPC/i.test(message)
    ? new CommandError(14031, `the write was not made: ${message}`)
    : new CommandError(8, `the write was not made: ${message}`)
}

const fullKey = (space: Space, key: Key): Buffer => {
  const bytes = Buffer.allocUnsafe(4 + key.length)
  bytes.writeUInt32BE(space, 0)
  bytes.write(key, 4, 'latin1')
  return bytes
}

type Database = RootDatabase<Buffer, Buffer>

const viewOf = (db: Database, transaction?: ReadTransaction): View => {
  const options = transaction && { transaction }
  return {
    get: (space, key) => {
      const value = db.get(fullKey(space, key), options)
      return value && Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    },
    range: function* (space, from, to, reverse = false): Iterable<Entry> {
      const low = fullKey(space, from)
      const high = to === undefined ? fullKey(space + 1, '') : fullKey(space, to)
      const entries = db.getRange(
        reverse
          ? { start: high, exclusiveStart: true, end: low, inclusiveEnd: true, reverse, ...options }
          : { start: low, end: high, ...options },
      )
      for (const { key, value } of entries) yield [key.toString('latin1', 4), value]
    },
  }
}

interface Waiting {
  readonly run: (view: View) => () => void
  readonly fail: (error: unknown) => void
}

/** Told after each commit, before anybody who waits for it. */
export interface CommitListener {
  committed(): void
  /** What the commit's writes had changed is gone. */
  failed(): void
}

/** Opens or creates the store in `dir`. */
export const openStorage = (dir: string, listener: CommitListener): Storage => {
  const db: Database = open<Buffer, Buffer>({
    path: dir,
    noSubdir: false,
    keyEncoding: 'binary',
    encoding: 'binary',
    mapSize: MAP_SIZE,
    maxReaders: MAX_READERS,
  })
  const latest = viewOf(db)
  let waiting: Waiting[] = []
  let closed = false

  const apply = (changes: Overlay): void => {
    for (const [space, values] of changes.spaces())
      for (const [key, value] of values)
        if (value === null) db.removeSync(fullKey(space, key))
        else db.putSync(fullKey(space, key), value)
  }

  const commit = (): void => {
    const batch = waiting
    waiting = []
    if (batch.length === 0) return
    const settle: (() => void)[] = []
    try {
      db.transactionSync(() => {
        for (const { run } of batch) settle.push(run(latest))
      })
    } catch (error) {
      const told = storageError(error)
      for (const { fail } of batch) fail(told)
      listener.failed()
      return
    }
    listener.committed()
    for (const done of settle) done()
  }

  return {
    ...latest,
    snapshot: () => {
      const transaction = db.useReadTransaction()
      return { ...viewOf(db, transaction), release: () => transaction.done() }
    },
    write: <T>(work: Write<T>) =>
      new Promise<T>((resolve, reject) => {
        if (closed) {
          reject(new CommandError(91, 'the store is being closed'))
          return
        }
        if (waiting.length === 0) setImmediate(commit)
        waiting.push({
          fail: reject,
          run: (view) => {
            const changes = createOverlay()
            let result: T
            try {
              result = work(overlaid(view, changes), changes)
            } catch (error) {
              return () => reject(error)
            }
            apply(changes)
            return () => resolve(result)
          },
        })
      }),
    close: async () => {
      closed = true
      if (waiting.length > 0) commit()
      await db.close()
    },
  }
}
