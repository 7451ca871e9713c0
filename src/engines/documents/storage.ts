// The store's file: an LMDB environment read through views and written by group commits that end with an fsync.

import { join } from 'node:path'
import { open, type Transaction as ReadTransaction, type RootDatabase } from 'lmdb'
import { DATA_FILE } from '../dataFile.ts'
import { errorText } from '../errorText.ts'
import { LMDB_FILES } from '../private.ts'
import { createRoom, DiskFull } from '../room.ts'
import { hasSeal, SEAL_BYTES, sealed, unsealed } from '../seal.ts'
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
  /**
   * Runs the work in the next commit, together with what else waits; resolves when it is on disk. Changes made before, by a
   * transaction, can be brought along.
   */
  write<T>(work: Write<T>, before?: Overlay): Promise<T>
  close(): Promise<void>
}

/** From this many changes on it pays to write them in order. */
const SORT_FROM = 16

/** The file cannot take more: what a client is told about a failed commit. */
const storageError = (error: unknown): CommandError => {
  const message = errorText(error)
  return error instanceof DiskFull || /space|MAP_FULL|ENOSPC/i.test(message)
    ? new CommandError(14031, `the write was not made: ${message}`)
    : new CommandError(8, `the write was not made: ${message}`)
}

/** Keys in the file: four bytes for the space, then the key itself, one byte a char. */
const prefixes = new Map<Space, string>()
const prefixOf = (space: Space): string => {
  const known = prefixes.get(space)
  if (known !== undefined) return known
  const made = String.fromCharCode(space >>> 24, (space >>> 16) & 255, (space >>> 8) & 255, space & 255)
  prefixes.set(space, made)
  return made
}

const fullKey = (space: Space, key: Key): string => prefixOf(space) + key

/** Writes keys straight into LMDB's buffer. */
const KEYS = {
  writeKey: (key: string, target: Uint8Array, start: number): number => {
    const end = start + key.length
    if (end > target.length) throw new RangeError('a key is too long')
    for (let i = 0; i < key.length; i += 1) target[start + i] = key.charCodeAt(i)
    return end
  },
  readKey: (target: Buffer, start: number, end: number): string => target.toString('latin1', start, end),
}

type Database = RootDatabase<Buffer, string>

/** Which spaces hold documents, whose bytes are sealed; of others only the store itself knows what they mean. */
export interface Sealing {
  isSealed(space: Space): boolean
  /** What a client is told about a document that is not as it was written. */
  damaged(space: Space, key: Key, bytes: Buffer): CommandError
}

/** A document of a version that had no seals: it fills its bytes, and ends as every document does. */
const isPlain = (bytes: Buffer): boolean =>
  bytes.length >= 5 && bytes.readInt32LE(0) === bytes.length && bytes[bytes.length - 1] === 0

const sealKey = (space: Space, key: Key): Buffer => Buffer.from(fullKey(space, key), 'latin1')

const viewOf = (db: Database, sealing: Sealing, transaction?: ReadTransaction): View => {
  const options = transaction && { transaction }
  const opened = (space: Space, key: Key, bytes: Buffer): Buffer => {
    const value = hasSeal(bytes) ? unsealed(bytes, sealKey(space, key)) : isPlain(bytes) ? bytes : undefined
    if (value === undefined) throw sealing.damaged(space, key, bytes)
    return value
  }
  return {
    get: (space, key) => {
      const value = db.get(fullKey(space, key), options)
      if (value === undefined) return undefined
      const given: Uint8Array = value
      const bytes = Buffer.isBuffer(given) ? given : Buffer.from(given.buffer, given.byteOffset, given.byteLength)
      return sealing.isSealed(space) ? opened(space, key, bytes) : bytes
    },
    range: function* (space, from, to, reverse = false): Iterable<Entry> {
      const low = fullKey(space, from)
      const high = to === undefined ? fullKey(space + 1, '') : fullKey(space, to)
      const entries = db.getRange(
        reverse
          ? { start: high, exclusiveStart: true, end: low, inclusiveEnd: true, reverse, ...options }
          : { start: low, end: high, ...options },
      )
      const isSealed = sealing.isSealed(space)
      for (const { key: full, value } of entries) {
        const key = full.slice(4)
        yield [key, isSealed ? opened(space, key, value) : value]
      }
    },
    keys: function* (space, from, to): Iterable<Key> {
      const end = to === undefined ? fullKey(space + 1, '') : fullKey(space, to)
      for (const full of db.getKeys({ start: fullKey(space, from), end, ...options })) yield full.slice(4)
    },
    keyBehind: (space, from, to, count) => {
      const end = to === undefined ? fullKey(space + 1, '') : fullKey(space, to)
      const [found] = db.getKeys({ start: fullKey(space, from), end, offset: count, limit: 1, ...options })
      return found?.slice(4)
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
export const openStorage = (dir: string, sealing: Sealing, listener: CommitListener): Storage => {
  const db: Database = open<Buffer, string>({
    path: dir,
    noSubdir: false,
    keyEncoder: KEYS,
    encoding: 'binary',
    mapSize: MAP_SIZE,
    maxReaders: MAX_READERS,
    ...LMDB_FILES,
  })
  const latest = viewOf(db, sealing)
  const room = createRoom({ file: join(dir, DATA_FILE), stats: () => db.getStats() })
  let waiting: Waiting[] = []
  let closed = false

  const apply = (changes: Overlay): void => {
    for (const [space, values] of changes.spaces()) {
      const isSealed = sealing.isSealed(space)
      // In order, so that neighbours are written while their page is at hand.
      const keys = values.size < SORT_FROM ? values.keys() : [...values.keys()].sort()
      for (const key of keys) {
        const value = values.get(key)!
        room.take(key.length + (value === null ? 0 : value.length + SEAL_BYTES))
        if (value === null) db.removeSync(fullKey(space, key))
        else db.putSync(fullKey(space, key), isSealed ? sealed(value, sealKey(space, key)) : value)
      }
    }
  }

  const commit = (): void => {
    const batch = waiting
    waiting = []
    if (batch.length === 0) return
    const settle: (() => void)[] = []
    room.begin()
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
      return { ...viewOf(db, sealing, transaction), release: () => transaction.done() }
    },
    write: <T>(work: Write<T>, before?: Overlay) =>
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
            if (before) apply(before)
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
