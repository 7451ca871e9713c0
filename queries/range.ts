// A range of time in a query, `created_at[after]=…&created_at[before]=…`, both ends left out.
import * as v from 'valibot'
import { instant } from '../src/http/fields.ts'

export const Range = v.optional(v.object({ before: v.optional(instant), after: v.optional(instant) }))

/** The range as a filter on a date; undefined when it bounds nothing. */
export const rangeOf = (range: v.InferOutput<typeof Range>): { $lt?: Date; $gt?: Date } | undefined =>
  range && (range.before !== undefined || range.after !== undefined)
    ? {
        ...(range.before === undefined ? {} : { $lt: new Date(range.before) }),
        ...(range.after === undefined ? {} : { $gt: new Date(range.after) }),
      }
    : undefined
