// The statements of insert, update and delete: what one of them does to the documents it finds.
import { decode, decodeField, eachField, isNamed, rawField } from './bson.ts'
import { encode } from './bson-encode.ts'
import type { Collection } from './catalog.ts'
import {
  idKey,
  insertDocument,
  lookupKey,
  prepare,
  prepareWithId,
  refuseOperators,
  removeDocument,
  replaceDocument,
} from './documents.ts'
import { CommandError } from './errors.ts'
import { compileExpressionFilter } from './expression-filter.ts'
import type { Filter, Found } from './filter.ts'
import type { Key } from './keys.ts'
import { compileUpdatePipeline } from './pipeline-update.ts'
import { rawTest } from './scan.ts'
import { firstMatch, idOfFilter, type Source } from './select.ts'
import { parseSort, type SortFields } from './sort.ts'
import type { Unit } from './transactions.ts'
import { changedDocument, parseUpdate, type Update, type UpdateSpec, upsertDocument } from './update.ts'
import { BOOL, type Doc, INT, LONG, type Maybe, OBJECT, OBJECT_ID, STRING, type Value } from './values.ts'

type Variables = ReadonlyMap<string, Maybe>

export interface Selection {
  readonly query: Doc
  readonly filter: Filter
  /** Key of the only document that can match, when the filter asks for an `_id`. */
  readonly key: Key | undefined
  readonly sort: SortFields
  readonly hint: Maybe
  /** What the expressions of the filter, and of an update by pipeline, see. */
  readonly variables: Variables
}

export const parseSelection = (
  query: Doc,
  { sort, hint, variables }: { readonly sort?: Doc | undefined; readonly hint?: Maybe; readonly variables: Variables },
): Selection => {
  // With a hint the document is looked for along that index, which may not hold it.
  const id = hint === undefined ? idOfFilter(query) : undefined
  return {
    query,
    filter: compileExpressionFilter(query, variables),
    key: id === undefined ? undefined : lookupKey(id),
    sort: parseSort(sort),
    hint,
    variables,
  }
}

export interface Target {
  readonly key: Key
  readonly raw: Buffer
}

/** The state a unit sees, for the planner. */
export const sourceOf = (unit: Unit): Source => ({
  view: unit.view,
  asOf: unit.transaction?.asOf ?? Number.POSITIVE_INFINITY,
})

/** The first document that a statement is about. */
export const selectFirst = (unit: Unit, collection: Collection, selection: Selection): Target | undefined => {
  if (selection.key !== undefined) {
    const raw = unit.view.get(collection.space, selection.key)
    const matches = raw && (selection.query.size === 1 || stillMatches(selection)(raw))
    return matches ? { key: selection.key, raw } : undefined
  }
  return firstMatch(collection, sourceOf(unit), selection)
}

/** Whether a document still is what a statement is about. */
export const stillMatches = (selection: Selection): ((raw: Buffer) => boolean) => rawTest(selection.filter)

export interface UpdateStatement extends Selection {
  readonly update: Update
  readonly upsert: boolean
}

export const parseUpdateStatement = (
  selection: Selection,
  update: UpdateSpec,
  { upsert }: { readonly upsert: boolean },
): UpdateStatement => ({
  ...selection,
  update: parseUpdate(update, (stages) => compileUpdatePipeline(stages, selection.variables)),
  upsert,
})

/** The replacement with the `_id` of the document it replaces, which it may repeat but not change. */
const replacementBytes = (replacement: Buffer, { raw, key }: Target): Buffer => {
  const own = rawField(raw, '_id')!
  return prepareWithId(replacement, raw.subarray(own.from, own.end), null, key).raw
}

const positionOf = (statement: UpdateStatement, doc: Doc): number | undefined => {
  if (!statement.update.positional) return undefined
  const found: Found = { position: -1 }
  statement.filter.matches(doc, found)
  return found.position
}

/** The document as the statement leaves it; `undefined` when nothing changes. */
const updated = (statement: UpdateStatement, target: Target): Buffer | undefined => {
  const { update } = statement
  const before = target.raw
  if (update.replacement) {
    const next = replacementBytes(update.replacement, target)
    return next.equals(before) ? undefined : next
  }
  const doc = decode(before)
  const position = positionOf(statement, doc)
  const id = doc.get('_id')!
  const { doc: made, changed } = update.apply(doc, { position, inserting: false })
  if (!changed) return undefined
  const next = changedDocument(id, made)
  return next.equals(before) ? undefined : next
}

