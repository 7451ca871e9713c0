// Lengths of time: ISO 8601 durations, as calendar steps from an instant or as a fixed length of a rolling window.
import type { Calendar } from '../calendar.ts'
import type { Span } from './ast.ts'

export const DAY_MS = 86_400_000

const DURATION =
  /^P(?!$)(?:(\d{1,6})Y)?(?:(\d{1,6})M)?(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?!$)(?:(\d{1,8})H)?(?:(\d{1,8})M)?(?:(\d{1,9}(?:[.,]\d{1,3})?)S)?)?$/

/** An ISO 8601 duration such as `P30D` or `PT1H30M`; undefined for anything else. Only seconds may have a fraction. */
export const parseSpan = (text: string): Span | undefined => {
  const match = DURATION.exec(text)
  if (!match) return undefined
  const part = (i: number) => Number((match[i] ?? '0').replace(',', '.'))
  return {
    years: part(1),
    months: part(2),
    days: part(3) * 7 + part(4),
    ms: Math.round((part(5) * 3600 + part(6) * 60 + part(7)) * 1000),
  }
}

/** The same as a fixed length (ms): a day is 24 hours, a month 30 days, a year 365 days, whatever the calendar says. */
export const fixedLength = ({ years, months, days, ms }: Span): number =>
  (years * 365 + months * 30 + days) * DAY_MS + ms

/**
 * The instant a span after (`sign` 1) or before (-1) another: years and months by the calendar; days by the calendar from a
 * date without time, else as 24 hours each.
 */
export const shifted = (calendar: Calendar, from: number, span: Span, sign: 1 | -1, { isDay = false } = {}): number => {
  const { years, months, days, ms } = span
  const stepped =
    years !== 0 || months !== 0 || (isDay && days !== 0)
      ? calendar.plus(from, { years: sign * years, months: sign * months, days: isDay ? sign * days : 0 })
      : from
  return stepped + sign * ((isDay ? 0 : days * DAY_MS) + ms)
}
