// Expressions on dates: their parts in a time zone, to and from text, and steps of calendar units.
import { DateTime, FixedOffsetZone, IANAZone, type Zone } from 'luxon'
import { notImplemented } from '../errors.ts'
import { asLong } from '../numbers.ts'
import { isDoc, isNumber, type Maybe, ObjectId, Timestamp, type Value } from '../values.ts'
import {
  type Compile,
  type Expression,
  fail,
  isNothing,
  type OperatorCompiler,
  type Operators,
  type Scope,
} from './types.ts'

/** The text of a date as `$toString` and string operators write it. */
export const dateText = (date: Date): string => date.toISOString()

const zoneOf = (value: Maybe): Zone => {
  if (typeof value !== 'string') throw fail(40533, 'timezone must evaluate to a string')
  const offset = /^([+-])(\d\d):?(\d\d)?$/.exec(value)
  if (offset) {
    const minutes = Number(offset[2]) * 60 + Number(offset[3] ?? 0)
    return FixedOffsetZone.instance(offset[1] === '-' ? -minutes : minutes)
  }
  if (value === 'UTC' || value === 'GMT') return FixedOffsetZone.utcInstance
  if (!IANAZone.isValidZone(value)) throw fail(40485, `unrecognized time zone identifier: "${value}"`)
  return IANAZone.create(value)
}

const dateOf = (value: Maybe, code = 16006): Date => {
  if (value instanceof Date) return value
  if (value instanceof Timestamp) return new Date((value.t >>> 0) * 1000)
  if (value instanceof ObjectId) return value.getTimestamp()
  throw fail(code, "can't convert a value of this type to Date")
}

const option = (operand: Value, name: string, compile: Compile): Expression | undefined => {
  const value = isDoc(operand) ? operand.get(name) : undefined
  return value === undefined ? undefined : compile(value)
}

/** The moment an operator looks at, in its time zone; `undefined` for nothing. */
type Moment = (scope: Scope) => DateTime | undefined

const momentOf =
  (date: Expression, timezone: Expression | undefined, code?: number): Moment =>
  (scope) => {
    const value = date(scope)
    const zone = timezone ? timezone(scope) : 'UTC'
    if (isNothing(value) || isNothing(zone)) return undefined
    return DateTime.fromJSDate(dateOf(value, code), { zone: zoneOf(zone) })
  }

/** Reads `<date>` or `{ date, timezone }`. */
const moment = (name: string, operand: Value, compile: Compile): Moment => {
  const parts = isDoc(operand) && operand.has('date') ? operand : undefined
  if (parts) {
    for (const key of parts.keys())
      if (key !== 'date' && key !== 'timezone') throw fail(40535, `unrecognized option to ${name}: "${key}"`)
    return momentOf(compile(parts.get('date')!), option(parts, 'timezone', compile))
  }
  const single = Array.isArray(operand) ? (operand as readonly Value[]) : [operand as Value]
  if (single.length !== 1) throw fail(40536, `${name} accepts exactly one argument`)
  return momentOf(compile(single[0]!), undefined)
}

const part =
  (name: string, take: (at: DateTime) => Value): OperatorCompiler =>
  (operand, compile) => {
    const at = moment(name, operand, compile)
    return (scope) => {
      const value = at(scope)
      return value === undefined ? null : take(value)
    }
  }

/** Week of the year that begins on Sunday; days before the first Sunday are in week 0. */
const sundayWeek = (at: DateTime): number => Math.floor((at.ordinal + 6 - (at.weekday % 7)) / 7)

const two = (n: number): string => String(n).padStart(2, '0')
const three = (n: number): string => String(n).padStart(3, '0')

const offsetText = (at: DateTime): string => {
  const minutes = Math.abs(at.offset)
  return `${at.offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${two(minutes % 60)}`
}

