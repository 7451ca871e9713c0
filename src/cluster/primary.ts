// The primary of a node that is several processes: it starts the workers, tells them what they need, starts those anew that end, and
// ends them all.
import cluster, { type Worker } from 'node:cluster'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EngineUrls } from '@tributary/engines'
import { AggregatorRegistry, type Registry } from 'prom-client'
import { builtFile } from '../built.ts'
import { backoffMs } from '../line/backoff.ts'
import type { Logger } from '../log.ts'
import { boardFile, createBoard } from '../node/board.ts'
import type { Busy, PrimaryPart } from '../node/part.ts'
import type { Lane } from '../readmodel/index.ts'
import { StartRefused } from '../startFault.ts'
import type { MetricsOfProcess, ToPrimary, ToWorker } from './messages.ts'

export interface PrimaryOptions {
  /** Worker processes. */
  readonly workers: number
  /** Where they listen; 0 takes any free port. */
  readonly port: number
  /** How long a worker may take to end when it is told to, ms. */
  readonly stopLimitMs: number
  /** A worker that says nothing for so long hangs: it is ended, and another takes its place, ms. */
  readonly silenceLimitMs: number
  readonly log: Logger
}

export interface Primary {
  readonly part: PrimaryPart
  /** Resolves, with the reason, when workers end again and again: the node cannot go on. */
  readonly failed: Promise<Error>
}

/** A worker that ends so soon after its start ended at once, ms. */
const AT_ONCE_MS = 10_000
/** So many that end at once in a row are a fault that a start does not mend. */
const MAX_AT_ONCE = 5
const RESTART = { baseMs: 100, maxMs: 5_000 }
/** How long a scrape waits for the metrics of a worker, ms. */
const SCRAPE_MS = 1_000
/** How long somebody's wait for a position hurries the read side, ms. */
const HURRY_MS = 10_000
/** A worker hangs when it has not answered so many questions in a row, each asked a part of the limit after the other. */
const QUESTIONS = 4
/** How often the workers are told whether the engines serve, ms; to tell them sooner is of no use. */
const LOOK_MS = 250

/** What only ever grows: a sum that fell would be taken for a new count from zero, and all of it for new. */
const growing = (metrics: MetricsOfProcess): MetricsOfProcess =>
  metrics.filter(({ type }) => ['counter', 'histogram'].includes(String(type)))

const sumOf = (all: readonly MetricsOfProcess[]): Registry => AggregatorRegistry.aggregate([...all])

const IDLE: Busy = { pending: 0, asked: 0, isCrowded: false }

/** One place of a worker: the process that fills it now. */
interface Place {
  readonly number: number
  worker: Worker | undefined
  isReady: boolean
  startedAt: number
  busy: Busy
  /** As they were at the last scrape that it answered. */
  metrics: MetricsOfProcess | undefined
  restarts: number
  /** Questions in a row that it has not answered. */
  unanswered: number
  timer: NodeJS.Timeout | undefined
}

