// Points: whole numbers within bounds, and how many times an amount holds another.
import * as v from 'valibot'
import { numeric, scaled } from './numbers.ts'

/** The most points that one change may be about. */
export const MAX_POINTS = 1_000_000_000_000
/** The most points that a card may hold or have been given: far below where whole numbers are no longer exact. */
export const MAX_TOTAL = 1_000 * MAX_POINTS

/** A number of points, at least one. */
export const Points = v.pipe(numeric, v.integer(), v.minValue(1), v.maxValue(MAX_POINTS))

/** A change of points, up or down, by at least one. */
export const PointsChange = v.pipe(
  numeric,
  v.integer(),
  v.minValue(-MAX_POINTS),
  v.maxValue(MAX_POINTS),
  v.check((points) => points !== 0, 'must NOT be 0'),
)

/**
 * How many times `value` holds a whole `every` (both as they are written in decimal, so that 0.3 holds 0.1 three times).
 * 0 for what is negative; undefined when either is no finite number.
 */
export const wholeTimes = (value: number, every: number): bigint | undefined => {
  const [a, b] = [scaled(String(value)), scaled(String(every))]
  if (!a || !b || b.units <= 0n) return undefined
  if (a.units <= 0n) return 0n
  const digits = Math.max(a.digits, b.digits)
  return (a.units * 10n ** BigInt(digits - a.digits)) / (b.units * 10n ** BigInt(digits - b.digits))
}

/** `points` for every whole `every` in `value`; undefined when that is no number of points or over `MAX_POINTS`. */
export const proportional = (value: number, every: number, points: number): number | undefined => {
  const times = wholeTimes(value, every)
  if (times === undefined) return undefined
  const total = times * BigInt(points)
  return total > BigInt(MAX_POINTS) ? undefined : Number(total)
}

/** `points` times a decimal factor, rounded down; undefined over `MAX_POINTS`. */
export const multiplied = (points: number, factor: number): number | undefined => {
  const by = scaled(String(factor))
  if (!by || by.units < 0n) return undefined
  const total = (BigInt(points) * by.units) / 10n ** BigInt(by.digits)
  return total > BigInt(MAX_POINTS) ? undefined : Number(total)
}
