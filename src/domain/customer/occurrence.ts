// How a fact of a customer shows as an event, for conditions and triggers.

import type { Occurrence } from '../conditions/subject.ts'
import type { CustomerFact } from './facts.ts'
import { familyOf } from './families.ts'

/**
 * The event that a fact is for conditions, triggers and counts: a custom event by its own name, an internal one by the HTTP
 * contract's type; undefined for facts that are only bookkeeping.
 */
export const occurrenceOf = (id: string, fact: CustomerFact, recordedAt: number): Occurrence | undefined => {
  const happening = familyOf(fact).happening(fact)
  if (!happening) return undefined
  return {
    id,
    type: happening.type,
    occurredAt: fact.data.occurredAt,
    recordedAt,
    // Most who ask count, and look at nothing else.
    get metadata() {
      return happening.metadata
    },
  }
}
