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
  /**
   * Calls back every `TICK_MS` or later, as long as anything else keeps the process alive. Once all who listen have answered
   * `'calm'`, and nobody waits in `after`, only every `CALM_MS`, until somebody asks for the time. Returns how to stop.
   */
  onTick(callback: () => 'calm' | 'watching'): () => void
}

export const TICK_MS = 50
/** Where nothing is waited for, no patience runs: a look now and then is enough. Each costs an idle process a waking. */
export const CALM_MS = 1_000
/** A tick that is later than this was kept waiting by the process itself, ms. */
const SLACK_MS = 25

/**
 * Counts free time: `tick` is to be called every so many ms as it was told last, at first TICK_MS; what comes later than that
 * plus a little does not count.
 */
const createFreeClock = (clock: () => number) => {
  let free = 0
  let last = clock()
  let every = TICK_MS
  const since = () => Math.min(Math.max(0, clock() - last), every + SLACK_MS)
  return {
    now: () => free + since(),
    tick(nextMs: number) {
      free += since()
      last = clock()
      every = nextMs
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
  /** Does not keep the process alive. Gives how to stop. */
  every(ms: number, callback: () => void): () => void
}

/**
 * Most waits are called off long before their end, and timers of one length share a list: a long wait is first one of few lengths,
 * and what is left of it then is exact.
 */
const first = (ms: number): number => (ms < LONG_MS ? ms : ms - (ms % LONG_MS))
const LONG_MS = 500

export const createTime = ({ clock, wall, timeout, immediate, every }: Timers): Time => {
  const free = createFreeClock(clock)
  const listeners = new Set<() => 'calm' | 'watching'>()
  let waiting = 0
  /** How far apart the ticks are now; 0 before the first look. */
  let apart = 0
  let isTicking = false
  let stop = () => {}
  const tickEvery = (ms: number) => {
    stop()
    apart = ms
    stop = every(ms, tick)
  }
  const tick = () => {
    free.tick(apart)
    isTicking = true
    let isCalm = waiting === 0
    for (const listener of [...listeners]) if (listener() !== 'calm') isCalm = false
    isTicking = false
    const next = isCalm && waiting === 0 ? CALM_MS : TICK_MS
    if (next === apart) return
    free.tick(next)
    tickEvery(next)
  }
  // From the first look on, for the life of the process: whoever looks twice must find that the ticks were counted between.
  // A listener that is asked how things stand begins nothing by looking.
  const run = () => {
    if (apart === TICK_MS || isTicking) return
    free.tick(TICK_MS)
    tickEvery(TICK_MS)
  }
  return {
    now() {
      run()
      return free.now()
    },
    wall,
    after(ms, callback) {
      run()
      waiting++
      let isOver = false
      const over = () => {
        if (isOver) return
        isOver = true
        waiting--
      }
      const due = free.now() + ms
      // An answer that has arrived is read after the timers of a turn and before its immediates.
      const look = () => {
        const left = due - free.now()
        callOff = left > 0 ? timeout(first(left), look) : immediate(done)
      }
      const done = () => {
        over()
        callback()
      }
      let callOff = timeout(first(ms), look)
      return () => {
        over()
        callOff()
      }
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
    const timer = setInterval(callback, ms).unref()
    return () => clearInterval(timer)
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

/**
 * True once the promise is there, false when `ms` have passed before. Rejects as the promise does; what it comes to later is nobody's.
 * Keeps no process alive.
 */
export const comesWithin = (promise: Promise<unknown>, ms: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(false), ms).unref()
    promise.then(
      () => {
        clearTimeout(timer)
        resolve(true)
      },
      (error: unknown) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
