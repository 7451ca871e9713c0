// The feed of one project webhook: the activity log from a place on, each customer's events in their order. A customer whose
// event is refused is held back alone, and caught up later; everybody else goes on.

import type { ActivityDocument } from '../../projections/activity.ts'
import type { CustomerDocument } from '../../projections/customers.ts'
import {
  decideParked,
  foldParked,
  type ParkEvent,
  type ParkedEvents,
  type WebhookFact,
  webhookStream,
} from '../domain/distributions/webhookFacts.ts'
import { groupBy } from '../domain/grouped.ts'
import { idFrom } from '../domain/ids.ts'
import type { Entry } from '../domain/rulebook/kind.ts'
import { ALL_EVENTS, type ProjectWebhook } from '../domain/rulebook/projectWebhook.ts'
import type { EventStore } from '../eventstore/index.ts'
import { sleep } from '../line/backoff.ts'
import type { ReadModel } from '../readmodel/index.ts'
import { createDecider } from '../runtime/decider.ts'
import { verdictOf, wordsOf } from '../trouble.ts'
import { each } from '../worker/each.ts'
import type { SetAside } from '../worker/setAside.ts'
import type { Bulkheads } from './bulkheads.ts'
import { webhookBody } from './render.ts'
import { nextTry, type RetryPolicy } from './schedule.ts'
import type { Senders, Sent } from './senders.ts'

export interface FeedDocument {
  readonly _id: string
  /** Everything up to here was sent, or is held. */
  readonly position: string
  /** Goes up with every change, so that a replay is seen by whoever works on the feed. */
  readonly seq: number
  readonly node: string
  readonly until: Date
  /** When it was last set back. */
  readonly replayed_at?: Date
}

export interface HeldDocument {
  readonly _id: string
  readonly webhook: string
  readonly customer: string
  /** The place of the event to send next. */
  readonly position: string
  readonly tries: number
  readonly retry_at: Date
  readonly reason: string
}

export const FEEDS = 'webhookFeeds'
export const HELD = 'webhookHeld'

export interface FeedOptions {
  readonly store: Pick<EventStore, 'append' | 'readStream'>
  readonly readModel: ReadModel
  readonly senders: Senders
  readonly bulkheads: Bulkheads
  readonly retries: RetryPolicy
  readonly projectId: string
  /** The longest that one sending takes, ms: with less than that left of the lease nothing is sent. */
  readonly longestSendMs: number
  /** Takes customers whose events cannot be sent, and cannot be held back either. */
  readonly aside: Pick<SetAside, 'quarantine'>
  readonly now: () => number
  readonly random: () => number
}

/** Events in one go; so many customers may be held by one trouble. */
const BATCH = 100
/** Held customers that are caught up in one go. */
const HELD_BATCH = 20

/** Customers that are served at once; how many of them send at once is the bulkhead's to say. */
const MAX_LINES = 32
/** A customer for whom nothing helps is tried again after so long, ms. */
const LONGEST_HOLD_MS = 60 * 60_000

const ACTOR = { name: 'delivery', role: 'system' } as const

/** Before the first position there is. */
export const START = ''

const filterOf = ({ events }: ProjectWebhook): Record<string, unknown> =>
  events.includes(ALL_EVENTS) ? {} : { $or: [{ type: { $in: [...events] } }, { event: { $in: [...events] } }] }

