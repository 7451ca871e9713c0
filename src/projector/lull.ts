// When the next batch is taken while nobody waits for it: later means fewer transactions, and leaves the processor to others. Pure.

export interface LullOptions {
  /** Whether more commands wait than can be done soon. */
  readonly isCrowded: () => boolean
  /** ms of a clock that never goes back. */
  readonly clock: () => number
}

export interface Lull {
  /** A batch is taken now; `isSmall`: it would have gained by being larger. */
  taken(isSmall: boolean): void
  /** The batch is committed. */
  done(): void
  /** How long the next one can be left, ms. */
  left(): number
}

/**
 * A batch follows the one before after a lull while nobody waits for it: in the meantime it grows, and what a transaction costs
 * whatever is in it is shared by more facts. Small batches may take an eighth of the time, and none waits for longer than this after
 * the one before, ms.
 */
const LULL_MS = 200
const LULL_SHARE = 8
/**
 * A time without batches is credit for those that follow, up to so many ms of work: what comes after a quiet moment shows at
 * once, also when its facts arrive one by one.
 */
const CREDIT_MS = 40
/** While commands are crowded each batch is followed by a rest, however many facts wait, ms: there is always some progress. */
const MAX_REST_MS = 1_000
const REST = 3

export const createLull = ({ isCrowded, clock }: LullOptions): Lull => {
  let countedAt = clock()
  let takenAt = countedAt
  let doneAt = countedAt
  let tookMs = 0
  /** ms of work that small batches may take at once; below 0 they have taken more than their share. */
  let credit = CREDIT_MS
  let charged = 0
  let isLastSmall = false
  const count = () => {
    const at = clock()
    credit = Math.min(CREDIT_MS, credit + (at - countedAt) / LULL_SHARE)
    countedAt = at
  }
  return {
    taken(isSmall) {
      count()
      takenAt = countedAt
      isLastSmall = isSmall
      // What it takes is known when it is done; the next one is asked for before that.
      charged = tookMs
      credit -= charged
    },
    done() {
      count()
      doneAt = countedAt
      tookMs = doneAt - takenAt
      credit = Math.max(-LULL_MS / LULL_SHARE, credit + charged - tookMs)
      charged = 0
    },
    left() {
      count()
      const lull = isLastSmall ? Math.min(-credit * LULL_SHARE, takenAt + LULL_MS - countedAt) : 0
      const rest = isCrowded() ? doneAt + Math.min(MAX_REST_MS, REST * tookMs) - countedAt : 0
      return Math.max(lull, rest)
    },
  }
}
