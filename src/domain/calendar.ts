// Calendar arithmetic in a time zone: days, weeks, months, quarters and years as instants, daylight saving included.
import { IANAZone } from 'luxon'

export type Unit = 'day' | 'week' | 'month' | 'quarter' | 'year'

/** A stretch of time `[from, to)`, ms since the epoch. */
export interface Period {
  readonly from: number
  readonly to: number
}

/** A day of the (proleptic Gregorian) calendar; `month` is 1–12. */
export interface Civil {
  readonly year: number
  readonly month: number
  readonly day: number
}

export interface CalendarStep {
  readonly years?: number
  readonly months?: number
  readonly days?: number
}

export interface Calendar {
  readonly timeZone: string
  /** The day on which an instant lies. */
  civil(at: number): Civil
  /** The first instant of a day; month and day may lie outside their range and carry over. */
  startOfDay(year: number, month: number, day: number): number
  /** The period that holds an instant, or the one `shift` units later (negative: earlier). Weeks start on Monday. */
  period(unit: Unit, at: number, shift?: number): Period
  /**
   * The same time of day after whole years, months and days; a day that its month lacks becomes the month's last. Infinity, or its
   * negative, where no date is so far.
   */
  plus(at: number, step: CalendarStep): number
  /** 0 (Sunday) to 6 (Saturday). */
  weekday(at: number): number
  /** The instant at which the clocks first show this time of day; one that a change of clocks skips is as much later. */
  instantOf(day: Civil, msOfDay: number): number
  /**
   * The instant that an ISO 8601 text names: a day without time stands for its first instant, a time without offset is local.
   * Undefined for anything else, also for days that do not exist.
   */
  parse(text: string): number | undefined
  /** The instant before which what is good until a text (as `parse` takes it) ends: of a day, the first after it; within the year 9999. */
  parseEnd(text: string): number | undefined
}

const DAY_MS = 86_400_000
/** Clocks that go back over midnight do so by less than the time from here to midnight (ms). */
const LATE_MS = 20 * 3_600_000
/** Days of which a calendar remembers the offsets from UTC. */
const MAX_CACHED_DAYS = 20_000

const utc = (year: number, month: number, day: number): number => new Date(0).setUTCFullYear(year, month - 1, day)

const civilOfUtc = (ms: number): Civil => {
  const date = new Date(ms)
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() }
}

export const daysInMonth = (year: number, month: number): number => civilOfUtc(utc(year, month + 1, 0)).day

/** Days between two calendar days, whatever the clocks do in between. */
export const daysBetween = (a: Civil, b: Civil): number =>
  (utc(b.year, b.month, b.day) - utc(a.year, a.month, a.day)) / DAY_MS

/** Whether a name is an IANA time zone that this runtime knows. */
export const isTimeZone = (name: string): boolean => IANAZone.isValidZone(name)

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?)?$/i

const DAY = /^\d{4}-\d{2}-\d{2}$/
/** The last instant that a date-time can say: who means "never" by 9999-12-31 is not answered with a year of five digits. */
const LAST = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

const calendars = new Map<string, Calendar>()

/** The calendar of an IANA time zone; throws a `RangeError` for an unknown one. */
export const calendarOf = (timeZone: string): Calendar => {
  const known = calendars.get(timeZone)
  if (known) return known
  if (!isTimeZone(timeZone)) throw new RangeError(`unknown time zone '${timeZone}'`)
  const made = makeCalendar(timeZone)
  calendars.set(timeZone, made)
  return made
}

/** What `make` says of a day (days since the epoch), asked once. */
const remembering = (make: (day: number) => number): ((day: number) => number) => {
  const known = new Map<number, number>()
  return (day) => {
    const there = known.get(day)
    if (there !== undefined) return there
    if (known.size >= MAX_CACHED_DAYS) known.clear()
    const made = make(day)
    known.set(day, made)
    return made
  }
}

