// Deciding the recorded decisions of all customers again, several customers at a time.
import { customerStream } from '../domain/ids.ts'
import type { EventStore } from '../eventstore/index.ts'
import type { RulebookRuntime } from '../runtime/rulebook.ts'
import { isAway, MAX_TRIES, patiently } from './patience.ts'
import { type Drift, MAX_TOLD, redecideCustomer, type Undecided } from './redecide.ts'

/** Every fact of a customer's stream is in a stream of this name. */
const PREFIX = customerStream('')

/** What a customer's stream can begin with: only these are asked of the log, not all that follows. */
export const FIRST_FACTS: readonly string[] = ['CustomerCreated', 'CustomerLinked']

/** Facts taken from the log in one go. */
const BATCH = 1_000

/** Customers whose streams are read at the same time. */
const AT_ONCE = 8

/** The ids of all customers that there are when it begins, in the order of their first facts. */
export async function* customersInLog(
  store: Pick<EventStore, 'head' | 'subscribeAll'>,
  signal?: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  const head = await store.head()
  if (head === undefined) return
  let from: bigint | 'start' = 'start'
  for (let tries = 0; ; ) {
    const source = await patiently(() => store.subscribeAll({ from, types: FIRST_FACTS }), signal)
    try {
      for (;;) {
        signal?.throwIfAborted()
        const { facts, unreadable, position, caughtUp } = await source.next(BATCH)
        for (const { stream, revision, position: at } of [...facts, ...unreadable])
          if (at <= head && revision === 0n && stream.startsWith(PREFIX)) yield stream.slice(PREFIX.length)
        if (caughtUp || (position !== undefined && position >= head)) return
        from = position ?? from
        tries = 0
      }
    } catch (error) {
      if (!isAway(error) || ++tries === MAX_TRIES) throw error
    } finally {
      await source.close()
    }
  }
}

/** Runs `work` for every customer, a few at a time. Rejects with the first failure. */
export const forEachCustomer = async (
  store: EventStore,
  work: (customer: string) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> => {
  const customers = customersInLog(store, signal)
  let failed = false
  const worker = async (): Promise<void> => {
    try {
      while (!failed) {
        signal?.throwIfAborted()
        const next = await customers.next()
        if (next.done) return
        await work(next.value)
      }
    } catch (error) {
      failed = true
      throw error
    }
  }
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
  } finally {
    await customers.return()
  }
}

export interface RedecidedAll {
  readonly customers: number
  readonly decisions: number
  readonly facts: number
  readonly seconds: number
  /** Facts that came out differently. */
  readonly different: number
  /** At most 1,000 of them. */
  readonly drift: readonly Drift[]
  /** Decisions and streams that could not be decided again. */
  readonly not_decided: number
  /** At most 1,000 of them. */
  readonly undecided: readonly Undecided[]
  /** Decisions about people who were erased since: what they were made from is gone. */
  readonly erased: number
}

/** Decides again what was decided from `from` to before `to` (ms); default: everything. */
export const redecideAll = async (
  store: EventStore,
  rulebooks: Pick<RulebookRuntime, 'at' | 'current'>,
  range: { readonly from?: number; readonly to?: number } = {},
  {
    signal,
    onProgress = () => {},
  }: {
    readonly signal?: AbortSignal
    readonly onProgress?: (progress: { readonly customers: number; readonly facts: number }) => void
  } = {},
): Promise<RedecidedAll> => {
  const started = performance.now()
  const counts = { customers: 0, decisions: 0, facts: 0, different: 0, not_decided: 0, erased: 0 }
  const drift: Drift[] = []
  const undecided: Undecided[] = []
  await forEachCustomer(
    store,
    async (customer) => {
      const one = await patiently(() => redecideCustomer(store, rulebooks, customer, range, signal), signal)
      counts.customers++
      counts.decisions += one.decisions
      counts.facts += one.facts
      counts.different += one.different
      drift.push(...one.drift.slice(0, MAX_TOLD - drift.length))
      counts.erased += one.erased
      counts.not_decided += one.not_decided
      undecided.push(...one.undecided.slice(0, MAX_TOLD - undecided.length))
      if (counts.customers % 100 === 0) onProgress({ customers: counts.customers, facts: counts.facts })
    },
    signal,
  )
  return { ...counts, seconds: (performance.now() - started) / 1000, drift, undecided }
}
