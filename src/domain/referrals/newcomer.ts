// Who counts as new for a referral program: by the time since creation, by a segment, or anyone.
import { shifted } from '../conditions/span.ts'
import { NO_CONTEXT } from '../conditions/subject.ts'
import { conditionsOf, subjectOf } from '../customer/conditions.ts'
import type { DecidedFact, Draft } from '../customer/draft.ts'
import { evolve } from '../customer/evolve.ts'
import { type CustomerState, newCustomer } from '../customer/state.ts'
import type { Program, Programs } from './programs.ts'

/**
 * The segments of a customer who was created by the command that is being decided, as if that were all that has happened: the
 * event itself must not make the customer an old one.
 */
const segmentsAtBirth = (draft: Draft, created: DecidedFact): CustomerState['segments'] => {
  const { revision } = draft.rulebook
  const context = { id: created.id, now: created.now, rulebook: revision, nextDueAt: null }
  let state = evolve(newCustomer(draft.state.id), created, context)
  for (const { id, name, condition, members, revision: definition } of conditionsOf(draft.rulebook).segments) {
    const isIn = condition
      ? condition.evaluate(subjectOf(state), NO_CONTEXT, created.now).holds
      : members?.has(state.id) === true
    if (isIn) state = { ...state, segments: { ...state.segments, [id]: { since: created.now, name, definition } } }
  }
  return state.segments
}

/** Why a customer does not count as new at the time of an event (ms); undefined when it does. */
export const notNew = (
  draft: Draft,
  { program, createdWithin }: Program,
  { calendar }: Programs,
  occurredAt: number,
): string | undefined => {
  const { state } = draft
  if (createdWithin && occurredAt > shifted(calendar, state.createdAt, createdWithin, 1))
    return `the customer was created more than ${program.new_customers?.created_within} before`
  const segment = program.new_customers?.segment_id
  if (!segment) return undefined
  const created = draft.facts.find((fact) => fact.type === 'CustomerCreated')
  // Segments are settled after this: what the state says is from just before the event.
  const segments = created ? segmentsAtBirth(draft, created) : state.segments
  return Object.hasOwn(segments, segment) ? undefined : `the customer was not in the segment ${segment} before`
}
