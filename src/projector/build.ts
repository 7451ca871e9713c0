// Building read models from the beginning of the log: beside the live one until it can be swapped in, or into a store of its own
// up to a given position.
import { randomUUID } from 'node:crypto'
import type { Projection } from '../../projections/projection.ts'
import type { EventStore } from '../eventstore/index.ts'
import { sleep } from '../line/backoff.ts'
import type { Log } from '../line/log.ts'
import type { Lane, ReadModel } from '../readmodel/index.ts'
import { createParkedNames, routesOf } from './fold.ts'
import { PARKED, PARKED_INDEXES } from './parked.ts'
import { runLane } from './runner.ts'
import { createSession } from './session.ts'
import { indexesWhileBuilding, laneBeside, swap } from './versions.ts'

export type Built =
  | { readonly kind: 'promoted'; readonly position: bigint | undefined; readonly collection: string }
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
  readonly signal: AbortSignal
  /** Where to begin; default: the build begun before, else an empty collection. */
  readonly begin?: () => Promise<Lane>
}

/**
 * Builds a projection in a lane of its own while the live one goes on, and swaps them once both stand at the same place. What was
 * built stays when it is aborted, and the next build goes on with it.
 */
export const buildBeside = async ({
  store,
  readModel,
  log,
  group,
  projection,
  writer,
  maxBatch,
  cacheSize,
  takeoverMs,
  signal,
  begin = () => laneBeside(readModel, group, projection, writer),
}: BuildOptions): Promise<Built> => {
  const { id, members } = await begin()
  const { collection } = members[projection.name]!
  let indexed = false
  for (let tries = 0; !signal.aborted; tries++) {
    const run = runLane({
      id,
      writer: randomUUID(),
      store,
      readModel,
      log,
      maxBatch,
      cacheSize,
      takeoverMs,
      onMoved: () => undefined,
      async prepare() {
        const lane = await readModel.lanes.read(id)
        if (lane === undefined) throw new Error(`lane ${id} is gone`)
        return { lane, projections: [projection] }
      },
    })
    while (run.state !== 'live' && !signal.aborted) await sleep(20, signal)
    await run.stop()
    if (signal.aborted) break
    if (!indexed) {
      // Takes its time, in which the log goes on: once more round.
      await readModel.prepare(collection, projection.indexes)
      indexed = true
      continue
    }
    const swapped = await swap({ store, readModel, group, projection, writer })
    if (swapped.kind === 'promoted') {
      log.info({ group, projection: projection.name, collection: swapped.collection }, 'projector: promoted')
      return swapped
    }
    await sleep(Math.min(1_000, 20 * 2 ** tries), signal)
  }
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

/**
 * Builds read models up to exactly `upTo` in an empty database, for comparing them by key with what is served. Rejects with the first
 * failure. Gives the facts seen; what could not be folded is in the database's `parked`.
 */
export const buildInto = async ({
  store,
  readModel,
  projections,
  upTo,
  maxBatch = 4_000,
  cacheSize = 10_000,
  signal,
  onProgress,
}: BuildIntoOptions): Promise<number> => {
  const members: Record<string, { collection: string; version: number }> = {}
  await readModel.prepare(PARKED, PARKED_INDEXES)
  for (const projection of projections) {
    const { name, version } = projection
    members[name] = { collection: name, version }
    await readModel.prepare(name, indexesWhileBuilding(projection))
    await readModel.aliases.create({ _id: name, group: 'build', live: members[name] })
  }
  const lane = await readModel.lanes.create({ id: 'build', members, writer: 'build' })
  const source = await store.subscribeAll({ from: 'start' })
  let facts = 0
  const session = createSession({
    readModel,
    source,
    lane,
    committer: await readModel.lanes.committer(lane.id, 'build'),
    routes: routesOf(projections),
    parked: createParkedNames(),
    condemned: new Map(),
    maxBatch: () => maxBatch,
    cacheSize,
    onDone(done) {
      facts += done.facts
      onProgress?.(done.lane.position, facts)
    },
  })
  try {
    for (;;) {
      signal?.throwIfAborted()
      const batch = await Promise.race([session.next(), session.failed])
      const within = batch.facts.filter(({ position }) => position <= upTo)
      const unreadable = batch.unreadable.filter(({ position }) => position <= upTo)
      const over = batch.position !== undefined && batch.position >= upTo
      await session.apply({ ...batch, facts: within, unreadable, position: over ? upTo : batch.position })
      if (over) break
    }
    await session.drained()
  } finally {
    await session.close()
  }
  return facts
}
