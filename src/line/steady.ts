// A state that is told without flapping: bad at once, good only when it has been so for a while. Pure.

export interface SteadyOptions {
  /** How long it must have been good again, ms; doubled with each relapse up to `longestMs`. */
  readonly calmMs: number
  readonly longestMs: number
  /** A relapse counts as one within this time after it was good again, ms. */
  readonly relapseMs: number
}

/** Gives a function to be told often, with ms of a clock that never goes back, how it is; it says how it is to be told. */
export const createSteady = ({
  calmMs,
  longestMs,
  relapseMs,
}: SteadyOptions): ((isGood: boolean, at: number) => boolean) => {
  let told = true
  let goodSince: number | undefined
  let toldGoodAt = Number.NEGATIVE_INFINITY
  let neededMs = calmMs
  return (isGood, at) => {
    if (!isGood) {
      if (told) neededMs = at - toldGoodAt < relapseMs ? Math.min(longestMs, 2 * neededMs) : calmMs
      told = false
      goodSince = undefined
    } else if (!told) {
      goodSince ??= at
      if (at - goodSince >= neededMs) {
        told = true
        toldGoodAt = at
      }
    }
    return told
  }
}
