// A bounded map that keeps what was used lately, in two generations: cheap to look up, cheap to bound.

export interface Recent<V> {
  get(key: string): V | undefined
  set(key: string, value: V): void
  /** Forgets the older generation when the younger one is full. Nothing is forgotten at any other time. */
  trim(): void
  clear(): void
}

/** Holds at most about `limit` entries after each `trim`. */
export const createRecent = <V>(limit: number): Recent<V> => {
  let young = new Map<string, V>()
  let old = new Map<string, V>()
  return {
    get: (key) => {
      const value = young.get(key)
      if (value !== undefined) return value
      const older = old.get(key)
      if (older !== undefined) young.set(key, older)
      return older
    },
    set: (key, value) => void young.set(key, value),
    trim: () => {
      if (young.size <= limit / 2) return
      old = young
      young = new Map()
    },
    clear: () => {
      young = new Map()
      old = new Map()
    },
  }
}
