// How many custom events each customer has, in all and of each name: one document a customer who has any.
import { isCustomerFact } from '../src/domain/customer/facts.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import type { Projection } from './projection.ts'

export interface CustomerEventsDocument {
  /** The customer. */
  readonly _id: string
  readonly events: number
  readonly names: readonly { readonly event: string; readonly events: number }[]
}

export const customerEvents: Projection<CustomerEventsDocument> = {
  name: 'customerEvents',
  version: 1,
  indexes: [{ key: { 'names.event': 1 } }],
  types: ['CustomEventTracked'],
  keys: (fact) => {
    const customer = customerOfStream(fact.stream)
    return customer === undefined ? [] : [customer]
  },
  evolve: (before, fact, key) => {
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
