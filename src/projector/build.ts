// Building read models from the beginning of the log: beside the live one until it can be swapped in, or into a store of its own
// up to a given position.
import { randomUUID } from 'node:crypto'
import type { Projection } from '../../projections/projection.ts'
import { type EventStore, StoreUnavailable } from '../eventstore/index.ts'
import { backoffMs, sleep } from '../line/backoff.ts'
import type { Log } from '../line/log.ts'
import { type Lane, type ReadModel, ReadModelUnavailable } from '../readmodel/index.ts'
import { type BatchDone, createBatchWriter, DocumentsRejected } from './batchWriter.ts'
import { type Condemned, createCondemned } from './condemned.ts'
import { routesOf } from './fold.ts'
import { loadParkedNames, PARKED, PARKED_INDEXES } from './parked.ts'
import { LaneGone, type LaneRun, runLane } from './runner.ts'
import { besideId, indexesWhileBuilding, laneBeside, swap } from './versions.ts'

export type Built =
  | { readonly kind: 'promoted'; readonly position: bigint | undefined; readonly collection: string }
  /** Caught up beside the live one, and following the log until it is stopped. */
  | { readonly kind: 'ready'; readonly collection: string }
  | { readonly kind: 'aborted' }

export interface BuildOptions {
  readonly store: EventStore
  readonly readModel: ReadModel
  readonly log: Log
  readonly group: string
  readonly projection: Projection
  readonly writer: string
  readonly maxBatch: number
  readonly cacheSize: number
  readonly takeoverMs: number
  readonly now: () => number
  readonly signal: AbortSignal
  /** Where to begin; default: the build begun before, else an empty collection. */
  readonly begin?: () => Promise<Lane>
}

/** Folds the log into what is being built beside the live one, until it is stopped. */
const runBeside = (
  { store, readModel, log, projection, maxBatch, cacheSize, takeoverMs, now }: BuildOptions,
  id: string,
): LaneRun =>
  runLane({
    id,
    writer: randomUUID(),
    store,
    readModel,
    log,
    maxBatch,
    cacheSize,
    takeoverMs,
    now,
    onMoved: () => undefined,
    async prepare() {
      const lane = await readModel.lanes.read(id)
      if (lane === undefined) throw new LaneGone(`lane ${id} is gone`)
      return { lane, projections: [projection] }
    },
  })

/**
 * Resolves once the lane is caught up, or has been left to another process for `patienceMs`. Rejects when the lane was taken away
 * meanwhile: somebody else has promoted it or given it up.
 */
const whenLive = async (run: LaneRun, signal: AbortSignal, patienceMs = Number.POSITIVE_INFINITY): Promise<void> => {
  let others = 0
  while (run.state !== 'live' && others < patienceMs && !signal.aborted) {
    if (run.state === 'stopped') throw new LaneGone('what was built beside is gone: another process has taken it')
    others = run.state === 'standby' ? others + LOOK_MS : 0
    await sleep(LOOK_MS, signal)
  }
}

const LOOK_MS = 20
/** Waits before a swap that came too early is tried again, ms. */
const SWAP_AGAIN = { baseMs: 20, maxMs: 1_000 }
/** So long another process may fold into the lane before it is promoted from here, which takes the lane from it, ms. */
const OTHERS_MS = 1_000

/**
 * Builds a projection in a lane of its own while the live one goes on, with its indexes, and leaves it running, caught up. What was
 * built stays when it is aborted, and the next build goes on with it; undefined then.
 */
export const followBeside = async (
  options: BuildOptions,
  patienceMs?: number,
): Promise<{ readonly run: LaneRun; readonly collection: string } | undefined> => {
  const { readModel, group, projection, writer, signal } = options
  const { begin = () => laneBeside(readModel, group, projection, writer) } = options
  const { id, members } = await begin()
  const { collection } = members[projection.name]!
  let run = runBeside(options, id)
  await whenLive(run, signal, patienceMs)
  if (!signal.aborted) {
    await run.stop()
    // Takes its time, in which the log goes on: once more round.
    await readModel.prepare(collection, projection.indexes)
    run = runBeside(options, id)
    await whenLive(run, signal, patienceMs)
  }
  if (!signal.aborted) return { run, collection }
  await run.stop()
  return undefined
}

