// Reading one's own writes: what every query waits for before it is answered, in one place for all of them.
import { type Failure, notYetConsistent } from './errors.ts'
import type { Consistency } from './route.ts'

/**
 * True once everything up to `position` can be read, false when the time is over first. `isOwn`: this node has acknowledged it, so
 * that what it keeps in memory has it already.
 */
export type WhenShown = (position: bigint, timeoutMs: number, how: { readonly isOwn: boolean }) => Promise<boolean>

export interface Freshness {
  /** This node has told the key that its command is recorded up to here. One position a key is kept. */
  acknowledged(appId: string, position: bigint): void
  /**
   * Waits for the position of the request's token, else for what this node has acknowledged to the key. A failure when the token's is
   * not reached in time; without a token the answer is merely stale then, however long the caller preferred to wait.
   */
  wait(appId: string, consistency: Consistency): Promise<'fresh' | 'stale' | Failure>
}

export const createFreshness = (whenShown: WhenShown): Freshness => {
  const newest = new Map<string, bigint>()
  return {
    acknowledged(appId, position) {
      const known = newest.get(appId)
      if (known === undefined || known < position) newest.set(appId, position)
    },
    async wait(appId, { token, waitMs }) {
      if (token !== undefined)
        return (await whenShown(token, waitMs, { isOwn: false })) ? 'fresh' : notYetConsistent(waitMs)
      const own = newest.get(appId)
      if (own === undefined || waitMs === 0) return 'fresh'
      return (await whenShown(own, waitMs, { isOwn: true })) ? 'fresh' : 'stale'
    },
  }
}
