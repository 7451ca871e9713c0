// Documents as the driver may be given them, and back: plain data only, and no key in it that the driver would read as a type.
import type { Document } from 'mongodb'

/*
 * What the driver makes of plain data (bson 7.3, read through for this):
 * - an object with a `_bsontype` other than null is taken for one of the driver's own types, and refused as one of another version;
 * - an object with `$ref` (a text) and `$id` is written as it is and comes back as a DBRef, which takes a dotted `$ref` apart;
 * - a list under a name that every object has (`constructor`, `toString`) comes back as bytes where it holds objects;
 * - an invalid date is written as 1970-01-01;
 * - a function, a symbol or an object of a class vanishes or becomes something else; a function `toBSON` is called.
 * All other keys (`$set`, `a.b`, the empty one) are names like any other inside a document.
 */

/** A special key is kept with this before it (a private-use character), and so is one that looks like that. */
const MARK = '\uE000'
const MARKS = new RegExp(`^${MARK}+`)
const SPECIAL: ReadonlySet<string> = new Set(['_bsontype', '$ref', ...Object.getOwnPropertyNames(Object.prototype)])
const isMarked = (key: string): boolean => key.startsWith(MARK) && SPECIAL.has(key.replace(MARKS, ''))

/** MongoDB's own bound of levels within each other. */
const MAX_LEVELS = 100

/** A document holds something that no document store can give back as it was. */
export class Unstorable extends Error {
  override readonly name = 'Unstorable'
}

/** How keys come out, and whether what is no plain data is refused. */
interface Way {
  readonly rename: (key: string) => string
  readonly isStrict: boolean
}

/** The key that stands for `key` in the stored form. */
const keep = (key: string): string => (SPECIAL.has(key) || isMarked(key) ? MARK + key : key)
const release = (key: string): string => (isMarked(key) ? key.slice(1) : key)
const STORING: Way = { rename: keep, isStrict: true }
const READING: Way = { rename: release, isStrict: false }

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

const checkLeaf = (value: unknown): void => {
  if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint')
    throw new Unstorable(`a ${typeof value} is no plain data`)
}

/** The value with its keys renamed: the same one when none had to be, so that the usual document is only looked at. */
const renamed = (value: unknown, way: Way, level: number): unknown => {
  if (typeof value !== 'object' || value === null) {
    if (way.isStrict) checkLeaf(value)
    return value
  }
  if (value instanceof Date) {
    if (way.isStrict && Number.isNaN(value.getTime())) throw new Unstorable('a date is out of range')
    return value
  }
  if (level > MAX_LEVELS) throw new Unstorable(`nested deeper than ${MAX_LEVELS} levels`)
  if (Array.isArray(value)) return renamedItems(value, way, level)
  if (isPlain(value)) return renamedProperties(value as Readonly<Record<string, unknown>>, way, level)
  if (way.isStrict) throw new Unstorable(`an object of ${value.constructor?.name ?? 'a class'} is no plain data`)
  return value
}

const renamedItems = (items: readonly unknown[], way: Way, level: number): readonly unknown[] => {
  let copy: unknown[] | undefined
  for (let i = 0; i < items.length; i++) {
    const item = renamed(items[i], way, level + 1)
    if (item === items[i]) continue
    copy ??= [...items]
    copy[i] = item
  }
  return copy ?? items
}

const renamedProperties = (
  object: Readonly<Record<string, unknown>>,
  way: Way,
  level: number,
): Readonly<Record<string, unknown>> => {
  const names = Object.keys(object)
  let copy: [string, unknown][] | undefined
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!
    const value = renamed(object[name], way, level + 1)
    const as = way.rename(name)
    if (copy === undefined && value === object[name] && as === name) continue
    copy ??= names.slice(0, i).map((before) => [before, object[before]])
    copy.push([as, value])
  }
  return copy === undefined ? object : Object.fromEntries(copy)
}

/**
 * The document as it is stored: the same object unless a key had to be kept in another form. Throws Unstorable for what is no plain
 * data, is nested too deep, or has a date that is none.
 */
export const toStored = <D extends Document>(document: D): D => renamed(document, STORING, 1) as D

/** The document as it was given to `toStored`. */
export const fromStored = <D extends Document>(document: D): D => renamed(document, READING, 1) as D
