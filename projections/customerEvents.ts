// How many custom events each customer has, in all and of each name: one document a customer who has any.
import { isCustomerFact } from '../src/domain/customer/facts.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import { erasedBy, TRACES_ERASED, type TracesErased } from '../src/domain/traces.ts'
import type { Projection } from './projection.ts'

export interface CustomerEventsDocument {
  /** The customer. */
  readonly _id: string
  readonly events: number
  readonly names: readonly { readonly event: string; readonly events: number }[]
}

const less = (before: CustomerEventsDocument, gone: TracesErased['events']): CustomerEventsDocument | null => {
  const byName = new Map(gone.map(({ event, events }) => [event, events]))
  const names = before.names
    .map(({ event, events }) => ({ event, events: events - (byName.get(event) ?? 0) }))
    .filter(({ events }) => events > 0)
  return names.length === 0 ? null : { ...before, names, events: names.reduce((sum, { events }) => sum + events, 0) }
}

export const customerEvents: Projection<CustomerEventsDocument> = {
  name: 'customerEvents',
  version: 2,
  indexes: [{ key: { 'names.event': 1 } }],
  types: ['CustomEventTracked', TRACES_ERASED],
  keys: (fact) => {
    const erased = erasedBy(fact)
    const customer = erased?.of === 'activity' ? erased.customer : customerOfStream(fact.stream)
    return customer === undefined ? [] : [customer]
  },
  evolve: (before, fact, key) => {
    const erased = erasedBy(fact)
    if (erased) return before && less(before, erased.events)
    if (!isCustomerFact(fact) || fact.type !== 'CustomEventTracked') return before
    const { event } = fact.data
    const names = before?.names ?? []
    const known = names.findIndex((one) => one.event === event)
    return {
      _id: key,
      events: (before?.events ?? 0) + 1,
      names:
        known < 0 ? [...names, { event, events: 1 }] : names.with(known, { event, events: names[known]!.events + 1 }),
    }
  },
}
