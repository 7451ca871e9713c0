// Documents in a collection: inserted, changed and removed together with their index entries, claims and unique keys.
import {
  DOLLAR_NAME,
  decode,
  decodeField,
  EMPTY_TIMESTAMP,
  eachField,
  rawField,
  validate,
  withTimestamps,
} from './bson.ts'
import { encode } from './bson-encode.ts'
import type { Collection } from './catalog.ts'
import { badValue, CommandError, notImplemented } from './errors.ts'
import { entryKey, flagsOf, type Index, indexKeys, valuesOfKey } from './indexes.ts'
import { type Key, keyOf, LONGEST_ID } from './keys.ts'
import { shown } from './shown.ts'
import type { Unit } from './transactions.ts'
import {
  ARRAY,
  type Doc,
  docOf,
  MAX_DOCUMENT,
  type Maybe,
  OBJECT,
  ObjectId,
  REGEX,
  Timestamp,
  type Value,
} from './values.ts'

/** A document ready to be stored: its bytes, `_id` in front, and its key. */
export interface Stored {
  readonly id: Value
  readonly key: Key
  readonly raw: Buffer
}

/** The key that a document with this `_id` is stored under. */
export const idKey = (id: Value): Key => {
  const key = keyOf(id)
  if (key.length > LONGEST_ID) throw notImplemented(`an _id of more than ${LONGEST_ID} bytes`)
  return key
}

/** The key that an `_id` would be found under: for one too long to be stored, a key that no document has. */
export const lookupKey = (id: Value): Key => keyOf(id).slice(0, LONGEST_ID + 1)

const checkSize = (raw: Buffer): void => {
  if (raw.length > MAX_DOCUMENT) throw new CommandError(10334, `BSONObj size: ${raw.length} is larger than 16 MB`)
}

/** `_id` followed by the other fields of a raw document. */
const withId = (raw: Buffer, id: Buffer, skipFrom: number, skipTo: number): Buffer => {
  const length = 5 + id.length + (skipFrom - 4) + (raw.length - 1 - skipTo)
  const out = Buffer.allocUnsafe(length)
  out.writeInt32LE(length, 0)
  let at = 4 + id.copy(out, 4)
  at += raw.copy(out, at, 4, skipFrom)
  at += raw.copy(out, at, skipTo, raw.length - 1)
  out[at] = 0
  return out
}

/** Bytes of a field `_id`, its type and name included. */
const idField = (id: Value): Buffer => {
  const doc = encode({ _id: id })
  return doc.subarray(4, doc.length - 1)
}

const checkId = (raw: Buffer, type: number, start: number, end: number): void => {
  if (type === ARRAY) throw badValue("The '_id' value cannot be of type array")
  if (type === REGEX) throw badValue("The '_id' value cannot be of type regex")
  if (type === OBJECT)
    eachField(raw.subarray(start, end), (_type, name) => {
      if (raw[start + name] === 0x24) throw new CommandError(52, '_id fields may not contain names that begin with $')
      return false
    })
}

let lastTimestamp = 0

/** A replacement is a document, none of whose own fields may be named like an operator. */
export const refuseOperators = (replacement: Buffer): void =>
  eachField(replacement, (_type, name, limit) => {
    if (replacement[name] === 0x24) {
      const field = replacement.toString('utf8', name, limit)
      throw new CommandError(
        52,
        `The dollar ($) prefixed field '${field}' in '${field}' is not allowed in the context of an update's replacement document.`,
      )
    }
    return false
  })

/** The document, whole and with its empty timestamps filled. */
const checked = (raw: Buffer, { replacing = false }: { readonly replacing?: boolean } = {}): Buffer => {
  const found = validate(raw)
  if (found === 0) return raw
  if (replacing && (found & DOLLAR_NAME) !== 0) refuseOperators(raw)
  if ((found & EMPTY_TIMESTAMP) === 0) return raw
  lastTimestamp += 1
  return withTimestamps(raw, new Timestamp({ t: Math.floor(Date.now() / 1000), i: lastTimestamp }))
}

/** Makes a raw document ready to be stored, giving it the `_id` that it lacks. */
export const prepare = (given: Buffer, fallbackId?: Value): Stored => {
  const raw = checked(given)
  const field = rawField(raw, '_id')
  if (field === undefined) {
    const id = fallbackId === undefined ? new ObjectId() : fallbackId
    const made = withId(raw, idField(id), 4, 4)
    checkSize(made)
    return { id, key: idKey(id), raw: made }
  }
  checkId(raw, field.type, field.start, field.end)
  const id = decodeField(raw, field)
  const first = field.from === 4
  const made = first ? raw : withId(raw, raw.subarray(field.from, field.end), field.from, field.end)
  checkSize(made)
  return { id, key: idKey(id), raw: made }
}

/** Makes a replacement ready that bears the given field `_id`, or repeats it; any other `_id` is refused. */
export const prepareWithId = (given: Buffer, field: Buffer, id: Value, key: Key): Stored => {
  const raw = checked(given, { replacing: true })
  const own = rawField(raw, '_id')
  if (own && !raw.subarray(own.from, own.end).equals(field) && keyOf(decodeField(raw, own)) !== key)
    throw new CommandError(66, "the (immutable) field '_id' was found to have been altered")
  const made = withId(raw, field, own?.from ?? 4, own?.end ?? 4)
  checkSize(made)
  return { id, key, raw: made }
}

