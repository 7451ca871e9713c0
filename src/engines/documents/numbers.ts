// Numbers of the four BSON kinds: exact comparison across kinds, and arithmetic that keeps the kind as the server does.
import type * as BSON from 'bson'
import { notImplemented } from './errors.ts'
import { Decimal128, Double } from './values.ts'

export type NumberValue = number | bigint | BSON.Double | BSON.Decimal128

/** A finite decimal: `coefficient` times ten to the `exponent`. */
export interface DecimalParts {
  readonly coefficient: bigint
  readonly exponent: number
}

/** Takes a decimal apart; NaN and the infinities come back as the doubles of that name. */
const decimalParts = (value: BSON.Decimal128): DecimalParts | number => {
  const text = value.toString()
  const match = /^(-?)(\d+)(?:\.(\d*))?(?:E([+-]?\d+))?$/i.exec(text)
  if (match === null) return Number(text)
  const [, sign, whole, fraction = '', exponent = '0'] = match
  const digits = BigInt(`${whole}${fraction}`)
  return { coefficient: sign === '-' ? -digits : digits, exponent: Number(exponent) - fraction.length }
}

/** The value as JavaScript's own number where that is exact, else the decimal's parts. */
const plain = (value: NumberValue): number | bigint | DecimalParts => {
  if (typeof value === 'number' || typeof value === 'bigint') return value
  return value instanceof Double ? value.value : decimalParts(value as BSON.Decimal128)
}

const doubleBits = new DataView(new ArrayBuffer(8))

/** A finite double as an exact fraction. */
const fractionOf = (value: number | bigint | DecimalParts): readonly [bigint, bigint] => {
  if (typeof value === 'bigint') return [value, 1n]
  if (typeof value === 'object')
    return value.exponent >= 0
      ? [value.coefficient * 10n ** BigInt(value.exponent), 1n]
      : [value.coefficient, 10n ** BigInt(-value.exponent)]
  if (Number.isInteger(value)) return [BigInt(value), 1n]
  doubleBits.setFloat64(0, value)
  const bits = doubleBits.getBigUint64(0)
  const raw = Number((bits >> 52n) & 0x7ffn)
  const mantissa = raw === 0 ? bits & 0xfffffffffffffn : (bits & 0xfffffffffffffn) | 0x10000000000000n
  const power = (raw === 0 ? 1 : raw) - 1075
  const signed = value < 0 ? -mantissa : mantissa
  return power >= 0 ? [signed << BigInt(power), 1n] : [signed, 1n << BigInt(-power)]
}

/** Order of two numbers by value, exactly; NaN equals NaN and comes before every other number. */
export const compareNumbers = (left: NumberValue, right: NumberValue): number => {
  const a = plain(left)
  const b = plain(right)
  if (typeof a !== 'object' && typeof b !== 'object') {
    if (a < b) return -1
    if (a > b) return 1
    // Neither above nor below: equal, unless one of them is NaN.
    const an = Number.isNaN(a)
    const bn = Number.isNaN(b)
    return an === bn ? 0 : an ? -1 : 1
  }
  if (typeof a === 'number' && !Number.isFinite(a)) return a === Infinity ? 1 : -1
  if (typeof b === 'number' && !Number.isFinite(b)) return b === Infinity ? -1 : 1
  const [an, ad] = fractionOf(a)
  const [bn, bd] = fractionOf(b)
  const x = an * bd
  const y = bn * ad
  return x < y ? -1 : x > y ? 1 : 0
}

export const isNaNValue = (value: NumberValue): boolean => {
  const v = plain(value)
  return typeof v === 'number' && Number.isNaN(v)
}

/** The nearest double. */
export const toDouble = (value: NumberValue): number => {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  return value instanceof Double ? value.value : Number(value.toString())
}

/** The largest double that is not above the value. */
export const floorDouble = (value: NumberValue): number => {
  const near = toDouble(value)
  if (Number.isNaN(near) || compareNumbers(new Double(near), value) <= 0) return near
  if (near === 0) return -Number.MIN_VALUE
  doubleBits.setFloat64(0, near)
  const bits = doubleBits.getBigUint64(0)
  doubleBits.setBigUint64(0, near > 0 ? bits - 1n : bits + 1n)
  return doubleBits.getFloat64(0)
}

