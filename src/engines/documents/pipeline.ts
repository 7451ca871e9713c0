// Aggregation pipelines: stages that pass documents on in chunks, their beginning answered by the planner where it can be.
import { encode } from './bson-encode.ts'
import type { Answer, Demand } from './cursors.ts'
import { CommandError, notImplemented } from './errors.ts'
import { compileExpressionFilter } from './expression-filter.ts'
import { compileExpression, follow, startVariables } from './expressions/compile.ts'
import { fail } from './expressions/types.ts'
import { type FindRequest, findRequest, matchingDocs, type Reader } from './find.ts'
import { compileGroup } from './group.ts'
import { asLong } from './numbers.ts'
import { compileAddFields, compileProjectStage, removePath, setPath } from './project.ts'
import { createSorter, EMPTY_IN_PIPELINE, parseSort, sortKey } from './sort.ts'
import { type Doc, isArray, isDoc, isNumber, type Maybe, type Value } from './values.ts'

type Variables = ReadonlyMap<string, Maybe>
export type Chunks = AsyncIterable<readonly Doc[]>

/** What stages need from the command they are part of. */
export interface PipelineReader extends Reader {
  readonly database: string
}

interface Environment {
  readonly reader: PipelineReader
  readonly variables: Variables
}

type Stage = (input: Chunks, environment: Environment) => Chunks

export interface Pipeline {
  /** What the planner answers: leading `$match`, `$sort`, `$skip` and `$limit`. */
  readonly request: FindRequest
  readonly stages: readonly Stage[]
  readonly variables: Variables
  /** Own fields of documents the stages look at; `undefined` for all. */
  readonly needs: ReadonlySet<string> | undefined
}

const mapDocs = (apply: (doc: Doc, variables: Variables) => Doc): Stage =>
  async function* (input, { variables }) {
    for await (const chunk of input) yield chunk.map((doc) => apply(doc, variables))
  }

const wholeOf = (value: Value, code: number, what: string): number => {
  const whole = isNumber(value) ? asLong(value) : undefined
  if (whole === undefined) throw fail(code, `${what} must be a whole number`)
  return Number(whole)
}

const positive = (value: Value): number => {
  const n = wholeOf(value, 5107201, 'the argument of $limit')
  if (n <= 0) throw fail(15958, 'the limit must be positive')
  return n
}

const natural = (value: Value): number => {
  const n = wholeOf(value, 5107200, 'the argument of $skip')
  if (n < 0) throw fail(5107200, 'the argument of $skip must not be negative')
  return n
}

const match = (spec: Value, variables: Variables): Stage => {
  if (!isDoc(spec)) throw fail(15959, 'the match filter must be an expression in an object')
  const filter = compileExpressionFilter(spec, variables)
  return async function* (input) {
    for await (const chunk of input) {
      const kept = chunk.filter((doc) => filter.matches(doc))
      if (kept.length > 0) yield kept
    }
  }
}

const limit = (count: number): Stage =>
  async function* (input) {
    let rest = count
    for await (const chunk of input) {
      yield chunk.slice(0, rest)
      rest -= chunk.length
      if (rest <= 0) return
    }
  }

const skip = (count: number): Stage =>
  async function* (input) {
    let rest = count
    for await (const chunk of input) {
      if (rest < chunk.length) yield chunk.slice(rest)
      rest = Math.max(0, rest - chunk.length)
    }
  }

const sort = (spec: Value, most?: number): Stage => {
  if (!isDoc(spec) || spec.size === 0) throw fail(15976, '$sort stage must have at least one sort key')
  const fields = parseSort(spec)
  return async function* (input) {
    const sorter = createSorter<Doc>(most)
    for await (const chunk of input)
      for (const doc of chunk) sorter.add(sortKey(fields, doc, EMPTY_IN_PIPELINE), doc, 200 + doc.size * 40)
    yield sorter.finish()
  }
}

const group = (spec: Value): Stage => {
  const begin = compileGroup(spec)
  return async function* (input, { variables }) {
    const grouping = begin(variables)
    for await (const chunk of input) for (const doc of chunk) grouping.add(doc)
    yield grouping.result()
  }
}

const count = (spec: Value): Stage => {
  if (typeof spec !== 'string' || spec === '' || spec.startsWith('$') || spec.includes('.'))
    throw fail(40157, 'the count field must be a non-empty string without $ and .')
  return async function* (input) {
    let n = 0
    for await (const chunk of input) n += chunk.length
    if (n > 0) yield [new Map([[spec, n]])]
  }
}

