// Stages of pipelines that look at one input: each passes documents on in chunks.

import { decode } from './bson.ts'
import { encode } from './bson-encode.ts'
import { compileExpressionFilter } from './expression-filter.ts'
import { compileExpression, follow } from './expressions/compile.ts'
import { fail } from './expressions/types.ts'
import type { Reader } from './find.ts'
import { compileGroup } from './group.ts'
import { memoryOf } from './memory.ts'
import { asLong } from './numbers.ts'
import { compileAddFields, compileProjectStage, removePath, setPath, unsetPaths } from './project.ts'
import { createSorter, EMPTY_IN_PIPELINE, parseSort, sortKey } from './sort.ts'
import { type Doc, isArray, isDoc, isNumber, type Maybe, type Value } from './values.ts'

export type Variables = ReadonlyMap<string, Maybe>
export type Chunks = AsyncIterable<readonly Doc[]>

/** What stages need from the command they are part of. */
export interface PipelineReader extends Reader {
  readonly database: string
}

export interface Environment {
  readonly reader: PipelineReader
  readonly variables: Variables
}

export type Stage = (input: Chunks, environment: Environment) => Chunks

/** Expressions that make more than they are given. */
const GROWING = new Set(
  '$range $concat $concatArrays $map $reduce $zip $replaceAll $split $setUnion $objectToArray $mergeObjects'.split(' '),
)

const mayGrow = (spec: Value): boolean =>
  isDoc(spec)
    ? [...spec].some(([name, value]) => GROWING.has(name) || mayGrow(value))
    : isArray(spec) && spec.some(mayGrow)

/** Documents of more memory than this are handed on before the next is made. */
const LARGE = 64 * 1024

/** Makes one document of each; those that may have grown are handed on in small portions. */
const computed =
  (spec: Value, apply: (doc: Doc, variables: Variables) => Doc): Stage =>
  (input, environment) =>
    mayGrow(spec) ? portions(input, environment, apply) : mapDocs(apply)(input, environment)

