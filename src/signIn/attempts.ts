// How often somebody may try to sign in as whom: counted where every node sees it, and locked for longer each time.
import type { ReadModel } from '../readmodel/index.ts'
import { tokenDigest } from '../runtime/access.ts'

interface Attempts {
  /** A digest: the address need not be a user's, and is nobody's business. */
  readonly _id: string
  readonly tried: number
  readonly locked_until: Date
  readonly at: Date
}
const COLLECTION = 'signInAttempts'

/** Attempts in a row that are free. */
export const FREE_ATTEMPTS = 5
const MINUTE_MS = 60_000
const LONGEST_LOCK_MS = 15 * MINUTE_MS
/** How long attempts count, ms. */
const REMEMBERED_MS = 24 * 3_600_000
const MAX_TRIES = 5

/** How long the address is locked after so many wrong passwords in a row, ms. */
export const lockAfter = (tried: number): number =>
  tried < FREE_ATTEMPTS ? 0 : Math.min(LONGEST_LOCK_MS, MINUTE_MS * 2 ** (tried - FREE_ATTEMPTS))

export interface SignInAttempts {
  /** Counts an attempt, before it is known whether it is right. Resolves to the seconds to wait when there were too many. */
  begin(email: string, now: number): Promise<number | undefined>
  /** It was right: nothing of it is kept. */
  succeeded(email: string): Promise<void>
}

const nameOf = (email: string): string => tokenDigest(`sign-in ${email}`)

export const createSignInAttempts = (readModel: Pick<ReadModel, 'plain' | 'prepare'>): SignInAttempts => {
  const stored = readModel.plain<Attempts & { _id: string }>(COLLECTION)
  let prepared: Promise<void> | undefined
  return {
    async begin(email, now) {
      prepared ??= readModel.prepare(COLLECTION, [{ key: { at: 1 } }])
      await prepared
      const _id = nameOf(email)
      await stored.deleteMany({ at: { $lte: new Date(now - REMEMBERED_MS) } })
      const none = { tried: 0, locked_until: new Date(0), at: new Date(now) }
      await stored.updateOne({ _id }, { $setOnInsert: none }, { upsert: true })
      // Only who finds what was read still there goes on: of many at once, none is let through uncounted.
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const { tried, locked_until } = (await stored.findOne({ _id })) ?? none
        const left = locked_until.getTime() - now
        if (left > 0) return Math.ceil(left / 1_000)
        const locked = new Date(now + lockAfter(tried + 1))
        const { matchedCount } = await stored.updateOne(
          { _id, tried },
          { $set: { tried: tried + 1, locked_until: locked, at: new Date(now) } },
        )
        if (matchedCount === 1) return undefined
      }
      return 1
    },
    async succeeded(email) {
      await stored.deleteOne({ _id: nameOf(email) })
    },
  }
}
