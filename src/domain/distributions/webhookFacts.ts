// What is recorded of a project webhook beside its definition: the events that it could not be told of.
import * as v from 'valibot'

const At = v.pipe(v.number(), v.integer())

export const webhookFacts = {
  /** All tries failed: the feed went on without this event. */
  WebhookEventParked: {
    version: 1,
    schema: v.object({
      webhook: v.string(),
      /** The activity entry. */
      event: v.string(),
      customer: v.string(),
      tries: v.number(),
      reason: v.string(),
      occurredAt: At,
    }),
  },
} as const

export const webhookStream = (id: string): string => `webhook-${id}`
