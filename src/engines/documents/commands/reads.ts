// find, getMore, killCursors, count, distinct and aggregate.
import { compareValues } from '../compare.ts'
import { type Answer, createBatches, type Demand } from '../cursors.ts'
import { badValue, CommandError, failedToParse, typeMismatch } from '../errors.ts'
import { findAnswer, findRequest, matchingDocs } from '../find.ts'
import { keyOf } from '../keys.ts'
import { parsePath, valuesAt } from '../paths.ts'
import { once, type PipelineReader, parsePipeline, parseStages, pipelineSource, runPipeline } from '../pipeline.ts'
import { refuseCollation } from '../select.ts'
import { type Doc, isArray, isDoc, type Value } from '../values.ts'
import { boolField, type Context, docField, namespace, numberField, onlyFields, type Reply } from './context.ts'
import { explainAggregate } from './explain.ts'
import { sourceOf } from './sources.ts'
import { variablesOf } from './variables.ts'

const FIND_FIELDS =
  `filter sort projection hint skip limit batchSize singleBatch max min returnKey showRecordId tailable
  oplogReplay noCursorTimeout awaitData allowPartialResults collation allowDiskUse let ntoreturn`.split(/\s+/)

/** Documents of a first batch when the client does not say. */
const FIRST_BATCH = 101

/** Reads for whichever command asks at the moment: a cursor outlives the command, and the connection, that made it. */
const createReader = (first: Context): PipelineReader & { use(context: Context): void } => {
  let current = first
  return {
    database: first.database,
    reading: () => current.reading(),
    check: () => current.check(),
    use: (context) => {
      current = context
    },
  }
}
type CursorReader = ReturnType<typeof createReader>

const idOf = (context: Context): string | undefined => context.session?.key

/** Answers with a first batch, and keeps the rest as a cursor. */
const cursorReply = async (
  context: Context,
  reader: CursorReader,
  ns: string,
  answer: Answer,
  demand: Demand,
  first: number,
  single: boolean,
): Promise<Reply> => {
  const batches = createBatches(answer, demand)
  try {
    const { documents, done } = first === 0 ? { documents: [], done: false } : await batches.next(first)
    const keep = boolField(context.body, 'noCursorTimeout')
    const open = !done && !single
    if (!open) await batches.close()
    const cursor = open
      ? context.cursors.add(
          { ns, session: idOf(context), transaction: context.transaction?.number, use: reader.use, ...batches },
          keep,
        )
      : undefined
    return { cursor: { firstBatch: documents, id: cursor?.id ?? 0n, ns } }
  } catch (error) {
    await batches.close()
    throw error
  }
}

export const find = async (context: Context): Promise<Reply> => {
  onlyFields(context, FIND_FIELDS, 9)
  const ns = namespace(context)
  const { body } = context
  const request = findRequest(body, variablesOf(body))
  const limit = numberField(body, 'limit') ?? 0
  const batchSize = numberField(body, 'batchSize')
  if (batchSize !== undefined && batchSize < 0) throw new CommandError(51024, 'BatchSize value must be non-negative')
  const single = boolField(body, 'singleBatch') || limit < 0
  const demand: Demand = { wanted: FIRST_BATCH }
  const reader = createReader(context)
  const answer = findAnswer(reader, ns, request, demand)
  return cursorReply(context, reader, ns, answer, demand, batchSize ?? FIRST_BATCH, single)
}

export const getMore = async (context: Context): Promise<Reply> => {
  onlyFields(context, ['collection', 'batchSize', 'term', 'lastKnownCommittedOpTime'])
  const { body, cursors } = context
  const id = body.get('getMore')
  if (typeof id !== 'bigint') throw typeMismatch("BSON field 'getMore.getMore' must be of type 'long'")
  const collection = body.get('collection')
  if (typeof collection !== 'string') throw typeMismatch("BSON field 'getMore.collection' must be a string")
  const ns = `${context.database}.${collection}`
  const batchSize = numberField(body, 'batchSize')
  if (batchSize !== undefined && batchSize < 0) throw new CommandError(2, 'Batch size for getMore must be positive')
  const cursor = cursors.get(id, ns)
  if (cursor.session !== idOf(context))
    throw new CommandError(50737, `Cannot run getMore on cursor ${id}, which belongs to another session`)
  if (cursor.transaction !== context.transaction?.number)
    throw new CommandError(50741, `Cannot run getMore on cursor ${id} outside of its transaction`)
  cursor.use(context)
  try {
    const { documents, done } = await cursor.next(
      batchSize === undefined || batchSize === 0 ? Number.POSITIVE_INFINITY : batchSize,
    )
    if (done) cursors.kill(id)
    return { cursor: { nextBatch: documents, id: done ? 0n : id, ns } }
  } catch (error) {
    cursors.kill(id)
    throw error
  }
}

