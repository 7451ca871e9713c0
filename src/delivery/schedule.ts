// When a failed try is made again: 12 tries over about 24 hours, spread by jitter.

export interface RetryPolicy {
  /** Tries in all before a message is given up. */
  readonly tries: number
  /** The first wait, ms. */
  readonly firstMs: number
  /** How much longer each wait is than the one before. */
  readonly factor: number
}

/** The HTTP contract: 12 exponential retries, 1 minute to 24 hours. 1.92 makes the eleven waits add up to 23 h 38 min. */
export const RETRIES: RetryPolicy = { tries: 12, firstMs: 60_000, factor: 1.92 }

/** Waits are up to this share shorter or longer, so that what failed together does not come back together. */
const JITTER = 0.1

/** No receiver makes a message wait longer than this, ms. */
const MAX_RETRY_AFTER_MS = 86_400_000

/**
 * ms to wait after failed try number `tries` (1 for the first); undefined when it was the last. What the receiver asked for
 * (`retryAfterMs`) counts when it is longer.
 */
export const nextTry = (
  tries: number,
  { tries: limit, firstMs, factor }: RetryPolicy,
  random: () => number,
  retryAfterMs = 0,
): number | undefined => {
  if (tries >= limit) return undefined
  const wait = firstMs * factor ** (tries - 1) * (1 - JITTER + 2 * JITTER * random())
  return Math.round(Math.max(wait, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS)))
}
