// Bulkheads: one for each channel and host. A bulkhead carries a bounded number of messages at once, others wait for it in turn, and it
// rests while its end is down.

/** What a message tells of its bulkhead. `down`: the other end could not be reached, or said that it cannot serve. */
export type Usage = 'answered' | 'down' | 'unused'

export interface BulkheadOptions {
  /** Messages at once. */
  readonly capacity: number
  /** So many failures in a row, each saying that the other end is down, rest the bulkhead. */
  readonly failures: number
  /** The first rest, ms; it doubles while the one message that tests the bulkhead fails as well. */
  readonly restMs: number
  readonly maxRestMs: number
}

export const BULKHEAD: BulkheadOptions = { capacity: 32, failures: 5, restMs: 5_000, maxRestMs: 300_000 }

interface Bulkhead {
  busy: number
  failures: number
  /** How often in a row it was rested. */
  rests: number
  restsUntil: number
  /** Who waits for a place, first come first served: told whether there is one. */
  readonly waiting: ((isOpen: boolean) => void)[]
}

export interface BulkheadStatus {
  readonly bulkhead: string
  readonly busy: number
  /** Messages that are claimed and wait for a place. */
  readonly waiting: number
  /** `paused`: its end is down. `testing`: one message at a time finds out whether it is back. */
  readonly state: 'working' | 'paused' | 'testing'
  /** Failures in a row that said that its end is down. */
  readonly failures: number
  /** ms since the epoch; null while it works. */
  readonly restsUntil: number | null
}

export interface Bulkheads {
  /** How many more messages may start on a bulkhead now. A rested bulkhead lets a single one through once its rest is over. */
  room(bulkhead: string, now: number): number
  /** How many one sender may have on a bulkhead now, sent or waiting, with so many waiting for each place at most. */
  most(bulkhead: string, waitingForEach: number, now: number): number
  /** Whether the bulkhead is at rest. */
  rests(bulkhead: string, now: number): boolean
  take(bulkhead: string): void
  /** Takes a place as soon as there is one, in turn; false, with nothing taken: the bulkhead rests. */
  enter(bulkhead: string, now: number): Promise<boolean>
  /** Ends what `take` or `enter` began. */
  give(bulkhead: string, usage: Usage, now: number): void
  /** Bulkheads in use or at rest. */
  status(now: number): readonly BulkheadStatus[]
}

export const createBulkheads = (options: BulkheadOptions, random: () => number): Bulkheads => {
  const bulkheads = new Map<string, Bulkhead>()
  const bulkheadOf = (name: string): Bulkhead => {
    const known = bulkheads.get(name)
    if (known) return known
    const made: Bulkhead = { busy: 0, failures: 0, rests: 0, restsUntil: 0, waiting: [] }
    bulkheads.set(name, made)
    return made
  }
  const roomOf = (bulkhead: Bulkhead, now: number): number =>
    now < bulkhead.restsUntil ? 0 : Math.max(0, (bulkhead.rests > 0 ? 1 : options.capacity) - bulkhead.busy)
  /** Lets in who waits, as far as there is room; sends everybody away when the bulkhead rests. */
  const admit = (bulkhead: Bulkhead, now: number): void => {
    if (now < bulkhead.restsUntil) {
      for (const answer of bulkhead.waiting.splice(0)) answer(false)
      return
    }
    while (bulkhead.waiting.length > 0 && roomOf(bulkhead, now) > 0) {
      bulkhead.busy++
      bulkhead.waiting.shift()?.(true)
    }
  }
  return {
    room(name, now) {
      const bulkhead = bulkheads.get(name)
      return bulkhead ? roomOf(bulkhead, now) : options.capacity
    },
    most(name, waitingForEach, now) {
      const bulkhead = bulkheads.get(name)
      if (bulkhead && now < bulkhead.restsUntil) return 0
      // One message tests a bulkhead that was at rest: the others need not be claimed before it has come back.
      return bulkhead && bulkhead.rests > 0 ? 1 : options.capacity * (1 + waitingForEach)
    },
    rests: (name, now) => now < (bulkheads.get(name)?.restsUntil ?? 0),
    enter(name, now) {
      const bulkhead = bulkheadOf(name)
      if (now < bulkhead.restsUntil) return Promise.resolve(false)
      if (bulkhead.waiting.length === 0 && roomOf(bulkhead, now) > 0) {
        bulkhead.busy++
        return Promise.resolve(true)
      }
      return new Promise((resolve) => bulkhead.waiting.push(resolve))
    },
    take(name) {
      bulkheadOf(name).busy++
    },
    give(name, usage, now) {
      const bulkhead = bulkheadOf(name)
      bulkhead.busy--
      if (usage === 'answered') {
        bulkhead.failures = 0
        bulkhead.rests = 0
      } else if (usage === 'down') {
        bulkhead.failures++
        // What was under way when the bulkhead was put to rest does not rest it again.
        if (bulkhead.failures >= options.failures && now >= bulkhead.restsUntil) {
          const rest = Math.min(options.maxRestMs, options.restMs * 2 ** Math.min(bulkhead.rests, 20))
          bulkhead.rests++
          bulkhead.restsUntil = now + rest * (0.75 + random() / 2)
        }
      }
      admit(bulkhead, now)
      if (bulkhead.busy === 0 && bulkhead.failures === 0 && bulkhead.rests === 0) bulkheads.delete(name)
    },
    status: (now) =>
      [...bulkheads].map(([bulkhead, { busy, restsUntil, rests, failures, waiting }]) => ({
        bulkhead,
        busy,
        waiting: waiting.length,
        state: restsUntil > now ? 'paused' : rests > 0 ? 'testing' : 'working',
        failures,
        restsUntil: restsUntil > now ? Math.round(restsUntil) : null,
      })),
  }
}
