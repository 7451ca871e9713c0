// Simulating: recorded commands decided again as if a draft definition had been in the rulebook, and what that changes.

import * as v from 'valibot'
import type { AccumulatorSpec } from '../domain/conditions/accumulate.ts'
import { conditionsOf } from '../domain/customer/conditions.ts'
import { missingAccumulators, rewatch, startAccumulation } from '../domain/customer/derive.ts'
import type { DecidedFact } from '../domain/customer/draft.ts'
import type { CustomerState } from '../domain/customer/state.ts'
import { redecide } from '../domain/decider/decide.ts'
import { errorText } from '../domain/errorText.ts'
import { customerStream, RULEBOOK_STREAM } from '../domain/ids.ts'
import { stepsOf, subjectOf } from '../domain/path.ts'
import { decidedAt, type RecordedFact } from '../domain/recorded.ts'
import { isRefused, type Refused, refuse } from '../domain/refusal.ts'
import { decideDefinitions, evolveDefinitions } from '../domain/rulebook/decide.ts'
import { type DefinitionChange, factOf } from '../domain/rulebook/facts.ts'
import { kindNamed } from '../domain/rulebook/kinds.ts'
import { compileRulebook, type Rulebook } from '../domain/rulebook/rulebook.ts'
import type { EventStore } from '../eventstore/index.ts'
import type { RulebookRuntime } from '../runtime/rulebook.ts'
import { asDecided, decisionsOf, startReplay } from './history.ts'
import { forEachCustomer } from './redecideAll.ts'

/** The kinds whose drafts can be tried on history. */
export const SIMULATED_KINDS = ['segment', 'earningRule', 'distribution'] as const

export interface DraftDefinition {
  readonly kind: (typeof SIMULATED_KINDS)[number]
  /** An existing definition that the draft takes the place of; absent: a new one. */
  readonly id?: string
  readonly definition: unknown
}

/** What facts of one type come to. */
interface Tally {
  readonly facts: number
  readonly customers: number
  /** The sum of points, for facts that move points. */
  readonly points: number
}

export interface Simulated {
  readonly object: 'simulation'
  readonly customers: number
  readonly decisions: number
  readonly seconds: number
  /** By fact type: what the draft itself would have led to. */
  readonly would: Readonly<Record<string, Tally>>
  /** By fact type: what the definition in its place did lead to; empty for a new one. */
  readonly happened: Readonly<Record<string, Tally>>
  /** All other facts that follow from rules, by type, where their number would have been another. */
  readonly others: Readonly<Record<string, { readonly would: number; readonly happened: number }>>
  /** At most 100 of the facts that the draft would have led to. */
  readonly examples: readonly { readonly customer: string; readonly type: string; readonly at: string }[]
  /** At most 100 of the customers whose history could not be decided with the draft. */
  readonly failed: readonly { readonly customer: string; readonly error: string }[]
}

export interface SimulateOptions {
  readonly store: EventStore
  readonly rulebooks: Pick<RulebookRuntime, 'at' | 'current'>
  readonly draft: DraftDefinition
  /** ms: as if the draft had been made then; default: before everything. */
  readonly from?: number
  /** ms, exclusive. */
  readonly to?: number
  readonly now: number
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: { readonly customers: number; readonly decisions: number }) => void
}

const MAX_EXAMPLES = 100
const DRAFT_ID = 'draft'

/** The definitions that a fact names as its reason. */
const Named = v.object({
  segment: v.optional(v.object({ id: v.string() })),
  rule: v.optional(v.object({ id: v.string() })),
  distribution: v.optional(v.object({ id: v.string() })),
  points: v.optional(v.unknown()),
})

const namedBy = (fact: { readonly data: unknown }, kind: DraftDefinition['kind']): string | undefined => {
  const parsed = v.safeParse(Named, fact.data)
  if (!parsed.success) return undefined
  const { segment, rule, distribution } = parsed.output
  return { segment, earningRule: rule, distribution }[kind]?.id
}

const isOf = (fact: DecidedFact, { kind }: DraftDefinition, id: string): boolean =>
  namedBy(fact, kind) === id && (kind !== 'segment' || fact.type === 'SegmentEntered' || fact.type === 'SegmentLeft')

