// The statements of insert, update and delete: what one of them does to the documents it finds.
import { type Doc, decode, encode, rawField, type Value } from './bson.ts'
import type { Collection } from './catalog.ts'
import { idKey, insertDocument, prepare, removeDocument, replaceDocument } from './documents.ts'
import { CommandError } from './errors.ts'
import { compileExpressionFilter } from './expression-filter.ts'
import type { Filter, Found } from './filter.ts'
import type { Key } from './keys.ts'
import { compileUpdatePipeline } from './pipeline-update.ts'
import { rawTest } from './scan.ts'
import { firstMatch, hintName, idOfFilter, type Source } from './select.ts'
import { parseSort, type SortFields } from './sort.ts'
import type { Unit } from './transactions.ts'
import { changedDocument, parseUpdate, type Update, type UpdateSpec, upsertDocument } from './update.ts'

export interface Selection {
  readonly query: Doc
  readonly filter: Filter
  /** Key of the only document that can match, when the filter asks for an `_id` and nothing else. */
  readonly key: Key | undefined
  readonly sort: SortFields
  readonly hint: Value | undefined
}

export const parseSelection = (query: Doc, sort?: Doc, hint?: Value): Selection => {
  const id = idOfFilter(query)
  return {
    query,
    filter: compileExpressionFilter(query),
    key: id === undefined ? undefined : idKey(id),
    sort: parseSort(sort),
    hint,
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
    return raw && { key: selection.key, raw }
  }
  const { filter, sort } = selection
  return firstMatch(collection, sourceOf(unit), { filter, sort, hint: hintName(collection, selection.hint) })
}

/** Whether a document still is what a statement is about. */
export const stillMatches = (selection: Selection): ((raw: Buffer) => boolean) => rawTest(selection.filter)

export interface UpdateStatement extends Selection {
  readonly update: Update
  readonly upsert: boolean
}

export const parseUpdateStatement = (selection: Selection, update: UpdateSpec, upsert: boolean): UpdateStatement => ({
  ...selection,
  update: parseUpdate(update, compileUpdatePipeline),
  upsert,
})

/** The replacement with the `_id` of the document it replaces, which it may repeat but not change. */
const replacementBytes = (replacement: Buffer, before: Buffer): Buffer => {
  const own = rawField(before, '_id')!
  const id = before.subarray(own.from, own.end)
  const given = rawField(replacement, '_id')
  if (given && !replacement.subarray(given.from, given.end).equals(id))
    throw new CommandError(66, "the (immutable) field '_id' was found to have been altered")
  const value = decode(before, new Set(['_id'])).get('_id')!
  return prepare(replacement, value).raw
}

const positionOf = (statement: UpdateStatement, doc: Doc): number | undefined => {
  if (!statement.update.positional) return undefined
  const found: Found = { position: -1 }
  statement.filter.matches(doc, found)
  return found.position
}

/** The document as the statement leaves it; `undefined` when nothing changes. */
const updated = (statement: UpdateStatement, before: Buffer): Buffer | undefined => {
  const { update } = statement
  if (update.replacement) {
    const next = replacementBytes(update.replacement, before)
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
  const next = updated(statement, target.raw)
  if (next) replaceDocument(unit, collection, target.key, target.raw, next)
  return next
}

/** Inserts what an upsert that found nothing makes. */
export const upsert = (unit: Unit, collection: Collection, statement: UpdateStatement) => {
  const { update, filter } = statement
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

/** The `u` of an update statement: a raw document or a pipeline. */
export const updateOf = (raw: Buffer, name: string): Buffer | readonly Value[] => {
  const field = rawField(raw, name)
  if (field === undefined) throw new CommandError(40414, `BSON field '${name}' is missing but a required field`)
  if (field.type === 3) return raw.subarray(field.start, field.end)
  if (field.type === 4) return decode(raw, new Set([name])).get(name) as readonly Value[]
  throw new CommandError(9, 'Update argument must be either an object or an array')
}
