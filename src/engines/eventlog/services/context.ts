// What every service works with, and how a write is handed on under the server's own time limit.
import type { Budget } from '../budget.ts'
import type { Faults } from '../faults.ts'
import type { Reader } from '../log/reader.ts'
import type { Command, Outcome, Writer } from '../log/writer.ts'
import type { Identity } from './features.ts'

/** Longest time that the server takes over a write, whatever the client asks for, ms. */
export const WRITE_TIMEOUT_MS = 2_000

export interface ServiceContext {
  readonly reader: Reader
  /** Where the next record will lie. */
  readonly head: () => number
  readonly onWritten: Writer['onWritten']
  readonly identity: () => Identity
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number
  readonly faults: Faults | undefined
  /** What appends may take that are coming in or have no outcome yet. */
  readonly inFlight: Budget
  /** Answers exactly once: with the outcome, `delayMs` after it is there, or after WRITE_TIMEOUT_MS with `timed-out`. */
  submit(command: Command, delayMs: number, answer: (outcome: Outcome) => void): void
}

/** Writes that wait for their outcome, in order of arrival: one timer for all, because nearly none ever runs out. */
export const createSubmit = (writer: Writer): ServiceContext['submit'] => {
  interface Waiting {
    readonly deadline: number
    /** Undefined once it was called, so that what it holds is let go. */
    answer: ((outcome: Outcome) => void) | undefined
  }
  const settle = (one: Waiting, outcome: Outcome) => {
    const { answer } = one
    one.answer = undefined
    answer?.(outcome)
  }
  let waiting: Waiting[] = []
  let timer: NodeJS.Timeout | undefined
  const sweep = () => {
    timer = undefined
    const now = performance.now()
    waiting = waiting.filter((one) => one.answer !== undefined)
    for (const one of waiting) {
      if (one.deadline > now) break
      settle(one, { kind: 'timed-out' })
    }
    schedule()
  }
  const schedule = () => {
    const first = waiting[0]
    if (first === undefined || timer !== undefined) return
    timer = setTimeout(sweep, Math.max(1, Math.ceil(first.deadline - performance.now())))
    timer.unref()
  }
  return (command, delayMs, answer) => {
    const one: Waiting = { deadline: performance.now() + WRITE_TIMEOUT_MS, answer }
    waiting.push(one)
    schedule()
    writer.submit(command, (outcome) => {
      if (delayMs === 0) settle(one, outcome)
      else setTimeout(settle, delayMs, one, outcome)
    })
  }
}
