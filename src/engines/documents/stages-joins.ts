// Stages that run pipelines of their own: `$facet`, `$lookup`, `$unionWith`.
import { notImplemented } from './errors.ts'
import { compileExpression, follow } from './expressions/compile.ts'
import { fail } from './expressions/types.ts'
import { memoryOf } from './memory.ts'
import { setPath } from './project.ts'
import type { Chunks, Environment, PipelineReader, Stage, Variables } from './stages.ts'
import { type Doc, isArray, isDoc, type Value } from './values.ts'

/** How these stages have pipelines compiled and run; given from outside, as pipelines are made of stages. */
export interface Pipelines {
  /** Checks and compiles stages that work on what they are given. */
  compile(stages: readonly Doc[], variables: Variables): readonly Stage[]
  through(input: Chunks, stages: readonly Stage[], environment: Environment): Chunks
  /** The documents of a pipeline over a collection. */
  over(reader: PipelineReader, ns: string, stages: readonly Doc[], variables: Variables): Chunks
}

const unknownOption = (spec: Doc, known: ReadonlySet<string>, stage: string): void => {
  for (const name of spec.keys()) if (!known.has(name)) throw fail(9, `unknown argument to ${stage}: ${name}`)
}

const stagesOf = (value: Value, code: number, message: string): readonly Doc[] => {
  if (!isArray(value) || !value.every(isDoc)) throw fail(code, message)
  return value as readonly Doc[]
}

/** Reads all of it; what it holds is counted until `release` is called. */
const collect = async ({ memory }: PipelineReader, input: Chunks) => {
  const docs: Doc[] = []
  let held = 0
  for await (const chunk of input)
    for (const doc of chunk) {
      const size = memoryOf(doc) + 8
      memory.hold(size)
      held += size
      docs.push(doc)
    }
  return { docs, held }
}

/** Documents handed on in pieces, so that no stage gets all of them at once. */
export const once = async function* (docs: readonly Doc[]): Chunks {
  for (let at = 0; at < docs.length; at += 256) yield docs.slice(at, at + 256)
}

const NOT_IN_FACET = new Set(['$facet', '$out', '$merge', '$collStats', '$indexStats', '$currentOp', '$documents'])

const facet =
  ({ compile, through }: Pipelines) =>
  (spec: Value, variables: Variables): Stage => {
    if (!isDoc(spec) || spec.size === 0) throw fail(40169, 'the $facet specification must be a non-empty object')
    const parts = [...spec].map(([name, value]) => {
      const stages = stagesOf(value, 40170, `arguments to $facet must be arrays, ${name} is not`)
      for (const stage of stages)
        for (const own of stage.keys())
          if (NOT_IN_FACET.has(own)) throw fail(40600, `${own} is not allowed to be used within a $facet stage`)
      return [name, compile(stages, variables)] as const
    })
    return async function* (input, environment) {
      const all = await collect(environment.reader, input)
      const out = new Map<string, Value>()
      for (const [name, stages] of parts)
        out.set(name, (await collect(environment.reader, through(once(all.docs), stages, environment))).docs)
      yield [out]
    }
  }

const LOOKUP = new Set(['from', 'as', 'localField', 'foreignField', 'pipeline', 'let', '_internalCollation'])

const lookup =
  ({ compile, over }: Pipelines) =>
  (spec: Value): Stage => {
    if (!isDoc(spec)) throw fail(9, 'the $lookup specification must be an object')
    unknownOption(spec, LOOKUP, '$lookup')
    const [from, as, local, foreign] = ['from', 'as', 'localField', 'foreignField'].map((name) => spec.get(name))
    if (from === undefined || isDoc(from)) throw notImplemented('$lookup without a collection to look in')
    for (const [name, value] of Object.entries({ from, as, localField: local, foreignField: foreign }))
      if (value !== undefined && typeof value !== 'string') throw fail(9, `$lookup argument '${name}' must be a string`)
    if (typeof as !== 'string') throw fail(9, "must specify 'as' field for a $lookup")
    if ((local === undefined) !== (foreign === undefined))
      throw fail(9, '$lookup requires both localField and foreignField')
    const given = spec.get('pipeline')
    if (local === undefined && given === undefined) throw fail(9, '$lookup requires either a pipeline or both fields')
    const own = given === undefined ? [] : stagesOf(given, 9, 'pipeline must be an array of objects')
    const bindings = spec.get('let')
    if (bindings !== undefined && !isDoc(bindings)) throw fail(9, "$lookup argument 'let' must be an object")
    const bound = [...(bindings ?? [])].map(([name, value]) => [name, compileExpression(value)] as const)
    // What is wrong with the pipeline is told also where no document reaches it.
    compile(own, new Map())
    const localPath = String(local ?? '').split('.')
    const joined = (doc: Doc): Doc[] => {
      if (local === undefined) return []
      const value = follow(doc, localPath)
      const values = isArray(value) ? value : [value ?? null]
      return [new Map([['$match', new Map([[String(foreign), new Map([['$in', values]])]])]])]
    }
    return async function* (input, { reader, variables }) {
      const ns = `${reader.database}.${from}`
      for await (const chunk of input)
        for (const doc of chunk) {
          const scope = { root: doc, variables }
          const inner = new Map([...variables, ...bound.map(([name, e]) => [name, e(scope)] as const)])
          const { docs, held } = await collect(reader, over(reader, ns, [...joined(doc), ...own], inner))
          yield [setPath(doc, as.split('.'), docs) as Doc]
          reader.memory.hold(-held)
        }
    }
  }

const UNION = new Set(['coll', 'pipeline'])

const unionWith =
  ({ compile, over }: Pipelines) =>
  (spec: Value): Stage => {
    if (isDoc(spec)) unknownOption(spec, UNION, '$unionWith')
    const name = typeof spec === 'string' ? spec : isDoc(spec) ? spec.get('coll') : undefined
    const stages = stagesOf((isDoc(spec) ? spec.get('pipeline') : undefined) ?? [], 9, 'malformed $unionWith')
    if (typeof name !== 'string') throw fail(9, 'malformed $unionWith')
    compile(stages, new Map())
    return async function* (input, { reader, variables }) {
      yield* input
      yield* over(reader, `${reader.database}.${name}`, stages, variables)
    }
  }

export const joiningStages = (pipelines: Pipelines) => ({
  $facet: facet(pipelines),
  $lookup: lookup(pipelines),
  $unionWith: unionWith(pipelines),
})
