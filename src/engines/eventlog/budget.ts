// Bytes that the whole server may hold of something that grows with what clients send.

export interface Budget {
  /** Takes so much, or nothing: false when it is not there. */
  take(bytes: number): boolean
  give(bytes: number): void
  /** More than half of it is taken: whoever can wait with more should. */
  isTight(): boolean
  /** Calls once, when it is no longer tight. */
  whenEased(listener: () => void): void
}

export const createBudget = (limit: number): Budget => {
  let used = 0
  const waiting = new Set<() => void>()
  const isTight = () => used > limit / 2
  return {
    take: (bytes) => {
      if (used + bytes > limit) return false
      used += bytes
      return true
    },
    give: (bytes) => {
      used -= bytes
      if (waiting.size === 0 || isTight()) return
      const eased = [...waiting]
      waiting.clear()
      for (const listener of eased) listener()
    },
    isTight,
    whenEased: (listener) => void waiting.add(listener),
  }
}

/** Appends that are coming in or have no outcome yet, about what they take in memory. */
export const IN_FLIGHT_BYTES = 96 * 1024 * 1024
/** Messages of which a part has come. */
export const PARTIAL_BYTES = 64 * 1024 * 1024
