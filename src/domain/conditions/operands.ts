// Operands: what is sent with an operator, read into the test that the operator becomes.

import type { Calendar } from '../calendar.ts'
import { isRecord } from '../isRecord.ts'
import type { Circle, Scalar, Span, Test, ValueType } from './ast.ts'
import type { ValueShape } from './environment.ts'
import { MAX_VALUES, shown } from './faults.ts'
import { fixedLength, parseSpan } from './span.ts'

/** What an operand is read with: where it stands, what it is asked of, and where faults go. */
export interface Operand {
  readonly value: unknown
  readonly shape: ValueShape
  readonly path: string
  readonly calendar: Calendar
  readonly fault: (message: string) => undefined
}

/** How an operand is written; types of it are made for the client (`src/client/make/generate.ts`). */
export type Form =
  | 'values'
  | 'true'
  | 'amount'
  | 'amounts'
  | 'amount or instant'
  | 'instant'
  | 'instant or amounts'
  | 'distance'
  | 'circle'
  | 'text'

/** Reads an operand; undefined with a fault where it cannot be read. */
export interface Reader {
  (operand: Operand): Test | undefined
  readonly form: Form
}
const reader = (form: Form, read: (operand: Operand) => Test | undefined): Reader => Object.assign(read, { form })

/** Lengths of time further back or ahead than this make no sense (ms). */
const MAX_SPAN_MS = 1000 * 366 * 86_400_000
const MAX_DAYS = 366_000

const isScalar = (value: unknown): value is Scalar =>
  typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))

