// BSON in this store: values that keep their types apart, documents as ordered maps, and raw bytes read without decoding.
import { BSON } from 'mongodb'
import { CommandError, notImplemented } from './errors.ts'

export const { Binary, BSONRegExp, Code, Decimal128, Double, Long, MaxKey, MinKey, ObjectId, Timestamp } = BSON

/** A document. A map keeps the order of its fields, whatever their names (`"2"`, `__proto__`), as the server does. */
export type Doc = ReadonlyMap<string, Value>
export type MutableDoc = Map<string, Value>

/** A BSON value: `number` is an int32, `bigint` an int64, `Double` a double. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | BSON.Double
  | BSON.Decimal128
  | BSON.ObjectId
  | BSON.Binary
  | BSON.Timestamp
  | BSON.BSONRegExp
  | BSON.Code
  | BSON.MinKey
  | BSON.MaxKey
  | readonly Value[]
  | Doc

/** A value, or that there is none. */
export type Maybe = Value | undefined

export const DOUBLE = 1
export const STRING = 2
export const OBJECT = 3
export const ARRAY = 4
export const BINARY = 5
export const OBJECT_ID = 7
export const BOOL = 8
export const DATE = 9
export const NULL = 10
export const REGEX = 11
export const CODE = 13
export const INT = 16
export const TIMESTAMP = 17
export const LONG = 18
export const DECIMAL = 19
export const MIN_KEY = 255
export const MAX_KEY = 127

const CLASS_TYPES: Readonly<Record<string, number>> = {
  Double: DOUBLE,
  Binary: BINARY,
  ObjectId: OBJECT_ID,
  BSONRegExp: REGEX,
  Code: CODE,
  Timestamp: TIMESTAMP,
  Decimal128: DECIMAL,
  MinKey: MIN_KEY,
  MaxKey: MAX_KEY,
}

/** The BSON type number of a value. */
export const typeOf = (value: Value): number => {
  switch (typeof value) {
    case 'string':
      return STRING
    case 'number':
      return INT
    case 'bigint':
      return LONG
    case 'boolean':
      return BOOL
    default:
      if (value === null) return NULL
      if (value instanceof Map) return OBJECT
      if (Array.isArray(value)) return ARRAY
      if (value instanceof Date) return DATE
      return CLASS_TYPES[(value as { readonly _bsontype: string })._bsontype]!
  }
}

export const isDoc = (value: Maybe): value is Doc => value instanceof Map
export const isArray = (value: Maybe): value is readonly Value[] => Array.isArray(value)
export const isNumber = (value: Maybe): value is number | bigint | BSON.Double | BSON.Decimal128 =>
  typeof value === 'number' ||
  typeof value === 'bigint' ||
  value instanceof BSON.Double ||
  value instanceof BSON.Decimal128

/** Deepest nesting of a document; the real server's limit. */
const MAX_DEPTH = 180
/** Largest document in bytes. */
export const MAX_DOCUMENT = 16 * 1024 * 1024

const malformed = (what: string): CommandError => new CommandError(22, `not a BSON document: ${what}`)

const nameEnd = (bytes: Buffer, start: number, end: number): number => {
  let at = start
  while (at < end && bytes[at] !== 0) at += 1
  if (at >= end) throw malformed('a field name has no end')
  return at
}

/** Offset after the value of `type` that starts at `at`; throws when it would reach beyond `end`. */
const skipValue = (bytes: Buffer, type: number, at: number, end: number): number => {
  let next: number
  switch (type) {
    case DOUBLE:
    case DATE:
    case TIMESTAMP:
    case LONG:
      next = at + 8
      break
    case INT:
      next = at + 4
      break
    case BOOL:
      next = at + 1
      break
    case NULL:
    case MIN_KEY:
    case MAX_KEY:
      next = at
      break
    case OBJECT_ID:
      next = at + 12
      break
    case DECIMAL:
      next = at + 16
      break
    case STRING:
    case CODE: {
      if (at + 4 > end) throw malformed('a string is cut off')
      const length = bytes.readInt32LE(at)
      next = at + 4 + length
      if (length < 1 || next > end || bytes[next - 1] !== 0) throw malformed('a string has a wrong length')
      break
    }
    case OBJECT:
    case ARRAY: {
      if (at + 5 > end) throw malformed('a document is cut off')
      const length = bytes.readInt32LE(at)
      next = at + length
      if (length < 5 || next > end || bytes[next - 1] !== 0) throw malformed('a document has a wrong length')
      break
    }
    case BINARY: {
      if (at + 5 > end) throw malformed('binary data is cut off')
      const length = bytes.readInt32LE(at)
      if (length < 0) throw malformed('binary data has a wrong length')
      next = at + 5 + length
      break
    }
    case REGEX:
      next = nameEnd(bytes, nameEnd(bytes, at, end) + 1, end) + 1
      break
    case 6:
    case 12:
    case 14:
    case 15:
      throw notImplemented(`the deprecated BSON type ${type}`)
    default:
      throw malformed(`unknown type ${type}`)
  }
  if (next > end) throw malformed('a value is cut off')
  return next
}

