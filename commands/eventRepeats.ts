// Events that are sent again: whether they say the same as the first time, and what the first time recorded.
import type { ActivityDocument } from '../projections/activity.ts'
import { isoOf } from '../src/api/shapes.ts'
import { formerKey } from '../src/domain/callerKeys.ts'
import { activityId } from '../src/domain/customer/activity.ts'
import { isCustomerFact } from '../src/domain/customer/facts.ts'
import { printOf } from '../src/domain/print.ts'
import type { RecordedFact } from '../src/domain/recorded.ts'
import { type Failure, fail } from '../src/http/errors.ts'
import type { Services } from '../src/services.ts'
import { rememberedOf } from './cards.ts'

/** An event that was recorded before under the same id or key. */
export interface Before {
  readonly id: string
  readonly event: string
  readonly occurredAt: number
}

/** The refusal of an event whose id or key another has. */
export const duplicateEvent = (id: string | undefined, before: Before | undefined): Failure => {
  const first = before ? ` (${before.event} of ${isoOf(before.occurredAt)})` : ''
  return id === undefined
    ? fail('idempotency_key_reused', `This Idempotency-Key was used for another event before${first}`)
    : fail('duplicate_event_id', `Another event was recorded with the id ${id}${first}`, {
        resourceType: 'event',
        resourceId: before?.id,
      })
}

/** The event among the facts that a command recorded. */
export const eventIn = (facts: readonly RecordedFact[]): Before | undefined => {
  for (const fact of facts)
    if (isCustomerFact(fact) && fact.type === 'CustomEventTracked')
      return { id: activityId(fact.id), event: fact.data.event, occurredAt: fact.data.occurredAt }
  return undefined
}

interface Remembered {
  readonly before: Before
  readonly effects: readonly { readonly type: string }[]
  readonly isSame: boolean
}

/** How many entries one event makes in the activity log at most, for what is read of them. */
const MAX_ENTRIES = 512

/**
 * What the activity log says of an event whose key the customer's memory has dropped, and whether it says the same as one that
 * is sent now. Undefined when there is none: the customer was deleted meanwhile.
 */
export const rememberedEvent = async (
  services: Services,
  customer: string,
  key: string,
  said: { readonly event: string; readonly metadata: unknown },
): Promise<Remembered | undefined> => {
  const former = formerKey(key)
  const first =
    (await rememberedOf(services, customer, key)) ??
    (former === undefined ? null : await rememberedOf(services, customer, former))
  if (!first) return undefined
  const entries = await services.readModel
    .collection<ActivityDocument>('activity')
    .find(
      { customer, group_id: first.group_id, position: { $gte: first.position } },
      { sort: { position: 1 }, limit: MAX_ENTRIES },
    )
  const from = entries.findIndex(({ event }) => event !== undefined)
  const tracked = entries[from]
  if (!tracked) return undefined
  const others = entries.slice(from + 1)
  const next = others.findIndex(({ event }) => event !== undefined)
  const { metadata } = tracked.data.event as { readonly metadata?: unknown }
  return {
    before: { id: tracked._id, event: tracked.event!, occurredAt: tracked.occurred_at.getTime() },
    effects: others
      .slice(0, next < 0 ? undefined : next)
      .flatMap(({ type, category, data }) => (category === 'EFFECT' ? [{ type, ...data }] : [])),
    isSame: tracked.event === said.event && printOf(metadata) === printOf(said.metadata),
  }
}
