// Refused events are kept: what was sent, why it was refused, and that it was sent again once the schema was mended.
import * as v from 'valibot'
import { wholeFields } from './personal.ts'

const At = v.pipe(v.number(), v.integer())

export const rejectedFacts = {
  EventRejected: {
    version: 1,
    personal: wholeFields({ body: {}, reasons: [] }, ({ of }) => (typeof of === 'string' ? of : undefined)),
    schema: v.object({
      id: v.string(),
      event: v.string(),
      /** The customer whom it names. */
      of: v.optional(v.string()),
      /** The request's body as it came, so that it can be sent again as it was. */
      body: v.record(v.string(), v.unknown()),
      reasons: v.array(v.string()),
      /** The instant of the first try: what an event without a time of its own occurred at, ms. */
      occurredAt: At,
      channel: v.string(),
      /** The name that the event would have been recorded under: it has the same when it is sent again from here. */
      key: v.optional(v.string()),
      /** The fingerprint of what it says. */
      print: v.optional(v.string()),
    }),
  },
  RejectedEventResent: {
    version: 1,
    schema: v.object({ id: v.string(), customer: v.string(), occurredAt: At }),
  },
} as const

export type EventRejected = v.InferOutput<typeof rejectedFacts.EventRejected.schema>
