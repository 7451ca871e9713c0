// Writing BSON: values, plain objects of them, and raw documents among them.
import { CommandError, notImplemented } from './errors.ts'
import {
  ARRAY,
  BINARY,
  Binary,
  BOOL,
  BSONRegExp,
  CODE,
  Code,
  DATE,
  DECIMAL,
  Decimal128,
  DOUBLE,
  type Doc,
  Double,
  INT,
  LONG,
  MAX_DOCUMENT,
  MAX_KEY,
  MaxKey,
  type Maybe,
  MIN_KEY,
  MinKey,
  NULL,
  OBJECT,
  OBJECT_ID,
  ObjectId,
  REGEX,
  STRING,
  TIMESTAMP,
  Timestamp,
  type Value,
} from './values.ts'

/** What can be encoded: values, plain objects of them, and raw documents (`Buffer`). A fractional number is a double. */
export type Encodable = Value | undefined | Buffer | readonly Encodable[] | { readonly [name: string]: Encodable }

let scratch = Buffer.allocUnsafe(64 * 1024)
let used = 0

/** No answer is larger; what is, has come from values that stand in themselves many times. */
const MAX_ENCODED = 64 * 1024 * 1024

const reserve = (bytes: number): void => {
  if (used + bytes <= scratch.length) return
  if (used + bytes > MAX_ENCODED)
    throw new CommandError(10334, `BSONObj size: ${used + bytes} is invalid, more than ${MAX_DOCUMENT} is too large`)
  const larger = Buffer.allocUnsafe(Math.max(scratch.length * 2, used + bytes))
  scratch.copy(larger, 0, 0, used)
  scratch = larger
}

const writeText = (value: string): void => {
  reserve(value.length * 3 + 1)
  used += value.length < 16 ? writeShort(value) : scratch.write(value, used)
  scratch[used] = 0
  used += 1
}

const writeShort = (value: string): number => {
  for (let i = 0; i < value.length; i += 1) {
    const c = value.charCodeAt(i)
    if (c > 127) return scratch.write(value, used)
    scratch[used + i] = c
  }
  return value.length
}

const writeName = (type: number, name: string): void => {
  if (name.includes('\0')) throw new CommandError(2, 'a field name holds a NUL character')
  reserve(1)
  scratch[used] = type
  used += 1
  writeText(name)
}

const writeBytes = (bytes: Uint8Array): void => {
  reserve(bytes.length)
  scratch.set(bytes, used)
  used += bytes.length
}

const writeInt = (value: number): void => {
  reserve(4)
  used = scratch.writeInt32LE(value, used)
}

const writeString = (value: string): void => {
  const at = used
  writeInt(0)
  writeText(value)
  scratch.writeInt32LE(used - at - 4, at)
}

const writeFields = (entries: Iterable<readonly [string, Encodable]>): void => {
  const at = used
  writeInt(0)
  for (const [name, value] of entries) if (value !== undefined) writeField(name, value)
  reserve(1)
  scratch[used] = 0
  used += 1
  scratch.writeInt32LE(used - at, at)
}

const numbered = function* (items: readonly Encodable[]): Iterable<readonly [string, Encodable]> {
  for (let i = 0; i < items.length; i += 1) yield [String(i), items[i] ?? null]
}

const writeField = (name: string, value: Exclude<Encodable, undefined>): void => {
  switch (typeof value) {
    case 'string':
      writeName(STRING, name)
      writeString(value)
      return
    case 'number':
      if (Number.isInteger(value) && value >= -2147483648 && value <= 2147483647) {
        writeName(INT, name)
        writeInt(value)
      } else writeField(name, new Double(value))
      return
    case 'bigint':
      writeName(LONG, name)
      reserve(8)
      used = scratch.writeBigInt64LE(value, used)
      return
    case 'boolean':
      writeName(BOOL, name)
      reserve(1)
      scratch[used] = value ? 1 : 0
      used += 1
      return
    default:
  }
  if (value === null) writeName(NULL, name)
  else if (value instanceof Map) {
    writeName(OBJECT, name)
    writeFields(value)
  } else if (Array.isArray(value)) {
    writeName(ARRAY, name)
    writeFields(numbered(value))
  } else if (Buffer.isBuffer(value)) {
    writeName(OBJECT, name)
    writeBytes(value)
  } else if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw notImplemented('a date outside the years -271821 to 275760')
    writeName(DATE, name)
    reserve(8)
    used = scratch.writeBigInt64LE(BigInt(value.getTime()), used)
  } else if (value instanceof Double) {
    writeName(DOUBLE, name)
    reserve(8)
    used = scratch.writeDoubleLE(value.value, used)
  } else if (value instanceof ObjectId) {
    writeName(OBJECT_ID, name)
    writeBytes(value.id)
  } else if (value instanceof Decimal128) {
    writeName(DECIMAL, name)
    writeBytes(value.bytes)
  } else if (value instanceof Binary) {
    writeName(BINARY, name)
    writeInt(value.position)
    reserve(1)
    scratch[used] = value.sub_type
    used += 1
    writeBytes(value.buffer.subarray(0, value.position))
  } else if (value instanceof Timestamp) {
    writeName(TIMESTAMP, name)
    reserve(8)
    used = scratch.writeUInt32LE(value.i, used)
    used = scratch.writeUInt32LE(value.t, used)
  } else if (value instanceof BSONRegExp) {
    writeName(REGEX, name)
    writeText(value.pattern)
    writeText(value.options)
  } else if (value instanceof Code) {
    writeName(CODE, name)
    writeString(value.code)
  } else if (value instanceof MinKey) writeName(MIN_KEY, name)
  else if (value instanceof MaxKey) writeName(MAX_KEY, name)
  else {
    writeName(OBJECT, name)
    writeFields(Object.entries(value as { readonly [name: string]: Encodable }))
  }
}

/** Encodes a document. */
export const encode = (value: Doc | { readonly [name: string]: Encodable }): Buffer => {
  used = 0
  writeFields(value instanceof Map ? value : Object.entries(value))
  const bytes = Buffer.from(scratch.subarray(0, used))
  if (scratch.length > MAX_DOCUMENT * 2) scratch = Buffer.allocUnsafe(64 * 1024)
  return bytes
}

/** A value as it stands inside a document, for comparing two values byte by byte. */
const encodeValue = (value: Value): Buffer => encode({ v: value })

/** Whether two values are the same bytes: same types, same order of fields, same number of a kind. */
export const identical = (a: Maybe, b: Maybe): boolean => {
  if (a === b) return true
  if (a === undefined || b === undefined || a === null || b === null) return false
  if (typeof a !== 'object' || typeof b !== 'object') return false
  return encodeValue(a).equals(encodeValue(b))
}
