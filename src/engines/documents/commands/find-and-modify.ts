// findAndModify: one document changed or removed, and shown as it was before or is after.
import { decode } from '../bson.ts'
import { encode } from '../bson-encode.ts'
import { CommandError, failedToParse } from '../errors.ts'
import { compileProjection } from '../project.ts'
import type { StatementOutcome } from '../sessions.ts'
import { parseSelection, parseUpdateStatement, removeTarget, selectFirst, updateTarget, upsert } from '../statements.ts'
import type { Unit } from '../transactions.ts'
import { type Doc, docOf, isDoc, type MutableDoc, type Value } from '../values.ts'
import { refuseSystem } from './collections.ts'
import { boolField, type Context, docField, docsField, namespace, type Reply } from './context.ts'
import { variablesOf } from './variables.ts'

const answer = (value: Value, last: MutableDoc): Doc =>
  new Map<string, Value>([
    ['lastErrorObject', last],
    ['value', value],
  ])

export const findAndModify = async (context: Context): Promise<Reply> => {
  const { body, store, sessions, session, retry } = context
  const ns = namespace(context)
  refuseSystem(ns)
  const query = docField(body, 'query') ?? new Map()
  const selection = parseSelection(query, {
    sort: docField(body, 'sort'),
    hint: body.get('hint'),
    variables: variablesOf(body),
  })
  const remove = boolField(body, 'remove')
  const after = boolField(body, 'new')
  const fields = docField(body, 'fields')
  const given = body.get('update')
  if (remove === (given !== undefined)) throw failedToParse('Either an update or remove=true must be specified')
  if (remove && (boolField(body, 'upsert') || after))
    throw failedToParse("Cannot specify 'new' or 'upsert' with 'remove'")
  const update = isDoc(given) ? encode(given) : ((given ?? []) as readonly Value[])
  const statement = remove
    ? undefined
    : parseUpdateStatement(
        selection,
        { update, arrayFilters: docsField(body, 'arrayFilters') },
        { upsert: boolField(body, 'upsert') },
      )
  const project =
    fields && fields.size > 0 ? compileProjection(fields, selection.filter, selection.variables) : undefined
  const shown = (raw: Buffer): Value => {
    const doc = decode(raw)
    return project ? project(doc) : doc
  }

  const run = (unit: Unit): StatementOutcome => {
    const collection = unit.transaction ? store.reading(unit.transaction).collection(ns) : store.catalog.get(ns)
    const target = collection && selectFirst(unit, collection, selection)
    if (!target) {
      if (!statement?.upsert)
        return { n: 0, answer: answer(null, docOf(remove ? { n: 0 } : { n: 0, updatedExisting: false })) }
      const stored = upsert(unit, store.ensure(unit, ns), statement)
      const last = docOf({ n: 1, updatedExisting: false, upserted: stored.id })
      return { n: 1, answer: answer(after ? shown(stored.raw) : null, last) }
    }
    if (!statement) {
      removeTarget(unit, collection, target)
      return { n: 1, answer: answer(shown(target.raw), docOf({ n: 1 })) }
    }
    const next = updateTarget(unit, collection, statement, target)
    return {
      n: 1,
      answer: answer(shown(after ? (next ?? target.raw) : target.raw), docOf({ n: 1, updatedExisting: true })),
    }
  }

  const outcome = await (async (): Promise<StatementOutcome> => {
    if (context.transaction) return run(store.transactions.unitOf(context.transaction))
    const before = session && retry !== undefined ? sessions.retryable(session, retry).outcome(0) : undefined
    if (before) {
      if (!before.answer) throw new CommandError(217, 'the statement was retried as another kind of command')
      return before
    }
    if (session && retry !== undefined) context.meetFault()
    return store.write((unit) => {
      const result = run(unit)
      if (session && retry !== undefined) sessions.record(session, unit, 0, [0], [result])
      return result
    }, context)
  })()
  return Object.fromEntries(outcome.answer!)
}
