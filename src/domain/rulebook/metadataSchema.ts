// Metadata schemas: what the metadata of a kind of resource holds, each property with its type and bounds.

import * as v from 'valibot'
import { isRecord } from '../isRecord.ts'
import { name300 } from '../name.ts'
import { type Refused, refuse } from '../refusal.ts'
import { isDate, isDateTime } from './eventSchema.ts'
import type { Definitions, Entry, Kind } from './kind.ts'

const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1_000_000))
const values = v.pipe(v.array(v.union([v.string(), v.number()])), v.maxLength(1_000))

export const MetadataProperty = v.object({
  type: v.picklist(['string', 'number', 'object', 'date', 'datetime', 'geopoint', 'boolean', 'image_url']),
  /** False: a new resource must have it. */
  optional: v.optional(v.boolean(), true),
  /** True: the value is an array of the type. */
  array: v.optional(v.boolean(), false),
  /** True: kept for the record, no longer checked. */
  deleted: v.optional(v.boolean(), false),
  /** Of an `object`: the name of the schema that it has, as a schema's `related_object`. */
  object_type: v.nullish(v.pipe(v.string(), v.maxLength(300))),
  min_length: v.nullish(count),
  max_length: v.nullish(count),
  exact_length: v.nullish(count),
  eq: v.nullish(values),
  ne: v.nullish(values),
  lt: v.nullish(v.number()),
  lte: v.nullish(v.number()),
  gt: v.nullish(v.number()),
  gte: v.nullish(v.number()),
})
export type MetadataProperty = v.InferOutput<typeof MetadataProperty>

/** The HTTP contract's bound on definitions in one schema. */
const MAX_PROPERTIES = 100
/** Objects within one another that are followed. */
const MAX_DEPTH = 5
/** Faults of one resource that are told. */
const MAX_FAULTS = 20
/** Values and properties that are looked at in one resource: some thousandths of a second. */
const MAX_STEPS = 50_000

export const MetadataSchema = v.object({
  /** The kind of resource, such as `customer`; another name is a schema for objects within metadata. */
  related_object: name300,
  /** True: properties that are not named are refused. */
  allow_defined_only: v.optional(v.boolean(), false),
  properties: v.pipe(
    v.record(name300, MetadataProperty),
    v.check((p) => Object.keys(p).length <= MAX_PROPERTIES, `must NOT have more than ${MAX_PROPERTIES} properties`),
  ),
})
export type MetadataSchema = v.InferOutput<typeof MetadataSchema>

export const metadataSchemaKind: Kind<MetadataSchema> = {
  fact: 'MetadataSchema',
  prefix: 'ms',
  resource: 'metadata_schema',
  schema: MetadataSchema,
  uniqueName: (definition) => definition.related_object,
  check: (_, { properties }) =>
    Object.entries(properties).flatMap(([name, { type, object_type: of }]) =>
      of && type !== 'object' ? [{ path: `properties.${name}.object_type`, message: 'goes with the type object' }] : [],
    ),
  uses: () => [],
}

/** The schema of a kind of resource; undefined where there is none. */
const metadataSchemaOf = ({ entries }: Definitions, relatedObject: string): Entry<MetadataSchema> | undefined => {
  const all = (entries.metadataSchema ?? new Map()) as ReadonlyMap<string, Entry<MetadataSchema>>
  for (const entry of all.values())
    if (entry.definition.related_object === relatedObject) return entry.off === undefined ? entry : undefined
  return undefined
}

type Type = MetadataProperty['type']

const isPlace = (value: unknown): boolean =>
  isRecord(value) &&
  [value.lat ?? value.latitude, value.lon ?? value.lng ?? value.longitude].every((n) => typeof n === 'number')

const isUrl = (value: unknown): boolean => typeof value === 'string' && /^https?:\/\/\S+$/i.test(value)

const TYPES: Readonly<Record<Type, readonly [word: string, fits: (value: unknown) => boolean]>> = {
  string: ['a string', (value) => typeof value === 'string'],
  number: ['a number', (value) => typeof value === 'number' && Number.isFinite(value)],
  boolean: ['a boolean', (value) => typeof value === 'boolean'],
  date: ['a date (YYYY-MM-DD)', (value) => typeof value === 'string' && isDate(value)],
  datetime: [
    'a date and time (ISO 8601)',
    (value) => typeof value === 'string' && (isDateTime(value) || isDate(value)),
  ],
  image_url: ['a URL', isUrl],
  geopoint: ['a place (lat and lon)', isPlace],
  object: ['an object', isRecord],
}

/** Values to compare with, as sets: made once for each list of a definition. */
const sets = new WeakMap<readonly unknown[], ReadonlySet<unknown>>()
const setOf = (list: readonly unknown[]): ReadonlySet<unknown> => {
  const known = sets.get(list)
  if (known) return known
  const made = new Set(list)
  sets.set(list, made)
  return made
}

