// Turns of the event loop: whoever has much to decide gives the others theirs in between.

export interface Turns {
  /** What to wait for before the next piece of work; undefined when there is still time in this turn. */
  over(): Promise<void> | undefined
}

/** All who ask share the time of a turn: at most `longestMs` from the first asking on. */
export const createTurns = (longestMs = 10): Turns => {
  let began: number | undefined
  let next: Promise<void> | undefined
  const another = (): Promise<void> => {
    next ??= new Promise((resolve) => {
      setImmediate(() => {
        began = undefined
        next = undefined
        resolve()
      })
    })
    return next
  }
  return {
    over() {
      const now = performance.now()
      if (began !== undefined) return now - began > longestMs ? another() : undefined
      began = now
      void another()
      return undefined
    },
  }
}
