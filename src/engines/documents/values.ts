// The values of documents: their types, kept apart, and documents as maps in the order of their fields.
// Not by way of the driver, which is no part of the engines and five times as much to load.
import * as BSON from 'bson'

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

const TYPE_NAMES: Readonly<Record<number, string>> = {
  [DOUBLE]: 'double',
  [STRING]: 'string',
  [OBJECT]: 'object',
  [ARRAY]: 'array',
  [BINARY]: 'binData',
  [OBJECT_ID]: 'objectId',
  [BOOL]: 'bool',
  [DATE]: 'date',
  [NULL]: 'null',
  [REGEX]: 'regex',
  [CODE]: 'javascript',
  [INT]: 'int',
  [TIMESTAMP]: 'timestamp',
  [LONG]: 'long',
  [DECIMAL]: 'decimal',
  [MAX_KEY]: 'maxKey',
  [MIN_KEY]: 'minKey',
}

/** The server's name of a type by its number. */
export const typeNameOfNumber = (type: number): string | undefined => TYPE_NAMES[type]

/** The server's name of a value's type. */
export const typeNameOf = (value: Value): string => TYPE_NAMES[typeOf(value)]!

export const isDoc = (value: Maybe): value is Doc => value instanceof Map
export const isArray = (value: Maybe): value is readonly Value[] => Array.isArray(value)
export const isNumber = (value: Maybe): value is number | bigint | BSON.Double | BSON.Decimal128 =>
  typeof value === 'number' ||
  typeof value === 'bigint' ||
  value instanceof BSON.Double ||
  value instanceof BSON.Decimal128

/** How an option is true: by itself, or as a number that is not 0. */
export const isTrue = (value: Maybe): boolean => (isNumber(value) ? Number(value.toString()) !== 0 : value === true)

/** Largest document in bytes. */
export const MAX_DOCUMENT = 16 * 1024 * 1024

/** A document from a plain object, for what the store itself makes. */
export const docOf = (entries: Readonly<Record<string, Value>>): MutableDoc => new Map(Object.entries(entries))
