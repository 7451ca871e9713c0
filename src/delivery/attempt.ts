// One try of one message, from the look at its stream to the recorded outcome. Crash anywhere: it is tried again, under the
// same id, by whoever claims it next.

import { randomUUID } from 'node:crypto'
import type { ActivityDocument } from '../../projections/activity.ts'
import type { CustomerDocument } from '../../projections/customers.ts'
import type { OutboxDocument } from '../../projections/outbox.ts'
import { type ChannelSettings, channelOf, isEmptyMessage, type Message } from '../domain/channels/index.ts'
import { activityId } from '../domain/customer/activity.ts'
import { type DeliveryFact, type DropReason, messageStream } from '../domain/distributions/delivery.ts'
import { addressFault } from '../domain/distributions/react.ts'
import { errorText } from '../domain/errorText.ts'
import { customerStream } from '../domain/ids.ts'
import { allowedFrom } from '../domain/rulebook/periods.ts'
import type { Rulebook } from '../domain/rulebook/rulebook.ts'
import { templateOf } from '../domain/templates/template.ts'
import { type EventStore, StoreUnavailable } from '../eventstore/index.ts'
import { backoffMs, sleep } from '../line/backoff.ts'
import type { Log } from '../line/log.ts'
import type { IssueCode } from '../runtime/messageCodes.ts'
import { verdictOf } from '../trouble.ts'
import type { AddressBounds } from './addresses.ts'
import type { Usage } from './bulkheads.ts'
import { type Cause, causeOf, causeShown, render } from './render.ts'
import { nextTry, type RetryPolicy } from './schedule.ts'
import type { Senders } from './senders.ts'

export interface AttemptOptions {
  readonly store: Pick<EventStore, 'append' | 'readStream'>
  readonly senders: Senders
  readonly retries: RetryPolicy
  readonly issueCode?: IssueCode
  /** Bounds what browsers can have sent to one address. */
  readonly addresses?: AddressBounds
  readonly log: Log
  readonly now: () => number
  readonly random: () => number
  /** The longest that a sender takes, ms: with less than that left of the lease nothing is sent. */
  readonly longestSendMs: number
}

export interface Claimed {
  readonly message: OutboxDocument
  /** As of the read model that shows the message; undefined: there is no such customer any more. */
  readonly customer: CustomerDocument | undefined
  /** The tracked event that caused it, when the read model was asked for it. */
  readonly event?: ActivityDocument
  readonly rulebook: Rulebook
  /** Until when nobody else works on it, ms. */
  readonly leasedUntil: number
  /** Waits for a place on its bulkhead; false: the bulkhead rests. Whoever gives the message out ends what this begins. */
  readonly enter: () => Promise<boolean>
}

/** What became of a claimed message; `revision` is that of the newest fact of its stream. */
export type Attempted =
  | { readonly kind: 'sent' | 'failed' | 'settled'; readonly revision: bigint; readonly bulkhead: Usage }
  /** Its stream is ahead of the read model: somebody else has worked on it. */
  | { readonly kind: 'stale'; readonly revision: bigint }
  /** Nothing was sent and nothing recorded; it stays due. */
  | { readonly kind: 'untouched' }

const needsEvent = (settings: ChannelSettings): boolean => {
  const { parts, sendsEvent } = channelOf(settings.type)
  return (
    sendsEvent?.(settings) === true ||
    parts(settings).some(({ source, form }) => templateOf(source, form).roots.has('event'))
  )
}

/** Waits before the outcome of a message is recorded again, ms. */
const UNRECORDED = { baseMs: 200, maxMs: 5_000 }

const textOf = (error: unknown): string => errorText(error).slice(0, 300)

