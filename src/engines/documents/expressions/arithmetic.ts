// Expressions on numbers: arithmetic that keeps the kinds of numbers, rounding, and sums over lists.
import { compareValues } from '../compare.ts'
import { notImplemented } from '../errors.ts'
import { arithmetic, asLong, INT_MAX, INT_MIN, type NumberValue, type Operation, toDouble } from '../numbers.ts'
import { Decimal128, Double, isArray, isDoc, isNumber, type Maybe } from '../values.ts'
import { binary, fail, isNothing, type OperatorCompiler, type Operators, operands, unary, variadic } from './types.ts'

/** Arithmetic that goes on with doubles where 64 bits do not suffice. */
export const compute = (operation: Operation, a: NumberValue, b: NumberValue): NumberValue => {
  const exact = arithmetic(operation, a, b)
  if (exact !== undefined) return exact
  const [x, y] = [toDouble(a), toDouble(b)]
  return new Double(operation === 'add' ? x + y : operation === 'subtract' ? x - y : x * y)
}

const refuseDecimal = (value: NumberValue, what: string): number => {
  if (value instanceof Decimal128) throw notImplemented(`${what} of a decimal`)
  return toDouble(value)
}

/** An integer in the kind it came from, int32 as long as it fits. */
const integer = (value: bigint, long: boolean): NumberValue =>
  long || value < INT_MIN || value > INT_MAX ? value : Number(value)

const add = (values: readonly Maybe[]): Maybe => {
  let sum: NumberValue = 0
  let date: Date | undefined
  for (const value of values) {
    if (isNothing(value)) return null
    if (value instanceof Date) {
      if (date) throw fail(16612, 'only one date allowed in an $add expression')
      date = value
    } else if (isNumber(value)) sum = compute('add', sum, value)
    else throw fail(16554, '$add only supports numeric or date types')
  }
  return date ? new Date(date.getTime() + Math.round(toDouble(sum))) : sum
}

const subtract = (a: Maybe, b: Maybe): Maybe => {
  if (isNothing(a) || isNothing(b)) return null
  if (a instanceof Date && b instanceof Date) return BigInt(a.getTime() - b.getTime())
  if (a instanceof Date && isNumber(b)) return new Date(a.getTime() - Math.round(toDouble(b)))
  if (isNumber(a) && isNumber(b)) return compute('subtract', a, b)
  throw fail(16556, '$subtract only supports numeric or date types')
}

const multiply = (values: readonly Maybe[]): Maybe => {
  let product: NumberValue = 1
  for (const value of values) {
    if (isNothing(value)) return null
    if (!isNumber(value)) throw fail(16555, '$multiply only supports numeric types')
    product = compute('multiply', product, value)
  }
  return product
}

const divide = (a: Maybe, b: Maybe): Maybe => {
  if (isNothing(a) || isNothing(b)) return null
  if (!isNumber(a) || !isNumber(b)) throw fail(16609, '$divide only supports numeric types')
  if (compareValues(b, 0) === 0) throw fail(16608, "can't $divide by zero")
  return new Double(refuseDecimal(a, '$divide') / refuseDecimal(b, '$divide'))
}

const modulo = (a: Maybe, b: Maybe): Maybe => {
  if (isNothing(a) || isNothing(b)) return null
  if (!isNumber(a) || !isNumber(b)) throw fail(16611, '$mod only supports numeric types')
  if (compareValues(b, 0) === 0) throw fail(16610, "can't $mod by zero")
  if (a instanceof Double || b instanceof Double || a instanceof Decimal128 || b instanceof Decimal128)
    return new Double(refuseDecimal(a, '$mod') % refuseDecimal(b, '$mod'))
  return integer(BigInt(a) % BigInt(b), typeof a === 'bigint' || typeof b === 'bigint')
}

