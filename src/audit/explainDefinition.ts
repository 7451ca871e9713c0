// Why a definition does or does not act for a customer now, leaf by leaf, and what would have to change. What is asked is what
// decisions ask: nothing here knows a rule of its own.

import { type Check, no, yes } from '../domain/check.ts'
import { allOf, answer } from '../domain/conditions/answer.ts'
import type { Because } from '../domain/conditions/compile.ts'
import { NO_CONTEXT } from '../domain/conditions/subject.ts'
import { activityId, factIdOf } from '../domain/customer/activity.ts'
import { conditionsOf, subjectOf } from '../domain/customer/conditions.ts'
import { spreadDeclined } from '../domain/customer/declined.ts'
import { type DecidedFact, openDraft } from '../domain/customer/draft.ts'
import { occurrenceOf } from '../domain/customer/occurrence.ts'
import type { CustomerState } from '../domain/customer/state.ts'
import { explainMessage, triggers } from '../domain/distributions/react.ts'
import { uuidFrom } from '../domain/ids.ts'
import { explainEarning, setsOff } from '../domain/loyalty/earn.ts'
import { programsOf } from '../domain/loyalty/programs.ts'
import { decidedAt, type RecordedFact } from '../domain/recorded.ts'
import type { Distribution } from '../domain/rulebook/distribution.ts'
import type { EarningRule } from '../domain/rulebook/earningRule.ts'
import type { Rulebook } from '../domain/rulebook/rulebook.ts'
import { asDecided } from './history.ts'

const iso = (ms: number): string => new Date(ms).toISOString()

/** The event that an earning rule or a distribution is asked about. */
export interface AskedEvent {
  readonly id: string
  readonly type: string
  readonly occurred_at: string
  readonly metadata: Readonly<Record<string, unknown>>
}

/** What a definition did, or did not do, when it was asked in earnest. */
export interface RecordedOutcome {
  readonly outcome: 'paid' | 'requested' | 'skipped' | 'declined'
  /** Of the fact that records it, as the activity log has it. */
  readonly id: string
  /** The event that it was for. */
  readonly event: string
  readonly at: string
  readonly reason?: string
  readonly details?: string
  readonly points?: number
  readonly transaction?: string
  readonly message?: string
  readonly not_before?: string
  readonly delayed_by?: string
}

export interface ExplainedDefinition {
  readonly definition: string
  readonly kind: 'segment' | 'validationRule' | 'earningRule' | 'distribution'
  readonly holds: boolean
  /** ISO time at which the truth may change with nothing new happening; null for never. */
  readonly until: string | null
  readonly because: Because | null
  /** What would have to change for the opposite to be true, leaf by leaf. */
  readonly to_change: readonly string[]
  /** The event that it was asked about, as if it had come just now; null when the customer has none that sets it off. */
  readonly event?: AskedEvent | null
  /** What an earning rule would pay. */
  readonly points?: number | null
  /** When the message of a distribution might go out, and what makes it wait. */
  readonly not_before?: string | null
  readonly delayed_by?: string | null
  /** The newest that is recorded, newest first, at most `MAX_RECORDED`. */
  readonly recorded?: readonly RecordedOutcome[]
}

const MAX_RECORDED = 20

/** The leaves of a truth table that stand in the way of it. */
const obstacles = (because: Because, wanted: boolean): readonly string[] => {
  if (because.holds === wanted) return []
  if ('is' in because) return [`${because.is} must ${wanted ? '' : 'not '}hold`]
  if ('not' in because) return obstacles(because.not, !wanted)
  if ('rule' in because) return obstacles(because.of, wanted)
  const parts = 'all' in because ? because.all : because.any
  return parts.flatMap((part) => obstacles(part, wanted))
}

/** Why a segment or a validation rule holds, or not, for a customer at an instant (ms); undefined for neither of the two. */
const explainCondition = (
  rulebook: Rulebook,
  state: CustomerState,
  id: string,
  now: number,
): ExplainedDefinition | undefined => {
  const { segment, rules } = conditionsOf(rulebook)
  const listed = segment.get(id)?.members
  if (listed)
    return {
      definition: id,
      kind: 'segment',
      holds: listed.has(state.id),
      until: null,
      because: null,
      to_change: [`the customer must ${listed.has(state.id) ? 'not ' : ''}be on the segment's list`],
    }
  const condition = segment.get(id)?.condition ?? rules.get(id)
  if (!condition) return undefined
  const { holds, until, because } = condition.evaluate(subjectOf(state), NO_CONTEXT, now)
  return {
    definition: id,
    kind: segment.has(id) ? 'segment' : 'validationRule',
    holds,
    until: until === null ? null : iso(until),
    because,
    to_change: obstacles(because, !holds),
  }
}

