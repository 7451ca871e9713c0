// insert, update and delete.
import { decode } from '../bson.ts'
import { parseReplacement, parseSelection, type Replacement, updateOf } from '../statements.ts'
import type { Doc } from '../values.ts'
import { createPlace, type Place, removeMany, runDelete, runInsert, runUpdate, updateMany } from './apply.ts'
import { type BatchOutcome, runBatch, writeErrors } from './batch.ts'
import { refuseSystem } from './collections.ts'
import { boolField, type Context, docsField, namespace, numberField, type Reply } from './context.ts'
import { DELETE_STATEMENT, UPDATE_STATEMENT } from './options.ts'
import { checkNames, lazily, type ParsedDelete, type ParsedUpdate, parseChange } from './parse.ts'
import { checkOptions } from './schema.ts'
import { type Variables, variablesOf } from './variables.ts'

const total = ({ outcomes }: BatchOutcome, field: 'n' | 'modified'): number => {
  let sum = 0
  for (const outcome of outcomes) sum += outcome?.[field] ?? 0
  return sum
}

/** Where the command writes to. */
const placeOf = (context: Context): Place => {
  const ns = namespace(context)
  refuseSystem(ns)
  return createPlace(context, ns)
}

export const insert = async (context: Context): Promise<Reply> => {
  const place = placeOf(context)
  const documents = context.documents('documents')
  const result = await runBatch(context, {
    count: documents.length,
    size: (index) => documents[index]!.length,
    run: (unit, index) => runInsert(place, unit, documents[index]!),
  })
  return { n: total(result, 'n'), ...writeErrors(result.errors) }
}

/** Fields of a statement that are decoded: all but the update itself, which stays raw. */
const DECODED: ReadonlySet<string> = new Set([...UPDATE_STATEMENT.options.keys()].filter((name) => name !== 'u'))

const parseUpdate = (raw: Buffer, variables: Variables): ParsedUpdate => {
  checkNames('update.updates', UPDATE_STATEMENT, raw)
  const doc = decode(raw, DECODED)
  checkOptions('update.updates', UPDATE_STATEMENT, doc)
  const options = {
    multi: boolField(doc, 'multi'),
    upsert: boolField(doc, 'upsert'),
    hint: doc.get('hint'),
    arrayFilters: docsField(doc, 'arrayFilters'),
  }
  return parseChange(doc.get('q') as Doc, updateOf(raw, 'u', 'update.updates'), options, variables)
}

export const update = async (context: Context): Promise<Reply> => {
  const variables = variablesOf(context.body)
  const place = placeOf(context)
  const raws = context.documents('updates')
  const parse = lazily(raws, (raw): ParsedUpdate | Replacement => parseReplacement(raw) ?? parseUpdate(raw, variables))
  const result = await runBatch(context, {
    count: raws.length,
    size: (index) => raws[index]!.length,
    run: (unit, index) => runUpdate(place, unit, parse(index)),
    many: (index) => {
      const parsed = parse(index)
      return 'statement' in parsed && parsed.multi ? () => updateMany(place, parsed.statement) : undefined
    },
  })
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

const parseDelete = (raw: Buffer, variables: Variables): ParsedDelete => {
  const doc = decode(raw)
  checkOptions('delete.deletes', DELETE_STATEMENT, doc)
  const selection = parseSelection(doc.get('q') as Doc, { hint: doc.get('hint'), variables })
  return { selection, multi: numberField(doc, 'limit') === 0 }
}

export const remove = async (context: Context): Promise<Reply> => {
  const variables = variablesOf(context.body)
  const place = placeOf(context)
  const raws = context.documents('deletes')
  const parse = lazily(raws, (raw) => parseDelete(raw, variables))
  const result = await runBatch(context, {
    count: raws.length,
    size: (index) => raws[index]!.length,
    run: (unit, index) => runDelete(place, unit, parse(index)),
    many: (index) => {
      const { selection, multi } = parse(index)
      return multi ? () => removeMany(place, selection) : undefined
    },
  })
  return { n: total(result, 'n'), ...writeErrors(result.errors) }
}
