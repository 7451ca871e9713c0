// A decision in the making: facts are emitted one by one, each applied at once, so that what follows sees what came before.
import type { Rulebook } from '../rulebook/rulebook.ts'
import { accumulate } from './derive.ts'
import { evolve } from './evolve.ts'
import type { CustomerFact, CustomerFactType, FactData } from './facts.ts'
import { type CustomerState, NO_DERIVED } from './state.ts'

/** A fact with the id it will be stored under and the id of the fact that caused it. */
export type DecidedFact = CustomerFact & {
  readonly id: string
  readonly causedBy?: string
  readonly now: number
  /** What the command itself says, not what followed: replaying it must lead to the rest. */
  readonly root?: boolean
}

/** A rule was asked and said no: kept with the event, for "why did this customer not get it". */
export interface Declined {
  readonly kind: string
  readonly definition: string
  readonly reason: string
}

/** Bounds of one command's consequences; past them a `CascadeHalted` fact is recorded and the rest is dropped. */
export const MAX_ROUNDS = 16
export const MAX_FACTS = 256
/** How many refusals of rules are kept with one event. */
export const MAX_DECLINED = 32

export interface Draft {
  readonly rulebook: Rulebook
  /** The instant that is decided for, ms: that of the command, or an earlier one that fell due. */
  readonly now: number
  /** What the customer is after the facts so far. */
  readonly state: CustomerState
  readonly facts: readonly DecidedFact[]
  readonly declined: readonly Declined[]
  /** What is decided concerns a time so far back that it must not send messages; never so for what falls due by time. */
  readonly historical: boolean
  /** Records a fact; returns it with its id, which follows from the command's key and the fact's place. */
  emit<T extends CustomerFactType>(type: T, data: FactData<T>, causedBy?: string): DecidedFact
  decline(declined: Declined): void
  /** Sets, or with null removes, the instant at which a segment must be looked at again. */
  watch(segment: string, until: number | null): void
}

/** What is being decided: what fell due before the command, or the command. */
export type Phase = 'time' | 'command'

/** The draft as the decision's own loop drives it. */
export interface OpenDraft extends Draft {
  /** Facts that no reaction has been asked about yet, oldest first. */
  take(): DecidedFact | undefined
  /** Moves to an instant; facts of each phase are numbered by themselves, so that a command's own ids stay when time adds facts. */
  at(now: number, phase: Phase): void
  isFull(): boolean
}

export interface DraftOptions {
  readonly state: CustomerState
  readonly rulebook: Rulebook
  readonly now: number
  /** The id of the `index`th fact of the decision, the `n`th of its phase. The same decision must get the same ids. */
  readonly idOf: (phase: Phase, n: number, index: number) => string
  readonly historical: boolean
}

export const openDraft = ({ state: initial, rulebook, now: startedAt, idOf, historical }: DraftOptions): OpenDraft => {
  let state = initial
  let now = startedAt
  let phase: Phase = 'command'
  const emitted = { time: 0, command: 0 }
  let taken = 0
  const facts: DecidedFact[] = []
  const declined: Declined[] = []
  return {
    rulebook,
    get historical() {
      return historical && phase === 'command'
    },
    get now() {
      return now
    },
    get state() {
      return state
    },
    facts,
    declined,
    emit(type, data, causedBy) {
      const id = idOf(phase, emitted[phase]++, facts.length)
      const origin = causedBy === undefined ? (phase === 'command' ? { root: true } : {}) : { causedBy }
      const fact = { type, data, id, now, ...origin } as unknown as DecidedFact
      const evolved = evolve(state, fact, { id, now, rulebook: rulebook.revision, nextDueAt: state.nextDueAt })
      state =
        fact.type === 'CustomerDeleted'
          ? { ...evolved, derived: { ...NO_DERIVED, rulebook: rulebook.revision } }
          : { ...evolved, derived: accumulate(evolved, fact, now, rulebook) }
      facts.push(fact)
      return fact
    },
    decline(refused) {
      if (declined.length < MAX_DECLINED) declined.push(refused)
    },
    watch(segment, until) {
      const { [segment]: before, ...rest } = state.derived.watches
      if ((before ?? null) === until) return
      state = {
        ...state,
        derived: { ...state.derived, watches: until === null ? rest : { ...rest, [segment]: until } },
      }
    },
    take() {
      return taken < facts.length ? facts[taken++] : undefined
    },
    at(instant, next) {
      now = instant
      phase = next
    },
    isFull: () => facts.length >= MAX_FACTS,
  }
}
