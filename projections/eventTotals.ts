// How many custom events there are, in all and of each name.
import { isCustomerFact } from '../src/domain/customer/facts.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import type { Projection } from './projection.ts'

export interface EventTotalsDocument {
  readonly _id: string
  readonly events: number
}

/** The key of the total of all names. */
export const ALL_EVENTS = 'all'
/** The key of the total of one name. */
export const ofEvent = (name: string): string => `event/${name}`

export const eventTotals: Projection<EventTotalsDocument> = {
  name: 'eventTotals',
  version: 1,
  indexes: [],
  types: ['CustomEventTracked'],
  keys: (fact) =>
    customerOfStream(fact.stream) !== undefined && isCustomerFact(fact) && fact.type === 'CustomEventTracked'
      ? [ALL_EVENTS, ofEvent(fact.data.event)]
      : [],
  evolve: (before, _, key) => ({ _id: key, events: (before?.events ?? 0) + 1 }),
}
