// Delivery as a part of a node: the dispatcher with its senders and leases, put together from the settings.
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { Registry } from 'prom-client'
import type { DeliveryConfig } from '../config.ts'
import type { Rulebook } from '../domain/rulebook/rulebook.ts'
import type { EventStore } from '../eventstore/index.ts'
import type { Log } from '../line/log.ts'
import type { ReadModel } from '../readmodel/index.ts'
import type { IssueCode } from '../runtime/messageCodes.ts'
import type { SetAside } from '../worker/setAside.ts'
import { createAddressBounds } from './addresses.ts'
import { BULKHEAD, type BulkheadOptions, createBulkheads } from './bulkheads.ts'
import { type Dispatcher, startDispatcher, WAITING_FOR_EACH } from './dispatcher.ts'
import { startFeeds } from './feeds.ts'
import { createLeases } from './leases.ts'
import { RETRIES, type RetryPolicy } from './schedule.ts'
import { createSenders, type Senders } from './senders.ts'
import { derivedSecret } from './sign.ts'

export type { Dispatcher } from './dispatcher.ts'

export interface DeliveryOptions {
  readonly config: DeliveryConfig
  readonly store: Pick<EventStore, 'append' | 'readStream' | 'head'>
  readonly readModel: ReadModel
  readonly rulebook: () => Rulebook
  readonly aside: Pick<SetAside, 'quarantine'>
  readonly issueCode?: IssueCode
  readonly log: Log
  readonly metrics?: Registry
  /** For tests: everything below has the value that suits a real receiver. */
  readonly senders?: Senders
  readonly retries?: RetryPolicy
  readonly bulkhead?: Partial<BulkheadOptions>
  readonly timeoutMs?: number
  readonly leaseMs?: number
  readonly pollMs?: number
  /** Calls back whenever the read models have moved; without it outbox and feeds are looked at every `pollMs`. */
  readonly onMoved?: (moved: () => void) => () => void
  readonly now?: () => number
  readonly random?: () => number
}

/** The HTTP contract: an answer within 10 s. */
const TIMEOUT_MS = 10_000
const POLL_MS = 100
/** SMTP goes back and forth several times, each within the time limit. */
const LONGEST_SENDS = 3
/** So many bulkheads may be full at once before others have to wait. */
const FULL_BULKHEADS = 4

export const signingSecret = (config: Pick<DeliveryConfig, 'signingSecret'>, rulebook: Rulebook): string =>
  config.signingSecret ?? derivedSecret(rulebook.project.customerKey)

/** Starts sending what is due. Rejects when the leases' collection cannot be prepared. */
export const startDelivery = async (options: DeliveryOptions): Promise<Dispatcher> => {
  const {
    config,
    store,
    readModel,
    rulebook,
    aside,
    log,
    timeoutMs = TIMEOUT_MS,
    pollMs = POLL_MS,
    now = Date.now,
    random = Math.random,
  } = options
  const longestSendMs = LONGEST_SENDS * timeoutMs + 1_000
  const bulkhead: BulkheadOptions = { ...BULKHEAD, capacity: config.concurrency, ...options.bulkhead }
  const senders =
    options.senders ??
    createSenders({
      timeoutMs,
      secret: () => signingSecret(config, rulebook()),
      now,
      maxConnections: bulkhead.capacity,
      ...config,
    })
  const node = `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`
  const bulkheads = createBulkheads(bulkhead, random)
  const leaseMs = options.leaseMs ?? 3 * longestSendMs
  const retries = options.retries ?? RETRIES
  const shared = {
    store,
    readModel,
    rulebook,
    senders,
    bulkheads,
    retries,
    aside,
    log,
    now,
    random,
    pollMs,
    leaseMs,
    longestSendMs,
  }
  // What may fail comes before what must be stopped.
  const leases = await createLeases(readModel, node, now())
  const addresses = await createAddressBounds(readModel, {
    limit: config.messagesPerAddress,
    project: () => rulebook().project,
  })
  const feeds = await startFeeds({ ...shared, node, onMoved: options.onMoved })
  const dispatcher = startDispatcher({
    ...shared,
    leases,
    addresses,
    bulkheadCapacity: bulkhead.capacity,
    concurrency: FULL_BULKHEADS * bulkhead.capacity * (1 + WAITING_FOR_EACH),
    onMoved: options.onMoved,
    issueCode: options.issueCode,
    metrics: options.metrics,
  })
  return {
    get active() {
      return dispatcher.active
    },
    bulkheads: dispatcher.bulkheads,
    async stop() {
      await Promise.all([dispatcher.stop(), feeds.stop()])
      senders.close()
    },
  }
}