const pointsOf = (fact: DecidedFact): number => {
  const { points } = fact.data as { readonly points?: unknown }
  return typeof points === 'number' ? points : 0
}

const createTallies = () => {
  const tallies = new Map<string, { facts: number; points: number; customers: number }>()
  return {
    add(fact: DecidedFact) {
      const tally = tallies.get(fact.type) ?? { facts: 0, points: 0, customers: 0 }
      tally.facts++
      tally.points += pointsOf(fact)
      tallies.set(fact.type, tally)
    },
    /** Counts each customer once, whatever the order in which customers are worked on. */
    customer(types: ReadonlySet<string>) {
      for (const type of types) {
        const tally = tallies.get(type)
        if (tally) tally.customers++
      }
    },
    result: (): Readonly<Record<string, Tally>> =>
      Object.fromEntries(
        [...tallies].map(([type, { facts, points, customers }]) => [type, { facts, customers, points }]),
      ),
  }
}

/** The change that the draft is, checked beside today's definitions. */
const changeOfDraft = (current: Rulebook, { kind, id, definition }: DraftDefinition, at: number) => {
  const parsed = v.safeParse(kindNamed(kind).schema, definition)
  if (!parsed.success)
    return refuse(
      'invalid_payload',
      parsed.issues.map((issue) => `${subjectOf(stepsOf(issue.path))} ${issue.message}`).join(', '),
    )
  const change: DefinitionChange = {
    kind,
    verb: id === undefined ? 'Created' : 'Updated',
    id: id ?? DRAFT_ID,
    definition: parsed.output,
    occurredAt: at,
  }
  const decided = decideDefinitions(current.definitions, [change])
  return isRefused(decided) ? decided : change
}

/** The revision of the rulebook that was in force at an instant. */
const revisionAt = async (store: EventStore, time: number | undefined): Promise<bigint> => {
  let revision = 0n
  if (time === undefined) return revision
  for await (const fact of store.readStream(RULEBOOK_STREAM)) {
    if (decidedAt(fact) > time) break
    revision = fact.revision
  }
  return revision
}

const recordedForm = (fact: DecidedFact): RecordedFact => ({
  ...fact,
  stream: '',
  revision: 0n,
  position: 0n,
  created: fact.now,
  metadata: { $correlationId: '', now: fact.now },
})

