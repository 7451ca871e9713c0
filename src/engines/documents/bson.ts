// Reading BSON: documents decoded, checked, and looked into without being decoded.
import type * as BSON from 'bson'
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
  Double,
  INT,
  LONG,
  MAX_KEY,
  MaxKey,
  MIN_KEY,
  MinKey,
  type MutableDoc,
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

/** Deepest nesting of a document; the real server's limit. */
const MAX_DEPTH = 180
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

/** What `validate` finds in a document's own fields: an empty timestamp, which the server fills; a name that begins with `$`. */
export const EMPTY_TIMESTAMP = 1
export const DOLLAR_NAME = 2

/**
 * Checks the structure of a whole document, so that what is stored can always be read back. Answers with the bits of what its
 * own fields have.
 */
export const validate = (bytes: Buffer): number => validateAt(bytes, 0, bytes.length, 0)

const validateAt = (bytes: Buffer, at: number, limit: number, depth: number): number => {
  if (depth > MAX_DEPTH) throw new CommandError(15, `a document nests deeper than ${MAX_DEPTH} levels`)
  const end = documentEnd(bytes, at, limit) - 1
  let next = at + 4
  let found = 0
  while (next < end) {
    const type = bytes[next]!
    if (bytes[next + 1] === 0x24) found |= DOLLAR_NAME
    const start = nameEnd(bytes, next + 1, end) + 1
    next = skipValue(bytes, type, start, end)
    if (type === OBJECT || type === ARRAY) validateAt(bytes, start, next, depth + 1)
    else if (type === TIMESTAMP && bytes.readBigUInt64LE(start) === 0n) found |= EMPTY_TIMESTAMP
  }
  return found
}

/** A copy whose own empty timestamps, other than that of an `_id`, bear the time. */
export const withTimestamps = (bytes: Buffer, now: BSON.Timestamp): Buffer => {
  const copy = Buffer.from(bytes)
  eachField(bytes, (type, name, nameLimit, start) => {
    if (type !== TIMESTAMP || bytes.readBigUInt64LE(start) !== 0n) return false
    if (bytes.toString('utf8', name, nameLimit) === '_id') return false
    copy.writeUInt32LE(now.i, start)
    copy.writeUInt32LE(now.t, start + 4)
    return false
  })
  return copy
}

/** Whether a name that a visitor is shown is this one, which has no other than ASCII characters. */
export const isNamed = (bytes: Buffer, start: number, limit: number, name: string): boolean => {
  if (limit - start !== name.length) return false
  for (let i = 0; i < name.length; i += 1) if (bytes[start + i] !== name.charCodeAt(i)) return false
  return true
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
