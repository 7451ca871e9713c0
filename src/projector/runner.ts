// Runs one lane: opens sessions, opens them again after failures, steps back when another projector is at work, stops.
// RxJS is the control plane; batches are pulled, one after the other.
import {
  concatMap,
  defer,
  finalize,
  from,
  ignoreElements,
  merge,
  type Observable,
  race,
  repeat,
  retry,
  Subject,
  switchMap,
  take,
  takeUntil,
  timer,
} from 'rxjs'
import type { Projection } from '../../projections/projection.ts'
import type { Batch, EventStore, Source } from '../eventstore/index.ts'
import { backoffMs, sleep } from '../line/backoff.ts'
import type { Log } from '../line/log.ts'
import type { Lane, ReadModel } from '../readmodel/index.ts'
import { type BatchDone, type BatchWriter, createBatchWriter, DocumentsRejected, LaneLost } from './batchWriter.ts'
import { createCondemned } from './condemned.ts'
import { routesOf } from './fold.ts'
import { createLull } from './lull.ts'
import { loadParkedNames } from './parked.ts'
import { createProgress } from './progress.ts'

export type RunState =
  /** Opening, or waiting to open again after a failure. */
  | 'starting'
  | 'catching_up'
  | 'live'
  /** Another projector does the work; this one follows its checkpoint and takes over when it stands still. */
  | 'standby'
  /** A newer program has taken the lane: this one only follows. */
  | 'superseded'
  | 'stopped'

/** The lane belongs to a newer program. */
export class Superseded extends Error {
  override readonly name = 'Superseded'
}

/** The lane is no more: it was promoted, or given up. */
export class LaneGone extends Error {
  override readonly name = 'LaneGone'
}

export interface Lag {
  /** Facts still to come: those received and not yet committed, or an estimate from the bytes of log that are left. */
  readonly events: number
  /** Age of the newest committed fact while others are still to come; 0 when caught up. */
  readonly seconds: number
}

export interface ProjectorMetrics {
  /** One batch is committed; `ms` since the one before, waiting for facts included. */
  batch(done: {
    readonly facts: number
    readonly documents: number
    readonly parked: number
    readonly ms: number
  }): void
  failure(error: unknown): void
}

export interface RunOptions {
  readonly id: string
  readonly writer: string
  readonly store: EventStore
  readonly readModel: ReadModel
  readonly log: Log
  readonly metrics?: ProjectorMetrics | undefined
  /** Makes the lane what it is to be, before each new writer of batches; says what is folded into it. Rejects with Superseded. */
  readonly prepare: () => Promise<{ readonly lane: Lane; readonly projections: readonly Projection[] }>
  /** The lane has moved, whoever moved it. */
  readonly onMoved: (lane: Lane) => void
  readonly maxBatch: number
  readonly cacheSize: number
  readonly takeoverMs: number
  readonly observe?: boolean
  /** Resolves after `ms`, sooner when somebody cannot wait so long for what is new. */
  readonly lull?: (ms: number) => Promise<void>
  /** Nobody is known to be about to change the lane. */
  readonly isCalm?: () => boolean
  /** The clock that holds of lanes are told by, ms since the epoch. */
  readonly now?: () => number
  /** Whether more commands wait than can be done soon: they go first, as long as nobody waits for what is new. */
  readonly isCrowded?: () => boolean
}

export interface LaneRun {
  readonly state: RunState
  readonly error: unknown
  lag(): Lag
  /** Milliseconds in which there was something to do and the position did not move. */
  stillMs(): number
  /** Facts parked since the start. */
  parked(): number
  /** Looks at once whether somebody else has changed the lane. */
  look(): void
  /** Waits for the commit under way. */
  stop(): Promise<void>
}

/** Batches of so many facts gain nothing by being larger. */
const LARGE_BATCH = 500

const REOPEN = { baseMs: 50, maxMs: 1_000 }
/** How often a lane that another projector moves is looked at, ms; up to so many times less often while nobody waits and it stands. */
const FOLLOW_MS = 50
const LONGEST_FOLLOW = 10
/**
 * How often an idle projector looks whether somebody else has changed its lane, ms: at first, and at last when nothing happens.
 * Whoever has something to commit finds out by that.
 */
const CHECK_MS = 500
const LONGEST_CHECK_MS = 10_000
/** How often a program that was superseded looks whether it still is, ms. */
const SUPERSEDED_MS = 5_000

