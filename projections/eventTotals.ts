// How many custom events there are, in all and of each name, and when the last one came in.
import { customerOfStream } from '../src/domain/ids.ts'
import { projection } from './projection.ts'

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

export const eventTotals = projection<EventTotalsDocument>({
  name: 'eventTotals',
  version: 3,
  indexes: [],
  streams: customerOfStream,
  on: {
    CustomEventTracked: [
      ({ data }) => [ALL_EVENTS, ofEvent(data.event)],
      (before, { created }, { key }) => ({ _id: key, events: (before?.events ?? 0) + 1, last_at: new Date(created) }),
    ],
    TracesErased: [
      ({ data: { events } }) => (events.length > 0 ? [ALL_EVENTS, ...events.map(({ event }) => ofEvent(event))] : []),
      (before, { data }, { key }) => {
        const gone = data.events
          .filter(({ event }) => key === ALL_EVENTS || key === ofEvent(event))
          .reduce((sum, { events }) => sum + events, 0)
        return before && { ...before, events: Math.max(0, before.events - gone) }
      },
    ],
  },
})
