// The engine's side of its process: it serves until its host stops it or is gone, and says why when it ends by itself.
import * as v from 'valibot'
import { DirectoryInUse } from './lock.ts'

/** What an engine's start function gives back. */
interface Startable {
  readonly url: string
  readonly port: number
  stop(): Promise<void>
}

const FromHost = v.variant('kind', [
  v.object({ kind: v.literal('start'), options: v.unknown() }),
  v.object({ kind: v.literal('stop') }),
])

/** How long the last words may take to leave, ms. */
const LAST_WORDS_MS = 1_000

const asError = (value: unknown): Error => (value instanceof Error ? value : new Error(String(value)))

/** Called by an engine's entry module with its name, for `ps` and profilers, and its start function, which gets the host's options. */
export const serveHosted = (name: string, start: (options: unknown) => Promise<Startable>): void => {
  if (process.send === undefined) throw new Error('this module is started by an engine host only')
  process.title = `${name} (tributary)`
  const tell = (message: object) => new Promise<void>((resolve) => void process.send?.(message, () => resolve()))
  // Ctrl-C and a service manager tell every process of the group; this one ends when its host has done what needs it.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  process.once('disconnect', () => process.exit(0))
  process.once('uncaughtException', (error: unknown) => {
    setTimeout(() => process.exit(1), LAST_WORDS_MS)
    process.stderr.write(`${asError(error).stack}\n`)
    void tell({ kind: 'failed', message: asError(error).message }).then(() => process.exit(1))
  })
  let engine: Startable | undefined
  const serve = async (options: unknown) => {
    try {
      engine = await start(options)
    } catch (error) {
      await tell({ kind: 'refused', message: asError(error).message, isInUse: error instanceof DirectoryInUse })
      process.exit(1)
    }
    await tell({ kind: 'started', url: engine.url, port: engine.port })
  }
  process.on('message', (message: unknown) => {
    const asked = v.parse(FromHost, message)
    if (asked.kind === 'start') void serve(asked.options)
    // One that has not started yet has nothing to end.
    else void Promise.resolve(engine?.stop()).then(() => process.exit(0))
  })
}