const FORMATS: Readonly<Record<string, (at: DateTime) => string>> = {
  Y: (at) => String(at.year).padStart(4, '0'),
  m: (at) => two(at.month),
  d: (at) => two(at.day),
  H: (at) => two(at.hour),
  M: (at) => two(at.minute),
  S: (at) => two(at.second),
  L: (at) => three(at.millisecond),
  j: (at) => three(at.ordinal),
  w: (at) => String((at.weekday % 7) + 1),
  u: (at) => String(at.weekday),
  U: (at) => two(sundayWeek(at)),
  V: (at) => two(at.weekNumber),
  G: (at) => String(at.weekYear).padStart(4, '0'),
  z: offsetText,
  Z: (at) => String(at.offset),
  b: (at) => at.setLocale('en').toFormat('LLL'),
  B: (at) => at.setLocale('en').toFormat('LLLL'),
  '%': () => '%',
}

const format = (at: DateTime, pattern: string): string =>
  pattern.replace(/%(.?)/gs, (_all, letter: string) => {
    const write = FORMATS[letter]
    if (!write) throw fail(18536, `Invalid format character '%${letter}' in format string`)
    return write(at)
  })

const toText: OperatorCompiler = (operand, compile) => {
  const date = option(operand, 'date', compile)
  if (!date) throw fail(18628, "Missing 'date' parameter to $dateToString")
  const at = momentOf(date, option(operand, 'timezone', compile))
  const pattern = option(operand, 'format', compile)
  const onNull = option(operand, 'onNull', compile)
  return (scope) => {
    const value = at(scope)
    if (value === undefined) return onNull ? onNull(scope) : null
    const given = pattern?.(scope)
    if (pattern && isNothing(given)) return null
    if (pattern && typeof given !== 'string') throw fail(18533, '$dateToString requires that format be a string')
    return format(
      value,
      typeof given === 'string' ? given : value.offset === 0 ? '%Y-%m-%dT%H:%M:%S.%LZ' : '%Y-%m-%dT%H:%M:%S.%L',
    )
  }
}

/** Text in the forms of ISO 8601; other forms the server reads are not served. */
export const parseDate = (text: string, zone: Zone = FixedOffsetZone.utcInstance): Date | undefined => {
  if (!/^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,3})?)?\s?(Z|[+-]\d\d:?\d\d)?)?$/.test(text)) return undefined
  const parsed = DateTime.fromISO(text.replace(' ', 'T').replace(' ', ''), { zone })
  return parsed.isValid ? parsed.toJSDate() : undefined
}

const fromText: OperatorCompiler = (operand, compile) => {
  if (!isDoc(operand)) throw fail(40540, '$dateFromString only supports an object as an argument')
  if (operand.has('format')) throw notImplemented('the format of $dateFromString')
  const input = option(operand, 'dateString', compile)
  if (!input) throw fail(40542, "Missing 'dateString' parameter to $dateFromString")
  const timezone = option(operand, 'timezone', compile)
  const onNull = option(operand, 'onNull', compile)
  const onError = option(operand, 'onError', compile)
  return (scope) => {
    const text = input(scope)
    const zone = timezone ? timezone(scope) : 'UTC'
    if (isNothing(text) || isNothing(zone)) return onNull ? onNull(scope) : null
    const date = typeof text === 'string' ? parseDate(text, zoneOf(zone)) : undefined
    if (date) return date
    if (onError) return onError(scope)
    if (typeof text === 'string' && /\d/.test(text)) throw notImplemented(`the form of the date "${text}"`)
    throw fail(241, `Error parsing date string '${String(text)}'`)
  }
}

const toParts: OperatorCompiler = (operand, compile) => {
  const date = option(operand, 'date', compile)
  if (!date) throw fail(40522, "Missing 'date' parameter to $dateToParts")
  const at = momentOf(date, option(operand, 'timezone', compile))
  const iso = option(operand, 'iso8601', compile)
  return (scope) => {
    const value = at(scope)
    if (value === undefined) return null
    const day: [string, Value][] = iso?.(scope)
      ? [
          ['isoWeekYear', value.weekYear],
          ['isoWeek', value.weekNumber],
          ['isoDayOfWeek', value.weekday],
        ]
      : [
          ['year', value.year],
          ['month', value.month],
          ['day', value.day],
        ]
    return new Map<string, Value>([
      ...day,
      ['hour', value.hour],
      ['minute', value.minute],
      ['second', value.second],
      ['millisecond', value.millisecond],
    ])
  }
}

