// Background work in slices: beside others it rests after each, for so many times as long as the slice took.
import { sleep } from '../line/backoff.ts'

export interface Pace {
  /** A slice begins now. */
  begin(): void
  /** Whether the slice has lasted long enough while others were at work: end what is under way, then `rest`. */
  isOver(): boolean
  /** Waits until others have had their part, then a new slice begins. At once when nobody else was at work, or at the signal. */
  rest(): Promise<void>
}

export interface PaceOptions {
  /** Whether others have been at work since it was last asked, or are now. */
  readonly others: () => boolean
  /** ms of a clock that never goes back. */
  readonly clock: () => number
  readonly signal: AbortSignal
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>
}

/** A slice ends as soon as it has lasted this long, ms. */
const SLICE_MS = 20
/** Rest after a slice, in times of what the slice took. */
const REST = 3
/** However long a slice took (a store was away), no rest is longer, ms: there is always some progress. */
const MAX_REST_MS = 1_000

export const createPace = ({ others, clock, signal, sleep: wait = sleep }: PaceOptions): Pace => {
  let began = clock()
  let beside = false
  const look = () => {
    if (others()) beside = true
    return beside
  }
  const begin = () => {
    began = clock()
    beside = false
  }
  return {
    begin,
    isOver() {
      if (clock() - began < SLICE_MS) return false
      if (!look()) begin()
      return beside
    },
    async rest() {
      if (look()) await wait(Math.min(MAX_REST_MS, REST * (clock() - began)), signal)
      begin()
    },
  }
}
