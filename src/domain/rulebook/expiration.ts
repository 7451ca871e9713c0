// When points expire: the rules of a program or an earning rule, as an instant.
import * as v from 'valibot'
import { type Calendar, daysInMonth } from '../calendar.ts'
import type { Fault } from './kind.ts'

const month = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(12))
const MAX_MONTHS = 1_200

/** The HTTP contract's expiration rules. */
export const ExpirationRules = v.object({
  period_type: v.picklist(['MONTH', 'FIXED_DAY_OF_YEAR']),
  /** Months; for a fixed day of the year, years beyond the first such day (1: the first). */
  period_value: v.optional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_MONTHS)))),
  rounding_type: v.optional(
    v.nullable(v.picklist(['END_OF_MONTH', 'END_OF_QUARTER', 'END_OF_HALF_YEAR', 'END_OF_YEAR', 'PARTICULAR_MONTH'])),
  ),
  /** The month whose end counts, for `PARTICULAR_MONTH`. */
  rounding_value: v.optional(v.nullable(month)),
  fixed_month: v.optional(v.nullable(month)),
  fixed_day: v.optional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(31)))),
})
export type ExpirationRules = v.InferOutput<typeof ExpirationRules>

export const expirationFaults = (rules: ExpirationRules | null | undefined, path: string): readonly Fault[] => {
  if (!rules) return []
  const missing = (name: string) => ({ path: `${path}.${name}`, message: 'is required' })
  if (rules.period_type === 'FIXED_DAY_OF_YEAR')
    return [
      ...(rules.fixed_month ? [] : [missing('fixed_month')]),
      ...(rules.fixed_day ? [] : [missing('fixed_day')]),
      ...(rules.fixed_month && rules.fixed_day && rules.fixed_day > daysInMonth(2024, rules.fixed_month)
        ? [{ path: `${path}.fixed_day`, message: 'must be a day of the fixed_month' }]
        : []),
    ]
  return [
    ...(rules.period_value ? [] : [missing('period_value')]),
    ...(rules.rounding_type === 'PARTICULAR_MONTH' && !rules.rounding_value ? [missing('rounding_value')] : []),
  ]
}

/** The first instant after the group of `size` months that holds a month; `month` may lie beyond 12. */
const endOfGroup = (calendar: Calendar, year: number, month: number, size: number): number =>
  calendar.startOfDay(year, Math.ceil(month / size) * size + 1, 1)

/**
 * The instant at which points given at `from` expire, ms; null for never. Points last to the end of a day, in the calendar's
 * time zone: the day so many months later, rounded up as the rules say, or the next fixed day of a year.
 */
export const expiresAt = (
  rules: ExpirationRules | null | undefined,
  from: number,
  calendar: Calendar,
): number | null => {
  if (!rules) return null
  if (rules.period_type === 'FIXED_DAY_OF_YEAR') {
    const { fixed_month: month, fixed_day: day } = rules
    if (!month || !day) return null
    const endIn = (year: number) => calendar.startOfDay(year, month, Math.min(day, daysInMonth(year, month)) + 1)
    const { year } = calendar.civil(from)
    const first = endIn(year) > from ? year : year + 1
    return endIn(first + (rules.period_value ?? 1) - 1)
  }
  const { year, month, day } = calendar.civil(calendar.plus(from, { months: rules.period_value ?? 0 }))
  switch (rules.rounding_type) {
    case 'END_OF_MONTH':
      return endOfGroup(calendar, year, month, 1)
    case 'END_OF_QUARTER':
      return endOfGroup(calendar, year, month, 3)
    case 'END_OF_HALF_YEAR':
      return endOfGroup(calendar, year, month, 6)
    case 'END_OF_YEAR':
      return endOfGroup(calendar, year, month, 12)
    case 'PARTICULAR_MONTH': {
      const wanted = rules.rounding_value ?? 12
      return calendar.startOfDay(wanted >= month ? year : year + 1, wanted + 1, 1)
    }
    case null:
    case undefined:
      return calendar.startOfDay(year, month, day + 1)
    default:
      return rules.rounding_type satisfies never
  }
}
