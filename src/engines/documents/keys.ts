// Bytes whose order is the order of BSON values (compare.ts): the keys of documents and of index entries.
import { createHash } from 'node:crypto'
import type * as BSON from 'bson'
import { RANK_EMPTY_ARRAY, rankOf } from './compare.ts'
import { compareNumbers, exactParts, floorDouble, isNaNValue, type NumberValue } from './numbers.ts'
import { type Doc, Double, type Value } from './values.ts'

/**
 * A key as a string of bytes (one char a byte): such strings compare by `<` as LMDB compares the bytes, and serve as keys
 * of a JavaScript map.
 */
export type Key = string

let scratch = Buffer.allocUnsafe(4096)
let used = 0

const reserve = (bytes: number): void => {
  if (used + bytes <= scratch.length) return
  const larger = Buffer.allocUnsafe(Math.max(scratch.length * 2, used + bytes))
  scratch.copy(larger, 0, 0, used)
  scratch = larger
}

const put = (byte: number): void => {
  reserve(1)
  scratch[used] = byte
  used += 1
}

const putBytes = (bytes: Uint8Array): void => {
  reserve(bytes.length)
  scratch.set(bytes, used)
  used += bytes.length
}

/** Text ends with 0; a 0 inside is followed by 255, which no next part of a key begins with. */
const putText = (value: string): void => {
  reserve(value.length * 3)
  const start = used
  used += scratch.write(value, used)
  if (scratch.subarray(start, used).includes(0)) {
    const bytes = Buffer.from(scratch.subarray(start, used))
    used = start
    for (const byte of bytes) {
      put(byte)
      if (byte === 0) put(255)
    }
  }
  // Two bytes, so that no text's key is the beginning of that of a text which goes on with a zero.
  put(0)
  put(1)
}

const putDouble = (value: number): void => {
  reserve(8)
  scratch.writeDoubleBE(value === 0 ? 0 : value, used)
  if (value < 0) for (let i = used; i < used + 8; i += 1) scratch[i] = ~scratch[i]! & 0xff
  else scratch[used] = scratch[used]! | 0x80
  used += 8
}

/** A number is its floor among the doubles; what lies between two doubles is told apart by its digits. */
const putNumber = (value: NumberValue): void => {
  if (isNaNValue(value)) {
    put(0)
    return
  }
  const floor = floorDouble(value)
  put(1)
  putDouble(floor)
  if (typeof value === 'number' || value instanceof Double || compareNumbers(new Double(floor), value) === 0) {
    put(0)
    return
  }
  put(1)
  const start = used
  const { coefficient, exponent } = exactParts(value as bigint | BSON.Decimal128)
  const digits = (coefficient < 0n ? -coefficient : coefficient).toString()
  const magnitude = exponent + digits.length + 8192
  put(magnitude >> 8)
  put(magnitude & 0xff)
  putText(digits.replace(/0+$/, ''))
  if (coefficient < 0n) for (let i = start; i < used; i += 1) scratch[i] = ~scratch[i]! & 0xff
}

const putDoc = (value: Doc): void => {
  for (const [name, item] of value) {
    put(rankOf(item))
    putText(name)
    putPayload(item)
  }
  put(0)
}

const putPayload = (value: Value): void => {
  switch (rankOf(value)) {
    case 10:
      putNumber(value as NumberValue)
      return
    case 20:
      putText(value as string)
      return
    case 30:
      putDoc(value as Doc)
      return
    case 40:
      for (const item of value as readonly Value[]) {
        put(rankOf(item))
        putPayload(item)
      }
      put(0)
      return
    case 50: {
      const binary = value as BSON.Binary
      reserve(4)
      used = scratch.writeUInt32BE(binary.position, used)
      put(binary.sub_type)
      putBytes(binary.buffer.subarray(0, binary.position))
      return
    }
    case 60:
      putBytes((value as BSON.ObjectId).id)
      return
    case 70:
      put(value === true ? 1 : 0)
      return
    case 80:
      putDouble((value as Date).getTime())
      return
    case 90: {
      const timestamp = value as BSON.Timestamp
      reserve(8)
      used = scratch.writeUInt32BE(timestamp.t >>> 0, used)
      used = scratch.writeUInt32BE(timestamp.i >>> 0, used)
      return
    }
    case 100: {
      const regex = value as BSON.BSONRegExp
      putText(regex.pattern)
      putText(regex.options)
      return
    }
    case 110:
      putText(String((value as BSON.Code).code))
      return
    default:
  }
}

const take = (): Key => scratch.toString('latin1', 0, used)

/** The key of one value. Equal values, of whatever kind of number, have the same key. */
export const keyOf = (value: Value): Key => {
  if (typeof value === 'string' && value.length < 256 && isPlainAscii(value)) return `\x14${value}\0\x01`
  used = 0
  put(rankOf(value))
  putPayload(value)
  return take()
}

const isPlainAscii = (value: string): boolean => {
  for (let i = 0; i < value.length; i += 1) {
    const c = value.charCodeAt(i)
    if (c === 0 || c > 127) return false
  }
  return true
}

/** Stands for an empty array in an index or sort key. */
export const EMPTY_ARRAY = Symbol('an empty array')
export const EMPTY_KEY: Key = String.fromCharCode(RANK_EMPTY_ARRAY)
export type KeyPart = Value | typeof EMPTY_ARRAY

/** A key with its bytes turned around, for a descending field of an index. */
export const inverted = (key: Key): Key => {
  let out = ''
  for (let i = 0; i < key.length; i += 1) out += String.fromCharCode(~key.charCodeAt(i) & 0xff)
  return out
}

/** The key of one field of an index. */
export const partKey = (part: KeyPart, descending: boolean): Key => {
  const key = part === EMPTY_ARRAY ? EMPTY_KEY : keyOf(part)
  return descending ? inverted(key) : key
}

/** Longest key of an index entry's values in bytes; what is longer is cut and ends with a hash of the whole. */
const LONGEST = 900
/** Longest key of an `_id`; with the index part it stays within LMDB's limit of 1,978 bytes. */
export const LONGEST_ID = 1000

/** A key that fits: the same for the same values, but beyond the cut no longer in their order. */
export const bounded = (key: Key): Key =>
  key.length <= LONGEST
    ? key
    : key.slice(0, LONGEST - 32) + createHash('sha256').update(key, 'latin1').digest().toString('latin1')

export const isCut = (key: Key): boolean => key.length >= LONGEST

/** The least key above every key that begins with `prefix`; `undefined` when there is none. */
export const after = (prefix: Key): Key | undefined => {
  for (let i = prefix.length - 1; i >= 0; i -= 1) {
    const c = prefix.charCodeAt(i)
    if (c < 255) return prefix.slice(0, i) + String.fromCharCode(c + 1)
  }
  return undefined
}
