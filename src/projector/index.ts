// The projector: runs a group of projections over one subscription to the whole log, so that all its read models stand at the
// same position. RxJS is the control plane (open, retry, stop, observe); batches are pulled.
import { randomUUID } from 'node:crypto'
import {
  BehaviorSubject,
  concatMap,
  defer,
  finalize,
  from,
  merge,
  type Observable,
  repeat,
  retry,
  Subject,
  switchMap,
  takeUntil,
} from 'rxjs'
import type { Projection } from '../../projections/projection.ts'
import type { EventStore, Source } from '../eventstore/index.ts'
import { backoffMs, sleep } from '../line/backoff.ts'
import { type Log, silentLog } from '../line/log.ts'
import type { Lane, Member, ReadModel } from '../readmodel/index.ts'
import { routesOf } from './fold.ts'
import { listParked, loadParkedNames, PARKED, PARKED_INDEXES, type ParkedKey } from './parked.ts'
import { createProgress } from './progress.ts'
import { type Retried, retryParked } from './retry.ts'
import { type BatchDone, condemnedName, createSession, DocumentsRejected, LaneLost, type Session } from './session.ts'
import { createWaiters } from './waiters.ts'

export type { Projection } from '../../projections/projection.ts'
export type { ParkedKey } from './parked.ts'
export type { Retried } from './retry.ts'

export type ProjectorState =
  /** Opening, or waiting to open again after a failure. */
  | 'starting'
  | 'catching_up'
  | 'live'
  /** Another projector does the work; this one follows its checkpoint and takes over when it stands still. */
  | 'standby'
  /** A newer program has taken the lane: this one only follows. */
  | 'superseded'
  | 'stopped'

export interface ProjectorStatus {
  readonly state: ProjectorState
  readonly position: bigint | undefined
  readonly lag: Lag
  /** Nothing has moved for too long although there is something to do, or the last failure goes on: not ready. */
  readonly stuck: boolean
  readonly error?: string
  /** Parked facts since the start of this process. */
  readonly parked: number
}

export interface Lag {
  /** Facts received and not yet committed; the log may hold more that have not been received. */
  readonly events: number
  /** Age of the newest committed fact while older ones are still to come; 0 when caught up. */
  readonly seconds: number
}

export interface ProjectorMetrics {
  /** One batch is committed. */
  batch(done: {
    readonly facts: number
    readonly documents: number
    readonly parked: number
    readonly ms: number
  }): void
  failure(error: unknown): void
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
  /** Documents kept in memory per projection. */
  readonly cacheSize?: number
  /** A lane that has not moved for so long is taken over, ms. */
  readonly takeoverMs?: number
  /** Without any progress for so long the projector counts as stuck, ms. */
  readonly stuckAfterMs?: number
  /** Only follows the checkpoint, so that this process can wait for positions: another one does the work. */
  readonly observe?: boolean
}

export interface Projector {
  readonly group: string
  /** Everything up to here can be seen in the read models; undefined: nothing yet. */
  position(): bigint | undefined
  readonly position$: Observable<bigint | undefined>
  /** True once the read models show everything up to `position`; false when the time is over first. */
  waitFor(position: bigint, timeoutMs: number): Promise<boolean>
  status(): ProjectorStatus
  parked(limit?: number): Promise<readonly ParkedKey[]>
  /** Shows a key its parked facts again. Safe beside any running projector. */
  retry(projection: string, key: string): Promise<Retried>
  stop(): Promise<void>
}

const REOPEN = { baseMs: 50, maxMs: 1_000 }
/** How often a lane that another projector moves is looked at, ms. */
const FOLLOW_MS = 50

export const physicalName = ({ name, version }: Pick<Projection, 'name' | 'version'>): string => `${name}_v${version}`