/** Length of the document at `at`, checked against its surroundings. */
const documentEnd = (bytes: Buffer, at: number, limit: number): number => {
  if (at + 5 > limit) throw malformed('it is cut off')
  const length = bytes.readInt32LE(at)
  const end = at + length
  if (length < 5 || end > limit || bytes[end - 1] !== 0) throw malformed('its length is wrong')
  return end
}

/** Called with each field: type, start and end of its name, start and end of its value. A true answer stops. */
export type FieldVisitor = (
  type: number,
  name: number,
  nameLimit: number,
  start: number,
  end: number,
) => boolean | undefined

/** Visits the fields of the raw document that starts at `at`. */
export const eachField = (bytes: Buffer, visit: FieldVisitor, at = 0): void => {
  const end = documentEnd(bytes, at, bytes.length) - 1
  let next = at + 4
  while (next < end) {
    const type = bytes[next]!
    const name = next + 1
    const nameLimit = nameEnd(bytes, name, end)
    const start = nameLimit + 1
    next = skipValue(bytes, type, start, end)
    if (visit(type, name, nameLimit, start, next)) return
  }
}

const text = (bytes: Buffer, start: number, end: number): string => {
  if (end - start > 24) return bytes.toString('utf8', start, end)
  let out = ''
  for (let i = start; i < end; i += 1) {
    const c = bytes[i]!
    if (c > 127) return bytes.toString('utf8', start, end)
    out += String.fromCharCode(c)
  }
  return out
}

const decodeValue = (bytes: Buffer, type: number, at: number, end: number, depth: number): Value => {
  switch (type) {
    case STRING:
      return text(bytes, at + 4, end - 1)
    case INT:
      return bytes.readInt32LE(at)
    case DOUBLE:
      return new Double(bytes.readDoubleLE(at))
    case LONG:
      return bytes.readBigInt64LE(at)
    case BOOL:
      return bytes[at] !== 0
    case NULL:
      return null
    case OBJECT:
      return decodeAt(bytes, at, end, depth + 1)
    case ARRAY:
      return decodeArray(bytes, at, end, depth + 1)
    case OBJECT_ID:
      return new ObjectId(Uint8Array.prototype.slice.call(bytes, at, end))
    case DATE: {
      const date = new Date(Number(bytes.readBigInt64LE(at)))
      if (Number.isNaN(date.getTime())) throw notImplemented('a date outside the years -271821 to 275760')
      return date
    }
    case BINARY:
      return new Binary(Uint8Array.prototype.slice.call(bytes, at + 5, end), bytes[at + 4]!)
    case TIMESTAMP:
      return new Timestamp({ i: bytes.readUInt32LE(at), t: bytes.readUInt32LE(at + 4) })
    case REGEX: {
      const patternEnd = nameEnd(bytes, at, end)
      const options = text(bytes, patternEnd + 1, end - 1)
      // The package's own class takes these options and no others.
      if (!/^[imxlsu]*$/.test(options)) throw malformed(`a regular expression has the options ${options}`)
      return new BSONRegExp(text(bytes, at, patternEnd), options)
    }
    case CODE:
      return new Code(text(bytes, at + 4, end - 1))
    case DECIMAL:
      return new Decimal128(Uint8Array.prototype.slice.call(bytes, at, end))
    case MIN_KEY:
      return new MinKey()
    default:
      return new MaxKey()
  }
}

const decodeArray = (bytes: Buffer, at: number, end: number, depth: number): Value[] => {
  if (depth > MAX_DEPTH) throw new CommandError(15, `a document nests deeper than ${MAX_DEPTH} levels`)
  const out: Value[] = []
  let next = at + 4
  while (next < end - 1) {
    const type = bytes[next]!
    const start = nameEnd(bytes, next + 1, end - 1) + 1
    next = skipValue(bytes, type, start, end - 1)
    out.push(decodeValue(bytes, type, start, next, depth))
  }
  return out
}

