// Which messages a call means.
import * as v from 'valibot'
import type { OutboxDocument } from '../../../projections/outbox.ts'
import { CHANNELS } from '../../domain/channels/index.ts'
import { activityId, factIdOf } from '../../domain/customer/activity.ts'
import type { Services } from '../../services.ts'
import { spanFields, spanFilter } from '../lists/range.ts'
import { isoOf } from '../shapes.ts'
import { readCustomer } from './customers.ts'

/** What messages are asked for by. */
export const MessageFilter = {
  /** Id or source_id. */
  customer: v.optional(v.string()),
  distribution_id: v.optional(v.string()),
  channel: v.optional(v.picklist(CHANNELS)),
  reason: v.optional(v.string()),
  /** The activity entry that caused it. */
  cause: v.optional(v.string()),
  ...spanFields,
}

const Filter = v.object(MessageFilter)

/** The filter as the read model takes it; null when it names a customer that is not there. */
export const outboxFilter = async (
  services: Services,
  filter: v.InferOutput<typeof Filter>,
): Promise<Record<string, unknown> | null> => {
  const { customer: name, distribution_id, channel, reason, cause, start_date, end_date } = filter
  const customer = name === undefined ? undefined : await readCustomer(services, name)
  if (customer === null) return null
  return {
    ...(customer === undefined ? {} : { customer: customer._id }),
    ...(distribution_id === undefined ? {} : { 'distribution.id': distribution_id }),
    channel,
    reason,
    ...(cause === undefined ? {} : { cause: factIdOf(cause) ?? cause }),
    ...spanFilter('created_at', { start_date, end_date }, services.rulebook.current().project.timeZone),
  }
}

export const STATES = ['requested', 'waiting', 'sending', 'sent', 'failed', 'parked', 'skipped'] as const

export const MessageObject = v.pipe(
  v.object({
    id: v.string(),
    distribution: v.object({ id: v.string(), name: v.string(), object: v.literal('distribution') }),
    details: v.nullable(v.unknown()),
    /** What set it off, and the activity entry that did. */
    trigger: v.record(v.string(), v.unknown()),
    cause: v.string(),
    /** The last tries. */
    log: v.array(v.record(v.string(), v.unknown())),
    created_at: v.string(),
    updated_at: v.string(),
    group_id: v.nullable(v.string()),
    customer_id: v.string(),
    channel: v.picklist(CHANNELS),
    state: v.picklist(STATES),
    reason: v.nullable(v.string()),
    due_at: v.nullable(v.string()),
    attempts: v.number(),
    object: v.literal('message'),
  }),
  v.title('Message'),
)

export const showMessage = (document: OutboxDocument, sending: ReadonlySet<string>) => ({
  id: document._id,
  customer_id: document.customer,
  distribution: { ...document.distribution, object: 'distribution' },
  channel: document.channel,
  state: document.due_at !== undefined && sending.has(document._id) ? 'sending' : document.state,
  reason: document.reason,
  details: document.details ?? null,
  due_at: document.due_at === undefined ? null : isoOf(document.due_at.getTime()),
  trigger: document.trigger,
  cause: activityId(document.cause),
  attempts: document.attempts,
  log: document.last.map(({ at, ...rest }) => ({ ...rest, at: isoOf(at.getTime()) })),
  created_at: isoOf(document.created_at.getTime()),
  updated_at: isoOf(document.updated_at.getTime()),
  group_id: document.group_id,
  object: 'message' as const,
})
