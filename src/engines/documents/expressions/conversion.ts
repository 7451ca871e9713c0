// Expressions on types: what a value is, and conversions from one type to another.
import { CommandError, notImplemented } from '../errors.ts'
import { asLong, INT_MAX, INT_MIN, toDouble } from '../numbers.ts'
import {
  Decimal128,
  Double,
  isDoc,
  isNumber,
  type Maybe,
  ObjectId,
  typeNameOf,
  typeNameOfNumber,
  type Value,
} from '../values.ts'
import { dateText, parseDate } from './dates.ts'
import { compareMaybe, fail, isNothing, type OperatorCompiler, type Operators, unary } from './types.ts'

const typeName = (value: Maybe): string => (value === undefined ? 'missing' : typeNameOf(value))

const failure = (message: string): CommandError => new CommandError(241, message)

const unsupported = (value: Value, to: string): CommandError =>
  failure(`Unsupported conversion from ${typeName(value)} to ${to} in $convert with no onError value`)

const whole = (value: Value, to: 'int' | 'long'): bigint => {
  if (typeof value === 'boolean') return value ? 1n : 0n
  if (value instanceof Date && to === 'long') return BigInt(value.getTime())
  if (typeof value === 'string') {
    if (!/^[+-]?\d+$/.test(value)) throw failure(`Failed to parse number '${value}' in $convert with no onError value`)
    return BigInt(value)
  }
  if (!isNumber(value)) throw unsupported(value, to)
  const long = asLong(value)
  if (long !== undefined) return long
  const double = toDouble(value)
  if (!Number.isFinite(double)) throw failure('Attempt to convert NaN or an infinity to an integer in $convert')
  return BigInt(Math.trunc(double))
}

const within = (value: bigint, least: bigint, most: bigint): bigint => {
  if (value < least || value > most)
    throw failure('Conversion would overflow target type in $convert with no onError value')
  return value
}

const toNumber = (value: Value): Value => {
  if (typeof value === 'boolean') return new Double(value ? 1 : 0)
  if (value instanceof Date) return new Double(value.getTime())
  if (isNumber(value)) return new Double(toDouble(value))
  if (typeof value !== 'string') throw unsupported(value, 'double')
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$|^[+-]?(nan|inf(inity)?)$/i.test(value))
    throw failure(`Failed to parse number '${value}' in $convert with no onError value`)
  const special = /nan|inf/i.exec(value)?.[0].toLowerCase()
  if (special === undefined) return new Double(Number(value))
  return new Double(special === 'nan' ? Number.NaN : value.startsWith('-') ? -Infinity : Infinity)
}

const toDecimal = (value: Value): Value => {
  if (value instanceof Decimal128) return value
  if (typeof value === 'boolean') return Decimal128.fromString(value ? '1' : '0')
  if (typeof value === 'number' || typeof value === 'bigint') return Decimal128.fromString(String(value))
  if (value instanceof Date) return Decimal128.fromString(String(value.getTime()))
  if (value instanceof Double) throw notImplemented('converting a double to a decimal')
  if (typeof value !== 'string') throw unsupported(value, 'decimal')
  try {
    return Decimal128.fromString(value)
  } catch {
    throw failure(`Failed to parse number '${value}' in $convert with no onError value`)
  }
}

const toText = (value: Value): string => {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean' || typeof value === 'number' || typeof value === 'bigint') return String(value)
  if (value instanceof Double) return doubleText(value.value)
  if (value instanceof Decimal128) return value.toString()
  if (value instanceof Date) return dateText(value)
  if (value instanceof ObjectId) return value.toHexString()
  throw unsupported(value, 'string')
}

const doubleText = (value: number): string => {
  if (!Number.isFinite(value) || Math.abs(value) >= 1e15 || (value !== 0 && Math.abs(value) < 1e-4))
    throw notImplemented(`the text of the double ${value}`)
  return Object.is(value, -0) ? '-0' : String(value)
}

const toBool = (value: Value): boolean => (isNumber(value) ? compareMaybe(value, 0) !== 0 : value !== false)

const dateAt = (ms: number): Date => {
  if (!Number.isFinite(ms)) throw failure('Attempt to convert NaN or an infinity to a date in $convert')
  const date = new Date(Math.trunc(ms))
  if (Number.isNaN(date.getTime())) throw notImplemented('a date outside the years -271821 to 275760')
  return date
}

const toDate = (value: Value): Date => {
  if (value instanceof Date) return value
  if (value instanceof ObjectId) return value.getTimestamp()
  if (typeof value === 'bigint' || value instanceof Double) return dateAt(toDouble(value))
  if (typeof value !== 'string') throw unsupported(value, 'date')
  const date = parseDate(value)
  if (!date) {
    if (/\d/.test(value)) throw notImplemented(`the form of the date "${value}"`)
    throw failure(`Error parsing date string '${value}'`)
  }
  return date
}

const toObjectId = (value: Value): Value => {
  if (value instanceof ObjectId) return value
  if (typeof value !== 'string') throw unsupported(value, 'objectId')
  if (!/^[0-9a-f]{24}$/i.test(value))
    throw failure(`Failed to parse objectId '${value}' in $convert with no onError value`)
  return ObjectId.createFromHexString(value)
}

const CONVERSIONS: Readonly<Record<string, (value: Value) => Value>> = {
  int: (value) => Number(within(whole(value, 'int'), BigInt(INT_MIN), BigInt(INT_MAX))),
  long: (value) => within(whole(value, 'long'), -(2n ** 63n), 2n ** 63n - 1n),
  double: toNumber,
  decimal: toDecimal,
  string: toText,
  bool: toBool,
  date: toDate,
  objectId: toObjectId,
}

const to = (name: string, type: string): OperatorCompiler =>
  unary(name, (value) => (isNothing(value) ? null : CONVERSIONS[type]!(value)))

const convert: OperatorCompiler = (operand, compile) => {
  if (!isDoc(operand)) throw fail(9, '$convert expects an object of named arguments')
  const [input, target] = [operand.get('input'), operand.get('to')]
  if (input === undefined || target === undefined) throw fail(9, "Missing 'input' or 'to' parameter to $convert")
  const [value, type] = [compile(input), compile(target)]
  const onError = operand.has('onError') ? compile(operand.get('onError')!) : undefined
  const onNull = operand.has('onNull') ? compile(operand.get('onNull')!) : undefined
  return (scope) => {
    const given = value(scope)
    const wanted = type(scope)
    if (isNothing(given)) return onNull ? onNull(scope) : null
    if (isNothing(wanted)) return null
    const name =
      typeof wanted === 'string' ? wanted : isNumber(wanted) ? typeNameOfNumber(Number(asLong(wanted))) : undefined
    const apply = name === undefined ? undefined : CONVERSIONS[name]
    if (!apply) throw fail(2, `Unknown type name: ${String(wanted)}`)
    try {
      return apply(given)
    } catch (error) {
      if (onError && error instanceof CommandError && error.code === 241) return onError(scope)
      throw error
    }
  }
}

export const CONVERSION: Operators = {
  $type: unary('$type', typeName),
  $isNumber: unary('$isNumber', isNumber),
  $toInt: to('$toInt', 'int'),
  $toLong: to('$toLong', 'long'),
  $toDouble: to('$toDouble', 'double'),
  $toDecimal: to('$toDecimal', 'decimal'),
  $toString: to('$toString', 'string'),
  $toBool: to('$toBool', 'bool'),
  $toDate: to('$toDate', 'date'),
  $toObjectId: to('$toObjectId', 'objectId'),
  $convert: convert,
}
