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

type Parked = v.InferOutput<typeof webhookFacts.WebhookEventParked.schema>
export type WebhookFact = { readonly type: 'WebhookEventParked'; readonly data: Parked }

/** When an event was parked last, ms: of the newest so many. */
export type ParkedEvents = ReadonlyMap<string, number>

const MAX_REMEMBERED = 1_000

export const foldParked = (
  parked: ParkedEvents,
  fact: { readonly type: string; readonly data: unknown },
): ParkedEvents => {
  if (fact.type !== 'WebhookEventParked') return parked
  const { event, occurredAt } = fact.data as Parked
  const others = [...parked].filter(([one]) => one !== event)
  return new Map([...others.slice(1 - MAX_REMEMBERED), [event, occurredAt]])
}

export interface ParkEvent {
  readonly event: Omit<Parked, 'occurredAt'>
  /** When the feed was last set back, ms: what is sent anew can be given up anew. */
  readonly replayedAt: number
}

/** An event is given up once for each time that the feed comes by it. */
export const decideParked = (
  parked: ParkedEvents,
  { event, replayedAt }: ParkEvent,
  now: number,
): readonly WebhookFact[] =>
  (parked.get(event.event) ?? Number.NEGATIVE_INFINITY) >= replayedAt
    ? []
    : [{ type: 'WebhookEventParked', data: { ...event, occurredAt: now } }]

export const webhookStream = (id: string): string => `webhook-${id}`
