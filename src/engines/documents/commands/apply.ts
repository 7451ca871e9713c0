// What the statements of write commands do to the collection they name, inside a commit or transaction.
import type { Collection } from '../catalog.ts'
import { insertDocument, prepare } from '../documents.ts'
import { allMatches } from '../select.ts'
import type { StatementOutcome } from '../sessions.ts'
import {
  type Replacement,
  removeTarget,
  replaceOrInsert,
  type Selection,
  selectFirst,
  sourceOf,
  type Target,
  type UpdateStatement,
  updateTarget,
  upsert,
} from '../statements.ts'
import type { Unit } from '../transactions.ts'
import type { Context } from './context.ts'
import { eachMatch } from './many.ts'
import type { ParsedDelete, ParsedUpdate } from './parse.ts'

/** A namespace that a command writes to. */
export interface Place {
  readonly context: Context
  readonly ns: string
  /** The collection, if there is one. */
  find(unit: Unit): Collection | undefined
  /** The collection, made if there is none. */
  ensure(unit: Unit): Collection
}

/** Looks for the collection once in each commit or transaction, however many statements are about it: both are run in one go. */
export const createPlace = (context: Context, ns: string): Place => {
  const { store } = context
  let seenBy: Unit | undefined
  let seen: Collection | undefined
  const once = (look: (unit: Unit) => Collection | undefined) => (unit: Unit) => {
    if (seen === undefined || seenBy !== unit) {
      seen = look(unit)
      seenBy = unit
    }
    return seen
  }
  const find = once(({ transaction }) => (transaction ? store.reading(transaction) : store.latest()).collection(ns))
  const ensure = once((unit) => store.ensure(unit, ns))
  return { context, ns, find, ensure: (unit) => ensure(unit)! }
}

const INSERTED: StatementOutcome = { n: 1 }

/** Inserts a document as the client sent it. */
export const runInsert = (place: Place, unit: Unit, document: Buffer): StatementOutcome => {
  const stored = prepare(document)
  insertDocument(unit, place.ensure(unit), stored)
  return INSERTED
}

const UNCHANGED: StatementOutcome = { n: 1, modified: 0 }
const CHANGED: StatementOutcome = { n: 1, modified: 1 }
const NOTHING: StatementOutcome = { n: 0, modified: 0 }

const runReplacement = (place: Place, unit: Unit, replacement: Replacement): StatementOutcome => {
  const collection = replacement.upsert ? place.ensure(unit) : place.find(unit)
  const done = collection ? replaceOrInsert(unit, collection, replacement) : 'nothing'
  if (done === 'inserted') return { n: 1, modified: 0, upserted: replacement.id }
  return done === 'changed' ? CHANGED : done === 'same' ? UNCHANGED : NOTHING
}

const targetsOf = (unit: Unit, collection: Collection | undefined, selection: Selection, multi: boolean): Target[] => {
  if (!collection) return []
  if (!multi) {
    const first = selectFirst(unit, collection, selection)
    return first ? [first] : []
  }
  const query = { filter: selection.filter, sort: [], hint: selection.hint }
  return allMatches(collection, sourceOf(unit), query)
}

const upsertIn = (place: Place, unit: Unit, statement: UpdateStatement): StatementOutcome => ({
  n: 1,
  modified: 0,
  upserted: upsert(unit, place.ensure(unit), statement).id,
})

/** Replaces or updates what a statement is about. */
export const runUpdate = (place: Place, unit: Unit, parsed: ParsedUpdate | Replacement): StatementOutcome => {
  if (!('statement' in parsed)) return runReplacement(place, unit, parsed)
  const { statement, multi } = parsed
  const collection = place.find(unit)
  const targets = targetsOf(unit, collection, statement, multi)
  if (targets.length === 0) return statement.upsert ? upsertIn(place, unit, statement) : NOTHING
  let modified = 0
  for (const target of targets) if (updateTarget(unit, collection!, statement, target)) modified += 1
  return { n: targets.length, modified }
}

/** Removes what a statement is about. */
export const runDelete = (place: Place, unit: Unit, { selection, multi }: ParsedDelete): StatementOutcome => {
  const collection = place.find(unit)
  const targets = targetsOf(unit, collection, selection, multi)
  for (const target of targets) removeTarget(unit, collection!, target)
  return { n: targets.length }
}

/** Updates all matches, outside of transactions. */
export const updateMany = async (place: Place, statement: UpdateStatement): Promise<StatementOutcome> => {
  const { context, ns } = place
  let n = 0
  let modified = 0
  await eachMatch(context, ns, statement, (unit, collection, target) => {
    const changed = updateTarget(unit, collection, statement, target) !== undefined
    return () => {
      n += 1
      if (changed) modified += 1
    }
  })
  if (n > 0 || !statement.upsert) return { n, modified }
  return context.store.write((unit) => upsertIn(place, unit, statement), context)
}

/** Removes all matches, outside of transactions. */
export const removeMany = async ({ context, ns }: Place, selection: Selection): Promise<StatementOutcome> => {
  let n = 0
  await eachMatch(context, ns, selection, (unit, collection, target) => {
    removeTarget(unit, collection, target)
    return () => {
      n += 1
    }
  })
  return { n }
}
