// insert, update and delete.
import { decode, eachField } from '../bson.ts'
import type { Collection } from '../catalog.ts'
import { insertDocument, prepare } from '../documents.ts'
import { CommandError, failedToParse } from '../errors.ts'
import type { Key } from '../keys.ts'
import { createMemory, type Memory } from '../memory.ts'
import { breathe, createScan } from '../scan.ts'
import { allMatches, planQuery } from '../select.ts'
import type { StatementOutcome } from '../sessions.ts'
import {
  parseReplacement,
  parseSelection,
  parseUpdateStatement,
  type Replacement,
  removeTarget,
  replaceOrInsert,
  type Selection,
  selectFirst,
  sourceOf,
  stillMatches,
  type Target,
  type UpdateStatement,
  updateOf,
  updateTarget,
  upsert,
} from '../statements.ts'
import { Blocked, type Unit } from '../transactions.ts'
import type { Doc } from '../values.ts'
import { type Batch, type BatchOutcome, runBatch, writeErrors } from './batch.ts'
import { refuseSystem } from './collections.ts'
import { boolField, type Context, docsField, namespace, numberField, type Reply } from './context.ts'
import { DELETE_STATEMENT, UPDATE_STATEMENT } from './options.ts'
import { checkOptions, type Table } from './schema.ts'
import { type Variables, variablesOf } from './variables.ts'

const total = ({ outcomes }: BatchOutcome, field: 'n' | 'modified'): number => {
  let sum = 0
  for (const outcome of outcomes) sum += outcome?.[field] ?? 0
  return sum
}

const INSERTED: StatementOutcome = { n: 1 }

export const insert = async (context: Context): Promise<Reply> => {
  const ns = namespace(context)
  refuseSystem(ns)
  const { store } = context
  const documents = context.documents('documents')
  const result = await runBatch(context, {
    count: documents.length,
    size: (index) => documents[index]!.length,
    run: (unit, index) => {
      const stored = prepare(documents[index]!)
      insertDocument(unit, store.ensure(unit, ns), stored)
      return INSERTED
    },
  })
  return { n: total(result, 'n'), ...writeErrors(result.errors) }
}

/** Documents that one commit changes. */
const CHUNK = 1000

/** Collects the keys of all matches in slices, then works through them in commits of their own, looking at each again. */
const eachMatch = async (context: Context, ns: string, selection: Selection, work: Work): Promise<void> => {
  const memory = createMemory()
  try {
    await changeMatches(context, ns, selection, work, memory)
  } finally {
    memory.free()
  }
}

type Work = (unit: Unit, collection: Collection, target: Target) => () => void

/** What a key takes in memory beside its characters. */
const KEY_BYTES = 32

const changeMatches = async (
  context: Context,
  ns: string,
  selection: Selection,
  work: Work,
  memory: Memory,
): Promise<void> => {
  const { store } = context
  const collection = store.catalog.get(ns)
  if (!collection) return
  const source = { view: store.storage, asOf: Number.POSITIVE_INFINITY }
  const query = { filter: selection.filter, sort: [], hint: selection.hint }
  const scan = createScan(collection, planQuery(collection, source, query), selection.filter)
  const keys: Key[] = []
  while (!scan.done) {
    for (const { key } of scan.take(store.storage, CHUNK)) {
      memory.hold(key.length + KEY_BYTES)
      keys.push(key)
    }
    context.check()
    if (!scan.done) await breathe()
  }
  const matches = stillMatches(selection)
  let next = 0
  const chunk = (unit: Unit) => {
    const counted: (() => void)[] = []
    const now = store.catalog.get(ns)
    if (now?.space !== collection.space) return { at: keys.length, error: undefined, counted }
    let at = next
    for (; at < keys.length && at - next < CHUNK; at += 1) {
      unit.changes.mark()
      try {
        const raw = unit.view.get(now.space, keys[at]!)
        if (raw && matches(raw)) counted.push(work(unit, now, { key: keys[at]!, raw }))
      } catch (error) {
        unit.changes.rollback()
        if (error instanceof Blocked && at > next) break
        if (!(error instanceof CommandError)) throw error
        return { at, error, counted }
      }
    }
    return { at, error: undefined, counted }
  }
  while (next < keys.length) {
    context.check()
    const done = await store.write(chunk, context)
    for (const count of done.counted) count()
    if (done.error) throw done.error
    next = done.at
  }
}

const updateMany = async (context: Context, ns: string, statement: UpdateStatement): Promise<StatementOutcome> => {
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
  return context.store.write(
    (unit) => ({ n: 1, modified: 0, upserted: upsert(unit, context.store.ensure(unit, ns), statement).id }),
    context,
  )
}

const collectionIn = (context: Context, unit: Unit, ns: string): Collection | undefined =>
  unit.transaction ? context.store.reading(unit.transaction).collection(ns) : context.store.catalog.get(ns)

const targetsOf = (unit: Unit, collection: Collection | undefined, selection: Selection, multi: boolean): Target[] => {
  if (!collection) return []
  if (!multi) {
    const first = selectFirst(unit, collection, selection)
    return first ? [first] : []
  }
  const query = { filter: selection.filter, sort: [], hint: selection.hint }
  return allMatches(collection, sourceOf(unit), query)
}

const runUpdate = (
  context: Context,
  unit: Unit,
  ns: string,
  statement: UpdateStatement,
  multi: boolean,
): StatementOutcome => {
  const collection = collectionIn(context, unit, ns)
  const targets = targetsOf(unit, collection, statement, multi)
  if (targets.length === 0) {
    if (!statement.upsert) return { n: 0, modified: 0 }
    return { n: 1, modified: 0, upserted: upsert(unit, context.store.ensure(unit, ns), statement).id }
  }
  let modified = 0
  for (const target of targets) if (updateTarget(unit, collection!, statement, target)) modified += 1
  return { n: targets.length, modified }
}

