// The semaphore before a server: it lets through as much at a time as the server answers well, and keeps the rest waiting in line for
// a bounded time. Who is waited for goes first.
import { createFlow } from './flow.ts'
import { createLimit, type LimitOptions } from './limit.ts'
import { processTime, type Time } from './time.ts'

export interface SemaphoreOptions extends LimitOptions {
  /** At most so much weight inside; a single heavier one passes alone. */
  readonly weight: number
}

/** The right to be under way. */
export interface Permit {
  /** The server has answered, or its time says as much: how long it took is learnt from. */
  leave(): void
  /** It ended in a way that says nothing of the server's pace. */
  abandon(): void
}

export interface Semaphore {
  /**
   * Resolves with a permit when it is this one's turn, with undefined when `ms` of free time pass first. `yields`: nobody waits for
   * it, so others go first, but for one permit in eight.
   */
  enter(weight: number, ms: number, yields?: boolean): Promise<Permit | undefined>
  readonly waiting: number
  readonly inside: number
  /** How many it lets in at a time now. */
  readonly limit: number
  /** About how long who comes now would wait, ms; 0 while there is no standing crowd. */
  readonly waitMs: number
}

interface Waiter {
  readonly weight: number
  readonly admit: (permit: Permit) => void
  gone: boolean
}

/** Of so many permits that are wanted by both, one is for those for whom nobody waits: they are never kept out for good. */
const SHARE = 8

const STANDING = { busyFrom: 4, standsAfterMs: 1_000 }

/** Waiters, first come, first served. */
const createQueue = () => {
  let waiters: Waiter[] = []
  let next = 0
  return {
    push: (waiter: Waiter) => waiters.push(waiter),
    first(): Waiter | undefined {
      while (waiters[next]?.gone) next++
      if (next > 1_000 || next === waiters.length) {
        waiters = waiters.slice(next)
        next = 0
      }
      return waiters[next]
    },
  }
}

export const createSemaphore = (
  { weight: heaviest, ...limits }: SemaphoreOptions,
  time: Time = processTime,
): Semaphore => {
  const limit = createLimit(limits)
  let inside = 0
  let load = 0
  let waiting = 0
  let admitted = 0
  let done = 0
  const flow = createFlow(STANDING)
  const awaited = createQueue()
  const yielding = createQueue()

  const fits = (weight: number) => inside === 0 || (inside < limit.value && load + weight <= heaviest)
  const take = (weight: number): Permit => {
    inside++
    load += weight
    const enteredAt = time.now()
    let isOver = false
    const abandon = () => {
      if (isOver) return
      isOver = true
      inside--
      load -= weight
      flow.look(time.now(), waiting + inside, ++done)
      admit()
    }
    return {
      abandon,
      leave() {
        if (!isOver) limit.answered(time.now() - enteredAt, time.now(), inside)
        abandon()
      },
    }
  }
  const admit = () => {
    for (;;) {
      const [theirs, ours] = [awaited.first(), yielding.first()]
      const turn = theirs === undefined || (ours !== undefined && admitted % SHARE === 0) ? ours : theirs
      if (turn === undefined || !fits(turn.weight)) return
      if (theirs !== undefined && ours !== undefined) admitted++
      turn.admit(take(turn.weight))
    }
  }

  return {
    get waiting() {
      return waiting
    },
    get inside() {
      return inside
    },
    get limit() {
      return limit.value
    },
    get waitMs() {
      return flow.waitMs(waiting + inside)
    },
    enter(weight, ms, yields = false) {
      if (waiting === 0 && fits(weight)) return Promise.resolve(take(weight))
      if (ms <= 0) return Promise.resolve(undefined)
      return new Promise((resolve) => {
        waiting++
        const end = (permit: Permit | undefined) => {
          callOff()
          waiting--
          waiter.gone = true
          resolve(permit)
        }
        const waiter: Waiter = { weight, gone: false, admit: end }
        const callOff = time.after(ms, () => {
          end(undefined)
          admit()
        })
        const queue = yields ? yielding : awaited
        queue.push(waiter)
      })
    },
  }
}