const untilOf = ({ until, rule }: Check): number => (rule ? rule.evaluation.until : until) ?? Number.POSITIVE_INFINITY

const leafOf = ({ is, holds, value, rule }: Check): Because =>
  rule ? { rule: rule.id, of: rule.evaluation.because, holds } : { is, holds, value: value?.() }

/** What would have to change for checks to hold, all of them; or, when they do, what any one would. */
const changesOf = (checks: readonly Check[], holds: boolean): readonly string[] =>
  checks
    .filter((check) => check.holds === holds)
    .flatMap(({ is, reason, until, rule }) =>
      rule
        ? obstacles(rule.evaluation.because, !holds)
        : [
            `${is}: must ${holds ? 'not ' : ''}hold` +
              `${reason === undefined ? '' : ` (${reason})`}` +
              `${until === undefined ? '' : `; changes at ${iso(until)}`}`,
          ],
    )

const verdictOf = (checks: readonly Check[]) => {
  const { holds, until } = allOf(checks, (check) => answer(check.holds, untilOf(check)))
  return {
    holds,
    until: until === Number.POSITIVE_INFINITY ? null : iso(until),
    because: { all: checks.map(leafOf), holds },
    to_change: changesOf(checks, holds),
  }
}

/** What is needed of a customer's stream to explain a definition that events set off. */
interface Past {
  /** The newest fact that sets it off, or the one that was asked for. */
  readonly event: DecidedFact | undefined
  readonly recorded: readonly RecordedOutcome[]
}

type History = AsyncIterable<RecordedFact> | Iterable<RecordedFact>

const pastOf = async (
  history: History,
  asked: string | undefined,
  isEvent: (fact: DecidedFact) => boolean,
  outcomesOf: (fact: RecordedFact) => readonly RecordedOutcome[],
): Promise<Past> => {
  let event: DecidedFact | undefined
  const recorded: RecordedOutcome[] = []
  for await (const fact of history) {
    const decided = asDecided(fact)
    if (decided && (asked === undefined ? isEvent(decided) : fact.id === asked)) event = decided
    recorded.push(...outcomesOf(fact))
    if (recorded.length > MAX_RECORDED) recorded.splice(0, recorded.length - MAX_RECORDED)
  }
  return { event, recorded: recorded.reverse() }
}

const declinedOf = (fact: RecordedFact, kind: string, id: string): readonly RecordedOutcome[] =>
  spreadDeclined(fact.metadata.declined)
    .filter((declined) => declined.kind === kind && declined.definition === id)
    .map(({ reason }) => ({
      outcome: 'declined',
      id: activityId(fact.id),
      event: activityId(fact.id),
      at: iso(decidedAt(fact)),
      reason,
    }))

const paidOf = (fact: RecordedFact, id: string): readonly RecordedOutcome[] => {
  const decided = asDecided(fact)
  if (decided?.type !== 'PointsEarned' && decided?.type !== 'PendingPointsAdded') return []
  const { data } = decided
  if (data.rule.id !== id) return []
  return [
    {
      outcome: 'paid',
      id: activityId(fact.id),
      event: activityId(data.cause.fact),
      at: iso(data.occurredAt),
      ...('pending' in data ? { points: data.pending.points } : { points: data.points, transaction: data.transaction }),
    },
  ]
}

const messagesOf = (fact: RecordedFact, id: string): readonly RecordedOutcome[] => {
  const decided = asDecided(fact)
  if (decided?.type !== 'MessageRequested' && decided?.type !== 'MessageSkipped') return []
  const { data } = decided
  if (data.distribution.id !== id) return []
  return [
    {
      outcome: decided.type === 'MessageRequested' ? 'requested' : 'skipped',
      id: activityId(fact.id),
      event: activityId(data.trigger.fact),
      at: iso(data.occurredAt),
      message: data.id,
      ...('reason' in data
        ? { reason: data.reason, details: data.details }
        : {
            not_before: data.notBefore === undefined ? undefined : iso(data.notBefore),
            delayed_by: data.delayedBy,
          }),
    },
  ]
}

const shown = (fact: DecidedFact | undefined): AskedEvent | null => {
  const occurrence = fact && occurrenceOf(fact.id, fact, fact.now)
  if (!occurrence) return null
  const { id, type, occurredAt, metadata } = occurrence
  return { id: activityId(id), type, occurred_at: iso(occurredAt), metadata }
}

/** Stands for the event that never came, so that all else can still be asked. */
const placeholder = (type: string, now: number): DecidedFact => ({
  id: uuidFrom('explanation', type),
  now,
  type: 'CustomEventTracked',
  data: { event: type, occurredAt: now, metadata: {} },
})

