// Updates: operators, replacements and pipelines, parsed once and applied to documents.
import { decode } from './bson.ts'
import { encode, identical } from './bson-encode.ts'
import { badValue, CommandError, failedToParse } from './errors.ts'
import { compileFilter, type Filter } from './filter.ts'
import { type Operator, parseOperator } from './update-operators.ts'
import { comparePaths, type PathContext, parseUpdatePath, resolvePath, slotAt } from './update-paths.ts'
import { type Doc, isArray, isDoc, MAX_DOCUMENT, type Maybe, type MutableDoc, ObjectId, type Value } from './values.ts'

/** How an update with a pipeline is applied; given from outside so that updates do not depend on pipelines. */
export type CompilePipeline = (stages: readonly Doc[]) => (doc: Doc) => Doc

interface Change {
  readonly operator: string
  readonly path: readonly string[]
  readonly text: string
  readonly action: Operator
}

export interface UpdateContext {
  readonly position: number | undefined
  readonly inserting: boolean
}

export interface Update {
  /** A replacement by a whole document, as raw bytes. */
  readonly replacement: Buffer | undefined
  /** Whether it needs to know where in an array the query matched. */
  readonly positional: boolean
  /** Changes the document in place; answers whether anything is different. */
  apply(doc: MutableDoc, context: UpdateContext): { readonly doc: MutableDoc; readonly changed: boolean }
}

const conflict = (path: string): CommandError =>
  new CommandError(40, `Updating the path '${path}' would create a conflict at '${path}'`)

const refuseConflicts = (changes: readonly Change[]): void => {
  const paths = changes.map((c) => c.text).sort()
  for (const [i, path] of paths.entries()) {
    if (paths[i + 1] === path) throw conflict(path)
    const parts = path.split('.')
    for (let n = 1; n < parts.length; n += 1) {
      const prefix = parts.slice(0, n).join('.')
      if (changes.some((c) => c.text === prefix)) throw conflict(path)
    }
  }
}

const rename = (from: string, to: Value): Change[] => {
  if (typeof to !== 'string') throw badValue(`The 'to' field for $rename must be a string: ${from}`)
  if (from === to) throw badValue(`The source and target field for $rename must differ: ${from}`)
  const source = parseUpdatePath(from)
  const target = parseUpdatePath(to)
  for (const part of [...source, ...target])
    if (part.startsWith('$[') || part === '$') throw badValue('$rename is not positional')
  const nothing: Operator = { create: false, change: () => false }
  return [
    { operator: '$rename', path: source, text: from, action: nothing },
    { operator: '$renamed', path: target, text: to, action: nothing },
  ]
}

const applyRename = (doc: MutableDoc, source: readonly string[], target: readonly string[]): boolean => {
  for (const path of [source, target])
    for (let n = 1; n <= path.length; n += 1) {
      const through = slotAt(doc, path.slice(0, n))?.value
      if (isArray(through) && n < path.length) throw badValue('$rename cannot go through an array')
    }
  const from = slotAt(doc, source)
  if (from?.value === undefined) return false
  const { value } = from
  from.remove()
  slotAt(doc, target, { create: true })!.set(value)
  return true
}

const arrayFiltersOf = (filters: readonly Doc[]): ReadonlyMap<string, (element: Value) => boolean> => {
  const out = new Map<string, (element: Value) => boolean>()
  for (const filter of filters) {
    const compiled = compileFilter(filter)
    const names = new Set([...(compiled.paths ?? [])].map((path) => path.split('.')[0]!))
    const [name] = names
    if (names.size !== 1 || name === undefined || !/^[a-z][A-Za-z0-9]*$/.test(name))
      throw failedToParse('an array filter must name exactly one identifier')
    if (out.has(name)) throw failedToParse(`Found multiple array filters with the same top-level field name ${name}`)
    out.set(name, (element) => compiled.matches(new Map([[name, element]])))
  }
  return out
}

const operatorUpdate = (spec: Doc, filters: readonly Doc[], now: Date): Update => {
  const changes: Change[] = []
  for (const [operator, operand] of spec) {
    if (operator === '$rename' && isDoc(operand)) {
      for (const [from, to] of operand) changes.push(...rename(from, to))
      continue
    }
    const known = parseOperatorName(operator)
    if (!known) throw failedToParse(`Unknown modifier: ${operator}`)
    if (!isDoc(operand)) throw failedToParse(`Modifiers operate on fields but we found another type for ${operator}`)
    // Newer servers take an empty operand for no change; refusing it, as older ones do, is never kinder.
    if (operand.size === 0)
      throw failedToParse(`'${operator}' is empty. You must specify a field like so: {${operator}: {<field>: ...}}`)
    for (const [text, value] of operand)
      changes.push({ operator, path: parseUpdatePath(text), text, action: parseOperator(operator, value, now)! })
  }
  refuseConflicts(changes)
  const arrayFilters = arrayFiltersOf(filters)
  for (const name of arrayFilters.keys())
    if (!changes.some((c) => c.path.includes(`$[${name}]`)))
      throw failedToParse(`The array filter for identifier '${name}' was not used in the update`)
  const ordered = [...changes].sort((a, b) => comparePaths(a.path, b.path))
  const renames = changes.flatMap((c, i) => (c.operator === '$rename' ? [[c.path, changes[i + 1]!.path] as const] : []))
  return {
    replacement: undefined,
    positional: changes.some((c) => c.path.includes('$')),
    apply: (doc, { position, inserting }) => {
      const context: PathContext = { position, arrayFilters }
      let changed = false
      for (const { operator, path, action } of ordered) {
        if (operator === '$setOnInsert' && !inserting) continue
        for (const concrete of resolvePath(doc, path, context)) {
          const slot = slotAt(doc, concrete, { create: action.create })
          if (slot && action.change(slot)) changed = true
        }
      }
      for (const [source, target] of renames) if (applyRename(doc, source, target)) changed = true
      return { doc, changed }
    },
  }
}

