// What a customer's state carries for conditions beside the facts: accumulators of past events, and instants to look again.
import type { AccumulatorSpec } from '../conditions/accumulate.ts'
import { NO_CONTEXT } from '../conditions/subject.ts'
import { decidedAt, type RecordedFact } from '../recorded.ts'
import type { Rulebook } from '../rulebook/rulebook.ts'
import { changedSince, conditionsOf, segmentsThatMatter, subjectOf } from './conditions.ts'
import { type CustomerFact, isCustomerFact } from './facts.ts'
import { occurrenceOf } from './occurrence.ts'
import type { CustomerState, Derived } from './state.ts'

/**
 * What is derived after one more fact that `state` has already taken in: each accumulator that listens to its event type takes
 * it in too. An accumulator that the state lacks although it had something to take in before stays missing: it needs the
 * history (`startAccumulation`).
 */
export const accumulate = (
  state: CustomerState,
  fact: CustomerFact & { readonly id: string },
  now: number,
  rulebook: Rulebook,
): Derived => {
  const occurrence = occurrenceOf(fact.id, fact, now)
  if (!occurrence) return state.derived
  const specs = conditionsOf(rulebook).accumulators.get(occurrence.type)
  if (!specs) return state.derived
  const accumulators = { ...state.derived.accumulators }
  for (const spec of specs) {
    const before = accumulators[spec.key]
    if (before !== undefined) accumulators[spec.key] = spec.add(before, occurrence)
    else if (spec.types.reduce((n, type) => n + (state.occurrences[type]?.count ?? 0), 0) === 1)
      accumulators[spec.key] = spec.add(spec.initial(), occurrence)
  }
  return { ...state.derived, accumulators }
}

/** The accumulators that the rulebook needs, that the state lacks, and that have something to take in. */
export const missingAccumulators = (state: CustomerState, rulebook: Rulebook): readonly AccumulatorSpec[] => {
  const missing = new Set<AccumulatorSpec>()
  for (const type of Object.keys(state.occurrences))
    for (const spec of conditionsOf(rulebook).accumulators.get(type) ?? [])
      if (!Object.hasOwn(state.derived.accumulators, spec.key)) missing.add(spec)
  return [...missing]
}

/** Accumulators that are made of a history which is gone through once: none of it is held. */
export interface Accumulation {
  /** Takes the next fact, oldest first; a deletion begins it anew. */
  take(fact: RecordedFact): void
  /** The state with what was made. */
  into(state: CustomerState): CustomerState
}

export const startAccumulation = (missing: readonly AccumulatorSpec[]): Accumulation => {
  const fresh = new Map(missing.map((spec) => [spec, spec.initial()]))
  const byType = new Map<string, AccumulatorSpec[]>()
  for (const spec of missing) for (const type of spec.types) byType.set(type, [...(byType.get(type) ?? []), spec])
  return {
    take(fact) {
      if (!isCustomerFact(fact)) return
      if (fact.type === 'CustomerDeleted') for (const spec of missing) fresh.set(spec, spec.initial())
      const occurrence = occurrenceOf(fact.id, fact, decidedAt(fact))
      if (!occurrence) return
      for (const spec of byType.get(occurrence.type) ?? []) fresh.set(spec, spec.add(fresh.get(spec)!, occurrence))
    },
    into(state) {
      const accumulators = { ...state.derived.accumulators }
      for (const [spec, made] of fresh) accumulators[spec.key] = made
      return { ...state, derived: { ...state.derived, accumulators } }
    },
  }
}

/** Fills accumulators from another state of the same customer, which has all of them, after the same facts. */
export const withAccumulatorsOf = (
  state: CustomerState,
  missing: readonly AccumulatorSpec[],
  { derived: { accumulators: made } }: CustomerState,
): CustomerState => {
  const accumulators = { ...state.derived.accumulators }
  for (const { key } of missing) accumulators[key] = made[key]!
  return { ...state, derived: { ...state.derived, accumulators } }
}

/** Without the accumulators that no condition needs: they are not kept up, and would be wrong were one to need them again. */
const neededOnly = (accumulators: Derived['accumulators'], needed: ReadonlySet<string>): Derived['accumulators'] =>
  Object.keys(accumulators).every((key) => needed.has(key))
    ? accumulators
    : Object.fromEntries(Object.entries(accumulators).filter(([key]) => needed.has(key)))

/**
 * Makes the derived part fit a rulebook once no accumulator is missing: looks at each segment that could matter to this
 * customer as of the last decision, so that what was due since then is found in its order. Segments that changed after that
 * decision are left to `reconcileSegments`.
 */
export const rewatch = (state: CustomerState, rulebook: Rulebook): CustomerState => {
  const watches: Record<string, number> = {}
  if (state.status === 'active')
    for (const segment of segmentsThatMatter(state, rulebook)) {
      if (changedSince(segment, state.rulebook) || !segment.condition) continue
      const { holds, until } = segment.condition.evaluate(subjectOf(state), NO_CONTEXT, state.now)
      // The facts say otherwise than the rules: look again at once.
      if (holds !== Object.hasOwn(state.segments, segment.id)) watches[segment.id] = state.now
      else if (until !== null) watches[segment.id] = until
    }
  const accumulators = neededOnly(state.derived.accumulators, conditionsOf(rulebook).accumulatorKeys)
  // Copied first, so that what is derived always has one shape: decisions were a third slower with two.
  return { ...state, derived: { ...state.derived, accumulators, watches, rulebook: rulebook.revision } }
}