/** Builds a projection beside the live one and swaps them once both stand at the same place. */
export const buildBeside = async (options: BuildOptions): Promise<Built> => {
  const { log, group, projection, signal } = options
  const built = await followBeside(options, OTHERS_MS)
  let run = built?.run
  for (let tries = 0; run && !signal.aborted; tries++) {
    await run.stop()
    const swapped = await swap(options)
    if (swapped.kind === 'promoted') {
      log.info({ group, projection: projection.name, collection: swapped.collection }, 'projector: promoted')
      return swapped
    }
    await sleep(backoffMs(tries + 1, SWAP_AGAIN), signal)
    run = runBeside(options, besideId(group, projection.name))
    await whenLive(run, signal, OTHERS_MS)
  }
  await run?.stop()
  return { kind: 'aborted' }
}

export interface BuildIntoOptions {
  readonly store: EventStore
  /** A database of its own: nothing of these projections may be in it. */
  readonly readModel: ReadModel
  readonly projections: readonly Projection[]
  /** Everything up to here and nothing beyond. */
  readonly upTo: bigint
  readonly maxBatch?: number
  readonly cacheSize?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (position: bigint | undefined, facts: number) => void
}

/** A store that goes away in the middle is waited for so many times in a row without any progress. */
const MAX_REOPENED = 10
const REOPEN = { baseMs: 100, maxMs: 3_000 }

/**
 * Builds read models up to exactly `upTo` in an empty database, for comparing them by key with what is served. Goes on from its
 * checkpoint when a store goes away for a moment; rejects with any other failure. Gives the facts seen; what could not be folded is
 * in the database's `parked`.
 */
export const buildInto = async (options: BuildIntoOptions): Promise<number> => {
  const { readModel, projections, signal, onProgress } = options
  const members: Record<string, { collection: string; version: number }> = {}
  await readModel.prepare(PARKED, PARKED_INDEXES)
  for (const projection of projections) {
    const { name, version } = projection
    members[name] = { collection: name, version }
    await readModel.prepare(name, indexesWhileBuilding(projection))
    await readModel.aliases.create({ _id: name, group: 'build', live: members[name] })
  }
  let lane = await readModel.lanes.create({ id: 'build', members, writer: 'build' })
  const condemned = createCondemned()
  let facts = 0
  let tries = 0
  for (;;) {
    try {
      await buildOn(options, lane, condemned, (done) => {
        lane = done.lane
        facts += done.facts
        tries = 0
        onProgress?.(done.lane.position, facts)
      })
      return facts
    } catch (error) {
      // What is refused is parked the next time round.
      if (error instanceof DocumentsRejected && error.documents > 0) continue
      const isAway = error instanceof StoreUnavailable || error instanceof ReadModelUnavailable
      if (!isAway || signal?.aborted || ++tries > MAX_REOPENED) throw error
      await sleep(backoffMs(tries, REOPEN), signal)
    }
  }
}

/** One subscription's worth of a build: from the checkpoint up to `upTo`, or to the first failure. */
const buildOn = async (
  { store, readModel, projections, upTo, maxBatch = 4_000, cacheSize = 10_000, signal }: BuildIntoOptions,
  known: Lane,
  condemned: Condemned,
  onDone: (done: BatchDone) => void,
): Promise<void> => {
  // The last commit may have been made although its answer was lost.
  const lane = (await readModel.lanes.read(known.id)) ?? known
  if (lane.position !== undefined && lane.position >= upTo) return
  const parked = condemned.addTo(await loadParkedNames(readModel, lane.id))
  const committer = await readModel.lanes.committer(lane.id, 'build')
  const source = await store.subscribeAll({ from: lane.position ?? 'start' }).catch(async (error: unknown) => {
    await committer.close()
    throw error
  })
  const batchWriter = createBatchWriter({
    readModel,
    source,
    lane,
    committer,
    routes: routesOf(projections),
    parked,
    condemned,
    maxBatch: () => maxBatch,
    cacheSize,
    onDone,
  })
  try {
    for (;;) {
      signal?.throwIfAborted()
      const batch = await Promise.race([batchWriter.next(), batchWriter.failed])
      const within = batch.facts.filter(({ position }) => position <= upTo)
      const unreadable = batch.unreadable.filter(({ position }) => position <= upTo)
      const over = batch.position !== undefined && batch.position >= upTo
      await batchWriter.apply({ ...batch, facts: within, unreadable, position: over ? upTo : batch.position })
      if (over) break
    }
    await batchWriter.drained()
  } finally {
    await batchWriter.close()
  }
}
