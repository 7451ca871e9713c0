// Distributions: which message goes to a customer on which event, over which channel, and how often at most.
import * as v from 'valibot'
import { isInternalEventType } from '../internalEvents.ts'
import { MAX_TEMPLATE, type TemplateForm, templateFault } from '../templates/template.ts'
import type { Definitions, Entry, Fault, Kind, Reference } from './kind.ts'
import { isMailSender, MAIL_SENDER_RULE } from './mailSender.ts'
import { isPeriod } from './periods.ts'
import { schemaNamed } from './references.ts'
import type { Segment } from './segment.ts'

/** How many instants of messages a customer keeps: no cap can be higher. */
export const MAX_CAP = 100

const name300 = v.pipe(v.string(), v.minLength(1), v.maxLength(300))
const template = v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_TEMPLATE))
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

export const httpUrl = v.pipe(
  v.string(),
  v.maxLength(2_000),
  v.check((text) => {
    if (!URL.canParse(text)) return false
    const url = new URL(text)
    return (url.protocol === 'http:' || url.protocol === 'https:') && url.username === '' && url.password === ''
  }, 'must be an http or https URL without user and password'),
)

export const Trigger = v.variant('type', [
  /** A custom event by its name, or an internal event by its type. */
  v.object({ type: v.literal('event'), event: name300 }),
  v.object({ type: v.literal('segment_entered'), segment_id: name300 }),
  v.object({ type: v.literal('segment_left'), segment_id: name300 }),
])

export const ChannelSettings = v.variant('type', [
  /** Without a template the body is the event itself. */
  v.object({ type: v.literal('webhook'), url: httpUrl, template: v.optional(template) }),
  v.object({
    type: v.literal('email'),
    subject: v.pipe(v.string(), v.minLength(1), v.maxLength(2_000)),
    html: v.optional(template),
    text: v.optional(template),
    /** Else the configured sender. */
    from: v.optional(v.pipe(v.string(), v.maxLength(320), v.regex(/^[^\r\n]+$/, 'must be one line'))),
  }),
  v.object({ type: v.literal('sms'), text: v.pipe(v.string(), v.minLength(1), v.maxLength(2_000)) }),
])
export type ChannelSettings = v.InferOutput<typeof ChannelSettings>

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

const templatesOf = (channel: ChannelSettings): readonly (readonly [path: string, string, TemplateForm])[] => {
  switch (channel.type) {
    case 'webhook':
      return channel.template === undefined ? [] : [['template', channel.template, 'data']]
    case 'email':
      return [
        ['subject', channel.subject, 'text'],
        ...(channel.html === undefined ? [] : [['html', channel.html, 'html'] as const]),
        ...(channel.text === undefined ? [] : [['text', channel.text, 'text'] as const]),
      ]
    case 'sms':
      return [['text', channel.text, 'text']]
    default:
      return channel satisfies never
  }
}

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
  for (const [path, source, form] of templatesOf(channel)) {
    const message = templateFault(source, form)
    if (message !== undefined) faults.push({ path: `channel.${path}`, message })
  }
  // Not in the schema, which facts of before this rule must still fit.
  if (channel.type === 'email' && channel.from !== undefined && !isMailSender(channel.from))
    faults.push({ path: 'channel.from', message: MAIL_SENDER_RULE })
  if (channel.type === 'email' && channel.html === undefined && channel.text === undefined)
    faults.push({ path: 'channel.html', message: 'is required (or text)' })
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
  resource: 'distribution',
  schema: Distribution,
  uniqueName: (definition) => definition.name,
  check,
  uses,
}