const makeCalendar = (timeZone: string): Calendar => {
  const zone = IANAZone.create(timeZone)
  const offsetOf = (at: number): number => Math.round(zone.offset(at) * 60_000)
  const midnights = remembering((day) => offsetOf(day * DAY_MS))
  /** When the offset of a day becomes the next one's. Clocks change at any minute (03:31 in St. John's), but no zone's twice a day. */
  const changes = remembering((day) => {
    let [before, after] = [day * DAY_MS, (day + 1) * DAY_MS]
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2)
      if (offsetOf(middle) === midnights(day)) before = middle
      else after = middle
    }
    return after
  })
  const offsetAt = (at: number): number => {
    const day = Math.floor(at / DAY_MS)
    const [before, after] = [midnights(day), midnights(day + 1)]
    // Beyond what dates can be there is no offset.
    return Object.is(before, after) || at < changes(day) ? before : after
  }

  /** The instant at which the clocks show `wall` (ms as if it were UTC); the earlier of two, or past the gap when skipped. */
  const atWall = (wall: number): number => {
    const before = offsetAt(wall - DAY_MS)
    const after = offsetAt(wall + DAY_MS)
    const early = wall - Math.max(before, after)
    if (offsetAt(early) === Math.max(before, after)) return early
    const late = wall - Math.min(before, after)
    if (offsetAt(late) === Math.min(before, after)) return late
    return wall - before
  }

  const wallOf = (at: number): number => at + offsetAt(at)
  const civil = (at: number): Civil => civilOfUtc(wallOf(at))
  const startOfDay = (year: number, month: number, day: number): number => atWall(utc(year, month, day))
  const weekday = (at: number): number => new Date(wallOf(at)).getUTCDay()

  /** The day of an instant for periods: days never come back, even where clocks go back over midnight. */
  const dayOf = (at: number): Civil => {
    const wall = wallOf(at)
    const today = civilOfUtc(wall)
    const isLate = wall - Math.floor(wall / DAY_MS) * DAY_MS >= LATE_MS
    return isLate && startOfDay(today.year, today.month, today.day + 1) <= at ? civilOfUtc(wall + DAY_MS) : today
  }

  const period = (unit: Unit, at: number, shift = 0): Period => {
    const { year, month, day } = dayOf(at)
    const span = (from: readonly [number, number, number], to: readonly [number, number, number]): Period => ({
      from: startOfDay(...from),
      to: startOfDay(...to),
    })
    switch (unit) {
      case 'day':
        return span([year, month, day + shift], [year, month, day + shift + 1])
      case 'week': {
        const weekdayOfDay = new Date(utc(year, month, day)).getUTCDay()
        const monday = day - ((weekdayOfDay + 6) % 7) + shift * 7
        return span([year, month, monday], [year, month, monday + 7])
      }
      case 'month':
        return span([year, month + shift, 1], [year, month + shift + 1, 1])
      case 'quarter': {
        const first = month - ((month - 1) % 3) + shift * 3
        return span([year, first, 1], [year, first + 3, 1])
      }
      case 'year':
        return span([year + shift, 1, 1], [year + shift + 1, 1, 1])
      default:
        return unit satisfies never
    }
  }

  const plus = (at: number, { years = 0, months = 0, days = 0 }: CalendarStep): number => {
    const wall = wallOf(at)
    const { year, month, day } = civilOfUtc(wall)
    const first = civilOfUtc(utc(year + years, month + months, 1))
    const kept = Math.min(day, daysInMonth(first.year, first.month))
    const midnight = Math.floor(wall / DAY_MS) * DAY_MS
    const moved = atWall(utc(first.year, first.month, kept + days) + (wall - midnight))
    return Number.isNaN(moved) ? (years || months || days) * Number.POSITIVE_INFINITY : moved
  }

  const parse = (text: string): number | undefined => {
    const match = ISO.exec(text)
    if (!match) return undefined
    const [, y, mo, d, h, mi, s, fraction, offset] = match
    const [year, month, day] = [Number(y), Number(mo), Number(d)]
    if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined
    if (h === undefined) return startOfDay(year, month, day)
    const [hours, minutes, seconds] = [Number(h), Number(mi), Number(s ?? 0)]
    if (hours > 23 || minutes > 59 || seconds > 59) return undefined
    const ms = fraction ? Math.floor(Number(`0.${fraction}`) * 1000 + 1e-9) : 0
    const wall = utc(year, month, day) + ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms
    if (offset === undefined) return atWall(wall)
    if (offset.toUpperCase() === 'Z') return wall
    const sign = offset.startsWith('-') ? -1 : 1
    const minutesEast = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(3).replace(':', '') || 0)
    return wall - sign * minutesEast * 60_000
  }

  const parseEnd = (text: string): number | undefined => {
    const at = parse(text)
    if (at === undefined) return at
    if (!DAY.test(text)) return Math.min(at, LAST)
    const [year, month, day] = text.split('-').map(Number)
    return Math.min(startOfDay(year!, month!, day! + 1), LAST)
  }

  return {
    timeZone,
    civil,
    startOfDay,
    period,
    plus,
    weekday,
    instantOf: ({ year, month, day }, msOfDay) => atWall(utc(year, month, day) + msOfDay),
    parse,
    parseEnd,
  }
}
