// Times of messages: stretches in which they are counted, hours in which a customer is left alone, and when one may go out.
import { type Calendar, calendarOf, isTimeZone, type Unit } from '../calendar.ts'
import { fixedLength, parseSpan, shifted } from '../conditions/span.ts'

const UNITS: Readonly<Record<string, Unit>> = {
  day: 'day',
  week: 'week',
  month: 'month',
  quarter: 'quarter',
  year: 'year',
}

/** No period, delay or history of a customer's messages is longer than this, ms. */
export const MAX_PERIOD_MS = 366 * 86_400_000

/** Whether a text is a period: an ISO 8601 duration of at most 366 days, or the name of a calendar period. */
export const isPeriod = (text: string): boolean => {
  if (Object.hasOwn(UNITS, text)) return true
  const span = parseSpan(text)
  return span !== undefined && fixedLength(span) > 0 && fixedLength(span) <= MAX_PERIOD_MS
}

/** Where the period that ends at `now` began: a rolling one of that length, or the calendar's that holds `now`. */
export const periodStart = (text: string, now: number, calendar: Calendar): number => {
  const unit = UNITS[text]
  if (unit) return calendar.period(unit, now).from
  const span = parseSpan(text)
  // `+ 1`: a message is out of a rolling period once the whole length has passed.
  return span ? shifted(calendar, now, span, -1) + 1 : now
}

/** When the period that holds `at` is over: the calendar's, or a rolling one that begins with it; ms. */
export const periodEnd = (text: string, at: number, calendar: Calendar): number => {
  const unit = UNITS[text]
  return unit ? calendar.period(unit, at).to : delayed(text, at, calendar)
}

/** The instant a delay after another, ms. */
export const delayed = (text: string | undefined, now: number, calendar: Calendar): number => {
  const span = text === undefined ? undefined : parseSpan(text)
  return span ? shifted(calendar, now, span, 1) : now
}

export interface QuietHours {
  /** Times of day `HH:MM`; past midnight when `to` is not after `from`. */
  readonly from: string
  readonly to: string
  readonly zone: 'customer' | 'project'
}

/** Where a customer's time zone stands in the metadata: the profile of the HTTP contract has no place for it. */
const ZONE_KEYS = ['time_zone', 'timezone', 'timeZone'] as const

/** The zone whose clock quiet hours go by: the customer's where the profile names a real one, else the project's. */
export const zoneOf = (
  { zone }: Pick<QuietHours, 'zone'>,
  metadata: Readonly<Record<string, unknown>>,
  projectZone: string,
): string => {
  if (zone === 'project') return projectZone
  for (const key of ZONE_KEYS) {
    const value = metadata[key]
    if (typeof value === 'string' && isTimeZone(value)) return value
  }
  return projectZone
}

const msOfDay = (time: string): number => {
  const [hours, minutes] = time.split(':').map(Number)
  return (hours! * 60 + minutes!) * 60_000
}

/** The first instant from `at` on that lies outside the quiet hours. */
export const outsideQuietHours = (at: number, hours: QuietHours, calendar: Calendar): number => {
  const [from, to] = [msOfDay(hours.from), msOfDay(hours.to)]
  const today = calendar.civil(at)
  // The night that began yesterday may still last.
  for (const shift of [-1, 0]) {
    const start = calendar.instantOf({ ...today, day: today.day + shift }, from)
    const end = calendar.instantOf({ ...today, day: today.day + shift + (to <= from ? 1 : 0) }, to)
    if (at >= start && at < end) return end
  }
  return at
}

/** The first instant from `at` on at which this customer may be written to. */
export const allowedFrom = (
  at: number,
  hours: QuietHours | undefined,
  metadata: Readonly<Record<string, unknown>>,
  projectZone: string,
): number => (hours ? outsideQuietHours(at, hours, calendarOf(zoneOf(hours, metadata, projectZone))) : at)
