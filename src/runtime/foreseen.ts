// Customers read ahead: many in one go, before they are asked for one by one. Nothing depends on it but how long that takes.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fold } from '../domain/customer/fold.ts'
import { type CustomerState, NO_DERIVED, newCustomer, savedState } from '../domain/customer/state.ts'
import { customerOfStream } from '../domain/ids.ts'
import type { RecordedFact } from '../domain/recorded.ts'
import type { Rulebook } from '../domain/rulebook/rulebook.ts'
import type { EventStore } from '../eventstore/index.ts'
import { createHeavyCache } from './heavy.ts'
import { createKeyMemory, type KeyMemory } from './keys.ts'
import type { SnapshotStore } from './snapshots.ts'

/** A customer as far as this node has read the stream. */
export interface Loaded {
  readonly state: CustomerState
  /** The stream's last revision; -1n when there is none. */
  readonly revision: bigint
  /** The log position of that revision; undefined when nothing was read. */
  readonly position: bigint | undefined
  readonly keys: KeyMemory
}

/** The state that reading a stream begins with. */
export const unread = (id: string, rulebook: Rulebook): Loaded => ({
  state: { ...newCustomer(id), derived: { ...NO_DERIVED, rulebook: rulebook.revision } },
  revision: -1n,
  position: undefined,
  keys: createKeyMemory(),
})

/** What a customer takes in memory: what is written of the state, and the keys of its commands, which are text. */
export const takes = {
  weighs: ({ state }: Loaded): unknown => savedState(state),
  plain: ({ keys }: Loaded): number => keys.bytes,
}

/** What is loaded, after the stream's next fact. Takes over the memory of keys. */
export const readOn = <T extends Loaded>(loaded: T, fact: RecordedFact, rulebook: Rulebook): T => {
  const { commandKey, print } = fact.metadata
  if (commandKey !== undefined) loaded.keys.note(commandKey, fact.revision, fact.position, print)
  return { ...loaded, state: fold(loaded.state, fact, rulebook), revision: fact.revision, position: fact.position }
}

export interface LogPart {
  /** The customers that are to be read. */
  readonly ids: ReadonlySet<string>
  /** What the names of their streams begin with. */
  readonly streams: readonly string[]
  readonly rulebook: Rulebook
  readonly signal: AbortSignal
}

export interface ForeseenCustomers {
  /** Gives how far a customer was read ahead, once; what is derived is to be made to fit. */
  take(id: string): Loaded | undefined
  /** The same when that is to where the log's head was when it was read under this very rulebook; else it stays. */
  takeRead(id: string, rulebook: Rulebook): Loaded | undefined
  /** What was read ahead, or is being read now, of this customer is not to be used. */
  drop(id: string): void
  clear(): void
  /** Reads the snapshots of at most 1,000. */
  readSnapshots(ids: readonly string[], rulebook: Rulebook): Promise<void>
  /**
   * Reads the log once and folds the facts of all these customers. Who has a fact that cannot be read is left out. Rejects,
   * with nothing read, with the store's errors, with the signal's reason, or when the store falls silent.
   */
  readLog(part: LogPart): Promise<void>
}

/** Snapshots that are kept at most. */
const MAX_SNAPSHOTS = 2_000
const MAX_SNAPSHOT_BYTES = 64 * 1024 * 1024
/** Records taken from the log in one step. */
const STEP = 1_024
/** A server that says nothing for so long, ms, will not say that the end is reached: older ones never do. */
const SILENCE_MS = 10_000

export const createForeseen = (
  store: Pick<EventStore, 'head' | 'subscribeAll'>,
  snapshots: Pick<SnapshotStore, 'loadMany'>,
): ForeseenCustomers => {
  const fromSnapshots = createHeavyCache<Loaded>({
    maxEntries: MAX_SNAPSHOTS,
    maxBytes: MAX_SNAPSHOT_BYTES,
    ...takes,
  })
  let fromLog = new Map<string, Loaded>()
  /** The revision of the rulebook under which `fromLog` was read. */
  let readUnder = ''
  /** Customers that must not come out of the reading that is under way. */
  let spoilt: Set<string> | undefined

  const read = async ({ ids, streams, rulebook, signal }: LogPart, leftOut: Set<string>) => {
    const found = new Map<string, Loaded>()
    const head = await store.head()
    if (head === undefined) return found
    signal.throwIfAborted()
    const source = await store.subscribeAll({ from: 'start', streams })
    const giveUp = () => void source.close()
    signal.addEventListener('abort', giveUp, { once: true })
    const silence = setTimeout(giveUp, SILENCE_MS)
    try {
      for (;;) {
        const { facts, unreadable, position, caughtUp } = await source.next(STEP)
        for (const { stream } of unreadable) leftOut.add(customerOfStream(stream) ?? '')
        for (const fact of facts) {
          const id = customerOfStream(fact.stream)
          if (id === undefined || !ids.has(id) || leftOut.has(id)) continue
          const before = found.get(id) ?? unread(id, rulebook)
          // A gap is a fact of a type that this program does not know, or a stream that was cut off.
          if (fact.revision === before.revision + 1n) found.set(id, readOn(before, fact, rulebook))
          else leftOut.add(id)
        }
        if (caughtUp || (position !== undefined && position >= head)) return found
        // What waits in the process has its turn between two steps.
        await nextTurn()
        signal.throwIfAborted()
        silence.refresh()
      }
    } finally {
      clearTimeout(silence)
      signal.removeEventListener('abort', giveUp)
      await source.close()
    }
  }

  return {
    take(id) {
      const found = fromLog.get(id) ?? fromSnapshots.get(id)
      fromLog.delete(id)
      fromSnapshots.delete(id)
      return found
    },
    takeRead(id, rulebook) {
      const found = readUnder === rulebook.revision ? fromLog.get(id) : undefined
      if (found) fromLog.delete(id)
      return found
    },
    drop(id) {
      fromLog.delete(id)
      fromSnapshots.delete(id)
      spoilt?.add(id)
    },
    clear() {
      fromLog.clear()
      fromSnapshots.clear()
    },
    async readSnapshots(ids, rulebook) {
      const found = await snapshots.loadMany(ids)
      for (const id of ids) {
        const saved = found.get(id)
        fromSnapshots.set(id, saved ? { ...saved, keys: createKeyMemory(saved.keys) } : unread(id, rulebook), 0)
      }
    },
    async readLog(part) {
      const leftOut = new Set<string>()
      spoilt = leftOut
      fromLog.clear()
      try {
        const found = await read(part, leftOut)
        for (const id of leftOut) found.delete(id)
        fromLog = found
        readUnder = part.rulebook.revision
      } finally {
        spoilt = undefined
      }
    },
  }
}
