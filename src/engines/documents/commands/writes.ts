// insert, update, delete and findAndModify: statements run inside a transaction, or by themselves in group commits.
import { type Doc, decode, type Encodable, isArray, isDoc, type Maybe } from '../bson.ts'
import type { Collection } from '../catalog.ts'
import { insertDocument, prepare } from '../documents.ts'
import { CommandError, failedToParse, typeMismatch } from '../errors.ts'
import type { Key } from '../keys.ts'
import { breathe, createScan } from '../scan.ts'
import { allMatches, hintName, planQuery, refuseCollation } from '../select.ts'
import type { StatementOutcome } from '../sessions.ts'
import {
  parseSelection,
  parseUpdateStatement,
  removeTarget,
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
import {
  boolField,
  type Context,
  docField,
  docsField,
  namespace,
  numberField,
  onlyFields,
  type Reply,
} from './context.ts'

/** Most statements of one command; what `hello` announces. */
export const MAX_STATEMENTS = 100_000
/** One commit takes at most this many statements, so that others are not kept waiting. */
const CHUNK = 1000
const CHUNK_BYTES = 8 * 1024 * 1024

export interface Statement {
  /** Runs inside a commit or a transaction's unit. */
  readonly run: (unit: Unit) => StatementOutcome
  /** Runs as several commits, for statements that touch many documents outside a transaction. */
  readonly runMany?: () => Promise<StatementOutcome>
  readonly size: number
}

interface WriteError {
  readonly index: number
  readonly error: CommandError
}

interface Outcome {
  readonly outcomes: readonly (readonly [number, StatementOutcome])[]
  readonly errors: readonly WriteError[]
}

const asCommandError = (error: unknown): CommandError => {
  if (error instanceof CommandError) return error
  throw error
}

/** Errors that concern the whole command, not one statement. */
const ENDS_COMMAND = new Set([8, 50, 112, 246, 251, 257, 11600, 14031])

const inTransaction = (context: Context, statements: readonly (() => Statement)[]): Outcome => {
  const unit = context.store.transactions.unitOf(context.transaction!)
  const outcomes: [number, StatementOutcome][] = []
  for (const [index, make] of statements.entries()) {
    try {
      outcomes.push([index, make().run(unit)])
    } catch (error) {
      const told = asCommandError(error)
      if (ENDS_COMMAND.has(told.code)) throw told
      return { outcomes, errors: [{ index, error: told }] }
    }
  }
  return { outcomes, errors: [] }
}

/** Statements of a retryable write keep the number the client gave them. */
const statementIds = (context: Context, count: number): readonly number[] => {
  const given = context.body.get('stmtIds')
  const first = numberField(context.body, 'stmtId') ?? 0
  return Array.from({ length: count }, (_, i) => (isArray(given) ? Number(given[i]) : first + i))
}

const outside = async (context: Context, makers: readonly (() => Statement)[], ordered: boolean): Promise<Outcome> => {
  const { store, sessions, session, retry } = context
  const known = session && retry !== undefined ? sessions.retryable(session, retry) : () => undefined
  const ids = statementIds(context, makers.length)
  const outcomes: (readonly [number, StatementOutcome])[] = []
  const errors: WriteError[] = []
  let next = 0
  while (next < makers.length && !(ordered && errors.length > 0)) {
    context.check()
    const before = known(ids[next]!)
    if (before) {
      outcomes.push([next, before])
      next += 1
      continue
    }
    let many: Statement | undefined
    try {
      const made = makers[next]!()
      many = made.runMany && made
    } catch (error) {
      errors.push({ index: next, error: asCommandError(error) })
      next += 1
      continue
    }
    if (many) {
      try {
        outcomes.push([next, await many.runMany!()])
      } catch (error) {
        errors.push({ index: next, error: asCommandError(error) })
      }
      next += 1
      continue
    }
    const chunk = await store.write((unit) => {
      const made: [number, StatementOutcome][] = []
      const failed: WriteError[] = []
      let at = next
      let bytes = 0
      while (at < makers.length && at - next < CHUNK && bytes < CHUNK_BYTES && known(ids[at]!) === undefined) {
        const mark = unit.changes.mark()
        try {
          const statement = makers[at]!()
          if (statement.runMany) break
          bytes += statement.size
          made.push([at, statement.run(unit)])
        } catch (error) {
          if (error instanceof Blocked) {
            if (at === next) throw error
            unit.changes.rollback(mark)
            break
          }
          failed.push({ index: at, error: asCommandError(error) })
          if (ordered) {
            at += 1
            break
          }
        }
        at += 1
      }
      const confirm =
        session && retry !== undefined && made.length > 0
          ? sessions.record(
              session,
              unit,
              made.map(([index, outcome]) => [ids[index]!, outcome]),
            )
          : undefined
      return { made, failed, at, confirm }
    }, context.patience)
    chunk.confirm?.()
    outcomes.push(...chunk.made)
    errors.push(...chunk.failed)
    next = chunk.at
  }
  return { outcomes, errors }
}

const run = async (context: Context, makers: readonly (() => Statement)[]): Promise<Outcome> => {
  if (makers.length === 0 || makers.length > MAX_STATEMENTS)
    throw new CommandError(
      16,
      `Write batch sizes must be between 1 and ${MAX_STATEMENTS}. Got ${makers.length} operations.`,
    )
  const ordered = boolField(context.body, 'ordered', true)
  const result = context.transaction ? inTransaction(context, makers) : await outside(context, makers, ordered)
  if (context.transaction && result.errors.length > 0) context.sessions.fail(context.session!)
  for (const { error } of result.errors) if (ENDS_COMMAND.has(error.code)) throw error
  return result
}

/** A statement is parsed when its turn comes, and once only. */
const once = (make: () => Statement): (() => Statement) => {
  let made: Statement | undefined
  return () => {
    made ??= make()
    return made
  }
}

const writeErrors = (errors: readonly WriteError[]): Reply =>
  errors.length === 0
    ? {}
    : {
        writeErrors: errors.map(({ index, error }) => ({
          index,
          code: error.code,
          ...(error.details as Record<string, Encodable>),
          errmsg: error.message,
        })),
      }

const total = (result: Outcome, of: (outcome: StatementOutcome) => number): number =>
  result.outcomes.reduce((sum, [, outcome]) => sum + of(outcome), 0)

export const insert = async (context: Context): Promise<Reply> => {
  onlyFields(context, ['documents', 'ordered', 'bypassDocumentValidation'])
  const ns = namespace(context)
  const makers = context.documents('documents').map((raw) =>
    once(() => {
      const stored = prepare(raw)
      return {
        size: raw.length,
        run: (unit) => {
          insertDocument(unit, context.store.ensure(unit, ns), stored)
          return { n: 1 }
        },
      }
    }),
  )
  const result = await run(context, makers)
  return { n: total(result, (o) => o.n), ...writeErrors(result.errors) }
}

/** Collects the keys of all matches in slices, then works through them in commits of their own, looking at each again. */
const eachMatch = async (
  context: Context,
  ns: string,
  selection: Selection,
  work: (unit: Unit, collection: Collection, target: Target) => void,
): Promise<void> => {
  const { store } = context
  const collection = store.catalog.get(ns)
  if (!collection) return
  const source = { view: store.storage, asOf: Number.POSITIVE_INFINITY }
  const query = { filter: selection.filter, sort: [], hint: hintName(collection, selection.hint) }
  const scan = createScan(collection, planQuery(collection, source, query), selection.filter)
  const keys: Key[] = []
  while (!scan.done) {
    for (const { key } of scan.take(store.storage, CHUNK)) keys.push(key)
    context.check()
    if (!scan.done) await breathe()
  }
  const matches = stillMatches(selection)
  let next = 0
  while (next < keys.length) {
    context.check()
    const result = await store.write((unit) => {
      const now = store.catalog.get(ns)
      if (now?.space !== collection.space) return { at: keys.length, error: undefined }
      let at = next
      for (; at < keys.length && at - next < CHUNK; at += 1) {
        const mark = unit.changes.mark()
        try {
          const raw = unit.view.get(now.space, keys[at]!)
          if (raw && matches(raw)) work(unit, now, { key: keys[at]!, raw })
        } catch (error) {
          unit.changes.rollback(mark)
          if (error instanceof Blocked && at > next) break
          if (!(error instanceof CommandError)) throw error
          return { at, error }
        }
      }
      return { at, error: undefined }
    }, context.patience)
    if (result.error) throw result.error
    next = result.at
  }
}

const updateMany = async (context: Context, ns: string, statement: UpdateStatement): Promise<StatementOutcome> => {
  let n = 0
  let modified = 0
  await eachMatch(context, ns, statement, (unit, collection, target) => {
    const changed = updateTarget(unit, collection, statement, target)
    n += 1
    if (changed) modified += 1
  })
  if (n > 0 || !statement.upsert) return { n, modified }
  return context.store.write(
    (unit) => ({ n: 1, modified: 0, upserted: upsert(unit, context.store.ensure(unit, ns), statement).id }),
    context.patience,
  )
}

const collectionIn = (context: Context, unit: Unit, ns: string): Collection | undefined =>
  unit.transaction ? context.store.reading(unit.transaction).collection(ns) : context.store.catalog.get(ns)

const runUpdate =
  (context: Context, ns: string, statement: UpdateStatement, multi: boolean) =>
  (unit: Unit): StatementOutcome => {
    const collection = collectionIn(context, unit, ns)
    const targets = !collection
      ? []
      : multi
        ? allMatches(collection, sourceOf(unit), {
            filter: statement.filter,
            sort: [],
            hint: hintName(collection, statement.hint),
          })
        : [selectFirst(unit, collection, statement)].filter((t) => t !== undefined)
    if (targets.length === 0) {
      if (!statement.upsert) return { n: 0, modified: 0 }
      return { n: 1, modified: 0, upserted: upsert(unit, context.store.ensure(unit, ns), statement).id }
    }
    let modified = 0
    for (const target of targets) if (updateTarget(unit, collection!, statement, target)) modified += 1
    return { n: targets.length, modified }
  }

const filterOf = (value: Maybe): Doc => {
  if (!isDoc(value)) throw typeMismatch("BSON field 'q' is missing or no object")
  return value
}

const UPDATE_FIELDS = new Set(['q', 'u', 'upsert', 'multi', 'arrayFilters', 'collation', 'hint', 'sort'])

export const update = async (context: Context): Promise<Reply> => {
  onlyFields(context, ['updates', 'ordered', 'bypassDocumentValidation', 'let'])
  const ns = namespace(context)
  const makers = context.documents('updates').map((raw) =>
    once((): Statement => {
      const doc = decode(raw, SPEC_FIELDS)
      refuseCollation(doc.get('collation'))
      const multi = boolField(doc, 'multi')
      const change = updateOf(raw, 'u')
      const selection = parseSelection(filterOf(doc.get('q')), docField(doc, 'sort'), doc.get('hint'))
      const arrayFilters = docsField(doc, 'arrayFilters')
      const statement = parseUpdateStatement(selection, { update: change, arrayFilters }, boolField(doc, 'upsert'))
      if (multi && statement.update.replacement)
        throw failedToParse('multi update is not supported for replacement-style update')
      return {
        size: raw.length,
        run: runUpdate(context, ns, statement, multi),
        ...(multi && !context.transaction && { runMany: () => updateMany(context, ns, statement) }),
      }
    }),
  )
  const result = await run(context, makers)
  const upserted = result.outcomes.flatMap(([index, o]) =>
    o.upserted === undefined ? [] : [{ index, _id: o.upserted }],
  )
  return {
    n: total(result, (o) => o.n),
    nModified: total(result, (o) => o.modified ?? 0),
    ...(upserted.length > 0 && { upserted }),
    ...writeErrors(result.errors),
  }
}

/** Everything of an update statement except the update itself, which stays raw. */
const SPEC_FIELDS: ReadonlySet<string> = new Set([...UPDATE_FIELDS].filter((name) => name !== 'u'))

const runDelete =
  (context: Context, ns: string, selection: Selection, limit: boolean) =>
  (unit: Unit): StatementOutcome => {
    const collection = collectionIn(context, unit, ns)
    if (!collection) return { n: 0 }
    const targets = limit
      ? [selectFirst(unit, collection, selection)].filter((t) => t !== undefined)
      : allMatches(collection, sourceOf(unit), {
          filter: selection.filter,
          sort: [],
          hint: hintName(collection, selection.hint),
        })
    for (const target of targets) removeTarget(unit, collection, target)
    return { n: targets.length }
  }

export const remove = async (context: Context): Promise<Reply> => {
  onlyFields(context, ['deletes', 'ordered', 'let'])
  const ns = namespace(context)
  const makers = context.documents('deletes').map((raw) =>
    once((): Statement => {
      const doc = decode(raw)
      refuseCollation(doc.get('collation'))
      const limit = numberField(doc, 'limit')
      if (limit !== 0 && limit !== 1) throw failedToParse('The limit field in delete objects must be 0 or 1')
      const selection = parseSelection(filterOf(doc.get('q')), undefined, doc.get('hint'))
      const many = async (): Promise<StatementOutcome> => {
        let n = 0
        await eachMatch(context, ns, selection, (unit, collection, target) => {
          removeTarget(unit, collection, target)
          n += 1
        })
        return { n }
      }
      return {
        size: raw.length,
        run: runDelete(context, ns, selection, limit === 1),
        ...(limit === 0 && !context.transaction && { runMany: many }),
      }
    }),
  )
  const result = await run(context, makers)
  return { n: total(result, (o) => o.n), ...writeErrors(result.errors) }
}