const unset = (spec: Value): Stage => {
  const names = isArray(spec) ? spec : [spec]
  if (names.length === 0 || !names.every((n) => typeof n === 'string' && n !== '' && !n.startsWith('$')))
    throw fail(31002, '$unset specification must be a string or an array of field names')
  const paths = names.map((name) => String(name).split('.'))
  return mapDocs((doc) => paths.reduce<Value>((value, path) => removePath(value, path), doc) as Doc)
}

const unwind = (spec: Value): Stage => {
  const options = isDoc(spec) ? spec : new Map<string, Value>([['path', spec]])
  const text = options.get('path')
  if (typeof text !== 'string') throw fail(28808, 'expected a string as the path for $unwind stage')
  if (!text.startsWith('$')) throw fail(28818, "path option to $unwind stage should be prefixed with a '$'")
  const preserve = options.get('preserveNullAndEmptyArrays') === true
  const index = options.get('includeArrayIndex')
  const path = text.slice(1).split('.')
  const at = typeof index === 'string' ? index.split('.') : undefined
  const withIndex = (doc: Doc, value: bigint | null): Doc => (at ? (setPath(doc, at, value) as Doc) : doc)
  return async function* (input) {
    for await (const chunk of input)
      yield chunk.flatMap((doc) => {
        const value = follow(doc, path)
        if (isArray(value) && value.length > 0)
          return value.map((element, i) => withIndex(setPath(doc, path, element) as Doc, BigInt(i)))
        if (isArray(value)) return preserve ? [withIndex(removePath(doc, path) as Doc, null)] : []
        if (value === undefined || value === null) return preserve ? [withIndex(doc, null)] : []
        return [withIndex(doc, null)]
      })
  }
}

const replaceRoot = (expression: Value): Stage => {
  const compiled = compileExpression(expression)
  return mapDocs((doc, variables) => {
    const value = compiled({ root: doc, variables })
    if (!isDoc(value)) throw fail(40228, "'newRoot' expression must evaluate to an object")
    return value
  })
}

const sample = (spec: Value): Stage => {
  const size = isDoc(spec) ? spec.get('size') : undefined
  if (size === undefined) throw fail(28749, '$sample stage must specify a size')
  const wanted = wholeOf(size, 28746, 'size argument to $sample')
  if (wanted < 0) throw fail(28747, 'size argument to $sample must not be negative')
  return async function* (input) {
    const kept: Doc[] = []
    let seen = 0
    for await (const chunk of input)
      for (const doc of chunk) {
        seen += 1
        const at = kept.length < wanted ? kept.length : Math.floor(Math.random() * seen)
        if (at < wanted) kept[at] = doc
      }
    yield kept
  }
}

const facet = (spec: Value, variables: Variables): Stage => {
  if (!isDoc(spec) || spec.size === 0) throw fail(40169, 'the $facet specification must be a non-empty object')
  const parts = [...spec].map(([name, stages]) => {
    if (!isArray(stages) || !stages.every(isDoc))
      throw fail(40170, `arguments to $facet must be arrays, ${name} is not`)
    return [name, compileStages(stages as readonly Doc[], variables)] as const
  })
  return async function* (input, environment) {
    const all = await collect(input)
    const out = new Map<string, Value>()
    for (const [name, stages] of parts) out.set(name, await collect(through(once(all), stages, environment)))
    yield [out]
  }
}

export const once = async function* (docs: readonly Doc[]): Chunks {
  yield docs
}

/** Most documents that a stage which needs all of its input at once may hold. */
const MAX_COLLECTED = 500_000

const collect = async (input: Chunks): Promise<Doc[]> => {
  const out: Doc[] = []
  for await (const chunk of input) {
    out.push(...chunk)
    if (out.length > MAX_COLLECTED) throw new CommandError(146, 'the stage holds too many documents')
  }
  return out
}

