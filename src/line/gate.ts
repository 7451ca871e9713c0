// A gate that lets so much through at a time: what is over it waits in line, so that time limits measure work and not waiting.
import { processTime, type Time } from './time.ts'

export interface GateOptions {
  /** At most so many inside. */
  readonly count: number
  /** At most so much weight inside; a single heavier one passes alone. */
  readonly weight: number
}

export interface Gate {
  /** Resolves true when it is this one's turn, false when `ms` of free time pass first. Whoever got true must leave. */
  enter(weight: number, ms: number): Promise<boolean>
  leave(weight: number): void
  readonly waiting: number
}

interface Waiter {
  readonly weight: number
  readonly admit: () => void
  gone: boolean
}

export const createGate = ({ count, weight: limit }: GateOptions, time: Time = processTime): Gate => {
  let inside = 0
  let load = 0
  let waiting = 0
  let line: Waiter[] = []
  let next = 0

  const fits = (weight: number) => inside === 0 || (inside < count && load + weight <= limit)
  const take = (weight: number) => {
    inside++
    load += weight
  }
  const admit = () => {
    while (next < line.length) {
      const waiter = line[next]!
      if (!waiter.gone) {
        if (!fits(waiter.weight)) break
        take(waiter.weight)
        waiter.admit()
      }
      next++
    }
    if (next > 1_000 || next === line.length) {
      line = line.slice(next)
      next = 0
    }
  }

  return {
    get waiting() {
      return waiting
    },
    enter(weight, ms) {
      if (waiting === 0 && fits(weight)) {
        take(weight)
        return Promise.resolve(true)
      }
      if (ms <= 0) return Promise.resolve(false)
      return new Promise((resolve) => {
        waiting++
        const end = (admitted: boolean) => {
          callOff()
          waiting--
          waiter.gone = true
          resolve(admitted)
        }
        const waiter: Waiter = { weight, gone: false, admit: () => end(true) }
        const callOff = time.after(ms, () => {
          end(false)
          admit()
        })
        line.push(waiter)
      })
    },
    leave(weight) {
      inside--
      load -= weight
      admit()
    },
  }
}
