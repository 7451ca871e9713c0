// A node in memory for tests of crashes: one log that survives, runtimes over it that die at any step and come back.
import type { NewFact, RecordedFact } from '../../src/domain/recorded.ts'
import type { Rulebook } from '../../src/domain/rulebook/rulebook.ts'
import { type EventStore, MalformedFact, type Source } from '../../src/eventstore/index.ts'
import { type Processes, startProcesses } from '../../src/processes/process.ts'
import { referralProcesses } from '../../src/processes/referrals.ts'
import type { Keyed, ModelCollection, ReadModel } from '../../src/readmodel/index.ts'
import { createCodes } from '../../src/runtime/codes.ts'
import { type CustomerRuntime, createCustomerRuntime } from '../../src/runtime/customers.ts'
import { createLedgers, type Ledgers } from '../../src/runtime/ledgers.ts'
import { createCustomers } from '../../src/runtime/loader.ts'
import { createSetAside } from '../../src/worker/setAside.ts'
import { NO_SNAPSHOTS } from '../customer/noSnapshots.ts'
import { T0 } from '../given.ts'

export class Crash extends Error {}

/** Counts the steps of one life of a node and ends it at a given one: `before` what the step does, or after it. */
export interface Fuse {
  step<T>(act: () => T): T
  readonly steps: number
  readonly blown: boolean
}

export const fuse = (at: number): Fuse => {
  let steps = 0
  let blown = false
  const crash = (): never => {
    blown = true
    throw new Crash(`at step ${at}`)
  }
  return {
    step(act) {
      if (blown) return crash()
      // Each act is two steps: to die before it, and to die after it without having heard of it.
      if (steps++ === at) return crash()
      const result = act()
      if (steps++ === at) return crash()
      return result
    },
    get steps() {
      return steps
    },
    get blown() {
      return blown
    },
  }
}

const unused = (): never => {
  throw new Error('not part of this log')
}

/** What survives a crash: the log and the documents of processes. */
export interface Disk {
  readonly log: RecordedFact[]
  readonly documents: Map<string, Map<string, { readonly _id: string }>>
  /** Called after each append. */
  readonly listeners: Set<() => void>
  /** Streams that cannot be read from their beginning. */
  readonly broken: Set<string>
}

export const newDisk = (): Disk => ({ log: [], documents: new Map(), listeners: new Set(), broken: new Set() })

const streamOf = ({ log }: Disk, stream: string) => log.filter((fact) => fact.stream === stream)

/**
 * Appends as the real log does: ids that stand where they are expected are success, another revision is a conflict, and what is
 * stored went through JSON.
 */
export const appendTo = (
  log: RecordedFact[],
  there: readonly RecordedFact[],
  stream: string,
  facts: readonly NewFact[],
  expected: unknown,
  created: number,
) => {
  const at = expected === 'no_stream' ? 0 : Number(expected as bigint) + 1
  const known = expected === 'any' ? there.findIndex(({ id }) => id === facts[0]?.id) : at
  if (known >= 0 && facts.every(({ id }, i) => there[known + i]?.id === id)) {
    const last = there[known + facts.length - 1]!
    return { kind: 'appended' as const, revision: last.revision, position: last.position }
  }
  const revision = BigInt(there.length) - 1n
  if (expected !== 'any' && (expected === 'no_stream' ? -1n : expected) !== revision)
    return { kind: 'conflict' as const, actual: revision < 0n ? ('no_stream' as const) : revision }
  for (const [i, fact] of facts.entries()) {
    const { type, id, data, metadata } = JSON.parse(JSON.stringify(fact)) as NewFact
    const position = BigInt(log.length) * 10n
    log.push({ id, type, data, metadata, stream, revision: revision + 1n + BigInt(i), position, created })
  }
  const last = log.at(-1)!
  return { kind: 'appended' as const, revision: last.revision, position: last.position }
}

const append = (disk: Disk, stream: string, facts: readonly NewFact[], expected: bigint | string) => {
  const before = disk.log.length
  const result = appendTo(disk.log, streamOf(disk, stream), stream, facts, expected, T0)
  if (disk.log.length > before) for (const listener of disk.listeners) listener()
  return result
}

