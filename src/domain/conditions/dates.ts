// Tests of dates and times against the present: each answers with its truth and the next instant at which that changes.
import { type Calendar, type Civil, daysBetween, daysInMonth, type Period } from '../calendar.ts'
import { type Answer, answer, during, FAILS, negated } from './answer.ts'
import type { Span, Test } from './ast.ts'
import { fixedLength, shifted } from './span.ts'

/** An instant, and whether it was written as a day without time. */
export interface DateValue {
  readonly at: number
  readonly isDay: boolean
}

type TestOf<Op extends Test['op']> = Extract<Test, { op: Op }>
export type DateTest = TestOf<
  | 'after'
  | 'before'
  | 'after_equal'
  | 'before_equal'
  | 'older'
  | 'newer'
  | 'later'
  | 'sooner'
  | 'on_day'
  | 'in_period'
  | 'anniversary'
  | 'years_ago'
  | 'part'
  | 'recurring'
  | 'between'
  | 'daily'
>

/** A date in a property or attribute: ISO 8601 text; ms since the epoch only where a type says so (`fromNumber`). */
export const dateValue = (
  value: unknown,
  calendar: Calendar,
  { fromNumber }: { readonly fromNumber: boolean },
): DateValue | undefined => {
  if (typeof value === 'number') return fromNumber ? { at: value, isDay: false } : undefined
  if (typeof value !== 'string') return undefined
  const at = calendar.parse(value)
  return at === undefined ? undefined : { at, isDay: value.length === 10 }
}

/** The day in a year on which a date comes round; 29 February comes round on the 28th in common years. */
const anniversaryIn = (year: number, { month, day }: Civil): Civil => ({
  year,
  month,
  day: Math.min(day, daysInMonth(year, month)),
})

/** Holds within any of the periods that a date has each year; none begins or ends more than two years from its anniversary. */
const yearly = (calendar: Calendar, now: number, of: Civil, periodOf: (anniversary: Civil) => Period): Answer => {
  const { year } = calendar.civil(now)
  let next = Number.POSITIVE_INFINITY
  for (let y = year - 2; y <= year + 2; y++) {
    const { from, to } = periodOf(anniversaryIn(y, of))
    if (from <= now && now < to) return answer(true, to)
    if (from > now && from < next) next = from
  }
  return answer(false, next)
}

/** Whether the last, or the next, anniversary is at most so many days away. */
const nearAnniversary = (
  calendar: Calendar,
  now: number,
  of: Civil,
  { direction, days }: TestOf<'anniversary'>,
): Answer => {
  // No anniversary is ever further away.
  if (days >= 365) return answer(true)
  const today = calendar.civil(now)
  const start = ({ year, month, day }: Civil, plusDays = 0) => calendar.startOfDay(year, month, day + plusDays)
  const thisYear = anniversaryIn(today.year, of)
  const isPast = daysBetween(thisYear, today) >= 0
  if (direction === 'ago') {
    const last = isPast ? thisYear : anniversaryIn(today.year - 1, of)
    const next = start(anniversaryIn(last.year + 1, of))
    return daysBetween(last, today) <= days ? answer(true, Math.min(start(last, days + 1), next)) : answer(false, next)
  }
  const next = daysBetween(today, thisYear) >= 0 ? thisYear : anniversaryIn(today.year + 1, of)
  return daysBetween(today, next) <= days ? answer(true, start(next, 1)) : answer(false, start(next, -days))
}

/** Whether an instant lies in a stretch that recurs, and when that changes after it. */
const recurring = (calendar: Calendar, { start, every, lasting }: TestOf<'recurring'>, at: number): Answer => {
  if (at < start) return answer(false, start)
  const nth = (n: number): number => {
    const times = (length: Span): Span => ({
      years: length.years * n,
      months: length.months * n,
      days: length.days * n,
      ms: length.ms * n,
    })
    return shifted(calendar, start, times(every), 1, { isDay: true })
  }
  let n = Math.floor((at - start) / fixedLength(every))
  while (nth(n) > at) n--
  while (nth(n + 1) <= at) n++
  const next = nth(n + 1)
  const end = Math.min(shifted(calendar, nth(n), lasting, 1, { isDay: true }), next)
  return at < end ? answer(true, end) : answer(false, next)
}

/** Whether an instant lies between two times of day, and when that changes after it. */
const daily = (calendar: Calendar, { from, to, days }: TestOf<'daily'>, at: number): Answer => {
  // The clocks may skip the stretch of one week whole, and not those of two.
  for (let shift = -1; shift <= 14; shift++) {
    const start = calendar.period('day', at, shift).from
    if (!days.includes(calendar.weekday(start))) continue
    const day = calendar.civil(start)
    const opens = calendar.instantOf(day, from)
    const closes = calendar.instantOf(day, to > from ? to : to + 86_400_000)
    if (opens <= at && at < closes) return answer(true, closes)
    if (opens > at && opens < closes) return answer(false, opens)
  }
  return answer(false)
}

/** Tests of times asked of an instant; `until` is when the answer would change for a later instant. */
export const askInstant = (
  calendar: Calendar,
  test: TestOf<'recurring' | 'between' | 'daily' | 'part'>,
  at: number,
): Answer => {
  switch (test.op) {
    case 'recurring':
      return recurring(calendar, test, at)
    case 'between':
      return during(test.from, test.to, at)
    case 'daily':
      return daily(calendar, test, at)
    case 'part':
      return answer(
        test.values.includes(test.part === 'weekday' ? calendar.weekday(at) : calendar.civil(at)[test.part]),
        calendar.period('day', at).to,
      )
    default:
      return test satisfies never
  }
}

/** A test of a date against the present (ms). */
export const askDate = (calendar: Calendar, test: DateTest, { at, isDay }: DateValue, now: number): Answer => {
  switch (test.op) {
    case 'after':
      return answer(at > test.at)
    case 'after_equal':
      return answer(at >= test.at)
    case 'before':
      return answer(at < test.at)
    case 'before_equal':
      return answer(at <= test.at)
    case 'older':
      return during(shifted(calendar, at, test.by, 1, { isDay }), Number.POSITIVE_INFINITY, now)
    case 'newer':
      return during(at, shifted(calendar, at, test.by, 1, { isDay }), now)
    case 'later':
      return during(Number.NEGATIVE_INFINITY, shifted(calendar, at, test.by, -1, { isDay }) + 1, now)
    case 'sooner':
      return during(shifted(calendar, at, test.by, -1, { isDay }) + 1, at, now)
    case 'on_day':
    case 'in_period': {
      const unit = test.op === 'on_day' ? 'day' : test.unit
      const periodOf = (instant: number) => calendar.period(unit, instant, -test.shift)
      if (test.yearly)
        return yearly(calendar, now, calendar.civil(at), ({ year, month, day }) =>
          periodOf(calendar.startOfDay(year, month, day)),
        )
      const { from, to } = periodOf(at)
      return during(from, to, now)
    }
    case 'anniversary': {
      const near = nearAnniversary(calendar, now, calendar.civil(at), test)
      return test.compare === 'at_most' ? near : negated(near)
    }
    case 'years_ago': {
      const born = calendar.civil(at)
      const { year, month, day } = anniversaryIn(born.year + test.years, born)
      return during(calendar.startOfDay(year, month, day), calendar.startOfDay(year, month, day + 1), now)
    }
    case 'part':
    case 'recurring':
    case 'between':
    case 'daily':
      return answer(askInstant(calendar, test, at).holds)
    default:
      return (test satisfies never) ?? FAILS
  }
}