export const createProjector = ({
  group,
  projections,
  store,
  readModel,
  log = silentLog,
  metrics,
  maxBatch = 4_000,
  cacheSize = 10_000,
  takeoverMs = 1_500,
  stuckAfterMs = 10_000,
  observe = false,
}: ProjectorOptions): Projector => {
  const writer = randomUUID()
  const routes = routesOf(projections)
  /** Keys whose documents the store refused, with the reason, until their first fact is parked. */
  const condemned = new Map<string, string>()
  const waiters = createWaiters()
  const position$ = new BehaviorSubject<bigint | undefined>(undefined)
  const stop$ = new Subject<void>()
  const stopping = new AbortController()
  const progress = createProgress()

  let state: ProjectorState = 'starting'
  let lastError: unknown
  /** After a document was refused without its key being known, facts go one by one until it is found. */
  let oneByOne = 0
  let opening: Promise<unknown> = Promise.resolve()
  let current: { readonly session: Session; readonly source: Source } | undefined
  let prepared = false

  const moved = (lane: Lane) => {
    readModel.aliases.note(lane.members)
    if (lane.position === undefined || lane.position === position$.value) return
    progress.moved(lane.position)
    position$.next(lane.position)
    waiters.moved(lane.position)
  }

  const prepare = async () => {
    if (prepared) return
    await readModel.prepare(PARKED, PARKED_INDEXES)
    for (const projection of projections) await readModel.prepare(physicalName(projection), projection.indexes)
    prepared = true
  }

  const members = (): Record<string, Member> =>
    Object.fromEntries(projections.map((p) => [p.name, { collection: physicalName(p), version: p.version }]))

  const loadParked = async () => {
    const parked = await loadParkedNames(readModel, group)
    for (const name of condemned.keys()) {
      const at = name.indexOf(' ')
      parked.add(name.slice(0, at), name.slice(at + 1))
    }
    return parked
  }

  const openSession = async (): Promise<Session> => {
    await prepare()
    const lane = await readModel.lanes.create({ id: group, members: members(), writer })
    for (const [name, live] of Object.entries(lane.members)) await readModel.aliases.create({ _id: name, group, live })
    const parked = await loadParked()
    const head = await store.head()
    const source = await store.subscribeAll({ from: lane.position ?? 'start' })
    progress.opened(lane.position, head)
    moved(lane)
    state = 'catching_up'
    const session = createSession({
      readModel,
      source,
      lane,
      writer,
      routes,
      parked,
      condemned,
      maxBatch: () => (oneByOne > 0 ? 1 : maxBatch),
      cacheSize,
      onDone(done: BatchDone) {
        lastError = undefined
        if (oneByOne > 0) oneByOne -= done.facts
        const ms = progress.done(done)
        metrics?.batch({ facts: done.facts, documents: done.documents, parked: done.parked, ms })
        moved(done.lane)
        state = done.caughtUp || progress.atHead() ? 'live' : 'catching_up'
      },
    })
    current = { session, source }
    return session
  }
  const open = () => {
    const session = openSession()
    opening = session.catch(() => undefined)
    return session
  }

  const close = async () => {
    await opening
    await current?.session.close()
    current = undefined
  }

  /** Follows the lane while somebody else moves or holds it; ends when it has stood still for long enough, or is let go. */
  const follow = async (): Promise<void> => {
    let seq: number | undefined
    let held = false
    let movedAt = performance.now()
    const patience = takeoverMs * (1 + Math.random() / 2)
    while (!stopping.signal.aborted) {
      const lane = await readModel.lanes.read(group)
      if (lane) {
        moved(lane)
        const holds = lane.heldUntil > Date.now()
        if (held && !holds && !observe) return
        held = holds
        if (lane.seq !== seq || holds) movedAt = performance.now()
        seq = lane.seq
      }
      if (!observe && performance.now() - movedAt > patience) return
      await sleep(FOLLOW_MS, stopping.signal)
    }
  }

  const noteFailure = (error: unknown) => {
    if (lastError === undefined) log.warn({ group, err: error }, 'projector: failed, trying again')
    lastError = error
    metrics?.failure(error)
  }

  /** What is done about a failure before the lane is opened again. Never rejects. */
  const recover = async (error: unknown, tries: number): Promise<void> => {
    await close()
    if (error instanceof DocumentsRejected) {
      log.error(
        { group, projection: error.projection, keys: error.keys, reason: error.reason },
        'projector: document refused',
      )
      metrics?.failure(error)
      if (error.keys.length === 0) oneByOne = 2 * maxBatch
      for (const key of error.keys) condemned.set(condemnedName(error.projection, key), error.reason)
      return
    }
    if (error instanceof LaneLost) {
      state = 'standby'
      try {
        await follow()
      } catch (trouble) {
        noteFailure(trouble)
        await sleep(backoffMs(1, REOPEN), stopping.signal)
      }
      return
    }
    state = 'starting'
    noteFailure(error)
    await sleep(backoffMs(tries, REOPEN), stopping.signal)
  }

  const work$ = defer(open).pipe(
    switchMap((session) =>
      merge(
        from(session.failed),
        defer(() => session.next()).pipe(
          concatMap((batch) => session.apply(batch)),
          repeat(),
        ),
      ).pipe(finalize(() => void session.close())),
    ),
  )
  const observe$ = defer(() => {
    state = 'standby'
    return follow()
  })
  const running = (observe ? observe$ : work$)
    .pipe(
      retry({ delay: (error, tries) => defer(() => recover(error, tries)), resetOnSuccess: true }),
      takeUntil(stop$),
    )
    .subscribe({
      error: (error: unknown) => {
        // Nothing gets here but a fault of this file.
        lastError = error
        log.error({ group, err: error }, 'projector: ended by an error')
      },
    })

  const lag = (): Lag => ({
    events: progress.behind(current?.source.buffered ?? 0, state === 'live'),
    seconds: state === 'live' ? 0 : progress.ageSeconds(),
  })

  return {
    group,
    position: () => position$.value,
    position$: position$.asObservable(),
    waitFor: (position, timeoutMs) => waiters.wait(position, timeoutMs),
    status: () => ({
      state,
      position: position$.value,
      lag: lag(),
      stuck: state !== 'stopped' && state !== 'live' && !observe && progress.stillMs() > stuckAfterMs,
      ...(lastError === undefined ? {} : { error: lastError instanceof Error ? lastError.message : String(lastError) }),
      parked: progress.parked(),
    }),
    parked: (limit) => listParked(readModel, group, limit),
    retry: (projection, key) => retryParked({ store, readModel, lane: group, projections, projection, key }),
    async stop() {
      stopping.abort()
      stop$.next()
      running.unsubscribe()
      state = 'stopped'
      await close()
      waiters.close()
      position$.complete()
    },
  }
}
