// What a fact sets off: for each distribution that waits for it, a message asked for, or the recorded reason why not.
import { calendarOf } from '../calendar.ts'
import type { Compiled } from '../conditions/compile.ts'
import type { DecidedFact, Draft } from '../customer/draft.ts'
import { occurrenceOf } from '../customer/occurrence.ts'
import type { CustomerState } from '../customer/state.ts'
import { idFrom } from '../ids.ts'
import { CUSTOM_EVENT_TYPE } from '../internalEvents.ts'
import type { Distribution } from '../rulebook/distribution.ts'
import type { Entry } from '../rulebook/kind.ts'
import type { Rulebook } from '../rulebook/rulebook.ts'
import { conditionsOf, subjectOf } from '../segments/conditions.ts'
import type { Channel, SkipReason } from './messages.ts'
import { allowedFrom, delayed, periodStart } from './periods.ts'

interface Prepared {
  readonly entry: Entry<Distribution>
  /** All must hold: the rule that the distribution names and those that are assigned to it. */
  readonly rules: readonly (readonly [id: string, Compiled])[]
}

/** The key under which a distribution waits for its trigger. */
const keyOf = ({ trigger }: Distribution): string =>
  trigger.type === 'event' ? trigger.event : `${trigger.type}:${trigger.segment_id}`

const prepare = (rulebook: Rulebook): ReadonlyMap<string, readonly Prepared[]> => {
  const { rules } = conditionsOf(rulebook)
  const assigned = new Map<string, string[]>()
  for (const { definition } of rulebook.entries('assignment').values()) {
    if (definition.related_object_type !== 'distribution') continue
    assigned.set(definition.related_object_id, [
      ...(assigned.get(definition.related_object_id) ?? []),
      definition.rule_id,
    ])
  }
  const index = new Map<string, Prepared[]>()
  for (const entry of rulebook.entries('distribution').values()) {
    const { active, validation_rule_id: rule } = entry.definition
    if (!active) continue
    const named = new Set([...(rule === undefined ? [] : [rule]), ...(assigned.get(entry.id) ?? [])])
    const prepared: Prepared = {
      entry,
      rules: [...named].flatMap((id) => {
        const compiled = rules.get(id)
        return compiled ? [[id, compiled] as const] : []
      }),
    }
    const key = keyOf(entry.definition)
    const list = index.get(key)
    if (list) list.push(prepared)
    else index.set(key, [prepared])
  }
  return index
}

/** The attribute of the profile that each channel writes to; a webhook's address is the distribution's own. */
const ADDRESS: Readonly<Record<Channel, 'email' | 'phone' | undefined>> = {
  webhook: undefined,
  email: 'email',
  sms: 'phone',
}

/** Why the customer cannot be written to over a channel now; undefined when nothing is in the way. */
export const addressFault = (
  channel: Channel,
  profile: CustomerState['profile'],
): { readonly reason: 'no_address' | 'unsubscribed'; readonly details: string } | undefined => {
  if (profile.unsubscribed?.includes(channel))
    return { reason: 'unsubscribed', details: `the customer opted out of ${channel}` }
  const attribute = ADDRESS[channel]
  return attribute !== undefined && (profile[attribute] ?? '').trim() === ''
    ? { reason: 'no_address', details: `the customer has no ${attribute}` }
    : undefined
}

interface Skip {
  readonly reason: SkipReason
  readonly details: string
}

const skipOf = (draft: Draft, { id, definition }: Entry<Distribution>): Skip | undefined => {
  const { state, now, rulebook } = draft
  const calendar = calendarOf(rulebook.project.timeZone)
  const last = Object.hasOwn(state.messages.lastBy, id) ? state.messages.lastBy[id] : undefined
  const { re_entry: reEntry, cap, channel } = definition
  if (last !== undefined && reEntry.policy === 'once')
    return { reason: 're_entry', details: `sent once already, asked for at ${new Date(last).toISOString()}` }
  if (last !== undefined && reEntry.policy === 'once_per' && last >= periodStart(reEntry.period, now, calendar))
    return {
      reason: 're_entry',
      details: `at most once per ${reEntry.period}; last asked for at ${new Date(last).toISOString()}`,
    }
  const fault = addressFault(channel.type, state.profile)
  if (fault) return fault
  if (cap) {
    const start = periodStart(cap.period, now, calendar)
    if (state.messages.recent.filter((at) => at >= start).length >= cap.messages)
      return { reason: 'cap', details: `at most ${cap.messages} messages per ${cap.period}` }
  }
  return undefined
}

const waitOf = (
  draft: Draft,
  { delay, quiet_hours: quiet }: Distribution,
): { readonly notBefore?: number; readonly delayedBy?: 'delay' | 'quiet_hours' } => {
  const { now, rulebook, state } = draft
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

/** Asks every distribution that waits for this fact. Reacts last, once segments are settled. */
export const reactWithMessages = (draft: Draft, fact: DecidedFact): void => {
  const { state, rulebook } = draft
  if (state.status !== 'active') return
  const occurrence = occurrenceOf(fact.id, fact, fact.now)
  if (!occurrence) return
  const index = rulebook.prepared(prepare)
  const isCustom = fact.type === 'CustomEventTracked'
  const segment = fact.type === 'SegmentEntered' || fact.type === 'SegmentLeft' ? fact.data.segment : undefined
  const keys = [
    occurrence.type,
    ...(isCustom ? [CUSTOM_EVENT_TYPE] : []),
    ...(segment ? [`${fact.type === 'SegmentEntered' ? 'segment_entered' : 'segment_left'}:${segment.id}`] : []),
  ]
  const waiting = keys.flatMap((key) => index.get(key) ?? [])
  if (waiting.length === 0) return
  const place = draft.facts.indexOf(fact)
  for (const { entry, rules } of waiting) {
    const { id, definition, revision } = entry
    const decline = (reason: string) => draft.decline({ kind: 'distribution', definition: id, reason })
    const context = { event: occurrence }
    const failed = rules.find(([, rule]) => !rule.evaluate(subjectOf(draft.state), context, draft.now).holds)
    if (failed) {
      decline(`validation rule ${failed[0]} does not hold`)
      continue
    }
    // Recorded with the event, not as a fact of its own: an import of years would else double the stream.
    if (draft.historical) {
      decline('the event is older than the trigger horizon')
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
    const skip = skipOf(draft, entry)
    if (skip) draft.emit('MessageSkipped', { ...base, ...skip }, fact.id)
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
