// The customer's state after a fact: total, pure, and without any rule: facts are never judged again.

import type { Occurrence } from '../conditions/subject.ts'
import { countOccurrence } from '../conditions/tally.ts'
import { isCustomerFact } from './facts.ts'
import { familyOf } from './families.ts'
import { occurrenceOf } from './occurrence.ts'
import type { CustomerState } from './state.ts'

/** What evolve needs of a fact beside type and data. */
export interface FactContext {
  readonly id: string
  /** The instant of the decision, ms. */
  readonly now: number
  readonly rulebook: string
  readonly nextDueAt: number | null
}

const seen = (
  occurrences: CustomerState['occurrences'],
  { type, occurredAt, recordedAt }: Occurrence,
): CustomerState['occurrences'] => ({
  ...occurrences,
  [type]: countOccurrence(Object.hasOwn(occurrences, type) ? occurrences[type] : undefined, occurredAt, recordedAt),
})

/** The state after one fact of the customer's stream; a type it does not know changes nothing but the bookkeeping. */
export const evolve = (
  state: CustomerState,
  fact: { readonly type: string; readonly data: unknown },
  context: FactContext,
): CustomerState => {
  const noted: CustomerState = {
    ...state,
    now: Math.max(state.now, context.now),
    rulebook: context.rulebook,
    nextDueAt: context.nextDueAt,
  }
  if (!isCustomerFact(fact)) return noted
  const next = familyOf(fact).evolve(noted, fact)
  const occurrence = occurrenceOf(context.id, fact, context.now)
  return occurrence ? { ...next, occurrences: seen(next.occurrences, occurrence) } : next
}
