// What goes out for a message: the template, or the event itself, over the customer as of now and the cause as recorded.
import type { ActivityDocument } from '../../projections/activity.ts'
import { activityOf } from '../api/presenters/facts/activity.ts'
import { orderedBy } from '../api/presenters/facts/entry.ts'
import { type ChannelSettings, channelOf, type Message } from '../domain/channels/index.ts'
import { activityId } from '../domain/customer/activity.ts'
import { isCustomerFact } from '../domain/customer/facts.ts'
import { occurrenceOf } from '../domain/customer/occurrence.ts'
import type { Profile } from '../domain/customer/profile.ts'
import { customerOfStream } from '../domain/ids.ts'
import type { RecordedFact } from '../domain/recorded.ts'
import type { Setting } from '../domain/templates/dates.ts'
import { type TemplateContext, type TemplateForm, templateOf } from '../domain/templates/template.ts'
import { createTurns } from '../line/turns.ts'

/** The event that set a message off, as it is shown. */
export interface Cause {
  readonly id: string
  /** The public type: `customer.custom_event`, `customer.segment.entered`, … */
  readonly type: string
  readonly customer: string
  /** A custom event's name, else the public type. */
  readonly name: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly data: Readonly<Record<string, unknown>>
  readonly occurredAt: number
  readonly recordedAt: number
  readonly groupId: string
}

/** A recorded fact as the cause of a message; undefined when it is nothing that can be one. */
export const causeOf = (fact: RecordedFact): Cause | undefined => {
  const customer = customerOfStream(fact.stream)
  if (customer === undefined || !isCustomerFact(fact)) return undefined
  const recordedAt = fact.metadata.now ?? fact.created
  const shown = activityOf(fact.id, fact)
  const occurrence = occurrenceOf(fact.id, fact, recordedAt)
  return shown && occurrence
    ? {
        id: activityId(fact.id),
        type: shown.type,
        customer,
        name: occurrence.type,
        metadata: occurrence.metadata,
        data: orderedBy(shown.data, customer),
        occurredAt: occurrence.occurredAt,
        recordedAt,
        groupId: fact.metadata.$correlationId,
      }
    : undefined
}

/** A custom event as the cause of a message, as the activity log shows it: the same as from the stream. */
export const causeShown = (entry: ActivityDocument): Cause => {
  const shown = entry.data.event as { readonly metadata?: Readonly<Record<string, unknown>> } | undefined
  return {
    id: entry._id,
    type: entry.type,
    customer: entry.customer,
    name: entry.event ?? entry.type,
    metadata: shown?.metadata ?? {},
    data: entry.data,
    occurredAt: entry.occurred_at.getTime(),
    recordedAt: entry.created_at.getTime(),
    groupId: entry.group_id,
  }
}

export interface RenderInput {
  readonly message: string
  readonly projectId: string
  readonly distribution: { readonly id: string; readonly name: string }
  readonly channel: ChannelSettings
  readonly customer: { readonly id: string; readonly profile: Profile }
  readonly cause: Cause
  readonly segment?: { readonly id: string; readonly name: string }
  readonly points?: Readonly<Record<string, number>>
  readonly code?: string
  /** When the message was asked for, ms. */
  readonly createdAt: number
  /** The project's zone, and the instant of the rendering. */
  readonly setting: Setting
}

const iso = (ms: number): string => new Date(ms).toISOString()

const showCustomer = ({ id, profile }: RenderInput['customer']) => ({
  id,
  source_id: profile.source_id ?? null,
  name: profile.name ?? null,
  email: profile.email ?? null,
  phone: profile.phone ?? null,
  birthdate: profile.birthdate ?? null,
  address: profile.address ?? null,
  metadata: profile.metadata,
  object: 'customer' as const,
})

const contextOf = (input: RenderInput): TemplateContext => ({
  customer: showCustomer(input.customer),
  event: {
    ...input.cause.data,
    id: input.cause.id,
    type: input.cause.name,
    metadata: input.cause.metadata,
    created_at: iso(input.cause.occurredAt),
  },
  segment: input.segment ?? null,
  points: input.points ?? {},
  code: input.code ?? null,
  distribution: input.distribution,
  message: { id: input.message },
})

/** The body of webhooks as the HTTP contract has it, for an event as it was recorded. */
export const webhookBody = (input: {
  readonly id: string
  readonly projectId: string
  readonly createdAt: number
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
  readonly source: { readonly id: string; readonly object: 'webhook' | 'distribution'; readonly target_url: string }
  readonly event: Pick<Cause, 'id' | 'type' | 'recordedAt' | 'customer' | 'groupId'>
}): string =>
  JSON.stringify({
    id: input.id,
    project_id: input.projectId,
    created_at: iso(input.createdAt),
    type: input.type,
    data: input.data,
    source: input.source,
    event: {
      id: input.event.id,
      type: input.event.type,
      created_at: iso(input.event.recordedAt),
      entity_id: input.event.customer,
      group_id: input.event.groupId,
      event_source: { channel: 'INTERNAL' },
    },
  })

/** Turns that all renderings of a node share: each takes some tens of milliseconds at most. */
const turns = createTurns()

const rendering = async (
  source: string,
  form: TemplateForm,
  values: TemplateContext,
  setting: Setting,
): Promise<string> => {
  const turn = turns.over()
  if (turn) await turn
  return templateOf(source, form).render(values, setting)
}

/** The event that set a message off, as the body of a webhook. */
const eventBody = (input: RenderInput, url: string): string => {
  const { cause, distribution, message, projectId, createdAt, code } = input
  return webhookBody({
    id: message,
    projectId,
    createdAt,
    type: cause.type,
    data: { customer: showCustomer(input.customer), ...cause.data, code },
    source: { id: distribution.id, object: 'distribution', target_url: url },
    event: cause,
  })
}

/** Renders a message, each of its templates in a turn with time for it. Rejects with an error that says what in the template went wrong. */
export const render = async (input: RenderInput): Promise<Message> => {
  const { channel, customer, setting } = input
  const { address, parts, message } = channelOf(channel.type)
  const context = contextOf(input)
  const rendered: Record<string, string> = {}
  for (const part of parts(channel)) rendered[part.setting] = await rendering(part.source, part.form, context, setting)
  return message(channel, {
    rendered,
    to: address === null ? '' : (customer.profile[address] ?? '').trim(),
    event: () => eventBody(input, 'url' in channel ? channel.url : ''),
  })
}
