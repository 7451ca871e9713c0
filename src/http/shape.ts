// Which names a schema reads at each place of a request, and what of a request it would leave unread.

import { distance } from 'fastest-levenshtein'
import type * as v from 'valibot'
import { ANSWERED } from '../domain/answered.ts'
import { isRecord } from '../domain/isRecord.ts'
import { isUnsupported } from './unsupported.ts'

/*
 * Valibot's objects drop what they do not name. Here nothing is dropped: after a schema has said that it takes a value, the value
 * is walked beside the schema, and each name that the schema does not read is an issue like any other. `v.record`, `v.unknown`
 * and `v.looseObject` say by themselves that any name may come.
 */

type Schema = v.GenericSchema

interface Fields {
  readonly kind: 'fields'
  readonly known: ReadonlyMap<string, Shape>
  /** Of names beside those known; null where there may be none. */
  readonly rest: Shape | null
  /** Of those known: what may be left out, and of which null is nothing that can be said. */
  readonly nullless: ReadonlySet<string>
}

/** The places of a value that a schema reads. `open`: whatever is there is taken as it is. */
export type Shape =
  | { readonly kind: 'open' }
  /** A text, a number and the like: it holds no names. */
  | { readonly kind: 'scalar' }
  | Fields
  | { readonly kind: 'items'; readonly item: Shape }
  | { readonly kind: 'choice'; readonly options: readonly Option[]; readonly key?: string }
  | { readonly kind: 'later'; readonly shape: () => Shape }

type Choice = Extract<Shape, { kind: 'choice' }>

interface Option {
  readonly schema: Schema
  readonly shape: Shape
}

const OPEN: Shape = { kind: 'open' }
const SCALAR: Shape = { kind: 'scalar' }
const NO_NAMES: ReadonlySet<string> = new Set()
/** Schemas that say nothing of what is inside a value. */
const BLIND = new Set(['any', 'unknown', 'custom', 'instance'])

type Record_ = Readonly<Record<string, unknown>>
const isSchema = (value: unknown): value is Schema => isRecord(value) && value.kind === 'schema' && '~run' in value
const isFunction = (value: unknown): value is (input: unknown) => unknown => typeof value === 'function'
const partOf = (schema: Schema, name: string): unknown => ({ ...schema })[name as keyof Schema]

/** Whether a schema takes a value; the value is left as it is. */
const takes = (schema: Schema, value: unknown): boolean => schema['~run']({ value }, {}).issues === undefined

const answeredBy = (schema: Schema): readonly string[] => {
  const pipe = partOf(schema, 'pipe')
  if (!Array.isArray(pipe)) return []
  return pipe.flatMap((part: unknown): readonly string[] => {
    if (part !== schema && isSchema(part)) return answeredBy(part)
    const names = isRecord(part) && part.type === 'metadata' && isRecord(part.metadata) ? part.metadata[ANSWERED] : []
    return Array.isArray(names) ? names.map(String) : []
  })
}

const fieldsOf = (schema: Schema): Shape => {
  const entries = partOf(schema, 'entries')
  const known = new Map<string, Shape>()
  const nullless = new Set<string>()
  if (isRecord(entries))
    for (const [name, entry] of Object.entries(entries)) {
      if (!isSchema(entry)) continue
      known.set(name, shapeOf(entry))
      if (entry.type === 'optional' && !takes(entry, null)) nullless.add(name)
    }
  const rest = partOf(schema, 'rest')
  return {
    kind: 'fields',
    known,
    rest: isSchema(rest) ? shapeOf(rest) : schema.type === 'loose_object' ? OPEN : null,
    nullless,
  }
}

/** A shape that takes these names as well, unread. */
const alsoTaking = (shape: Shape, names: readonly string[]): Shape => {
  if (names.length === 0) return shape
  switch (shape.kind) {
    case 'fields':
      return { ...shape, known: new Map([...names.map((name): [string, Shape] => [name, OPEN]), ...shape.known]) }
    case 'choice':
      return { ...shape, options: shape.options.map((one) => ({ ...one, shape: alsoTaking(one.shape, names) })) }
    default:
      return shape
  }
}

