// Loads customers: from memory, else from what was read ahead or a snapshot and the tail of the stream, else from the stream.

import { missingAccumulators, rewatch, startAccumulation, withAccumulatorsOf } from '../domain/customer/derive.ts'
import type { CustomerState } from '../domain/customer/state.ts'
import { customerStream } from '../domain/ids.ts'
import type { NewFact } from '../domain/recorded.ts'
import type { Rulebook } from '../domain/rulebook/rulebook.ts'
import type { EventStore } from '../eventstore/index.ts'
import { createForeseen, type Loaded, type LogPart, readOn, takes, unread } from './foreseen.ts'
import { createHeavyCache } from './heavy.ts'
import { createKeyMemory } from './keys.ts'
import { createRevisions } from './revisions.ts'
import type { Snapshot, SnapshotStore, WeighedSnapshot } from './snapshots.ts'

export type { Loaded } from './foreseen.ts'

export interface LoadOptions {
  /** The customer is only passed by: when memory does not hold it, it is not put there, where others would have to go for it. */
  readonly inPassing?: boolean
  /**
   * A snapshot will do of a customer of whom nothing newer is known, without a look at the stream: `current` says whether it is
   * one. Only for what is then appended with the exact revision, which finds out.
   */
  readonly mayBeBehind?: boolean
}

export interface LoadedCustomer extends Loaded {
  /** False: another writer may have appended since. */
  readonly current: boolean
}

export interface Customers {
  load(id: string, rulebook: Rulebook, options?: LoadOptions): Promise<LoadedCustomer>
  /** Of these customers, those for whom `load` has to read. */
  unready(ids: readonly string[], rulebook: Rulebook): readonly string[]
  /** Reads the snapshots of many (at most 1,000) in one go, for customers that are about to be loaded one by one. */
  foresee(ids: readonly string[], rulebook: Rulebook): Promise<void>
  /** Reads many from the log in one go: see `ForeseenCustomers.readLog`. */
  readLog(part: LogPart): Promise<void>
  /** Whatever was read ahead is not needed any more. */
  forgetForeseen(): void
  /**
   * A customer that memory does not hold, taken to be new without a look at the stream: a read costs several times what an
   * append does. Only for what is then appended with `no_stream`, which finds out. Undefined when memory holds the customer.
   */
  presume(id: string, rulebook: Rulebook): Loaded | undefined
  /**
   * A customer that memory does not hold, as the log had it when it was last read in one go, under this very rulebook: without
   * a look at the stream, which may have gone on. Once; undefined when there is none.
   */
  foreseen(id: string, rulebook: Rulebook): Loaded | undefined
  /** What this node has just appended itself; `bytes` as sent. */
  appended(
    id: string,
    before: Loaded,
    after: { state: CustomerState; revision: bigint; position: bigint; facts: readonly NewFact[]; bytes: number },
    options?: LoadOptions,
  ): void
  /** A state that differs only in what is derived. */
  derived(id: string, before: Loaded, state: CustomerState): void
  /** Memory may be wrong: the next load reads everything again. */
  forget(id: string): void
  /** Bytes of a customer's state as JSON, as far as memory knows; 0 when it does not hold the customer. */
  weightOf(id: string): number
  /** Memory may be behind what other nodes recorded: the next load reads on. */
  doubt(id: string): void
  /** Leaves snapshots of those in memory, for the next start; those asked for last come first. Ends when `signal` says so. */
  leave(signal: AbortSignal): Promise<void>
}

export interface CustomersOptions {
  readonly store: EventStore
  readonly snapshots: SnapshotStore
  /** Customers kept in memory, and the bytes that they may take there. */
  readonly cacheSize: number
  readonly cacheBytes?: number
  /**
   * Up to where in the log other processes of this node have recorded something of a customer, or of one that they cannot tell from
   * it; -1n: nothing. What memory holds is not believed past that.
   */
  readonly recordedElsewhere?: (id: string) => bigint
}

/** Bytes of memory for customers: some 20,000 of them with usual profiles. A fuller heap costs more than who is read again. */
const CACHE_BYTES = 64 * 1024 * 1024

/** What a fact is taken to add to a state where its size is not known; most add far less. */
const FACT_BYTES = 1_000

/**
 * A stream that has grown by so many facts since its last snapshot gets a new one, while so few bytes are written for each of them;
 * after `ANYHOW` facts whatever that writes. A node that ends without a word leaves no more than this to be read again.
 */
const SNAPSHOT_EVERY = 32
const BYTES_PER_FACT = 1024
const ANYHOW = 200
/** Who leaves memory gets one after fewer. */
const LEAVING_BYTES_PER_FACT = 8 * 1024

