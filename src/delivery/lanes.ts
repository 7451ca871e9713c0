// Lanes: one for each channel and host. A lane carries a bounded number of messages at once, and rests while its end is down.

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
}

export interface LaneStatus {
  readonly lane: string
  readonly busy: number
  /** ms since the epoch; null while it works. */
  readonly restsUntil: number | null
}

export interface Lanes {
  /** How many more messages may start on a lane now. A rested lane lets a single one through once its rest is over. */
  room(lane: string, now: number): number
  take(lane: string): void
  /** Ends what `take` began. */
  give(lane: string, usage: Usage, now: number): void
  /** Lanes in use or at rest. */
  status(now: number): readonly LaneStatus[]
}

export const createLanes = (options: LaneOptions, random: () => number): Lanes => {
  const lanes = new Map<string, Lane>()
  const laneOf = (name: string): Lane => {
    const known = lanes.get(name)
    if (known) return known
    const made: Lane = { busy: 0, failures: 0, rests: 0, restsUntil: 0 }
    lanes.set(name, made)
    return made
  }
  return {
    room(name, now) {
      const lane = lanes.get(name)
      if (!lane) return options.capacity
      if (now < lane.restsUntil) return 0
      return Math.max(0, (lane.rests > 0 ? 1 : options.capacity) - lane.busy)
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
      if (lane.busy === 0 && lane.failures === 0 && lane.rests === 0) lanes.delete(name)
    },
    status: (now) =>
      [...lanes].map(([lane, { busy, restsUntil }]) => ({
        lane,
        busy,
        restsUntil: restsUntil > now ? Math.round(restsUntil) : null,
      })),
  }
}
