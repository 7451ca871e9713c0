// Event schemas: which custom events there are and what their metadata must hold.

import * as v from 'valibot'
import { name300 } from '../name.ts'
import type { Kind } from './kind.ts'

export const PropertyType = v.picklist(['string', 'number', 'boolean', 'date', 'datetime'])
export type PropertyType = v.InferOutput<typeof PropertyType>

export const Property = v.object({
  type: PropertyType,
  /** True: the value is an array of the type. */
  array: v.optional(v.boolean(), false),
  /** False: the property is mandatory. */
  optional: v.optional(v.boolean(), false),
  /** True: kept for the record, no longer checked. */
  deleted: v.optional(v.boolean(), false),
  /** True: it says something of a person, and goes when the person is erased. */
  personal: v.optional(v.boolean()),
})
export type Property = v.InferOutput<typeof Property>

/** The HTTP contract's bound on definitions in one schema. */
const MAX_PROPERTIES = 100

/** Names under `customer.` are those of internal events; a custom event may not pass for one. */
const INTERNAL_PREFIX = 'customer.'

export const EventSchema = v.object({
  name: name300,
  schema: v.object({
    properties: v.pipe(
      v.record(name300, Property),
      v.check((p) => Object.keys(p).length <= MAX_PROPERTIES, `must NOT have more than ${MAX_PROPERTIES} properties`),
    ),
  }),
})
export type EventSchema = v.InferOutput<typeof EventSchema>

export const eventSchemaKind: Kind<EventSchema> = {
  fact: 'EventSchema',
  prefix: 'ms',
  resource: 'custom_event_schema',
  schema: EventSchema,
  uniqueName: (definition) => definition.name,
  check: (_, definition) =>
    definition.name.startsWith(INTERNAL_PREFIX)
      ? [{ path: 'name', message: `must NOT begin with '${INTERNAL_PREFIX}': those are internal events` }]
      : [],
  uses: () => [],
}

const DATE = /^\d{4}-\d{2}-\d{2}$/
/** Days are judged by `isDate`; 24:00, which ISO 8601 had for the end of a day, is no time that conditions read. */
const DATE_TIME =
  /^\d{4}-\d{2}-\d{2}[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?$/i

/** Whether a text is a day of the calendar in ISO 8601 form (so not `2026-02-30`). */
export const isDate = (text: string): boolean => {
  if (!DATE.test(text)) return false
  const date = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
}

/** Whether a text is an ISO 8601 date and time, with or without a zone. */
export const isDateTime = (text: string): boolean => DATE_TIME.test(text) && isDate(text.slice(0, 10))

const fits = (type: PropertyType, value: unknown): boolean => {
  switch (type) {
    case 'string':
      return typeof value === 'string'
    case 'number':
      return typeof value === 'number' && Number.isFinite(value)
    case 'boolean':
      return typeof value === 'boolean'
    case 'date':
      return typeof value === 'string' && isDate(value)
    case 'datetime':
      return typeof value === 'string' && (isDateTime(value) || isDate(value))
    default:
      return type satisfies never
  }
}

const WORDS: Readonly<Record<PropertyType, string>> = {
  string: 'a string',
  number: 'a number',
  boolean: 'a boolean',
  date: 'a date (YYYY-MM-DD)',
  datetime: 'a date and time (ISO 8601)',
}

const shown = (value: unknown): string => {
  const text = typeof value === 'string' ? `'${value}'` : JSON.stringify(value)
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}

/** The properties that an event has and its schema calls personal. */
export const personalProperties = (
  schema: EventSchema,
  metadata: Readonly<Record<string, unknown>>,
): readonly string[] =>
  Object.entries(schema.schema.properties).flatMap(([name, { personal }]) =>
    personal && Object.hasOwn(metadata, name) ? [name] : [],
  )

/**
 * What is wrong with an event's metadata, a line a property, in the HTTP contract's words:
 * `stars: must be a number (actual value is '5')`. Properties that the schema does not name are let through.
 */
export const metadataFaults = (schema: EventSchema, metadata: Readonly<Record<string, unknown>>): readonly string[] => {
  const faults: string[] = []
  for (const [name, property] of Object.entries(schema.schema.properties)) {
    if (property.deleted) continue
    const value = Object.hasOwn(metadata, name) ? metadata[name] : undefined
    // What is wrong is kept longer than a person's data may be.
    const actual = (given: unknown): string => (property.personal ? '' : ` (actual value is ${shown(given)})`)
    if (value === undefined || value === null) {
      if (!property.optional) faults.push(`${name}: property is required`)
    } else if (property.array) {
      if (!Array.isArray(value)) faults.push(`${name}: must be an array${actual(value)}`)
      else {
        const at = value.findIndex((item) => !fits(property.type, item))
        if (at >= 0) faults.push(`${name}[${at}]: must be ${WORDS[property.type]}${actual(value[at])}`)
      }
    } else if (!fits(property.type, value)) {
      faults.push(`${name}: must be ${WORDS[property.type]}${actual(value)}`)
    }
  }
  return faults
}
