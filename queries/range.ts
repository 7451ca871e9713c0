// Ranges of time in a query: `created_at[after]=…&created_at[before]=…`, both ends left out, and `start_date` to `end_date`.
import * as v from 'valibot'
import { instant } from '../src/http/fields.ts'

export const Range = v.optional(v.object({ before: v.optional(instant), after: v.optional(instant) }))

/** A filter on the date that a path names; `{}` when the range bounds nothing. */
export const rangeFilter = (path: string, range: v.InferOutput<typeof Range>): Record<string, unknown> => {
  const bounds = boundsOf(range)
  return bounds ? { [path]: bounds } : {}
}

const boundsOf = (range: v.InferOutput<typeof Range>): { $lt?: Date; $gt?: Date } | undefined =>
  range && (range.before !== undefined || range.after !== undefined)
    ? {
        ...(range.before === undefined ? {} : { $lt: new Date(range.before) }),
        ...(range.after === undefined ? {} : { $gt: new Date(range.after) }),
      }
    : undefined

/** The same from `start_date`, included, to `end_date`, left out. */
export const spanFilter = (
  path: string,
  { start_date: start, end_date: end }: { start_date?: number | undefined; end_date?: number | undefined },
): Record<string, unknown> =>
  start === undefined && end === undefined
    ? {}
    : {
        [path]: {
          ...(start === undefined ? {} : { $gte: new Date(start) }),
          ...(end === undefined ? {} : { $lt: new Date(end) }),
        },
      }
