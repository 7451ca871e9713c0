// Snapshots of customers: derived, disposable, written off the hot path; what does not fit the code is ignored.

import { type CustomerState, type SavedState, STATE_VERSION, savedState, stateOf } from '../domain/customer/state.ts'
import { addTo } from '../domain/grouped.ts'
import { sortable } from '../domain/position.ts'
import type { Log } from '../line/log.ts'
import { isDuplicateKey, type ReadModel } from '../readmodel/index.ts'
import { NO_KEYS, type SavedKeys } from './keys.ts'

export interface Snapshot {
  readonly state: CustomerState
  readonly revision: bigint
  readonly position: bigint | undefined
  readonly keys: SavedKeys
}

/** A snapshot with the bytes of JSON that it is taken to have. */
export type WeighedSnapshot = readonly [id: string, snapshot: Snapshot, bytes: number]

export interface SnapshotStore {
  /** The newest usable snapshot; none as well when the document store is unavailable: the stream has everything. */
  load(id: string): Promise<Snapshot | undefined>
  /** The same for many at once; those without a usable snapshot are left out. */
  loadMany(ids: readonly string[]): Promise<ReadonlyMap<string, Snapshot>>
  /**
   * Writes in the background, those of a moment together; meanwhile it can be loaded. A failure only costs time later. False when too
   * many wait: then nothing is written of it.
   */
  save(id: string, snapshot: Snapshot): boolean
  /** Writes what waits, and these, before it resolves; ends early when `signal` says so. */
  saveAll(snapshots: Iterable<WeighedSnapshot>, signal: AbortSignal): Promise<void>
  /** Leaves nothing of a customer who went at a position of the log; nothing older comes back, from no node that still has it. */
  erase(id: string, position: bigint): Promise<void>
}

/** The collection of snapshots. */
export const SNAPSHOTS = 'snapshots'

export interface SnapshotDocument {
  readonly _id: string
  readonly stateVersion: number
  readonly revision: string
  readonly position: string | null
  /** The position as text that sorts: an older one never takes the place of a newer. */
  readonly at: string
  /** JSON: only this code reads it, and only whole. */
  readonly state: string
  readonly keys: SavedKeys
}

/** What is left of a customer who was deleted at `position`: nothing, and nothing older comes back in its place. */
const erasedSnapshot = (id: string, position: bigint): SnapshotDocument => ({
  _id: id,
  stateVersion: 0,
  revision: '-1',
  position: null,
  at: sortable(position),
  state: '',
  keys: NO_KEYS,
})

/**
 * The snapshot of a customer that may make way for one `at`, if there is any: where a newer one is, none is found, and the new one
 * cannot be put beside it (a duplicate key).
 */
const notNewer = (id: string, at: string) => ({ _id: id, at: { $not: { $gt: at } } })

/** Snapshots that wait to be written; further ones are left to a later time. */
const MAX_WAITING = 2_000
/** So many are written together, as they come in so long a time, ms. */
const MAX_TOGETHER = 100
const GATHER_MS = 50
/** Of all at once so many go together, or so many bytes. */
const PORTION = 500
const PORTION_BYTES = 4 * 1024 * 1024

const usable = ({ stateVersion, state, revision, position, keys }: SnapshotDocument): Snapshot | undefined =>
  stateVersion === STATE_VERSION
    ? {
        state: stateOf(JSON.parse(state) as SavedState),
        revision: BigInt(revision),
        position: position === null ? undefined : BigInt(position),
        keys,
      }
    : undefined

const documentOf = (id: string, { state, revision, position, keys }: Snapshot): SnapshotDocument => ({
  _id: id,
  stateVersion: STATE_VERSION,
  revision: String(revision),
  position: position === undefined ? null : String(position),
  at: sortable(position ?? 0n),
  state: JSON.stringify(savedState(state)),
  keys,
})

/** Customers asked for in one question, and questions at a time: who comes meanwhile is asked for in the next one. */
const MAX_ASKED = 256
const QUESTIONS = 2

