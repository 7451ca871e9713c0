// The projector: runs a group of projections over one subscription to the whole log, so that all its read models stand at the
// same position, and keeps their versions.

import { randomUUID } from 'node:crypto'
import type { Observable } from 'rxjs'
import type { Projection } from '../../projections/projection.ts'
import { errorText } from '../domain/errorText.ts'
import type { EventStore } from '../eventstore/index.ts'
import { sleep } from '../line/backoff.ts'
import { type Log, silentLog } from '../line/log.ts'
import type { Lane, ReadModel } from '../readmodel/index.ts'
import { type BuildOptions, type Built, buildBeside, followBeside } from './build.ts'
import { listParked, type ParkedKey } from './parked.ts'
import { createReached } from './reached.ts'
import { type Retried, retryParked } from './retry.ts'
import { type Lag, type LaneRun, type ProjectorMetrics, type RunState, runLane } from './runner.ts'
import { dropBeside, fitLane, previousBeside } from './versions.ts'

export type { ProjectedDocument, Projection } from '../../projections/projection.ts'
export { type Built, buildInto } from './build.ts'
export { createObserver } from './observer.ts'
export type { ParkedKey } from './parked.ts'
export type { Retried } from './retry.ts'
export type { Lag, ProjectorMetrics, RunState } from './runner.ts'

export interface ProjectorStatus {
  readonly state: RunState
  readonly position: bigint | undefined
  readonly lag: Lag
  /** The position has not moved for too long although there is something to do, or a newer program has the lane: not ready. */
  readonly stuck: boolean
  /** Milliseconds in which there was something to do and the position did not move; 0 while there is nothing to do. */
  readonly stillMs: number
  readonly error?: string
  /** Facts parked since the start of this process. */
  readonly parked: number
  /** Projections that are served as an older version left them while this program's version is built. */
  readonly outdated: readonly string[]
}

export interface ProjectorOptions {
  /** The name of the group, and of its checkpoint. */
  readonly group: string
  readonly projections: readonly Projection[]
  readonly store: EventStore
  readonly readModel: ReadModel
  readonly log?: Log
  readonly metrics?: ProjectorMetrics
  /** Facts of one batch at most. */
  readonly maxBatch?: number
  /** Documents kept in memory, of all projections together. */
  readonly cacheSize?: number
  /** A lane that has not moved for so long is taken over, ms. */
  readonly takeoverMs?: number
  /** Without any progress for so long the projector counts as stuck, ms. */
  readonly stuckAfterMs?: number
  /** Whether more commands wait than can be done soon: they go first, as long as nobody waits for what is new. */
  readonly isCrowded?: () => boolean
  /** Only follows the checkpoint, so that this process can wait for positions: another one does the work. */
  readonly observe?: boolean
  /** The clock that holds of lanes and the age of facts are told by, ms since the epoch. */
  readonly now?: () => number
  /** Is told whenever the lane has moved, or its members have changed. */
  readonly onLane?: (lane: Lane) => void
}

/** What every process knows of the read models: how far they are. */
export interface Observer {
  readonly group: string
  /** Everything up to here can be seen in the read models; undefined: nothing yet. */
  position(): bigint | undefined
  readonly position$: Observable<bigint | undefined>
  /**
   * True once the read models show everything up to `position`, false when the time is over first. `names`: only these read models
   * matter; without it all do, also one that stands still because a new version is being built.
   */
  waitFor(position: bigint, timeoutMs: number, names?: readonly string[]): Promise<boolean>
  stop(): Promise<void>
}

/** What the process that makes them can say and do beside. */
export interface Projector extends Observer {
  status(): ProjectorStatus
  parked(limit?: number): Promise<readonly ParkedKey[]>
  /** Shows a key its parked facts again. Safe beside any running projector. */
  retry(projection: string, key: string): Promise<Retried>
  /**
   * Builds a projection anew beside the live one, or goes on with a build that was begun, and puts it in its place. With
   * `promote: false` it is left beside, ready, and follows the log until this process stops or the projection is built again.
   */
  rebuild(name: string, options?: { signal?: AbortSignal; promote?: boolean }): Promise<Built>
  /** Puts what was built beside the live one in its place, caught up. */
  promote(name: string, options?: { signal?: AbortSignal }): Promise<Built>
  /** How far what this process keeps ready beside the live one is behind; undefined when it keeps none. */
  ready(name: string): Lag | undefined
  /** Puts what was live before the last promotion back in its place, caught up. */
  rollback(name: string, options?: { signal?: AbortSignal }): Promise<Built>
}

