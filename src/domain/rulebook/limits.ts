// How much a rule or a program may pay to one customer: bounds in points and times, for all time or a period, and pauses.
import * as v from 'valibot'
import type { Calendar } from '../calendar.ts'
import { fixedLength, parseSpan } from '../conditions/span.ts'
import { MAX_TOTAL } from '../points.ts'

const bound = v.optional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_TOTAL))))

const Bounds = v.pipe(
  v.object({ points: bound, times: bound }),
  v.check((b) => Boolean(b.points ?? b.times), 'must have points or times'),
)

export const limitFields = {
  /** For all time; a bare number bounds the times. What passes a bound in points is cut to it. */
  max_per_customer: v.nullish(
    v.union([
      v.pipe(
        v.number(),
        v.integer(),
        v.minValue(1),
        v.maxValue(MAX_TOTAL),
        v.transform((times) => ({ times })),
      ),
      Bounds,
    ]),
  ),
  /** By the calendar of the project's time zone, counted by the time at which the customer acted. */
  max_per_period: v.nullish(
    v.pipe(
      v.object({ period: v.picklist(['day', 'week', 'month', 'ever']), points: bound, times: bound }),
      v.check((b) => Boolean(b.points ?? b.times), 'must have points or times'),
    ),
  ),
  /** An ISO 8601 duration: at most one payment in any such stretch of time. */
  cooldown: v.nullish(
    v.pipe(
      v.string(),
      v.check((text) => {
        const span = parseSpan(text)
        return span !== undefined && fixedLength(span) > 0
      }, 'must be an ISO 8601 duration'),
    ),
  ),
}
const Limits = v.object(limitFields)
export type Limits = v.InferOutput<typeof Limits>

/** What one rule, or one program, has paid to a customer. Kept for all rules, so that a bound set later counts from the start. */
export interface Tally {
  readonly points: number
  readonly times: number
  /** By the day on which the customer acted (`YYYY-MM-DD`): points and times; the newest `MAX_DAYS`. */
  readonly days: Readonly<Record<string, readonly [points: number, times: number]>>
  /** The newest day that was dropped for want of room. */
  readonly droppedDay?: string
  /** The newest instants of payment, ms, in order. */
  readonly recent: readonly number[]
  /** The points paid at each of them. */
  readonly amounts: readonly number[]
}

export const NO_TALLY: Tally = { points: 0, times: 0, days: {}, recent: [], amounts: [] }

const MAX_DAYS = 400
const MAX_RECENT = 32

/** The tally after one more payment for what happened at `at` on `day`. */
export const tallied = (before: Tally, points: number, day: string, at: number): Tally => {
  const [dayPoints, dayTimes] = before.days[day] ?? [0, 0]
  const days: Record<string, readonly [number, number]> = {
    ...before.days,
    [day]: [dayPoints + points, dayTimes + 1],
  }
  let dropped = before.droppedDay
  const names = Object.keys(days)
  if (names.length > MAX_DAYS) {
    const oldest = names.sort()[0]!
    delete days[oldest]
    if (dropped === undefined || oldest > dropped) dropped = oldest
  }
  const place = before.recent.findLastIndex((paid) => paid <= at) + 1
  return {
    points: before.points + points,
    times: before.times + 1,
    days,
    ...(dropped === undefined ? {} : { droppedDay: dropped }),
    recent: before.recent.toSpliced(place, 0, at).slice(-MAX_RECENT),
    amounts: before.amounts.toSpliced(place, 0, points).slice(-MAX_RECENT),
  }
}

/** Payments that count for another day. */
export interface Shift {
  readonly before: string
  readonly after: string
  readonly points: number
  readonly times: number
}

/** The tally with payments counted for another day, as far as they are counted for the first. */
export const shifted = (tally: Tally, { before, after, points, times }: Shift): Tally => {
  const had = tally.days[before]
  if (!had) return tally
  const [hadPoints, hadTimes] = had
  if (hadTimes < times || hadPoints < points) return tally
  const days: Record<string, readonly [number, number]> = { ...tally.days }
  if (hadTimes === times) delete days[before]
  else days[before] = [hadPoints - points, hadTimes - times]
  const [thenPoints, thenTimes] = days[after] ?? [0, 0]
  days[after] = [thenPoints + points, thenTimes + times]
  return { ...tally, days }
}

/** The newest payments whose instants lie on another day of the second calendar than of the first. */
export const shiftsOf = (tally: Tally, from: Calendar, to: Calendar): readonly Shift[] => {
  const shifts = new Map<string, Shift>()
  for (const [i, at] of tally.recent.entries()) {
    const [before, after] = [dayOf(at, from), dayOf(at, to)]
    if (before === after) continue
    const known = shifts.get(before + after)
    shifts.set(before + after, {
      before,
      after,
      points: (known?.points ?? 0) + tally.amounts[i]!,
      times: (known?.times ?? 0) + 1,
    })
  }
  return [...shifts.values()]
}

/** The civil day of an instant, as text that sorts as days do. */
export const dayOf = (at: number, calendar: Calendar): string => {
  const { year, month, day } = calendar.civil(at)
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
}

/** Points and times paid for days within the period that holds `at`; undefined when a part of it is no longer known. */
const paidWithin = (
  { days, droppedDay }: Tally,
  period: 'day' | 'week' | 'month',
  at: number,
  calendar: Calendar,
): readonly [points: number, times: number] | undefined => {
  const { from, to } = calendar.period(period, at)
  const first = dayOf(from, calendar)
  if (droppedDay !== undefined && first <= droppedDay) return undefined
  if (period === 'day') return days[first] ?? [0, 0]
  const end = dayOf(to, calendar)
  let points = 0
  let times = 0
  for (const [day, [p, t]] of Object.entries(days))
    if (day >= first && day < end) {
      points += p
      times += t
    }
  return [points, times]
}

/** How many points may still be paid for what happened at `at` (possibly all, `Infinity`), or why none. */
export const allowance = (
  { max_per_customer: forAll, max_per_period: per, cooldown }: Limits,
  tally: Tally,
  at: number,
  calendar: Calendar,
): { readonly points: number } | { readonly reason: string } => {
  let points = Number.POSITIVE_INFINITY
  const within = (
    paid: readonly [number, number],
    bounds: { points?: number | null; times?: number | null },
  ): boolean => {
    if (bounds.times && paid[1] >= bounds.times) return false
    if (bounds.points) points = Math.min(points, bounds.points - paid[0])
    return points > 0
  }
  if (forAll && !within([tally.points, tally.times], 'points' in forAll ? forAll : { times: forAll.times ?? null }))
    return { reason: 'max_per_customer is reached' }
  if (per) {
    const paid =
      per.period === 'ever' ? ([tally.points, tally.times] as const) : paidWithin(tally, per.period, at, calendar)
    if (!paid) return { reason: `the ${per.period} lies too far back to be held against max_per_period` }
    if (!within(paid, per))
      return { reason: `max_per_period is reached for the ${per.period === 'ever' ? 'customer' : per.period}` }
  }
  if (cooldown) {
    const length = fixedLength(parseSpan(cooldown)!)
    if (tally.recent.some((paid) => Math.abs(at - paid) < length))
      return { reason: `cooldown of ${cooldown} is not over` }
    if (tally.times > tally.recent.length && at < tally.recent[0]! + length)
      return { reason: 'it lies too far back to be held against the cooldown' }
  }
  return { points }
}
