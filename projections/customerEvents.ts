// How many custom events each customer has, in all and of each name: one document a customer who has any.
import { customerOfStream } from '../src/domain/ids.ts'
import type { TracesErased } from '../src/domain/traces.ts'
import { projection } from './projection.ts'

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

export const customerEvents = projection<CustomerEventsDocument>({
  name: 'customerEvents',
  version: 2,
  indexes: [],
  streams: customerOfStream,
  on: {
    CustomEventTracked: [
      (_, customer) => customer,
      (before, { data: { event } }, { key }) => {
        const names = before?.names ?? []
        const known = names.findIndex((one) => one.event === event)
        return {
          _id: key,
          events: (before?.events ?? 0) + 1,
          names:
            known < 0
              ? [...names, { event, events: 1 }]
              : names.with(known, { event, events: names[known]!.events + 1 }),
        }
      },
    ],
    TracesErased: [
      ({ data }) => (data.of === 'activity' ? data.customer : undefined),
      (before, { data }) => before && less(before, data.events),
    ],
  },
})