export const createProjector = ({
  group,
  projections,
  store,
  readModel,
  log = silentLog,
  metrics,
  maxBatch = 4_000,
  cacheSize = 100_000,
  takeoverMs = 1_500,
  stuckAfterMs = 10_000,
  isCrowded = () => false,
  observe = false,
  now = Date.now,
  onLane = () => undefined,
}: ProjectorOptions): Projector => {
  const writer = randomUUID()
  const stopping = new AbortController()
  const reached = createReached({ projections, readModel, signal: stopping.signal })
  /** Projections that the live lane does not fold now, and the promise of their build. */
  const building = new Map<string, Promise<unknown>>()
  let ran: ReadonlySet<string> | undefined

  const projectionNamed = (name: string): Projection => {
    const found = projections.find((projection) => projection.name === name)
    if (found === undefined) throw new Error(`group ${group} has no projection ${name}`)
    return found
  }

  const onMoved = (lane: Lane) => {
    onLane(lane)
    reached.moved(lane)
  }

  /** What is built and follows the log beside the live one, until it is promoted. */
  const followers = new Map<string, LaneRun>()

  const unfollow = async (name: string): Promise<boolean> => {
    const run = followers.get(name)
    followers.delete(name)
    await run?.stop()
    return run !== undefined
  }

  const optionsOf = (name: string, signal: AbortSignal): BuildOptions => ({
    store,
    readModel,
    log,
    group,
    projection: projectionNamed(name),
    writer,
    maxBatch,
    cacheSize,
    takeoverMs,
    now,
    signal,
  })

  const build = async (name: string, from: 'nothing' | 'beside' | 'previous', signal: AbortSignal): Promise<Built> => {
    const options = optionsOf(name, signal)
    // What stands there ready is no build that broke off: to build anew is to begin with nothing.
    if ((await unfollow(name)) && from === 'nothing') await dropBeside(readModel, group, name)
    const previous = () => previousBeside(readModel, group, options.projection, writer)
    return buildBeside(from === 'previous' ? { ...options, begin: previous } : options).finally(run.look)
  }

  const makeReady = async (name: string, signal: AbortSignal): Promise<Built> => {
    if (await unfollow(name)) await dropBeside(readModel, group, name)
    const built = await followBeside(optionsOf(name, signal))
    if (!built) return { kind: 'aborted' }
    followers.set(name, built.run)
    return { kind: 'ready', collection: built.collection }
  }

  /** Builds what this program has in a newer version than the lane; tried until it is done or the projector stops. */
  const buildOutdated = async (name: string): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const built = await build(name, 'nothing', stopping.signal)
        if (built.kind === 'promoted') return
      } catch (error) {
        log.warn({ group, projection: name, err: error }, 'projector: building a new version failed, trying again')
      }
      await sleep(1_000, stopping.signal)
    }
  }

  const run = runLane({
    id: group,
    writer,
    store,
    readModel,
    log,
    metrics,
    maxBatch,
    cacheSize,
    takeoverMs,
    now,
    observe,
    onMoved,
    lull: reached.lull,
    isCrowded,
    isCalm: () => reached.outdated().length === 0 && building.size === 0 && followers.size === 0,
    async prepare() {
      const fitted = await fitLane({ readModel, group, projections, writer, ran, now })
      ran = new Set(fitted.current.map(({ name }) => name))
      for (const { name } of fitted.outdated)
        if (!building.has(name))
          building.set(
            name,
            buildOutdated(name).finally(() => building.delete(name)),
          )
      return { lane: fitted.lane, projections: fitted.current }
    },
  })

  return {
    group,
    position: reached.position,
    position$: reached.position$,
    waitFor: reached.waitFor,
    status: () => ({
      state: run.state,
      position: reached.position(),
      lag: run.lag(),
      stuck: run.state === 'superseded' || (run.state !== 'stopped' && !observe && run.stillMs() > stuckAfterMs),
      stillMs: run.stillMs(),
      ...(run.error === undefined ? {} : { error: errorText(run.error) }),
      parked: run.parked(),
      outdated: reached.outdated(),
    }),
    parked: (limit) => listParked(readModel, group, limit),
    retry: (projection, key) => retryParked({ store, readModel, lane: group, projections, projection, key, writer }),
    rebuild: (name, { signal = stopping.signal, promote = true } = {}) =>
      promote ? build(name, 'nothing', signal) : makeReady(name, signal),
    promote: (name, { signal = stopping.signal } = {}) => build(name, 'beside', signal),
    ready: (name) => {
      const run = followers.get(name)
      return run && run.state !== 'stopped' ? run.lag() : undefined
    },
    rollback: (name, { signal = stopping.signal } = {}) => build(name, 'previous', signal),
    async stop() {
      stopping.abort()
      await run.stop()
      await Promise.all([...building.values(), ...[...followers.keys()].map(unfollow)])
      reached.close()
    },
  }
}
