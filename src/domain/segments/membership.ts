// Entering and leaving segments: on what happens, by the passing of time, and when definitions change.

import { NO_CONTEXT } from '../conditions/subject.ts'
import {
  type CompiledSegment,
  type Conditions,
  changedSince,
  conditionsOf,
  inOrder,
  segmentsThatMatter,
  subjectOf,
} from '../customer/conditions.ts'
import type { DecidedFact, Draft } from '../customer/draft.ts'
import { isLoyaltyFact } from '../customer/loyalty/facts.ts'
import { occurrenceOf } from '../customer/occurrence.ts'
import { isOrderFact } from '../customer/orders/facts.ts'
import { isRedemptionFact } from '../customer/redemptions/facts.ts'
import type { MembershipCause } from '../customer/segmentFacts.ts'
import type { CustomerState } from '../customer/state.ts'

/** Looks at one segment now: records an entry or an exit when the truth is another than the membership, and when to look again. */
const look = (draft: Draft, segment: CompiledSegment, cause: MembershipCause, causedBy?: string): void => {
  const { state, now } = draft
  const isMember = Object.hasOwn(state.segments, segment.id)
  const verdict = segment.condition?.evaluate(subjectOf(state), NO_CONTEXT, now) ?? {
    holds: segment.members?.has(state.id) === true,
    until: null,
    because: undefined,
  }
  draft.watch(segment.id, verdict.until)
  if (verdict.holds === isMember) return
  const told = segment.members ? 'list' : cause
  draft.emit(
    verdict.holds ? 'SegmentEntered' : 'SegmentLeft',
    {
      segment: { id: segment.id, name: segment.name },
      occurredAt: now,
      cause: told,
      triggers: segment.triggers && cause !== 'time_zone' && (cause !== 'definition' || segment.triggersOnRollout),
      ...(verdict.because === undefined ? {} : { because: verdict.because }),
      definition: segment.revision,
    },
    causedBy,
  )
}

/** The segments whose truth a fact can change without time passing. */
const touchedBy = (fact: DecidedFact, conditions: Conditions): readonly CompiledSegment[] => {
  const touched: CompiledSegment[] = []
  const occurrence = occurrenceOf(fact.id, fact, fact.now)
  if (occurrence) touched.push(...(conditions.byEventType.get(occurrence.type) ?? []))
  if (isLoyaltyFact(fact)) touched.push(...conditions.byPoints)
  if (isLoyaltyFact(fact) || isRedemptionFact(fact) || isOrderFact(fact)) touched.push(...conditions.bySummary)
  switch (fact.type) {
    case 'CustomerCreated':
      touched.push(...conditions.always, ...(conditions.byMember.get(fact.data.id) ?? []))
      break
    case 'CustomerUpdated':
      for (const name of attributesIn(fact.data.changes)) touched.push(...(conditions.byAttribute.get(name) ?? []))
      break
    case 'SegmentEntered':
    case 'SegmentLeft':
      touched.push(...(conditions.bySegment.get(fact.data.segment.id) ?? []))
      break
    default:
  }
  return touched
}

/** The dotted names of the attributes in a patch, as conditions name them; a change also moves `updated_at`. */
const attributesIn = (changes: Readonly<Record<string, unknown>>): readonly string[] => [
  'updated_at',
  ...Object.entries(changes).flatMap(([name, value]) =>
    (name === 'metadata' || name === 'address') && typeof value === 'object' && value !== null
      ? [name, ...Object.keys(value).map((key) => `${name}.${key}`)]
      : [name],
  ),
]

/** Looks at every segment that the facts touch. */
export const settleSegments = (draft: Draft, facts: readonly DecidedFact[]): void => {
  if (draft.state.status !== 'active') return
  const conditions = conditionsOf(draft.rulebook)
  const causes = new Map<CompiledSegment, string>()
  for (const fact of facts) for (const segment of touchedBy(fact, conditions)) causes.set(segment, fact.id)
  if (causes.size === 0) return
  for (const segment of inOrder(new Set(causes.keys()), conditions)) look(draft, segment, 'event', causes.get(segment))
}

/** The earliest instant, ms, at which some segment must be looked at again. */
export const dueSegments = (state: CustomerState): number | null => {
  let earliest: number | null = null
  for (const at of Object.values(state.derived.watches)) if (earliest === null || at < earliest) earliest = at
  return earliest
}

/** Looks at the segments that are due at `draft.now`. */
export const advanceSegments = (draft: Draft): void => {
  const conditions = conditionsOf(draft.rulebook)
  for (const [id, at] of Object.entries(draft.state.derived.watches)) {
    if (at > draft.now) continue
    const segment = conditions.segment.get(id)
    if (segment) look(draft, segment, 'time')
    else draft.watch(id, null)
  }
}

const isItself = ({ changedAt }: CompiledSegment, since: string): boolean =>
  changedSince({ revision: changedAt }, since)

/** Brings the customer under definitions that were made, changed or deleted since a decision under the revision `since`. */
export const reconcileSegments = (draft: Draft, since: string): void => {
  const { state, rulebook } = draft
  if (since === rulebook.revision) return
  const conditions = conditionsOf(rulebook)
  // Of one that is switched off until it is mended nobody is put out.
  for (const [id, { name, definition }] of Object.entries(state.segments))
    if (!conditions.segment.has(id) && !rulebook.isOff('segment', id))
      draft.emit('SegmentLeft', {
        segment: { id, name },
        occurredAt: draft.now,
        cause: 'definition',
        triggers: false,
        definition,
      })
  const candidates = new Set(segmentsThatMatter(state, rulebook))
  for (const segment of conditions.byMember.get(state.id) ?? []) candidates.add(segment)
  for (const segment of inOrder(candidates, conditions))
    if (changedSince(segment, since)) look(draft, segment, isItself(segment, since) ? 'definition' : 'time_zone')
}
