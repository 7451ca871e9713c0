// The dispatcher: looks for messages that are due, claims as many as its bulkheads carry, and sees each through one try.

import { Counter, Gauge, type Registry } from 'prom-client'
import { Subject } from 'rxjs'
import type { ActivityDocument } from '../../projections/activity.ts'
import type { CustomerDocument } from '../../projections/customers.ts'
import type { OutboxDocument } from '../../projections/outbox.ts'
import { activityId } from '../domain/customer/activity.ts'
import type { Rulebook } from '../domain/rulebook/rulebook.ts'
import { createLru } from '../lru.ts'
import { type ReadModel, ReadModelUnavailable } from '../readmodel/index.ts'
import type { SetAside } from '../worker/setAside.ts'
import { type BackgroundWorker, type Looking, startWorker } from '../worker/worker.ts'
import { type Attempted, type AttemptOptions, type Claimed, createAttempt } from './attempt.ts'
import type { BulkheadStatus, Bulkheads, Usage } from './bulkheads.ts'
import type { Leases } from './leases.ts'

export interface DispatcherOptions extends AttemptOptions {
  readonly readModel: Pick<ReadModel, 'collection'>
  readonly rulebook: () => Rulebook
  readonly leases: Leases
  /** Where messages go that cannot be seen through. */
  readonly aside: Pick<SetAside, 'quarantine'>
  /** Shared with whatever else sends to the same hosts. */
  readonly bulkheads: Bulkheads
  /** Messages at once on one bulkhead. */
  readonly bulkheadCapacity: number
  /** Messages at once over all bulkheads. */
  readonly concurrency: number
  /** How long a claim lasts, ms: a message whose dispatcher died is taken up again after that. */
  readonly leaseMs: number
  /** How often to look while nothing calls, ms. */
  readonly pollMs: number
  /** Calls back whenever the read models have moved, so that what is due is seen at once; gives what ends that. */
  readonly onMoved?: (moved: () => void) => () => void
  readonly metrics?: Registry
}

export interface Dispatcher {
  readonly active: number
  bulkheads(): readonly BulkheadStatus[]
  /** Takes up nothing new, waits for what is under way, gives the rest back. */
  stop(): Promise<void>
}

/** Outcomes that the read model may not show yet; far more than it is ever behind in sound operation. */
const REMEMBERED = 50_000
/** No single look takes in more than this. */
const MAX_FOUND = 2_000
const MIN_SLACK = 64
/** Messages of distributions that are gone are looked for as well: they are to be dropped. */
const MIN_WANTED = 8
const TROUBLE_MS = 1_000
/** With nothing to take up the pauses between looks grow to so many polls: what is asked for meanwhile calls at once. */
const MOST_POLLS = 5
/** With nothing due, the outbox is looked at again after so long at the latest, and up to half as long again, ms. */
const LONGEST_REST_MS = 10_000
/** Where what is due could not be taken up in so many looks, the pauses grow on, up to this, ms. */
const PATIENT_AFTER = 10
const LONGEST_STUCK_MS = 5_000
/** Claimed messages that wait for each place on a bulkhead, so that a place is never free while the next ones are being claimed. */
export const WAITING_FOR_EACH = 3
/** So often at least the outbox is looked through from its start, ms. */
const WHOLE_LOOK_MS = 1_000
/** For so long after a claim was lost to another dispatcher, others are reckoned with, ms. */
const RIVALS_MS = 10_000
/** Looks are at least so far apart, ms: what becomes due meanwhile is taken up together. */
const BETWEEN_LOOKS_MS = 20

type Outcome = Attempted['kind'] | 'error'

interface Taken {
  readonly claimed: Omit<Claimed, 'enter'>
  readonly bulkhead: string
}

