// How an event shows, with what followed from it.
import * as v from 'valibot'
import type { ActivityDocument } from '../../../projections/activity.ts'
import { isCustomerFact } from '../../domain/customer/facts.ts'
import type { CustomerState } from '../../domain/customer/state.ts'
import type { TrackEvent } from '../../domain/decider/commands.ts'
import { isoOf } from '../shapes.ts'
import { showCustomerBriefly } from './customers.ts'
import { activityOf } from './facts/activity.ts'
import { BriefCustomer } from './parts.ts'

/** What followed; what else it says depends on its type, as the data of an entry in the activity log. */
const Effect = v.looseObject({ type: v.string() })

export const EventAnswer = v.pipe(
  v.object({
    object: v.literal('event'),
    type: v.string(),
    customer: BriefCustomer,
    referral: v.null(),
    loyalty: v.null(),
    metadata: v.record(v.string(), v.unknown()),
    effects: v.array(Effect),
  }),
  v.title('TrackedEvent'),
)

/** The answer to a tracked event: the event, its customer, and what followed from it in the same append. */
export const showEvent = (
  command: TrackEvent,
  { id, profile }: Pick<CustomerState, 'id' | 'profile'>,
  facts: readonly { readonly id: string; readonly type: string; readonly data: unknown }[],
) => ({
  object: 'event' as const,
  type: command.event,
  customer: showCustomerBriefly(id, profile),
  referral: null,
  loyalty: null,
  metadata: command.metadata,
  effects: facts.flatMap((fact) => {
    const shown = isCustomerFact(fact) ? activityOf(fact.id, fact) : undefined
    return shown && shown.category === 'EFFECT' ? [{ type: shown.type, ...shown.data }] : []
  }),
})

/** An event as it was tracked. */
export const EventObject = v.pipe(
  v.object({
    id: v.string(),
    type: v.string(),
    event_schema: v.optional(v.nullable(v.object({ id: v.string(), name: v.string() }))),
    customer: v.object({ id: v.string(), source_id: v.optional(v.string()), object: v.literal('customer') }),
    metadata: v.record(v.string(), v.unknown()),
    referral: v.nullable(v.record(v.string(), v.unknown())),
    loyalty: v.nullable(v.record(v.string(), v.unknown())),
    occurred_at: v.string(),
    recorded_at: v.string(),
    created_at: v.string(),
    group_id: v.nullable(v.string()),
    object: v.literal('event'),
  }),
  v.title('RawEvent'),
)

export const showTrackedEvent = (document: ActivityDocument) => ({
  ...(document.data.event as object),
  customer: { id: document.customer, object: 'customer' },
  event_schema: document.data.event_schema,
  faults: document.data.faults,
  occurred_at: isoOf(document.occurred_at.getTime()),
  recorded_at: isoOf(document.recorded_at.getTime()),
  group_id: document.group_id,
})
