// Which consumer of a group gets a message: a pure choice among those that have a free place.

export const STRATEGIES = ['DispatchToSingle', 'RoundRobin', 'Pinned', 'PinnedByCorrelation'] as const
export type Strategy = (typeof STRATEGIES)[number]

export interface Candidate {
  readonly key: string
  /** Messages that it can take now. */
  readonly free: number
}

/** FNV-1a, 32 bit. */
const hash = (text: string): number => {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return h >>> 0
}

/** The same consumer for the same pin as long as the consumers stay; when one goes, only its own pins move. */
const pinned = (candidates: readonly Candidate[], pin: string): Candidate | undefined => {
  let best: Candidate | undefined
  let highest = -1
  for (const candidate of candidates) {
    const weight = hash(`${candidate.key} ${pin}`)
    if (weight <= highest) continue
    highest = weight
    best = candidate
  }
  return best
}

/**
 * The consumer of the next message, `candidates` in the order in which they came; undefined: it has to wait. `turn` counts the
 * messages sent so far. With pins another message may still find its consumer free.
 */
export const choose = (
  strategy: Strategy,
  candidates: readonly Candidate[],
  pin: string,
  turn: number,
): Candidate | undefined => {
  switch (strategy) {
    case 'DispatchToSingle':
      return candidates.find(({ free }) => free > 0)
    case 'RoundRobin':
      for (let i = 0; i < candidates.length; i++) {
        const candidate = candidates[(turn + i) % candidates.length]!
        if (candidate.free > 0) return candidate
      }
      return undefined
    case 'Pinned':
    case 'PinnedByCorrelation': {
      const owner = pinned(candidates, pin)
      return owner !== undefined && owner.free > 0 ? owner : undefined
    }
    default:
      return strategy satisfies never
  }
}
