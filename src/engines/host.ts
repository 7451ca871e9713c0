// Keeps an engine running in a process of its own: apart from the application, which an engine's end must neither hang nor
// end unseen. Not a thread: one that dies while it writes holds LMDB's lock, and neither it nor its process can then end.

import { performance } from 'node:perf_hooks'
import { type EngineProcess, spawnEngine } from './engineProcess.ts'
import { errorText } from './errorText.ts'

export { EngineRefused } from './engineProcess.ts'

export interface HostedEngine {
  readonly url: string
  readonly port: number
  /** The process that serves now. */
  pid(): number | undefined
  /** Why it does not serve at this moment; undefined while it does. */
  trouble(): string | undefined
  /** Stops it, by force when it does not end within STOP_LIMIT_MS; resolves when its process is gone. */
  stop(): Promise<void>
  /** Resolves, with the reason, when the engine is gone for good without having been stopped. */
  readonly failed: Promise<Error>
}

export interface HostOptions {
  /** What it is called in messages. */
  readonly name: string
  /** Its entry, which calls `serveHosted`. */
  readonly module: URL
  /** What the entry is given: plain data. */
  readonly options: Readonly<Record<string, unknown>>
  /** Where its end and its return are told; default: standard error. */
  readonly say?: (line: string) => void
  /** Within this time it is started anew once, ms; default: ten minutes. */
  readonly onceInMs?: number
}

/** How long an orderly end may take, ms. What was acknowledged is on disk before it, too. */
export const STOP_LIMIT_MS = 5_000
/** An engine that ends a second time within this time is not started anew: something is wrong that a start does not mend. */
const ONCE_IN_MS = 10 * 60_000

const sayOnStderr = (line: string) => void process.stderr.write(`${line}\n`)
/**
 * Starts an engine and looks after it: when it ends by itself, that is told with the reason, and it is started anew at the same
 * port, once in ten minutes; its data is crash-safe. Rejects with the engine's own message when it cannot start at first.
 */
export const hostEngine = async ({
  name,
  module,
  options,
  say = sayOnStderr,
  onceInMs = ONCE_IN_MS,
}: HostOptions): Promise<HostedEngine> => {
  let current: EngineProcess = spawnEngine(module, options)
  // The URL may hold a password: it is said nowhere.
  const { url, port } = await current.started
  let trouble: string | undefined
  let startedAnewAt = Number.NEGATIVE_INFINITY
  let stopping: Promise<void> | undefined
  let tellFailed: (error: Error) => void = () => {}
  const failed = new Promise<Error>((resolve) => {
    tellFailed = resolve
  })
  const giveUp = (why: string) => {
    trouble = why
    say(why)
    tellFailed(new Error(why))
  }
  const startAnew = async (ended: string) => {
    startedAnewAt = performance.now()
    say(`${ended}. It is started anew; what was acknowledged is on disk.`)
    current = spawnEngine(module, { ...options, port })
    try {
      await current.started
    } catch (error) {
      if (stopping === undefined) giveUp(`${ended}, and could not be started anew: ${errorText(error)}`)
      return
    }
    trouble = undefined
    say(`The ${name} is back at port ${port}.`)
    void watch(current)
  }
  const watch = async (one: EngineProcess): Promise<void> => {
    const reason = await one.ended
    if (stopping !== undefined) return
    const ended = `The ${name} (process ${one.pid}) has ended by ${reason}`
    trouble = ended
    if (performance.now() - startedAnewAt < onceInMs) giveUp(`${ended}, for the second time within ten minutes`)
    else await startAnew(ended)
  }
  void watch(current)
  const end = async () => {
    if (await current.stop(STOP_LIMIT_MS)) return
    say(`The ${name} did not end within ${STOP_LIMIT_MS} ms and was killed; what was acknowledged is on disk.`)
  }
  return {
    url,
    port,
    failed,
    pid: () => current.pid,
    trouble: () => trouble,
    stop: () => {
      stopping ??= end()
      return stopping
    },
  }
}
