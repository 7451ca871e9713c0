// find, getMore, killCursors, count, distinct and aggregate.
import { compareValues } from '../compare.ts'
import type { Demand } from '../cursors.ts'
import { badValue, CommandError, failedToParse, notImplemented, typeMismatch } from '../errors.ts'
import { findAnswer, findRequest, matchingDocs } from '../find.ts'
import { keyOf } from '../keys.ts'
import { memoryOf } from '../memory.ts'
import { toDouble } from '../numbers.ts'
import { parsePath, valuesAt } from '../paths.ts'
import { parsePipeline, parseStages, pipelineSource, runPipeline } from '../pipeline.ts'
import { once } from '../stages-joins.ts'
import { type Doc, isNumber, type Value } from '../values.ts'
import { boolField, type Context, namespace, numberField, type Reply } from './context.ts'
import { createReader, cursorReply, FIRST_BATCH, firstOf, sessionOf, withReader } from './cursor-reply.ts'
import { explainAggregate } from './explain.ts'
import { outputOf } from './output.ts'
import { queryRequest } from './requests.ts'
import { sourceOf } from './sources.ts'
import { variablesOf } from './variables.ts'

export const find = async (context: Context): Promise<Reply> => {
  const ns = namespace(context)
  const { body } = context
  const request = findRequest(body, variablesOf(body))
  const demand: Demand = { wanted: FIRST_BATCH }
  const reader = createReader(context)
  return cursorReply(context, {
    reader,
    ns,
    answer: findAnswer(reader, ns, request, demand),
    demand,
    first: numberField(body, 'batchSize') ?? FIRST_BATCH,
    single: boolField(body, 'singleBatch') || (numberField(body, 'limit') ?? 0) < 0,
  })
}

export const getMore = async (context: Context): Promise<Reply> => {
  const { body, cursors } = context
  const id = body.get('getMore')
  if (typeof id !== 'bigint') throw typeMismatch("BSON field 'getMore.getMore' must be of type 'long'")
  const ns = `${context.database}.${String(body.get('collection'))}`
  const batchSize = numberField(body, 'batchSize')
  const cursor = cursors.get(id, ns)
  if (cursor.session !== sessionOf(context))
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
  const of = context.body.get('killCursors')
  // Answers that are about no one collection go by a name that no collection can have.
  if (typeof of !== 'string' || !of.startsWith('$cmd.')) namespace(context)
  const ids = context.body.get('cursors') as readonly bigint[]
  const killed: bigint[] = []
  const unknown: bigint[] = []
  for (const id of ids) (context.cursors.kill(id) ? killed : unknown).push(id)
  return { cursorsKilled: killed, cursorsNotFound: unknown, cursorsAlive: [], cursorsUnknown: [] }
}

export const count = (context: Context): Promise<Reply> =>
  withReader(context, async (reader) => {
    const { body } = context
    const ns = namespace(context)
    const request = queryRequest(body)
    const skip = numberField(body, 'skip') ?? 0
    const limit = Math.abs(numberField(body, 'limit') ?? 0)
    let n = 0
    const most = limit === 0 ? Number.POSITIVE_INFINITY : limit + skip
    for await (const found of matchingDocs(reader, ns, request, { wanted: 1000 }, new Set())) {
      n += found.length
      if (n >= most) break
    }
    return { n: Math.max(0, Math.min(n, most) - skip) }
  })

/** What a list of distinct values may take, in bytes: it is answered in one document. */
const MAX_DISTINCT = 16 * 1024 * 1024

export const distinct = (context: Context): Promise<Reply> =>
  withReader(context, async (reader) => {
    const { body } = context
    const ns = namespace(context)
    const key = String(body.get('key'))
    if (key === '' || key.includes('\0')) throw badValue('the key of distinct must be the name of a field')
    const request = queryRequest(body)
    const path = parsePath(key)
    const values = new Map<string, Value>()
    let bytes = 0
    for await (const found of matchingDocs(reader, ns, request, { wanted: 1000 }, new Set([path[0]!])))
      for (const doc of found)
        for (const value of valuesAt(doc, path)) {
          const own = keyOf(value)
          if (values.has(own)) continue
          values.set(own, value)
          bytes += own.length + 8
          reader.memory.hold(memoryOf(value) + own.length + 80)
          if (bytes > MAX_DISTINCT) throw new CommandError(17217, 'distinct too big, 16mb cap')
        }
    return { values: [...values.values()].sort(compareValues) }
  })

export const aggregate = async (context: Context): Promise<Reply> => {
  const { body } = context
  const target = body.get('aggregate')
  const whole = isNumber(target) && toDouble(target) === 1
  const ns = whole ? `${context.database}.$cmd.aggregate` : namespace(context)
  const stages = body.get('pipeline') as readonly Doc[]
  const variables = variablesOf(body)
  const own = sourceOf(context, whole ? undefined : ns, stages, variables)
  const output = outputOf(context, stages)
  const rest = stages.slice(own ? 1 : 0, output ? -1 : undefined)
  const pipeline = own ? parseStages(rest, variables) : parsePipeline(rest, variables, body.get('hint'))
  if (whole && !own)
    throw new CommandError(73, `{aggregate: 1} is not valid for '${firstName(stages)}'; a collection is required.`)
  if (boolField(body, 'explain')) {
    if (own || output) throw notImplemented('explaining a pipeline that tells about the server, or writes')
    return explainAggregate(context, ns, pipeline.request)
  }
  if (!body.has('cursor'))
    throw failedToParse("The 'cursor' option is required, except for aggregate with the explain argument")
  const demand: Demand = { wanted: FIRST_BATCH }
  const reader = createReader(context)
  const source = own ? once(await own()) : pipelineSource(reader, ns, pipeline, demand)
  const answer = runPipeline(reader, source, pipeline)
  const first = output ? FIRST_BATCH : firstOf(context)
  return cursorReply(context, { reader, ns, answer: output ? output(answer) : answer, demand, first })
}

const firstName = (stages: readonly Doc[]): string => String(stages[0]?.keys().next().value ?? '')