export const createSnapshotStore = (readModel: ReadModel, log: Pick<Log, 'warn'>): SnapshotStore => {
  const collection = () => readModel.plain<SnapshotDocument>(SNAPSHOTS)
  /** Who waits for the next question, and who waits for each. */
  let wanted = new Map<string, ((snapshot: Snapshot | undefined) => void)[]>()
  let asking = 0

  /** What is not in the store yet, or not surely: newer than what is there. */
  const waiting = new Map<string, Snapshot>()
  let underWay: ReadonlyMap<string, Snapshot> = new Map()
  let writingNow: Promise<void> = Promise.resolve()
  const unwritten = (id: string): Snapshot | undefined => waiting.get(id) ?? underWay.get(id)

  const read = async (ids: readonly string[], found: Map<string, Snapshot>): Promise<void> => {
    try {
      for (const saved of await collection().find({ _id: { $in: [...ids] } }, { limit: ids.length })) {
        const snapshot = usable(saved)
        if (snapshot) found.set(saved._id, snapshot)
      }
    } catch (error) {
      log.warn({ err: error, customers: ids.length }, 'no snapshots; reading whole streams')
    }
  }

  const loadMany = async (ids: readonly string[]): Promise<ReadonlyMap<string, Snapshot>> => {
    const found = new Map<string, Snapshot>()
    const asked: string[] = []
    for (const id of ids) {
      const snapshot = unwritten(id)
      if (snapshot) found.set(id, snapshot)
      else asked.push(id)
    }
    if (asked.length > 0) await read(asked, found)
    return found
  }

  const ask = async (): Promise<void> => {
    if (asking >= QUESTIONS) return
    asking++
    while (wanted.size > 0) {
      const now = [...wanted].slice(0, MAX_ASKED)
      if (now.length === wanted.size) wanted = new Map()
      else for (const [id] of now) wanted.delete(id)
      const found = await loadMany(now.map(([id]) => id))
      for (const [id, waiters] of now) for (const tell of waiters) tell(found.get(id))
    }
    asking--
  }

  const write = async (together: ReadonlyMap<string, Snapshot>): Promise<void> => {
    try {
      await collection().bulkWrite(
        [...together].map(([id, snapshot]) => {
          const document = documentOf(id, snapshot)
          return { replaceOne: { filter: notNewer(id, document.at), replacement: document, upsert: true } }
        }),
        { ordered: false },
      )
    } catch (error) {
      if (!isDuplicateKey(error)) log.warn({ err: error, customers: together.size }, 'snapshots were not written')
    }
  }

  const portionOf = (all: Iterator<WeighedSnapshot>): ReadonlyMap<string, Snapshot> => {
    const portion = new Map<string, Snapshot>()
    for (let room = PORTION_BYTES; room > 0 && portion.size < PORTION; ) {
      const next = all.next()
      if (next.done) break
      const [id, snapshot, bytes] = next.value
      portion.set(id, snapshot)
      room -= bytes
    }
    return portion
  }

  let writing = false
  const writeAll = async (): Promise<void> => {
    while (waiting.size > 0) {
      const together = new Map<string, Snapshot>()
      for (const [id, snapshot] of waiting) {
        together.set(id, snapshot)
        waiting.delete(id)
        if (together.size >= MAX_TOGETHER) break
      }
      underWay = together
      writingNow = write(together)
      await writingNow
      underWay = new Map()
    }
    writing = false
  }

  return {
    load: (id) =>
      new Promise((resolve) => {
        const known = unwritten(id)
        if (known) return resolve(known)
        addTo(wanted, id, resolve)
        // Those that are asked for in the same turn go together.
        queueMicrotask(() => void ask())
      }),
    loadMany,
    async erase(id, position) {
      const erased = erasedSnapshot(id, position)
      await collection()
        .replaceOne(notNewer(id, erased.at), erased, { upsert: true })
        .catch((error: unknown) => {
          if (!isDuplicateKey(error)) throw error
        })
    },
    async saveAll(all, signal) {
      await writeAll()
      await writingNow
      const iterator = all[Symbol.iterator]()
      for (let some = portionOf(iterator); some.size > 0 && !signal.aborted; some = portionOf(iterator))
        await write(some)
    },
    save(id, snapshot) {
      if (waiting.size >= MAX_WAITING && !waiting.has(id)) return false
      waiting.set(id, snapshot)
      if (writing) return true
      writing = true
      setTimeout(() => void writeAll(), GATHER_MS).unref()
      return true
    },
  }
}
