// Times in order with what each adds, in chunks, so that a window over many of them is kept and asked cheaply.
import { type Answer, answer } from './answer.ts'
import { upperBound } from './tally.ts'
import type { NumberTest } from './tests.ts'

/** Up to `CHUNK` entries with what is needed to pass over them at once. */
interface Chunk {
  /** Times in order, ms. */
  readonly t: readonly number[]
  /** What each adds, in millionths; absent when each adds one. */
  readonly m?: readonly number[]
  readonly sum: number
  /** The least and the greatest sum of any number of entries from the chunk's start, zero entries included. */
  readonly low: number
  readonly high: number
}

/** Entries sorted by time; never changed in place, chunks are shared between versions. */
export type Series = readonly Chunk[]

const CHUNK = 128

const chunkOf = (t: readonly number[], m: readonly number[] | undefined): Chunk => {
  if (!m) return { t, sum: t.length, low: 0, high: t.length }
  let sum = 0
  let low = 0
  let high = 0
  for (const amount of m) {
    sum += amount
    if (sum < low) low = sum
    if (sum > high) high = sum
  }
  return { t, m, sum, low, high }
}

export const seriesOf = (times: readonly number[]): Series => (times.length === 0 ? [] : [chunkOf(times, undefined)])

/** The first chunk whose last entry is later than `time`. */
const chunkAfter = (series: Series, time: number): number => {
  let low = 0
  let high = series.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const { t } = series[middle]!
    if (t[t.length - 1]! <= time) low = middle + 1
    else high = middle
  }
  return low
}

/** Where entries are parted: before entry `index` of chunk `chunk`. */
interface Gap {
  chunk: number
  index: number
}

/** The place before the first entry later than `time`. */
const placeAfter = (series: Series, time: number): Gap => {
  const chunk = chunkAfter(series, time)
  return { chunk, index: chunk < series.length ? upperBound(series[chunk]!.t, time) : 0 }
}

const timeAt = (series: Series, { chunk, index }: Gap): number =>
  chunk < series.length ? series[chunk]!.t[index]! : Number.POSITIVE_INFINITY

const amountAt = (series: Series, { chunk, index }: Gap): number => {
  const { m } = series[chunk]!
  return m ? m[index]! : 1
}

const step = (series: Series, place: Gap): void => {
  if (++place.index >= series[place.chunk]!.t.length) {
    place.chunk++
    place.index = 0
  }
}

export const insert = (series: Series, time: number, amount?: number): Series => {
  const found = chunkAfter(series, time)
  const at = found === series.length ? Math.max(0, found - 1) : found
  const chunk = series[at]
  if (!chunk) return [chunkOf([time], amount === undefined ? undefined : [amount])]
  const index = upperBound(chunk.t, time)
  const t = chunk.t.toSpliced(index, 0, time)
  const m = chunk.m?.toSpliced(index, 0, amount!)
  if (t.length <= CHUNK) return series.with(at, chunkOf(t, m))
  // A full last chunk is left as it is and a new one begun: most entries come in order.
  const cut = at === series.length - 1 && index === CHUNK ? CHUNK : CHUNK >>> 1
  return series.toSpliced(at, 1, chunkOf(t.slice(0, cut), m?.slice(0, cut)), chunkOf(t.slice(cut), m?.slice(cut)))
}

/** Without its first `count` entries. */
const withoutFirst = (series: Series, count: number): Series => {
  let whole = 0
  let left = count
  while (whole < series.length && left >= series[whole]!.t.length) left -= series[whole++]!.t.length
  if (whole === 0 && left === 0) return series
  const rest = series.slice(whole)
  const [first] = rest
  if (first && left > 0) rest[0] = chunkOf(first.t.slice(left), first.m?.slice(left))
  return rest
}

const countBefore = (series: Series, { chunk, index }: Gap): number => {
  let count = index
  for (let i = 0; i < chunk; i++) count += series[i]!.t.length
  return count
}

/** Without the entries at or before `time`. */
export const keepAfter = (series: Series, time: number): Series =>
  withoutFirst(series, countBefore(series, placeAfter(series, time)))

/** Without all but the newest `count` of the entries at or before `time`. */
export const keepNewest = (series: Series, count: number, time: number): Series => {
  const surplus = countBefore(series, placeAfter(series, time)) - count
  return surplus > 0 ? withoutFirst(series, surplus) : series
}

export const newest = (series: Series): number => {
  const last = series[series.length - 1]
  return last ? last.t[last.t.length - 1]! : Number.NEGATIVE_INFINITY
}

/** The sum over the window `(now - length, now]`. */
export const sumWithin = (series: Series, length: number, now: number): number => {
  const from = placeAfter(series, now - length)
  const to = placeAfter(series, now)
  let sum = 0
  for (let i = from.chunk; i <= to.chunk && i < series.length; i++) {
    const chunk = series[i]!
    const start = i === from.chunk ? from.index : 0
    const end = i === to.chunk ? to.index : chunk.t.length
    if (start === 0 && end === chunk.t.length) sum += chunk.sum
    else if (!chunk.m) sum += Math.max(0, end - start)
    else for (let k = start; k < end; k++) sum += chunk.m[k]!
  }
  return sum
}

/**
 * Whether the sum over the window passes a test, and the exact instant at which that changes: entries leave when they are
 * `length` old, and those ahead of now come in at their time.
 */
export const askWindow = (series: Series, length: number, now: number, test: NumberTest): Answer => {
  let sum = sumWithin(series, length, now)
  const holds = test.holds(sum)
  const leaving = placeAfter(series, now - length)
  const coming = placeAfter(series, now)
  for (let comes = timeAt(series, coming); comes < Number.POSITIVE_INFINITY; comes = timeAt(series, coming)) {
    const at = Math.min(comes, timeAt(series, leaving) + length)
    while (timeAt(series, coming) <= at) {
      sum += amountAt(series, coming)
      step(series, coming)
    }
    while (timeAt(series, leaving) + length <= at) {
      sum -= amountAt(series, leaving)
      step(series, leaving)
    }
    if (test.holds(sum) !== holds) return answer(holds, at)
  }
  while (leaving.chunk < series.length) {
    const chunk = series[leaving.chunk]!
    if (leaving.index === 0 && test.holds(sum) === holds && test.isConstantOn(sum - chunk.high, sum - chunk.low)) {
      sum -= chunk.sum
      leaving.chunk++
      continue
    }
    const left = timeAt(series, leaving)
    sum -= amountAt(series, leaving)
    step(series, leaving)
    if (timeAt(series, leaving) !== left && test.holds(sum) !== holds) return answer(holds, left + length)
  }
  return answer(holds)
}

/** The first and last time within the window, and when either changes. */
export const endsWithin = (
  series: Series,
  length: number,
  now: number,
): { readonly first: number | undefined; readonly last: number | undefined; readonly next: number } => {
  const from = placeAfter(series, now - length)
  const to = placeAfter(series, now)
  const next = timeAt(series, to)
  const first = timeAt(series, from)
  if (first > now) return { first: undefined, last: undefined, next }
  const last =
    to.index > 0 ? series[to.chunk]!.t[to.index - 1]! : series[to.chunk - 1]!.t[series[to.chunk - 1]!.t.length - 1]!
  return { first, last, next: Math.min(next, first + length) }
}