const subscribe = (disk: Disk, from: bigint, streams?: readonly string[]): Source => {
  let taken = from
  let closed = false
  /** A subscription to some streams says that it is at the end also when nothing matches. */
  let mustSay = streams !== undefined
  let wake: (() => void) | undefined
  const listener = () => wake?.()
  disk.listeners.add(listener)
  const rest = () =>
    disk.log.filter(
      ({ position, stream }) => position > taken && (streams?.some((prefix) => stream.startsWith(prefix)) ?? true),
    )
  return {
    get buffered() {
      return rest().length
    },
    async next(max) {
      while (rest().length === 0 && !closed && !mustSay)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      if (closed) throw new Error('closed')
      const facts = rest().slice(0, max)
      taken = facts.at(-1)?.position ?? taken
      mustSay = mustSay && rest().length > 0
      return { facts, unreadable: [], position: taken, revision: undefined, caughtUp: rest().length === 0 }
    },
    async close() {
      closed = true
      disk.listeners.delete(listener)
      wake?.()
    },
  }
}

export const storeOver = (disk: Disk, { step }: Fuse): EventStore => ({
  append: async (stream, facts, expected) => step(() => append(disk, stream, facts, expected)),
  async *readStream(stream, { from = 0n, maxCount = Number.POSITIVE_INFINITY, direction } = {}) {
    if (direction === 'backwards') {
      yield* streamOf(disk, stream).reverse().slice(0, maxCount)
      return
    }
    const first = typeof from === 'bigint' ? from : 0n
    if (disk.broken.has(stream))
      throw new MalformedFact({ stream, revision: 0n, position: 0n, id: '', type: 'X', error: 'broken' })
    yield* streamOf(disk, stream)
      .filter(({ revision }) => revision >= first)
      .slice(0, maxCount)
  },
  subscribeAll: async ({ from, streams }) => subscribe(disk, typeof from === 'bigint' ? from : -1n, streams),
  head: async () => disk.log.at(-1)?.position,
  health: () => ({ ok: true, since: T0 }),
  close: async () => {},
  appendRecords: unused,
  readRecords: unused,
  readAll: unused,
  subscribeStream: unused,
  removeStream: unused,
  checkServer: unused,
})

/** The few calls that processes make of a collection. */
export const documentsOver = (disk: Disk, { step }: Fuse): Pick<ReadModel, 'plain'> => ({
  plain: <D extends Keyed>(name: string) => {
    const documents = disk.documents.get(name) ?? new Map<string, { readonly _id: string }>()
    disk.documents.set(name, documents)
    const calls = {
      findOne: async ({ _id }: { _id: string }) => documents.get(_id) ?? null,
      replaceOne: async (_: unknown, document: { readonly _id: string }) =>
        step(() => void documents.set(document._id, document)),
      find: async () => [...documents.values()],
      count: async () => documents.size,
      deleteOne: async ({ _id }: { _id: string }) => ({ deletedCount: Number(documents.delete(_id)) }),
    }
    return calls as unknown as ModelCollection<D>
  },
})

export interface Life {
  readonly customers: CustomerRuntime
  readonly store: EventStore
  readonly codes: ReturnType<typeof createCodes>
  readonly ledgers: Ledgers
  readonly processes: Processes
}

const silent = { warn: () => {}, error: () => {} }

/** One life of a node over the disk. Whatever it does after its fuse has blown fails. */
export const live = (disk: Disk, rulebook: () => Rulebook, at: Fuse): Life => {
  const store = storeOver(disk, at)
  let keys = 0
  const customers = createCustomerRuntime({
    store,
    head: disk.log.at(-1)?.position ?? -1n,
    customers: createCustomers({
      store,
      snapshots: NO_SNAPSHOTS,
      cacheSize: 1_000,
    }),
    rulebook,
    wasUsed: async () => false,
    randomKey: () => `random-${disk.log.length}-${keys++}`,
    sleep: async () => {},
    random: () => 0.5,
  })
  const ledgers = createLedgers(rulebook, { store, sleep: async () => {}, random: () => 0.5 })
  const codes = createCodes(ledgers)
  const now = () => T0
  const readModel = documentsOver(disk, at)
  const aside = createSetAside({ readModel, log: silent, now })
  const started = startProcesses({
    group: 'main',
    processes: referralProcesses({ customers, codes, rulebook, now }),
    store,
    readModel,
    log: silent,
    now,
    aside,
  })
  const processes: Processes = {
    ...started,
    async stop() {
      await started.stop()
      await aside.stop()
    },
  }
  return { customers, store, codes, ledgers, processes }
}
