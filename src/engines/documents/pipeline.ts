// Aggregation pipelines: stages parsed and put together, their beginning answered by the planner where it can be.
import { encode } from './bson-encode.ts'
import type { Answer, Demand } from './cursors.ts'
import { notImplemented } from './errors.ts'
import { compileExpressionFilter } from './expression-filter.ts'
import { startVariables } from './expressions/compile.ts'
import { fail } from './expressions/types.ts'
import { type FindRequest, findRequest, matchingDocs } from './find.ts'
import { parseSort } from './sort.ts'
import {
  type Chunks,
  type Environment,
  natural,
  type PipelineReader,
  positive,
  STAGES,
  type Stage,
  sort,
  type Variables,
} from './stages.ts'
import { joiningStages } from './stages-joins.ts'
import { type Doc, isArray, isDoc, MAX_DOCUMENT, type Maybe, type Value } from './values.ts'

export interface Pipeline {
  /** What the planner answers: leading `$match`, `$sort`, `$skip` and `$limit`. */
  readonly request: FindRequest
  readonly stages: readonly Stage[]
  readonly variables: Variables
  /** Own fields of documents the stages look at; `undefined` for all. */
  readonly needs: ReadonlySet<string> | undefined
}

const LEFT_OUT = new Set(
  `$bucket $bucketAuto $changeStream $changeStreamSplitLargeEvent $densify $fill $geoNear
   $graphLookup $listSampledQueries $listSearchIndexes $listSessions
   $planCacheStats $redact $search $searchMeta $setWindowFields $shardedDataDistribution $vectorSearch`.split(/\s+/),
)

/** Sources, and stages that write, which `aggregate` takes off before. */
const ONLY_FIRST = new Set(['$collStats', '$indexStats', '$currentOp', '$listLocalSessions', '$documents'])
const ONLY_LAST = new Set(['$out', '$merge'])

const stageOf = (stage: Doc): readonly [string, Value] => {
  if (stage.size !== 1) throw fail(40323, 'A pipeline stage specification object must contain exactly one field.')
  return [...stage][0]!
}

/** Written out in simpler stages. */
const expand = (stages: readonly Doc[]): readonly Doc[] =>
  stages.flatMap((stage) => {
    const [name, spec] = stageOf(stage)
    if (name !== '$sortByCount') return [stage]
    if (!(isDoc(spec) || (typeof spec === 'string' && spec.startsWith('$'))))
      throw fail(40149, 'the sortByCount field must be specified as a $-prefixed path or an expression')
    const tally = new Map<string, Value>([
      ['_id', spec],
      ['count', new Map([['$sum', 1]])],
    ])
    return [new Map([['$group', tally]]), new Map([['$sort', new Map([['count', -1]])]])] as Doc[]
  })

const compileStages = (stages: readonly Doc[], variables: Variables): Stage[] => {
  const list = expand(stages).map(stageOf)
  return list.map(([name, spec], i) => {
    const compile = STAGES[name] ?? JOINING[name]
    if (LEFT_OUT.has(name)) throw notImplemented(`the stage ${name}`)
    if (ONLY_FIRST.has(name)) throw fail(40602, `${name} is only valid as the first stage in a pipeline`)
    if (ONLY_LAST.has(name)) throw fail(40601, `${name} can only be the final stage in the pipeline`)
    if (!compile) throw fail(40324, `Unrecognized pipeline stage name: '${name}'`)
    const next = list[i + 1]
    if (name === '$sort' && next?.[0] === '$limit') return sort(spec, positive(next[1]))
    return compile(spec, variables)
  })
}

/** Own fields that the first stage reads, where it is one that reads no others: a count needs none of a document. */
const needsOf = (first: Doc | undefined): ReadonlySet<string> | undefined => {
  const [name, spec] = first ? stageOf(first) : []
  if (name === '$count') return new Set()
  if (name !== '$group') return undefined
  const needs = new Set<string>()
  const visit = (value: Value): boolean => {
    if (typeof value === 'string') {
      if (value.startsWith('$$')) return false
      if (value.startsWith('$')) needs.add(value.slice(1).split('.')[0]!)
      return true
    }
    if (isArray(value)) return value.every(visit)
    return !isDoc(value) || [...value].every(([key, item]) => key !== '$getField' && visit(item))
  }
  return spec !== undefined && visit(spec) ? needs : undefined
}

