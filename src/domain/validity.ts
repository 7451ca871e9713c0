// When a campaign or a rule is in force: its dates, repeating time frames, days of the week and hours of the day.
import * as v from 'valibot'
import type { Calendar } from './calendar.ts'
import { type Answer, allOf, answer, during, FAILS, HOLDS } from './conditions/answer.ts'
import type { Span } from './conditions/ast.ts'
import { fixedLength, parseSpan } from './conditions/span.ts'
import { type Refused, refuse } from './refusal.ts'
import type { Fault } from './rulebook/kind.ts'

const day = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(6))
const days = v.pipe(v.array(day), v.maxLength(7))
const timeOfDay = v.pipe(v.string(), v.regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day HH:MM'))
/** An empty text is none: forms and files write so. */
const when = v.pipe(
  v.string(),
  v.maxLength(40),
  v.transform((text) => (text === '' ? null : text)),
)
const duration = v.pipe(
  v.string(),
  v.check((text) => fixedLength(parseSpan(text) ?? NONE) > 0, 'must be an ISO 8601 duration longer than nothing'),
)
const NONE: Span = { years: 0, months: 0, days: 0, ms: 0 }

/** The fields of the HTTP contract that say when something is in force, to be spread into a definition's schema. */
export const validityFields = {
  /** In force from then on; a day without a time: from its first instant in the project's time zone. */
  start_date: v.nullish(when),
  /** In force until before then; a day without a time: to its end, so that a day from itself to itself is that day. */
  expiration_date: v.nullish(when),
  /** In force for `duration` at the beginning of each `interval`, counted from `start_date`. */
  validity_timeframe: v.nullish(v.object({ interval: duration, duration })),
  /** 0 (Sunday) to 6 (Saturday). */
  validity_day_of_week: v.nullish(days),
  /** From `start_time` to before `expiration_time`, past midnight when that is not later; on the days given by its beginning. */
  validity_hours: v.nullish(
    v.object({
      daily: v.pipe(
        v.array(
          v.object({ start_time: timeOfDay, expiration_time: timeOfDay, days_of_week: v.optional(v.nullable(days)) }),
        ),
        v.maxLength(50),
      ),
    }),
  ),
}

export const Validity = v.object(validityFields)
export type Validity = v.InferOutput<typeof Validity>

/** The stretch `[from, to)` that start and end leave, ms; undefined where there is no bound, or none that can be read. */
export const spanOf = (
  { start_date: start, expiration_date: end }: Pick<Validity, 'start_date' | 'expiration_date'>,
  calendar: Calendar,
): { readonly from: number | undefined; readonly to: number | undefined } => ({
  from: start ? calendar.parse(start) : undefined,
  to: end ? calendar.parseEnd(end) : undefined,
})

/** What is wrong with the fields beside one another. */
export const validityFaults = (validity: Validity, calendar: Calendar): readonly Fault[] => {
  const { start_date: start, expiration_date: end, validity_timeframe: frame } = validity
  const faults: Fault[] = []
  const { from, to } = spanOf(validity, calendar)
  if (start && from === undefined)
    faults.push({ path: 'start_date', message: 'must match format "date-time" or "date"' })
  if (end && to === undefined)
    faults.push({ path: 'expiration_date', message: 'must match format "date-time" or "date"' })
  if (from !== undefined && to !== undefined && to <= from)
    faults.push({ path: 'expiration_date', message: 'must be later than start_date' })
  if (frame && from === undefined)
    faults.push({ path: 'start_date', message: 'is required with validity_timeframe: intervals are counted from it' })
  if (frame && fixedLength(parseSpan(frame.duration)!) > fixedLength(parseSpan(frame.interval)!))
    faults.push({ path: 'validity_timeframe.duration', message: 'must NOT be longer than the interval' })
  return faults
}

const msOfDay = (time: string): number => {
  const [hours, minutes] = time.split(':').map(Number)
  return (hours! * 60 + minutes!) * 60_000
}

/** The instant of `times` spans after `from`: years, months and days by the calendar, hours by length. */
const steps = (calendar: Calendar, from: number, { years, months, days, ms }: Span, times: number): number =>
  calendar.plus(from, { years: years * times, months: months * times, days: days * times }) + ms * times

const frameAt = (calendar: Calendar, start: number, interval: Span, length: Span, now: number): Answer => {
  if (now < start) return answer(false, start)
  let n = Math.floor((now - start) / fixedLength(interval))
  while (steps(calendar, start, interval, n) > now) n--
  while (steps(calendar, start, interval, n + 1) <= now) n++
  const from = steps(calendar, start, interval, n)
  const end = Math.min(steps(calendar, from, length, 1), steps(calendar, start, interval, n + 1))
  return now < end ? answer(true, end) : answer(false, steps(calendar, start, interval, n + 1))
}

/** Truth by days of the week, until the end of the day. */
const onDays = (calendar: Calendar, allowed: readonly number[], now: number): Answer =>
  answer(allowed.includes(calendar.weekday(now)), calendar.period('day', now).to)

/** Whatever the clocks do, it is on its day. */
const NOON_MS = 43_200_000

type Hours = NonNullable<Validity['validity_hours']>['daily']

const inHours = (calendar: Calendar, windows: Hours, now: number): Answer => {
  let holds = false
  let until = calendar.period('day', now).to
  const today = calendar.civil(now)
  for (const { start_time, expiration_time, days_of_week: allowed } of windows) {
    const [from, to] = [msOfDay(start_time), msOfDay(expiration_time)]
    // A window that began yesterday may last past midnight.
    for (const shift of to <= from ? [-1, 0] : [0]) {
      const date = { ...today, day: today.day + shift }
      if (allowed?.length && !allowed.includes(calendar.weekday(calendar.instantOf(date, NOON_MS)))) continue
      const start = calendar.instantOf(date, from)
      const end = calendar.instantOf({ ...date, day: date.day + (to <= from ? 1 : 0) }, to)
      if (now >= start && now < end) holds = true
      for (const edge of [start, end]) if (edge > now && edge < until) until = edge
    }
  }
  return answer(holds, until)
}

/**
 * Makes of a definition's fields the question whether it is in force at an instant (ms), with the instant until which the
 * answer stands. Days and hours are those of the calendar's time zone. Fields that `validityFaults` found fault with never hold.
 */
export const compileValidity = (validity: Validity, calendar: Calendar): ((now: number) => Answer) => {
  const parts: ((now: number) => Answer)[] = []
  const { start_date, expiration_date, validity_timeframe, validity_day_of_week, validity_hours } = validity
  const { from: start, to: end } = spanOf(validity, calendar)
  if ((start_date && start === undefined) || (expiration_date && end === undefined)) return () => FAILS
  if (start !== undefined || end !== undefined)
    parts.push((now) => during(start ?? Number.NEGATIVE_INFINITY, end ?? Number.POSITIVE_INFINITY, now))
  if (validity_timeframe) {
    const interval = parseSpan(validity_timeframe.interval)
    const length = parseSpan(validity_timeframe.duration)
    if (start === undefined || !interval || !length) return () => FAILS
    parts.push((now) => frameAt(calendar, start, interval, length, now))
  }
  if (validity_day_of_week?.length) parts.push((now) => onDays(calendar, validity_day_of_week, now))
  if (validity_hours?.daily.length) parts.push((now) => inHours(calendar, validity_hours.daily, now))
  if (parts.length === 0) return () => HOLDS
  return (now) => allOf(parts, (part) => part(now))
}

/** What is said of a code, or a promotion tier, that is not in force. */
const NOT_IN_FORCE = {
  voucher: { expired: 'voucher_expired', early: 'voucher_not_active', now: 'voucher_not_active_now' },
  promotion_tier: { expired: 'promotion_inactive', early: 'promotion_inactive', now: 'promotion_not_active_now' },
} as const

/**
 * Why something of a code or a promotion tier is not in force at an instant (ms); undefined when it is. `what` begins the words: `The
 * code`.
 */
export const timeFault = (
  validity: Validity,
  calendar: Calendar,
  now: number,
  what: string,
  resource: { readonly type: keyof typeof NOT_IN_FORCE; readonly id: string },
): Refused | undefined => {
  if (compileValidity(validity, calendar)(now).holds) return undefined
  const keys = NOT_IN_FORCE[resource.type]
  const { from: start, to: end } = spanOf(validity, calendar)
  if (end !== undefined && now >= end)
    return refuse(keys.expired, `${what} expired at ${new Date(end).toISOString()}`, { resource })
  if (start !== undefined && now < start)
    return refuse(keys.early, `${what} begins at ${new Date(start).toISOString()}`, { resource })
  return refuse(keys.now, `${what} is not active at this time`, { resource })
}