interface CacheEntry extends LoadedCustomer {
  readonly snapshotAt: bigint
  /** What others have recorded up to here is known, though none of it may be this customer's. */
  readonly knownTo?: bigint
}

const grown = ({ revision, snapshotAt }: CacheEntry): number => Number(revision - snapshotAt)

export const createCustomers = ({
  store,
  snapshots,
  cacheSize,
  cacheBytes = CACHE_BYTES,
  recordedElsewhere = () => -1n,
}: CustomersOptions): Customers => {
  const snapshotOf = ({ state, revision, position, keys }: CacheEntry): Snapshot => ({
    state,
    revision,
    position,
    keys: keys.save(),
  })
  const isToBeLeft = (held: CacheEntry, bytes: number): boolean =>
    grown(held) > 0 && grown(held) * LEAVING_BYTES_PER_FACT >= bytes
  const cache = createHeavyCache<CacheEntry>({
    maxEntries: cacheSize,
    maxBytes: cacheBytes,
    ...takes,
    onEvicted(id, held, bytes) {
      if (isToBeLeft(held, bytes)) snapshots.save(id, snapshotOf(held))
    },
  })
  /** What was appended or read here last: a snapshot of it is as good as what memory holds. */
  const newest = createRevisions()

  const foreseen = createForeseen(store, snapshots)

  /**
   * Reads a stream on, up to `to` (inclusive) or to its end. What a newer program recorded and this one does not know changes
   * nothing but the revision: an append would meet a conflict for ever otherwise.
   */
  const tail = async <T extends Loaded>(id: string, loaded: T, rulebook: Rulebook, to?: bigint): Promise<T> => {
    let now = loaded
    const rest = store.readStream(customerStream(id), {
      from: loaded.revision + 1n,
      ...(to === undefined ? {} : { maxCount: Number(to - loaded.revision) }),
      leftOut({ revision, position }) {
        now = { ...now, revision, position }
      },
    })
    for await (const fact of rest) now = readOn(now, fact, rulebook)
    return now
  }

  /** What a snapshot derived may have been made under other rules or before facts that came since. */
  const toBeFitted = (state: CustomerState): CustomerState => ({
    ...state,
    derived: { ...state.derived, rulebook: '' },
  })

  const startOf = async (id: string, rulebook: Rulebook): Promise<Loaded> => {
    const ahead = foreseen.take(id)
    if (ahead) return ahead
    const saved = await snapshots.load(id)
    return saved ? { ...saved, keys: createKeyMemory(saved.keys) } : unread(id, rulebook)
  }

  const cold = async (id: string, rulebook: Rulebook, mayBeBehind: boolean): Promise<CacheEntry> => {
    const start = await startOf(id, rulebook)
    const snapshotAt = start.revision
    const known = newest.get(id)
    // Asked before the read: what is recorded after it is for the next one.
    const elsewhere = recordedElsewhere(id)
    const isBehind = elsewhere > (start.position ?? -1n)
    if (known !== undefined && start.revision >= known && !isBehind) return { ...start, snapshotAt, current: true }
    // From a stream that leads to another customer the command goes there: no append to this one would find out that its snapshot is old.
    if (mayBeBehind && known === undefined && !isBehind && start.revision >= 0n && start.state.linkedTo === undefined)
      return { ...start, snapshotAt, current: false }
    const { state, ...read } = await tail(id, start, rulebook)
    newest.set(id, read.revision)
    return { ...read, state: toBeFitted(state), snapshotAt, current: true, knownTo: elsewhere }
  }

  const readOnFrom = async (id: string, known: CacheEntry, rulebook: Rulebook): Promise<CacheEntry> => {
    const knownTo = recordedElsewhere(id)
    const read = await tail(id, known, rulebook)
    newest.set(id, read.revision)
    return { ...read, current: true, knownTo }
  }

  const isCurrent = (id: string, { current, position = -1n, knownTo = -1n }: CacheEntry): boolean => {
    if (!current) return false
    const elsewhere = recordedElsewhere(id)
    return elsewhere <= position || elsewhere <= knownTo
  }

  /** Accumulators of the customer's whole past, from what was read ahead of it; undefined when that does not have them. */
  const fromForeseen = async (id: string, held: CacheEntry, ahead: Loaded, rulebook: Rulebook) => {
    const missing = missingAccumulators(held.state, rulebook)
    if (ahead.revision > held.revision || missingAccumulators(ahead.state, rulebook).length > 0) return undefined
    const same = ahead.revision === held.revision ? ahead : await tail(id, ahead, rulebook, held.revision)
    return same.revision === held.revision ? withAccumulatorsOf(held.state, missing, same.state) : undefined
  }

  const fromHistory = async (
    id: string,
    { state, revision }: CacheEntry,
    rulebook: Rulebook,
  ): Promise<CustomerState> => {
    const accumulation = startAccumulation(missingAccumulators(state, rulebook))
    for await (const fact of store.readStream(customerStream(id), { maxCount: Number(revision + 1n) }))
      accumulation.take(fact)
    return accumulation.into(state)
  }

  const fits = (state: CustomerState, rulebook: Rulebook) => state.derived.rulebook === rulebook.revision

  /** Makes what is derived fit the rulebook: only a condition that this customer's state has not seen costs a read. */
  const fit = async (id: string, held: CacheEntry, rulebook: Rulebook): Promise<CacheEntry> => {
    if (fits(held.state, rulebook)) return held
    let state = held.state
    if (missingAccumulators(state, rulebook).length > 0) {
      const ahead = foreseen.take(id)
      state = (ahead && (await fromForeseen(id, held, ahead, rulebook))) ?? (await fromHistory(id, held, rulebook))
    }
    return { ...held, state: rewatch(state, rulebook) }
  }

  /** What came with the facts that were read on: more is not known of their size. */
  const growthOf = (before: CacheEntry | undefined, after: CacheEntry): number =>
    before ? FACT_BYTES * Number(after.revision - before.revision) : 0

  const snapshotNow = (id: string, held: CacheEntry): CacheEntry =>
    snapshots.save(id, snapshotOf(held)) ? { ...held, snapshotAt: held.revision } : held

  const maybeSnapshot = (id: string, held: CacheEntry): CacheEntry => {
    const facts = grown(held)
    const isDue = facts >= SNAPSHOT_EVERY && (facts >= ANYHOW || facts * BYTES_PER_FACT >= cache.weightOf(id))
    return isDue ? snapshotNow(id, held) : held
  }

  function* leaving(): Generator<WeighedSnapshot> {
    for (const [id, held, bytes] of cache.entries()) if (isToBeLeft(held, bytes)) yield [id, snapshotOf(held), bytes]
  }

  return {
    async load(id, rulebook, { inPassing = false, mayBeBehind = false } = {}) {
      const known = cache.get(id)
      const read = !known
        ? await cold(id, rulebook, mayBeBehind)
        : isCurrent(id, known)
          ? known
          : await readOnFrom(id, known, rulebook)
      const held = maybeSnapshot(id, await fit(id, read, rulebook))
      if (held !== known && held.revision >= 0n && (known || !inPassing)) cache.set(id, held, growthOf(known, held))
      return held
    },
    unready: (ids, rulebook) =>
      ids.filter((id) => {
        const known = cache.peek(id)
        if (!known?.current) return true
        return !fits(known.state, rulebook) && missingAccumulators(known.state, rulebook).length > 0
      }),
    async foresee(ids, rulebook) {
      const cold = ids.filter((id) => !cache.has(id))
      if (cold.length > 0) await foreseen.readSnapshots(cold, rulebook)
    },
    readLog: foreseen.readLog,
    forgetForeseen: foreseen.clear,
    presume: (id, rulebook) => (cache.has(id) || newest.get(id) !== undefined ? undefined : unread(id, rulebook)),
    foreseen(id, rulebook) {
      if (cache.has(id)) return undefined
      const ahead = foreseen.takeRead(id, rulebook)
      return ahead && { ...ahead, state: rewatch(ahead.state, rulebook) }
    },
    appended(id, before, { state, revision, position, facts, bytes }, { inPassing = false } = {}) {
      foreseen.drop(id)
      newest.set(id, revision)
      const known = cache.get(id)
      if (!known && inPassing) return
      const first = revision - BigInt(facts.length - 1)
      for (const [i, { metadata }] of facts.entries()) {
        const { commandKey, print } = metadata
        if (commandKey !== undefined) before.keys.note(commandKey, first + BigInt(i), position, print)
      }
      const snapshotAt = known?.snapshotAt ?? -1n
      const { knownTo } = known ?? {}
      const now = { state, revision, position, keys: before.keys, snapshotAt, current: true, knownTo }
      cache.set(id, state.status === 'deleted' ? snapshotNow(id, now) : maybeSnapshot(id, now), bytes)
    },
    derived(id, before, state) {
      const known = cache.get(id)
      if (known && known.revision === before.revision) cache.set(id, { ...known, state }, 0)
    },
    doubt(id) {
      newest.forget(id)
      const known = cache.get(id)
      if (known) cache.set(id, { ...known, current: false }, 0)
    },
    weightOf: cache.weightOf,
    leave: (signal) => snapshots.saveAll(leaving(), signal),
    forget(id) {
      // A new copy of the keys: those noted by an append that is being decided again must not stay.
      cache.delete(id)
      newest.forget(id)
      foreseen.drop(id)
    },
  }
}
