// The filter operators on bits: `$bitsAllSet` and its three companions, on whole numbers and binary data.
import { badValue } from './errors.ts'
import { asLong } from './numbers.ts'
import { Binary, isArray, isNumber, type Maybe, type Value } from './values.ts'

/** The positions a mask names: of a number, of binary data, or listed. */
const positions = (operand: Value): readonly number[] => {
  if (isArray(operand))
    return operand.map((value) => {
      const position = isNumber(value) ? asLong(value) : undefined
      if (position === undefined || position < 0n) throw badValue('bit positions must be whole and not negative')
      return Number(position)
    })
  if (operand instanceof Binary) {
    const bytes = operand.buffer.subarray(0, operand.position)
    return [...bytes].flatMap((byte, i) =>
      [0, 1, 2, 3, 4, 5, 6, 7].filter((b) => (byte >> b) & 1).map((b) => i * 8 + b),
    )
  }
  const mask = isNumber(operand) ? asLong(operand) : undefined
  if (mask === undefined || mask < 0n) throw badValue('a bit mask must be whole and not negative')
  return Array.from({ length: 63 }, (_, i) => i).filter((i) => (mask >> BigInt(i)) & 1n)
}

/** Whether a bit is set; a number's sign reaches beyond its 64 bits. */
const bitOf = (value: Maybe): ((position: number) => boolean) | undefined => {
  if (value instanceof Binary) {
    const bytes = value.buffer.subarray(0, value.position)
    return (position) => ((bytes[position >> 3] ?? 0) >> (position & 7)) % 2 === 1
  }
  const number = isNumber(value) ? asLong(value) : undefined
  return number === undefined ? undefined : (position) => ((number >> BigInt(Math.min(position, 63))) & 1n) === 1n
}

export type BitOperator = '$bitsAllSet' | '$bitsAllClear' | '$bitsAnySet' | '$bitsAnyClear'

export const bitTest = (operator: BitOperator, operand: Value): ((value: Maybe) => boolean) => {
  const wanted = positions(operand)
  return (value) => {
    const bit = bitOf(value)
    if (bit === undefined) return false
    if (operator === '$bitsAllSet') return wanted.every(bit)
    if (operator === '$bitsAllClear') return !wanted.some(bit)
    return operator === '$bitsAnySet' ? wanted.some(bit) : !wanted.every(bit)
  }
}
