// The activity log: one document for each thing that happened to a customer, custom events and internal ones.
import { type ActivityCategory, activityId, activityOf } from '../src/domain/customer/activity.ts'
import { customerFacts, isCustomerFact } from '../src/domain/customer/facts.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import { sortable } from '../src/domain/position.ts'
import { decidedAt } from '../src/domain/recorded.ts'
import type { Projection } from './projection.ts'

export interface ActivityDocument {
  readonly _id: string
  readonly customer: string
  readonly type: string
  readonly category: ActivityCategory
  /** The custom event's name; absent for internal events. */
  readonly event?: string
  readonly data: Readonly<Record<string, unknown>>
  /** When it was decided. */
  readonly created_at: Date
  /** When the customer acted. */
  readonly occurred_at: Date
  /** The request that it belongs to. */
  readonly group_id: string
  /** The place in the log, as sortable text: the order of things that happened in the same instant. */
  readonly position: string
}

export const activity: Projection<ActivityDocument> = {
  name: 'activity',
  version: 1,
  insertOnly: true,
  indexes: [{ key: { customer: 1, position: 1 } }, { key: { event: 1, position: 1 } }],
  types: Object.keys(customerFacts),
  keys: (fact) => {
    const customer = customerOfStream(fact.stream)
    return customer !== undefined && isCustomerFact(fact) && activityOf(fact.id, fact) ? [activityId(fact.id)] : []
  },
  evolve: (before, fact, key) => {
    const customer = customerOfStream(fact.stream)
    if (customer === undefined || !isCustomerFact(fact)) return before
    const shown = activityOf(fact.id, fact)
    if (!shown) return before
    return {
      _id: key,
      customer,
      ...shown,
      ...(fact.type === 'CustomEventTracked' ? { event: fact.data.event } : {}),
      created_at: new Date(decidedAt(fact)),
      occurred_at: new Date(fact.data.occurredAt),
      group_id: fact.metadata.$correlationId,
      position: sortable(fact.position),
    }
  },
}
