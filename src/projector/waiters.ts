// Those who wait for a position: a heap by position, so that moving on costs only what concerns the ones who are done.

export interface Waiters {
  /** Resolves true once `moved` has been told this position or a later one, false after the time limit. */
  wait(position: bigint, timeoutMs: number): Promise<boolean>
  moved(position: bigint): void
  /** Resolves after `ms`, and at once when somebody waits or begins to. One at a time. */
  lull(ms: number): Promise<void>
  /** Nobody will be told any more: all are answered false. */
  close(): void
  readonly waiting: number
}

/** Waiters that have given up and may still be in the heap, beyond as many as still wait. */
const SLACK = 1_000

interface Waiter {
  readonly position: bigint
  /** Undefined once answered by the time limit; such a one is dropped when it comes up. */
  done: ((reached: boolean) => void) | undefined
}

export const createWaiters = (): Waiters => {
  const heap: Waiter[] = []
  let reached: bigint | undefined
  let closed = false
  let waiting = 0
  let rouse: (() => void) | undefined

  const push = (waiter: Waiter) => {
    let at = heap.push(waiter) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (heap[parent]!.position <= waiter.position) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = waiter
  }
  const pop = (): Waiter => {
    const top = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return top
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1]!.position < heap[child]!.position) child++
      if (heap[child]!.position >= last.position) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return top
  }

  const rebuild = () => {
    for (const waiter of heap.splice(0)) if (waiter.done !== undefined) push(waiter)
  }

  return {
    get waiting() {
      return waiting
    },
    wait(position, timeoutMs) {
      if (reached !== undefined && reached >= position) return Promise.resolve(true)
      if (closed || timeoutMs <= 0) return Promise.resolve(false)
      return new Promise((resolve) => {
        waiting++
        const waiter: Waiter = {
          position,
          done(result) {
            waiting--
            waiter.done = undefined
            clearTimeout(timer)
            resolve(result)
          },
        }
        const timer = setTimeout(() => {
          waiter.done?.(false)
          // Positions that never come must not fill the heap.
          if (heap.length > 2 * waiting + SLACK) rebuild()
        }, timeoutMs)
        push(waiter)
        rouse?.()
      })
    },
    lull(ms) {
      if (closed || waiting > 0 || ms <= 0) return Promise.resolve()
      return new Promise((resolve) => {
        const timer = setTimeout(() => rouse?.(), ms)
        rouse = () => {
          rouse = undefined
          clearTimeout(timer)
          resolve()
        }
      })
    },
    moved(position) {
      reached = position
      while (heap.length > 0 && heap[0]!.position <= position) pop().done?.(true)
    },
    close() {
      closed = true
      rouse?.()
      for (const waiter of heap.splice(0)) waiter.done?.(false)
    },
  }
}
