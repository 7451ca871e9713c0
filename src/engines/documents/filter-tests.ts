// Tests of single values, as the operators of filters mean them.
import type * as BSON from 'bson'
import { compareValues, rankOf } from './compare.ts'
import { badValue } from './errors.ts'
import { keyOf } from './keys.ts'
import { asLong, isNaNValue, wholePart } from './numbers.ts'
import { compileRegex } from './regex.ts'
import {
  ARRAY,
  BINARY,
  BOOL,
  BSONRegExp,
  CODE,
  DATE,
  DECIMAL,
  DOUBLE,
  type Doc,
  INT,
  isArray,
  isDoc,
  isNumber,
  LONG,
  MAX_KEY,
  type Maybe,
  MIN_KEY,
  NULL,
  OBJECT,
  OBJECT_ID,
  REGEX,
  STRING,
  TIMESTAMP,
  typeOf,
  type Value,
} from './values.ts'

export type Test = (value: Maybe) => boolean

export type Comparison = 'eq' | 'gt' | 'gte' | 'lt' | 'lte'

const MATCHES: Readonly<Record<Comparison, (order: number) => boolean>> = {
  eq: (order) => order === 0,
  gt: (order) => order > 0,
  gte: (order) => order >= 0,
  lt: (order) => order < 0,
  lte: (order) => order <= 0,
}

/** Compares within one kind of type; only MinKey and MaxKey are compared with everything. */
export const comparisonTest = (op: Comparison, operand: Value): Test => {
  const holds = MATCHES[op]
  const rank = rankOf(operand)
  const orEqual = op === 'eq' || op === 'gte' || op === 'lte'
  const type = typeOf(operand)
  if (type === NULL) return (value) => orEqual && (value === undefined || value === null)
  if (type === MIN_KEY || type === MAX_KEY)
    return (value) => holds(value === undefined ? (type === MIN_KEY ? 1 : -1) : compareValues(value, operand))
  if (isNumber(operand) && isNaNValue(operand)) return (value) => orEqual && isNumber(value) && isNaNValue(value)
  return (value) => {
    if (value === undefined || rankOf(value) !== rank) return false
    if (rank === 10 && op !== 'eq' && isNumber(value) && isNaNValue(value)) return false
    return holds(compareValues(value, operand))
  }
}

export const regexTest = (regex: BSON.BSONRegExp): Test => {
  const compiled = compileRegex(regex.pattern, regex.options)
  return (value) =>
    typeof value === 'string' ? compiled.test(value) : value instanceof BSONRegExp && compareValues(value, regex) === 0
}

const TYPE_NAMES: Readonly<Record<string, readonly number[]>> = {
  double: [DOUBLE],
  string: [STRING],
  object: [OBJECT],
  array: [ARRAY],
  binData: [BINARY],
  undefined: [6],
  objectId: [OBJECT_ID],
  bool: [BOOL],
  date: [DATE],
  null: [NULL],
  regex: [REGEX],
  dbPointer: [12],
  javascript: [CODE],
  symbol: [14],
  javascriptWithScope: [15],
  int: [INT],
  timestamp: [TIMESTAMP],
  long: [LONG],
  decimal: [DECIMAL],
  minKey: [MIN_KEY],
  maxKey: [MAX_KEY],
  number: [DOUBLE, INT, LONG, DECIMAL],
}

const typesOf = (value: Value): readonly number[] => {
  if (typeof value === 'string') {
    const types = TYPE_NAMES[value]
    if (types === undefined) throw badValue(`Unknown type name alias: ${value}`)
    return types
  }
  const number = isNumber(value) ? asLong(value) : undefined
  const type = Number(number ?? Number.NaN)
  if (type === -1) return [MIN_KEY]
  if (!(type === MAX_KEY || (type >= 1 && type <= 19))) throw badValue('Invalid numerical type code')
  return [type]
}

export const typeTest = (operand: Value): Test => {
  const list = isArray(operand) ? operand : [operand]
  if (list.length === 0) throw badValue('$type must match at least one type')
  const types = new Set(list.flatMap(typesOf))
  return (value) => value !== undefined && types.has(typeOf(value))
}

export const truthy = (value: Value): boolean =>
  isNumber(value) ? compareValues(value, 0) !== 0 : value !== false && value !== null

export const wholeNumber = (value: Value, what: string): bigint => {
  const number = isNumber(value) ? asLong(value) : undefined
  if (number === undefined) throw badValue(`${what} needs a whole number`)
  return number
}

const truncated = (value: Value, what: string): bigint => {
  if (!isNumber(value)) throw badValue(`malformed mod, ${what} not a number`)
  const double = Number(value.toString())
  if (!Number.isFinite(double)) throw badValue(`malformed mod, ${what} is not finite`)
  return asLong(value) ?? BigInt(Math.trunc(double))
}

export const modTest = (operand: Value): Test => {
  if (!isArray(operand)) throw badValue('malformed mod, needs to be an array')
  if (operand.length !== 2) throw badValue('malformed mod, needs a divisor and a remainder')
  const divisor = truncated(operand[0]!, 'divisor')
  const remainder = truncated(operand[1]!, 'remainder')
  if (divisor === 0n) throw badValue('divisor cannot be 0')
  return (value) => {
    if (!isNumber(value)) return false
    const whole = wholePart(value)
    return whole !== undefined && whole % divisor === remainder
  }
}

export const isOperators = (value: Maybe): value is Doc => {
  if (!isDoc(value)) return false
  const first = value.keys().next().value
  return first?.startsWith('$') === true && first !== '$ref' && first !== '$id' && first !== '$db'
}

export const inTest = (values: readonly Value[]): Test => {
  const regexes = values.filter((v) => v instanceof BSONRegExp).map((v) => regexTest(v as BSON.BSONRegExp))
  for (const value of values) if (isOperators(value)) throw badValue('cannot nest $ under $in')
  const keys = new Set(values.map(keyOf))
  const orMissing = values.includes(null)
  return (value) => (value === undefined ? orMissing : keys.has(keyOf(value)) || regexes.some((test) => test(value)))
}