/** Applies an update to one document; answers its new bytes, or `undefined` when it stays as it is. */
export const updateTarget = (
  unit: Unit,
  collection: Collection,
  statement: UpdateStatement,
  target: Target,
): Buffer | undefined => {
  const next = updated(statement, target)
  if (next) replaceDocument(unit, collection, target.key, target.raw, next)
  return next
}

/** Inserts what an upsert that found nothing makes. */
export const upsert = (unit: Unit, collection: Collection, statement: UpdateStatement) => {
  const { update, filter } = statement
  if (update.replacement) refuseOperators(update.replacement)
  const id = update.replacement && idOfFilter(statement.query)
  const stored =
    update.replacement && id !== undefined && rawField(update.replacement, '_id') === undefined
      ? prepare(update.replacement, id)
      : prepare(encode(upsertDocument(filter, update)))
  insertDocument(unit, collection, stored)
  return stored
}

export const removeTarget = (unit: Unit, collection: Collection, target: Target): void =>
  removeDocument(unit, collection, target.key, target.raw)

/** The update of a raw statement, a raw document or a pipeline, by the name of its field and the path of the statement. */
export const updateOf = (raw: Buffer, name: string, path: string): Buffer | readonly Value[] => {
  const field = rawField(raw, name)
  if (field === undefined) throw new CommandError(40414, `BSON field '${path}.${name}' is missing but a required field`)
  if (field.type === 3) return raw.subarray(field.start, field.end)
  if (field.type === 4) return decode(raw, new Set([name])).get(name) as readonly Value[]
  throw new CommandError(9, 'Update argument must be either an object or an array')
}

/** The replacement of the document with one `_id`: the commonest write of a projector, done without compiling anything. */
export interface Replacement {
  readonly id: Value
  readonly key: Key
  /** Field `_id` of the query, its type and name included. */
  readonly idField: Buffer
  readonly document: Buffer
  readonly upsert: boolean
}

const SIMPLE_IDS = new Set([STRING, INT, LONG, OBJECT_ID])

/** Where a raw statement of an update that has no other options bears its query and its update. */
export interface UpdateParts {
  readonly query: number
  readonly queryEnd: number
  readonly update: number
  readonly updateEnd: number
  readonly upsert: boolean
}

/** Reads a statement of that kind; `undefined` for every other. */
export const replacementIn = (raw: Buffer, parts: UpdateParts): Replacement | undefined => {
  const { query, queryEnd, update, updateEnd, upsert } = parts
  if (raw[update + 5] === 0x24) return undefined
  const asked = raw.subarray(query, queryEnd)
  const field = rawField(asked, '_id')
  if (field?.from !== 4 || field.end !== asked.length - 1 || !SIMPLE_IDS.has(field.type)) return undefined
  const id = decodeField(asked, field)
  const idField = asked.subarray(field.from, field.end)
  return { id, key: upsert ? idKey(id) : lookupKey(id), idField, document: raw.subarray(update, updateEnd), upsert }
}

/** Reads a statement of an update command of that kind; `undefined` for every other. */
export const parseReplacement = (raw: Buffer): Replacement | undefined => {
  let query = 0
  let queryEnd = 0
  let update = 0
  let updateEnd = 0
  let upsert = false
  let simple = true
  eachField(raw, (type, name, nameLimit, from, to) => {
    const short = nameLimit - name === 1 && type === OBJECT
    if (short && raw[name] === 0x71) {
      query = from
      queryEnd = to
    } else if (short && raw[name] === 0x75) {
      update = from
      updateEnd = to
    } else if (type !== BOOL) simple = false
    else if (isNamed(raw, name, nameLimit, 'upsert')) upsert = raw[from] === 1
    else if (raw[from] !== 0 || !isNamed(raw, name, nameLimit, 'multi')) simple = false
    return !simple
  })
  if (!simple || query === 0 || update === 0) return undefined
  return replacementIn(raw, { query, queryEnd, update, updateEnd, upsert })
}

/** Puts the document in place of the one with its `_id`, or inserts it where that is asked for and there is none. */
export const replaceOrInsert = (
  unit: Unit,
  collection: Collection,
  { key, id, idField, document, upsert: inserts }: Replacement,
): 'changed' | 'same' | 'inserted' | 'nothing' => {
  const before = unit.view.get(collection.space, key)
  if (before === undefined) {
    if (!inserts) return 'nothing'
    insertDocument(unit, collection, prepareWithId(document, idField, id, key))
    return 'inserted'
  }
  const own = rawField(before, '_id')!
  const next = prepareWithId(document, before.subarray(own.from, own.end), id, key).raw
  if (next.equals(before)) return 'same'
  replaceDocument(unit, collection, key, before, next)
  return 'changed'
}
