// Distributions: which message goes to a customer on which event, over which channel, and how often at most.

import * as v from 'valibot'
import { ChannelSettings, channelOf } from '../channels/index.ts'
import { isInternalEventType } from '../internalEvents.ts'
import { name300 } from '../name.ts'
import { templateFault } from '../templates/template.ts'
import type { Definitions, Entry, Fault, Kind, Reference } from './kind.ts'
import { isPeriod } from './periods.ts'
import { schemaNamed } from './references.ts'
import type { Segment } from './segment.ts'

/** How many instants of messages a customer keeps: no cap can be higher. */
export const MAX_CAP = 100

const timeOfDay = v.pipe(v.string(), v.regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day HH:MM'))
const period = v.pipe(
  v.string(),
  v.check(isPeriod, 'must be an ISO 8601 duration of at most 366 days, or day, week, month, quarter or year'),
)
const duration = v.pipe(
  v.string(),
  v.startsWith('P', 'must be an ISO 8601 duration'),
  v.check(isPeriod, 'must be an ISO 8601 duration of at most 366 days'),
)

export const Trigger = v.variant('type', [
  /** A custom event by its name, or an internal event by its type. */
  v.object({ type: v.literal('event'), event: name300 }),
  v.object({ type: v.literal('segment_entered'), segment_id: name300 }),
  v.object({ type: v.literal('segment_left'), segment_id: name300 }),
])

export const ReEntry = v.variant('policy', [
  v.object({ policy: v.literal('every_time') }),
  v.object({ policy: v.literal('once') }),
  v.object({ policy: v.literal('once_per'), period }),
])

export const Distribution = v.object({
  name: name300,
  active: v.optional(v.boolean(), true),
  trigger: Trigger,
  /** Asked with the customer and the triggering event; so are rules assigned to the distribution. */
  validation_rule_id: v.optional(name300),
  channel: ChannelSettings,
  re_entry: v.optional(ReEntry, { policy: 'every_time' }),
  quiet_hours: v.optional(
    v.pipe(
      v.object({ from: timeOfDay, to: timeOfDay, zone: v.optional(v.picklist(['customer', 'project']), 'customer') }),
      v.check((hours) => hours.from !== hours.to, 'must NOT begin and end at the same time'),
    ),
  ),
  /** At most so many messages of all distributions to one customer in a period; more are skipped. */
  cap: v.optional(v.object({ messages: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_CAP)), period })),
  delay: v.optional(duration),
  /** A fresh code of this campaign goes with each message. */
  campaign_id: v.optional(name300),
})
export type Distribution = v.InferOutput<typeof Distribution>

/** Internal events that no decision sees: what delivery reports, and the end of the customer. */
const NEVER_TRIGGERS = /^customer\.(?:deleted|(?:[a-z]+\.(?:sent|recovered|failed)))$/

const triggerFaults = (trigger: Distribution['trigger'], all: Definitions): readonly Fault[] => {
  if (trigger.type !== 'event') {
    const path = 'trigger.segment_id'
    const named = all.entries.segment?.get(trigger.segment_id) as Entry<Segment> | undefined
    if (!named) return [{ path, message: `must name a segment: there is no ${trigger.segment_id}` }]
    return named.definition.type === 'static'
      ? [{ path, message: 'must NOT name a static segment: nobody enters or leaves it' }]
      : []
  }
  const { event } = trigger
  if (NEVER_TRIGGERS.test(event))
    return [{ path: 'trigger.event', message: `must NOT be ${event}: use a project webhook` }]
  return isInternalEventType(event) || schemaNamed(event, all)
    ? []
    : [{ path: 'trigger.event', message: `must name an event schema or an internal event: there is no ${event}` }]
}

const check = (_: string, definition: Distribution, all: Definitions): readonly Fault[] => {
  const { trigger, channel, validation_rule_id: rule, campaign_id: campaign } = definition
  const faults = [...triggerFaults(trigger, all)]
  const row = channelOf(channel.type)
  for (const { setting, source, form } of row.parts(channel)) {
    const message = templateFault(source, form)
    if (message !== undefined) faults.push({ path: `channel.${setting}`, message })
  }
  for (const { setting, message } of row.faults?.(channel) ?? []) faults.push({ path: `channel.${setting}`, message })
  if (rule !== undefined && !all.entries.validationRule?.has(rule))
    faults.push({ path: 'validation_rule_id', message: `must name a validation rule: there is no ${rule}` })
  if (campaign !== undefined && !all.entries.campaign?.has(campaign))
    faults.push({ path: 'campaign_id', message: `must name a campaign: there is no ${campaign}` })
  return faults
}

const uses = ({ trigger, validation_rule_id, campaign_id }: Distribution, all: Definitions): readonly Reference[] => {
  const schema = trigger.type === 'event' ? schemaNamed(trigger.event, all) : undefined
  return [
    ...(schema ? [{ kind: 'eventSchema', id: schema.id }] : []),
    ...(trigger.type === 'event' ? [] : [{ kind: 'segment', id: trigger.segment_id }]),
    ...(validation_rule_id === undefined ? [] : [{ kind: 'validationRule', id: validation_rule_id }]),
    ...(campaign_id === undefined ? [] : [{ kind: 'campaign', id: campaign_id }]),
  ]
}

export const distributionKind: Kind<Distribution> = {
  activates: ({ trigger }) => (trigger.type === 'event' ? [] : [trigger.segment_id]),
  fact: 'Distribution',
  prefix: 'distr',
  resource: 'distribution',
  schema: Distribution,
  uniqueName: (definition) => definition.name,
  check,
  uses,
}
