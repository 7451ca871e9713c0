// One engine in a process of its own: started, listened to, ended. What is done when it ends by itself is its host's matter.
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import * as v from 'valibot'

/**
 * The heap that an engine may use, MB. Data lies in mapped files, not in the heap; without a bound V8 lets garbage of several
 * times that size pile up before it looks for it.
 */
const MAX_HEAP_MB = 256

/** Half of the young generation, MB: what an engine makes dies with its request, so that a larger one is only more memory. */
const SEMI_SPACE_MB = 4

/** How much of what it wrote last to standard error is looked at for the reason of its end, characters. */
const TAIL = 8_192

const FromEngine = v.variant('kind', [
  v.object({ kind: v.literal('started'), url: v.string(), port: v.number() }),
  v.object({ kind: v.literal('refused'), message: v.string(), isInUse: v.boolean() }),
  v.object({ kind: v.literal('failed'), message: v.string() }),
])

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

export interface EngineProcess {
  readonly pid: number | undefined
  /** Where it listens; rejects with EngineRefused or, when it ended before it could say anything, with the reason. */
  readonly started: Promise<{ readonly url: string; readonly port: number }>
  /** Resolves once the process is gone, with the reason in words that follow "because of" or "by". */
  readonly ended: Promise<string>
  /** Asks it to end, and kills it after `limitMs`. Resolves once it is gone: true when it ended by itself. */
  stop(limitMs: number): Promise<boolean>
  /** Ends it at once; its data is crash-safe. */
  kill(): void
}

/** Those that run: none outlives this process, whatever it does at that moment. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

const reasonOf = (code: number | null, signal: string | null, tail: string, failure: string | undefined): string => {
  if (failure !== undefined) return `an error: ${failure}`
  if (/JavaScript heap out of memory/.test(tail)) return `lack of memory: its heap may have ${MAX_HEAP_MB} MB`
  return signal === null ? `exit code ${code}` : `signal ${signal}`
}

/** Starts `module`, which calls `serveHosted`, and gives it `options` (plain data). */
export const spawnEngine = (module: URL, options: unknown): EngineProcess => {
  const child = fork(fileURLToPath(module), [], {
    execArgv: [
      `--max-old-space-size=${MAX_HEAP_MB}`,
      `--max-semi-space-size=${SEMI_SPACE_MB}`,
      '--v8-pool-size=0',
      '--enable-source-maps',
    ],
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  })
  running.add(child)
  let tail = ''
  let failure: string | undefined
  child.stderr?.on('data', (chunk: Buffer) => {
    process.stderr.write(chunk)
    tail = (tail + chunk.toString('latin1')).slice(-TAIL)
  })
  const ended = new Promise<string>((resolve) => {
    // Not 'exit': what it wrote last is to be read first.
    child.once('close', (code, signal) => {
      running.delete(child)
      resolve(reasonOf(code, signal, tail, failure))
    })
    child.on('error', (error) => {
      failure ??= error.message
      if (child.pid === undefined) resolve(reasonOf(null, null, '', failure))
    })
  })
  const started = new Promise<{ readonly url: string; readonly port: number }>((resolve, reject) => {
    child.on('message', (message) => {
      const parsed = v.safeParse(FromEngine, message)
      if (!parsed.success) return
      const { output } = parsed
      if (output.kind === 'started') resolve(output)
      else if (output.kind === 'refused') reject(new EngineRefused(output))
      else failure = output.message
    })
    void ended.then((reason) => reject(new Error(`it ended by ${reason}`)))
  })
  // Whoever does not wait for the start hears of the end.
  started.catch(() => {})
  const send = (message: object) => {
    // A process that is just ending cannot be told any more; its end is seen by itself.
    if (child.connected) child.send(message, () => {})
  }
  send({ kind: 'start', options })
  const kill = () => void child.kill('SIGKILL')
  return {
    pid: child.pid,
    started,
    ended,
    kill,
    stop: async (limitMs) => {
      let inTime = true
      const timer = setTimeout(() => {
        inTime = false
        kill()
      }, limitMs)
      send({ kind: 'stop' })
      await ended
      clearTimeout(timer)
      return inTime
    },
  }
}
