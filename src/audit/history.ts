// A customer's history: the stream cut into decisions, and the state as it stood before or after any of them.

import { type Accumulation, missingAccumulators, rewatch, startAccumulation } from '../domain/customer/derive.ts'
import type { DecidedFact } from '../domain/customer/draft.ts'
import { isCustomerFact } from '../domain/customer/facts.ts'
import { fold } from '../domain/customer/fold.ts'
import { type CustomerState, newCustomer } from '../domain/customer/state.ts'
import { customerStream } from '../domain/ids.ts'
import { decidedAt, type RecordedFact } from '../domain/recorded.ts'
import type { Rulebook } from '../domain/rulebook/rulebook.ts'
import type { EventStore } from '../eventstore/index.ts'

/** The facts that one command led to, in the order in which they were recorded. */
export interface RecordedDecision {
  readonly facts: readonly RecordedFact[]
  /** The rulebook revision that it was made under. */
  readonly rulebook: bigint
  /** The instant that it was made for, ms. */
  readonly now: number
}

/** Cuts a stream into decisions. Facts written before decisions were numbered each stand for themselves. */
export async function* decisionsOf(facts: AsyncIterable<RecordedFact>): AsyncIterable<RecordedDecision> {
  let open: RecordedFact[] = []
  for await (const fact of facts) {
    if (fact.metadata.n === undefined && open.length > 0) {
      yield decision(open)
      open = []
    }
    open.push(fact)
  }
  if (open.length > 0) yield decision(open)
}

const decision = (facts: readonly RecordedFact[]): RecordedDecision => ({
  facts,
  rulebook: BigInt(facts[0]?.metadata.rulebook ?? '-1'),
  now: facts.reduce((latest, fact) => Math.max(latest, decidedAt(fact)), 0),
})

/** A recorded fact as the decision that made it had it; undefined for types that are none of a customer's. */
export const asDecided = (fact: RecordedFact): DecidedFact | undefined => {
  if (!isCustomerFact(fact)) return undefined
  const { $causationId, root } = fact.metadata
  return {
    ...fact,
    now: decidedAt(fact),
    ...($causationId === undefined ? {} : { causedBy: $causationId }),
    ...(root ? { root } : {}),
  }
}

/** Folds a stream fact by fact and makes what is derived fit whichever rulebook is asked for. */
export interface Replay {
  readonly state: CustomerState
  /**
   * Takes a fact in. With the state that deciding again came to, and only if that gave what was recorded: the instants at which
   * segments are to be looked at again need not be worked out anew.
   */
  take(facts: readonly RecordedFact[], decided?: CustomerState): void
  /** The state as a decision under this rulebook needs it. Rejects as reading the stream again does. */
  under(rulebook: Rulebook): Promise<CustomerState>
}

const accumulated = async (
  missing: Parameters<typeof startAccumulation>[0],
  facts: AsyncIterable<RecordedFact>,
  upTo: bigint,
): Promise<Accumulation> => {
  const accumulation = startAccumulation(missing)
  for await (const fact of facts) {
    if (fact.revision > upTo) break
    accumulation.take(fact)
  }
  return accumulation
}

/**
 * `reread`: the stream from its beginning, for a rulebook that asks of the past what the one before did not. A stream may be longer
 * than there is memory for, so none of it is kept.
 */
export const startReplay = (
  customer: string,
  rulebook: Rulebook,
  reread: () => AsyncIterable<RecordedFact>,
): Replay => {
  let state: CustomerState = newCustomer(customer)
  let current = rulebook
  let last = -1n
  let watched = false
  return {
    get state() {
      return state
    },
    take(facts, decided) {
      for (const fact of facts) {
        last = fact.revision
        state = fold(state, fact, current)
      }
      watched = decided !== undefined
      if (decided) state = { ...state, derived: { ...state.derived, watches: decided.derived.watches } }
    },
    async under(asked) {
      if (asked.revision !== current.revision) {
        current = asked
        const missing = missingAccumulators(state, asked)
        if (missing.length > 0) state = (await accumulated(missing, reread(), last)).into(state)
        watched = false
      }
      if (!watched) state = rewatch(state, asked)
      watched = true
      return state
    },
  }
}

/** A point in a stream: up to and including a revision, or up to an instant (ms) by the time of decision. */
export type Point = { readonly revision: bigint } | { readonly time: number }

/** The state of a customer as of a point, and the revision of the last fact in it; undefined before the first fact. Rejects with the signal's reason. */
export const customerAt = async (
  store: EventStore,
  rulebook: Rulebook,
  id: string,
  point: Point,
  signal?: AbortSignal,
): Promise<{ readonly state: CustomerState; readonly revision: bigint } | undefined> => {
  let state = newCustomer(id)
  let revision: bigint | undefined
  for await (const fact of store.readStream(customerStream(id))) {
    signal?.throwIfAborted()
    if ('revision' in point ? fact.revision > point.revision : decidedAt(fact) > point.time) break
    state = fold(state, fact, rulebook)
    revision = fact.revision
  }
  return revision === undefined ? undefined : { state, revision }
}
