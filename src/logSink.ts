// Where log lines go, without ever holding up the process: what cannot be written is dropped and counted.
import { writeSync } from 'node:fs'

export interface LogSink {
  write(line: string): void
  /** Calls back once all is written, or after a second at the latest. */
  flush(done?: (error?: Error) => void): void
  /** Writes what waits, for as long as a process may take to end. */
  flushSync(): void
  /** Lines that could not be written. */
  readonly dropped: number
}

export interface LogSinkOptions {
  /** Writes as many bytes as can be written at once, and says how many; throws EAGAIN when that is none now. */
  readonly writeSome: (bytes: Uint8Array) => number
  /** Is told once when lines begin to be lost, and why. */
  readonly onLost: (reason: string) => void
}

/** Lines wait for this long, or until there are so many bytes of them: a write for each would cost more than the request. */
const GATHER_MS = 200
const GATHER_BYTES = 32 * 1024
/** Whoever reads no faster than this loses lines. */
const MAX_WAITING = 4 * 1024 * 1024
const RETRY_MS = 50
/** How long the end of a process waits for its last lines, ms. */
const LAST_MS = 1_000

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error
    ? String(error.code)
    : error instanceof Error
      ? error.message
      : String(error)

export const createLogSink = ({ writeSome, onLost }: LogSinkOptions): LogSink => {
  let gathered: string[] = []
  let gatheredBytes = 0
  /** What is being written, from `at` on, and the lines that end in it. */
  let current: { readonly bytes: Uint8Array; readonly lines: number; at: number } | undefined
  let timer: NodeJS.Timeout | undefined
  let dropped = 0
  let isLosing = false

  const lose = (lines: number, reason: string): void => {
    dropped += lines
    if (lines === 0 || isLosing) return
    isLosing = true
    onLost(reason)
  }

  /** Writes what can be written now. False when the rest must wait. */
  const writeNow = (): boolean => {
    for (;;) {
      if (!current) {
        if (gathered.length === 0) return true
        current = { bytes: Buffer.from(gathered.join('')), lines: gathered.length, at: 0 }
        gathered = []
        gatheredBytes = 0
      }
      try {
        current.at += writeSome(current.bytes.subarray(current.at))
        if (current.at < current.bytes.length) continue
        isLosing = false
      } catch (error) {
        const code = codeOf(error)
        if (code === 'EAGAIN' || code === 'EINTR' || code === 'EBUSY') return false
        lose(current.lines, code)
      }
      current = undefined
    }
  }

  const later = (ms: number): void => {
    if (timer) return
    timer = setTimeout(() => {
      timer = undefined
      if (!writeNow()) later(RETRY_MS)
    }, ms).unref()
  }

  return {
    write(line) {
      if (gatheredBytes > MAX_WAITING) return lose(1, 'nobody reads it')
      gathered.push(line)
      gatheredBytes += line.length
      if (gatheredBytes < GATHER_BYTES || current) later(GATHER_MS)
      else if (!writeNow()) later(RETRY_MS)
    },
    flush(done) {
      const until = performance.now() + LAST_MS
      const step = (): void => {
        if (writeNow() || performance.now() > until) done?.()
        else setTimeout(step, RETRY_MS)
      }
      step()
    },
    flushSync() {
      const until = performance.now() + LAST_MS
      const pause = new Int32Array(new SharedArrayBuffer(4))
      while (!writeNow() && performance.now() < until) Atomics.wait(pause, 0, 0, RETRY_MS)
    },
    get dropped() {
      return dropped
    },
  }
}

let standardOutput: LogSink | undefined

/**
 * The sink of standard output, one for the process. A pipe is written without waiting for its reader: opening the stream sets
 * it so, and nothing but this writes to it.
 */
export const standardOutputSink = (): LogSink => {
  if (standardOutput) return standardOutput
  process.stdout.on('error', () => undefined)
  process.stderr.on('error', () => undefined)
  const sink = createLogSink({
    writeSome: (bytes) => writeSync(1, bytes),
    onLost: (reason) => process.stderr.write(`The log cannot be written (${reason}): lines are dropped and counted.\n`),
  })
  process.on('exit', () => sink.flushSync())
  standardOutput = sink
  return sink
}

/** Log lines of this process that were lost. */
export const lostLogLines = (): number => standardOutput?.dropped ?? 0
