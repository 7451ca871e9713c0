// explain: which index a query would use, and in what stages.
import type { Encodable } from '../bson-encode.ts'
import type { Collection } from '../catalog.ts'
import { CommandError, failedToParse } from '../errors.ts'
import { type Examined, type FindRequest, findRequest, matchingDocs, type Reader, wholeCollection } from '../find.ts'
import { parsePipeline } from '../pipeline.ts'
import type { Plan } from '../planner.ts'
import { hintName, idOfFilter, planQuery } from '../select.ts'
import { type Doc, isArray, isDoc, type Value } from '../values.ts'
import { type Context, docField, namespace, onlyFields, type Reply } from './context.ts'
import { VERSION } from './diagnostics.ts'

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
  const { filter, sort, query } = request
  const plan = planQuery(collection, reading, { filter, sort, hint: hintName(collection, request.hint) })
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

const requestOf = (command: Doc, name: string): FindRequest => {
  if (name === 'find') return findRequest(withoutCommon(command))
  const filter = (key: string): FindRequest => findRequest(new Map([['filter', docField(command, key) ?? new Map()]]))
  if (name === 'count' || name === 'distinct') return filter('query')
  if (name === 'findAndModify' || name === 'findandmodify') return filter('query')
  if (name === 'aggregate') {
    const stages = command.get('pipeline')
    if (!isArray(stages) || !stages.every(isDoc)) throw failedToParse("'pipeline' must be an array of objects")
    return parsePipeline(stages as readonly Doc[], new Map()).request
  }
  const statements = command.get(name === 'update' ? 'updates' : 'deletes')
  const first = isArray(statements) ? statements[0] : undefined
  if ((name !== 'update' && name !== 'delete') || !isDoc(first))
    throw new CommandError(59, `Explain failed due to unknown command: ${name}`)
  return findRequest(new Map([['filter', first.get('q') ?? new Map()]]))
}

const withoutCommon = (command: Doc): Doc => new Map([...command].filter(([name]) => !name.startsWith('$')))

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
  const reader: Reader = { reading: () => context.reading(), check: () => context.check(), examined }
  let returned = 0
  for await (const chunk of matchingDocs(reader, ns, request, { wanted: 1000 }, new Set())) returned += chunk.length
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
  onlyFields(context, ['verbosity'])
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