const JOINING: Readonly<Record<string, (spec: Value, variables: Variables) => Stage>> = joiningStages({
  compile: (stages, variables) => compileStages(stages, variables),
  through: (input, stages, environment) => through(input, stages, environment),
  over: (reader, ns, stages, variables) => {
    const pipeline = parsePipeline(stages, variables)
    return runDocs(reader, pipelineSource(reader, ns, pipeline, { wanted: 1000 }), pipeline)
  },
})

/** Parses a pipeline. Every mistake in it is found here, also in parts that no document may reach. */
export const parsePipeline = (stages: readonly Doc[], given: Variables, hint?: Maybe): Pipeline => {
  const variables = startVariables(given)
  compileStages(stages, variables)
  const rest = [...expand(stages)]
  const take = (name: string): Value | undefined => {
    if (!rest[0]?.has(name)) return undefined
    return rest.shift()!.get(name)!
  }
  const matches: Doc[] = []
  for (let m = take('$match'); m !== undefined; m = take('$match')) matches.push(m as Doc)
  const order = take('$sort')
  const skipped = take('$skip')
  const limited = take('$limit')
  const filter: Doc =
    matches.length === 0 ? new Map() : matches.length === 1 ? matches[0]! : new Map([['$and', matches]])
  const base = findRequest(new Map())
  const request: FindRequest = {
    ...base,
    query: filter,
    hint,
    filter: compileExpressionFilter(filter, variables),
    sort: order === undefined ? [] : parseSort(order as Doc),
    skip: skipped === undefined ? 0 : natural(skipped),
    limit: limited === undefined ? 0 : positive(limited),
  }
  return { request, stages: compileStages(rest, variables), variables, needs: needsOf(rest[0]) }
}

/** The same over documents that are not a collection's: every stage works on what it is given. */
export const parseStages = (stages: readonly Doc[], given: Variables): Pipeline => {
  const variables = startVariables(given)
  return {
    request: findRequest(new Map()),
    stages: compileStages(stages, variables),
    variables,
    needs: undefined,
  }
}

/** The documents a pipeline begins with; none without a collection. */
export const pipelineSource = (
  reader: PipelineReader,
  ns: string | undefined,
  pipeline: Pipeline,
  demand: Demand,
): Chunks => {
  if (ns === undefined) throw notImplemented('an aggregation without a collection')
  const own: Demand = pipeline.stages.length === 0 ? demand : { wanted: 1000 }
  return matchingDocs(reader, ns, pipeline.request, own, pipeline.needs)
}

const through = (input: Chunks, stages: readonly Stage[], environment: Environment): Chunks =>
  stages.reduce((chunks, stage) => stage(chunks, environment), input)

const runDocs = (reader: PipelineReader, source: Chunks, pipeline: Pipeline): Chunks =>
  through(source, pipeline.stages, { reader, variables: pipeline.variables })

/** Bytes of documents that are handed on at once. */
const PIECE_BYTES = 1024 * 1024

/** Raw documents of a pipeline, in chunks. Throws 10334 for one that is larger than a document may be. */
export const runPipeline = (reader: PipelineReader, source: Chunks, pipeline: Pipeline): Answer =>
  (async function* () {
    for await (const chunk of runDocs(reader, source, pipeline)) {
      let piece: Buffer[] = []
      let bytes = 0
      for (const doc of chunk) {
        const raw = encode(doc)
        if (raw.length > MAX_DOCUMENT)
          throw fail(10334, `BSONObj size: ${raw.length} is invalid. Size must be between 0 and ${MAX_DOCUMENT}`)
        piece.push(raw)
        bytes += raw.length
        if (bytes < PIECE_BYTES) continue
        yield piece
        piece = []
        bytes = 0
      }
      if (piece.length > 0) yield piece
    }
  })()
