// Valibot schemas that many routes share: numbers, flags and times as query text, names, ISO times.
import * as v from 'valibot'

/*
 * Query text is described to the API document as what it stands for (`v.metadata`), and checked as the text it is.
 */

/** A whole number in query text, within bounds (inclusive). */
export const queryInteger = (min: number, max: number) =>
  v.pipe(
    v.string('must be integer'),
    v.check((text) => /^-?\d{1,15}$/.test(text), 'must be integer'),
    v.metadata({ type: 'integer', minimum: min, maximum: max }),
    v.transform(Number),
    v.minValue(min),
    v.maxValue(max),
  )

/** `true` or `false` in query text. */
export const queryFlag = v.pipe(
  v.string('must be true or false'),
  v.check((text) => text === 'true' || text === 'false', 'must be true or false'),
  v.metadata({ type: 'boolean' }),
  v.transform((text) => text === 'true'),
)

/** What an answer shows as null may be sent back as null: it is not there. */
export const absent = <S extends v.GenericSchema>(schema: S) =>
  v.pipe(
    v.nullish(schema),
    v.transform((value): v.InferOutput<S> | undefined => value ?? undefined),
  )

/** Page size of a list: 1–100, default 10. */
export const pageLimit = v.optional(queryInteger(1, 100), '10')

/** Page of a list paged by number: 1–99, default 1. */
export const pageNumber = v.optional(queryInteger(1, 99), '1')

const DATE = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/
const DATE_TIME =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)$/

/** Whether the day exists: `Date` would turn 30 February into 1 March. */
const isDay = (text: string): boolean => {
  const day = new Date(`${text.slice(0, 10)}T00:00:00Z`)
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text.slice(0, 10))
}

/** `YYYY-MM-DD`, a day that exists. */
export const isoDate = v.pipe(
  v.string(),
  v.check((text) => DATE.test(text) && isDay(text), 'must match format "date"'),
  v.metadata({ format: 'date' }),
)

/** ISO 8601 date and time with its offset, a moment that exists; stays text. */
export const isoTime = v.pipe(
  v.string(),
  v.check((text) => DATE_TIME.test(text) && isDay(text), 'must match format "date-time"'),
  v.metadata({ format: 'date-time' }),
)

/** A moment as ISO date-time, or a plain day, which is one of the project's time zone; stays text. */
export const instantOrDay = v.pipe(
  v.string(),
  v.check(
    (text) => (DATE_TIME.test(text) || DATE.test(text)) && isDay(text),
    'must match format "date-time" or "date"',
  ),
  v.metadata({ format: 'date-time' }),
)

/** A moment as ISO date-time or plain date (its first instant, UTC), parsed to Unix milliseconds. */
export const instant = v.pipe(
  instantOrDay,
  v.transform((text) => Date.parse(text)),
)
