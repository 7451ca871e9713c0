// How fast work is done while there is enough of it, and with that how long what waits will wait. Pure.

export interface FlowOptions {
  /** With fewer waiting or under way the pace says nothing of what would be possible. */
  readonly busyFrom: number
  /** A crowd is no overload before it has stood for so long, ms: one that comes at once is worked off. */
  readonly standsAfterMs: number
}

export interface Flow {
  /** To be told often: how many are waiting or under way, and how many were ever done. `at`: ms of a clock that never goes back. */
  look(at: number, pending: number, done: number): void
  /** How long, ms, it takes until `ahead` are done, at the pace seen; 0 while there is no standing crowd. */
  waitMs(ahead: number): number
  /** Done in a second when there is enough to do; undefined: not seen yet. */
  readonly perSecond: number | undefined
}

/** Over how long the pace is averaged, ms; no single gap counts for more: a server that stood still is as fast as before. */
const OVER_MS = 1_000

export const createFlow = ({ busyFrom, standsAfterMs }: FlowOptions): Flow => {
  let perMs: number | undefined
  let busySince: number | undefined
  let stands = false
  let lastAt = 0
  let lastDone = 0
  return {
    look(at, pending, done) {
      if (pending < busyFrom) {
        busySince = undefined
        stands = false
      } else if (busySince === undefined) {
        busySince = at
        lastAt = at
        lastDone = done
      } else {
        stands = at - busySince >= standsAfterMs
        if (done === lastDone || at === lastAt) return
        const ms = Math.min(OVER_MS, at - lastAt)
        const now = (done - lastDone) / ms
        const share = 1 - Math.exp(-ms / OVER_MS)
        perMs = perMs === undefined ? now : perMs + (now - perMs) * share
        lastAt = at
        lastDone = done
      }
    },
    waitMs: (ahead) => (stands && perMs !== undefined ? ahead / perMs : 0),
    get perSecond() {
      return perMs === undefined ? undefined : perMs * 1_000
    },
  }
}