const duplicate = (collection: Collection, name: string, pattern: Doc, value: Record<string, Value>): CommandError =>
  new CommandError(
    11000,
    `E11000 duplicate key error collection: ${collection.ns} index: ${name} dup key: ${shown(docOf(value))}`,
    { keyPattern: pattern, keyValue: value },
  )

const secondary = (collection: Collection): readonly Index[] => collection.indexes.filter((i) => !i.primary)

const needsOf = (indexes: readonly Index[]): ReadonlySet<string> => {
  if (indexes.length === 1) return indexes[0]!.needs
  const all = new Set<string>()
  for (const index of indexes) for (const name of index.needs) all.add(name)
  return all
}

/** What the indexes of a collection need, worked out once a collection. */
const plans = new WeakMap<Collection, { readonly indexes: readonly Index[]; readonly needs: ReadonlySet<string> }>()
const planOf = (collection: Collection) => {
  const known = plans.get(collection)
  if (known) return known
  const indexes = secondary(collection)
  const made = { indexes, needs: needsOf(indexes) }
  plans.set(collection, made)
  return made
}

interface EntryChange {
  readonly index: Index
  readonly removed: readonly Key[]
  readonly added: readonly Key[]
}

const difference = (a: readonly Key[], b: readonly Key[]): readonly Key[] =>
  b.length === 0 ? a : a.filter((key) => !b.includes(key))

const sameKeys = (a: readonly Key[], b: readonly Key[]): boolean =>
  a.length === b.length && a.every((key, i) => key === b[i])

/** Claims and checks the unique keys that a document gives up and takes. */
const checkUnique = (unit: Unit, collection: Collection, id: Key, doc: Doc | undefined, change: EntryChange): void => {
  const { index, removed, added } = change
  for (const key of removed) unit.claim(index.space, key)
  for (const key of added) {
    unit.claim(index.space, key)
    const holder = unit.view.get(index.space, key)
    if (holder !== undefined && holder.toString('latin1') !== id)
      throw duplicate(collection, index.name, index.spec.get('key') as Doc, valuesOfKey(index, doc!, key))
  }
}

const writeEntries = (unit: Unit, id: Key, value: Buffer, { index, removed, added }: EntryChange): void => {
  for (const key of removed) unit.changes.put(index.space, entryKey(index, key, id), null)
  for (const key of added) unit.changes.put(index.space, entryKey(index, key, id), value)
  if (flagsOf(index) !== index.savedFlags) unit.flagged.add(index)
}

/** Whether two values are the same without a closer look; documents and arrays never are. */
const plainlySame = (a: Maybe, b: Maybe): boolean =>
  a === b || (a instanceof Date && b instanceof Date && a.getTime() === b.getTime())

const untouched = (index: Index, old: Doc, doc: Doc): boolean => {
  for (const name of index.needs) if (!plainlySame(old.get(name), doc.get(name))) return false
  return true
}

/** Writes the entries that differ between the old and the new document; all checks come before the first change. */
const moveEntries = (
  unit: Unit,
  collection: Collection,
  id: Key,
  before: Buffer | undefined,
  next: Buffer | undefined,
): void => {
  const { indexes, needs } = planOf(collection)
  if (indexes.length === 0) return
  const old = before && decode(before, needs)
  const doc = next && decode(next, needs)
  const changes: EntryChange[] = []
  for (const index of indexes) {
    if (old && doc && untouched(index, old, doc)) continue
    const removed = old ? indexKeys(index, old) : []
    const added = doc ? indexKeys(index, doc) : []
    if (sameKeys(removed, added)) continue
    const change = { index, removed: difference(removed, added), added: difference(added, removed) }
    if (index.unique) checkUnique(unit, collection, id, doc, change)
    changes.push(change)
  }
  if (changes.length === 0) return
  const value = Buffer.from(id, 'latin1')
  for (const change of changes) writeEntries(unit, id, value, change)
}

/** Inserts; a taken `_id` or unique key is refused and changes nothing. */
export const insertDocument = (unit: Unit, collection: Collection, { id, key, raw }: Stored): void => {
  unit.claim(collection.space, key)
  if (unit.view.get(collection.space, key) !== undefined)
    throw duplicate(collection, '_id_', new Map([['_id', 1]]), { _id: id })
  moveEntries(unit, collection, key, undefined, raw)
  unit.changes.put(collection.space, key, raw)
}

/** Puts new bytes in place of a document's. */
export const replaceDocument = (unit: Unit, collection: Collection, key: Key, before: Buffer, next: Buffer): void => {
  unit.claim(collection.space, key)
  moveEntries(unit, collection, key, before, next)
  unit.changes.put(collection.space, key, next)
}

export const removeDocument = (unit: Unit, collection: Collection, key: Key, before: Buffer): void => {
  unit.claim(collection.space, key)
  moveEntries(unit, collection, key, before, undefined)
  unit.changes.put(collection.space, key, null)
}

/** Makes the entries of one document in a new index. */
export const indexDocument = (unit: Unit, collection: Collection, index: Index, key: Key, raw: Buffer): void => {
  const doc = decode(raw, index.needs)
  const change = { index, removed: [], added: indexKeys(index, doc) }
  if (index.unique) checkUnique(unit, collection, key, doc, change)
  writeEntries(unit, key, Buffer.from(key, 'latin1'), change)
}