/** The operators of updates. */
export const UPDATE_OPERATORS = new Set(
  '$set $setOnInsert $unset $inc $mul $min $max $push $addToSet $pull $pullAll $pop $bit $currentDate $rename'.split(
    ' ',
  ),
)
const parseOperatorName = (name: string): boolean => UPDATE_OPERATORS.has(name)

const PIPELINE_STAGES = new Set(['$set', '$addFields', '$unset', '$project', '$replaceRoot', '$replaceWith'])

const pipelineUpdate = (stages: readonly Value[], compile: CompilePipeline): Update => {
  for (const stage of stages) {
    if (isDoc(stage) && stage.size !== 1)
      throw new CommandError(40323, 'A pipeline stage specification object must contain exactly one field.')
    const name = isDoc(stage) ? stage.keys().next().value : undefined
    if (name === undefined || !PIPELINE_STAGES.has(name))
      throw new CommandError(72, `${name ?? 'an empty stage'} is not allowed to be used within an update`)
  }
  const run = compile(stages as readonly Doc[])
  return {
    replacement: undefined,
    positional: false,
    apply: (doc) => {
      const made = new Map(run(doc))
      if (!made.has('_id') && doc.has('_id')) return { doc: withIdFirst(made, doc.get('_id')!), changed: true }
      return { doc: made, changed: !identical(doc, made) }
    },
  }
}

const withIdFirst = (doc: Doc, id: Value): MutableDoc =>
  new Map([['_id', id], ...[...doc].filter(([name]) => name !== '_id')] as [string, Value][])

export interface UpdateSpec {
  /** A raw document (operators or a replacement), or the stages of a pipeline. */
  readonly update: Buffer | readonly Value[]
  readonly arrayFilters: readonly Doc[]
}

const firstName = (raw: Buffer): string => (raw.length > 5 ? raw.toString('utf8', 5, raw.indexOf(0, 5)) : '')

/** Parses an update. Every mistake in it is found here or, where it depends on the document, when it is applied. */
export const parseUpdate = ({ update, arrayFilters }: UpdateSpec, compile: CompilePipeline): Update => {
  if (!Buffer.isBuffer(update)) return pipelineUpdate(update as readonly Value[], compile)
  if (firstName(update).startsWith('$')) return operatorUpdate(decode(update), arrayFilters, new Date())
  if (arrayFilters.length > 0) throw failedToParse('arrayFilters may not be specified for a replacement')
  return {
    replacement: update,
    positional: false,
    apply: (doc) => {
      const made = decode(update)
      const id = doc.get('_id')
      const next = id === undefined || made.has('_id') ? made : withIdFirst(made, id)
      return { doc: next, changed: !identical(doc, next) }
    },
  }
}

/** The document an upsert begins with: what the filter's equalities say. */
const seedOf = (filter: Filter): MutableDoc => {
  const seed: MutableDoc = new Map()
  for (const condition of filter.conditions) {
    let value: Maybe
    if (condition.op === 'eq') value = condition.value
    else if (condition.op === 'in' && condition.values.length === 1) value = condition.values[0]
    if (value === undefined) continue
    const slot = slotAt(seed, condition.path.split('.'), { create: true })!
    if (slot.value !== undefined && !identical(slot.value, value))
      throw new CommandError(54, `cannot infer query fields to set, path '${condition.path}' is matched twice`)
    slot.set(value)
  }
  return seed
}

/** The document that an upsert inserts. */
export const upsertDocument = (filter: Filter, update: Update): MutableDoc => {
  const seed = seedOf(filter)
  const id = seed.get('_id')
  const start: MutableDoc = update.replacement ? new Map(id === undefined ? [] : [['_id', id]]) : seed
  const { doc } = update.apply(start, { position: undefined, inserting: true })
  const made = doc.get('_id')
  if (id !== undefined && made !== undefined && !identical(id, made)) throw immutableId()
  return withIdFirst(doc, made === undefined ? new ObjectId() : made)
}

const immutableId = (): CommandError =>
  new CommandError(66, "Performing an update on the path '_id' would modify the immutable field '_id'")

/** The bytes of a changed document, its `_id` unchanged and in front. */
export const changedDocument = (before: Value, doc: MutableDoc): Buffer => {
  const id = doc.get('_id')
  if (id === undefined || !identical(before, id)) throw immutableId()
  const bytes = encode(doc.keys().next().value === '_id' ? doc : withIdFirst(doc, id))
  if (bytes.length > MAX_DOCUMENT) throw new CommandError(10334, 'BSONObj size is invalid: larger than 16 MB')
  return bytes
}
