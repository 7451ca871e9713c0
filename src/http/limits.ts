// Requests per minute and key: the limiter and the rate headers that every reply carries.
import { type Failure, refuse } from './errors.ts'

const WINDOW_MS = 60_000
/** What the headers say where no limit is set: the greatest 32-bit integer, which every client can read. */
const UNLIMITED = '2147483647'

/** What the rate headers of a reply say. */
export interface RateState {
  readonly limit: string
  readonly remaining: string
  /** When the window ends, epoch seconds. */
  readonly retry: string
  /** Present when the request is one too many. */
  readonly refused?: Failure
}

/** Counts a request of this key at `now` (Unix milliseconds). */
export type RateLimiter = (keyId: string, now: number) => RateState

/** The state of a request that no limit applies to. */
export const UNLIMITED_RATE: RateState = { limit: UNLIMITED, remaining: UNLIMITED, retry: '0' }

/**
 * A limiter by fixed windows of one minute, or one that never refuses when `perMinute` is undefined. Each process counts
 * for itself; memory is bounded by the number of keys.
 */
export const rateLimiter = (perMinute: number | undefined): RateLimiter => {
  if (perMinute === undefined) return () => UNLIMITED_RATE
  const windows = new Map<string, { start: number; count: number }>()
  return (keyId, now) => {
    const start = now - (now % WINDOW_MS)
    const window = windows.get(keyId)
    const current = window?.start === start ? window : { start, count: 0 }
    if (current !== window) windows.set(keyId, current)
    current.count += 1
    const end = start + WINDOW_MS
    const state = {
      limit: String(perMinute),
      remaining: String(Math.max(0, perMinute - current.count)),
      retry: String(Math.ceil(end / 1000)),
    }
    if (current.count <= perMinute) return state
    const retryAfter = Math.max(1, Math.ceil((end - now) / 1000))
    const headers = { 'X-Rate-Limit-Type': 'api_calls' }
    const details = `This key may send ${perMinute} requests a minute`
    return { ...state, refused: refuse('too_many_requests', details, { retryAfter, headers }) }
  }
}