/** The decimal parts of a number that is no NaN and no infinity. */
export const exactParts = (value: bigint | BSON.Decimal128): DecimalParts =>
  typeof value === 'bigint' ? { coefficient: value, exponent: 0 } : (decimalParts(value) as DecimalParts)

export const INT_MIN = -2147483648
export const INT_MAX = 2147483647
const LONG_MIN = -(2n ** 63n)
const LONG_MAX = 2n ** 63n - 1n

/** The integer value when the number is whole and fits an int64. */
export const asLong = (value: NumberValue): bigint | undefined => {
  const v = plain(value)
  let whole: bigint
  if (typeof v === 'bigint') whole = v
  else if (typeof v === 'number') {
    if (!Number.isInteger(v)) return undefined
    whole = BigInt(v)
  } else {
    const [n, d] = fractionOf(v)
    if (n % d !== 0n) return undefined
    whole = n / d
  }
  return whole < LONG_MIN || whole > LONG_MAX ? undefined : whole
}

/** The whole number that `$mod` reckons with: a double is cut, a decimal is rounded, ties to even, as the server does. */
export const wholePart = (value: NumberValue): bigint | undefined => {
  const v = plain(value)
  if (typeof v === 'bigint') return v
  if (typeof v === 'number') return Number.isFinite(v) ? BigInt(Math.trunc(v)) : undefined
  const [n, d] = fractionOf(v)
  const cut = n / d
  const twice = (n % d) * 2n
  const size = twice < 0n ? -twice : twice
  if (size < d || (size === d && cut % 2n === 0n)) return cut
  return twice < 0n ? cut - 1n : cut + 1n
}

const DECIMAL_DIGITS = 34

const makeDecimal = (coefficient: bigint, exponent: number): BSON.Decimal128 => {
  let digits = coefficient < 0n ? -coefficient : coefficient
  let power = exponent
  const excess = digits.toString().length - DECIMAL_DIGITS
  if (excess > 0) {
    const unit = 10n ** BigInt(excess)
    const rest = digits % unit
    digits /= unit
    const half = unit / 2n
    if (rest > half || (rest === half && digits % 2n === 1n)) digits += 1n
    power += excess
  }
  return Decimal128.fromString(`${coefficient < 0n ? '-' : ''}${digits}E${power}`)
}

const decimalOperand = (value: NumberValue): DecimalParts => {
  const v = plain(value)
  if (typeof v === 'object') return v
  if (typeof v === 'bigint') return { coefficient: v, exponent: 0 }
  if (Number.isInteger(v) && !(value instanceof Double)) return { coefficient: BigInt(v), exponent: 0 }
  throw notImplemented('arithmetic of a decimal with a double, NaN or an infinity')
}

export type Operation = 'add' | 'subtract' | 'multiply'

const decimalOperation = (operation: Operation, left: NumberValue, right: NumberValue): BSON.Decimal128 => {
  const a = decimalOperand(left)
  const b = decimalOperand(right)
  if (operation === 'multiply') return makeDecimal(a.coefficient * b.coefficient, a.exponent + b.exponent)
  const exponent = Math.min(a.exponent, b.exponent)
  const x = a.coefficient * 10n ** BigInt(a.exponent - exponent)
  const y = b.coefficient * 10n ** BigInt(b.exponent - exponent)
  return makeDecimal(operation === 'add' ? x + y : x - y, exponent)
}

const doubleOperation = (operation: Operation, a: number, b: number): number =>
  operation === 'add' ? a + b : operation === 'subtract' ? a - b : a * b

const longOperation = (operation: Operation, a: bigint, b: bigint): bigint =>
  operation === 'add' ? a + b : operation === 'subtract' ? a - b : a * b

/**
 * The result in the widest kind of the two; int32 becomes int64 when it must. An int64 that does not fit is `undefined`:
 * an update refuses it, an expression goes on with doubles.
 */
export const arithmetic = (operation: Operation, left: NumberValue, right: NumberValue): NumberValue | undefined => {
  if (left instanceof Decimal128 || right instanceof Decimal128) return decimalOperation(operation, left, right)
  if (left instanceof Double || right instanceof Double)
    return new Double(doubleOperation(operation, toDouble(left), toDouble(right)))
  const result = longOperation(operation, BigInt(left as number | bigint), BigInt(right as number | bigint))
  if (result < LONG_MIN || result > LONG_MAX) return undefined
  if (typeof left === 'number' && typeof right === 'number' && result >= INT_MIN && result <= INT_MAX)
    return Number(result)
  return result
}
