// Forgetting by itself: customers without activity for as many days as the settings say are erased, as if somebody had asked for it.

import { Counter, type Registry } from 'prom-client'
import type { AccessLogDocument } from '../../projections/accessLog.ts'
import type { CustomerDocument } from '../../projections/customers.ts'
import { lastActivityAt } from '../domain/customer/idle.ts'
import type { Logger } from '../log.ts'
import type { ReadModel } from '../readmodel/index.ts'
import type { CustomerRuntime } from '../runtime/customers.ts'
import { type Erasures, RETENTION } from '../runtime/erasure.ts'
import type { NodeClock } from '../time/nodeClock.ts'
import { type BackgroundWorker, startWorker } from '../worker/worker.ts'

export interface RetentionOptions {
  /** Days without activity; at least one. */
  readonly days: number
  readonly readModel: Pick<ReadModel, 'collection'>
  readonly customers: Pick<CustomerRuntime, 'execute' | 'load'>
  readonly erasures: Pick<Erasures, 'forget'>
  /** While the machine's clock is not believed nobody is forgotten. */
  readonly time: Pick<NodeClock, 'now' | 'distrust'>
  readonly requestId: () => string
  readonly log: Pick<Logger, 'warn' | 'info'>
  readonly onErased?: () => void
  /** For tests. */
  readonly tickMs?: number
}

export type Retention = Pick<BackgroundWorker, 'stop'>

const ACTOR = { name: RETENTION, role: 'system' } as const

const DAY_MS = 86_400_000
/** How often it looks while a round lasts, and rests between rounds, ms. */
const TICK_MS = 10_000
const REST_MS = 3_600_000
/** Customers that are looked at in one tick, and erased in it at most. */
const LOOK = 200
const ERASE = 50

interface Found {
  readonly ids: readonly string[]
  /** Where the next look begins; undefined: this was the last of its kind. */
  readonly next: string | undefined
}

/** Counts those who were erased by this node for want of activity. */
export const retentionCounter = (registry: Registry): Counter =>
  new Counter({
    name: 'tributary_retention_erased_total',
    help: 'Customers who were erased because nothing was done by or about them for RETENTION_DAYS',
    registers: [registry],
  })

/** Starts it. Several nodes may: whoever is erased already is left alone. */
export const startRetention = (options: RetentionOptions): Retention => {
  const { days, readModel, customers, erasures, time, requestId, log, onErased, tickMs = TICK_MS } = options
  const profiles = readModel.collection<CustomerDocument>('customers')
  const done = readModel.collection<AccessLogDocument>('accessLog')
  /** Where the look at active customers, and at those who were deleted, goes on. */
  let after: { readonly at: Date; readonly id: string } | undefined
  let deletedAfter = ''
  /** Of those that the last look found. */
  let erased = 0

  /** The oldest first: whoever was made later than the limit has not been idle for so long. */
  const oldest = async (limit: number): Promise<Found> => {
    const from = after
    const since = from && { $or: [{ created_at: { $gt: from.at } }, { created_at: from.at, _id: { $gt: from.id } }] }
    const found = await profiles.find(
      { created_at: { $lte: new Date(limit) }, ...since },
      { sort: { created_at: 1, _id: 1 }, limit: LOOK, projection: { created_at: 1, updated_at: 1 } },
    )
    const last = found.at(-1)
    after = last && found.length === LOOK ? { at: last.created_at, id: last._id } : undefined
    const ids = found.filter(({ updated_at }) => (updated_at?.getTime() ?? 0) <= limit).map(({ _id }) => _id)
    return { ids, next: after?.id }
  }

  /** Those who were deleted, and of whom the log still holds what was. */
  const deleted = async (limit: number): Promise<Found> => {
    const found = await done.find(
      { resource_type: 'customer', position: { $gt: deletedAfter } },
      {
        sort: { resource_type: 1, position: 1 },
        limit: LOOK,
        projection: { resource: 1, at: 1, action: 1, position: 1 },
      },
    )
    deletedAfter = found.length === LOOK ? (found.at(-1)?.position ?? '') : ''
    const ids = found.filter(({ action, at }) => action === 'deleted' && at.getTime() <= limit)
    return { ids: ids.map(({ resource }) => resource), next: deletedAfter || undefined }
  }

  /** Erases a customer who has been idle since `limit`, ms. */
  const forget = async (id: string, limit: number): Promise<void> => {
    const { state } = await customers.load(id)
    if ((state.status !== 'active' && state.status !== 'deleted') || lastActivityAt(state) > limit) return
    const executed = await customers.execute(
      id,
      { type: 'DeleteCustomer', permanently: true, unlessActiveAfter: limit },
      { requestId: requestId(), actor: ACTOR, now: time.now() },
    )
    if (executed.kind !== 'done' || executed.state.status !== 'erased') return
    await erasures.forget(id)
    onErased?.()
    erased++
  }

  const worker: BackgroundWorker = startWorker<{ readonly id: string; readonly limit: number }>({
    async look() {
      erased = 0
      if (time.distrust()) return { items: [], restMs: REST_MS }
      const limit = time.now() - days * DAY_MS
      const [at, position] = [after, deletedAfter]
      const found = [await oldest(limit), await deleted(limit)]
      return {
        items: found.flatMap(({ ids }) => ids.map((id) => ({ id, limit }))),
        restMs: found.some(({ next }) => next !== undefined) ? tickMs : REST_MS,
        async after() {
          if (erased > 0) log.info({ erased, days }, 'customers without activity were erased')
          if (erased < ERASE) return
          // There is more to do among them: the same look again, which finds those who are left.
          after = at
          deletedAfter = position
          worker.wake()
        },
      }
    },
    async handle({ id, limit }) {
      if (erased < ERASE) await forget(id, limit)
    },
    concurrency: 1,
    firstRestMs: tickMs,
    leastRestMs: tickMs,
    backoff: { baseMs: tickMs, maxMs: tickMs },
    onTrouble: (err) => log.warn({ err }, 'customers without activity could not be looked for'),
  })
  return worker
}
