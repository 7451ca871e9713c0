// What a fact sets off: for each distribution that waits for it, a message asked for, or the recorded reason why not.

import { calendarOf } from '../calendar.ts'
import { type Channel, channelOf } from '../channels/index.ts'
import { askedAll, type Check, type Checks, conclude, no, ruled, yes } from '../check.ts'
import type { Occurrence, Order } from '../conditions/subject.ts'
import { subjectOf } from '../customer/conditions.ts'
import { type Consent, consentOf } from '../customer/consents.ts'
import type { DecidedFact, Draft } from '../customer/draft.ts'
import type { SkipReason } from '../customer/messages.ts'
import { occurrenceOf } from '../customer/occurrence.ts'
import { orderAsked } from '../customer/orders/happening.ts'
import type { CustomerState } from '../customer/state.ts'
import { type Gate, gatesBefore } from '../gates.ts'
import { addTo } from '../grouped.ts'
import { idFrom } from '../ids.ts'
import { CUSTOM_EVENT_TYPE } from '../internalEvents.ts'
import type { Distribution } from '../rulebook/distribution.ts'
import type { ConsentRule, Entry } from '../rulebook/kind.ts'
import { allowedFrom, delayed, periodEnd, periodStart } from '../rulebook/periods.ts'
import type { Rulebook } from '../rulebook/rulebook.ts'

interface Prepared {
  readonly entry: Entry<Distribution>
  /** All must hold: the rule that the distribution names and those that are assigned to it. */
  readonly gates: readonly Gate[]
}

/** The key under which a distribution waits for its trigger. */
const keyOf = ({ trigger }: Distribution): string =>
  trigger.type === 'event' ? trigger.event : `${trigger.type}:${trigger.segment_id}`

interface Distributions {
  /** By their ids, those that are not active too. */
  readonly all: ReadonlyMap<string, Prepared>
  /** The active ones by the key that they wait under. */
  readonly index: ReadonlyMap<string, readonly Prepared[]>
}

const prepare = (rulebook: Rulebook): Distributions => {
  const all = new Map<string, Prepared>()
  const index = new Map<string, Prepared[]>()
  for (const entry of rulebook.entries('distribution').values()) {
    const { active, name, validation_rule_id: rule } = entry.definition
    const target = { type: 'distribution', names: [entry.id, name] } as const
    const prepared: Prepared = { entry, gates: gatesBefore(rulebook, [target], [rule]) }
    all.set(entry.id, prepared)
    if (active) addTo(index, keyOf(entry.definition), prepared)
  }
  return { all, index }
}

/** The rules that must hold before a distribution sends, its own first, then those assigned to it; by their ids. */
export const gatesOf = (rulebook: Rulebook, distribution: string): readonly Gate[] =>
  rulebook.prepared(prepare).all.get(distribution)?.gates ?? []

/** Why the customer cannot be written to over a channel now; undefined when nothing is in the way. */
export const addressFault = (
  channel: Channel,
  profile: CustomerState['profile'],
  { rule = 'refusals', consent }: { readonly rule?: ConsentRule | undefined; readonly consent: Consent },
): { readonly reason: 'no_address' | 'unsubscribed' | 'no_consent'; readonly details: string } | undefined => {
  if (profile.unsubscribed?.includes(channel))
    return { reason: 'unsubscribed', details: `the customer opted out of ${channel}` }
  const attribute = channelOf(channel).address
  // A webhook writes to a system, not to the person.
  if (rule === 'required' && attribute !== null && consent !== 'given')
    return { reason: 'no_consent', details: `the customer did not agree to ${channel}` }
  return attribute !== null && (profile[attribute] ?? '').trim() === ''
    ? { reason: 'no_address', details: `the customer has no ${attribute}` }
    : undefined
}

interface Asked {
  readonly state: CustomerState
  readonly rulebook: Rulebook
  readonly now: number
  /** Too far back to send anything. */
  readonly historical: boolean
  readonly occurrence: Occurrence
  readonly order: Order | undefined
  readonly prepared: Prepared
}

