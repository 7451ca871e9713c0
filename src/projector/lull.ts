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
 * whatever is in it is shared by more facts. The lull is so many times as long as the batch took, so that it is short while
 * there is little to do, and never longer than this, ms.
 */
const LULL_MS = 200
const LULL_SHARE = 8
/** While commands are crowded each batch is followed by a rest, however many facts wait, ms: there is always some progress. */
const MAX_REST_MS = 1_000
const REST = 3

export const createLull = ({ isCrowded, clock }: LullOptions): Lull => {
  let takenAt = 0
  let doneAt = 0
  let tookMs = LULL_MS
  let notBefore = 0
  return {
    taken(isSmall) {
      takenAt = clock()
      notBefore = isSmall ? takenAt + Math.min(LULL_MS, LULL_SHARE * tookMs) : 0
    },
    done() {
      doneAt = clock()
      tookMs = doneAt - takenAt
    },
    left() {
      const until = isCrowded() ? Math.max(notBefore, doneAt + Math.min(MAX_REST_MS, REST * tookMs)) : notBefore
      return until - clock()
    },
  }
}
