// Snapshots of customers: derived, disposable, written off the hot path; what does not fit the code is ignored.
import type { CustomerState } from '../domain/customer/state.ts'
import { STATE_VERSION } from '../domain/customer/state.ts'
import type { Logger } from '../log.ts'
import type { ReadModel } from '../readmodel/index.ts'
import type { SavedKeys } from './keys.ts'

export interface Snapshot {
  readonly state: CustomerState
  readonly revision: bigint
  readonly position: bigint | undefined
  readonly keys: SavedKeys
}

export interface SnapshotStore {
  /** The newest usable snapshot; none as well when the document store is not to be had: the stream has everything. */
  load(id: string): Promise<Snapshot | undefined>
  /** The same for many at once; those without a usable snapshot are left out. */
  loadMany(ids: readonly string[]): Promise<ReadonlyMap<string, Snapshot>>
  /** Writes in the background, newest last; a failure only costs time later. */
  save(id: string, snapshot: Snapshot): void
  /** Removes a customer's, after those that wait to be written. */
  remove(id: string): Promise<void>
}

interface SnapshotDocument {
  readonly _id: string
  readonly stateVersion: number
  readonly revision: string
  readonly position: string | null
  /** JSON: only this code reads it, and only whole. */
  readonly state: string
  readonly keys: string
}

/** More than this many waiting snapshots: further ones are left to a later time. */
const MAX_WAITING = 100

const usable = ({ stateVersion, state, revision, position, keys }: SnapshotDocument): Snapshot | undefined =>
  stateVersion === STATE_VERSION
    ? {
        state: JSON.parse(state) as CustomerState,
        revision: BigInt(revision),
        position: position === null ? undefined : BigInt(position),
        keys: JSON.parse(keys) as SavedKeys,
      }
    : undefined

/** Customers asked for in one question, and questions at a time: who comes meanwhile is asked for in the next one. */
const MAX_ASKED = 256
const QUESTIONS = 2

export const createSnapshotStore = (readModel: ReadModel, log: Logger): SnapshotStore => {
  const collection = () => readModel.plain<SnapshotDocument>('snapshots')
  /** Who waits for the next question, and who waits for each. */
  let wanted = new Map<string, ((snapshot: Snapshot | undefined) => void)[]>()
  let asking = 0

  const loadMany = async (ids: readonly string[]): Promise<ReadonlyMap<string, Snapshot>> => {
    const found = new Map<string, Snapshot>()
    try {
      for (const saved of await collection().find({ _id: { $in: [...ids] } }, { limit: ids.length })) {
        const snapshot = usable(saved)
        if (snapshot) found.set(saved._id, snapshot)
      }
    } catch (error) {
      log.warn({ err: error, customers: ids.length }, 'no snapshots; reading whole streams')
    }
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
  let waiting = 0
  let last: Promise<unknown> = Promise.resolve()
  return {
    load: (id) =>
      new Promise((resolve) => {
        const waiters = wanted.get(id)
        if (waiters) waiters.push(resolve)
        else wanted.set(id, [resolve])
        // Those that are asked for in the same turn go together.
        queueMicrotask(() => void ask())
      }),
    loadMany,
    remove: (id) => {
      const removed = last.then(() => collection().deleteOne({ _id: id }))
      last = removed.catch(() => undefined)
      return removed.then(() => undefined)
    },
    save(id, { state, revision, position, keys }) {
      if (waiting >= MAX_WAITING) return
      waiting++
      last = last
        .then(() =>
          collection().replaceOne(
            { _id: id },
            {
              _id: id,
              stateVersion: STATE_VERSION,
              revision: String(revision),
              position: position === undefined ? null : String(position),
              state: JSON.stringify(state),
              keys: JSON.stringify(keys),
            },
            { upsert: true },
          ),
        )
        .catch((error: unknown) => log.warn({ err: error, customer: id }, 'a snapshot was not written'))
        .finally(() => {
          waiting--
        })
    },
  }
}
