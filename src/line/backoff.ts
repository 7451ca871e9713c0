// Waiting between tries: exponential, bounded, with jitter, and cut short by a signal.

export interface BackoffOptions {
  /** First wait in milliseconds. */
  readonly baseMs: number
  /** No wait is longer than this. */
  readonly maxMs: number
}

/**
 * Milliseconds to wait before try `attempt` (1 = first retry): doubles up to the bound, and takes a random half of that
 * so that many who failed together do not come back together.
 */
export const backoffMs = (attempt: number, { baseMs, maxMs }: BackoffOptions, random: () => number = Math.random) => {
  const full = Math.min(maxMs, baseMs * 2 ** Math.min(attempt - 1, 30))
  return full / 2 + random() * (full / 2)
}

/** Resolves after `ms` milliseconds, or at once when the signal aborts. */
export const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done, { once: true })
  })
