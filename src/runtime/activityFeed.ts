// What comes into the activity log, handed to whoever watches: read once for all of them, whenever the read models have moved.
import type { ActivityDocument } from '../../projections/activity.ts'
import { sortable } from '../domain/position.ts'
import type { Logger } from '../log.ts'
import type { Projector } from '../projector/index.ts'
import type { ReadModel } from '../readmodel/index.ts'

/** Somebody who watches. */
export interface Watcher {
  /** Entries in the order of the log, and whether some before them were left out because there were too many to show. */
  take(entries: readonly ActivityDocument[], skipped: boolean): void
  /** The feed ends: this process stops. */
  end(): void
}

export interface ActivityFeed {
  /** Watches from now on; undefined when there are too many already. The function that comes back ends it. */
  watch(watcher: Watcher): (() => void) | undefined
  isFull(): boolean
  stop(): void
}

export interface ActivityFeedOptions {
  readonly readModel: Pick<ReadModel, 'collection'>
  readonly projector: Pick<Projector, 'position$' | 'position'>
  readonly log: Pick<Logger, 'warn'>
}

/** Watchers at a time. */
const MAX_WATCHERS = 100
/** Entries read at a time: of more than that the newest are shown, since nobody reads faster. */
const MAX_ENTRIES = 200
/** How often what came in is read at most, ms. */
const PAUSE_MS = 250

export const startActivityFeed = ({ readModel, projector, log }: ActivityFeedOptions): ActivityFeed => {
  const watchers = new Set<Watcher>()
  const activity = readModel.collection<ActivityDocument>('activity')
  /** Everything up to here was handed out; text as in documents. */
  let shown = ''
  let timer: NodeJS.Timeout | undefined
  let isReading = false
  let isStopped = false

  const at = (): string => sortable(projector.position() ?? 0n)

  const read = async (): Promise<void> => {
    const newest = await activity.find({ position: { $gt: shown } }, { sort: { position: -1 }, limit: MAX_ENTRIES + 1 })
    const entries = newest.slice(0, MAX_ENTRIES).reverse()
    const last = entries.at(-1)
    if (last === undefined) return
    shown = last.position
    for (const watcher of watchers) watcher.take(entries, newest.length > MAX_ENTRIES)
  }

  /** One read at a time, and a pause between two: a busy log costs no more than four reads a second. */
  const wake = (): void => {
    if (timer !== undefined || isReading || isStopped || watchers.size === 0) return
    timer = setTimeout(() => {
      timer = undefined
      isReading = true
      const from = projector.position()
      read()
        .catch((error: unknown) => log.warn({ err: error }, 'the live activity could not be read'))
        .finally(() => {
          isReading = false
          if (projector.position() !== from) wake()
        })
    }, PAUSE_MS)
    timer.unref()
  }

  const watching = projector.position$.subscribe(wake)
  return {
    watch(watcher) {
      if (watchers.size >= MAX_WATCHERS || isStopped) return undefined
      if (watchers.size === 0) shown = at()
      watchers.add(watcher)
      return () => void watchers.delete(watcher)
    },
    isFull: () => watchers.size >= MAX_WATCHERS,
    stop() {
      isStopped = true
      clearTimeout(timer)
      watching.unsubscribe()
      for (const watcher of watchers) watcher.end()
      watchers.clear()
    },
  }
}