export const createPrimary = ({ workers, port, stopLimitMs, silenceLimitMs, log }: PrimaryOptions): Primary => {
  const processes = workers + 1
  const file = boardFile(processes)
  const board = createBoard(file, processes, 0)
  const folder = mkdtempSync(join(tmpdir(), 'tributary-'))
  const socket = join(folder, 'primary')
  const places: Place[] = Array.from({ length: workers }, (_, n) => ({
    number: n + 1,
    worker: undefined,
    isReady: false,
    startedAt: 0,
    busy: IDLE,
    metrics: undefined,
    restarts: 0,
    unanswered: 0,
    timer: undefined,
  }))
  const scrapes = new Map<string, (metrics: MetricsOfProcess) => void>()
  let engines: EngineUrls | undefined
  let services: Parameters<PrimaryPart['begin']>[0] | undefined
  let lane: Lane | undefined
  /** Where they listen, once that is known. */
  let listensAt = port
  /** What they ask for: all that run the same, since it is that by which they share the port. */
  let asksFor = port
  /** What workers had counted that have ended. */
  let counted: Promise<readonly MetricsOfProcess[]> = Promise.resolve([])
  let isStopping = false
  let endedAtOnce = 0
  let askedBefore = 0
  let listening: (url: string) => void = () => undefined
  let fail: (error: Error) => void = () => undefined
  const failed = new Promise<Error>((resolve) => {
    fail = resolve
  })
  /** Is called whenever a worker has become ready. */
  let onReady = (): void => undefined

  // The workers accept by themselves. Handed over by the primary, a connection would cost two messages, and one that is on its way to a
  // worker that dies would hang for ever.
  cluster.schedulingPolicy = cluster.SCHED_NONE
  cluster.setupPrimary({
    exec: builtFile('worker.js'),
    args: [],
    serialization: 'advanced',
    // The board as file 4.
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', file],
  })

  const send = (worker: Worker | undefined, message: ToWorker): void => {
    // One that is just ending cannot be told any more; its end is seen by itself.
    if (worker?.isConnected()) worker.send(message, undefined, () => undefined)
  }
  const all = (message: ToWorker): void => {
    for (const { worker } of places) send(worker, message)
  }

  const take = (place: Place, message: ToPrimary): void => {
    place.unanswered = 0
    switch (message.kind) {
      case 'here':
        introduce(place)
        return
      case 'listening':
        listensAt = Number(new URL(message.url).port)
        listening(message.url)
        return
      case 'started':
        place.isReady = true
        onReady()
        return
      case 'refused':
        fail(new StartRefused(message.sentence))
        return
      case 'ask':
        void services?.projector.waitFor(message.position, HURRY_MS)
        return
      case 'job':
        services?.voucherJobs.begin(message.id)
        return
      case 'busy':
        place.busy = message.busy
        return
      case 'metrics':
        scrapes.get(`${place.number} ${message.id}`)?.(message.metrics)
        return
      case 'pong':
        return
      default:
        message satisfies never
    }
  }

  const introduce = (place: Place): void => {
    if (engines === undefined) return
    const { number, worker } = place
    const { eventStoreUrl, mongodbUrl } = engines
    send(worker, { kind: 'start', number, processes, engines: { eventStoreUrl, mongodbUrl }, socket, port: asksFor })
    if (services) begin(place)
    if (isStopping) send(worker, { kind: 'stop' })
  }

  const begin = (place: Place): void => {
    if (lane) send(place.worker, { kind: 'lane', lane })
    send(place.worker, { kind: 'begin' })
  }

  const start = (place: Place): void => {
    if (isStopping) return
    const worker = cluster.fork()
    Object.assign(place, { worker, isReady: false, startedAt: performance.now(), busy: IDLE, unanswered: 0 })
    worker.on('message', (message: ToPrimary) => take(place, message))
    worker.on('error', (error) => log.warn({ err: error, worker: place.number }, 'a worker cannot be told anything'))
    worker.once('exit', (code, signal) => ended(place, signal ?? `exit code ${code}`))
  }

  const ended = (place: Place, reason: string): void => {
    const ranMs = performance.now() - place.startedAt
    askedBefore += place.busy.asked
    const last = place.metrics && growing(place.metrics)
    if (last) counted = counted.then(async (all) => [await sumOf([...all, last]).getMetricsAsJSON()] as never)
    Object.assign(place, { worker: undefined, isReady: false, busy: IDLE, metrics: undefined })
    if (isStopping) {
      onReady()
      return
    }
    // Nobody has the port any more: where any free one was asked for, it is to be the same again.
    if (places.every(({ worker }) => worker === undefined)) asksFor = listensAt
    endedAtOnce = ranMs < AT_ONCE_MS ? endedAtOnce + 1 : 0
    if (endedAtOnce >= MAX_AT_ONCE) {
      fail(
        new StartRefused(
          `Worker ${place.number} has ended by ${reason}, the ${MAX_AT_ONCE}th within ${AT_ONCE_MS / 1_000} s of its start: the log says why.`,
        ),
      )
      return
    }
    place.restarts++
    const waitMs = endedAtOnce === 0 ? 0 : backoffMs(endedAtOnce, RESTART)
    log.error(
      { worker: place.number, reason },
      'a worker has ended; it is started anew, and what it acknowledged is in the log',
    )
    place.timer = setTimeout(() => start(place), waitMs)
  }

  let told: string | undefined
  const looking = setInterval(() => {
    const trouble = engines?.trouble()
    if (trouble === told) return
    told = trouble
    all({ kind: 'trouble', trouble })
  }, LOOK_MS).unref()

  // Questions are counted and not time: while the machine or this process sleeps, none is asked.
  const asking = setInterval(() => {
    for (const place of places) {
      const { number, worker, isReady } = place
      if (!isReady) continue
      if (place.unanswered++ < QUESTIONS) send(worker, { kind: 'ping' })
      else {
        log.error({ worker: number, silentMs: silenceLimitMs }, 'a worker hangs and is ended')
        worker?.process.kill('SIGKILL')
      }
    }
  }, silenceLimitMs / QUESTIONS).unref()

  const kill = (): void => {
    for (const { worker } of places) worker?.process.kill('SIGKILL')
  }
  process.on('exit', () => {
    kill()
    rmSync(folder, { recursive: true, force: true })
  })

  const orFailed = <T>(work: Promise<T>): Promise<T> =>
    Promise.race([work, failed.then((error) => Promise.reject(error))])

  let scraped = 0
  /** Those of the scrape before, if there was one, when it does not answer in time. */
  const metricsOf = (place: Place): Promise<MetricsOfProcess | undefined> =>
    new Promise((resolve) => {
      const id = ++scraped
      const { number, worker } = place
      const name = `${number} ${id}`
      const done = (metrics?: MetricsOfProcess) => {
        clearTimeout(timer)
        scrapes.delete(name)
        // One that has ended meanwhile has counted what it had.
        if (place.worker !== worker) return resolve(undefined)
        place.metrics = metrics ?? place.metrics
        resolve(place.metrics)
      }
      const timer = setTimeout(() => done(), SCRAPE_MS)
      scrapes.set(name, done)
      send(worker, { kind: 'scrape', id })
    })

  const part: PrimaryPart = {
    kind: 'primary',
    board,
    socket,
    open(given) {
      engines = given
      const url = new Promise<string>((resolve) => {
        listening = resolve
      })
      for (const place of places) start(place)
      return orFailed(url)
    },
    moved(now) {
      lane = now
      if (services) all({ kind: 'lane', lane: now })
    },
    confirmed: () => all({ kind: 'confirmed' }),
    busy: () => ({
      pending: places.reduce((sum, { busy }) => sum + busy.pending, 0),
      asked: places.reduce((sum, { busy }) => sum + busy.asked, askedBefore),
      isCrowded: places.some(({ busy }) => busy.isCrowded),
    }),
    begin(given) {
      services = given
      const ready = new Promise<void>((resolve) => {
        onReady = () => {
          if (places.every(({ isReady }) => isReady)) resolve()
        }
      })
      for (const place of places) begin(place)
      return orFailed(ready)
    },
    check() {
      const ready = places.filter(({ isReady }) => isReady).length
      return {
        ok: ready > 0,
        ready,
        of: workers,
        restarts: places.reduce((sum, { restarts }) => sum + restarts, 0),
        ...(ready > 0 ? {} : { reason: 'no worker takes requests' }),
      }
    },
    async scrape(own: Registry) {
      const others = await Promise.all(places.filter(({ isReady }) => isReady).map(metricsOf))
      const here = (await own.getMetricsAsJSON()) as unknown as MetricsOfProcess
      return sumOf([here, ...(await counted), ...others.filter((one) => one !== undefined)]).metrics()
    },
    async stop() {
      if (isStopping) return
      isStopping = true
      clearInterval(looking)
      clearInterval(asking)
      for (const { timer } of places) clearTimeout(timer)
      const gone = new Promise<void>((resolve) => {
        onReady = () => {
          if (places.every(({ worker }) => worker === undefined)) resolve()
        }
      })
      onReady()
      all({ kind: 'stop' })
      const late = setTimeout(kill, stopLimitMs)
      await gone
      clearTimeout(late)
    },
  }
  return { part, failed }
}
