// Loads customers: from memory, else from a snapshot and the tail of the stream, else from the whole stream.
import { LRUCache } from 'lru-cache'
import { fold } from '../domain/customer/fold.ts'
import { type CustomerState, NO_DERIVED, newCustomer } from '../domain/customer/state.ts'
import { customerStream } from '../domain/ids.ts'
import type { NewFact, RecordedFact } from '../domain/recorded.ts'
import type { Rulebook } from '../domain/rulebook/rulebook.ts'
import { accumulateMissing, missingAccumulators, rewatch } from '../domain/segments/derive.ts'
import type { EventStore } from '../eventstore/index.ts'
import { createKeyMemory, type KeyMemory } from './keys.ts'
import type { Snapshot, SnapshotStore } from './snapshots.ts'

/** A customer as far as this node has read the stream. */
export interface Loaded {
  readonly state: CustomerState
  /** The stream's last revision; -1n when there is none. */
  readonly revision: bigint
  /** The log position of that revision; undefined when nothing was read. */
  readonly position: bigint | undefined
  readonly keys: KeyMemory
}

export interface Customers {
  load(id: string, rulebook: Rulebook): Promise<Loaded>
  /** Reads the snapshots of many in one go, for customers that are about to be loaded one by one. */
  foresee(ids: readonly string[]): Promise<void>
  /**
   * A customer that memory does not hold, taken to be new without a look at the stream: a read costs several times what an
   * append does. Only for what is then appended with `no_stream`, which finds out. Undefined when memory holds the customer.
   */
  presume(id: string, rulebook: Rulebook): Loaded | undefined
  /** What this node has just appended itself. */
  appended(
    id: string,
    before: Loaded,
    after: { state: CustomerState; revision: bigint; position: bigint; facts: readonly NewFact[] },
  ): void
  /** A state that differs only in what is derived. */
  derived(id: string, before: Loaded, state: CustomerState): void
  /** Memory may be wrong: the next load reads everything again. */
  forget(id: string): void
  /** Memory may be behind what other nodes recorded: the next load reads on. */
  doubt(id: string): void
}

export interface CustomersOptions {
  readonly store: EventStore
  readonly snapshots: SnapshotStore
  /** Customers kept in memory. */
  readonly cacheSize: number
}

/** A stream that has grown by this many facts since its last snapshot gets a new one. */
const SNAPSHOT_EVERY = 200n

/** Snapshots that are read ahead at most. */
const MAX_FORESEEN = 2_000

interface Held extends Loaded {
  readonly snapshotAt: bigint
  /** False: another writer may have appended since. */
  readonly current: boolean
}

export const createCustomers = ({ store, snapshots, cacheSize }: CustomersOptions): Customers => {
  const cache = new LRUCache<string, Held>({ max: cacheSize })

  /** Snapshots read ahead; undefined: there is none. An old one costs a longer read, nothing else. */
  const foreseen = new LRUCache<string, { readonly snapshot: Snapshot | undefined }>({ max: MAX_FORESEEN })

  const take = (held: Held, fact: RecordedFact, rulebook: Rulebook): Held => {
    if (fact.metadata.commandKey !== undefined) held.keys.note(fact.metadata.commandKey, fact.revision, fact.position)
    return { ...held, state: fold(held.state, fact, rulebook), revision: fact.revision, position: fact.position }
  }

  const tail = async (id: string, held: Held, rulebook: Rulebook): Promise<Held> => {
    let now: Held = held
    for await (const fact of store.readStream(customerStream(id), { from: held.revision + 1n }))
      now = take(now, fact, rulebook)
    return { ...now, current: true }
  }

  const cold = async (id: string, rulebook: Rulebook): Promise<Held> => {
    const ahead = foreseen.get(id)
    foreseen.delete(id)
    const saved = ahead ? ahead.snapshot : await snapshots.load(id)
    const start: Held = saved
      ? { ...saved, keys: createKeyMemory(saved.keys), snapshotAt: saved.revision, current: false }
      : {
          state: { ...newCustomer(id), derived: { ...NO_DERIVED, rulebook: rulebook.revision } },
          revision: -1n,
          position: undefined,
          keys: createKeyMemory(),
          snapshotAt: -1n,
          current: false,
        }
    const read = await tail(id, start, rulebook)
    // What a snapshot derived may have been made under other rules or before facts that came since.
    return { ...read, state: { ...read.state, derived: { ...read.state.derived, rulebook: '' } } }
  }

  /** Makes what is derived fit the rulebook: only a condition that this customer's state has not seen costs a read. */
  const fit = async (id: string, held: Held, rulebook: Rulebook): Promise<Held> => {
    if (held.state.derived.rulebook === rulebook.revision) return held
    let state = held.state
    const missing = missingAccumulators(state, rulebook)
    if (missing.length > 0) {
      const history: RecordedFact[] = []
      for await (const fact of store.readStream(customerStream(id), { maxCount: Number(held.revision + 1n) }))
        history.push(fact)
      state = accumulateMissing(state, missing, history)
    }
    return { ...held, state: rewatch(state, rulebook) }
  }

  const maybeSnapshot = (id: string, held: Held): Held => {
    if (held.revision - held.snapshotAt < SNAPSHOT_EVERY) return held
    snapshots.save(id, { state: held.state, revision: held.revision, position: held.position, keys: held.keys.save() })
    return { ...held, snapshotAt: held.revision }
  }

  return {
    async load(id, rulebook) {
      const known = cache.get(id)
      const read = known?.current ? known : known ? await tail(id, known, rulebook) : await cold(id, rulebook)
      const held = maybeSnapshot(id, await fit(id, read, rulebook))
      if (held !== known && held.revision >= 0n) cache.set(id, held)
      return held
    },
    async foresee(ids) {
      const cold = ids.filter((id) => !cache.has(id))
      if (cold.length === 0) return
      const found = await snapshots.loadMany(cold)
      for (const id of cold) foreseen.set(id, { snapshot: found.get(id) })
    },
    presume(id, rulebook) {
      if (cache.has(id)) return undefined
      return {
        state: { ...newCustomer(id), derived: { ...NO_DERIVED, rulebook: rulebook.revision } },
        revision: -1n,
        position: undefined,
        keys: createKeyMemory(),
      }
    },
    appended(id, before, { state, revision, position, facts }) {
      const known = cache.get(id)
      const first = revision - BigInt(facts.length - 1)
      facts.forEach((fact, i) => {
        if (fact.metadata.commandKey !== undefined)
          before.keys.note(fact.metadata.commandKey, first + BigInt(i), position)
      })
      const snapshotAt = known?.snapshotAt ?? -1n
      cache.set(id, maybeSnapshot(id, { state, revision, position, keys: before.keys, snapshotAt, current: true }))
    },
    derived(id, before, state) {
      const known = cache.get(id)
      if (known && known.revision === before.revision) cache.set(id, { ...known, state })
    },
    doubt(id) {
      const known = cache.get(id)
      if (known) cache.set(id, { ...known, current: false })
    },
    forget(id) {
      // A new copy of the keys: those noted by an append that is being decided again must not stay.
      cache.delete(id)
    },
  }
}
