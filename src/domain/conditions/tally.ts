// Counts over all time: how many, when first and last, how much, where some of it may still lie ahead of now.
import { AHEAD_MS, type OccurrenceStats } from './subject.ts'

/** Occurrence statistics with a sum in millionths. */
export interface Tally extends OccurrenceStats {
  readonly sum?: number
  /** What each of `recent` adds to the sum. */
  readonly amounts?: readonly number[]
}

export const EMPTY_TALLY: Tally = { count: 0, first: 0, last: 0 }

/** What a tally says at one instant; `next` is when it says something else with nothing new happening. */
export interface TallyReading {
  readonly count: number
  readonly sum: number
  readonly first: number | undefined
  readonly last: number | undefined
  readonly next: number
}

export const NOTHING_SEEN: TallyReading = {
  count: 0,
  sum: 0,
  first: undefined,
  last: undefined,
  next: Number.POSITIVE_INFINITY,
}

/**
 * The tally with one more event at `at` (ms). `recordedAt` is an instant before which nothing will be asked; when it is not
 * known, events are taken to be recorded at most `AHEAD_MS` before their time.
 */
export const addToTally = (tally: Tally, at: number, recordedAt?: number, amount?: number): Tally => {
  const isEmpty = tally.count === 0
  const recent = tally.recent ? [...tally.recent] : isEmpty ? [] : [tally.last]
  const amounts = tally.amounts ? [...tally.amounts] : recent.map(() => 0)
  const place = upperBound(recent, at)
  recent.splice(place, 0, at)
  amounts.splice(place, 0, amount!)
  const arrived = upperBound(recent, recordedAt ?? recent[recent.length - 1]! - AHEAD_MS)
  const keepFrom = Math.max(0, arrived - 1)
  const ahead = arrived < recent.length
  return {
    count: tally.count + 1,
    first: isEmpty ? at : Math.min(tally.first, at),
    last: isEmpty ? at : Math.max(tally.last, at),
    ...(amount === undefined ? {} : { sum: (tally.sum ?? 0) + amount }),
    ...(ahead ? { recent: recent.slice(keepFrom) } : {}),
    ...(ahead && amount !== undefined ? { amounts: amounts.slice(keepFrom) } : {}),
  }
}

/** Occurrence statistics with one more event, as the customer's state keeps them for every event type. */
export const countOccurrence = (stats: OccurrenceStats | undefined, at: number, recordedAt?: number): OccurrenceStats =>
  addToTally(stats ?? EMPTY_TALLY, at, recordedAt)

export const readTally = (tally: Tally | undefined, now: number): TallyReading => {
  if (!tally || tally.count === 0) return NOTHING_SEEN
  const { count, first, last, sum = 0, amounts } = tally
  if (last <= now) return { count, sum, first, last, next: Number.POSITIVE_INFINITY }
  const recent = tally.recent ?? [last]
  const arrived = upperBound(recent, now)
  let come = sum
  if (amounts) for (let i = arrived; i < recent.length; i++) come -= amounts[i]!
  const seen = count - (recent.length - arrived)
  const next = recent[arrived]!
  if (seen <= 0) return { ...NOTHING_SEEN, next }
  return { count: seen, sum: come, first, last: arrived > 0 ? recent[arrived - 1] : first, next }
}

/** How many of sorted numbers are at most `limit`. */
export const upperBound = (sorted: readonly number[], limit: number): number => {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! <= limit) low = middle + 1
    else high = middle
  }
  return low
}
