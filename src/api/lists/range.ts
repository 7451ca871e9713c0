// Ranges of time in a query: `created_at[after]=…&created_at[before]=…`, both ends left out, and `start_date` to `end_date`.
import * as v from 'valibot'
import { calendarOf } from '../../domain/calendar.ts'
import { instantOrDay } from '../../http/fields.ts'

export const Range = v.optional(v.object({ before: v.optional(instantOrDay), after: v.optional(instantOrDay) }))

export type Range = v.InferOutput<typeof Range>

/** `start_date` and `end_date` of a query: of plain days, from the first instant of one to the last of the other. */
export const spanFields = { start_date: v.optional(instantOrDay), end_date: v.optional(instantOrDay) }

interface Span {
  readonly start_date?: string | undefined
  readonly end_date?: string | undefined
}

const PLAIN = /^\d{4}-\d{2}-\d{2}$/

/** Of a plain day the first instant (ms), else the instant itself. */
const beginOf = (text: string, timeZone: string): number => calendarOf(timeZone).parse(text) ?? Date.parse(text)

/** Of a plain day the first instant after it (ms), else the instant itself. */
const endOf = (text: string, timeZone: string): number => calendarOf(timeZone).parseEnd(text) ?? Date.parse(text)

/** The instants of a span, ms: `from` included, `to` left out. */
export const spanOf = ({ start_date: start, end_date: end }: Span, timeZone: string) => ({
  from: start === undefined ? Number.NEGATIVE_INFINITY : beginOf(start, timeZone),
  to: end === undefined ? Number.POSITIVE_INFINITY : endOf(end, timeZone),
})

/** Whether an instant (ms; null: there is none) lies within a range: before the first instant of a day, or after its last. */
export const isWithin = (at: number | null, range: Range, timeZone: string): boolean => {
  if (!range || (range.before === undefined && range.after === undefined)) return true
  if (at === null) return false
  const { before, after } = range
  return (
    (before === undefined || at < beginOf(before, timeZone)) &&
    (after === undefined || (PLAIN.test(after) ? at >= endOf(after, timeZone) : at > beginOf(after, timeZone)))
  )
}

/** A filter on the date that a path names; `{}` when the range bounds nothing. */
export const rangeFilter = (path: string, range: Range, timeZone: string): Record<string, unknown> => {
  if (!range || (range.before === undefined && range.after === undefined)) return {}
  const { before, after } = range
  return {
    [path]: {
      ...(before === undefined ? {} : { $lt: new Date(beginOf(before, timeZone)) }),
      ...(after === undefined
        ? {}
        : PLAIN.test(after)
          ? { $gte: new Date(endOf(after, timeZone)) }
          : { $gt: new Date(beginOf(after, timeZone)) }),
    },
  }
}

/** The same from `start_date`, included, to `end_date`, left out; a plain day as the end is within. */
export const spanFilter = (path: string, span: Span, timeZone: string): Record<string, unknown> => {
  const { from, to } = spanOf(span, timeZone)
  return from === Number.NEGATIVE_INFINITY && to === Number.POSITIVE_INFINITY
    ? {}
    : {
        [path]: {
          ...(Number.isFinite(from) ? { $gte: new Date(from) } : {}),
          ...(Number.isFinite(to) ? { $lt: new Date(to) } : {}),
        },
      }
}
