// Requests per minute and key: the limiter and the rate headers that every reply carries.
import { type Failure, refuse } from './errors.ts'

const WINDOW_MS = 60_000
/** What the headers say where no limit is set: the greatest 32-bit integer, which every client can read. */
const UNLIMITED = '2147483647'

export interface Allowance {
  readonly headers: Readonly<Record<string, string>>
  /** Present when the request is one too many. */
  readonly refused?: Failure
}

/** Counts a request of this key at `now` (Unix milliseconds). */
export type RateLimiter = (keyId: string, now: number) => Allowance

const unlimited: Allowance = {
  headers: { 'X-Rate-Limit-Limit': UNLIMITED, 'X-Rate-Limit-Remaining': UNLIMITED, 'X-Rate-Limit-Retry': '0' },
}

/**
 * A limiter by fixed windows of one minute, or one that never refuses when `perMinute` is undefined. `X-Rate-Limit-Retry`
 * is the end of the window, epoch seconds. Each process counts for itself; memory is bounded by the number of keys.
 */
export const rateLimiter = (perMinute: number | undefined): RateLimiter => {
  if (perMinute === undefined) return () => unlimited
  const windows = new Map<string, { start: number; count: number }>()
  return (keyId, now) => {
    const start = now - (now % WINDOW_MS)
    const window = windows.get(keyId)
    const current = window?.start === start ? window : { start, count: 0 }
    if (current !== window) windows.set(keyId, current)
    current.count += 1
    const end = start + WINDOW_MS
    const headers = {
      'X-Rate-Limit-Limit': String(perMinute),
      'X-Rate-Limit-Remaining': String(Math.max(0, perMinute - current.count)),
      'X-Rate-Limit-Retry': String(Math.ceil(end / 1000)),
    }
    if (current.count <= perMinute) return { headers }
    const retryAfter = Math.max(1, Math.ceil((end - now) / 1000))
    return {
      headers: { ...headers, 'X-Rate-Limit-Type': 'api_calls' },
      refused: refuse('too_many_requests', `This key may send ${perMinute} requests a minute`, { retryAfter }),
    }
  }
}
