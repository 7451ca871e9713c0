// When a filtered subscription says how far it has searched, and which position it then says: a pure rule, measured on a real
// server. A reader of a quiet log may so be up to `window × multiplier` events behind its end.

export interface Checkpoints {
  /**
   * While catching up: one event was searched, and sent or not. Gives the checkpoint that is due now: after each page of `window`
   * events the count is looked at, and what is said is where the page began, or the last event of it that was sent.
   */
  searched(position: number, wasSent: boolean): number | undefined
  /** While live: the same, at each event; what is said is the event itself. */
  seenLive(position: number): number | undefined
  /** The end was reached: the page that was begun ends with nothing said, its events stay counted. */
  reachedEnd(): void
}

/** How many events a page holds at most that are sent, whatever its window. */
const PAGE_EVENTS = 32

/** `window`: how many events are searched at a time; `multiplier`: a checkpoint is due after so many windows. Both at least 1. */
export const createCheckpoints = (window: number, multiplier: number): Checkpoints => {
  const interval = window * multiplier
  let counted = 0
  let searched = 0
  let sent = 0
  let candidate: number | undefined
  /** Never backwards and never the same twice. */
  let said = -1
  const say = (position: number): number | undefined => {
    if (position <= said) return undefined
    said = position
    return position
  }
  const endPage = () => {
    counted += searched
    searched = 0
    sent = 0
  }
  return {
    searched: (position, wasSent) => {
      if (searched === 0 || wasSent) candidate = position
      searched++
      if (wasSent) sent++
      if (searched < window && sent < PAGE_EVENTS) return undefined
      endPage()
      if (counted < interval) return undefined
      counted %= interval
      return say(candidate!)
    },
    seenLive: (position) => {
      counted++
      if (counted < interval) return undefined
      counted = 0
      return say(position)
    },
    reachedEnd: endPage,
  }
}