/** A function of doubles that is `null` for nothing. */
const real = (name: string, apply: (x: number) => number): OperatorCompiler =>
  unary(name, (value) => {
    if (isNothing(value)) return null
    if (!isNumber(value)) throw fail(28765, `${name} only supports numeric types`)
    return new Double(apply(refuseDecimal(value, name)))
  })

/** A function that leaves whole kinds of numbers as they are. */
const rounding = (name: string, apply: (x: number) => number): OperatorCompiler =>
  unary(name, (value) => {
    if (isNothing(value)) return null
    if (!isNumber(value)) throw fail(28765, `${name} only supports numeric types`)
    if (typeof value === 'number' || typeof value === 'bigint') return value
    return new Double(apply(refuseDecimal(value, name)))
  })

const absolute = unary('$abs', (value) => {
  if (isNothing(value)) return null
  if (!isNumber(value)) throw fail(28765, '$abs only supports numeric types')
  if (typeof value === 'number' || typeof value === 'bigint') {
    const whole = BigInt(value)
    return integer(whole < 0n ? -whole : whole, typeof value === 'bigint')
  }
  return new Double(Math.abs(refuseDecimal(value, '$abs')))
})

/** Rounds the exact value of a double to a decimal place, ties to the even digit. */
const roundDouble = (value: number, place: number, truncate: boolean): number => {
  if (!Number.isFinite(value) || value === 0) return value
  let exponent = 0
  let mantissa = Math.abs(value)
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2
    exponent += 1
  }
  let numerator = BigInt(mantissa)
  let denominator = 1n << BigInt(exponent)
  if (place >= 0) numerator *= 10n ** BigInt(place)
  else denominator *= 10n ** BigInt(-place)
  let whole = numerator / denominator
  const twice = (numerator % denominator) * 2n
  if (!truncate && (twice > denominator || (twice === denominator && whole % 2n === 1n))) whole += 1n
  const rounded = Number(`${whole}e${-place}`)
  return value < 0 ? -rounded : rounded
}

const roundInteger = (value: bigint, place: number, truncate: boolean): bigint => {
  if (place >= 0) return value
  const unit = 10n ** BigInt(-place)
  const magnitude = value < 0n ? -value : value
  let whole = magnitude / unit
  const twice = (magnitude % unit) * 2n
  if (!truncate && (twice > unit || (twice === unit && whole % 2n === 1n))) whole += 1n
  return value < 0n ? -whole * unit : whole * unit
}

const toPlace =
  (name: string, { truncate }: { readonly truncate: boolean }): OperatorCompiler =>
  (operand, compile) => {
    const [inner, places] = operands(name, operand, compile, 1, 2)
    return (scope) => {
      const value = inner!(scope)
      const given: Maybe = places ? places(scope) : 0
      if (isNothing(value) || isNothing(given)) return null
      const place = isNumber(given) ? asLong(given) : undefined
      if (!isNumber(value)) throw fail(51081, `${name} only supports numeric types`)
      if (place === undefined || place < -20n || place > 100n)
        throw fail(51083, `cannot apply ${name} with precision value outside -20 to 100`)
      if (typeof value === 'number' || typeof value === 'bigint')
        return integer(roundInteger(BigInt(value), Number(place), truncate), typeof value === 'bigint')
      return new Double(roundDouble(refuseDecimal(value, name), Number(place), truncate))
    }
  }

const power = binary('$pow', (base, exponent) => {
  if (isNothing(base) || isNothing(exponent)) return null
  if (!isNumber(base) || !isNumber(exponent)) throw fail(28762, "$pow's arguments must be numeric")
  const double = refuseDecimal(base, '$pow') ** refuseDecimal(exponent, '$pow')
  const inexact = base instanceof Double || exponent instanceof Double
  if (inexact || compareValues(exponent, 0) < 0) {
    if (compareValues(base, 0) === 0 && compareValues(exponent, 0) < 0)
      throw fail(28764, '$pow cannot take a base of 0 and a negative exponent')
    return new Double(double)
  }
  if (!(Math.abs(double) < 2 ** 63)) return new Double(double)
  const long = typeof base === 'bigint' || typeof exponent === 'bigint'
  return integer(BigInt(base as number | bigint) ** BigInt(exponent as number | bigint), long)
})