export const runLane = ({
  id,
  writer,
  store,
  readModel,
  log,
  metrics,
  prepare,
  onMoved,
  maxBatch,
  cacheSize,
  takeoverMs,
  observe = false,
  lull = () => Promise.resolve(),
  isCalm = () => false,
  now = Date.now,
  isCrowded = () => false,
}: RunOptions): LaneRun => {
  const condemned = createCondemned()
  const stop$ = new Subject<void>()
  const look$ = new Subject<void>()
  /** Looks at the lane in a row with nothing committed in between. */
  let checks = 0
  const stopping = new AbortController()
  const progress = createProgress(now)

  let state: RunState = observe ? 'standby' : 'starting'
  let lastError: unknown
  /** After a document was refused without its key being known, so many facts go one by one until it is found. */
  let oneByOne = 0
  let lostInARow = 0
  let opening: Promise<unknown> = Promise.resolve()
  const pause = createLull({ isCrowded, clock: () => performance.now() })
  let current: { readonly batchWriter: BatchWriter; readonly source: Source } | undefined

  const moved = (lane: Lane) => {
    if (lane.position !== undefined) progress.moved(lane.position)
    onMoved(lane)
  }

  const openBatchWriter = async (): Promise<BatchWriter> => {
    const { lane, projections } = await prepare()
    const parked = condemned.addTo(await loadParkedNames(readModel, id))
    const head = await store.head()
    const source = await store.subscribeAll({ from: lane.position ?? 'start' })
    const committer = await readModel.lanes.committer(id, writer).catch(async (error: unknown) => {
      await source.close()
      throw error
    })
    progress.opened(lane.position, head)
    moved(lane)
    state = 'catching_up'
    const batchWriter = createBatchWriter({
      readModel,
      source,
      lane,
      committer,
      routes: routesOf(projections),
      parked,
      condemned,
      maxBatch: () => (oneByOne > 0 ? 1 : maxBatch),
      cacheSize,
      onDone(done: BatchDone) {
        if (done.lane !== lane || done.caughtUp) lastError = undefined
        pause.done()
        if (done.lane !== lane) lostInARow = 0
        if (oneByOne > 0) oneByOne -= done.facts
        const ms = progress.done(done)
        metrics?.batch({ facts: done.facts, documents: done.documents, parked: done.parked, ms })
        state = done.caughtUp || progress.atHead() ? 'live' : 'catching_up'
        moved(done.lane)
      },
    })
    current = { batchWriter, source }
    return batchWriter
  }
  const open = () => {
    const batchWriter = openBatchWriter()
    opening = batchWriter.catch(() => undefined)
    return batchWriter
  }

  const close = async () => {
    await opening
    await current?.batchWriter.close()
    current = undefined
    progress.closed()
  }

  /** Follows the lane while somebody else moves or holds it; ends when it has stood still for `patience` ms, or is let go. */
  const follow = async (
    patience: number,
    { ownIsFree = false }: { readonly ownIsFree?: boolean } = {},
  ): Promise<'still' | 'free'> => {
    let seq: number | undefined
    let held = false
    let movedAt = performance.now()
    let stands = 0
    while (!stopping.signal.aborted) {
      const lane = await readModel.lanes.read(id)
      if (lane) {
        moved(lane)
        const holds = lane.heldUntil > now()
        // Let go by a holder, or changed by this process itself: nobody else is at work.
        if (!holds && (held || (ownIsFree && lane.writer === writer))) return 'free'
        held = holds
        if (lane.seq !== seq || holds) movedAt = performance.now()
        stands = lane.seq !== seq || holds ? 0 : stands + 1
        seq = lane.seq
      }
      if (performance.now() - movedAt > patience) return 'still'
      await lull(FOLLOW_MS * Math.min(LONGEST_FOLLOW - 1, stands))
      await sleep(FOLLOW_MS, stopping.signal)
    }
    return 'free'
  }

  const noteFailure = (error: unknown) => {
    if (lastError === undefined) log.warn({ lane: id, err: error }, 'projector: failed, trying again')
    else log.debug({ lane: id, err: error }, 'projector: failed again')
    lastError = error
    metrics?.failure(error)
  }

  const stepBack = async (to: RunState, patience: number, lost?: LaneLost): Promise<void> => {
    state = to
    // The first time an open transaction may be one that this process left itself: opening again ends it.
    const ownIsFree = lost === undefined || !lost.underWay || lostInARow === 1
    try {
      const found = await follow(patience, { ownIsFree })
      if (found === 'still' && lost?.underWay) await readModel.lanes.endOthers(id, writer)
    } catch (error) {
      noteFailure(error)
      await sleep(backoffMs(1, REOPEN), stopping.signal)
    }
  }

  /** What is done about a failure before the lane is opened again. Never rejects. */
  const recover = async (error: unknown, tries: number): Promise<void> => {
    await close()
    if (error instanceof LaneLost) {
      // A transaction may take its time; one that is open for several times as long was left by a process that is gone.
      lostInARow++
      // Whoever has moved the lane has met the same documents.
      condemned.clear()
      return stepBack('standby', takeoverMs * (error.underWay ? 3 : 1) * (1 + Math.random() / 2), error)
    }
    if (error instanceof Superseded) {
      if (state !== 'superseded') log.warn({ lane: id, reason: error.message }, 'projector: superseded')
      lastError = error
      return stepBack('superseded', SUPERSEDED_MS)
    }
    if (error instanceof LaneGone) {
      log.info({ lane: id }, 'projector: the lane is gone')
      stopping.abort()
      stop$.next()
      state = 'stopped'
      return
    }
    if (error instanceof DocumentsRejected) {
      log.error({ lane: id, documents: error.documents, reason: error.message }, 'projector: documents refused')
      metrics?.failure(error)
      state = 'starting'
      lastError = error
      if (error.documents > 0) return
      // A batch of one fact names its documents itself, unless what is refused is not theirs.
      if (oneByOne > 0) await sleep(backoffMs(tries, REOPEN), stopping.signal)
      oneByOne = 2 * maxBatch
      return
    }
    state = 'starting'
    noteFailure(error)
    await sleep(backoffMs(tries, REOPEN), stopping.signal)
  }

  /** Longer and longer while the lane is left alone and nothing is being built. */
  const pauseBeforeCheck = (): number => {
    checks = isCalm() ? checks + 1 : 0
    return Math.min(LONGEST_CHECK_MS, CHECK_MS * 2 ** Math.min(checks, 10)) * (1 - Math.random() / 4)
  }

  const nextBatch = async (batchWriter: BatchWriter): Promise<Batch> => {
    await lull(pause.left())
    const batch = await batchWriter.next()
    if (current?.batchWriter === batchWriter) progress.taken()
    pause.taken(batch.caughtUp && oneByOne === 0 && batch.facts.length < LARGE_BATCH)
    checks = 0
    return batch
  }

  const work$ = defer(open).pipe(
    switchMap((batchWriter) =>
      merge(
        from(batchWriter.failed),
        defer(() => race(timer(pauseBeforeCheck()), look$).pipe(take(1))).pipe(
          concatMap(() => batchWriter.check()),
          repeat(),
          ignoreElements(),
        ),
        defer(() => nextBatch(batchWriter)).pipe(
          concatMap((batch) => batchWriter.apply(batch)),
          repeat(),
        ),
      ).pipe(finalize(() => void batchWriter.close())),
    ),
  )
  const observe$ = defer(() => follow(Number.POSITIVE_INFINITY)).pipe(repeat())
  const run$: Observable<unknown> = observe ? observe$ : work$
  const running = run$
    .pipe(
      retry({ delay: (error, tries) => defer(() => recover(error, tries)), resetOnSuccess: true }),
      takeUntil(stop$),
    )
    .subscribe({
      error(error: unknown) {
        // Nothing gets here but a fault of this file.
        lastError = error
        log.error({ lane: id, err: error }, 'projector: ended by an error')
      },
    })

  return {
    get state() {
      return state
    },
    get error() {
      return lastError
    },
    lag: () => ({
      events: progress.behind(current?.source.buffered ?? 0, state === 'live'),
      seconds: state === 'live' ? 0 : progress.ageSeconds(),
    }),
    stillMs: () => progress.stillMs(),
    parked: () => progress.parked(),
    look: () => look$.next(),
    async stop() {
      stopping.abort()
      stop$.next()
      running.unsubscribe()
      state = 'stopped'
      await close()
      state = 'stopped'
    },
  }
}
