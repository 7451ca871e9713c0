// Every condition of a rulebook, compiled, and indexed by what can change its truth.

import type { AccumulatorSpec } from '../conditions/accumulate.ts'
import { type Compiled, compile } from '../conditions/compile.ts'
import { NO_CONTEXT, type Subject } from '../conditions/subject.ts'
import { addTo } from '../grouped.ts'
import { namesAround } from '../metadataPath.ts'
import { entriesOf } from '../rulebook/entries.ts'
import { environmentOf } from '../rulebook/environment.ts'
import { keptWhile } from '../rulebook/keptWhile.ts'
import type { Entry } from '../rulebook/kind.ts'
import type { Rulebook } from '../rulebook/rulebook.ts'
import { conditionOfSegment, type Segment, segmentsInOrder } from '../rulebook/segment.ts'
import { keyOf, wordsOf } from '../rulebook/sound.ts'
import { conditionOfRule, type ValidationRule } from '../rulebook/validationRule.ts'
import { pointsIn } from './loyalty/state.ts'
import { summaryOf } from './redemptions/sums.ts'
import { type CustomerState, newCustomer } from './state.ts'

export interface CompiledSegment {
  readonly id: string
  readonly name: string
  /** At which it came to mean what it means: by a change of its own, or of the time zone. */
  readonly revision: string
  /** At which it was last changed itself. */
  readonly changedAt: string
  /** Whether entering and leaving trigger other definitions. */
  readonly triggers: boolean
  /** Whether a change of the definition triggers too. */
  readonly triggersOnRollout: boolean
  /** Absent for a static segment, whose members are listed. */
  readonly condition?: Compiled
  readonly members?: ReadonlySet<string>
  /** Whether it can hold, now or by time alone, for a customer of whom only the profile is known. */
  readonly concernsAll: boolean
}

type Index = ReadonlyMap<string, readonly CompiledSegment[]>

export interface Conditions {
  /** In topological order: a segment comes after those that it refers to. */
  readonly segments: readonly CompiledSegment[]
  readonly segment: ReadonlyMap<string, CompiledSegment>
  readonly rules: ReadonlyMap<string, Compiled>
  /** Event type → the accumulators that take it in. */
  readonly accumulators: ReadonlyMap<string, readonly AccumulatorSpec[]>
  /** The keys of all of them. */
  readonly accumulatorKeys: ReadonlySet<string>
  readonly byEventType: Index
  readonly byAttribute: Index
  readonly bySegment: Index
  readonly byPoints: readonly CompiledSegment[]
  /** Those that ask for totals of redemptions and orders. */
  readonly bySummary: readonly CompiledSegment[]
  /** Customer → the static segments that list it. */
  readonly byMember: Index
  /** Those that every customer must be looked at for. */
  readonly always: readonly CompiledSegment[]
}

/** A customer as conditions see it. */
export const subjectOf = (state: CustomerState): Subject => ({
  profile: state.profile as unknown as Subject['profile'],
  createdAt: state.createdAt,
  updatedAt: state.updatedAt,
  occurrences: state.occurrences,
  accumulators: state.derived.accumulators,
  segments: state.segments,
  points: (campaign) => pointsIn(state.loyalty, campaign),
  // Made when it is asked for, which is seldom.
  get summary() {
    return summaryOf(state.redemptions.sums, state.orders.sums, Object.values(state.loyalty.cards))
  },
})

const NOBODY = subjectOf(newCustomer(''))

const later = (revision: string, other = '-1'): string => (BigInt(other) > BigInt(revision) ? other : revision)

const compileSegment = keptWhile((entry: Entry<Segment>, all): CompiledSegment => {
  const { definition } = entry
  const common = {
    id: entry.id,
    name: definition.name,
    revision: later(entry.revision, all.project?.zoneSince),
    changedAt: entry.revision,
    triggers: definition.type === 'auto-update',
    triggersOnRollout: definition.type === 'auto-update' && definition.trigger_on_rollout,
  }
  const parsed = conditionOfSegment(entry, all)
  if (!parsed) return { ...common, members: new Set(definition.customers), concernsAll: false }
  const condition = compile(parsed, environmentOf(all))
  const empty = condition.evaluate(NOBODY, NO_CONTEXT, 0)
  const { attributes, points, segments } = condition.listens
  return {
    ...common,
    condition,
    concernsAll:
      empty.holds || empty.until !== null || attributes.length > 0 || points.length > 0 || segments.length > 0,
  }
})

