// Given facts, when a command, then facts: a small world for tests of decisions, without any store.
import { strict as assert } from 'node:assert'
import * as v from 'valibot'
import { missingAccumulators, rewatch, startAccumulation } from '../src/domain/customer/derive.ts'
import type { DecidedFact } from '../src/domain/customer/draft.ts'
import { fold } from '../src/domain/customer/fold.ts'
import { type CustomerState, newCustomer, type SavedState, savedState, stateOf } from '../src/domain/customer/state.ts'
import type { CustomerCommand, TrackEvent } from '../src/domain/decider/commands.ts'
import { type Decision, decide } from '../src/domain/decider/decide.ts'
import type { RecordedFact } from '../src/domain/recorded.ts'
import { isRefused, type Refusal, type Refused } from '../src/domain/refusal.ts'
import { decideDefinitions, evolveDefinitions, NO_DEFINITIONS } from '../src/domain/rulebook/decide.ts'
import { factOf } from '../src/domain/rulebook/facts.ts'
import type { Definitions } from '../src/domain/rulebook/kind.ts'
import type { DefinitionOf, KindName } from '../src/domain/rulebook/kinds.ts'
import { kindNamed } from '../src/domain/rulebook/kinds.ts'
import { compileRulebook, type Rulebook } from '../src/domain/rulebook/rulebook.ts'

export const T0 = Date.parse('2026-03-02T12:00:00Z')
export const MINUTE = 60_000
export const HOUR = 3_600_000
export const DAY = 86_400_000

/** A fact as it stands in the customer's stream. */
export type Kept = DecidedFact & { readonly rulebook: string; readonly nextDueAt: number | null; readonly n: number }

export interface World {
  /** Creates, changes or deletes a definition; throws when it is refused. */
  define<K extends KindName>(
    kind: K,
    id: string,
    definition: v.InferInput<typeof import('../src/domain/rulebook/kinds.ts').kinds[K]['schema']>,
  ): void
  /** What writing a definition is refused with; undefined when it would go in. */
  refusalOf(kind: KindName, id: string, definition: unknown): Refusal | undefined
  refusalOfChange(kind: KindName, id: string, definition: unknown): Refusal | undefined
  remove(kind: KindName, id: string): Refusal | undefined
  /** Changes the project's time zone. */
  rezone(timeZone: string): void
  /** Changes what the project asks for before it writes to anybody. */
  askConsent(consent: 'refusals' | 'required'): void
  readonly rulebook: Rulebook
  /** Every rulebook there was, by revision. */
  readonly rulebooks: ReadonlyMap<string, Rulebook>
  readonly now: number
  /** Lets time pass without telling the customer. */
  wait(ms: number): void
  when(command: CustomerCommand, options?: { readonly key?: string }): Decision | Refused
  /** The facts a command leads to; fails the test when it is refused. */
  facts(command: CustomerCommand, options?: { readonly key?: string }): readonly DecidedFact[]
  refused(command: CustomerCommand): Refusal
  /** Forgets what is in memory and folds the stream again, as another node would. */
  reload(): void
  readonly state: CustomerState
  readonly stream: readonly Kept[]
  /** The same as the log would give them. */
  recorded(): RecordedFact[]
}

/** A state under a rulebook that may ask of the customer's whole history, oldest first, what the one before did not. */
export const fitted = (state: CustomerState, history: Iterable<RecordedFact>, rulebook: Rulebook): CustomerState => {
  const past = startAccumulation(missingAccumulators(state, rulebook))
  for (const fact of history) past.take(fact)
  return rewatch(past.into(state), rulebook)
}

/** As it comes back after it was written. */
const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