const shuffled = <T>(items: readonly T[], random: () => number): readonly T[] =>
  items
    .map((item) => [random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item)

export const startDispatcher = (options: DispatcherOptions): Dispatcher => {
  const { readModel, rulebook, leases, aside, bulkheads, log, now, random, senders, concurrency, leaseMs, pollMs } =
    options
  const outbox = readModel.collection<OutboxDocument>('outbox')
  const customers = readModel.collection<CustomerDocument>('customers')
  const activity = readModel.collection<ActivityDocument>('activity')
  const attempt = createAttempt(options)
  /** How many messages are on each bulkhead, or are to come onto it. */
  const claimedOn = new Map<string, number>()
  /** Message → the revision of its stream that this dispatcher knows; a document that shows less is out of date. */
  const known = createLru<bigint>({ entries: REMEMBERED })
  /** Messages that could not be worked on just now: not again at once. */
  const resting = createLru<true>({ entries: REMEMBERED, ttl: TROUBLE_MS })
  /** How many documents more than wanted are asked for, since some of them are out of date. */
  let slack = MIN_SLACK
  /** Where the next look begins: nothing that is due before it is left to take up. */
  let from: Date | undefined
  /** When a look last began at the start, ms: what could not be taken up is found again by one. */
  let wholeAt = 0
  /** When a claim was last lost to another dispatcher, ms. */
  let rivalAt = Number.NEGATIVE_INFINITY
  /** The last look left something that is due. */
  let isMore = false
  /** Looks in a row that found nothing. */
  let idle = 0
  const moved$ = new Subject<void>()

  const quarantine = aside.quarantine('dispatcher', async ({ fact: id }) => {
    const message = await outbox.findOne({ _id: id }, { projection: { due_at: 1 } })
    if (message?.due_at === undefined) return 'done'
    worker.wake()
    return 'again'
  })

  const counter =
    options.metrics &&
    new Counter({
      name: 'tributary_messages_total',
      help: 'Tries of messages by channel and outcome',
      labelNames: ['channel', 'outcome'] as const,
      registers: [options.metrics],
    })
  if (options.metrics) {
    new Gauge({
      name: 'tributary_messages_under_way',
      help: 'Messages that are being sent now',
      registers: [options.metrics],
      collect() {
        this.set(worker.active)
      },
    })
    new Gauge({
      name: 'tributary_delivery_bulkheads',
      help: 'Channels and hosts that messages go through now: working, paused because the other end is down, testing whether it is back',
      labelNames: ['channel', 'state'] as const,
      registers: [options.metrics],
      collect() {
        this.reset()
        for (const { bulkhead, state } of bulkheads.status(now()))
          this.inc({ channel: bulkhead.split(':', 1)[0]!, state })
      },
    })
  }

  /**
   * The bulkhead that a distribution's messages take now; its definition may have changed since they were asked for. Undefined for
   * a channel that this node has no end of: such messages wait for one that has.
   */
  const bulkheadOf = (book: Rulebook, distribution: string): string | undefined => {
    const channel = book.entries('distribution').get(distribution)?.definition.channel
    if (!channel) return 'none'
    const target = senders.targetOf(channel)
    return target === undefined ? undefined : `${channel.type}:${target}`
  }

  const roomOf = (bulkhead: string | undefined, at: number) =>
    bulkhead === undefined
      ? 0
      : Math.max(0, bulkheads.most(bulkhead, WAITING_FOR_EACH, at) - (claimedOn.get(bulkhead) ?? 0))

  const work = async ({ claimed, bulkhead }: Taken): Promise<void> => {
    const { _id: id, channel } = claimed.message
    let outcome: Outcome = 'error'
    let usage: Usage = 'unused'
    let isOnBulkhead = false
    const enter = async (): Promise<boolean> => {
      isOnBulkhead = await bulkheads.enter(bulkhead, now())
      return isOnBulkhead
    }
    try {
      const attempted = await attempt({ ...claimed, enter })
      outcome = attempted.kind
      if (attempted.kind !== 'untouched') known.set(id, attempted.revision)
      if ('bulkhead' in attempted) usage = attempted.bulkhead
      else if (attempted.kind === 'untouched') resting.set(id, true)
    } finally {
      if (isOnBulkhead) bulkheads.give(bulkhead, usage, now())
      leases.release(id)
      claimedOn.set(bulkhead, (claimedOn.get(bulkhead) ?? 1) - 1)
      if (claimedOn.get(bulkhead) === 0) claimedOn.delete(bulkhead)
      counter?.inc({ channel, outcome })
    }
  }

  /** Claims what is due. */
  const claim = async ({ room, isUnderWay }: Looking): Promise<readonly Taken[]> => {
    const at = now()
    const book = rulebook()
    const distributions = [...book.entries('distribution').keys()]
    const full = distributions.filter((id) => roomOf(bulkheadOf(book, id), at) === 0)
    // With every bulkhead full a look would cost much and start nothing.
    if (full.length > 0 && full.length === distributions.length) return []
    const free = new Map(distributions.map((id) => [bulkheadOf(book, id), roomOf(bulkheadOf(book, id), at)]))
    const wanted = Math.min(
      room,
      Math.max(
        MIN_WANTED,
        [...free.values()].reduce((sum, n) => sum + n, 0),
      ),
    )
    const isWhole = from === undefined || at - wholeAt >= WHOLE_LOOK_MS
    const isAlone = at - rivalAt > RIVALS_MS
    // A look that goes on where the last one ended meets little that is already under way.
    const limit = Math.min(MAX_FOUND, (isAlone ? wanted : 2 * wanted) + (isWhole ? worker.active : 0) + slack)
    if (isWhole) wholeAt = at
    const failing = quarantine.resting()
    const found = await outbox.find(
      {
        due_at: { $lte: new Date(at), ...(isWhole || from === undefined ? {} : { $gte: from }) },
        ...(full.length > 0 ? { 'distribution.id': { $nin: full } } : {}),
        ...(failing.length > 0 ? { _id: { $nin: [...failing] } } : {}),
      },
      { sort: { due_at: 1 }, limit },
    )
    const ready = found.filter(
      ({ _id, revision }) =>
        !isUnderWay(_id) && !resting.has(_id) && !quarantine.rests(_id) && (known.get(_id) ?? -1n) <= BigInt(revision),
    )
    if (ready.length >= wanted) slack = Math.max(MIN_SLACK, slack / 2)
    else if (found.length === limit) slack = Math.min(MAX_FOUND, slack * 2)
    const taken = new Map<string, number>()
    const chosen: (readonly [OutboxDocument, string])[] = []
    // Oldest first, but in no order beside other dispatchers, so that they do not reach for the same ones.
    for (const message of isAlone ? ready : shuffled(ready, random)) {
      if (chosen.length >= room) break
      const bulkhead = bulkheadOf(book, message.distribution.id)
      if (bulkhead === undefined) continue
      const used = taken.get(bulkhead) ?? 0
      if (used >= roomOf(bulkhead, at)) continue
      taken.set(bulkhead, used + 1)
      chosen.push([message, bulkhead])
    }
    const isChosen = new Set(chosen.map(([message]) => message._id))
    const left = ready.find(({ _id }) => !isChosen.has(_id))
    isMore = left !== undefined || found.length === limit
    from = left?.due_at ?? found.at(-1)?.due_at ?? from
    if (chosen.length === 0) return []
    const leasedUntil = now() + leaseMs
    // Both read models stand where the outbox stands: one look at each, for all of them.
    const causes = chosen
      .filter(([message]) => message.trigger.event !== undefined)
      .map(([message]) => activityId(message.cause))
    const [claimed, theirs, events] = await Promise.all([
      leases.claim(
        chosen.map(([message]) => message._id),
        now(),
        leasedUntil,
      ),
      customers.find(
        { _id: { $in: [...new Set(chosen.map(([message]) => message.customer))] } },
        { limit: chosen.length },
      ),
      causes.length === 0 ? [] : activity.find({ _id: { $in: causes } }, { limit: causes.length }),
    ])
    if (claimed.size < chosen.length) rivalAt = at
    const byId = new Map(theirs.map((customer) => [customer._id, customer]))
    const byCause = new Map(events.map((event) => [event._id, event]))
    return chosen.flatMap(([message, bulkhead]) => {
      if (!claimed.has(message._id)) return []
      claimedOn.set(bulkhead, (claimedOn.get(bulkhead) ?? 0) + 1)
      const event = byCause.get(activityId(message.cause))
      const customer = byId.get(message.customer)
      return [{ bulkhead, claimed: { message, customer, event, rulebook: book, leasedUntil } }]
    })
  }

  /** How long nothing is to be done unless something calls: until the first message falls due, where none is due. */
  const restMs = async (): Promise<number> => {
    if (!options.onMoved) return pollMs
    const polls = 2 ** Math.min(idle, 10)
    if (polls <= MOST_POLLS) return Math.min(MOST_POLLS, polls) * pollMs
    const [first] = await outbox.find(
      { due_at: { $gt: new Date(0) } },
      { sort: { due_at: 1 }, limit: 1, projection: { due_at: 1 } },
    )
    const at = now()
    const until = first?.due_at ? first.due_at.getTime() - at : Number.POSITIVE_INFINITY
    if (until > 0) return Math.min(until, LONGEST_REST_MS * (1 + random() / 2))
    // What is due and could not be taken up is somebody else's for now, or rests, as a bulkhead does until a known time.
    const reopen = Math.min(...bulkheads.status(at).map(({ restsUntil }) => restsUntil ?? Number.POSITIVE_INFINITY))
    const patience = Math.min(
      LONGEST_STUCK_MS,
      MOST_POLLS * pollMs * 2 ** Math.max(0, Math.min(idle, 20) - PATIENT_AFTER),
    )
    return Math.max(pollMs, Math.min(patience, reopen - at))
  }

  const worker: BackgroundWorker = startWorker<Taken>({
    async look(looking) {
      const items = await claim(looking)
      idle = items.length === 0 && worker.active === 0 ? idle + 1 : 0
      const goesOn = items.length > 0 && isMore && items.length < looking.room
      return { items, restMs: goesOn ? 0 : await restMs() }
    },
    handle: work,
    keyOf: ({ claimed }) => claimed.message._id,
    concurrency,
    isOverlapping: true,
    failing: {
      quarantineOf: () => quarantine,
      itemOf: ({ claimed }) => ({ key: claimed.message._id }),
      again: 'look',
      onFailed: ({ claimed }, error) =>
        log.warn({ err: error, message: claimed.message._id }, 'a message was not seen through; it is tried again'),
    },
    onEnded({ bulkhead }) {
      if (isMore && roomOf(bulkhead, now()) >= 2 * options.bulkheadCapacity) worker.wake()
    },
    wake$: moved$,
    leastRestMs: BETWEEN_LOOKS_MS,
    backoff: { baseMs: 4 * pollMs, maxMs: TROUBLE_MS },
    // That the store is down is said by the store's own edge.
    onTrouble: (error) =>
      log[error instanceof ReadModelUnavailable ? 'debug' : 'warn'](
        { err: error },
        'no look at the outbox; trying again',
      ),
  })
  const unwatch = options.onMoved?.(() => {
    if (rulebook().entries('distribution').size > 0) moved$.next()
  })

  return {
    get active() {
      return worker.active
    },
    bulkheads: () => bulkheads.status(now()),
    async stop() {
      unwatch?.()
      await worker.stop()
      await leases.flush()
    },
  }
}
