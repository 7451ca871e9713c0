// When the next commit of the log begins. A commit costs about the same whatever is in it, so while several clients wait at a time
// those that come shortly after each other go together; who comes alone never waits. Pure.

/** After a commit of several the log rests for so many times what it took, at most `MOST_REST_MS`. */
const REST = 3
const MOST_REST_MS = 8
/** As many as came together last are all that is waited for, but for one commit in so many, which looks whether more come. */
const LOOK_EVERY = 8

export interface Pace {
  /** How long the next commit waits for others, ms; 0: it begins at once. `waiting`: commands that are there now. */
  restMs(now: number, waiting: number): number
  /** A commit of so many commands took from `began` to `ended`, ms. */
  committed(began: number, ended: number, count: number): void
}

export const createPace = (): Pace => {
  let restUntil = 0
  /** With so many waiting, nobody else is likely to come. */
  let enough = 2
  let commits = 0
  return {
    restMs: (now, waiting) => (waiting >= enough ? 0 : Math.max(0, restUntil - now)),
    committed(began, ended, count) {
      restUntil = count > 1 ? ended + Math.min(MOST_REST_MS, REST * (ended - began)) : 0
      commits++
      enough = Math.max(2, commits % LOOK_EVERY === 0 ? 2 * count : count)
    },
  }
}
