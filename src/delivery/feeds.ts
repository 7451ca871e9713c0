// All project webhooks: each is served on whichever node holds the feed's lease.
import { Subject } from 'rxjs'
import type { ActivityDocument } from '../../projections/activity.ts'
import { sortable } from '../domain/position.ts'
import type { Entry } from '../domain/rulebook/kind.ts'
import type { ProjectWebhook } from '../domain/rulebook/projectWebhook.ts'
import type { Rulebook } from '../domain/rulebook/rulebook.ts'
import type { EventStore } from '../eventstore/index.ts'
import { sleep } from '../line/backoff.ts'
import type { Log } from '../line/log.ts'
import { isDuplicateKey, type ReadModel } from '../readmodel/index.ts'
import { startWorker } from '../worker/worker.ts'
import { createFeed, FEEDS, type FeedDocument, type FeedOptions, HELD, START } from './feed.ts'

export interface FeedsOptions extends Omit<FeedOptions, 'projectId'> {
  readonly store: FeedOptions['store'] & Pick<EventStore, 'head'>
  readonly rulebook: () => Rulebook
  readonly node: string
  readonly leaseMs: number
  /** Between two looks of a feed, ms. */
  readonly pollMs: number
  readonly log: Log
  /** Calls back whenever the read models have moved; without it feeds look every `pollMs`. */
  readonly onMoved?: (moved: () => void) => () => void
}

/** How long a feed looks no more while the read models stand still, ms: what was held back may fall due, and another node be gone. */
const REST_MS = 1_000
/** How long nobody looks which feeds there are while the read models stand still, ms. */
const WATCH_MS = 15_000
/** A webhook that stumbled goes on after so long, ms. */
const TROUBLE_MS = 1_000
/** Webhooks that are served at once. */
const AT_ONCE = 1_000

interface BirthDocument {
  readonly _id: string
  /** The end of the log at that time, as sortable text. */
  readonly position: string
  readonly at: Date
}

/**
 * Where the log stood when this document store was made. One that has feeds and does not know is of an earlier version, and has
 * had them from the beginning.
 */
const birthOf = async (readModel: ReadModel, store: Pick<EventStore, 'head'>, at: number): Promise<string> => {
  const births = readModel.plain<BirthDocument>('feedsBegin')
  const known = await births.findOne({ _id: 'log' })
  if (known) return known.position
  const [anyFeed] = await readModel.plain<FeedDocument>(FEEDS).find({}, { limit: 1 })
  const head = anyFeed ? undefined : await store.head()
  const position = head === undefined ? START : sortable(head)
  // Several nodes at once: the first one's counts.
  await births.updateOne({ _id: 'log' }, { $setOnInsert: { position, at: new Date(at) } }, { upsert: true })
  return (await births.findOne({ _id: 'log' }))?.position ?? position
}

export const startFeeds = async (options: FeedsOptions): Promise<{ stop(): Promise<void> }> => {
  const { store, readModel, rulebook, node, leaseMs, pollMs, log, now } = options
  await readModel.prepare(FEEDS, [])
  await readModel.prepare(HELD, [{ key: { webhook: 1, retry_at: 1 } }])
  const feeds = readModel.plain<FeedDocument>(FEEDS)
  const activity = readModel.collection<ActivityDocument>('activity')
  const birth = await birthOf(readModel, store, now())
  const run = createFeed({ ...options, projectId: rulebook().project.id })

  /**
   * The feed, ours for a while; undefined when another node works on it. A webhook begins with what follows its making, and with
   * what follows the document store's: what was recorded before was sent by feeds that are lost, and nothing is sent twice.
   */
  const take = async ({ id, createdAt }: Entry<ProjectWebhook>): Promise<FeedDocument | undefined> => {
    const at = now()
    const until = new Date(at + leaseMs)
    const ours = await feeds.findOneAndUpdate(
      { _id: id, $or: [{ node }, { until: { $lt: new Date(at) } }] },
      { $set: { node, until } },
      { returnDocument: 'after' },
    )
    if (ours) return ours
    if (await feeds.findOne({ _id: id }, { projection: { _id: 1 } })) return undefined
    const before = await activity.find(
      { created_at: { $lt: new Date(createdAt) } },
      { sort: { position: -1 }, limit: 1, projection: { position: 1 } },
    )
    const position = [birth, before[0]?.position ?? START].sort().at(-1)!
    const made: FeedDocument = { _id: id, position, seq: 0, node, until }
    try {
      await feeds.insertOne(made)
      return made
    } catch (error) {
      if (isDuplicateKey(error)) return undefined
      throw error
    }
  }

  let moves = 0
  const moved$ = new Subject<void>()
  const unwatch = options.onMoved?.(() => {
    moves++
    moved$.next()
  })
  /** Webhook → what had been seen when there was last nothing to send. */
  const idle = new Map<string, { readonly moves: number; readonly until: number }>()
  const mayHaveMore = (id: string): boolean => {
    const last = idle.get(id)
    return !last || last.moves < moves || last.until <= performance.now()
  }
  const restMs = unwatch ? pollMs + REST_MS : pollMs

  /** Sends what there is to send, batch after batch. */
  const serve = async ({ id }: Entry<ProjectWebhook>, signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const entry = rulebook().entries('projectWebhook').get(id)
      if (!entry?.definition.active) return void idle.delete(id)
      const seen = moves
      const feed = await take(entry)
      if (feed && (await run(entry, feed))) continue
      idle.set(id, { moves: seen, until: performance.now() + restMs })
      return
    }
  }

  const worker = startWorker<Entry<ProjectWebhook>>({
    async look({ isUnderWay }) {
      const all = [...rulebook().entries('projectWebhook').values()].filter(({ definition }) => definition.active)
      const items = all.filter(({ id }) => !isUnderWay(id) && mayHaveMore(id))
      // A webhook is made, changed and switched by a fact, after which the read models move.
      return { items, restMs: all.length > 0 || !unwatch ? restMs : WATCH_MS }
    },
    async handle(entry, signal) {
      try {
        await serve(entry, signal)
      } catch (error) {
        log.warn({ err: error, webhook: entry.id }, 'a project webhook stumbled; going on')
        await sleep(TROUBLE_MS, signal)
      }
    },
    keyOf: ({ id }) => id,
    concurrency: AT_ONCE,
    isOverlapping: true,
    wake$: moved$,
    leastRestMs: pollMs,
    backoff: { baseMs: TROUBLE_MS, maxMs: TROUBLE_MS },
    onTrouble: (error) => log.warn({ err: error }, 'project webhooks are looked for later'),
  })

  return {
    async stop() {
      unwatch?.()
      await worker.stop()
      await feeds.updateMany({ node }, { $set: { until: new Date(0) } }).catch(() => undefined)
    },
  }
}
