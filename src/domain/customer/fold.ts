// Folding a customer's stream: the state after recorded facts, with what is derived for a rulebook kept along.
import { decidedAt, type RecordedFact } from '../recorded.ts'
import type { Rulebook } from '../rulebook/rulebook.ts'
import { accumulate } from './derive.ts'
import { evolve } from './evolve.ts'
import { isCustomerFact } from './facts.ts'
import { type CustomerState, NO_DERIVED } from './state.ts'

/** The state after one more recorded fact. Accumulators follow the rulebook given; watches are left to `rewatch`. */
export const fold = (state: CustomerState, fact: RecordedFact, rulebook: Rulebook): CustomerState => {
  const evolved = evolve(state, fact, {
    id: fact.id,
    now: decidedAt(fact),
    rulebook: fact.metadata.rulebook ?? '-1',
    nextDueAt: fact.metadata.nextDueAt ?? null,
  })
  if (!isCustomerFact(fact)) return evolved
  return {
    ...evolved,
    derived:
      fact.type === 'CustomerDeleted'
        ? { ...NO_DERIVED, rulebook: evolved.derived.rulebook }
        : accumulate(evolved, fact, decidedAt(fact), rulebook),
  }
}
