// Which messages a call means.
import * as v from 'valibot'
import { CHANNELS } from '../../domain/channels/index.ts'
import { factIdOf } from '../../domain/customer/activity.ts'
import type { Services } from '../../services.ts'
import { spanFields, spanFilter } from '../lists/range.ts'
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