const lookup = (spec: Value): Stage => {
  if (!isDoc(spec)) throw fail(9, 'the $lookup specification must be an object')
  const [from, as, local, foreign] = ['from', 'as', 'localField', 'foreignField'].map((name) => spec.get(name))
  const stages = spec.get('pipeline')
  if (typeof from !== 'string') throw notImplemented('$lookup without a collection to look in')
  if (typeof as !== 'string') throw fail(9, "must specify 'as' field for a $lookup")
  if ((local === undefined) !== (foreign === undefined))
    throw fail(9, '$lookup requires both localField and foreignField')
  if (local === undefined && stages === undefined) throw fail(9, '$lookup requires either a pipeline or both fields')
  if (stages !== undefined && !(isArray(stages) && stages.every(isDoc)))
    throw fail(9, 'pipeline must be an array of objects')
  const own = (stages ?? []) as readonly Doc[]
  const bindings = spec.get('let')
  const bound = isDoc(bindings) ? [...bindings].map(([name, value]) => [name, compileExpression(value)] as const) : []
  const localPath = String(local ?? '').split('.')
  const joined = (doc: Doc): Doc[] => {
    if (local === undefined) return []
    const value = follow(doc, localPath)
    const values = isArray(value) ? value : [value ?? null]
    return [new Map([['$match', new Map([[String(foreign), new Map([['$in', values]])]])]])]
  }
  return async function* (input, environment) {
    const { reader, variables } = environment
    const ns = `${reader.database}.${from}`
    for await (const chunk of input) {
      const out: Doc[] = []
      for (const doc of chunk) {
        const inner = new Map([...variables, ...bound.map(([name, e]) => [name, e({ root: doc, variables })] as const)])
        const pipeline = parsePipeline([...joined(doc), ...own], inner)
        const found = await collect(runDocs(reader, pipelineSource(reader, ns, pipeline, { wanted: 1000 }), pipeline))
        out.push(setPath(doc, as.split('.'), found) as Doc)
      }
      yield out
    }
  }
}

const unionWith = (spec: Value): Stage => {
  const name = typeof spec === 'string' ? spec : isDoc(spec) ? spec.get('coll') : undefined
  const stages = isDoc(spec) ? (spec.get('pipeline') ?? []) : []
  if (typeof name !== 'string' || !isArray(stages) || !stages.every(isDoc)) throw fail(9, 'malformed $unionWith')
  return async function* (input, { reader, variables }) {
    yield* input
    const pipeline = parsePipeline(stages as readonly Doc[], variables)
    yield* runDocs(reader, pipelineSource(reader, `${reader.database}.${name}`, pipeline, { wanted: 1000 }), pipeline)
  }
}

const STAGES: Readonly<Record<string, (spec: Value, variables: Variables) => Stage>> = {
  $match: match,
  $sort: (spec) => sort(spec),
  $limit: (spec) => limit(positive(spec)),
  $skip: (spec) => skip(natural(spec)),
  $group: group,
  $count: count,
  $project: (spec) => {
    if (!isDoc(spec)) throw fail(15969, '$project specification must be an object')
    return mapDocs(compileProjectStage(spec))
  },
  $addFields: (spec) => addFields(spec),
  $set: (spec) => addFields(spec),
  $unset: unset,
  $unwind: unwind,
  $replaceRoot: (spec) => {
    const root = isDoc(spec) ? spec.get('newRoot') : undefined
    if (root === undefined) throw fail(40231, 'no newRoot specified for the $replaceRoot stage')
    return replaceRoot(root)
  },
  $replaceWith: replaceRoot,
  $sample: sample,
  $facet: facet,
  $lookup: lookup,
  $unionWith: unionWith,
}

const addFields = (spec: Value): Stage => {
  if (!isDoc(spec)) throw fail(40272, '$addFields specification stage must be an object')
  return mapDocs(compileAddFields(spec))
}

const LEFT_OUT = new Set(
  `$bucket $bucketAuto $changeStream $changeStreamSplitLargeEvent $densify $documents $fill $geoNear
   $graphLookup $listLocalSessions $listSampledQueries $listSearchIndexes $listSessions $merge $out
   $planCacheStats $redact $search $searchMeta $setWindowFields $shardedDataDistribution $vectorSearch`.split(/\s+/),
)

/** Sources, which `aggregate` takes off before. */
const ONLY_FIRST = new Set(['$collStats', '$indexStats', '$currentOp'])

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
    const compile = STAGES[name]
    if (LEFT_OUT.has(name)) throw notImplemented(`the stage ${name}`)
    if (ONLY_FIRST.has(name)) throw fail(40602, `${name} is only valid as the first stage in a pipeline`)
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

/** Parses a pipeline. Every mistake in it is found here, also in parts that no document may reach. */
export const parsePipeline = (stages: readonly Doc[], given: Variables): Pipeline => {
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

/** Raw documents of a pipeline, in chunks. */
export const runPipeline = (reader: PipelineReader, source: Chunks, pipeline: Pipeline): Answer =>
  (async function* () {
    for await (const chunk of runDocs(reader, source, pipeline)) yield chunk.map((doc) => encode(doc))
  })()