/** A question whose no is recorded as a message that is skipped; any other no is kept with the event alone. */
interface SkipCheck extends Check {
  readonly skip: SkipReason
}

const isSkip = (check: Check): check is SkipCheck => 'skip' in check

const reEntryCheck = ({ state, rulebook, now, prepared }: Asked): SkipCheck => {
  const { id, definition } = prepared.entry
  const { re_entry: reEntry } = definition
  const last = Object.hasOwn(state.messages.lastBy, id) ? state.messages.lastBy[id] : undefined
  const told = last === undefined ? undefined : new Date(last).toISOString()
  const check = {
    is: `the re-entry policy ${reEntry.policy}${reEntry.policy === 'once_per' ? ` ${reEntry.period}` : ''} allows it`,
    skip: 're_entry',
    value: () => told ?? null,
  } as const
  if (last !== undefined && reEntry.policy === 'once')
    return { ...check, holds: false, reason: `sent once already, asked for at ${told}` }
  if (last === undefined || reEntry.policy !== 'once_per') return { ...check, holds: true }
  const calendar = calendarOf(rulebook.project.timeZone)
  if (last < periodStart(reEntry.period, now, calendar)) return { ...check, holds: true }
  return {
    ...check,
    holds: false,
    reason: `at most once per ${reEntry.period}; last asked for at ${told}`,
    until: periodEnd(reEntry.period, last, calendar),
  }
}

const capCheck = ({ state, rulebook, now }: Asked, cap: NonNullable<Distribution['cap']>): SkipCheck => {
  const calendar = calendarOf(rulebook.project.timeZone)
  const start = periodStart(cap.period, now, calendar)
  const counted = state.messages.recent.filter((at) => at >= start)
  const reason = `at most ${cap.messages} messages per ${cap.period}`
  const check = { is: `the cap of ${reason} is not reached`, skip: 'cap', value: () => counted.length } as const
  const leaving = counted.at(-cap.messages)
  return leaving === undefined
    ? { ...check, holds: true }
    : { ...check, holds: false, reason, until: periodEnd(cap.period, leaving, calendar) }
}

/** The questions that a distribution asks before it asks for a message. */
function* checksOf(asked: Asked): Checks<true> {
  const { state, now, historical, occurrence, order, prepared } = asked
  const { channel, cap } = prepared.entry.definition
  const context = { event: occurrence, order }
  for (const { rule, condition } of prepared.gates)
    yield ruled(rule, condition.evaluate(subjectOf(state), context, now))
  // Recorded with the event, not as a fact of its own: an import of years would else double the stream.
  if (historical) yield no('the event is within the trigger horizon', 'the event is older than the trigger horizon')
  yield reEntryCheck(asked)
  const fault = addressFault(channel.type, state.profile, {
    rule: asked.rulebook.project.consent,
    consent: consentOf(state.consents, channel.type),
  })
  const isAddress = `the customer can be written to over ${channel.type}`
  const skipped: SkipCheck | undefined = fault && { ...no(isAddress, fault.details), skip: fault.reason }
  yield skipped ?? yes(isAddress)
  if (cap) yield capCheck(asked, cap)
  return true
}

const waitOf = (
  { now, rulebook, state }: Pick<Draft, 'now' | 'rulebook' | 'state'>,
  { delay, quiet_hours: quiet }: Distribution,
): { readonly notBefore?: number; readonly delayedBy?: 'delay' | 'quiet_hours' } => {
  const { timeZone } = rulebook.project
  const after = delayed(delay, now, calendarOf(timeZone))
  const allowed = allowedFrom(after, quiet, state.profile.metadata, timeZone)
  return allowed > now ? { notBefore: allowed, delayedBy: allowed > after ? 'quiet_hours' : 'delay' } : {}
}

/** Spendable points by campaign, for distributions whose text may speak of them. */
const pointsOf = (state: CustomerState, rulebook: Rulebook): { readonly points?: Record<string, number> } => {
  const { points } = subjectOf(state)
  const campaigns = (rulebook.definitions.entries.campaign ?? new Map()) as ReadonlyMap<string, unknown>
  const held: Record<string, number> = {}
  for (const id of campaigns.keys()) {
    const balance = points(id)
    if (balance !== undefined) held[id] = balance
  }
  return Object.keys(held).length > 0 ? { points: held } : {}
}

