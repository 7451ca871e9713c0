// Runs an engine in a worker thread, so that the application's own thread stays free.
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { parentPort, Worker, workerData } from 'node:worker_threads'
import * as v from 'valibot'
import { DirectoryInUse } from './lock.ts'

export interface HostedEngine {
  readonly url: string
  readonly port: number
  /** Stops the engine and its thread; resolves when both are gone. */
  stop(): Promise<void>
  /** Resolves when the thread ends by itself, with the error that ended it. */
  readonly failed: Promise<Error>
}

/** What an engine's start function gives back. */
interface Startable {
  readonly url: string
  readonly port: number
  stop(): Promise<void>
}

const FromWorker = v.variant('kind', [
  v.object({ kind: v.literal('started'), url: v.string(), port: v.number() }),
  v.object({ kind: v.literal('refused'), message: v.string(), isInUse: v.boolean() }),
  v.object({ kind: v.literal('stopped') }),
])

/**
 * The heap that an engine may use, MB. Data lies in mapped files, not in the heap; without a bound V8 lets garbage of several
 * times that size pile up before it looks for it.
 */
const MAX_HEAP_MB = 256

/** An engine could not start, for a reason that its message says. */
export class EngineRefused extends Error {
  override readonly name = 'EngineRefused'
  /** Another process has the directory. */
  readonly isInUse: boolean
  constructor({ message, isInUse }: { readonly message: string; readonly isInUse: boolean }) {
    super(message)
    this.isInUse = isInUse
  }
}

const asError = (value: unknown): Error => (value instanceof Error ? value : new Error(String(value)))

/**
 * Starts the module `moduleUrl` in a thread of its own and gives it `options` (plain data). The module calls `serveInWorker`.
 * Rejects with the engine's own message when it cannot start.
 */
export const runInWorker = async (moduleUrl: URL, options: unknown): Promise<HostedEngine> => {
  const worker = new Worker(moduleUrl, {
    workerData: options,
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  })
  // A thread that dies is the engine's failure, told through `failed`, never an uncaught error of the application.
  const failed = new Promise<Error>((resolve) => {
    worker.once('error', (error) => resolve(asError(error)))
    worker.once('exit', (code) => resolve(new Error(`the engine's thread ended with code ${code}`)))
  })
  const exited = once(worker, 'exit').catch(() => undefined)
  const started = new Promise<{ readonly url: string; readonly port: number }>((resolve, reject) => {
    worker.on('message', (message: unknown) => {
      const parsed = v.safeParse(FromWorker, message)
      if (!parsed.success) return
      if (parsed.output.kind === 'started') resolve(parsed.output)
      else if (parsed.output.kind === 'refused') reject(new EngineRefused(parsed.output))
    })
    void failed.then(reject)
  })
  try {
    const { url, port } = await started
    let stopping: Promise<void> | undefined
    const stop = async () => {
      worker.postMessage({ kind: 'stop' })
      await exited
    }
    return {
      url,
      port,
      failed,
      stop: () => {
        stopping ??= stop()
        return stopping
      },
    }
  } catch (error) {
    await worker.terminate()
    throw error
  }
}

/** Names the calling thread for `top -H`, `ps -L` and profilers; at most 15 bytes. Only Linux has names for threads. */
const nameThread = (name: string): void => {
  try {
    writeFileSync('/proc/thread-self/comm', name)
  } catch {
    // Elsewhere there is nothing to write to, and nothing depends on it.
  }
}

/** The other side: called by a worker's entry module with the engine's start function, and the name of its thread. */
export const serveInWorker = async (name: string, start: (options: unknown) => Promise<Startable>): Promise<void> => {
  nameThread(name)
  const port = parentPort
  if (port === null) throw new Error('this module runs in a worker thread only')
  let engine: Startable
  try {
    engine = await start(workerData)
  } catch (error) {
    port.postMessage({ kind: 'refused', message: asError(error).message, isInUse: error instanceof DirectoryInUse })
    port.close()
    return
  }
  port.on('message', async () => {
    await engine.stop()
    port.postMessage({ kind: 'stopped' })
    port.close()
  })
  port.postMessage({ kind: 'started', url: engine.url, port: engine.port })
}