export const createAttempt = (options: AttemptOptions) => {
  const { store, senders, retries, issueCode, addresses, log, now, random, longestSendMs } = options

  /** The newest revision of the message's stream after the one that the read model shows; undefined when there is none. */
  const newerThan = async (id: string, revision: bigint): Promise<bigint | undefined> => {
    let newest: bigint | undefined
    for await (const fact of store.readStream(messageStream(id), { from: revision + 1n })) newest = fact.revision
    return newest
  }

  /** Records the outcome for as long as the lease lasts: past it somebody else sends again, under the same id. */
  const record = async (
    { message, leasedUntil }: Claimed,
    facts: readonly DeliveryFact[],
    causedBy: string,
  ): Promise<bigint | undefined> => {
    const revision = BigInt(message.revision)
    const prepared = facts.map(({ type, data }) => ({
      // Random, so that another dispatcher's outcome is never taken for this one.
      id: randomUUID(),
      type,
      data,
      metadata: { $correlationId: message.group_id, $causationId: causedBy, now: now() },
    }))
    for (let tries = 1; ; tries++) {
      try {
        const result = await store.append(
          messageStream(message._id),
          prepared,
          revision < 0n ? 'no_stream' : revision,
          { deadline: Math.max(leasedUntil, now() + 1_000) },
        )
        return result.kind === 'appended' ? result.revision : undefined
      } catch (error) {
        if (!(error instanceof StoreUnavailable) || now() >= leasedUntil) throw error
        log.warn({ err: error, message: message._id, tries }, 'the outcome of a message is not recorded yet')
        await sleep(backoffMs(tries, UNRECORDED))
      }
    }
  }

  const causeFor = async ({ message, event }: Claimed, channel: ChannelSettings): Promise<Cause> => {
    const { trigger, customer, cause, cause_revision, created_at, group_id } = message
    if (needsEvent(channel) && event) return causeShown(event)
    if (needsEvent(channel)) {
      const from = BigInt(cause_revision)
      for await (const fact of store.readStream(customerStream(customer), { from, maxCount: 1 })) {
        const found = fact.id === cause ? causeOf(fact) : undefined
        if (found) return found
      }
      throw new Error(`the event ${cause} is not where the stream should have it`)
    }
    const at = created_at.getTime()
    return {
      id: activityId(cause),
      type: trigger.type,
      name: trigger.event ?? trigger.type,
      customer,
      metadata: {},
      data: {},
      occurredAt: at,
      recordedAt: at,
      groupId: group_id,
    }
  }

  return async (claimed: Claimed): Promise<Attempted> => {
    const { message, customer, rulebook, leasedUntil } = claimed
    const newer = await newerThan(message._id, BigInt(message.revision))
    if (newer !== undefined) return { kind: 'stale', revision: newer }

    const at = now()
    const base = {
      message: message._id,
      customer: message.customer,
      distribution: message.distribution,
      channel: message.channel,
      occurredAt: at,
    }
    const settle = async (fact: DeliveryFact): Promise<Attempted> => {
      const revision = await record(claimed, [fact], message.cause)
      return revision === undefined ? { kind: 'untouched' } : { kind: 'settled', revision, bulkhead: 'unused' }
    }
    const drop = (reason: DropReason) => settle({ type: 'MessageDropped', data: { ...base, reason } })

    const entry = rulebook.entries('distribution').get(message.distribution.id)
    // This node has not yet heard of the definition: that is not the same as its having been deleted.
    if (!entry && BigInt(message.definition) > BigInt(rulebook.revision)) return { kind: 'untouched' }
    if (!entry) return drop('distribution_deleted')
    const { definition } = entry
    if (!definition.active) return drop('distribution_disabled')
    if (!customer) return drop('customer_deleted')
    const { channel } = definition
    const fault = addressFault(channel.type, customer.profile, {
      rule: rulebook.project.consent,
      consent: customer.consents?.[channel.type] ?? null,
    })
    if (fault) return drop(fault.reason)
    const allowed = allowedFrom(at, definition.quiet_hours, customer.profile.metadata, rulebook.project.timeZone)
    if (allowed > at) return settle({ type: 'MessagePostponed', data: { ...base, until: allowed } })

    const attempt = {
      ...base,
      channel: channel.type,
      attempt: message.attempts + 1,
      definition: entry.revision,
      target: senders.targetOf(channel) ?? channel.type,
    }
    const failed = async (
      error: string,
      { startedAt = at, isFinal = true, bulkhead = 'unused', status, retryAfterMs }: FailedMore,
    ): Promise<Attempted> => {
      const wait = isFinal ? undefined : nextTry(message.tries + 1, retries, random, retryAfterMs)
      const occurredAt = now()
      const retryAt =
        wait === undefined
          ? undefined
          : allowedFrom(occurredAt + wait, definition.quiet_hours, customer.profile.metadata, rulebook.project.timeZone)
      const facts: DeliveryFact[] = [
        {
          type: 'MessageAttemptFailed',
          data: {
            ...attempt,
            occurredAt,
            tookMs: Math.max(0, Math.round(occurredAt - startedAt)),
            error: error.slice(0, 300),
            ...(status === undefined ? {} : { status }),
            ...(retryAt === undefined ? {} : { retryAt }),
          },
        },
      ]
      if (retryAt === undefined)
        facts.push({
          type: 'MessageParked',
          data: { ...base, occurredAt, attempts: attempt.attempt, reason: error.slice(0, 300) },
        })
      const revision = await record(claimed, facts, message.cause)
      return revision === undefined ? { kind: 'untouched' } : { kind: 'failed', revision, bulkhead }
    }

    let rendered: Message
    try {
      let code: string | undefined
      if (message.campaign !== undefined) {
        const issued = await issueCode?.({
          campaign: message.campaign,
          customer: message.customer,
          message: message._id,
        })
        if (!issued || issued.kind === 'refused') return drop('no_code')
        code = issued.code
      }
      rendered = await render({
        message: message._id,
        projectId: rulebook.project.id,
        distribution: { id: entry.id, name: definition.name },
        channel,
        customer: { id: message.customer, profile: customer.profile },
        cause: await causeFor(claimed, channel),
        segment: message.trigger.segment,
        points: message.points,
        code,
        createdAt: message.created_at.getTime(),
        setting: { timeZone: rulebook.project.timeZone, now: at },
      })
    } catch (error) {
      // Nothing that is so only now is a reason to give a message up.
      if (verdictOf(error) === 'wait') throw error
      return failed(`not rendered: ${textOf(error)}`, {})
    }

    if (isEmptyMessage(rendered)) return drop('empty_text')
    if (
      message.by_client &&
      'to' in rendered &&
      (await addresses?.take(message._id, rendered.channel, rendered.to, at)) === false
    )
      return drop('address_limit')
    if (!(await claimed.enter()) || now() + longestSendMs > leasedUntil) return { kind: 'untouched' }
    const startedAt = now()
    const sent = await senders.send(message._id, rendered)
    if (sent.kind === 'failed')
      return failed(sent.error, { startedAt, ...sent, bulkhead: sent.isDown ? 'down' : 'answered' })
    const occurredAt = now()
    const revision = await record(
      claimed,
      [
        {
          type: 'MessageSent',
          data: {
            ...attempt,
            occurredAt,
            tookMs: Math.max(0, Math.round(occurredAt - startedAt)),
            ...(sent.status === undefined ? {} : { status: sent.status }),
          },
        },
      ],
      message.cause,
    )
    return revision === undefined ? { kind: 'untouched' } : { kind: 'sent', revision, bulkhead: 'answered' }
  }
}

interface FailedMore {
  readonly startedAt?: number
  readonly isFinal?: boolean
  readonly bulkhead?: Usage
  readonly status?: number
  readonly retryAfterMs?: number
}
