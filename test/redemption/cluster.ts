// Nodes over one log in virtual time, for histories of redemptions under load: calls take random times, answers get lost,
// appends are refused by chance, nodes die in the middle of what they do. One seed is one history.
import type { NewFact, RecordedFact } from '../../src/domain/recorded.ts'
import type { Rulebook } from '../../src/domain/rulebook/rulebook.ts'
import { StoreUnavailable } from '../../src/eventstore/errors.ts'
import type { EventStore } from '../../src/eventstore/index.ts'
import { redemptionProcesses } from '../../src/processes/redemptions.ts'
import { createCodes } from '../../src/runtime/codes.ts'
import { type CustomerRuntime, createCustomerRuntime } from '../../src/runtime/customers.ts'
import { createLedgers, type Ledgers } from '../../src/runtime/ledgers.ts'
import { createCustomers } from '../../src/runtime/loader.ts'
import { createRedemptions, type Redemptions } from '../../src/runtime/redemptions.ts'
import { createStock } from '../../src/runtime/stock.ts'
import { NO_SNAPSHOTS } from '../customer/noSnapshots.ts'
import { T0 } from '../given.ts'
import { appendTo } from '../referrals/memory.ts'

export interface VirtualTime {
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
  /** Lets time pass until the promise has settled. */
  run<T>(promise: Promise<T>): Promise<T>
}

/** Turns without a timer after which nothing comes any more. */
const QUIET_TURNS = 1_000

export const virtualTime = (): VirtualTime => {
  let now = T0
  const timers: { readonly at: number; readonly n: number; readonly wake: () => void }[] = []
  let n = 0
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  return {
    now: () => now,
    sleep: (ms) => new Promise((wake) => timers.push({ at: now + ms, n: n++, wake })),
    async run(promise) {
      let settled = false
      const done = () => {
        settled = true
      }
      promise.then(done, done)
      for (let quiet = 0; ; quiet++) {
        await turn()
        if (settled) return promise
        timers.sort((a, b) => a.at - b.at || a.n - b.n)
        const next = timers.shift()
        // Who pauses for others of a crowded machine goes on in some turns, without any timer.
        if (!next && quiet < QUIET_TURNS) continue
        if (!next) throw new Error('all wait for something that does not come')
        quiet = 0
        now = Math.max(now, next.at)
        next.wake()
      }
    },
  }
}

export interface Faults {
  /** Chances of an append: its answer is lost, it is lost itself, another writer is taken to have been faster. */
  readonly lostAnswer: number
  readonly lost: number
  readonly conflict: number
  /** Chance of a call that the node dies at it. */
  readonly death: number
}

export interface Log {
  readonly facts: RecordedFact[]
  readonly streams: Map<string, RecordedFact[]>
  /** How often a stream was read. */
  reads: number
}

export const newLog = (): Log => ({ facts: [], streams: new Map(), reads: 0 })

const append = ({ facts, streams }: Log, stream: string, made: readonly NewFact[], expected: unknown, at: number) => {
  const there = streams.get(stream) ?? []
  const before = facts.length
  const result = appendTo(facts, there, stream, made, expected, at)
  there.push(...facts.slice(before))
  if (there.length > 0) streams.set(stream, there)
  return result
}

export class Died extends Error {}

export interface ClusterNode {
  readonly dead: boolean
  readonly customers: CustomerRuntime
  readonly ledgers: Ledgers
  readonly redemptions: Redemptions
  readonly codes: ReturnType<typeof createCodes>
}

const unused = (): never => {
  throw new Error('not part of this log')
}

/** A node over the log; whatever it does after its death never ends. */
export const startNode = (
  log: Log,
  rulebook: () => Rulebook,
  time: VirtualTime,
  random: () => number,
  faults: Faults,
): ClusterNode => {
  let dead = false
  const call = async <T>(act: () => T): Promise<T> => {
    if (dead) throw new Died()
    await time.sleep(random() * 6)
    if (dead) throw new Died()
    if (random() < faults.death / 2) dead = true
    if (dead) throw new Died()
    const result = act()
    await time.sleep(random() * 3)
    if (random() < faults.death / 2) dead = true
    if (dead) throw new Died()
    return result
  }
  const store = {
    append: (stream: string, facts: readonly NewFact[], expected: unknown) =>
      call(() => {
        if (random() < faults.lost) throw new StoreUnavailable('lost')
        if (random() < faults.conflict) {
          const there = log.streams.get(stream)
          return { kind: 'conflict' as const, actual: there ? BigInt(there.length - 1) : ('no_stream' as const) }
        }
        const result = append(log, stream, facts, expected, time.now())
        if (random() < faults.lostAnswer) throw new StoreUnavailable('the answer is lost')
        return result
      }),
    async *readStream(
      stream: string,
      { from = 0n, maxCount = Number.POSITIVE_INFINITY }: { from?: unknown; maxCount?: number } = {},
    ) {
      const first = typeof from === 'bigint' ? from : 0n
      log.reads++
      yield* await call(() =>
        (log.streams.get(stream) ?? []).filter(({ revision }) => revision >= first).slice(0, maxCount),
      )
    },
    subscribeAll: unused,
    subscribeStream: unused,
    head: async () => log.facts.at(-1)?.position,
    health: () => ({ ok: true, since: T0 }),
    close: async () => {},
    appendRecords: unused,
    readRecords: unused,
    readAll: unused,
  } as unknown as EventStore
  let keys = 0
  const { sleep } = time
  const customers = createCustomerRuntime({
    store,
    head: log.facts.at(-1)?.position ?? -1n,
    customers: createCustomers({
      store,
      snapshots: NO_SNAPSHOTS,
      cacheSize: 1_000,
    }),
    rulebook,
    wasUsed: async () => false,
    randomKey: () => `random-${random()}-${keys++}`,
    sleep,
    random,
  })
  const ledgers = createLedgers(rulebook, { store, sleep, random, cached: 100 })
  const redemptions = createRedemptions({
    customers,
    ledgers,
    stock: createStock(rulebook, { store, sleep, random, cached: 100 }),
    rulebook,
    log: { warn: () => {} },
    now: time.now,
    sleep,
  })
  return {
    get dead() {
      return dead
    },
    customers,
    ledgers,
    redemptions,
    codes: createCodes(ledgers),
  }
}

/** What the process does about everything in the log, on a node that lives. */
export const settleAll = async (log: Log, { redemptions }: ClusterNode, { now, sleep }: VirtualTime): Promise<void> => {
  const processes = redemptionProcesses({ redemptions, now, sleep })
  for (let n = 0; n < log.facts.length; n++)
    for (const process of processes) if (process.types.includes(log.facts[n]!.type)) await process.handle(log.facts[n]!)
}
