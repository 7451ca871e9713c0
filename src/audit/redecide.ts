// Deciding recorded decisions again under the rulebook of their time: where today's code says something else, it is reported.
import { isDeepStrictEqual } from 'node:util'
import { redecide } from '../domain/customer/decide.ts'
import type { DecidedFact } from '../domain/customer/draft.ts'
import type { CustomerState } from '../domain/customer/state.ts'
import { customerStream } from '../domain/ids.ts'
import type { EventStore } from '../eventstore/index.ts'
import type { RulebookRuntime } from '../runtime/rulebook.ts'
import { asDecided, decisionsOf, startReplay } from './history.ts'

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

export interface Redecided {
  readonly decisions: number
  readonly facts: number
  readonly drift: readonly Drift[]
}

const shown = (fact: DecidedFact | undefined) => (fact ? { type: fact.type, data: fact.data } : undefined)

/** Data goes through JSON, as it does on its way into the log, so that what is absent and what is undefined are the same. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null))

const isSame = (a: DecidedFact | undefined, b: DecidedFact | undefined): boolean => {
  if (a === undefined || b === undefined) return a === b
  if (a.type !== b.type) return false
  return isDeepStrictEqual(a.data, b.data) || isDeepStrictEqual(plain(a.data), plain(b.data))
}

/**
 * Decides the decisions of one customer again. Facts are taken into the state as they were recorded, so that one drift does
 * not lead to others. `from` and `to` (ms, `to` exclusive) limit which decisions are looked at, not what they build on.
 */
export const redecideCustomer = async (
  store: Pick<EventStore, 'readStream'>,
  rulebooks: Pick<RulebookRuntime, 'at' | 'current'>,
  customer: string,
  range: { readonly from?: number; readonly to?: number } = {},
): Promise<Redecided> => {
  const replay = startReplay(customer, rulebooks.current())
  const drift: Drift[] = []
  let decisions = 0
  let facts = 0
  for await (const decision of decisionsOf(store.readStream(customerStream(customer)))) {
    if (range.to !== undefined && decision.now >= range.to) break
    let decided: CustomerState | undefined
    if (range.from === undefined || decision.now >= range.from) {
      const recorded = decision.facts.flatMap((fact) => asDecided(fact) ?? [])
      const historical = recorded.some((f) => f.type === 'CustomEventTracked' && f.data.historical === true)
      const rulebook = await rulebooks.at(decision.rulebook)
      const again = redecide(replay.under(rulebook), recorded, rulebook, { now: decision.now, historical })
      const known = drift.length
      for (let i = 0; i < Math.max(recorded.length, again.facts.length); i++)
        if (!isSame(recorded[i], again.facts[i]))
          drift.push({
            customer,
            revision: String(decision.facts[0]?.revision ?? 0n),
            index: i,
            ...(recorded[i] ? { recorded: shown(recorded[i])! } : {}),
            ...(again.facts[i] ? { decided: shown(again.facts[i])! } : {}),
          })
      if (drift.length === known) decided = again.state
      decisions++
      facts += recorded.length
    }
    replay.take(decision.facts, decided)
  }
  return { decisions, facts, drift }
}
