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

/** What the processes of one node tell each other of what their keys were told, at once and in order: see `Board`. */
export interface SharedFreshness {
  note(appId: string, position: bigint): void
  /** The newest that others have noted of a key; -1n: nothing. */
  others(appId: string): bigint
}

export const createFreshness = (whenShown: WhenShown, shared?: SharedFreshness): Freshness => {
  const newest = new Map<string, bigint>()
  const newestOf = (appId: string): bigint | undefined => {
    const own = newest.get(appId)
    const others = shared?.others(appId) ?? -1n
    return others > (own ?? -1n) ? others : own
  }
  return {
    acknowledged(appId, position) {
      const known = newest.get(appId)
      if (known !== undefined && known >= position) return
      newest.set(appId, position)
      // Before the answer leaves: whoever has it and asks another process finds it there.
      shared?.note(appId, position)
    },
    async wait(appId, { token, waitMs }) {
      if (token !== undefined)
        return (await whenShown(token, waitMs, { isOwn: false })) ? 'fresh' : notYetConsistent(waitMs)
      const own = newestOf(appId)
      if (own === undefined || waitMs === 0) return 'fresh'
      return (await whenShown(own, waitMs, { isOwn: true })) ? 'fresh' : 'stale'
    },
  }
}