export const killCursors = async (context: Context): Promise<Reply> => {
  onlyFields(context, ['cursors'])
  namespace(context)
  const ids = context.body.get('cursors')
  if (!isArray(ids) || !ids.every((id) => typeof id === 'bigint'))
    throw typeMismatch("'cursors' must be an array of longs")
  const killed: bigint[] = []
  const unknown: bigint[] = []
  for (const id of ids as readonly bigint[]) (context.cursors.kill(id) ? killed : unknown).push(id)
  return { cursorsKilled: killed, cursorsNotFound: unknown, cursorsAlive: [], cursorsUnknown: [] }
}

export const count = async (context: Context): Promise<Reply> => {
  onlyFields(context, ['query', 'limit', 'skip', 'hint', 'collation', 'fields'])
  const { body } = context
  const ns = namespace(context)
  refuseCollation(body.get('collation'))
  const request = findRequest(
    new Map<string, Value>([
      ['filter', docField(body, 'query') ?? new Map()],
      ...(body.has('hint') ? ([['hint', body.get('hint')!]] as const) : []),
    ]),
  )
  const skip = numberField(body, 'skip') ?? 0
  if (skip < 0) throw badValue('Skip value must be non-negative')
  const limit = Math.abs(numberField(body, 'limit') ?? 0)
  let n = 0
  const most = limit === 0 ? Number.POSITIVE_INFINITY : limit + skip
  for await (const found of matchingDocs(context, ns, request, { wanted: 1000 }, new Set())) {
    n += found.length
    if (n >= most) break
  }
  return { n: Math.max(0, Math.min(n, most) - skip) }
}

export const distinct = async (context: Context): Promise<Reply> => {
  onlyFields(context, ['key', 'query', 'collation', 'hint'])
  const { body } = context
  const ns = namespace(context)
  refuseCollation(body.get('collation'))
  const key = body.get('key')
  if (typeof key !== 'string') throw typeMismatch("BSON field 'distinct.key' must be a string")
  const request = findRequest(new Map([['filter', docField(body, 'query') ?? new Map()]]))
  const path = parsePath(key)
  const values = new Map<string, Value>()
  for await (const found of matchingDocs(context, ns, request, { wanted: 1000 }, new Set([path[0]!])))
    for (const doc of found)
      for (const value of valuesAt(doc, path)) {
        const own = keyOf(value)
        if (!values.has(own)) values.set(own, value)
      }
  return { values: [...values.values()].sort(compareValues) }
}

const AGGREGATE_FIELDS = `pipeline cursor explain allowDiskUse bypassDocumentValidation collation hint let fromMongos
  needsMerge exchange`.split(/\s+/)

export const aggregate = async (context: Context): Promise<Reply> => {
  onlyFields(context, AGGREGATE_FIELDS)
  const { body } = context
  refuseCollation(body.get('collation'))
  const target = body.get('aggregate')
  const ns = target === 1 ? `${context.database}.$cmd.aggregate` : namespace(context)
  const stages = body.get('pipeline')
  if (!isArray(stages) || !stages.every(isDoc))
    throw typeMismatch("'pipeline' option must be specified as an array of objects")
  const variables = variablesOf(body)
  const own = sourceOf(stages as readonly Doc[])
  const pipeline = own
    ? parseStages((stages as readonly Doc[]).slice(1), variables)
    : parsePipeline(stages as readonly Doc[], variables)
  if (boolField(body, 'explain')) return explainAggregate(context, ns, pipeline.request)
  const cursor = docField(body, 'cursor')
  if (!cursor) throw failedToParse("The 'cursor' option is required, except for aggregate with the explain argument")
  const demand: Demand = { wanted: FIRST_BATCH }
  const reader = createReader(context)
  const source = own ? once(own(context, ns)) : pipelineSource(reader, target === 1 ? undefined : ns, pipeline, demand)
  const size = numberField(cursor, 'batchSize') ?? FIRST_BATCH
  return cursorReply(context, reader, ns, runPipeline(reader, source, pipeline), demand, size, false)
}
