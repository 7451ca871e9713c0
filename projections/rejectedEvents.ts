// Refused events: what was sent, why it was refused, and whether it went in later.
import { sortable } from '../src/domain/position.ts'
import { erasing, projection } from './projection.ts'

export interface RejectedEventDocument {
  readonly _id: string
  readonly event: string
  readonly body: Readonly<Record<string, unknown>>
  readonly reasons: readonly string[]
  readonly channel: string
  /** The name of the command; null where the sender gave the event none, absent in what was kept by older programs. */
  readonly key?: string | null
  readonly print?: string | null
  readonly rejected_at: Date
  readonly resent_at: Date | null
  readonly customer: string | null
  /** Whom it names; null in what was kept by older programs. */
  readonly about: string | null
  readonly position: string
}

export const rejectedEvents = projection<RejectedEventDocument>({
  name: 'rejectedEvents',
  version: 4,
  indexes: [
    { key: { position: 1 } },
    { key: { event: 1, position: 1 } },
    { key: { about: 1, position: 1 } },
    { key: { resent_at: 1 } },
  ],
  countedBy: ({ resent_at }) => (resent_at === null ? 'waiting' : 'resent'),
  streams: (stream) => stream,
  on: {
    EventRejected: [
      ({ data }) => data.id,
      (before, { data, position }, { key }) =>
        before ?? {
          _id: key,
          event: data.event,
          body: data.body,
          reasons: data.reasons,
          channel: data.channel,
          key: data.key ?? null,
          print: data.print ?? null,
          rejected_at: new Date(data.occurredAt),
          resent_at: null,
          customer: null,
          about: data.of ?? null,
          position: sortable(position),
        },
    ],
    RejectedEventResent: [
      ({ data }) => data.id,
      (before, { data }) => before && { ...before, resent_at: new Date(data.occurredAt), customer: data.customer },
    ],
    ...erasing('rejectedEvents'),
  },
})