const fromParts: OperatorCompiler = (operand, compile) => {
  if (!isDoc(operand) || !operand.has('year')) throw notImplemented('$dateFromParts without a year')
  const names = ['year', 'month', 'day', 'hour', 'minute', 'second', 'millisecond'] as const
  const parts = names.map((name) => option(operand, name, compile))
  const timezone = option(operand, 'timezone', compile)
  return (scope) => {
    const values = parts.map((p, i) => (p ? p(scope) : i === 1 || i === 2 ? 1 : i === 0 ? null : 0))
    const zone = timezone ? timezone(scope) : 'UTC'
    if (values.some(isNothing) || isNothing(zone)) return null
    const [year, month, day, hour, minute, second, millisecond] = values.map((value) => {
      const number = isNumber(value) ? asLong(value) : undefined
      if (number === undefined) throw fail(40515, '$dateFromParts requires whole numbers')
      return Number(number)
    }) as [number, number, number, number, number, number, number]
    return DateTime.fromObject({ year, month: 1, day: 1 }, { zone: zoneOf(zone) })
      .plus({ months: month - 1, days: day - 1 })
      .plus({ hours: hour, minutes: minute, seconds: second, milliseconds: millisecond })
      .toJSDate()
  }
}

const UNITS = new Set(['year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second', 'millisecond'])

const unitOf = (value: Maybe, name: string): string => {
  if (typeof value !== 'string' || !UNITS.has(value)) throw fail(5166404, `${name} requires a valid 'unit'`)
  return `${value}s`
}

const step =
  (name: string, sign: 1 | -1): OperatorCompiler =>
  (operand, compile) => {
    const [date, unit, amount] = ['startDate', 'unit', 'amount'].map((key) => {
      const given = option(operand, key, compile)
      if (!given) throw fail(5166400, `${name} requires '${key}'`)
      return given
    })
    const at = momentOf(date!, option(operand, 'timezone', compile), 5166403)
    return (scope) => {
      const value = at(scope)
      const [by, how] = [amount!(scope), unit!(scope)]
      if (value === undefined || isNothing(by) || isNothing(how)) return null
      const count = isNumber(by) ? asLong(by) : undefined
      if (count === undefined) throw fail(5166405, `${name} expects a whole number as amount`)
      return value.plus({ [unitOf(how, name)]: sign * Number(count) }).toJSDate()
    }
  }

export const DATES: Operators = {
  $year: part('$year', (at) => at.year),
  $month: part('$month', (at) => at.month),
  $dayOfMonth: part('$dayOfMonth', (at) => at.day),
  $dayOfWeek: part('$dayOfWeek', (at) => (at.weekday % 7) + 1),
  $dayOfYear: part('$dayOfYear', (at) => at.ordinal),
  $hour: part('$hour', (at) => at.hour),
  $minute: part('$minute', (at) => at.minute),
  $second: part('$second', (at) => at.second),
  $millisecond: part('$millisecond', (at) => at.millisecond),
  $week: part('$week', sundayWeek),
  $isoWeek: part('$isoWeek', (at) => at.weekNumber),
  $isoWeekYear: part('$isoWeekYear', (at) => BigInt(at.weekYear)),
  $isoDayOfWeek: part('$isoDayOfWeek', (at) => at.weekday),
  $dateToString: toText,
  $dateFromString: fromText,
  $dateToParts: toParts,
  $dateFromParts: fromParts,
  $dateAdd: step('$dateAdd', 1),
  $dateSubtract: step('$dateSubtract', -1),
}
