// How much a node takes on: requests that would wait for too long are refused at the door, before anything is spent on them, and
// say when to come back.
import { createFlow } from '../line/flow.ts'
import { createGate, type Place } from '../line/gate.ts'
import { processTime, type Time } from '../line/time.ts'

export interface Load {
  /** Seconds after which a command is worth sending again; undefined: it will be dealt with soon, so come in. */
  refusal(): number | undefined
  /**
   * Waits until a request of many commands may begin. Gives the place that it must leave when it has ended, or the seconds after
   * which it is worth sending again.
   */
  begin(commands: number): Promise<Place | number>
}

export interface LoadOptions {
  /** Commands waiting or under way. */
  readonly pending: () => number
  /** Commands ever asked. */
  readonly asked: () => number
  /** ms of a clock that never goes back. */
  readonly clock: () => number
  readonly time?: Time
}

/** No command is let in that would wait for longer than this behind those before it, ms. */
const MAX_WAIT_MS = 2_000
/** A crowd that comes at once is let in; one that stands for so long is more than the node can do, ms. */
const STANDS_AFTER_MS = 2_000
const BUSY_FROM = 32

/** Requests of many commands at a time: each may take seconds by itself. */
const MANY = { start: 2, min: 1, max: 16, targetMs: 8_000, weight: 16_000 }
/** How long such a request waits for its turn, ms. */
const MAX_TURN_MS = 12_000
const LONGEST_S = 60

const seconds = (ms: number): number => Math.min(LONGEST_S, Math.max(1, Math.ceil(ms / 1_000)))

export const createLoad = ({ pending, asked, clock, time = processTime }: LoadOptions): Load & { stop(): void } => {
  const flow = createFlow({ busyFrom: BUSY_FROM, standsAfterMs: STANDS_AFTER_MS })
  const gate = createGate(MANY, time)
  /** Commands of requests that wait for their turn or have begun. */
  let promised = 0
  const stop = time.onTick(() => flow.look(clock(), pending(), asked() - pending()))
  return {
    refusal() {
      const wait = flow.waitMs(pending())
      return wait > MAX_WAIT_MS ? seconds(wait) : undefined
    },
    async begin(commands) {
      const wait = flow.waitMs(promised)
      if (promised > 0 && wait > MAX_TURN_MS) return seconds(wait)
      promised += commands
      const place = await gate.enter(commands, MAX_TURN_MS)
      if (place === undefined) {
        promised -= commands
        return seconds(Math.max(flow.waitMs(promised), MAX_TURN_MS))
      }
      const over = (leave: () => void) => () => {
        promised -= commands
        leave()
      }
      return { leave: over(place.leave), abandon: over(place.abandon) }
    },
    stop,
  }
}