/** Fields of a statement that are decoded: all but the update itself, which stays raw. */
const DECODED: ReadonlySet<string> = new Set([...UPDATE_STATEMENT.options.keys()].filter((name) => name !== 'u'))

interface ParsedUpdate {
  readonly statement: UpdateStatement
  readonly multi: boolean
}

/** Refuses what a statement does not have. */
const checkNames = (raw: Buffer, table: Table, command: string): void =>
  eachField(raw, (_type, from, to) => {
    const name = raw.toString('utf8', from, to)
    if (!table.options.has(name)) throw new CommandError(40415, `BSON field '${command}.${name}' is an unknown field.`)
    return false
  })

const parseUpdate = (raw: Buffer, variables: Variables): ParsedUpdate => {
  checkNames(raw, UPDATE_STATEMENT, 'update.updates')
  const doc = decode(raw, DECODED)
  checkOptions('update.updates', UPDATE_STATEMENT, doc)
  const multi = boolField(doc, 'multi')
  const change = updateOf(raw, 'u')
  const selection = parseSelection(doc.get('q') as Doc, { hint: doc.get('hint'), variables })
  const arrayFilters = docsField(doc, 'arrayFilters')
  const statement = parseUpdateStatement(
    selection,
    { update: change, arrayFilters },
    { upsert: boolField(doc, 'upsert') },
  )
  if (multi && statement.update.replacement)
    throw failedToParse('multi update is not supported for replacement-style update')
  return { statement, multi }
}

/** Parses a statement when it is asked for, and keeps it until another one is. */
const lazily = <T>(raws: readonly Buffer[], parse: (raw: Buffer) => T): ((index: number) => T) => {
  let last: { readonly index: number; readonly parsed: T } | undefined
  return (index) => {
    if (last?.index !== index) last = { index, parsed: parse(raws[index]!) }
    return last.parsed
  }
}

const UNCHANGED: StatementOutcome = { n: 1, modified: 0 }
const CHANGED: StatementOutcome = { n: 1, modified: 1 }
const NOTHING: StatementOutcome = { n: 0, modified: 0 }

const runReplacement = (context: Context, unit: Unit, ns: string, replacement: Replacement): StatementOutcome => {
  const collection = replacement.upsert ? context.store.ensure(unit, ns) : collectionIn(context, unit, ns)
  const done = collection ? replaceOrInsert(unit, collection, replacement) : 'nothing'
  if (done === 'inserted') return { n: 1, modified: 0, upserted: replacement.id }
  return done === 'changed' ? CHANGED : done === 'same' ? UNCHANGED : NOTHING
}

export const update = async (context: Context): Promise<Reply> => {
  const variables = variablesOf(context.body)
  const ns = namespace(context)
  refuseSystem(ns)
  const raws = context.documents('updates')
  const parse = lazily(raws, (raw): ParsedUpdate | Replacement => parseReplacement(raw) ?? parseUpdate(raw, variables))
  const batch: Batch = {
    count: raws.length,
    size: (index) => raws[index]!.length,
    run: (unit, index) => {
      const parsed = parse(index)
      return 'statement' in parsed
        ? runUpdate(context, unit, ns, parsed.statement, parsed.multi)
        : runReplacement(context, unit, ns, parsed)
    },
    many: (index) => {
      const parsed = parse(index)
      if (!('statement' in parsed) || !parsed.multi) return undefined
      return () => updateMany(context, ns, parsed.statement)
    },
  }
  const result = await runBatch(context, batch)
  const upserted = result.outcomes.flatMap((o, index) =>
    o?.upserted === undefined ? [] : [{ index, _id: o.upserted }],
  )
  return {
    n: total(result, 'n'),
    nModified: total(result, 'modified'),
    ...(upserted.length > 0 && { upserted }),
    ...writeErrors(result.errors),
  }
}

interface ParsedDelete {
  readonly selection: Selection
  readonly multi: boolean
}

const parseDelete = (raw: Buffer, variables: Variables): ParsedDelete => {
  const doc = decode(raw)
  checkOptions('delete.deletes', DELETE_STATEMENT, doc)
  const selection = parseSelection(doc.get('q') as Doc, { hint: doc.get('hint'), variables })
  return { selection, multi: numberField(doc, 'limit') === 0 }
}

export const remove = async (context: Context): Promise<Reply> => {
  const variables = variablesOf(context.body)
  const ns = namespace(context)
  refuseSystem(ns)
  const raws = context.documents('deletes')
  const parse = lazily(raws, (raw) => parseDelete(raw, variables))
  const result = await runBatch(context, {
    count: raws.length,
    size: (index) => raws[index]!.length,
    run: (unit, index) => {
      const { selection, multi } = parse(index)
      const collection = collectionIn(context, unit, ns)
      const targets = targetsOf(unit, collection, selection, multi)
      for (const target of targets) removeTarget(unit, collection!, target)
      return { n: targets.length }
    },
    many: (index) => {
      const { selection, multi } = parse(index)
      if (!multi) return undefined
      return async () => {
        let n = 0
        await eachMatch(context, ns, selection, (unit, collection, target) => {
          removeTarget(unit, collection, target)
          return () => {
            n += 1
          }
        })
        return { n }
      }
    },
  })
  return { n: total(result, 'n'), ...writeErrors(result.errors) }
}