const decodeAt = (bytes: Buffer, at: number, end: number, depth: number, wanted?: ReadonlySet<string>): MutableDoc => {
  if (depth > MAX_DEPTH) throw new CommandError(15, `a document nests deeper than ${MAX_DEPTH} levels`)
  const out: MutableDoc = new Map()
  let next = at + 4
  while (next < end - 1) {
    const type = bytes[next]!
    const name = next + 1
    const nameLimit = nameEnd(bytes, name, end - 1)
    const start = nameLimit + 1
    next = skipValue(bytes, type, start, end - 1)
    const key = text(bytes, name, nameLimit)
    if (wanted === undefined || wanted.has(key)) out.set(key, decodeValue(bytes, type, start, next, depth))
  }
  return out
}

/** Decodes the document at `at`; with `wanted`, only those of its own fields. */
export const decode = (bytes: Buffer, wanted?: ReadonlySet<string>, at = 0): MutableDoc =>
  decodeAt(bytes, at, documentEnd(bytes, at, bytes.length), 0, wanted)

/** Checks the structure of a whole document, so that what is stored can always be read back. */
export const validate = (bytes: Buffer): void => validateAt(bytes, 0, bytes.length, 0)

const validateAt = (bytes: Buffer, at: number, limit: number, depth: number): void => {
  if (depth > MAX_DEPTH) throw new CommandError(15, `a document nests deeper than ${MAX_DEPTH} levels`)
  const end = documentEnd(bytes, at, limit) - 1
  let next = at + 4
  while (next < end) {
    const type = bytes[next]!
    const start = nameEnd(bytes, next + 1, end) + 1
    next = skipValue(bytes, type, start, end)
    if (type === OBJECT || type === ARRAY) validateAt(bytes, start, next, depth + 1)
  }
}

export interface RawField {
  readonly type: number
  /** Where the field begins, its type byte included. */
  readonly from: number
  readonly start: number
  readonly end: number
}

/** Finds a field of a raw document by its name. */
export const rawField = (bytes: Buffer, name: string): RawField | undefined => {
  const length = Buffer.byteLength(name)
  const limit = documentEnd(bytes, 0, bytes.length) - 1
  let next = 4
  while (next < limit) {
    const from = next
    const type = bytes[from]!
    const nameLimit = nameEnd(bytes, from + 1, limit)
    const start = nameLimit + 1
    next = skipValue(bytes, type, start, limit)
    if (nameLimit - from - 1 === length && text(bytes, from + 1, nameLimit) === name)
      return { type, from, start, end: next }
  }
  return undefined
}

/** Decodes one field found by `rawField`. */
export const decodeField = (bytes: Buffer, field: RawField): Value =>
  decodeValue(bytes, field.type, field.start, field.end, 0)

/** The raw documents inside a raw array. */
export const rawDocuments = (bytes: Buffer, field: RawField): Buffer[] => {
  const out: Buffer[] = []
  eachField(bytes.subarray(field.start, field.end), (type, _name, _limit, start, end) => {
    if (type !== OBJECT) throw new CommandError(14, 'an array of documents holds something else')
    out.push(bytes.subarray(field.start + start, field.start + end))
    return false
  })
  return out
}

/** What can be encoded: values, plain objects of them, and raw documents (`Buffer`). A fractional number is a double. */
export type Encodable = Value | undefined | Buffer | readonly Encodable[] | { readonly [name: string]: Encodable }

let scratch = Buffer.allocUnsafe(64 * 1024)
let used = 0

const reserve = (bytes: number): void => {
  if (used + bytes <= scratch.length) return
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
export const encodeValue = (value: Value): Buffer => encode({ v: value })

/** Whether two values are the same bytes: same types, same order of fields, same number of a kind. */
export const identical = (a: Maybe, b: Maybe): boolean => {
  if (a === b) return true
  if (a === undefined || b === undefined || a === null || b === null) return false
  if (typeof a !== 'object' || typeof b !== 'object') return false
  return encodeValue(a).equals(encodeValue(b))
}

/** A document from a plain object, for what the store itself makes. */
export const docOf = (entries: Readonly<Record<string, Value>>): MutableDoc => new Map(Object.entries(entries))
