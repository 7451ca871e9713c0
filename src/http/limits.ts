// Requests per minute and key: counts in fixed windows, the limiter, and the rate headers that every reply carries.
import { createLru } from '../lru.ts'
import { type Failure, fail } from './errors.ts'

const WINDOW_MS = 60_000
/** Names that are counted at a time; past it those not asked for the longest begin again. */
const MAX_NAMES = 100_000
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

/** Counts by name in fixed windows. */
export interface Counter {
  readonly windowMs: number
  /** Adds to the count of the window that `now` (Unix milliseconds) is in, and gives the sum. */
  readonly add: (name: string, n: number, now: number) => number
}

/**
 * Says what this process counts under a name in the window that begins at `start`, and gives what other processes of the node do.
 */
export type SharedCounts = (name: string, start: number, own: number) => number

/** With `shared` the counts are those of all processes of the node. */
export const createCounter = (windowMs: number, shared?: SharedCounts): Counter => {
  const windows = createLru<{ readonly start: number; count: number }>({ entries: MAX_NAMES })
  return {
    windowMs,
    add: (name, n, now) => {
      const start = now - (now % windowMs)
      const known = windows.get(name)
      const current = known?.start === start ? known : { start, count: 0 }
      if (current !== known) windows.set(name, current)
      current.count = Math.max(0, current.count + n)
      return current.count + (shared?.(name, start, current.count) ?? 0)
    },
  }
}

/** Whole seconds until the window of `now` ends, at least one. */
export const secondsLeft = (windowMs: number, now: number): number =>
  Math.max(1, Math.ceil((windowMs - (now % windowMs)) / 1000))

/** The state after the `count`-th request of a minute of which `limit` are allowed. */
export const stateOf = (limit: number, count: number, now: number, details: string): RateState => {
  const state = {
    limit: String(limit),
    remaining: String(Math.max(0, limit - count)),
    retry: String(Math.ceil((now - (now % WINDOW_MS) + WINDOW_MS) / 1000)),
  }
  if (count <= limit) return state
  const headers = { 'X-Rate-Limit-Type': 'api_calls' }
  return {
    ...state,
    refused: fail('too_many_requests', details, { retryAfter: secondsLeft(WINDOW_MS, now), headers }),
  }
}

/**
 * A limiter by fixed windows of one minute, or one that never refuses when `perMinute` is undefined. Each node counts
 * for itself.
 */
export const rateLimiter = (perMinute: number | undefined, shared?: SharedCounts): RateLimiter => {
  if (perMinute === undefined) return () => UNLIMITED_RATE
  const counter = createCounter(WINDOW_MS, shared && ((name, ...rest) => shared(`key ${name}`, ...rest)))
  return (keyId, now) =>
    stateOf(perMinute, counter.add(keyId, 1, now), now, `This key may send ${perMinute} requests a minute`)
}
