// Cursors: what remains of an answer after its first batch, kept until fetched, killed or idle for too long.
import { randomBytes } from 'node:crypto'
import type { Context } from './commands/context.ts'
import { CommandError } from './errors.ts'

/** Documents of an answer as they become available, in chunks; `demand` says how many are wanted next. */
export interface Demand {
  wanted: number
}
export type Answer = AsyncIterator<readonly Buffer[], void, undefined>

export interface Cursor {
  readonly id: bigint
  readonly ns: string
  /** The session that may fetch from it. */
  readonly session: string | undefined
  /** Number of the transaction it belongs to. */
  readonly transaction: bigint | undefined
  /** Tells for which command it reads from now on. */
  use(context: Context): void
  /** The next batch: at most `count` documents and about 16 MB. */
  next(count: number): Promise<Batch>
  close(): Promise<void>
}

export interface Batch {
  readonly documents: readonly Buffer[]
  readonly done: boolean
}

/** Most bytes of documents in one batch. */
const BATCH_BYTES = 16 * 1024 * 1024

/** Bytes of documents that all cursors may hold between two batches. */
const MAX_HELD = 256 * 1024 * 1024
let heldByAll = 0

/** Reads batches from an answer. Throws 292 when all cursors together would hold too much. */
export const createBatches = (answer: Answer, demand: Demand) => {
  let held: readonly Buffer[] = []
  let at = 0
  let done = false
  let counted = 0
  /** Counts what is left for the next batch. */
  const recount = (): void => {
    let bytes = 0
    for (let i = at; i < held.length; i += 1) bytes += held[i]!.length
    heldByAll += bytes - counted
    counted = bytes
    if (bytes > 0 && heldByAll > MAX_HELD) throw new CommandError(292, 'the cursors that are open hold too much')
  }
  return {
    next: async (count: number): Promise<Batch> => {
      const documents: Buffer[] = []
      let bytes = 0
      while (documents.length < count) {
        if (at === held.length) {
          if (done) break
          demand.wanted = count - documents.length
          const { value, done: ended } = await answer.next()
          if (ended) done = true
          held = value ?? []
          at = 0
          continue
        }
        const next = held[at]!
        if (documents.length > 0 && bytes + next.length > BATCH_BYTES) {
          recount()
          return { documents, done: false }
        }
        documents.push(next)
        bytes += next.length
        at += 1
      }
      recount()
      return { documents, done: done && at === held.length }
    },
    close: async (): Promise<void> => {
      done = true
      held = []
      at = 0
      recount()
      await answer.return?.()
    },
  }
}

export interface Cursors {
  add(cursor: Omit<Cursor, 'id'>, keep: boolean): Cursor
  /** The cursor for a `getMore`. */
  get(id: bigint, ns: string): Cursor
  /** Whether there was such a cursor. */
  kill(id: bigint): boolean
  killWhere(test: (cursor: Cursor) => boolean): void
  readonly open: number
  stop(): void
}

/** A cursor nobody fetches from is closed after ten minutes. */
const IDLE_MS = 10 * 60_000
/** Most cursors at once; each may hold documents of its answer. */
const MAX_CURSORS = 20_000

export const createCursors = (): Cursors => {
  const cursors = new Map<bigint, { readonly cursor: Cursor; used: number; readonly keep: boolean }>()
  const kill = (id: bigint): boolean => {
    const found = cursors.get(id)
    if (!found) return false
    cursors.delete(id)
    found.cursor.close().catch(() => undefined)
    return true
  }
  const timer = setInterval(() => {
    const now = Date.now()
    for (const [id, { used, keep }] of cursors) if (!keep && now - used > IDLE_MS) kill(id)
  }, 30_000)
  timer.unref()
  return {
    add: (made, keep) => {
      if (cursors.size >= MAX_CURSORS) throw new CommandError(96, 'too many cursors are open')
      let id = randomBytes(8).readBigInt64LE() & 0x7fffffffffffffffn
      while (id === 0n || cursors.has(id)) id += 1n
      const cursor = { ...made, id }
      cursors.set(id, { cursor, used: Date.now(), keep })
      return cursor
    },
    get: (id, ns) => {
      const found = cursors.get(id)
      if (!found) throw new CommandError(43, `cursor id ${id} not found`)
      if (found.cursor.ns !== ns)
        throw new CommandError(13, `Requested getMore on namespace '${ns}', but cursor belongs to '${found.cursor.ns}'`)
      found.used = Date.now()
      return found.cursor
    },
    kill,
    killWhere: (test) => {
      for (const [id, { cursor }] of cursors) if (test(cursor)) kill(id)
    },
    get open() {
      return cursors.size
    },
    stop: () => {
      clearInterval(timer)
      for (const id of [...cursors.keys()]) kill(id)
    },
  }
}