const isActive = (state: CustomerState): Check =>
  state.status === 'active' ? yes('the customer is there') : no('the customer is there', `it is ${state.status}`)

const active = (what: string, is: boolean): Check =>
  is ? yes(`${what} is active`) : no(`${what} is active`, 'it is switched off')

const isThere = (what: string, isSet: boolean, there: AskedEvent | null): Check =>
  isSet
    ? yes(`the event is ${what}`, () => there?.id ?? null)
    : no(`the event is ${what}`, there ? `it is ${there.type}` : 'the customer has none', () => there?.id ?? null)

/** What explaining takes. `event`: the fact that an earning rule or a distribution is asked about; else the newest fit one. */
export interface ExplainOptions {
  /** The customer's stream; read only for what events set off. */
  readonly history: History
  readonly rulebook: Rulebook
  readonly state: CustomerState
  readonly now: number
  readonly event?: string
}

const explainRule = async (
  { history, rulebook, state, now, event: asked }: ExplainOptions,
  id: string,
): Promise<ExplainedDefinition | undefined> => {
  const rule = programsOf(rulebook).rule.get(id)
  if (!rule) return undefined
  const { definition } = rule.entry
  const { event, recorded } = await pastOf(
    history,
    asked,
    (fact) => setsOff(fact, rule),
    (fact) => [...paidOf(fact, id), ...declinedOf(fact, 'earning_rule', id)],
  )
  const isSet = event !== undefined && setsOff(event, rule)
  const draft = openDraft({
    state,
    rulebook,
    now,
    idOf: (_, n) => uuidFrom('explained', id, String(n)),
    historical: false,
  })
  const { checks, points } = explainEarning(draft, isSet ? event : placeholder(definition.event, now), rule)
  const there = shown(event)
  const all = [
    isActive(state),
    active('the earning rule', definition.active),
    active('its program', rule.program.definition.active),
    isThere(wanted(definition), isSet, there),
    ...checks,
  ]
  const verdict = verdictOf(all)
  const paying = verdict.holds && points !== undefined ? points : null
  return { definition: id, kind: 'earningRule', ...verdict, event: there, points: paying, recorded }
}

const wanted = ({ event, segment, loyalty_tier: tier }: EarningRule): string =>
  `${event}${segment ? ` of segment ${segment.id}` : ''}${tier ? ` of tier ${tier.id}` : ''}`

const explainDistribution = async (
  { history, rulebook, state, now, event: asked }: ExplainOptions,
  id: string,
): Promise<ExplainedDefinition | undefined> => {
  const entry = rulebook.entries('distribution').get(id)
  if (!entry) return undefined
  const { definition } = entry
  const { event, recorded } = await pastOf(
    history,
    asked,
    (fact) => triggers(fact, definition),
    (fact) => [...messagesOf(fact, id), ...declinedOf(fact, 'distribution', id)],
  )
  const isSet = event !== undefined && triggers(event, definition)
  const type = definition.trigger.type === 'event' ? definition.trigger.event : definition.trigger.type
  const found = explainMessage({ state, rulebook, now }, isSet ? event : placeholder(type, now), id)
  if (!found) return undefined
  const there = shown(event)
  const all = [
    isActive(state),
    active('the distribution', definition.active),
    isThere(trigger(definition), isSet, there),
    ...found.checks,
  ]
  const verdict = verdictOf(all)
  const wait = verdict.holds ? found.wait : undefined
  return {
    definition: id,
    kind: 'distribution',
    ...verdict,
    event: there,
    not_before: wait?.notBefore === undefined ? null : iso(wait.notBefore),
    delayed_by: wait?.delayedBy ?? null,
    recorded,
  }
}

const trigger = ({ trigger }: Distribution): string =>
  trigger.type === 'event' ? trigger.event : `${trigger.type} of ${trigger.segment_id}`

/**
 * Why a segment, a validation rule, an earning rule or a distribution does or does not act for a customer at `now` (ms);
 * undefined for anything else. The latter two are asked about the newest event that sets them off, or the one that is given, as
 * if it had come at `now` and for the customer as it stands: what was decided when it really came is in `recorded`.
 */
export const explainDefinition = async (
  options: ExplainOptions,
  id: string,
): Promise<ExplainedDefinition | undefined> =>
  explainCondition(options.rulebook, options.state, id, options.now) ??
  (await explainRule(options, id)) ??
  (await explainDistribution(options, id))

/** The fact id that an activity entry's id, or a fact's own id, means. */
export const eventIdOf = (id: string): string => factIdOf(id) ?? id