/** Characters of a list of values that are told. */
const MAX_LISTED = 1_000
const listed = (list: readonly unknown[]): string => {
  const text = list.join(',')
  return text.length > MAX_LISTED ? `${text.slice(0, MAX_LISTED)}…` : text
}

/** Why a value is not within the bounds of its property, in the contract's words. */
const boundFaults = (property: MetadataProperty, value: unknown): readonly string[] => {
  const { eq, ne, lt, lte, gt, gte, min_length: min, max_length: max, exact_length: exact } = property
  const faults: string[] = []
  const must = (holds: boolean, words: string): void => {
    if (!holds) faults.push(`must ${words}`)
  }
  // Told only where it is wrong: there may be a thousand values, and a hundred thousand to compare with them.
  if (eq && eq.length > 0 && !setOf(eq).has(value)) faults.push(`must be equal to one of ${listed(eq)}`)
  if (ne && setOf(ne).has(value)) faults.push(`must not be equal to any of ${listed(ne)}`)
  if (typeof value === 'number') {
    if (typeof lt === 'number') must(value < lt, `be less than ${lt}`)
    if (typeof lte === 'number') must(value <= lte, `be less than or equal to ${lte}`)
    if (typeof gt === 'number') must(value > gt, `be greater than ${gt}`)
    if (typeof gte === 'number') must(value >= gte, `be greater than or equal to ${gte}`)
  }
  if (typeof value === 'string') {
    if (typeof min === 'number') must(value.length >= min, `be at least ${min} characters long`)
    if (typeof max === 'number') must(value.length <= max, `be at most ${max} characters long`)
    if (typeof exact === 'number') must(value.length === exact, `be ${exact} characters long`)
  }
  return faults
}

const shown = (value: unknown): string => {
  const text = typeof value === 'string' ? `'${value}'` : (JSON.stringify(value) ?? 'nothing')
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}

interface Checking {
  /** Whether what is required must be there: what is only changed need not name it. */
  readonly isNew: boolean
  /** Before the names of the properties, in what is said of them. */
  readonly path: string
  readonly depth: number
  readonly steps: { left: number }
}

const faultsIn = (
  all: Definitions,
  { properties, allow_defined_only: isClosed }: MetadataSchema,
  metadata: Readonly<Record<string, unknown>>,
  { isNew, path, depth, steps }: Checking,
): readonly string[] => {
  const faults: string[] = []
  for (const [name, property] of Object.entries(properties)) {
    if (property.deleted) continue
    if (--steps.left < 0) return [`${path}${name}: there are more than ${MAX_STEPS} values to be checked`]
    const value = Object.hasOwn(metadata, name) ? metadata[name] : undefined
    if (value === undefined || value === null) {
      if (!property.optional && (isNew || value === null)) faults.push(`${path}${name}: property is required`)
      continue
    }
    if (property.array && !Array.isArray(value)) {
      faults.push(`${path}${name}: must be an array (actual value is ${shown(value)})`)
      continue
    }
    const [word, fits] = TYPES[property.type]
    const nested = property.object_type ? metadataSchemaOf(all, property.object_type) : undefined
    for (const one of property.array ? (value as readonly unknown[]) : [value]) {
      if (--steps.left < 0) return [`${path}${name}: there are more than ${MAX_STEPS} values to be checked`]
      const wrong = fits(one) ? boundFaults(property, one) : [`must be ${word}`]
      if (wrong.length > 0) faults.push(`${path}${name}: ${wrong.join(', ')} (actual value is ${shown(one)})`)
      else if (nested && depth < MAX_DEPTH && isRecord(one))
        faults.push(
          ...faultsIn(all, nested.definition, one, { isNew: true, path: `${path}${name}.`, depth: depth + 1, steps }),
        )
      if (faults.length >= MAX_FAULTS) return faults
    }
  }
  if (isClosed)
    for (const name of Object.keys(metadata))
      if (!Object.hasOwn(properties, name)) faults.push(`${path}${name}: property is not defined`)
  return faults.slice(0, MAX_FAULTS)
}

/**
 * Why a resource may not have this metadata, where there is a schema for its kind. `isNew`: what must be there has to be; else only
 * what is given is looked at.
 */
export const metadataRefused = (
  all: Definitions,
  resource: string,
  metadata: Readonly<Record<string, unknown>> | null | undefined,
  { isNew = true } = {},
): Refused | undefined => {
  const schema = metadataSchemaOf(all, resource)
  if (!schema || (!metadata && !isNew)) return undefined
  const faults = faultsIn(all, schema.definition, metadata ?? {}, {
    isNew,
    path: '',
    depth: 1,
    steps: { left: MAX_STEPS },
  })
  return faults.length > 0
    ? refuse('metadata_validation_failed', faults.join('; '), { resource: { type: 'metadata_schema', id: schema.id } })
    : undefined
}