const logarithm = (name: string, apply: (x: number) => number): OperatorCompiler =>
  unary(name, (value) => {
    if (isNothing(value)) return null
    if (!isNumber(value)) throw fail(28765, `${name} only supports numeric types`)
    if (compareValues(value, 0) <= 0) throw fail(28766, `${name}'s argument must be a positive number`)
    return new Double(apply(refuseDecimal(value, name)))
  })

/** The list that `$sum` and its like look at: their operands, or the elements of a single array. */
const listed = (values: readonly Maybe[]): readonly Maybe[] =>
  values.length === 1 && isArray(values[0]) ? values[0] : values

const sumOf = (values: readonly Maybe[]): NumberValue =>
  values.reduce<NumberValue>((sum, value) => (isNumber(value) ? compute('add', sum, value) : sum), 0)

const averageOf = (values: readonly Maybe[]): Maybe => {
  const numbers = values.filter(isNumber)
  if (numbers.length === 0) return null
  return new Double(refuseDecimal(sumOf(numbers), '$avg') / numbers.length)
}

export const extremeOf = (values: readonly Maybe[], direction: 1 | -1): Maybe =>
  values.reduce<Maybe>(
    (best, value) =>
      isNothing(value) || (!isNothing(best) && compareValues(value, best) * direction <= 0) ? best : value,
    null,
  )

/** Of all there is, or of a sample of it. */
const deviation = (values: readonly Maybe[], of: 'all' | 'sample'): Maybe => {
  const missing = of === 'sample' ? 1 : 0
  const numbers = values.filter(isNumber).map((n) => refuseDecimal(n, '$stdDev'))
  if (numbers.length < 1 + missing) return null
  const mean = numbers.reduce((a, b) => a + b, 0) / numbers.length
  const squares = numbers.reduce((a, b) => a + (b - mean) ** 2, 0)
  return new Double(Math.sqrt(squares / (numbers.length - missing)))
}

const random: OperatorCompiler = (operand) => {
  if (!(isDoc(operand) || isArray(operand))) throw fail(10065, 'invalid parameter: expected an object ($rand)')
  if ((isDoc(operand) ? operand.size : operand.length) > 0) throw fail(3040501, '$rand does not accept arguments')
  return () => new Double(Math.random())
}

export const ARITHMETIC: Operators = {
  $rand: random,
  $add: variadic(add),
  $subtract: binary('$subtract', subtract),
  $multiply: variadic(multiply),
  $divide: binary('$divide', divide),
  $mod: binary('$mod', modulo),
  $abs: absolute,
  $ceil: rounding('$ceil', Math.ceil),
  $floor: rounding('$floor', Math.floor),
  $round: toPlace('$round', { truncate: false }),
  $trunc: toPlace('$trunc', { truncate: true }),
  $pow: power,
  $sqrt: unary('$sqrt', (value) => {
    if (isNothing(value)) return null
    if (!isNumber(value)) throw fail(28765, '$sqrt only supports numeric types')
    if (compareValues(value, 0) < 0) throw fail(28714, "$sqrt's argument must be greater than or equal to 0")
    return new Double(Math.sqrt(refuseDecimal(value, '$sqrt')))
  }),
  $exp: real('$exp', Math.exp),
  $ln: logarithm('$ln', Math.log),
  $log10: logarithm('$log10', Math.log10),
  $sum: variadic((values) => sumOf(listed(values))),
  $avg: variadic((values) => averageOf(listed(values))),
  $min: variadic((values) => extremeOf(listed(values), -1)),
  $max: variadic((values) => extremeOf(listed(values), 1)),
  $stdDevPop: variadic((values) => deviation(listed(values), 'all')),
  $stdDevSamp: variadic((values) => deviation(listed(values), 'sample')),
}