export const world = ({ timeZone = 'UTC', now: startedAt = T0, customer = 'cust_test' } = {}): World => {
  let definitions: Definitions = {
    ...NO_DEFINITIONS,
    revision: '0',
    project: { id: 'proj', customerKey: 'key', timeZone },
  }
  let rulebook = compileRulebook(definitions)
  const rulebooks = new Map([[rulebook.revision, rulebook]])
  let now = startedAt
  let state = newCustomer(customer)
  let keys = 0
  const stream: Kept[] = []

  const change = (kind: KindName, verb: 'Created' | 'Updated' | 'Deleted', id: string, definition?: unknown) =>
    decideDefinitions(definitions, [
      { kind, verb, id, ...(definition === undefined ? {} : { definition }), occurredAt: now },
    ])

  const take = (decided: ReturnType<typeof change>): void => {
    assert.ok(!isRefused(decided as object), JSON.stringify(decided))
    for (const changed of decided as Exclude<typeof decided, Refused>)
      definitions = evolveDefinitions(definitions, factOf(changed), String(BigInt(definitions.revision) + 1n))
    rulebook = compileRulebook(definitions)
    rulebooks.set(rulebook.revision, rulebook)
  }

  const parsed = (kind: KindName, definition: unknown): unknown => v.parse(kindNamed(kind).schema, definition)

  const recorded = (): RecordedFact[] =>
    stream.map((fact, i) => ({
      ...fact,
      stream: `customer-${customer}`,
      revision: BigInt(i),
      position: BigInt(i),
      created: fact.now,
      metadata: {
        $correlationId: 'test',
        now: fact.now,
        rulebook: fact.rulebook,
        nextDueAt: fact.nextDueAt,
        ...(fact.causedBy === undefined ? {} : { $causationId: fact.causedBy }),
        ...(fact.root ? { root: true } : {}),
        ...(fact.n > 0 ? { n: fact.n } : {}),
      },
    }))

  /** What the loader does: makes what is derived fit the rulebook of the day. */
  const fit = (): void => {
    if (state.derived.rulebook === rulebook.revision) return
    state = fitted(state, recorded(), rulebook)
  }

  const when: World['when'] = (command, { key = `key-${keys++}` } = {}) => {
    fit()
    const decided = decide(state, command, rulebook, { now, key })
    if (isRefused(decided)) return decided
    state = decided.state
    // Facts and states have no field without a value: what was decided is what will be read.
    for (const whole of [...decided.facts.map(({ data }) => data), savedState(state)])
      assert.deepEqual(whole, json(whole))
    for (const [n, fact] of decided.facts.entries())
      stream.push({ ...fact, n, rulebook: rulebook.revision, nextDueAt: decided.state.nextDueAt })
    return decided
  }

  const changeProject = (data: object): void => {
    definitions = evolveDefinitions(
      definitions,
      { type: 'ProjectChanged', data },
      String(BigInt(definitions.revision) + 1n),
    )
    rulebook = compileRulebook(definitions)
    rulebooks.set(rulebook.revision, rulebook)
  }

  return {
    define(kind, id, definition) {
      const exists = definitions.entries[kind]?.has(id) ?? false
      take(change(kind, exists ? 'Updated' : 'Created', id, parsed(kind, definition) as DefinitionOf<typeof kind>))
    },
    refusalOf(kind, id, definition) {
      const decided = change(kind, 'Created', id, parsed(kind, definition))
      return isRefused(decided as object) ? (decided as Refused).refused : undefined
    },
    refusalOfChange(kind, id, definition) {
      const decided = change(kind, 'Updated', id, parsed(kind, definition))
      return isRefused(decided as object) ? (decided as Refused).refused : undefined
    },
    remove(kind, id) {
      const decided = change(kind, 'Deleted', id)
      if (isRefused(decided as object)) return (decided as Refused).refused
      take(decided)
      return undefined
    },
    rezone: (zone) => changeProject({ timeZone: zone }),
    askConsent: (consent) => changeProject({ timeZone: rulebook.project.timeZone, consent }),
    rulebooks,
    get rulebook() {
      return rulebook
    },
    get now() {
      return now
    },
    wait(ms) {
      now += ms
    },
    when,
    facts(command, options) {
      const decided = when(command, options)
      assert.ok(!isRefused(decided), JSON.stringify(decided))
      return decided.facts
    },
    refused(command) {
      const decided = when(command)
      assert.ok(isRefused(decided), 'the command was not refused')
      return decided.refused
    },
    reload() {
      let folded = newCustomer(customer)
      for (const fact of recorded()) folded = fold(folded, fact, rulebook)
      // As a snapshot would bring it back.
      const back = stateOf(json(savedState(folded)) as SavedState)
      assert.deepEqual(json(back), json(folded))
      state = { ...back, derived: { ...folded.derived, rulebook: '' } }
    },
    get state() {
      return state
    },
    stream,
    recorded,
  }
}

/** A tracked event with what a test does not care about filled in. */
export const track = (
  event: string,
  more: Partial<Omit<TrackEvent, 'type' | 'event'>> & { occurredAt: number },
): TrackEvent => ({
  type: 'TrackEvent',
  event,
  metadata: {},
  profile: { source_id: 's' },
  mayCreate: true,
  mode: 'strict',
  triggerHorizonMs: 3 * DAY,
  ...more,
})

export const advance: CustomerCommand = { type: 'AdvanceClock' }

/** Type and the telling part of each fact, for short expectations. */
export const summary = (facts: readonly DecidedFact[]): readonly string[] =>
  facts.map((fact) => {
    switch (fact.type) {
      case 'CustomEventTracked':
        return `tracked ${fact.data.event}`
      case 'SegmentEntered':
        return `entered ${fact.data.segment.id}`
      case 'SegmentLeft':
        return `left ${fact.data.segment.id}`
      default:
        return fact.type
    }
  })