/** Runs the draft over the history of every customer; a refusal when it would not be let into the rulebook. */
export const simulate = async (options: SimulateOptions): Promise<Refused | (() => Promise<Simulated>)> => {
  const { store, rulebooks, draft, from, to, now, signal, onProgress = () => {} } = options
  const change = changeOfDraft(rulebooks.current(), draft, from ?? 0)
  if (isRefused(change)) return change
  const begins = await revisionAt(store, from)
  const withDraft = new Map<string, Rulebook>()

  /** The rulebook of a revision with the draft in it; without it where what the draft leans on was not there yet. */
  const rulebookAt = async (revision: bigint): Promise<Rulebook> => {
    const name = String(revision)
    const known = withDraft.get(name)
    if (known) return known
    const then = await rulebooks.at(revision)
    let made: Rulebook
    try {
      const { definitions } = then
      const evolved = evolveDefinitions(definitions, factOf(change), String(begins))
      made = compileRulebook({ ...evolved, revision: definitions.revision })
      conditionsOf(made)
    } catch {
      made = then
    }
    withDraft.set(name, made)
    return made
  }

  return async () => {
    const started = performance.now()
    const counts = { customers: 0, decisions: 0 }
    const would = createTallies()
    const happened = createTallies()
    const others = new Map<string, { would: number; happened: number }>()
    const examples: { customer: string; type: string; at: string }[] = []
    const failed: { customer: string; error: string }[] = []

    const otherOf = (type: string) => {
      const one = others.get(type) ?? { would: 0, happened: 0 }
      others.set(type, one)
      return one
    }

    /** All that any rulebook which a customer was decided under asks of the past. The stream is only looked through for their names. */
    const askedOfPast = async (customer: string): Promise<readonly AccumulatorSpec[]> => {
      const revisions = new Set([begins])
      for await (const { metadata } of store.readStream(customerStream(customer))) {
        signal?.throwIfAborted()
        if (metadata.rulebook !== undefined && BigInt(metadata.rulebook) > begins)
          revisions.add(BigInt(metadata.rulebook))
      }
      const specs = new Map<string, AccumulatorSpec>()
      for (const revision of revisions)
        for (const asked of conditionsOf(await rulebookAt(revision)).accumulators.values())
          for (const spec of asked) specs.set(spec.key, spec)
      return [...specs.values()]
    }

    const runOne = async (customer: string): Promise<void> => {
      const replay = startReplay(customer, await rulebookAt(begins), () => store.readStream(customerStream(customer)))
      // A customer's past may be longer than there is memory for, and as the draft makes it, it can be read from nowhere: what will be
      // asked of it is made as it goes by.
      const past = startAccumulation(await askedOfPast(customer))
      const seen = { would: new Set<string>(), happened: new Set<string>() }
      let state: CustomerState | undefined
      let last = begins

      const fit = (before: CustomerState, rulebook: Rulebook): CustomerState =>
        before.derived.rulebook === rulebook.revision
          ? before
          : rewatch(missingAccumulators(before, rulebook).length > 0 ? past.into(before) : before, rulebook)

      const note = (facts: readonly DecidedFact[]): void => {
        for (const fact of facts) {
          past.take(recordedForm(fact))
          if (fact.root) continue
          if (!isOf(fact, draft, change.id)) otherOf(fact.type).would++
          else {
            would.add(fact)
            seen.would.add(fact.type)
            if (examples.length < MAX_EXAMPLES)
              examples.push({ customer, type: fact.type, at: new Date(fact.now).toISOString() })
          }
        }
      }

      /** The customer as the draft finds it: not looked at under it yet. */
      const begin = async (): Promise<CustomerState> => {
        const rulebook = await rulebookAt(begins)
        const before = await replay.under(rulebook)
        const earlier = begins > 0n ? begins - 1n : -1n
        const lookedAt = BigInt(before.rulebook) > earlier ? String(earlier) : before.rulebook
        const found = rewatch({ ...before, rulebook: lookedAt }, rulebook)
        if (from === undefined || found.status !== 'active') return found
        const decision = redecide(found, [], rulebook, { now: from, historical: false })
        note(decision.facts)
        return decision.state
      }

      for await (const decision of decisionsOf(store.readStream(customerStream(customer)))) {
        signal?.throwIfAborted()
        if (to !== undefined && decision.now >= to) break
        if (from !== undefined && decision.now < from) {
          replay.take(decision.facts)
          decision.facts.forEach(past.take)
          continue
        }
        state ??= await begin()
        const recorded = decision.facts.flatMap((fact) => asDecided(fact) ?? [])
        for (const fact of recorded) {
          if (fact.root) continue
          if (isOf(fact, draft, change.id)) {
            happened.add(fact)
            seen.happened.add(fact.type)
          } else otherOf(fact.type).happened++
        }
        const historical = recorded.some((fact) => fact.type === 'CustomEventTracked' && fact.data.historical === true)
        const rulebook = await rulebookAt(decision.rulebook)
        const again = redecide(fit(state, rulebook), recorded, rulebook, { now: decision.now, historical })
        note(again.facts)
        state = again.state
        last = decision.rulebook
        counts.decisions++
      }
      state ??= await begin()
      // What falls due after the last command.
      const rulebook = await rulebookAt(last)
      const end = Math.min(to ?? now, now)
      if (state.status === 'active' && end > state.now)
        note(redecide(fit(state, rulebook), [], rulebook, { now: end, historical: false }).facts)
      would.customer(seen.would)
      happened.customer(seen.happened)
    }

    await forEachCustomer(
      store,
      async (customer) => {
        try {
          await runOne(customer)
        } catch (error) {
          signal?.throwIfAborted()
          if (failed.length < MAX_EXAMPLES) failed.push({ customer, error: errorText(error) })
        }
        counts.customers++
        if (counts.customers % 100 === 0) onProgress({ ...counts })
      },
      signal,
    )
    return {
      object: 'simulation',
      ...counts,
      seconds: (performance.now() - started) / 1000,
      would: would.result(),
      happened: happened.result(),
      others: Object.fromEntries([...others].filter(([, one]) => one.would !== one.happened)),
      examples,
      failed,
    }
  }
}