const compile = (schema: Schema): Shape => {
  switch (schema.type) {
    case 'object':
    case 'strict_object':
    case 'loose_object':
    case 'object_with_rest':
      return fieldsOf(schema)
    case 'record': {
      const value = partOf(schema, 'value')
      return { kind: 'fields', known: new Map(), rest: isSchema(value) ? shapeOf(value) : OPEN, nullless: NO_NAMES }
    }
    case 'array': {
      const item = partOf(schema, 'item')
      return { kind: 'items', item: isSchema(item) ? shapeOf(item) : OPEN }
    }
    case 'union':
    case 'variant': {
      const options = partOf(schema, 'options')
      const schemas = Array.isArray(options) ? options.filter(isSchema) : []
      const key = partOf(schema, 'key')
      return {
        kind: 'choice',
        options: schemas.map((option) => ({ schema: option, shape: shapeOf(option) })),
        ...(typeof key === 'string' && { key }),
      }
    }
    case 'lazy': {
      const getter = partOf(schema, 'getter')
      return {
        kind: 'later',
        shape: () => {
          const inner = isFunction(getter) ? getter(undefined) : undefined
          return isSchema(inner) ? shapeOf(inner) : OPEN
        },
      }
    }
    default: {
      const wrapped = partOf(schema, 'wrapped')
      if (isSchema(wrapped)) return shapeOf(wrapped)
      return BLIND.has(schema.type) ? OPEN : SCALAR
    }
  }
}

const shapes = new WeakMap<Schema, Shape>()

/** The shape of a schema; of a pipe, that of what the pipe takes in. */
export const shapeOf = (schema: Schema): Shape => {
  const made = shapes.get(schema)
  if (made) return made
  const shape = alsoTaking(compile(schema), answeredBy(schema))
  shapes.set(schema, shape)
  return shape
}

/** The shape of a part of a request that a route says nothing of. */
export const NOTHING: Shape = { kind: 'fields', known: new Map(), rest: null, nullless: NO_NAMES }

type Issue = v.BaseIssue<unknown>

/** At most this many are told: a body may hold thousands. */
const MAX_FOUND = 50
/** Longer names are not compared. */
const MAX_COMPARED = 100

/** So many of the known names are told, where none is near. */
const MAX_NAMED = 20

const plain = (name: string): string => name.slice(0, MAX_COMPARED).toLowerCase().replace(/[_-]/g, '')

/** The known name that this one is a slip of: by no more than half of it. */
const nearest = (name: string, known: Iterable<string>): string | undefined => {
  let best: string | undefined
  let least = plain(name).length / 2
  for (const candidate of known) {
    const off = distance(plain(name), plain(candidate))
    if (off <= least && (best === undefined || off < least)) [best, least] = [candidate, off]
  }
  return best
}

const wordsFor = (name: string, known: ReadonlyMap<string, Shape>): string => {
  if (isUnsupported(name)) return 'is not supported'
  if (known.size === 0) return 'is not known: nothing is taken here'
  const near = nearest(name, known.keys())
  if (near !== undefined) return `is not known: did you mean '${near}'?`
  const names = [...known.keys()].slice(0, MAX_NAMED)
  return `is not known: what is taken here is ${names.join(', ')}${known.size > MAX_NAMED ? ' …' : ''}`
}

type Path = readonly v.UnknownPathItem[]

const step = (input: unknown, key: string | number, value: unknown): v.UnknownPathItem => ({
  type: 'unknown',
  origin: 'value',
  input,
  key,
  value,
})

const issueAt = ([first, ...others]: Path, value: unknown, message: string): Issue => ({
  kind: 'validation',
  type: 'unread',
  input: value,
  expected: null,
  received: 'unknown',
  message,
  ...(first ? { path: [first, ...others] } : {}),
})

const fits = ({ kind }: Shape, value: unknown): boolean =>
  kind === 'fields' ? isRecord(value) : kind === 'items' ? Array.isArray(value) : kind !== 'scalar'

/** Valibot takes a list for an object without names. An empty one says no more than `{}`, and is what PHP writes for that. */
const isFilledList = (value: unknown): boolean => Array.isArray(value) && value.length > 0

const isLeaf = ({ kind }: Shape): boolean => kind === 'open' || kind === 'scalar'

const resolved = (shape: Shape): Shape => (shape.kind === 'later' ? resolved(shape.shape()) : shape)

const NONE: readonly Issue[] = []

/** How far into a value the first issue lies. */
const depth = ([first]: readonly Issue[]): number => first?.path?.length ?? 0

