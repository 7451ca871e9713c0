// The server's entry: settings, a node, what to tell whoever started it, and an orderly end.

import { keepPrivate } from '@tributary/engines/private'
import { createPrimary } from './cluster/primary.ts'
import { type Config, loadConfig } from './config.ts'
import { createLogger } from './log.ts'
import { type Node, startNode } from './node.ts'
import { onOrphaned } from './parent.ts'
import { StartRefused, type StartSettings, startFault } from './startFault.ts'

const shown = (url: string): string => url.replace('0.0.0.0', 'localhost').replace('[::]', 'localhost')

/** How to get to the console: by a link that signs in where whoever reads this can read the keys too. */
const wayIn = ({ console }: Node, keysAreHere: boolean): string => {
  if (console === undefined) return ''
  const [address, how] = keysAreHere
    ? [console.signInAddress(), 'this link signs in once; after that, or elsewhere, an API key does']
    : [console.address, 'sign in with an API key']
  return `\n  console   ${shown(address)}\n            ${how}`
}

/** Where the API document is; nothing where there is none. */
const docsAt = (url: string, place: Config['pages']['docs']): string => {
  if (place === 'off') return ''
  const at = new URL('/docs', url)
  if (typeof place === 'number') at.port = String(place)
  return `\n  API       ${at}`
}

const welcome = (
  url: string,
  entry: string,
  keysPath: string,
  generated: boolean,
  engines: string,
  docs: string,
): string => `
Tributary listens on ${url}
${entry}
  keys      ${keysPath}${generated ? '  (made just now: one for each role)' : ''}
  data      ${engines}${docs}
  health    ${url}/health/ready

Try next: open the console, or README.md, "One minute".
`

/** How long a stop may take after what runs was given its time to end, ms. */
const STOP_LIMIT_MS = 10_000

/** How long a worker may take to end after what runs was given its time, ms: less than the whole may. */
const WORKER_STOP_MS = 6_000
/** A worker that says nothing for so many times as long as a request may take hangs. */
const SILENT_REQUESTS = 2

/** What this start was told, once that is known: a fault is said in its terms. */
let settings: StartSettings | undefined

/** What was written behind `npm start`; `tributary serve` imports this file and has read its own. */
const leftOver = (): readonly string[] => (/\bmain\.[jt]s$/.test(process.argv[1] ?? '') ? process.argv.slice(2) : [])

const main = async (): Promise<void> => {
  process.setSourceMapsEnabled(true)
  const [option] = leftOver()
  if (option !== undefined)
    throw new StartRefused(
      `"${option}" is not read here: settings are environment variables (PORT=3001 npm start), and \`tributary serve\` takes options.`,
    )
  keepPrivate()
  const config = loadConfig(process.env)
  settings = config
  const log = createLogger(config.logLevel)
  const waiting = new AbortController()
  let node: Node | undefined

  let stopping = false
  const stop = (signal: string): void => {
    if (stopping) process.exit(1) // asked twice: at once
    stopping = true
    log.info({ signal }, 'stopping')
    const stopped = node
      ? node.stop()
      : started.then(
          (late) => late.stop(),
          () => undefined,
        )
    waiting.abort(new Error(`stopped by ${signal}`))
    // Whatever keeps a part from ending: everything acknowledged is in the log by now.
    setTimeout(() => {
      log.fatal('the stop takes too long; ending at once')
      log.flush(() => process.exit(1))
    }, config.drainTimeLimitMs + STOP_LIMIT_MS).unref()
    stopped.then(
      () => {
        log.info('stopped')
        log.flush(() => process.exit(0))
      },
      (error: unknown) => {
        log.fatal({ err: error }, 'the stop failed')
        log.flush(() => process.exit(1))
      },
    )
  }
  process.on('SIGTERM', () => stop('SIGTERM'))
  process.on('SIGINT', () => stop('SIGINT'))

  const primary =
    config.workers === undefined
      ? undefined
      : createPrimary({
          workers: config.workers,
          port: config.port,
          stopLimitMs: config.drainTimeLimitMs + WORKER_STOP_MS,
          silenceLimitMs: SILENT_REQUESTS * config.requestTimeLimitMs,
          log,
        })
  // A start that waits for its servers need not go on.
  void primary?.failed.then((error) => waiting.abort(error))
  const started = startNode(config, log, { signal: waiting.signal, part: primary?.part })
  try {
    node = await started
  } catch (error) {
    if (stopping) return
    throw error
  }
  const url = shown(node.url)
  const where =
    config.eventStoreUrl && config.mongodbUrl ? 'your event store and MongoDB' : `${config.dataDir}  (embedded engines)`
  const entry = wayIn(node, config.keysFile === undefined)
  process.stderr.write(welcome(url, entry, node.keys.path, node.keys.generated, where, docsAt(url, config.pages.docs)))
  void node.engineFailed.then((error) => {
    if (stopping) return
    log.fatal({ err: error }, 'an embedded engine ended; this process ends too, so that it can be started again')
    log.flush(() => process.exit(1))
  })
  void primary?.failed.then((error) => {
    if (stopping) return
    log.fatal({ reason: error.message }, 'workers end again and again; this process ends too')
    process.stderr.write(`${error.message}\n`)
    log.flush(() => process.exit(1))
  })
  onOrphaned(() => {
    if (!stopping) stop('the end of npm')
  })
}

main().catch((error: unknown) => {
  const said = startFault(error, settings)
  process.stderr.write(`${said ?? (error instanceof Error ? error.stack : String(error))}\n`)
  process.exit(1)
})