const NUMERIC = /^\s*[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?\s*$/i

/** A number, or a text that is one; public formats send both. */
export const toNumber = (value: unknown): number | undefined => {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (typeof value !== 'string' || !NUMERIC.test(value)) return undefined
  const number = Number(value)
  return Number.isFinite(number) ? number : undefined
}

const single = ({ value, fault }: Operand): unknown => {
  if (!Array.isArray(value)) return value
  return value.length === 1 ? value[0] : fault('must have exactly one value')
}

const list = ({ value, fault }: Operand): readonly unknown[] | undefined => {
  if (!Array.isArray(value)) return [value]
  if (value.length === 0) return fault('must have at least one value')
  if (value.length > MAX_VALUES) return fault(`must NOT have more than ${MAX_VALUES} values`)
  return value
}

const number = (operand: Operand): number | undefined => {
  const value = single(operand)
  return value === undefined ? undefined : (toNumber(value) ?? operand.fault(`must be a number (is ${shown(value)})`))
}

const wholeNumber = (operand: Operand, max = MAX_DAYS): number | undefined => {
  const value = number(operand)
  if (value === undefined) return undefined
  return Number.isInteger(value) && value >= 0 && value <= max
    ? value
    : operand.fault(`must be a whole number from 0 to ${max} (is ${shown(operand.value)})`)
}

const scalarFor = (type: ValueType, value: unknown, { calendar, fault }: Operand): Scalar | undefined => {
  if (!isScalar(value)) return fault(`must be a string, a number or a boolean (is ${shown(value)})`)
  switch (type) {
    case 'number':
      return toNumber(value) ?? fault(`must be a number (is ${shown(value)})`)
    case 'boolean':
      if (value === true || value === 'true') return true
      return value === false || value === 'false' ? false : fault(`must be true or false (is ${shown(value)})`)
    case 'string':
      return String(value)
    case 'date':
    case 'datetime':
      return typeof value === 'string' && calendar.parse(value) !== undefined
        ? value
        : fault(`must be an ISO 8601 date or time (is ${shown(value)})`)
    case 'any':
      return value
    default:
      return type satisfies never
  }
}

const collect = <T>(values: readonly unknown[] | undefined, read: (value: unknown) => T | undefined) => {
  if (!values) return undefined
  const found: T[] = []
  for (const value of values) {
    const one = read(value)
    if (one === undefined) return undefined
    found.push(one)
  }
  return found
}

export const equality = (op: 'in' | 'not_in' | 'includes' | 'not_differ') =>
  reader('values', (operand) => {
    const values = collect(list(operand), (value) => scalarFor(operand.shape.type, value, operand))
    return values && { op, values }
  })

export const text = (op: 'contains' | 'not_contain' | 'starts_with' | 'ends_with') =>
  reader('values', (operand) => {
    const values = collect(list(operand), (value) =>
      isScalar(value) ? String(value) : operand.fault(`must be a string (is ${shown(value)})`),
    )
    return values && { op, values }
  })

export const flag = (test: Test) =>
  reader('true', ({ value, fault }) => {
    const sent = Array.isArray(value) ? value : [value]
    return sent.every((one) => one === true || one === 'true' || one === null)
      ? test
      : fault(`must be true (is ${shown(value)})`)
  })

export const order = (op: 'lt' | 'lte' | 'gt' | 'gte') =>
  reader('amount', (operand) => {
    const value = number(operand)
    return value === undefined ? undefined : { op, value }
  })

const instant = (operand: Operand): number | undefined => {
  const value = single(operand)
  if (value === undefined) return undefined
  const found = typeof value === 'string' ? operand.calendar.parse(value) : undefined
  return found ?? operand.fault(`must be an ISO 8601 date or time (is ${shown(value)})`)
}

export const date = (op: 'after' | 'before' | 'after_equal' | 'before_equal') =>
  reader('instant', (operand) => {
    const found = instant(operand)
    if (found === undefined) return undefined
    const end = op === 'before_equal' ? operand.calendar.parseEnd(String(single(operand))) : undefined
    // A day as an end is all of it.
    return { op, at: end === undefined ? found : Math.max(found, end - 1) }
  })

/** Days as a number, or an ISO 8601 duration. */
const span = (operand: Operand): Span | undefined => {
  const value = single(operand)
  if (value === undefined) return undefined
  const days = toNumber(value)
  const found =
    days === undefined
      ? typeof value === 'string'
        ? parseSpan(value)
        : undefined
      : Number.isInteger(days) && days >= 0
        ? { years: 0, months: 0, days, ms: 0 }
        : undefined
  return found && fixedLength(found) <= MAX_SPAN_MS
    ? found
    : operand.fault(`must be a whole number of days or an ISO 8601 duration, up to 1000 years (is ${shown(value)})`)
}

export const distance = (op: 'older' | 'newer' | 'later' | 'sooner') =>
  reader('distance', (operand) => {
    const by = span(operand)
    return by && { op, by }
  })

/** Days before or after today; `yearly`: that day and month, whatever the year. */
export const onDay = (sign: 1 | -1, { yearly = false } = {}) =>
  reader('amount', (operand) => {
    const days = wholeNumber(operand, yearly ? 366 : MAX_DAYS)
    return days === undefined ? undefined : { op: 'on_day', shift: days === 0 ? 0 : sign * days, yearly }
  })

export const yearsAgo = reader('amount', (operand) => {
  const years = wholeNumber(operand, 1000)
  return years === undefined ? undefined : { op: 'years_ago', years }
})

export const anniversary = (direction: 'ago' | 'ahead', compare: 'at_most' | 'more') =>
  reader('amount', (operand) => {
    const days = wholeNumber(operand, 366)
    return days === undefined ? undefined : { op: 'anniversary', direction, compare, days }
  })

export const part = (name: 'day' | 'weekday' | 'month' | 'year', min: number, max: number) =>
  reader('amounts', (operand) => {
    const values = collect(list(operand), (value) => {
      const found = toNumber(value)
      return found !== undefined && Number.isInteger(found) && found >= min && found <= max
        ? found
        : operand.fault(`must be a whole number from ${min} to ${max} (is ${shown(value)})`)
    })
    return values && { op: 'part', part: name, values }
  })

/** `$is_day`: a date is that very day; a number is a day of the week, 0 for Sunday. */
export const dayOrWeekday = reader('instant or amounts', (operand) => {
  const first = Array.isArray(operand.value) ? operand.value[0] : operand.value
  if (toNumber(first) !== undefined) return part('weekday', 0, 6)(operand)
  const found = instant(operand)
  return found === undefined ? undefined : { op: 'between', ...operand.calendar.period('day', found) }
})

export const size = (compare: 'eq' | 'lt' | 'gt') =>
  reader('amount', (operand) => {
    const value = wholeNumber(operand, 1_000_000_000)
    if (value === undefined) return undefined
    if (operand.shape.type === 'number' && operand.shape.array !== true)
      return compare === 'eq' ? { op: 'in', values: [value] } : { op: compare, value }
    return { op: 'size', compare, value }
  })

const fields = (operand: Operand, counts: readonly number[], form: string): readonly string[] | undefined => {
  const value = single(operand)
  if (value === undefined) return undefined
  const found = typeof value === 'string' ? value.split(';').map((field) => field.trim()) : []
  return counts.includes(found.length) ? found : operand.fault(`must be '${form}' (is ${shown(value)})`)
}

export const recurring = reader('text', (operand) => {
  const found = fields(operand, [3], 'start;every;lasting')
  if (!found) return undefined
  const start = operand.calendar.parse(found[0]!)
  const [every, lasting] = [parseSpan(found[1]!), parseSpan(found[2]!)]
  if (start === undefined || !every || !lasting)
    return operand.fault(`must be an ISO 8601 time and two durations (is ${shown(operand.value)})`)
  if (fixedLength(every) < 60_000 || fixedLength(lasting) <= 0 || fixedLength(lasting) > fixedLength(every))
    return operand.fault('must recur after a minute or more and last no longer than that')
  return { op: 'recurring', start, every, lasting }
})

export const between = reader('text', (operand) => {
  const found = fields(operand, [2], 'from;to')
  if (!found) return undefined
  const [from, to] = [operand.calendar.parse(found[0]!), operand.calendar.parse(found[1]!)]
  if (from === undefined || to === undefined || from >= to)
    return operand.fault(`must be two ISO 8601 times, the earlier first (is ${shown(operand.value)})`)
  return { op: 'between', from, to }
})

const TIME_OF_DAY = /^([01]\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?$/

const timeOfDay = (value: string): number | undefined => {
  const match = TIME_OF_DAY.exec(value)
  if (!match) return undefined
  const ms = ((Number(match[1]) * 60 + Number(match[2])) * 60 + Number(match[3] ?? 0)) * 1000
  return ms <= 86_400_000 ? ms : undefined
}

export const daily = reader('text', (operand) => {
  const found = fields(operand, [2, 3], 'HH:MM;HH:MM;days')
  if (!found) return undefined
  const [from, to] = [timeOfDay(found[0]!), timeOfDay(found[1]!)]
  const named = (found[2] ?? '').split(',').filter((day) => day.trim() !== '')
  const days = named.length === 0 ? [0, 1, 2, 3, 4, 5, 6] : named.map(Number)
  if (from === undefined || to === undefined || !days.every((day) => Number.isInteger(day) && day >= 0 && day <= 6))
    return operand.fault(`must be two times of day and days of the week from 0 to 6 (is ${shown(operand.value)})`)
  return { op: 'daily', from, to, days: [...new Set(days)].sort() }
})

/** A circle is written `latitude,longitude,metres`, or as an object with these names. */
const circle = (value: unknown): Circle | undefined => {
  const [latitude, longitude, metres] = isRecord(value)
    ? [toNumber(value.latitude), toNumber(value.longitude), toNumber(value.metres)]
    : typeof value === 'string'
      ? value.split(',').map(toNumber)
      : []
  if (latitude === undefined || longitude === undefined || metres === undefined) return undefined
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 && metres > 0
    ? { latitude, longitude, metres }
    : undefined
}

export const near = (op: 'near' | 'not_near') =>
  reader('circle', (operand) => {
    const circles = collect(
      list(operand),
      (value) => circle(value) ?? operand.fault(`must be 'latitude,longitude,metres' (is ${shown(value)})`),
    )
    return circles && { op, circles }
  })

/** `$from`: at least, for numbers; not before, for dates. */
export const from = reader('amount or instant', (operand) =>
  operand.shape.type === 'number' || (operand.shape.type === 'any' && toNumber(single(operand)) !== undefined)
    ? order('gte')(operand)
    : date('after_equal')(operand),
)
