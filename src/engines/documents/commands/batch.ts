// The statements of one write command, run inside its transaction or by themselves in group commits.
import type { Encodable } from '../bson-encode.ts'
import { CommandError, type ErrorDetails } from '../errors.ts'
import type { StatementOutcome } from '../sessions.ts'
import { Blocked, type Unit } from '../transactions.ts'
import { isArray } from '../values.ts'
import { boolField, type Context, numberField, type Reply } from './context.ts'

/** Most statements of one command; what `hello` announces. */
export const MAX_STATEMENTS = 100_000
/** One commit takes statements for at most this long, and at most so many bytes, so that others are not kept waiting. */
const CHUNK_MS = 20
const CHUNK_BYTES = 8 * 1024 * 1024
const CHECK_EVERY = 32

/** The statements of a command. They are parsed when their turn comes. */
export interface Batch {
  readonly count: number
  /** Bytes of a statement. */
  size(index: number): number
  /** Runs a statement inside a commit or a transaction. What it throws has changed nothing by this statement. */
  run(unit: Unit, index: number): StatementOutcome
  /** How to run a statement that touches many documents, each in its own right; `undefined` for the others. */
  many?(index: number): (() => Promise<StatementOutcome>) | undefined
}

/** What is told of a failed statement. */
export interface WriteError {
  readonly index: number
  readonly code: number
  readonly message: string
  readonly details: ErrorDetails
}

/** Bytes of messages that one command tells about its statements; those after that are told by their code only. */
const MAX_TOLD = 1024 * 1024

export interface BatchOutcome {
  /** By the index of the statement; none for those that failed or were not reached. */
  readonly outcomes: readonly (StatementOutcome | undefined)[]
  readonly errors: readonly WriteError[]
}

/** Errors that concern the whole command, not one statement. */
const ENDS_COMMAND = new Set([8, 50, 112, 246, 251, 257, 11600, 11601, 14031])

/** The errors of a command's statements; an error that concerns the whole command is thrown on. */
const createErrors = () => {
  const told: WriteError[] = []
  let bytes = 0
  return {
    told,
    add: (index: number, error: unknown): void => {
      if (!(error instanceof CommandError) || ENDS_COMMAND.has(error.code)) throw error
      const { code, message, details } = error
      const size = message.length * 3
      const fits = bytes + size <= MAX_TOLD
      if (fits) bytes += size
      told.push({ index, code, message: fits ? message : '', details: fits ? details : {} })
    },
  }
}

const inTransaction = (context: Context, batch: Batch): BatchOutcome => {
  const unit = context.store.transactions.unitOf(context.transaction!)
  const outcomes: StatementOutcome[] = []
  for (let index = 0; index < batch.count; index += 1) {
    try {
      outcomes.push(batch.run(unit, index))
    } catch (error) {
      const errors = createErrors()
      errors.add(index, error)
      return { outcomes, errors: errors.told }
    }
  }
  return { outcomes, errors: [] }
}

/** Statements of a retryable write keep the number the client gave them. */
const statementIds = (context: Context, count: number): readonly number[] => {
  const given = context.body.get('stmtIds')
  const first = numberField(context.body, 'stmtId') ?? 0
  if (isArray(given) && given.length !== count)
    throw new CommandError(
      16,
      `Number of statement ids must match the number of batch entries. Got ${given.length} statement ids but ${count} operations.`,
    )
  const ids: number[] = []
  for (let i = 0; i < count; i += 1) ids.push(isArray(given) ? Number(given[i]) : first + i)
  return ids
}

const outside = async (context: Context, batch: Batch, ordered: boolean): Promise<BatchOutcome> => {
  const { store, sessions, session, retry } = context
  const retried = session !== undefined && retry !== undefined ? { session, number: retry } : undefined
  const remembered = retried ? sessions.retryable(retried.session, retried.number) : undefined
  const known = (id: number): StatementOutcome | undefined => remembered?.outcome(id)
  const ids = statementIds(context, batch.count)
  const outcomes: (StatementOutcome | undefined)[] = []
  const errors = createErrors()
  let next = 0
  // What is made now is remembered beside what was made before, for a client that asks once more.
  let part = remembered?.parts ?? 0

  /** A statement that cannot be parsed fails when it is run. */
  const goesAlone = (index: number): boolean => {
    try {
      return batch.many?.(index) !== undefined
    } catch {
      return false
    }
  }

  /** Runs statements from `next` on in one commit, up to the first that must wait or be run in its own way. */
  const chunk = (unit: Unit) => {
    const made: StatementOutcome[] = []
    const madeIds: number[] = []
    const indexes: number[] = []
    const failed: (readonly [number, unknown])[] = []
    let at = next
    let bytes = 0
    const until = performance.now() + CHUNK_MS
    // Only an open transaction can make a statement wait, and so be taken back.
    const mayWait = store.transactions.anyOpen()
    for (; at < batch.count && bytes < CHUNK_BYTES; at += 1) {
      if (at > next && (known(ids[at]!) || goesAlone(at))) break
      if ((at - next) % CHECK_EVERY === CHECK_EVERY - 1 && performance.now() > until) break
      if (mayWait) unit.changes.mark()
      try {
        if (retried) context.meetFault()
        bytes += batch.size(at)
        made.push(batch.run(unit, at))
        madeIds.push(ids[at]!)
        indexes.push(at)
      } catch (error) {
        if (error instanceof Blocked) {
          if (at === next) throw error
          unit.changes.rollback()
          break
        }
        if (!(error instanceof CommandError) || ENDS_COMMAND.has(error.code)) throw error
        failed.push([at, error])
        if (!ordered) continue
        at += 1
        break
      }
    }
    if (retried && made.length > 0) sessions.record(retried.session, unit, part, madeIds, made)
    return { made, indexes, failed, at }
  }

  while (next < batch.count && !(ordered && errors.told.length > 0)) {
    context.check()
    const before = known(ids[next]!)
    if (before) {
      outcomes[next] = before
      next += 1
      continue
    }
    try {
      const many = batch.many?.(next)
      if (many) {
        if (retried) throw new CommandError(72, 'Cannot use (or request) retryable writes with multi=true')
        outcomes[next] = await many()
        next += 1
        continue
      }
    } catch (error) {
      errors.add(next, error)
      next += 1
      continue
    }
    const done = await store.write(chunk, context)
    for (let i = 0; i < done.made.length; i += 1) outcomes[done.indexes[i]!] = done.made[i]
    for (const [index, error] of done.failed) errors.add(index, error)
    next = done.at
    part += 1
  }
  return { outcomes, errors: errors.told }
}

/** Refuses a command without statements, or with more than one may have. */
export const checkCount = (count: number): void => {
  if (count === 0 || count > MAX_STATEMENTS)
    throw new CommandError(16, `Write batch sizes must be between 1 and ${MAX_STATEMENTS}. Got ${count} operations.`)
}

/** Runs the statements in order; with `ordered: false` in the command, on after one that failed. */
export const runBatch = async (context: Context, batch: Batch): Promise<BatchOutcome> => {
  checkCount(batch.count)
  if (!context.transaction) return outside(context, batch, boolField(context.body, 'ordered', true))
  const result = inTransaction(context, batch)
  if (result.errors.length > 0) context.sessions.fail(context.session!)
  return result
}

/** The fields of an answer that tell of failed statements. */
export const writeErrors = (errors: readonly WriteError[]): Reply =>
  errors.length === 0
    ? {}
    : {
        writeErrors: errors.map(({ index, code, details, message }) => ({
          index,
          code,
          ...(details as Record<string, Encodable>),
          errmsg: message,
        })),
      }
