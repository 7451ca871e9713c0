// How many requests a server is given at a time: the limit follows the time that it takes to answer. Additive increase and
// multiplicative decrease, as TCP finds its window (Chiu and Jain 1989; slow start: Jacobson 1988), on answer times as Netflix's
// concurrency-limits does in its AIMDLimit. Pure.
//
// A gradient of answer times (Vegas, Gradient2) would keep queues shorter, and both servers too idle: they flush many appends
// together, so that with more of them at once each takes longer and all together are done much sooner. But as with a gradient, a
// decrease that makes the answers no faster is taken back: a server that is far away, or starved, is not waiting for less.

export interface LimitOptions {
  /** Where it starts, and where it stays at least and at most. */
  readonly start: number
  readonly min: number
  readonly max: number
  /** Answers that take longer than this, ms, say that too much is in flight: well below a second, which no answer shall take. */
  readonly targetMs: number
}

export interface Limit {
  readonly value: number
  /** An answer came `ms` after its request, at `at`, with `inFlight` requests under way until then. Times of one clock, ms. */
  answered(ms: number, at: number, inFlight: number): void
}

/** Answers that make a round, at most: their mean is what is looked at, for single ones say little. */
const ROUND = 32
/** A decrease that was of no use is not tried again for so long, ms. */
const HOLD_MS = 10_000

export const createLimit = ({ start, min, max, targetMs }: LimitOptions): Limit => {
  let limit = start
  /** Until the first round that is late each answer makes room for one more, so that the limit doubles with each round. */
  let isStarting = true
  /** The round: answers to what was sent since. What was sent before says nothing of the limit as it is now. */
  let since = Number.NEGATIVE_INFINITY
  let count = 0
  let sum = 0
  let isFull = false
  /** How it was before the decrease that this round is to tell the use of. */
  let before: { readonly limit: number; readonly mean: number } | undefined
  let heldUntil = Number.NEGATIVE_INFINITY

  const endRound = (at: number) => {
    const mean = sum / count
    const was = before
    before = undefined
    // At most half of what a decrease gains where answers wait for one another.
    const isUseless = was !== undefined && mean > (was.mean * (1 + limit / was.limit)) / 2
    if (isUseless) {
      limit = was.limit
      heldUntil = at + HOLD_MS
    } else if (mean > targetMs) {
      isStarting = false
      if (at >= heldUntil && limit > min) {
        before = { limit, mean }
        limit = Math.max(min, limit * Math.max(0.5, Math.min(0.9, targetMs / mean)))
      }
    } else if (isFull) limit = Math.min(max, limit + count / limit)
    since = at
    count = 0
    sum = 0
    isFull = false
  }

  return {
    get value() {
      return Math.max(1, Math.floor(limit))
    },
    answered(ms, at, inFlight) {
      if (at - ms < since) return
      count++
      sum += ms
      if (2 * inFlight >= limit) {
        isFull = true
        if (isStarting && ms <= targetMs) limit = Math.min(max, limit + 1)
      }
      if (count >= Math.min(ROUND, limit)) endRound(at)
    },
  }
}