/** The keys under which distributions wait for a fact. */
const keysOf = (fact: DecidedFact, { type }: Occurrence): readonly string[] => [
  type,
  ...(fact.type === 'CustomEventTracked' ? [CUSTOM_EVENT_TYPE] : []),
  ...(fact.type === 'SegmentEntered' ? [`segment_entered:${fact.data.segment.id}`] : []),
  ...(fact.type === 'SegmentLeft' ? [`segment_left:${fact.data.segment.id}`] : []),
]

/** Asks every distribution that waits for this fact. Reacts last, once segments are settled. */
export const reactWithMessages = (draft: Draft, fact: DecidedFact): void => {
  const { state, rulebook } = draft
  if (state.status !== 'active') return
  const occurrence = occurrenceOf(fact.id, fact, fact.now)
  if (!occurrence) return
  const { index } = rulebook.prepared(prepare)
  const isCustom = fact.type === 'CustomEventTracked'
  const segment = fact.type === 'SegmentEntered' || fact.type === 'SegmentLeft' ? fact.data.segment : undefined
  const waiting = keysOf(fact, occurrence).flatMap((key) => index.get(key) ?? [])
  if (waiting.length === 0) return
  const place = draft.facts.indexOf(fact)
  for (const prepared of waiting) {
    const { id, definition, revision } = prepared.entry
    const { failed } = conclude(
      checksOf({
        state: draft.state,
        rulebook,
        now: draft.now,
        historical: draft.historical,
        occurrence,
        order: orderAsked(fact),
        prepared,
      }),
    )
    const reason = failed?.reason ?? ''
    if (failed && !isSkip(failed)) {
      draft.decline({ kind: 'distribution', definition: id, reason })
      continue
    }
    const base = {
      id: idFrom('msg', state.id, id, fact.id),
      distribution: { id, name: definition.name, definition: revision },
      channel: definition.channel.type,
      trigger: {
        type: isCustom ? CUSTOM_EVENT_TYPE : occurrence.type,
        ...(isCustom ? { event: occurrence.type } : {}),
        ...(segment ? { segment: { id: segment.id, name: segment.name } } : {}),
        fact: fact.id,
        distance: draft.facts.length - place,
      },
      occurredAt: draft.now,
    }
    if (failed) draft.emit('MessageSkipped', { ...base, reason: failed.skip, details: reason }, fact.id)
    else
      draft.emit(
        'MessageRequested',
        {
          ...base,
          ...waitOf(draft, definition),
          ...pointsOf(draft.state, rulebook),
          ...(definition.campaign_id === undefined ? {} : { campaign: definition.campaign_id }),
        },
        fact.id,
      )
  }
}

/** Whether a fact triggers a distribution, be it active or not. */
export const triggers = (fact: DecidedFact, definition: Distribution): boolean => {
  const occurrence = occurrenceOf(fact.id, fact, fact.now)
  return occurrence !== undefined && keysOf(fact, occurrence).includes(keyOf(definition))
}

/**
 * What a distribution would say to an event if it had come just now, question by question; with when the message might go
 * out, when all hold. Undefined when there is no such distribution.
 */
export const explainMessage = (
  { state, rulebook, now }: Pick<Draft, 'state' | 'rulebook' | 'now'>,
  fact: DecidedFact,
  id: string,
): { readonly checks: readonly Check[]; readonly wait?: ReturnType<typeof waitOf> } | undefined => {
  const prepared = rulebook.prepared(prepare).all.get(id)
  const occurrence = occurrenceOf(fact.id, fact, now)
  if (!prepared || !occurrence) return undefined
  const asked = askedAll(
    checksOf({ state, rulebook, now, historical: false, occurrence, order: orderAsked(fact), prepared }),
  )
  return asked.made
    ? { checks: asked.checks, wait: waitOf({ state, rulebook, now }, prepared.entry.definition) }
    : { checks: asked.checks }
}
