// A request changed in one place.
import { BSON, type Document } from 'mongodb'
import { VALUES } from './samples.ts'

export type Random = () => number

interface Place {
  readonly holder: Record<string, unknown>
  readonly key: string
  readonly path: string
}

/** Every field and element of a request, but for the database and what would keep the test waiting. */
const placesOf = (value: unknown, path = ''): readonly Place[] => {
  if (typeof value !== 'object' || value === null || '_bsontype' in value || value instanceof Date) return []
  const holder = value as Record<string, unknown>
  return Object.keys(holder)
    .filter((key) => key !== '$db' && key !== 'maxAwaitTimeMS')
    .flatMap((key) => [{ holder, key, path: `${path}.${key}` }, ...placesOf(holder[key], `${path}.${key}`)])
}

const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)]!

const copyOf = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(copyOf)
    : typeof value === 'object' && value !== null && !('_bsontype' in value) && !(value instanceof Date)
      ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copyOf(item)]))
      : value

export interface Mutation {
  readonly request: Document
  /** What was changed, for a message. */
  readonly change: string
  /** An option was added that there is not. */
  readonly unknown: boolean
}

/** Changes a request in one place: a value of another type, one left out, one said twice, one under another name, one too many. */
export const mutated = (random: Random, command: Document): Mutation => {
  const request = copyOf(command) as Document
  const { holder, key, path } = pick(random, placesOf(request))
  const kind = Math.floor(random() * 6)
  if (kind === 0) {
    request.noSuchOption = 1
    return { request, change: 'an unknown option', unknown: true }
  }
  if (kind === 1) {
    if (Array.isArray(holder)) holder.splice(Number(key), 1)
    else delete holder[key]
    return { request, change: `without ${path}`, unknown: false }
  }
  if (kind === 2 && Array.isArray(holder)) {
    holder.push(copyOf(holder[Number(key)]))
    return { request, change: `${path} twice`, unknown: false }
  }
  if (kind === 2) {
    const value = holder[key]
    delete holder[key]
    holder[`${key}x`] = value
    return { request, change: `${path} under another name`, unknown: false }
  }
  const [type, value] = pick(random, VALUES)
  holder[key] = value
  return { request, change: `${path} as ${type} ${BSON.EJSON.stringify({ value })}`, unknown: false }
}
