// A worker process of a node: it takes requests at the port that it shares with the others.
import { dirname, join } from 'node:path'
import process from 'node:process'
import { keepPrivate } from '@tributary/engines/private'
import { loadConfig } from '../config.ts'
import { errorBody, newRequestId, unavailable } from '../http/errors.ts'
import { createLogger } from '../log.ts'
import { createBoard } from '../node/board.ts'
import type { Busy, WorkerPart } from '../node/part.ts'
import { startNode } from '../node.ts'
import type { Lane } from '../readmodel/index.ts'
import { startFault } from '../startFault.ts'
import type { MetricsOfProcess, ToPrimary, ToWorker } from './messages.ts'
import { createPassing } from './pass.ts'

/** The file of the board, as the primary hands it over. */
const BOARD_FILE = 4
/** How often the primary is told how much there is to do, ms, where that has changed. */
const REPORT_MS = 250

type Start = Extract<ToWorker, { kind: 'start' }>

const tell = (message: ToPrimary): void => {
  // A primary that is gone is told nothing; this process ends with it.
  if (process.connected) process.send?.(message, undefined, {}, () => undefined)
}

const run = async ({ number, processes, engines, socket, port }: Start): Promise<void> => {
  const config = { ...loadConfig(process.env), port }
  const log = createLogger(config.logLevel).child({ worker: number })
  process.title = `tributary worker ${number}`
  let trouble: string | undefined
  let lane: Lane | undefined
  let begin: () => void = () => undefined
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const laneListeners = new Set<(lane: Lane) => void>()
  const confirmListeners = new Set<() => void>()
  const passing = createPassing(socket, (outgoing, error) => {
    log.warn({ err: error }, 'the primary does not answer')
    if (outgoing.headersSent) return void outgoing.destroy()
    const body = JSON.stringify(errorBody(unavailable('The node cannot answer this now', 1), newRequestId()))
    outgoing.writeHead(503, { 'Content-Type': 'application/json', 'Retry-After': '1' }).end(body)
  })
  let reported: Busy = { pending: 0, asked: 0, isCrowded: false }
  let reportedAt = 0

  const part: WorkerPart = {
    kind: 'worker',
    number,
    workers: processes - 1,
    // Beside that of the primary, where nobody else can look.
    socketOf: (of) => join(dirname(socket), `worker-${of}`),
    board: createBoard(BOARD_FILE, processes, number),
    engines: { ...engines, failed: new Promise(() => undefined), trouble: () => trouble, stop: async () => undefined },
    listening: (url) => tell({ kind: 'listening', url }),
    begun,
    onLane(moved) {
      if (lane) moved(lane)
      laneListeners.add(moved)
      return () => laneListeners.delete(moved)
    },
    askFor: (position) => tell({ kind: 'ask', position }),
    beginJob: (id) => tell({ kind: 'job', id }),
    onConfirmed: (listener) => void confirmListeners.add(listener),
    report(busy) {
      const isSame = busy.asked === reported.asked && busy.pending === reported.pending
      const isUrgent = busy.isCrowded !== reported.isCrowded
      if (!isUrgent && (isSame || performance.now() - reportedAt < REPORT_MS)) return
      reported = busy
      reportedAt = performance.now()
      tell({ kind: 'busy', busy })
    },
    pass: passing.pass,
  }

  const waiting = new AbortController()
  let node: Awaited<ReturnType<typeof startNode>> | undefined
  const stop = async (): Promise<void> => {
    waiting.abort(new Error('stopped by the primary'))
    const late = await (node ?? started.catch(() => undefined))
    await late?.stop()
    passing.close()
    log.flush(() => process.exit(0))
  }
  process.on('message', (message: ToWorker) => {
    switch (message.kind) {
      case 'begin':
        return begin()
      case 'lane':
        lane = message.lane
        for (const moved of laneListeners) moved(message.lane)
        return
      case 'trouble':
        trouble = message.trouble
        return
      case 'confirmed':
        for (const listener of confirmListeners) listener()
        return
      case 'scrape': {
        const { id } = message
        void node?.metrics.registry
          .getMetricsAsJSON()
          .then((metrics) => tell({ kind: 'metrics', id, metrics: metrics as unknown as MetricsOfProcess }))
        return
      }
      case 'ping':
        tell({ kind: 'pong' })
        return
      case 'stop':
        void stop().catch((error: unknown) => {
          log.fatal({ err: error }, 'the stop failed')
          log.flush(() => process.exit(1))
        })
        return
      case 'start':
        return
      default:
        message satisfies never
    }
  })

  const started = startNode(config, log, { signal: waiting.signal, part })
  try {
    node = await started
    tell({ kind: 'started' })
  } catch (error) {
    if (waiting.signal.aborted) return
    const sentence = startFault(error, config)
    if (sentence === undefined) throw error
    tell({ kind: 'refused', sentence })
  }
}

process.setSourceMapsEnabled(true)
keepPrivate()
// Ctrl-C and a service manager tell every process of the group; this one ends when the primary says so.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
process.once('disconnect', () => process.exit(0))
process.on('message', function first(message: ToWorker) {
  if (message.kind !== 'start') return
  process.off('message', first)
  run(message).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    process.exit(1)
  })
})
tell({ kind: 'here' })