const portions = async function* (
  input: Chunks,
  { variables }: Environment,
  apply: (doc: Doc, variables: Variables) => Doc,
): Chunks {
  for await (const chunk of input) {
    let out: Doc[] = []
    for (const doc of chunk) {
      const made = apply(doc, variables)
      out.push(made)
      if (memoryOf(made) < LARGE) continue
      yield out
      out = []
    }
    if (out.length > 0) yield out
  }
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

export const positive = (value: Value): number => {
  const n = wholeOf(value, 5107201, 'the argument of $limit')
  if (n <= 0) throw fail(15958, 'the limit must be positive')
  return n
}

export const natural = (value: Value): number => {
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

/** Documents of a sort that are kept decoded, in bytes of memory; the others wait as raw documents, which the heap does not hold. */
const DECODED_BYTES = 8 * 1024 * 1024

export const sort = (spec: Value, most?: number): Stage => {
  if (!isDoc(spec) || spec.size === 0) throw fail(15976, '$sort stage must have at least one sort key')
  const fields = parseSort(spec)
  return async function* (input, { reader }) {
    const sorter = createSorter<Doc | Buffer>(reader.memory, most)
    let decoded = 0
    for await (const chunk of input)
      for (const doc of chunk) {
        const key = sortKey(fields, doc, EMPTY_IN_PIPELINE)
        if (decoded < DECODED_BYTES) {
          const size = memoryOf(doc)
          decoded += size
          sorter.add(key, doc, size)
        } else {
          const raw = encode(doc)
          sorter.add(key, raw, raw.length)
        }
      }
    for (const sorted of sorter.finish()) yield sorted.map((item) => (Buffer.isBuffer(item) ? decode(item) : item))
  }
}

const group = (spec: Value): Stage => {
  const begin = compileGroup(spec)
  return async function* (input, { variables, reader }) {
    const grouping = begin(variables, reader.memory)
    for await (const chunk of input) for (const doc of chunk) grouping.add(doc)
    yield* grouping.result()
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
  const paths = unsetPaths(spec)
  return mapDocs((doc) => paths.reduce<Value>((value, path) => removePath(value, path), doc) as Doc)
}

/** Documents that a stage which makes many of one hands on at once. */
const CHUNK = 256

const UNWIND = new Set(['path', 'preserveNullAndEmptyArrays', 'includeArrayIndex'])

const unwindOptions = (spec: Value): Doc => {
  if (typeof spec === 'string') return new Map([['path', spec]])
  if (!isDoc(spec)) throw fail(15981, 'expected either a string or an object as specification for $unwind stage')
  for (const name of spec.keys())
    if (!UNWIND.has(name)) throw fail(28811, `unrecognized option to $unwind stage: ${name}`)
  return spec
}

const unwind = (spec: Value): Stage => {
  const options = unwindOptions(spec)
  const text = options.get('path')
  if (typeof text !== 'string') throw fail(28808, 'expected a string as the path for $unwind stage')
  if (!text.startsWith('$')) throw fail(28818, "path option to $unwind stage should be prefixed with a '$'")
  const preserve = options.get('preserveNullAndEmptyArrays') ?? false
  if (typeof preserve !== 'boolean') throw fail(28809, 'expected a boolean for preserveNullAndEmptyArrays of $unwind')
  const index = options.get('includeArrayIndex')
  if (index !== undefined && (typeof index !== 'string' || index === ''))
    throw fail(28810, 'expected a non-empty string for the includeArrayIndex option of $unwind')
  if (typeof index === 'string' && index.startsWith('$'))
    throw fail(28822, "includeArrayIndex option to $unwind stage should not be prefixed with a '$'")
  const path = text.slice(1).split('.')
  const at = typeof index === 'string' ? index.split('.') : undefined
  const withIndex = (doc: Doc, value: bigint | null): Doc => (at ? (setPath(doc, at, value) as Doc) : doc)
  const alone = (doc: Doc, value: Maybe): readonly Doc[] => {
    if (isArray(value)) return preserve ? [withIndex(removePath(doc, path) as Doc, null)] : []
    return preserve || (value !== undefined && value !== null) ? [withIndex(doc, null)] : []
  }
  return async function* (input) {
    let out: Doc[] = []
    for await (const chunk of input) {
      for (const doc of chunk) {
        const value = follow(doc, path)
        if (!isArray(value) || value.length === 0) out.push(...alone(doc, value))
        else
          for (const [i, element] of value.entries()) {
            out.push(withIndex(setPath(doc, path, element) as Doc, BigInt(i)))
            if (out.length >= CHUNK) {
              yield out
              out = []
            }
          }
      }
      if (out.length > 0) yield out
      out = []
    }
  }
}

const replaceRoot = (expression: Value): Stage => {
  const compiled = compileExpression(expression)
  return computed(expression, (doc, variables) => {
    const value = compiled({ root: doc, variables })
    if (!isDoc(value)) throw fail(40228, "'newRoot' expression must evaluate to an object")
    return value
  })
}

const sample = (spec: Value): Stage => {
  const size = isDoc(spec) && spec.size === 1 ? spec.get('size') : undefined
  if (size === undefined) throw fail(28749, '$sample stage must specify a size, and nothing else')
  const wanted = wholeOf(size, 28746, 'size argument to $sample')
  if (wanted < 0) throw fail(28747, 'size argument to $sample must not be negative')
  return async function* (input, { reader }) {
    const kept: Doc[] = []
    let seen = 0
    for await (const chunk of input)
      for (const doc of chunk) {
        seen += 1
        const at = kept.length < wanted ? kept.length : Math.floor(Math.random() * seen)
        if (at >= wanted) continue
        reader.memory.hold(memoryOf(doc) - (at < kept.length ? memoryOf(kept[at]) : 0))
        kept[at] = doc
      }
    yield kept
  }
}

const addFields = (spec: Value): Stage => {
  if (!isDoc(spec)) throw fail(40272, '$addFields specification stage must be an object')
  return computed(spec, compileAddFields(spec))
}

/** By name; the variables are those that the command gives. */
export const STAGES: Readonly<Record<string, (spec: Value, variables: Variables) => Stage>> = {
  $match: match,
  $sort: (spec) => sort(spec),
  $limit: (spec) => limit(positive(spec)),
  $skip: (spec) => skip(natural(spec)),
  $group: group,
  $count: count,
  $project: (spec) => {
    if (!isDoc(spec)) throw fail(15969, '$project specification must be an object')
    return computed(spec, compileProjectStage(spec))
  },
  $addFields: addFields,
  $set: addFields,
  $unset: unset,
  $unwind: unwind,
  $replaceRoot: (spec) => {
    const root = isDoc(spec) ? spec.get('newRoot') : undefined
    if (root === undefined) throw fail(40231, 'no newRoot specified for the $replaceRoot stage')
    if (isDoc(spec) && spec.size > 1) throw fail(40230, 'unrecognized option to $replaceRoot stage')
    return replaceRoot(root)
  },
  $replaceWith: replaceRoot,
  $sample: sample,
}