/** What one of several forms leaves unread: of the form that takes the value, else of the one that reads the most of it. */
const walkChoice = (options: readonly Option[], value: unknown, path: Path): readonly Issue[] => {
  const possible = options.filter(({ shape }) => fits(resolved(shape), value))
  const chosen = possible.length > 1 ? possible.find(({ schema }) => takes(schema, value)) : possible[0]
  if (chosen) return walk(chosen.shape, value, path)
  if (possible.length === 0 && isFilledList(value)) return [issueAt(path, value, 'must be object')]
  const [least = NONE] = possible
    .map(({ shape }) => walk(shape, value, path))
    .sort((a, b) => a.length - b.length || depth(b) - depth(a))
  return least
}

const walkFields = ({ known, rest }: Fields, value: Record_, path: Path): readonly Issue[] => {
  let found: Issue[] | undefined
  for (const key in value) {
    const inner = value[key]
    const shape = known.get(key) ?? rest
    if ((shape && isLeaf(shape)) || inner === undefined) continue
    // A name of the contract with nothing said under it asks for nothing.
    if (shape === null && inner === null && isUnsupported(key)) continue
    const below = [...path, step(value, key, inner)]
    found ??= []
    if (shape) found.push(...walk(shape, inner, below))
    else found.push(issueAt(below, inner, wordsFor(key, known)))
    if (found.length >= MAX_FOUND) break
  }
  return found ?? NONE
}

const walk = (shape: Shape, value: unknown, path: Path): readonly Issue[] => {
  switch (shape.kind) {
    case 'open':
    case 'scalar':
      return NONE
    case 'fields':
      if (isRecord(value)) return walkFields(shape, value, path)
      return isFilledList(value) ? [issueAt(path, value, 'must be object')] : NONE
    case 'items': {
      if (!Array.isArray(value) || isLeaf(resolved(shape.item))) return NONE
      const found: Issue[] = []
      for (let key = 0; key < value.length && found.length < MAX_FOUND; key++)
        found.push(...walk(shape.item, value[key], [...path, step(value, key, value[key])]))
      return found
    }
    case 'choice':
      return typeof value === 'object' && value !== null ? walkChoice(shape.options, value, path) : NONE
    case 'later':
      return walk(shape.shape(), value, path)
    default:
      return shape satisfies never
  }
}

/** The option that a value says it is of. */
const optionOf = ({ options, key }: Choice, value: Record_): Shape | undefined =>
  key === undefined
    ? undefined
    : options.find(({ schema }) => {
        const entries = partOf(schema, 'entries')
        const said = isRecord(entries) ? entries[key] : undefined
        return isSchema(said) && takes(said, value[key])
      })?.shape

/**
 * A value without the nulls of what may be left out and knows no null: many clients write every field that they have. The same value
 * where there are none. Goes through it once.
 */
export const withoutNulls = (shape: Shape, value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value
  if (shape.kind === 'later') return withoutNulls(shape.shape(), value)
  if (shape.kind === 'items' && Array.isArray(value)) {
    const items = value.map((item) => withoutNulls(shape.item, item))
    return items.some((item, i) => item !== value[i]) ? items : value
  }
  if (!isRecord(value)) return value
  if (shape.kind === 'choice') {
    const option = optionOf(shape, value)
    return option ? withoutNulls(option, value) : value
  }
  if (shape.kind !== 'fields') return value
  let changed: Record<string, unknown> | undefined
  for (const key in value) {
    const inner = value[key]
    const below = shape.known.get(key)
    const kept = below ? withoutNulls(below, inner) : inner
    const isLeftOut = inner === null && shape.nullless.has(key)
    if (kept === inner && !isLeftOut) continue
    changed ??= { ...value }
    if (isLeftOut) delete changed[key]
    else changed[key] = kept
  }
  return changed ?? value
}

/** The names in a value that a shape does not read, each an issue at its path; at most about 50. Bounded by the value's size. */
export const unread = (shape: Shape, value: unknown): readonly Issue[] => walk(shape, value, [])

/** Whether a shape reads the place of a path (`order`, `items`, `[]`, `price`): for the API's own record of what it takes. */
export const reads = (shape: Shape, path: readonly string[]): boolean => {
  const [name, ...rest] = path
  if (name === undefined) return true
  switch (shape.kind) {
    case 'open':
      return true
    case 'scalar':
      return false
    case 'fields': {
      const inner = shape.known.get(name) ?? shape.rest
      return inner !== null && reads(inner, rest)
    }
    case 'items':
      return name === '[]' && reads(shape.item, rest)
    case 'choice':
      return shape.options.some((option) => reads(option.shape, path))
    case 'later':
      return reads(shape.shape(), path)
    default:
      return shape satisfies never
  }
}
