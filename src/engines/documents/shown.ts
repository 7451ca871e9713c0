// Values as the server writes them in messages: `{ a: 1, b: "x" }`.
import type * as BSON from 'bson'
import {
  Binary,
  BSONRegExp,
  Code,
  Decimal128,
  Double,
  isArray,
  isDoc,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
  type Value,
} from './values.ts'

/** Longest text of a value in a message. */
const LONGEST = 1000

const doubleText = (value: number): string =>
  Number.isNaN(value)
    ? 'nan'
    : Number.isFinite(value)
      ? Number.isInteger(value)
        ? `${value}.0`
        : `${value}`
      : value > 0
        ? 'inf'
        : '-inf'

const scalar = (value: Exclude<Value, readonly Value[]>): string => {
  if (value === null) return 'null'
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value !== 'object') return String(value)
  if (value instanceof Date) return `new Date(${value.getTime()})`
  if (value instanceof Double) return doubleText(value.value)
  if (value instanceof Decimal128) return value.toString()
  if (value instanceof ObjectId) return `ObjectId('${value.toHexString()}')`
  if (value instanceof Timestamp) return `Timestamp(${value.t}, ${value.i})`
  if (value instanceof BSONRegExp) return `/${value.pattern}/${value.options}`
  if (value instanceof Binary) return binaryText(value)
  if (value instanceof Code) return String(value.code)
  if (value instanceof MinKey) return 'MinKey'
  return value instanceof MaxKey ? 'MaxKey' : ''
}

const binaryText = (value: BSON.Binary): string => {
  const hex = Buffer.from(value.buffer.subarray(0, value.position)).toString('hex')
  return value.sub_type === 4 && hex.length === 32
    ? `UUID("${hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')}")`
    : `BinData(${value.sub_type}, ${hex.toUpperCase()})`
}

const whole = (value: Value): string => {
  if (isArray(value)) return value.length === 0 ? '[]' : `[ ${value.map(whole).join(', ')} ]`
  if (!isDoc(value)) return scalar(value)
  return value.size === 0 ? '{}' : `{ ${[...value].map(([name, item]) => `${name}: ${whole(item)}`).join(', ')} }`
}

/** A value as text, cut when it is very long. */
export const shown = (value: Value): string => {
  const text = whole(value)
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text
}
