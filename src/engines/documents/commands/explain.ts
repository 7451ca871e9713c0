// explain: which index a query would use, and in what stages.
import type { Encodable } from '../bson-encode.ts'
import type { Collection } from '../catalog.ts'
import { CommandError, failedToParse } from '../errors.ts'
import { type Examined, type FindRequest, findRequest, matchingDocs, wholeCollection } from '../find.ts'
import { parsePipeline } from '../pipeline.ts'
import type { Plan } from '../planner.ts'
import { idOfFilter, planQuery } from '../select.ts'
import { parseSort } from '../sort.ts'
import { type Doc, isDoc, type Value } from '../values.ts'
import { boolField, type Context, docField, docsField, namespace, numberField, type Reply } from './context.ts'
import { withReader } from './cursor-reply.ts'
import { VERSION } from './diagnostics.ts'
import { DELETE_STATEMENT, UPDATE_STATEMENT } from './options.ts'
import { queryRequest } from './requests.ts'
import { checkOptions } from './schema.ts'

type Stage = { readonly [name: string]: Encodable }

const scanStage = (collection: Collection, plan: Plan, filter: Doc): Stage => {
  const direction = plan.reverse ? 'backward' : 'forward'
  if (wholeCollection(plan)) return { stage: 'COLLSCAN', ...(filter.size > 0 && { filter }), direction }
  const index = plan.index ?? collection.indexes[0]!
  return {
    stage: 'FETCH',
    ...(filter.size > 0 && { filter }),
    inputStage: {
      stage: 'IXSCAN',
      keyPattern: index.spec.get('key')!,
      indexName: index.name,
      isMultiKey: index.multikey,
      isUnique: index.unique,
      isSparse: index.sparse,
      isPartial: index.partial !== undefined,
      direction,
      ranges: plan.ranges.length,
    },
  }
}

/** The plan as stages, the last one first. */
const winningPlan = (context: Context, ns: string, request: FindRequest): Stage => {
  const reading = context.store.latest()
  const collection = reading.collection(ns)
  if (!collection) return { stage: 'EOF' }
  const id = request.hint === undefined ? idOfFilter(request.query) : undefined
  if (id !== undefined) return { stage: 'IDHACK', indexName: '_id_' }
  const { sort, query } = request
  const plan = planQuery(collection, reading, request)
  let stage = scanStage(collection, plan, query)
  if (!plan.sorted) {
    const sortPattern = Object.fromEntries(sort.map((s) => [s.path, s.descending ? -1 : 1]))
    stage = { stage: 'SORT', sortPattern, type: 'simple', inputStage: stage }
  }
  if (request.skip > 0) stage = { stage: 'SKIP', skipAmount: request.skip, inputStage: stage }
  if (request.limit > 0) stage = { stage: 'LIMIT', limitAmount: request.limit, inputStage: stage }
  if (request.project) stage = { stage: 'PROJECTION_DEFAULT', inputStage: stage }
  return stage
}

/** A statement of an update or a delete as a find: of the first match, or of all. */
const ofStatement = (statement: Doc, one: boolean): FindRequest => {
  const hint = statement.get('hint')
  const fields: [string, Value][] = [
    ['filter', statement.get('q')!],
    ...(one ? [['limit', 1] satisfies [string, Value]] : []),
  ]
  return findRequest(new Map(hint === undefined ? fields : [...fields, ['hint', hint]]))
}

const requestOf = (command: Doc, name: string): FindRequest => {
  if (name === 'find') return findRequest(command)
  if (name === 'distinct') return queryRequest(command)
  if (name === 'count') {
    const limit = Math.abs(numberField(command, 'limit') ?? 0)
    return { ...queryRequest(command), skip: numberField(command, 'skip') ?? 0, limit }
  }
  if (name === 'findAndModify' || name === 'findandmodify')
    return { ...queryRequest(command), sort: parseSort(docField(command, 'sort')), limit: 1 }
  if (name === 'aggregate')
    return parsePipeline(command.get('pipeline') as readonly Doc[], new Map(), command.get('hint')).request
  if (name !== 'update' && name !== 'delete')
    throw new CommandError(59, `Explain failed due to unknown command: ${name}`)
  const field = name === 'update' ? 'updates' : 'deletes'
  const table = name === 'update' ? UPDATE_STATEMENT : DELETE_STATEMENT
  const statements = docsField(command, field)
  const first = statements[0]
  if (first === undefined || statements.length > 1) throw new CommandError(16, `explain takes one of ${name}.${field}`)
  checkOptions(`${name}.${field}`, table, first)
  return ofStatement(first, name === 'update' ? !boolField(first, 'multi') : numberField(first, 'limit') === 1)
}

const answer = async (
  context: Context,
  ns: string,
  request: FindRequest,
  verbosity: Value | undefined,
): Promise<Reply> => {
  const plan = winningPlan(context, ns, request)
  const planner = {
    plannerVersion: 1,
    namespace: ns,
    indexFilterSet: false,
    parsedQuery: request.query,
    winningPlan: plan,
    rejectedPlans: [],
  }
  if (verbosity === 'queryPlanner') return { queryPlanner: planner }
  const started = performance.now()
  const examined: Examined = { keys: 0, documents: 0 }
  const returned = await withReader(context, async (reader) => {
    let n = 0
    for await (const chunk of matchingDocs({ ...reader, examined }, ns, request, { wanted: 1000 }, new Set()))
      n += chunk.length
    return n
  })
  return {
    queryPlanner: planner,
    executionStats: {
      executionSuccess: true,
      nReturned: returned,
      executionTimeMillis: Math.round(performance.now() - started),
      totalKeysExamined: examined.keys,
      totalDocsExamined: examined.documents,
      executionStages: plan,
      ...(verbosity === 'allPlansExecution' && { allPlansExecution: [] }),
    },
  }
}

export const explain = async (context: Context): Promise<Reply> => {
  const command = context.body.get('explain')
  if (!isDoc(command)) throw failedToParse("BSON field 'explain.explain' must be an object")
  const [name, target] = [...command][0] ?? ['', '']
  const ns = namespace(context, target)
  const verbosity = context.body.get('verbosity') ?? 'allPlansExecution'
  const reply = await answer(context, ns, requestOf(command, name), verbosity)
  return { explainVersion: '1', ...reply, command, serverInfo: { host: context.services.address, version: VERSION } }
}

/** An aggregate with `explain: true`. */
export const explainAggregate = (context: Context, ns: string, request: FindRequest): Promise<Reply> =>
  answer(context, ns, request, 'queryPlanner')
