// How many custom events there are, in all and of each name, and when the last one came in.
import { isCustomerFact } from '../src/domain/customer/facts.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import { erasedBy, TRACES_ERASED } from '../src/domain/traces.ts'
import type { Projection } from './projection.ts'

export interface EventTotalsDocument {
  readonly _id: string
  readonly events: number
  /** Documents of the version before have none. */
  readonly last_at?: Date
}

/** The key of the total of all names. */
export const ALL_EVENTS = 'all'
/** The key of the total of one name. */
export const ofEvent = (name: string): string => `event/${name}`

export const eventTotals: Projection<EventTotalsDocument> = {
  name: 'eventTotals',
  version: 3,
  indexes: [],
  types: ['CustomEventTracked', TRACES_ERASED],
  keys: (fact) => {
    const erased = erasedBy(fact)
    if (erased) return erased.events.length > 0 ? [ALL_EVENTS, ...erased.events.map(({ event }) => ofEvent(event))] : []
    return customerOfStream(fact.stream) !== undefined && isCustomerFact(fact) && fact.type === 'CustomEventTracked'
      ? [ALL_EVENTS, ofEvent(fact.data.event)]
      : []
  },
  evolve: (before, fact, key) => {
    const erased = erasedBy(fact)
    if (!erased) return { _id: key, events: (before?.events ?? 0) + 1, last_at: new Date(fact.created) }
    const gone = erased.events
      .filter(({ event }) => key === ALL_EVENTS || key === ofEvent(event))
      .reduce((sum, { events }) => sum + events, 0)
    return before && { ...before, events: Math.max(0, before.events - gone) }
  },
}
