// The one comparison of BSON values: it decides matching and sorting, and the bytes of index keys (keys.ts) follow it.
import type * as BSON from 'bson'
import { compareNumbers, type NumberValue } from './numbers.ts'
import {
  ARRAY,
  BINARY,
  BOOL,
  CODE,
  DATE,
  DECIMAL,
  DOUBLE,
  type Doc,
  INT,
  LONG,
  MAX_KEY,
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

/** Rank of an empty array as a sort or index key: it stands below null, as BSON's "undefined" does. */
export const RANK_EMPTY_ARRAY = 3
export const RANK_NULL = 5

/** Rank of each BSON type in the order across types; the four kinds of number share one. */
const RANKS: Readonly<Record<number, number>> = {
  [MIN_KEY]: 1,
  [NULL]: RANK_NULL,
  [INT]: 10,
  [LONG]: 10,
  [DOUBLE]: 10,
  [DECIMAL]: 10,
  [STRING]: 20,
  [OBJECT]: 30,
  [ARRAY]: 40,
  [BINARY]: 50,
  [OBJECT_ID]: 60,
  [BOOL]: 70,
  [DATE]: 80,
  [TIMESTAMP]: 90,
  [REGEX]: 100,
  [CODE]: 110,
  [MAX_KEY]: 250,
}

export const rankOf = (value: Value): number => RANKS[typeOf(value)]!

const sign = (n: number): number => (n < 0 ? -1 : n > 0 ? 1 : 0)

/** Order of two strings by their UTF-8 bytes: like by UTF-16 units, but surrogates come after every other unit. */
export const compareStrings = (a: string, b: string): number => {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i += 1) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    if (x >= 0xd800 && y >= 0xd800) {
      const xs = x < 0xe000
      if (xs !== y < 0xe000) return xs ? 1 : -1
    }
    return x < y ? -1 : 1
  }
  return sign(a.length - b.length)
}

const compareDocs = (a: Doc, b: Doc): number => {
  const left = a.entries()
  const right = b.entries()
  for (;;) {
    const x = left.next()
    const y = right.next()
    if (x.done === true || y.done === true) return x.done === y.done ? 0 : x.done ? -1 : 1
    const order =
      sign(rankOf(x.value[1]) - rankOf(y.value[1])) ||
      compareStrings(x.value[0], y.value[0]) ||
      compareValues(x.value[1], y.value[1])
    if (order !== 0) return order
  }
}

const compareArrays = (a: readonly Value[], b: readonly Value[]): number => {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i += 1) {
    const order = compareValues(a[i]!, b[i]!)
    if (order !== 0) return order
  }
  return sign(a.length - b.length)
}

const compareBinary = (a: BSON.Binary, b: BSON.Binary): number =>
  sign(a.position - b.position) ||
  sign(a.sub_type - b.sub_type) ||
  Buffer.compare(a.buffer.subarray(0, a.position), b.buffer.subarray(0, b.position))

/** Order of two values, across types too: negative, zero or positive. Zero is the server's equality. */
export const compareValues = (a: Value, b: Value): number => {
  if (a === b) return 0
  const type = typeOf(a)
  const rank = RANKS[type]!
  const other = rankOf(b)
  if (rank !== other) return rank < other ? -1 : 1
  switch (rank) {
    case 10:
      return compareNumbers(a as NumberValue, b as NumberValue)
    case 20:
      return compareStrings(a as string, b as string)
    case 30:
      return compareDocs(a as Doc, b as Doc)
    case 40:
      return compareArrays(a as readonly Value[], b as readonly Value[])
    case 50:
      return compareBinary(a as BSON.Binary, b as BSON.Binary)
    case 60:
      return Buffer.compare((a as BSON.ObjectId).id, (b as BSON.ObjectId).id)
    case 70:
      return a === true ? 1 : -1
    case 80:
      return sign((a as Date).getTime() - (b as Date).getTime())
    case 90: {
      const x = a as BSON.Timestamp
      const y = b as BSON.Timestamp
      return sign((x.t >>> 0) - (y.t >>> 0)) || sign((x.i >>> 0) - (y.i >>> 0))
    }
    case 100: {
      const x = a as BSON.BSONRegExp
      const y = b as BSON.BSONRegExp
      return compareStrings(x.pattern, y.pattern) || compareStrings(x.options, y.options)
    }
    case 110:
      return compareStrings(String((a as BSON.Code).code), String((b as BSON.Code).code))
    default:
      return 0
  }
}
