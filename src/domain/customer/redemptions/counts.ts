// How often something was redeemed: in all, and by the calendar day, so that days, weeks and months can be bounded.
import type { Calendar } from '../../calendar.ts'
import { dayOf } from '../../rulebook/limits.ts'

export interface Counts {
  readonly times: number
  /** By day (`YYYY-MM-DD` in the project's time zone); the newest `MAX_DAYS`, which no month is longer than. */
  readonly days: Readonly<Record<string, number>>
}

export const NO_COUNTS: Counts = { times: 0, days: {} }

const MAX_DAYS = 70

/** The counts after `by` more (negative: fewer) on a day. */
export const counted = ({ times, days }: Counts, day: string, by: number): Counts => {
  const now: Record<string, number> = { ...days, [day]: Math.max(0, (days[day] ?? 0) + by) }
  if (now[day] === 0) delete now[day]
  const names = Object.keys(now)
  if (names.length > MAX_DAYS) delete now[names.sort()[0]!]
  return { times: times + by, days: now }
}

/** The periods that budgets are kept by, as they end the names of rules. */
export const PERIODS = { '.daily': 'day', '.weekly': 'week', '.monthly': 'month' } as const
export type PeriodSuffix = '' | keyof typeof PERIODS

/** Which days lie in the same day, week or month as an instant (ms). */
export const daysWithin = (calendar: Calendar, suffix: PeriodSuffix, now: number): ((day: string) => boolean) => {
  if (suffix === '') return () => true
  const { from, to } = calendar.period(PERIODS[suffix], now)
  const [first, end] = [dayOf(from, calendar), dayOf(to, calendar)]
  return (day) => day >= first && day < end
}

/** How many of the counts lie in the period that holds `now`. */
export const countWithin = ({ times, days }: Counts, calendar: Calendar, suffix: PeriodSuffix, now: number): number => {
  if (suffix === '') return times
  const within = daysWithin(calendar, suffix, now)
  let sum = 0
  for (const [day, n] of Object.entries(days)) if (within(day)) sum += n
  return sum
}