/** What stands for a rule that is switched off: it never holds. */
export const neverBecause = (reason: string): Compiled => ({
  accumulators: [],
  listens: { eventTypes: [], attributes: [], segments: [], points: [], context: false, asks: [] },
  evaluate: () => ({
    holds: false,
    until: null,
    because: { is: `the rule is not switched off: ${reason}`, holds: false },
    failed: undefined,
  }),
})

/** A rule that does not fit the other definitions never holds: what it gates stays closed until it is mended. */
const compileRule = keptWhile((entry: Entry<ValidationRule>, all): Compiled => {
  const environment = environmentOf(all)
  const condition = conditionOfRule(entry.definition, environment)
  return condition ? compile(condition, environment) : neverBecause('it does not fit the other definitions')
})

const indexBy = (
  segments: readonly CompiledSegment[],
  keysOf: (segment: CompiledSegment) => Iterable<string>,
): Index => {
  const index = new Map<string, CompiledSegment[]>()
  for (const segment of segments) for (const key of keysOf(segment)) addTo(index, key, segment)
  return index
}

const prepare = (rulebook: Rulebook): Conditions => {
  const { definitions, off } = rulebook
  const sound = new Map([...entriesOf(definitions, 'segment')].filter(([id]) => !rulebook.isOff('segment', id)))
  const segments = segmentsInOrder(sound, definitions).map((entry) => compileSegment(entry, definitions))
  const rules = new Map(
    [...entriesOf(definitions, 'validationRule')].map(([id, entry]) => {
      const unsound = off.get(keyOf('validationRule', id))
      return [id, unsound ? neverBecause(wordsOf(unsound.faults)) : compileRule(entry, definitions)]
    }),
  )
  const specs = new Map<string, AccumulatorSpec>()
  for (const { condition } of segments) for (const spec of condition?.accumulators ?? []) specs.set(spec.key, spec)
  for (const rule of rules.values()) for (const spec of rule.accumulators) specs.set(spec.key, spec)
  const accumulators = new Map<string, AccumulatorSpec[]>()
  for (const spec of specs.values())
    for (const type of spec.types) accumulators.set(type, [...(accumulators.get(type) ?? []), spec])
  return {
    segments,
    segment: new Map(segments.map((segment) => [segment.id, segment])),
    rules,
    accumulators,
    accumulatorKeys: new Set(specs.keys()),
    byEventType: indexBy(segments, ({ condition }) => condition?.listens.eventTypes ?? []),
    byAttribute: indexBy(segments, ({ condition }) => new Set(condition?.listens.attributes.flatMap(namesAround))),
    bySegment: indexBy(segments, ({ condition }) => condition?.listens.segments ?? []),
    byPoints: segments.filter((segment) => (segment.condition?.listens.points.length ?? 0) > 0),
    bySummary: segments.filter((segment) =>
      segment.condition?.listens.attributes.some((name) => name.startsWith('summary.')),
    ),
    byMember: indexBy(segments, ({ members }) => members ?? []),
    always: segments.filter((segment) => segment.concernsAll),
  }
}

/** The compiled conditions of a rulebook, made once. */
export const conditionsOf = (rulebook: Rulebook): Conditions => rulebook.prepared(prepare)

/** Whether a segment got its present form, or came to mean something else, after a decision made under `revision`. */
export const changedSince = (segment: Pick<CompiledSegment, 'revision'>, revision: string): boolean =>
  BigInt(segment.revision) > BigInt(revision)

/** The segments whose truth could be other than "no, for ever" for this customer, in topological order. */
export const segmentsThatMatter = (state: CustomerState, rulebook: Rulebook): readonly CompiledSegment[] => {
  const conditions = conditionsOf(rulebook)
  const found = new Set(conditions.always)
  for (const type of Object.keys(state.occurrences))
    for (const segment of conditions.byEventType.get(type) ?? []) found.add(segment)
  for (const id of Object.keys(state.segments)) {
    const segment = conditions.segment.get(id)
    if (segment) found.add(segment)
  }
  return inOrder(found, conditions)
}

/** A set of segments in the order in which they are to be looked at. */
export const inOrder = (found: ReadonlySet<CompiledSegment>, conditions: Conditions): readonly CompiledSegment[] =>
  found.size < 2 ? [...found] : conditions.segments.filter((segment) => found.has(segment))
