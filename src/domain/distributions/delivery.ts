// The life of one message once it was asked for: attempts as facts of its own stream, and the state that follows from them.
import * as v from 'valibot'
import { Channel } from '../channels/index.ts'
import { wholeFields } from '../personal.ts'

const At = v.pipe(v.number(), v.integer())

const base = {
  message: v.string(),
  customer: v.string(),
  distribution: v.object({ id: v.string(), name: v.string() }),
  channel: Channel,
  occurredAt: At,
}

const attempt = {
  ...base,
  /** 1 for the first. */
  attempt: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** The revision of the definition that it was rendered by. */
  definition: v.string(),
  /** Host of the webhook, or the gateway's; never a person's address. */
  target: v.string(),
  /** From the first byte sent to the outcome, ms. */
  tookMs: v.pipe(v.number(), v.integer(), v.minValue(0)),
}

/** Why a message that was asked for will not go out. */
export const DropReason = v.picklist([
  'no_address',
  'unsubscribed',
  'no_consent',
  'customer_deleted',
  'distribution_deleted',
  'distribution_disabled',
  'no_code',
  'empty_text',
  'address_limit',
])
export type DropReason = v.InferOutput<typeof DropReason>

/** Servers quote the address that they refuse. */
const quotesAddress = (field: string) =>
  wholeFields({ [field]: '(erased)' }, ({ customer }) => (typeof customer === 'string' ? customer : undefined))

export const deliveryFacts = {
  MessageSent: { version: 1, schema: v.object({ ...attempt, status: v.optional(v.number()) }) },
  MessageAttemptFailed: {
    version: 1,
    personal: quotesAddress('error'),
    schema: v.object({
      ...attempt,
      error: v.string(),
      status: v.optional(v.number()),
      /** When it is tried again, ms; absent: it is not. */
      retryAt: v.optional(At),
    }),
  },
  /** Given up, until somebody asks for a retry. */
  MessageParked: {
    version: 1,
    personal: quotesAddress('reason'),
    schema: v.object({ ...base, attempts: v.number(), reason: v.string() }),
  },
  MessageDropped: { version: 1, schema: v.object({ ...base, reason: DropReason }) },
  /** Due, but in the customer's quiet hours. */
  MessagePostponed: { version: 1, schema: v.object({ ...base, until: At }) },
  /** Somebody asked for it to be tried again: the count of tries begins anew. */
  MessageRetryRequested: { version: 1, schema: v.object(base) },
} as const

type Registry = typeof deliveryFacts
export type DeliveryFact = {
  [T in keyof Registry]: { readonly type: T; readonly data: v.InferOutput<Registry[T]['schema']> }
}[keyof Registry]

export const messageStream = (id: string): string => `message-${id}`

export type MessageState = 'requested' | 'waiting' | 'failed' | 'sent' | 'parked' | 'skipped'

/** One try as it is shown. */
export interface Attempt {
  readonly attempt: number
  readonly at: number
  readonly outcome: 'sent' | 'failed'
  readonly target: string
  readonly tookMs: number
  readonly status: number | null
  readonly error: string | null
}

export interface Delivery {
  readonly state: MessageState
  /** When it is to be tried (again), ms; null: not by itself. */
  readonly dueAt: number | null
  /** Tries in all. */
  readonly attempts: number
  /** Tries since the start or the last asking for a retry: what the limit counts. */
  readonly tries: number
  /** Why it is not sent, or not yet. */
  readonly reason: string | null
  readonly last: readonly Attempt[]
}

/** How many tries are kept for showing. */
const MAX_SHOWN = 24

/** What a request begins with. */
export const requested = ({
  occurredAt,
  notBefore,
  delayedBy,
}: {
  readonly occurredAt: number
  readonly notBefore?: number | undefined
  readonly delayedBy?: string | undefined
}): Delivery => ({
  state: notBefore === undefined ? 'requested' : 'waiting',
  dueAt: notBefore ?? occurredAt,
  attempts: 0,
  tries: 0,
  reason: delayedBy ?? null,
  last: [],
})

/** A message that was never asked for. */
export const skipped = (reason: string): Delivery => ({
  state: 'skipped',
  dueAt: null,
  attempts: 0,
  tries: 0,
  reason,
  last: [],
})

/** The delivery after one more fact of the message's stream. */
export const evolveDelivery = (delivery: Delivery, fact: DeliveryFact): Delivery => {
  switch (fact.type) {
    case 'MessageSent':
    case 'MessageAttemptFailed': {
      const { attempt: number, occurredAt, target, tookMs, status } = fact.data
      const failed = fact.type === 'MessageAttemptFailed'
      const error = failed ? fact.data.error : null
      return {
        state: failed ? 'failed' : 'sent',
        dueAt: failed ? (fact.data.retryAt ?? null) : null,
        attempts: number,
        tries: delivery.tries + 1,
        reason: error,
        last: [
          ...delivery.last,
          {
            attempt: number,
            at: occurredAt,
            outcome: failed ? ('failed' as const) : ('sent' as const),
            target,
            tookMs,
            status: status ?? null,
            error,
          },
        ].slice(-MAX_SHOWN),
      }
    }
    case 'MessageParked':
      return { ...delivery, state: 'parked', dueAt: null, reason: fact.data.reason }
    case 'MessageDropped':
      return { ...delivery, state: 'skipped', dueAt: null, reason: fact.data.reason }
    case 'MessagePostponed':
      return { ...delivery, state: 'waiting', dueAt: fact.data.until, reason: 'quiet_hours' }
    case 'MessageRetryRequested':
      return { ...delivery, state: 'requested', dueAt: fact.data.occurredAt, tries: 0, reason: null }
    default:
      return fact satisfies never
  }
}

/** The states in which a message that was once asked for may be asked to be tried again. */
export const RETRIED_STATES: readonly MessageState[] = ['failed', 'parked', 'skipped']
