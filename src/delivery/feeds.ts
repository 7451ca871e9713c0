// All project webhooks: one loop each, on whichever node holds the feed's lease.
import type { ActivityDocument } from '../../projections/activity.ts'
import { sortable } from '../domain/position.ts'
import type { Entry } from '../domain/rulebook/kind.ts'
import type { ProjectWebhook } from '../domain/rulebook/projectWebhook.ts'
import type { Rulebook } from '../domain/rulebook/rulebook.ts'
import type { EventStore } from '../eventstore/index.ts'
import type { Log } from '../line/log.ts'
import { isDuplicateKey, type ReadModel } from '../readmodel/index.ts'
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
  const closing = new AbortController()

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

  /** Ends early when the feeds stop, and by what `woken` then holds. */
  const pause = (ms: number, woken?: Set<() => void>): Promise<void> =>
    new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer)
        closing.signal.removeEventListener('abort', end)
        woken?.delete(end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      closing.signal.addEventListener('abort', end, { once: true })
      woken?.add(end)
    })

  let moves = 0
  const resting = new Set<() => void>()
  const unwatch = options.onMoved?.(() => {
    moves++
    for (const wake of [...resting]) wake()
  })
  /** Until there may be something to do that was not there when so many moves had been seen; `longest` at most. */
  const rest = async (seen: number, longest: number): Promise<void> => {
    await pause(pollMs)
    if (unwatch && moves === seen && !closing.signal.aborted) await pause(longest, resting)
  }

  const loops = new Map<string, Promise<void>>()
  const loop = async (id: string): Promise<void> => {
    while (!closing.signal.aborted) {
      const entry = rulebook().entries('projectWebhook').get(id)
      if (!entry?.definition.active) break
      let isMore = false
      const seen = moves
      try {
        const feed = await take(entry)
        isMore = feed !== undefined && (await run(entry, feed))
      } catch (error) {
        log.warn({ err: error, webhook: id }, 'a project webhook stumbled; going on')
        await pause(1_000)
      }
      if (!isMore) await rest(seen, REST_MS)
    }
    loops.delete(id)
  }

  const watch = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      const seen = moves
      for (const { id, definition } of rulebook().entries('projectWebhook').values())
        if (definition.active && !loops.has(id)) loops.set(id, loop(id))
      // A webhook is made, changed and switched by a fact, after which the read models move.
      await rest(seen, WATCH_MS)
    }
  }
  const watching = watch()

  return {
    async stop() {
      unwatch?.()
      closing.abort()
      await watching
      await Promise.all(loops.values())
      await feeds.updateMany({ node }, { $set: { until: new Date(0) } }).catch(() => undefined)
    },
  }
}
