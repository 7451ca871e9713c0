// What queries hold in memory, counted in bytes: each may hold so much, and all of them together.
import type * as BSON from 'bson'
import { CommandError } from './errors.ts'
import { Binary, Decimal128, isArray, isDoc, type Maybe, ObjectId } from './values.ts'

/** Most that one query may hold in all its stages, in bytes; the real server's limit of one stage without disk use. */
const MAX_QUERY = 100 * 1024 * 1024
/** Most that all queries may hold together: less than the heap of the process. */
const MAX_ALL = 160 * 1024 * 1024

let all = 0

/** The account of one query. */
export interface Memory {
  /** Counts bytes, or gives them back when negative. Throws 292 when the query, or all of them together, would hold too much. */
  hold(bytes: number): void
  /** Gives back all that the query holds. */
  free(): void
}

const exceeded = (what: string): CommandError =>
  new CommandError(
    292,
    `${what} for which disk use is not available here: give an index to sort by, a $match or a $limit before`,
  )

export const createMemory = (): Memory => {
  let own = 0
  return {
    hold: (bytes) => {
      if (bytes > 0 && own + bytes > MAX_QUERY)
        throw exceeded(`the query exceeded the memory limit of ${MAX_QUERY} bytes`)
      if (bytes > 0 && all + bytes > MAX_ALL)
        throw exceeded(`all queries together exceeded the limit of ${MAX_ALL} bytes`)
      own += bytes
      all += bytes
    },
    free: () => {
      all -= own
      own = 0
    },
  }
}

/** About what an object of its own takes. */
const OBJECT_BYTES = 48
const DOC_BYTES = 180
const FIELD_BYTES = 56

const sizeOf = (value: Maybe, room: number): number => {
  switch (typeof value) {
    case 'string':
      return 24 + value.length
    case 'number':
    case 'boolean':
    case 'undefined':
      return 8
    case 'bigint':
      return 24
    default:
  }
  if (value === null) return 8
  let bytes = DOC_BYTES
  if (isDoc(value)) {
    for (const item of value.values()) {
      bytes += FIELD_BYTES + sizeOf(item, room - bytes)
      if (bytes > room) return bytes
    }
    return bytes
  }
  if (isArray(value)) {
    for (const item of value) {
      bytes += 8 + sizeOf(item, room - bytes)
      if (bytes > room) return bytes
    }
    return bytes
  }
  if (value instanceof Binary) return DOC_BYTES + (value as BSON.Binary).position
  return value instanceof ObjectId || value instanceof Decimal128 ? DOC_BYTES : OBJECT_BYTES
}

/** About the bytes of memory that a value takes; of one beyond the limit of a query only that it is. */
export const memoryOf = (value: Maybe): number => sizeOf(value, MAX_QUERY)
