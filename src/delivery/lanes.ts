// Lanes: one for each channel and host. A lane carries a bounded number of messages at once, others wait for it in turn, and it
// rests while its end is down.

/** What a message tells of its lane. `down`: the other end could not be reached, or said that it cannot serve. */
export type Usage = 'answered' | 'down' | 'unused'

export interface LaneOptions {
  /** Messages at once. */
  readonly capacity: number
  /** So many failures in a row, each saying that the other end is down, rest the lane. */
  readonly failures: number
  /** The first rest, ms; it doubles while the one message that tests the lane fails as well. */
  readonly restMs: number
  readonly maxRestMs: number
}

export const LANE: LaneOptions = { capacity: 32, failures: 5, restMs: 5_000, maxRestMs: 300_000 }

interface Lane {
  busy: number
  failures: number
  /** How often in a row it was rested. */
  rests: number
  restsUntil: number
  /** Who waits for a place, first come first served: told whether there is one. */
  readonly waiting: ((isOpen: boolean) => void)[]
}

export interface LaneStatus {
  readonly lane: string
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

export interface Lanes {
  /** How many more messages may start on a lane now. A rested lane lets a single one through once its rest is over. */
  room(lane: string, now: number): number
  /** How many one sender may have on a lane now, sent or waiting, with so many waiting for each place at most. */
  most(lane: string, waitingForEach: number, now: number): number
  /** Whether the lane is at rest. */
  rests(lane: string, now: number): boolean
  take(lane: string): void
  /** Takes a place as soon as there is one, in turn; false, with nothing taken: the lane rests. */
  enter(lane: string, now: number): Promise<boolean>
  /** Ends what `take` or `enter` began. */
  give(lane: string, usage: Usage, now: number): void
  /** Lanes in use or at rest. */
  status(now: number): readonly LaneStatus[]
}

export const createLanes = (options: LaneOptions, random: () => number): Lanes => {
  const lanes = new Map<string, Lane>()
  const laneOf = (name: string): Lane => {
    const known = lanes.get(name)
    if (known) return known
    const made: Lane = { busy: 0, failures: 0, rests: 0, restsUntil: 0, waiting: [] }
    lanes.set(name, made)
    return made
  }
  const roomOf = (lane: Lane, now: number): number =>
    now < lane.restsUntil ? 0 : Math.max(0, (lane.rests > 0 ? 1 : options.capacity) - lane.busy)
  /** Lets in who waits, as far as there is room; sends everybody away when the lane rests. */
  const admit = (lane: Lane, now: number): void => {
    if (now < lane.restsUntil) {
      for (const answer of lane.waiting.splice(0)) answer(false)
      return
    }
    while (lane.waiting.length > 0 && roomOf(lane, now) > 0) {
      lane.busy++
      lane.waiting.shift()?.(true)
    }
  }
  return {
    room(name, now) {
      const lane = lanes.get(name)
      return lane ? roomOf(lane, now) : options.capacity
    },
    most(name, waitingForEach, now) {
      const lane = lanes.get(name)
      if (lane && now < lane.restsUntil) return 0
      // One message tests a lane that was at rest: the others need not be claimed before it has come back.
      return lane && lane.rests > 0 ? 1 : options.capacity * (1 + waitingForEach)
    },
    rests: (name, now) => now < (lanes.get(name)?.restsUntil ?? 0),
    enter(name, now) {
      const lane = laneOf(name)
      if (now < lane.restsUntil) return Promise.resolve(false)
      if (lane.waiting.length === 0 && roomOf(lane, now) > 0) {
        lane.busy++
        return Promise.resolve(true)
      }
      return new Promise((resolve) => lane.waiting.push(resolve))
    },
    take(name) {
      laneOf(name).busy++
    },
    give(name, usage, now) {
      const lane = laneOf(name)
      lane.busy--
      if (usage === 'answered') {
        lane.failures = 0
        lane.rests = 0
      } else if (usage === 'down') {
        lane.failures++
        // What was under way when the lane was put to rest does not rest it again.
        if (lane.failures >= options.failures && now >= lane.restsUntil) {
          const rest = Math.min(options.maxRestMs, options.restMs * 2 ** Math.min(lane.rests, 20))
          lane.rests++
          lane.restsUntil = now + rest * (0.75 + random() / 2)
        }
      }
      admit(lane, now)
      if (lane.busy === 0 && lane.failures === 0 && lane.rests === 0) lanes.delete(name)
    },
    status: (now) =>
      [...lanes].map(([lane, { busy, restsUntil, rests, failures, waiting }]) => ({
        lane,
        busy,
        waiting: waiting.length,
        state: restsUntil > now ? 'paused' : rests > 0 ? 'testing' : 'working',
        failures,
        restsUntil: restsUntil > now ? Math.round(restsUntil) : null,
      })),
  }
}
