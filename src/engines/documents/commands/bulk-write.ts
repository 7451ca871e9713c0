// bulkWrite: writes to several collections in one command.
import { decode } from '../bson.ts'
import type { Encodable } from '../bson-encode.ts'
import { CommandError } from '../errors.ts'
import type { StatementOutcome } from '../sessions.ts'
import { Double } from '../values.ts'
import { createPlace, type Place, removeMany, runDelete, runInsert, runUpdate, updateMany } from './apply.ts'
import { type BatchOutcome, checkCount, MAX_STATEMENTS, runBatch, type WriteError } from './batch.ts'
import { documentOf, type Operation, parseOperation, readOperation } from './bulk-operations.ts'
import { refuseSystem } from './collections.ts'
import { boolField, type Context, type Reply, wholeNamespace } from './context.ts'
import { listReply } from './cursor-reply.ts'
import { BULK_NAMESPACE } from './options.ts'
import { lazily } from './parse.ts'
import { checkOptions } from './schema.ts'
import { variablesOf } from './variables.ts'

const placeOf = (context: Context, raw: Buffer): Place => {
  const doc = decode(raw)
  checkOptions('bulkWrite.nsInfo', BULK_NAMESPACE, doc)
  const ns = wholeNamespace(doc.get('ns'))
  refuseSystem(ns)
  return createPlace(context, ns)
}

/** Refuses more namespaces than a command's operations could be about: all are read before anything is done. */
const checkNamespaces = (count: number): void => {
  if (count > MAX_STATEMENTS)
    throw new CommandError(16, `bulkWrite may name at most ${MAX_STATEMENTS} namespaces. Got ${count}.`)
}

/** How the answer counts what an operation did. */
const countsOf = (operations: readonly Operation[], { outcomes, errors }: BatchOutcome): Reply => {
  const counts = { nErrors: errors.length, nInserted: 0, nMatched: 0, nModified: 0, nUpserted: 0, nDeleted: 0 }
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome === undefined) continue
    const { kind } = operations[index]!
    if (kind === 'insert') counts.nInserted += outcome.n
    else if (kind === 'delete') counts.nDeleted += outcome.n
    else if (outcome.upserted === undefined) counts.nMatched += outcome.n
    else counts.nUpserted += outcome.n
    counts.nModified += outcome.modified ?? 0
  }
  return counts
}

const failed = ({ kind }: Operation, { index, code, message, details }: WriteError): Reply => ({
  ok: new Double(0),
  idx: index,
  code,
  errmsg: message,
  ...(details as Record<string, Encodable>),
  n: 0,
  ...(kind === 'update' && { nModified: 0 }),
})

const made = (index: number, { n, modified, upserted }: StatementOutcome): Reply => ({
  ok: new Double(1),
  idx: index,
  n,
  nModified: modified,
  ...(upserted !== undefined && { upserted: { _id: upserted } }),
})

/** What is told of each operation: of all that were run, or only of those that failed. */
const itemsOf = (
  operations: readonly Operation[],
  { outcomes, errors }: BatchOutcome,
  errorsOnly: boolean,
): readonly Reply[] => {
  const failures = new Map(errors.map((error) => [error.index, failed(operations[error.index]!, error)]))
  if (errorsOnly) return [...failures.values()]
  return operations.flatMap((_, index): readonly Reply[] => {
    const outcome = outcomes[index]
    const item = failures.get(index) ?? (outcome && made(index, outcome))
    return item ? [item] : []
  })
}

export const bulkWrite = async (context: Context): Promise<Reply> => {
  const { database, body } = context
  if (database !== 'admin') throw new CommandError(13, 'bulkWrite may only be run against the admin database.')
  const variables = variablesOf(body)
  const raws = context.documents('ops')
  checkCount(raws.length)
  const namespaces = context.documents('nsInfo')
  checkNamespaces(namespaces.length)
  const places = namespaces.map((raw) => placeOf(context, raw))
  const operations = raws.map((raw, index) => readOperation(raw, index, places.length))
  const parse = lazily(operations, (operation) => parseOperation(operation, variables))
  const result = await runBatch(context, {
    count: operations.length,
    size: (index) => raws[index]!.length,
    run: (unit, index) => {
      const operation = operations[index]!
      const place = places[operation.place]!
      if (operation.kind === 'insert') return runInsert(place, unit, documentOf(operation))
      const parsed = parse(index)
      return 'selection' in parsed ? runDelete(place, unit, parsed) : runUpdate(place, unit, parsed)
    },
    many: (index) => {
      const operation = operations[index]!
      if (!operation.multi) return undefined
      const place = places[operation.place]!
      const parsed = parse(index)
      if ('selection' in parsed) return () => removeMany(place, parsed.selection)
      return 'statement' in parsed ? () => updateMany(place, parsed.statement) : undefined
    },
  })
  const items = itemsOf(operations, result, boolField(body, 'errorsOnly'))
  return { ...(await listReply(context, 'admin.$cmd.bulkWrite', items)), ...countsOf(operations, result) }
}