export const createFeed = (options: FeedOptions) => {
  const { store, readModel, senders, bulkheads, retries, projectId, longestSendMs, aside, now, random } = options
  const activity = readModel.collection<ActivityDocument>('activity')
  const customers = readModel.collection<CustomerDocument>('customers')
  const feeds = readModel.plain<FeedDocument>(FEEDS)
  const held = readModel.plain<HeldDocument>(HELD)

  const parked = createDecider<ParkedEvents, ParkEvent, WebhookFact>(
    {
      streamOf: webhookStream,
      initial: () => new Map(),
      fold: foldParked,
      decide: decideParked,
    },
    { store, sleep, random },
  )

  const profilesOf = async (ids: readonly string[]): Promise<ReadonlyMap<string, CustomerDocument>> => {
    const found = await customers.find({ _id: { $in: [...new Set(ids)] } }, { limit: Math.max(1, ids.length) })
    return new Map(found.map((customer) => [customer._id, customer]))
  }

  const send = async (
    { id, definition }: Entry<ProjectWebhook>,
    event: ActivityDocument,
    profile: CustomerDocument | undefined,
    bulkhead: string,
  ): Promise<Sent> => {
    const message = idFrom('whs', id, event._id)
    const body = webhookBody({
      id: message,
      projectId,
      createdAt: event.created_at.getTime(),
      type: event.type,
      data: {
        customer: {
          id: event.customer,
          source_id: profile?.profile.source_id ?? null,
          name: profile?.profile.name ?? null,
          email: profile?.profile.email ?? null,
          metadata: profile?.profile.metadata ?? {},
          object: 'customer',
        },
        ...event.data,
      },
      source: { id, object: 'webhook', target_url: definition.url },
      event: {
        id: event._id,
        type: event.type,
        recordedAt: event.created_at.getTime(),
        customer: event.customer,
        groupId: event.group_id,
      },
    })
    const sent = await senders.send(message, { channel: 'webhook', url: definition.url, body })
    bulkheads.give(bulkhead, sent.kind === 'failed' && sent.isDown ? 'down' : 'answered', now())
    return sent
  }

  /** One customer's events in order, up to the first that does not get through; gives that one. */
  const inOrder = async (
    entry: Entry<ProjectWebhook>,
    events: readonly ActivityDocument[],
    profile: CustomerDocument | undefined,
    bulkhead: string,
    until: Date,
  ): Promise<
    { readonly event: ActivityDocument; readonly failed: (Sent & { kind: 'failed' }) | undefined } | undefined
  > => {
    for (const event of events) {
      // Others' failures have put the bulkhead to rest, or the lease runs out: this customer waits without having failed.
      if (!(await bulkheads.enter(bulkhead, now()))) return { event, failed: undefined }
      if (now() + longestSendMs > until.getTime()) {
        bulkheads.give(bulkhead, 'unused', now())
        return { event, failed: undefined }
      }
      const sent = await send(entry, event, profile, bulkhead).catch((error: unknown): Sent => {
        bulkheads.give(bulkhead, 'unused', now())
        if (verdictOf(error) === 'wait') throw error
        // What cannot be sent is held back and at last given up like what is refused.
        return { kind: 'failed', error: wordsOf(error), isDown: false, isFinal: false }
      })
      if (sent.kind === 'failed') return { event, failed: sent }
    }
    return undefined
  }

  const hold = async (
    { _id: webhook, replayed_at }: FeedDocument,
    event: ActivityDocument,
    failed: (Sent & { kind: 'failed' }) | undefined,
    triesBefore: number,
  ): Promise<void> => {
    const tries = failed ? triesBefore + 1 : triesBefore
    const wait = !failed ? 0 : failed.isFinal ? undefined : nextTry(tries, retries, random, failed.retryAfterMs)
    const base = {
      _id: `${webhook}/${event.customer}`,
      webhook,
      customer: event.customer,
      reason: failed?.error ?? 'waits',
    }
    if (wait === undefined) {
      const given = {
        webhook,
        event: event._id,
        customer: event.customer,
        tries,
        reason: (failed?.error ?? '').slice(0, 300),
      }
      await parked.execute(
        webhook,
        { event: given, replayedAt: replayed_at?.getTime() ?? 0 },
        { requestId: event.group_id, actor: ACTOR, now: now() },
      )
      // The one after it is next: `position` is that of the parked event, with a mark that sorts right behind it.
      await held.replaceOne(
        { _id: base._id },
        { ...base, position: `${event.position}~`, tries: 0, retry_at: new Date(now()) },
        { upsert: true },
      )
      return
    }
    await held.replaceOne(
      { _id: base._id },
      { ...base, position: event.position, tries, retry_at: new Date(now() + wait) },
      { upsert: true },
    )
  }

  const quarantine = aside.quarantine('webhook-feeds', async ({ fact: id }) => {
    const { matchedCount } = await held.updateOne({ _id: id }, { $set: { retry_at: new Date(now()) } })
    return matchedCount > 0 ? 'again' : 'done'
  })

  /** Does a step for one customer. Where it fails, the customer is held back at `position`, and the others go on. */
  const guarded = async (webhook: string, customer: string, position: string, step: () => Promise<void>) => {
    const _id = `${webhook}/${customer}`
    try {
      await step()
      quarantine.done(_id)
    } catch (error) {
      if (verdictOf(error) === 'wait') throw error
      const outcome = await quarantine.failed({ key: _id }, error)
      const known = await held.findOne({ _id })
      // The receiver had no part in it: its tries stay as many, and what may pass by itself is soon tried again.
      const wait = outcome === 'rests' ? retries.firstMs : LONGEST_HOLD_MS
      const base = { _id, webhook, customer, position: known?.position ?? position, reason: wordsOf(error) }
      await held.replaceOne(
        { _id },
        { ...base, tries: known?.tries ?? 0, retry_at: new Date(now() + wait) },
        { upsert: true },
      )
    }
  }

  /** Catches up customers that are held and due; gives whether there was anything to do. */
  const catchUp = async (entry: Entry<ProjectWebhook>, feed: FeedDocument, bulkhead: string): Promise<boolean> => {
    const due = await held.find(
      { webhook: entry.id, retry_at: { $lte: new Date(now()) } },
      { sort: { retry_at: 1 }, limit: HELD_BATCH },
    )
    if (due.length === 0 || bulkheads.rests(bulkhead, now())) return false
    const profiles = await profilesOf(due.map((one) => one.customer))
    await Promise.all(
      due.map((one) =>
        guarded(entry.id, one.customer, one.position, async () => {
          const events = await activity.find(
            {
              customer: one.customer,
              position: { $gte: one.position, $lte: feed.position },
              ...filterOf(entry.definition),
            },
            { sort: { position: 1 }, limit: BATCH },
          )
          const stopped = await inOrder(entry, events, profiles.get(one.customer), bulkhead, feed.until)
          if (stopped)
            await hold(feed, stopped.event, stopped.failed, stopped.event.position === one.position ? one.tries : 0)
          else if (events.length < BATCH) await held.deleteOne({ _id: one._id })
          else
            await held.updateOne(
              { _id: one._id },
              { $set: { position: `${events.at(-1)!.position}~`, tries: 0, retry_at: new Date(now()) } },
            )
        }),
      ),
    )
    return true
  }

  /** Moves the feed, unless somebody else has: a replay, or a node that took it over. */
  const moveTo = async (feed: FeedDocument, position: string): Promise<void> => {
    await feeds.updateOne({ _id: feed._id, seq: feed.seq, node: feed.node }, { $set: { position, seq: feed.seq + 1 } })
  }

  /** Sends what is next; gives whether there may be more at once. */
  return async (entry: Entry<ProjectWebhook>, feed: FeedDocument): Promise<boolean> => {
    const target = senders.targetOf({ type: 'webhook', url: entry.definition.url })
    const bulkhead = `webhook:${target ?? 'none'}`
    if (bulkheads.rests(bulkhead, now())) return false
    const caughtUp = await catchUp(entry, feed, bulkhead)
    const newest = await activity.find({}, { sort: { position: -1 }, limit: 1, projection: { position: 1 } })
    const events = await activity.find(
      { position: { $gt: feed.position }, ...filterOf(entry.definition) },
      { sort: { position: 1 }, limit: BATCH },
    )
    if (events.length === 0) {
      const end = newest[0]?.position
      // Nothing up to the end concerns this webhook: it need not be looked through again.
      if (end !== undefined && end > feed.position) await moveTo(feed, end)
      return caughtUp
    }
    const byCustomer = new Map(groupBy(events, ({ customer }) => customer))
    const waiting = await held.find(
      { _id: { $in: [...byCustomer.keys()].map((customer) => `${entry.id}/${customer}`) } },
      { limit: byCustomer.size },
    )
    for (const one of waiting) byCustomer.delete(one.customer)
    const profiles = await profilesOf([...byCustomer.keys()])
    await each(
      [...byCustomer.values()],
      async (theirs) => {
        const { customer, position } = theirs[0]!
        await guarded(entry.id, customer, position, async () => {
          const stopped = await inOrder(entry, theirs, profiles.get(customer), bulkhead, feed.until)
          if (stopped) await hold(feed, stopped.event, stopped.failed, 0)
        })
      },
      { concurrency: MAX_LINES },
    )
    await moveTo(feed, events.at(-1)!.position)
    return true
  }
}
