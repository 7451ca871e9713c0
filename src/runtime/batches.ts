// Requests of many commands, one after the other: so many of their commands are under way at a time, over all of them, as are
// answered soon. The next request begins when those before it no longer fill that, so that what was begun comes to its end, and
// commands that came by themselves have only a short crowd before them.
import { createFlow, type FlowOptions } from '../line/flow.ts'
import { createSemaphore, type Permit } from '../line/semaphore.ts'
import type { Time } from '../line/time.ts'

/** The turn of one request. */
export interface Turn {
  /** Waits until one command may begin, for `ms` at most; gives the permit that it leaves at its end, undefined when it may not. */
  next(ms: number): Promise<Permit | undefined>
  /** No more commands will begin. To be called once. */
  end(): void
}

export interface Batches {
  /** To be called often: sees how fast commands are done, and sends away who has waited for long. */
  look(): void
  /** ms after which a request that keeps so many bytes in memory is worth sending again; undefined: it may come in. */
  refusal(bytes: number): number | undefined
  /** Whether no request waits or is under way. */
  isEmpty(): boolean
  /** Whether a crowd of commands stands. */
  isCrowded(): boolean
  /** Waits for the turn of a request; gives the ms after which it is worth sending again when that does not come soon. */
  begin(commands: number, bytes: number): Promise<Turn | number>
}

/**
 * Commands under way at a time. A server that flushes many together takes longer for each: a second is still soon. Never fewer than
 * one flush is worth: where the machine itself is slow, each takes long however few they are.
 */
const UNDER_WAY = { start: 32, min: 32, max: 256, targetMs: 1_000, weight: Number.POSITIVE_INFINITY }
/** Behind a crowd that stands nobody is let in who would wait for longer than this, ms. */
const MAX_WAIT_MS = 2_000
/** How long who came in with a crowd that came at once waits for the turn, ms. */
const MAX_TURN_MS = 12_000
/** Requests that wait for their turn, and the bytes that they and those begun keep in memory. */
const MAX_WAITING = 64
const MAX_BYTES = 64 * 1024 * 1024

interface Waiter {
  readonly since: number
  readonly start: () => void
  readonly sendAway: () => void
}

export interface BatchesOptions extends FlowOptions {
  /** ms of a clock that never goes back. */
  readonly clock: () => number
  readonly time: Time
}

export const createBatches = ({ time, clock, ...options }: BatchesOptions): Batches => {
  const semaphore = createSemaphore(UNDER_WAY, time)
  const flow = createFlow(options)
  const waiting = new Set<Waiter>()
  /** Commands of requests that wait, or have begun, and are not done. */
  let promised = 0
  let done = 0
  let kept = 0
  /** Commands of requests that have begun which have not. */
  let toBegin = 0

  // By the clock and not by free time: so are requests, and what is begun late is not answered in time.
  const isLate = ({ since }: Waiter) => clock() - since >= MAX_TURN_MS
  const hasRoom = () => toBegin + semaphore.inside < semaphore.limit
  const admit = () => {
    for (const waiter of waiting) {
      if (!hasRoom()) return
      waiting.delete(waiter)
      if (isLate(waiter)) waiter.sendAway()
      else waiter.start()
    }
  }

  const turnOf = (commands: number, bytes: number): Turn => {
    let left = commands
    toBegin += commands
    const over = (leave: () => void) => () => {
      promised--
      done++
      leave()
      admit()
    }
    return {
      async next(ms) {
        const permit = await semaphore.enter(1, ms)
        if (permit === undefined) return undefined
        if (left > 0) {
          left--
          toBegin--
        }
        return { leave: over(permit.leave), abandon: over(permit.abandon) }
      },
      end() {
        toBegin -= left
        promised -= left
        kept -= bytes
        left = 0
        admit()
      },
    }
  }

  const refusal = (bytes: number) => {
    if (promised === 0) return undefined
    const wait = flow.waitMs(promised)
    if (wait > MAX_WAIT_MS) return wait
    return waiting.size >= MAX_WAITING || kept + bytes > MAX_BYTES ? wait || MAX_TURN_MS : undefined
  }

  return {
    look() {
      flow.look(clock(), promised, done)
      for (const waiter of waiting) {
        if (!isLate(waiter)) break
        waiting.delete(waiter)
        waiter.sendAway()
      }
    },
    refusal,
    isEmpty: () => promised === 0 && waiting.size === 0,
    isCrowded: () => flow.waitMs(1) > 0,
    begin(commands, bytes) {
      const refused = refusal(bytes)
      if (refused !== undefined) return Promise.resolve(refused)
      promised += commands
      kept += bytes
      if (waiting.size === 0 && hasRoom()) return Promise.resolve(turnOf(commands, bytes))
      return new Promise((resolve) => {
        waiting.add({
          since: clock(),
          start: () => resolve(turnOf(commands, bytes)),
          sendAway() {
            promised -= commands
            kept -= bytes
            resolve(flow.waitMs(promised) || MAX_TURN_MS)
          },
        })
      })
    },
  }
}
