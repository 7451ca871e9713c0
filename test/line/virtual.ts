// Time that a test makes: an event loop of its own, with timers, arrivals and immediates in the order of a real one, which can
// be kept busy, and whose wall clock can jump.
import { createTime, type Time } from '../../src/line/time.ts'

export interface Virtual {
  readonly time: Time
  /** ms that have passed, busy or not. */
  elapsed(): number
  /** Something arrives from outside after `ms`, however busy the loop is; it is read when the loop comes to it. */
  arrive(ms: number, callback: () => void): () => void
  /** After `ms` the loop is busy for `forMs`: nothing runs meanwhile. */
  busy(ms: number, forMs: number): void
  /** The wall clock is set forward or back. */
  jump(ms: number): void
  /** Resolves after `ms`, as `time.after` without the loop's mercy. */
  sleep(ms: number): Promise<void>
  /** Runs until the work is done. Rejects when it is not within `limitMs`, or when nothing is left to happen. */
  run<T>(work: Promise<T>, limitMs: number): Promise<T>
}

interface Entry {
  readonly at: number
  readonly number: number
  readonly callback: () => void
  off: boolean
}

/** Entries by time, then by age. */
const createQueue = () => {
  const heap: Entry[] = []
  const before = (a: Entry, b: Entry) => a.at < b.at || (a.at === b.at && a.number < b.number)
  return {
    push(entry: Entry) {
      let i = heap.push(entry) - 1
      while (i > 0) {
        const parent = (i - 1) >> 1
        if (!before(entry, heap[parent]!)) break
        heap[i] = heap[parent]!
        i = parent
      }
      heap[i] = entry
    },
    peek(): Entry | undefined {
      while (heap[0]?.off) this.pop()
      return heap[0]
    },
    pop(): Entry | undefined {
      const first = heap[0]
      const last = heap.pop()
      if (heap.length > 0 && last !== undefined) {
        let i = 0
        for (;;) {
          let child = 2 * i + 1
          if (child >= heap.length) break
          if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
          if (!before(heap[child]!, last)) break
          heap[i] = heap[child]!
          i = child
        }
        heap[i] = last
      }
      return first
    },
  }
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

export const createVirtual = (): Virtual => {
  const timers = createQueue()
  const arrivals = createQueue()
  let immediates: Entry[] = []
  let now = 0
  let wallShift = 1_700_000_000_000
  let count = 0
  const entry = (at: number, callback: () => void): Entry => ({ at, number: count++, callback, off: false })
  const callOff = (one: Entry) => () => {
    one.off = true
  }
  const timeout = (ms: number, callback: () => void) => {
    const one = entry(now + Math.max(1, ms), callback)
    timers.push(one)
    return callOff(one)
  }
  const every = (ms: number, callback: () => void): (() => void) => {
    const again = () => {
      stop = timeout(ms, again)
      callback()
    }
    let stop = timeout(ms, again)
    return () => stop()
  }
  const time = createTime({
    clock: () => now,
    wall: () => now + wallShift,
    timeout,
    immediate(callback) {
      const one = entry(now, callback)
      immediates.push(one)
      return callOff(one)
    },
    every,
  })
  const call = async ({ off, callback }: Entry) => {
    if (off) return
    callback()
    await settled()
  }
  return {
    time,
    elapsed: () => now,
    arrive(ms, callback) {
      const one = entry(now + Math.max(0, ms), callback)
      arrivals.push(one)
      return callOff(one)
    },
    busy(ms, forMs) {
      timeout(ms, () => {
        now += forMs
      })
    },
    jump(ms) {
      wallShift += ms
    },
    sleep: (ms) => new Promise((resolve) => timeout(ms, resolve)),
    async run(work, limitMs) {
      let isOver = false
      const end = () => {
        isOver = true
      }
      work.then(end, end)
      await settled()
      const limit = now + limitMs
      while (!isOver) {
        if (immediates.length === 0)
          now = Math.max(now, Math.min(timers.peek()?.at ?? Infinity, arrivals.peek()?.at ?? Infinity))
        if (now > limit) throw new Error(`not done after ${limitMs} ms of virtual time`)
        for (const queue of [timers, arrivals])
          for (let next = queue.peek(); next !== undefined && next.at <= now && !isOver; next = queue.peek()) {
            queue.pop()
            await call(next)
          }
        const due = immediates
        immediates = []
        for (const one of due) await call(one)
      }
      return work
    },
  }
}
