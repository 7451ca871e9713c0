// Time as patience is measured in: only while the event loop was free. What a starved process takes to come to its timers is
// nobody else's silence.

export interface Time {
  /** ms in which the event loop was free, from some beginning; never goes back. */
  now(): number
  /** ms since the epoch, by the machine's clock, which may jump. */
  wall(): number
  /**
   * Calls back once `ms` of free time have passed, and what had arrived by then has been read. Returns how to call it off.
   */
  after(ms: number, callback: () => void): () => void
  /** Calls back every `TICK_MS` or later, as long as anything else keeps the process alive. Returns how to stop. */
  onTick(callback: () => void): () => void
}

export const TICK_MS = 50
/** A tick that is later than this was kept waiting by the process itself, ms. */
const SLACK_MS = 25

/** Counts free time: `tick` is to be called every TICK_MS; what comes later than that plus a little does not count. */
export const createFreeClock = (clock: () => number) => {
  let free = 0
  let last = clock()
  const since = () => Math.min(Math.max(0, clock() - last), TICK_MS + SLACK_MS)
  return {
    now: () => free + since(),
    tick() {
      free += since()
      last = clock()
    },
  }
}

/** Where time comes from: the process's own functions, or a test's. */
export interface Timers {
  /** ms from some beginning; never goes back. */
  clock(): number
  wall(): number
  /** Each gives how to call it off. */
  timeout(ms: number, callback: () => void): () => void
  /** After what has arrived was read. */
  immediate(callback: () => void): () => void
  /** Does not keep the process alive. */
  every(ms: number, callback: () => void): void
}

export const createTime = ({ clock, wall, timeout, immediate, every }: Timers): Time => {
  const free = createFreeClock(clock)
  const listeners = new Set<() => void>()
  let running = false
  // From the first look on, for the life of the process: whoever looks twice must find that the ticks were counted between.
  const run = () => {
    if (running) return
    running = true
    free.tick()
    every(TICK_MS, () => {
      free.tick()
      for (const listener of [...listeners]) listener()
    })
  }
  return {
    now() {
      run()
      return free.now()
    },
    wall,
    after(ms, callback) {
      run()
      const due = free.now() + ms
      // An answer that has arrived is read after the timers of a turn and before its immediates.
      const look = () => {
        const left = due - free.now()
        callOff = left > 0 ? timeout(left, look) : immediate(callback)
      }
      let callOff = timeout(ms, look)
      return () => callOff()
    },
    onTick(callback) {
      run()
      listeners.add(callback)
      return () => listeners.delete(callback)
    },
  }
}

/** The time of this process. */
export const processTime: Time = createTime({
  clock: () => performance.now(),
  wall: Date.now,
  timeout(ms, callback) {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
  immediate(callback) {
    const next = setImmediate(callback)
    return () => clearImmediate(next)
  },
  every(ms, callback) {
    setInterval(callback, ms).unref()
  },
})

/** Resolves after `ms` of free time. */
export const rest = (time: Time, ms: number): Promise<void> =>
  new Promise((resolve) => {
    time.after(ms, resolve)
  })

/**
 * The promise's own outcome, or `late()` as the error once `ms` of free time have passed. The promise goes on by itself; its
 * later failure is nobody's.
 */
export const within = <T>(time: Time, ms: number, promise: Promise<T>, late: () => Error): Promise<T> =>
  new Promise((resolve, reject) => {
    const callOff = time.after(Math.max(0, ms), () => reject(late()))
    promise.then(
      (value) => {
        callOff()
        resolve(value)
      },
      (error: unknown) => {
        callOff()
        reject(error)
      },
    )
  })
