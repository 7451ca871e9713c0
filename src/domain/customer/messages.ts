// Messages as facts of the customer they are for: asked for, or not, and why; and what of that a later decision needs.
import * as v from 'valibot'
import { Channel } from '../channels/index.ts'
import { MAX_CAP } from '../rulebook/distribution.ts'
import { capability } from './capability.ts'
import { rowsOf } from './factRow.ts'

const At = v.pipe(v.number(), v.integer())

/** Why a message was not asked for although its trigger fired and its rule held. */
export const SkipReason = v.picklist(['no_address', 'unsubscribed', 'no_consent', 're_entry', 'cap'])
export type SkipReason = v.InferOutput<typeof SkipReason>

/** What set a message off. */
export const MessageTrigger = v.object({
  /** The public type: `customer.custom_event`, `customer.segment.entered`, … */
  type: v.string(),
  /** A custom event's name. */
  event: v.optional(v.string()),
  segment: v.optional(v.object({ id: v.string(), name: v.string() })),
  /** The fact that caused it, and how many facts before this one it stands in the stream. */
  fact: v.string(),
  distance: v.pipe(v.number(), v.integer(), v.minValue(1)),
})

const base = {
  /** Follows from customer, distribution and cause: the same decision never makes two messages. */
  id: v.string(),
  distribution: v.object({ id: v.string(), name: v.string(), definition: v.string() }),
  channel: Channel,
  trigger: MessageTrigger,
  occurredAt: At,
}

export interface MessagesState {
  /** Distribution id → the instant, ms, at which it last asked for a message. */
  readonly lastBy: Readonly<Record<string, number>>
  /** Instants of the newest messages of all distributions, oldest first, at most `MAX_CAP`. */
  readonly recent: readonly number[]
}

const NO_MESSAGES: MessagesState = { lastBy: {}, recent: [] }

const fact = rowsOf<MessagesState>()

/*
 * A request names what it is rendered from and copies none of it, but for the balances of the moment. The event is read back
 * from the stream, the profile when the message goes out: so an address that was corrected, a person who opted out or was
 * erased meanwhile are respected, and no second copy of personal data has to be found when it must go. The price: a retry
 * after a change of the profile or the template goes out with the change, under the same id.
 */
const messageFacts = {
  MessageRequested: fact(
    v.object({
      ...base,
      /** Not to be sent before this instant, ms, and what made it wait. */
      notBefore: v.optional(At),
      delayedBy: v.optional(v.picklist(['delay', 'quiet_hours'])),
      /** Spendable points by campaign as of the decision. */
      points: v.optional(v.record(v.string(), v.number())),
      /** The campaign that a fresh code is to be taken from when the message goes out. */
      campaign: v.optional(v.string()),
    }),
    {
      evolve: ({ lastBy, recent }, { distribution, occurredAt }) => ({
        lastBy: { ...lastBy, [distribution.id]: occurredAt },
        recent: [...recent, occurredAt].slice(-MAX_CAP),
      }),
    },
  ),
  MessageSkipped: fact(v.object({ ...base, reason: SkipReason, details: v.optional(v.string()) })),
} as const

export type MessageRequested = v.InferOutput<typeof messageFacts.MessageRequested.schema>
export type MessageSkipped = v.InferOutput<typeof messageFacts.MessageSkipped.schema>

export const messages = capability({
  title: 'Messages asked for',
  says: 'And those that were not, with the reason.',
  facts: messageFacts,
  none: NO_MESSAGES,
})
