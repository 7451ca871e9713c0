// Deciding recorded decisions again under the rulebook of their time: where today's code says something else, it is reported.
import { isDeepStrictEqual } from 'node:util'
import type { DecidedFact } from '../domain/customer/draft.ts'
import type { CustomerState } from '../domain/customer/state.ts'
import { redecide } from '../domain/decider/decide.ts'
import { customerStream } from '../domain/ids.ts'
import type { EventStore } from '../eventstore/index.ts'
import type { RulebookRuntime } from '../runtime/rulebook.ts'
import { wordsOf } from '../trouble.ts'
import { asDecided, decisionsOf, type RecordedDecision, startReplay } from './history.ts'
import { isAway } from './patience.ts'

/** A fact that comes out otherwise than it was recorded; one side is absent when there is no such fact. */
export interface Drift {
  readonly customer: string
  /** The revision of the decision's first fact. */
  readonly revision: string
  /** The place within the decision. */
  readonly index: number
  readonly recorded?: { readonly type: string; readonly data: unknown }
  readonly decided?: { readonly type: string; readonly data: unknown }
}

/** A decision that could not be made again, and why. */
export interface Undecided {
  readonly customer: string
  /** The revision of the decision's first fact; absent when the stream could not be read on from there. */
  readonly revision?: string
  readonly reason: string
}

export interface Redecided {
  readonly decisions: number
  readonly facts: number
  /** Facts that came out differently. */
  readonly different: number
  /** At most 1,000 of them. */
  readonly drift: readonly Drift[]
  /** Decisions that could not be decided again, and the rest of a stream that could not be read. */
  readonly not_decided: number
  /** At most 1,000 of them. */
  readonly undecided: readonly Undecided[]
  /** Decisions about a person who was erased since: what they were made from is gone. */
  readonly erased: number
}

/** The most differences that are told in full. */
export const MAX_TOLD = 1_000

const revisionOf = ({ facts }: RecordedDecision): string => String(facts[0]?.revision ?? 0n)

const shown = (fact: DecidedFact | undefined) => (fact ? { type: fact.type, data: fact.data } : undefined)

/** Data goes through JSON, as it does on its way into the log, so that what is absent and what is undefined are the same. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null))

const isSame = (a: DecidedFact | undefined, b: DecidedFact | undefined): boolean => {
  if (a === undefined || b === undefined) return a === b
  if (a.type !== b.type) return false
  return isDeepStrictEqual(a.data, b.data) || isDeepStrictEqual(plain(a.data), plain(b.data))
}

/** What stands in the way of one decision, or of the rest of a stream; trouble of the stores is nobody's and thrown on. */
const reasonOf = (error: unknown): string => {
  if (isAway(error)) throw error
  return wordsOf(error)
}

/**
 * Decides the decisions of one customer again. Facts are taken into the state as they were recorded, so that one drift does
 * not lead to others. `from` and `to` (ms, `to` exclusive) limit which decisions are looked at, not what they build on. What
 * cannot be decided again is told: facts that cannot be read, rulebooks that are missing.
 */
export const redecideCustomer = async (
  store: Pick<EventStore, 'readStream'>,
  rulebooks: Pick<RulebookRuntime, 'at' | 'current'>,
  customer: string,
  range: { readonly from?: number; readonly to?: number } = {},
  signal?: AbortSignal,
): Promise<Redecided> => {
  const stream = () => store.readStream(customerStream(customer))
  const replay = startReplay(customer, rulebooks.current(), stream)
  const drift: Drift[] = []
  const undecided: Undecided[] = []
  let different = 0
  let notDecided = 0
  let decisions = 0
  let facts = 0
  let erased = 0
  let isErased = false

  const tellUndecided = (one: Undecided): void => {
    if (++notDecided <= MAX_TOLD) undecided.push(one)
  }

  /** The state that deciding again came to, when it gave what was recorded. */
  const again = async (decision: RecordedDecision): Promise<CustomerState | undefined> => {
    const recorded = decision.facts.flatMap((fact) => asDecided(fact) ?? [])
    const historical = recorded.some((f) => f.type === 'CustomEventTracked' && f.data.historical === true)
    const rulebook = await rulebooks.at(decision.rulebook)
    const decided = redecide(await replay.under(rulebook), recorded, rulebook, { now: decision.now, historical })
    const known = different
    for (let i = 0; i < Math.max(recorded.length, decided.facts.length); i++)
      if (!isSame(recorded[i], decided.facts[i]) && ++different <= MAX_TOLD)
        drift.push({
          customer,
          revision: revisionOf(decision),
          index: i,
          ...(recorded[i] ? { recorded: shown(recorded[i])! } : {}),
          ...(decided.facts[i] ? { decided: shown(decided.facts[i])! } : {}),
        })
    decisions++
    facts += recorded.length
    return different === known ? decided.state : undefined
  }

  try {
    for await (const decision of decisionsOf(stream())) {
      signal?.throwIfAborted()
      if (range.to !== undefined && decision.now >= range.to) break
      let decided: CustomerState | undefined
      isErased ||= decision.facts.some(({ metadata }) => metadata.erased)
      if (isErased) erased++
      else if (range.from === undefined || decision.now >= range.from)
        try {
          decided = await again(decision)
        } catch (error) {
          tellUndecided({ customer, revision: revisionOf(decision), reason: reasonOf(error) })
        }
      replay.take(decision.facts, decided)
      if (decision.facts.some(({ type }) => type === 'CustomerErased')) isErased = false
    }
  } catch (error) {
    signal?.throwIfAborted()
    tellUndecided({ customer, reason: reasonOf(error) })
  }
  return { decisions, facts, different, drift, not_decided: notDecided, undecided, erased }
}
