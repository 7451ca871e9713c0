// The outbox: one document a message, asked for or skipped, with its cause, its state and its tries.
import type { Channel } from '../src/domain/channels/index.ts'
import {
  type Delivery,
  type DeliveryFact,
  deliveryFacts,
  evolveDelivery,
  type MessageState,
  requested,
  skipped,
} from '../src/domain/distributions/delivery.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import { sortable } from '../src/domain/position.ts'
import type { RecordedFact } from '../src/domain/recorded.ts'
import { erasing, projection, type RecordedOf, toEach } from './projection.ts'

export interface OutboxAttempt {
  readonly attempt: number
  readonly at: Date
  readonly outcome: 'sent' | 'failed'
  readonly target: string
  readonly took_ms: number
  readonly status: number | null
  readonly error: string | null
}

export interface OutboxDocument {
  readonly _id: string
  readonly customer: string
  readonly distribution: { readonly id: string; readonly name: string }
  /** The revision of the definition that asked for it. */
  readonly definition: string
  readonly channel: Channel
  readonly trigger: {
    readonly type: string
    readonly event?: string
    readonly segment?: { readonly id: string; readonly name: string }
  }
  /** The fact that caused it, and its revision in the customer's stream. */
  readonly cause: string
  readonly cause_revision: string
  readonly points?: Readonly<Record<string, number>>
  readonly campaign?: string
  /** It was set off by what a browser sent. */
  readonly by_client?: true
  /** False for one that was skipped when its trigger fired: it never comes to life. */
  readonly requested: boolean
  readonly state: MessageState
  readonly reason: string | null
  readonly details?: string
  /** When it is to be tried; absent when it is not, so that the index holds only what waits. */
  readonly due_at?: Date
  readonly attempts: number
  readonly tries: number
  readonly last: readonly OutboxAttempt[]
  readonly created_at: Date
  readonly updated_at: Date
  readonly group_id: string
  /** The place in the log of the fact that made it, as sortable text. */
  readonly position: string
  /** The newest revision of the message's own stream that is in here; `-1` before the first. */
  readonly revision: string
}

const shown = ({ state, dueAt, attempts, tries, reason, last }: Delivery) => ({
  state,
  reason,
  ...(dueAt === null ? {} : { due_at: new Date(dueAt) }),
  attempts,
  tries,
  last: last.map(({ at, tookMs, ...rest }): OutboxAttempt => ({ ...rest, at: new Date(at), took_ms: tookMs })),
})

const deliveryOf = ({ state, due_at, attempts, tries, reason, last }: OutboxDocument): Delivery => ({
  state,
  dueAt: due_at?.getTime() ?? null,
  attempts,
  tries,
  reason,
  last: last.map(({ at, took_ms, ...rest }) => ({ ...rest, at: at.getTime(), tookMs: took_ms })),
})

const byClient = ({ metadata }: RecordedFact) => (metadata.actor?.role === 'client' ? { by_client: true as const } : {})

/** What a request and a skipped message have. */
const begun = ({ data, metadata, revision, position }: RecordedOf<'MessageRequested' | 'MessageSkipped'>) => {
  const { id, distribution, channel, trigger, occurredAt } = data
  const { fact: cause, distance, ...about } = trigger
  return {
    _id: id,
    distribution: { id: distribution.id, name: distribution.name },
    definition: distribution.definition,
    channel,
    trigger: about as OutboxDocument['trigger'],
    cause,
    cause_revision: String(revision - BigInt(distance)),
    created_at: new Date(occurredAt),
    updated_at: new Date(occurredAt),
    group_id: metadata.$correlationId,
    position: sortable(position),
    revision: '-1',
  }
}

export const outbox = projection<OutboxDocument, string | null>({
  name: 'outbox',
  version: 4,
  indexes: [
    { key: { due_at: 1 }, sparse: true },
    { key: { position: 1 } },
    { key: { customer: 1, position: 1 } },
    { key: { 'distribution.id': 1, position: 1 } },
    { key: { state: 1, position: 1 } },
  ],
  countedBy: ({ state }) => state,
  streams: (stream) => customerOfStream(stream) ?? null,
  on: {
    MessageRequested: [
      ({ data }) => data.id,
      (before, fact, { owner }) => {
        if (owner === null) return before
        const { points, campaign } = fact.data
        return {
          ...begun(fact),
          customer: owner,
          ...byClient(fact),
          ...(points ? { points } : {}),
          ...(campaign === undefined ? {} : { campaign }),
          requested: true,
          ...shown(requested(fact.data)),
        }
      },
    ],
    MessageSkipped: [
      ({ data }) => data.id,
      (before, fact, { owner }) => {
        if (owner === null) return before
        const { details, reason } = fact.data
        return {
          ...begun(fact),
          customer: owner,
          ...byClient(fact),
          ...(details === undefined ? {} : { details }),
          requested: false,
          ...shown(skipped(reason)),
        }
      },
    ],
    ...toEach<OutboxDocument, DeliveryFact['type'], string | null>(
      Object.keys(deliveryFacts) as DeliveryFact['type'][],
      ({ data }) => data.message,
      (before, fact) => {
        if (!before) return null
        const { due_at: _, ...rest } = before
        return {
          ...rest,
          ...shown(evolveDelivery(deliveryOf(before), fact)),
          updated_at: new Date(fact.data.occurredAt),
          revision: String(fact.revision),
        }
      },
    ),
    ...erasing('outbox'),
  },
})
