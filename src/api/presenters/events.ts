// How an event shows, with what followed from it.
import * as v from 'valibot'
import { isCustomerFact } from '../../domain/customer/facts.ts'
import type { CustomerState } from '../../domain/customer/state.ts'
import type { TrackEvent } from '../../domain/decider/commands.ts'
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
