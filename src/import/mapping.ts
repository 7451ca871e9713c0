// The mapping: which columns of a file become an event's customer, id, time and metadata.
import { createHash } from 'node:crypto'
import { DateTime } from 'luxon'
import * as v from 'valibot'
import { InputError } from './errors.ts'
import type { SourceRecord } from './records.ts'
import {
  isAbsent,
  JSON_FORMAT,
  parseInstant,
  parseValue,
  THOUSANDS_SIGNS,
  VALUE_TYPES,
  type ValueFormat,
  type ValueType,
} from './values.ts'

const name = v.pipe(v.string(), v.minLength(1), v.maxLength(300))

const Property = v.union(
  [
    v.picklist(VALUE_TYPES),
    v.strictObject({
      /** The column; else the one named like the property. */
      column: v.optional(name),
      type: v.optional(v.picklist(VALUE_TYPES)),
      /** False: a record without it is refused. */
      optional: v.optional(v.boolean()),
      /** Digits of the minor unit of money, default 2. */
      decimals: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(4))),
      /** Of dates and times, default `iso`. */
      format: v.optional(name),
    }),
  ],
  `must be a type (${VALUE_TYPES.join(', ')}) or an object of column, type, optional, decimals, format`,
)
type Property = v.InferOutput<typeof Property>

const properties = v.record(name, Property)

const timeZone = v.pipe(
  v.string(),
  v.check((zone) => DateTime.utc().setZone(zone).isValid, 'must be an IANA time zone such as Europe/Warsaw'),
)

export const PROFILE_TEXTS = ['source_id', 'name', 'description', 'email', 'phone', 'birthdate'] as const

export const ADDRESS_TEXTS = ['city', 'state', 'line_1', 'line_2', 'country', 'postal_code'] as const

export const Customer = v.strictObject({
  source_id: name,
  name: v.optional(name),
  description: v.optional(name),
  email: v.optional(name),
  phone: v.optional(name),
  birthdate: v.optional(name),
  address: v.optional(
    v.strictObject({
      city: v.optional(name),
      state: v.optional(name),
      line_1: v.optional(name),
      line_2: v.optional(name),
      country: v.optional(name),
      postal_code: v.optional(name),
    }),
    {},
  ),
  metadata: v.optional(properties, {}),
})

/** A mapping file: JSON of this form. Names of columns are those of the header, or of a record's keys (`a.b` reaches in). */
export const MappingFile = v.strictObject({
  /** What the events are called, or the column that says it. */
  event: v.optional(v.union([name, v.strictObject({ column: name })], 'must be a name or { column }')),
  /** The column of the customer's `source_id`, or columns of the profile. */
  customer: v.optional(v.union([name, Customer], 'must be a column, or an object with source_id and profile columns')),
  /** The columns whose values, joined by `-`, name an event. */
  id: v.optional(v.union([name, v.pipe(v.array(name), v.minLength(1))], 'must be a column or a list of columns')),
  /** Put before the id; default: the event's name and `-`, so that the events of one order under two names differ. */
  id_prefix: v.optional(v.pipe(v.string(), v.maxLength(100))),
  occurred_at: v.optional(
    v.union(
      [name, v.strictObject({ column: name, format: v.optional(name) })],
      'must be a column or { column, format }',
    ),
  ),
  metadata: v.optional(properties),
  /** The column that holds an object (in CSV its JSON) of metadata; properties of their own go before what it says. */
  metadata_column: v.optional(name),
  /** Every column that nothing else uses becomes metadata; default: only where neither `metadata` nor `metadata_column` is given. */
  rest: v.optional(v.boolean()),
  /** Of times that name no zone, default UTC. */
  time_zone: v.optional(timeZone),
  decimal_sign: v.optional(v.picklist(['.', ','])),
  /** Between the thousands of numbers; default: none, and in money whatever can be nothing else (`1,234.50`). */
  thousands_sign: v.optional(v.picklist(THOUSANDS_SIGNS)),
})
export type MappingFile = v.InferOutput<typeof MappingFile>

/** The columns taken where neither option nor mapping names one and the file has them. */
export const DEFAULT_CUSTOMER_COLUMN = 'source_id'
export const DEFAULT_TIME_COLUMN = 'occurred_at'

interface Field {
  readonly property: string
  readonly column: string
  readonly optional: boolean
  readonly format: ValueFormat
}

/** A mapping with every default filled in. */
export interface Mapping {
  readonly event: string | { readonly column: string }
  /** Texts of the profile by property; those of the address are in it. */
  readonly profile: readonly { readonly property: string; readonly column: string; readonly isOfAddress: boolean }[]
  readonly profileMetadata: readonly Field[]
  readonly id: readonly string[]
  /** Put before the ids; undefined: the event's name. */
  readonly idPrefix: string | undefined
  readonly time:
    | { readonly column: string; readonly format: string; readonly timeZone: string; readonly optional: boolean }
    | undefined
  readonly metadata: readonly Field[]
  /** The column of an object that is metadata. */
  readonly metadataColumn: string | undefined
  /** JSON records: keys that nothing uses become metadata as they are. */
  readonly openRest: boolean
}

/** Parses the text of a mapping file. Throws `InputError` naming what is wrong. */
export const parseMappingFile = (path: string, text: string): MappingFile => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new InputError(`Mapping ${path} is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  const parsed = v.safeParse(MappingFile, value)
  if (parsed.success) return parsed.output
  const said = parsed.issues.map((issue) => `  ${v.getDotPath(issue) ?? 'mapping'}: ${issue.message}`)
  throw new InputError(`Mapping ${path} cannot be used:\n${said.join('\n')}`)
}

const COLUMN_SPEC = /^([^:=]+)(?::([^:=]+))?(?:=([^:=]+))?$/

/**
 * Reads `COLUMN[:TYPE][=PROPERTY]`, comma-separated, with `*` for all other columns:
 * `quantity:number,sales_value:money=amount,*`.
 */
export const parseMetadataOption = (text: string): Pick<MappingFile, 'metadata' | 'rest'> => {
  const metadata: Record<string, Property> = {}
  let rest = false
  for (const spec of text.split(',').map((part) => part.trim())) {
    if (spec === '*') rest = true
    else {
      const [, column, type = 'string', property = column] = COLUMN_SPEC.exec(spec) ?? []
      const known = VALUE_TYPES.find((one) => one === type)
      if (column === undefined || property === undefined)
        throw new InputError(`--metadata: ${JSON.stringify(spec)} is not of the form COLUMN[:TYPE][=PROPERTY]`)
      if (known === undefined)
        throw new InputError(`--metadata: there is no type ${JSON.stringify(type)}; types: ${VALUE_TYPES.join(', ')}`)
      if (Object.hasOwn(metadata, property))
        throw new InputError(`--metadata: the property ${JSON.stringify(property)} is named twice`)
      metadata[property] = { column, type: known }
    }
  }
  return { metadata, rest }
}

const field = (property: string, given: Property, file: MappingFile, fallback: ValueType): Field => {
  const spec = typeof given === 'string' ? { type: given } : given
  return {
    property,
    column: spec.column ?? property,
    optional: spec.optional ?? true,
    format: {
      type: spec.type ?? fallback,
      decimals: spec.decimals ?? 2,
      format: spec.format ?? 'iso',
      timeZone: file.time_zone ?? 'UTC',
      decimalSign: file.decimal_sign ?? '.',
      thousandsSign: file.thousands_sign,
    },
  }
}

const checkColumns = (used: readonly string[], columns: readonly string[]): void => {
  const missing = [...new Set(used)].filter((column) => !columns.includes(column))
  if (missing.length === 0) return
  const words = missing.map((column) => JSON.stringify(column)).join(', ')
  throw new InputError(
    `The file has no column ${words}. Its columns: ${columns.join(', ')}. ` +
      'Name others with --customer, --time, --id, --metadata or a mapping file.',
  )
}

/**
 * Fills in the defaults and checks every column against the file's header (`columns` undefined: records name their own
 * fields). Throws `InputError`.
 */
export const completeMapping = (file: MappingFile, columns: readonly string[] | undefined): Mapping => {
  if (file.event === undefined)
    throw new InputError('Say what the events are called: --event NAME, or --event-column COLUMN that says it')
  const eventColumn = typeof file.event === 'object' ? [file.event] : []
  const metadataColumn = file.metadata_column === undefined ? [] : [{ column: file.metadata_column }]
  const customer =
    typeof file.customer === 'object'
      ? file.customer
      : v.parse(Customer, { source_id: file.customer ?? DEFAULT_CUSTOMER_COLUMN })
  const given = file.occurred_at
  const time =
    given === undefined
      ? columns === undefined || columns.includes(DEFAULT_TIME_COLUMN)
        ? { column: DEFAULT_TIME_COLUMN }
        : undefined
      : typeof given === 'string'
        ? { column: given }
        : given
  const fallback: ValueType = columns === undefined ? 'any' : 'string'
  const fields = (given: MappingFile['metadata']) =>
    Object.entries(given ?? {}).map(([property, spec]) => field(property, spec, file, fallback))
  const profile = [
    ...PROFILE_TEXTS.map((property) => ({ property, column: customer[property], isOfAddress: false })),
    ...ADDRESS_TEXTS.map((property) => ({ property, column: customer.address[property], isOfAddress: true })),
  ].flatMap(({ column, ...text }) => (column === undefined ? [] : [{ ...text, column }]))
  const profileMetadata = fields(customer.metadata)
  const named = fields(file.metadata)
  const id = file.id === undefined ? [] : typeof file.id === 'string' ? [file.id] : file.id
  const used = [
    ...eventColumn,
    ...profile,
    ...profileMetadata,
    ...named,
    ...metadataColumn,
    ...(time ? [time] : []),
  ].map(({ column }) => column)
  if (columns) checkColumns([...used, ...id], columns)
  const rest = file.rest ?? (file.metadata === undefined && file.metadata_column === undefined)
  const others = rest && columns ? columns.filter((column) => !used.includes(column)) : []
  const clash = others.find((column) => named.some(({ property }) => property === column))
  if (clash !== undefined)
    throw new InputError(`The column ${JSON.stringify(clash)} and a mapped property have one name; map it by name too`)
  return {
    event: file.event,
    profile,
    profileMetadata,
    id,
    // An id that names the event by its column needs no other name before it.
    idPrefix: file.id_prefix ?? (eventColumn.some(({ column }) => id.includes(column)) ? '' : undefined),
    time: time && {
      column: time.column,
      format: ('format' in time && time.format) || 'iso',
      timeZone: file.time_zone ?? 'UTC',
      optional: given === undefined,
    },
    metadata: [...named, ...others.map((column) => field(column, 'string', file, fallback))],
    metadataColumn: file.metadata_column,
    openRest: rest && columns === undefined,
  }
}

/** The body of one tracked event, as `POST /v1/events/batch` takes it. */
export interface EventBody {
  readonly event: string
  readonly customer: { readonly source_id: string } & Readonly<Record<string, unknown>>
  readonly id: string
  readonly occurred_at?: string
  readonly metadata: Readonly<Record<string, unknown>>
}

export type Mapped =
  | { readonly ok: true; readonly body: EventBody }
  | { readonly ok: false; readonly faults: readonly string[] }

/** The value of a column: the record's own key of that name, else a path through its objects. */
const at = (fields: Readonly<Record<string, unknown>>, column: string): unknown => {
  if (Object.hasOwn(fields, column)) return fields[column]
  let value: unknown = fields
  for (const key of column.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Readonly<Record<string, unknown>>)[key]
  }
  return value
}

/**
 * The id of an event whose record has none of its own: from its name, the record's line and what the record says. The
 * same file gives the same ids whenever and however often it is read, also after lines were added at its end or the
 * mapping was mended; two equal lines are two events.
 */
export const idOfRecord = (event: string, { line, content }: Pick<SourceRecord, 'line' | 'content'>): string =>
  `imp_${createHash('sha256')
    .update(JSON.stringify([event, line, content]))
    .digest('base64url')
    .slice(0, 32)}`

const MAX_ID = 255

const eventOf = ({ event }: Mapping, fields: Readonly<Record<string, unknown>>, faults: string[]): string => {
  if (typeof event === 'string') return event
  const raw = at(fields, event.column)
  if (isAbsent(raw) || typeof raw === 'object') faults.push(`${event.column}: an event's name must not be empty`)
  return String(raw).trim()
}

const idOf = (
  mapping: Mapping,
  event: string,
  record: SourceRecord,
  fields: Readonly<Record<string, unknown>>,
  faults: string[],
): string => {
  if (mapping.id.length === 0) return idOfRecord(event, record)
  const parts = mapping.id.map((column) => {
    const raw = at(fields, column)
    if (isAbsent(raw) || typeof raw === 'object') faults.push(`${column}: an event's id must not be empty`)
    return String(raw).trim()
  })
  const id = (mapping.idPrefix ?? `${event}-`) + parts.join('-')
  if (id.length > MAX_ID) faults.push(`${mapping.id.join(', ')}: an event's id has at most ${MAX_ID} characters`)
  return id
}

const valuesOf = (
  fields: Readonly<Record<string, unknown>>,
  wanted: readonly Field[],
  faults: string[],
): Record<string, unknown> => {
  const values: Record<string, unknown> = {}
  for (const { property, column, optional, format } of wanted) {
    const raw = at(fields, column)
    if (isAbsent(raw)) {
      if (!optional) faults.push(`${column}: must not be empty`)
      continue
    }
    const parsed = parseValue(raw, format)
    if (parsed.ok) values[property] = parsed.value
    else faults.push(`${column}: ${parsed.fault}`)
  }
  return values
}

const profileOf = (
  mapping: Mapping,
  fields: Readonly<Record<string, unknown>>,
  faults: string[],
): EventBody['customer'] => {
  const profile: Record<string, unknown> = {}
  const address: Record<string, unknown> = {}
  for (const { property, column, isOfAddress } of mapping.profile) {
    const raw = at(fields, column)
    if (typeof raw === 'object' && raw !== null) faults.push(`${column}: must be a text`)
    else if (!isAbsent(raw)) (isOfAddress ? address : profile)[property] = String(raw).trim()
    else if (property === 'source_id') faults.push(`${column}: a customer's source_id must not be empty`)
  }
  const metadata = valuesOf(fields, mapping.profileMetadata, faults)
  return {
    source_id: '',
    ...profile,
    ...(Object.keys(address).length > 0 ? { address } : {}),
    ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
  }
}

/** The keys of a JSON record that no part of the mapping reads from. */
const restOf = (mapping: Mapping, fields: Readonly<Record<string, unknown>>): Record<string, unknown> => {
  const { event, metadataColumn, time } = mapping
  const columns = [
    ...[...mapping.profile, ...mapping.profileMetadata, ...mapping.metadata].map(({ column }) => column),
    ...(typeof event === 'object' ? [event.column] : []),
    ...(metadataColumn === undefined ? [] : [metadataColumn]),
    ...(time ? [time.column] : []),
  ]
  const used = new Set(columns.map((column) => (Object.hasOwn(fields, column) ? column : column.split('.')[0]!)))
  return Object.fromEntries(Object.entries(fields).filter(([key, value]) => !used.has(key) && !isAbsent(value)))
}

/** The object that a column holds: as it is in a JSON record, as JSON in a text. */
const objectIn = (
  column: string | undefined,
  fields: Readonly<Record<string, unknown>>,
  faults: string[],
): Readonly<Record<string, unknown>> => {
  const raw = column === undefined ? undefined : at(fields, column)
  if (isAbsent(raw)) return {}
  const parsed = parseValue(raw, JSON_FORMAT)
  const value = parsed.ok ? parsed.value : undefined
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  faults.push(`${column}: ${parsed.ok ? 'is not a JSON object' : parsed.fault}`)
  return {}
}

/** The event that a record becomes, or everything that is wrong with it. Values that are absent are left out. */
export const mapRecord = (mapping: Mapping, record: SourceRecord): Mapped => {
  const { fields } = record
  if (fields === undefined) return { ok: false, faults: [record.fault ?? 'cannot be read'] }
  const faults: string[] = []
  const customer = profileOf(mapping, fields, faults)
  const event = eventOf(mapping, fields, faults)
  const id = idOf(mapping, event, record, fields, faults)
  const named = valuesOf(fields, mapping.metadata, faults)
  const metadata = {
    ...(mapping.openRest ? restOf(mapping, fields) : {}),
    ...objectIn(mapping.metadataColumn, fields, faults),
    ...named,
  }
  const raw = mapping.time && at(fields, mapping.time.column)
  let occurredAt: string | undefined
  if (mapping.time && !isAbsent(raw)) {
    const instant = parseInstant(String(raw).trim(), mapping.time)
    if (instant.ok) occurredAt = new Date(instant.value).toISOString()
    else faults.push(`${mapping.time.column}: ${instant.fault}`)
  } else if (mapping.time && !mapping.time.optional) faults.push(`${mapping.time.column}: must not be empty`)
  if (faults.length > 0) return { ok: false, faults }
  return {
    ok: true,
    body: {
      event,
      customer,
      id,
      ...(occurredAt === undefined ? {} : { occurred_at: occurredAt }),
      metadata,
    },
  }
}

const SCHEMA_TYPES: Readonly<Record<Exclude<ValueType, 'json' | 'any'>, string>> = {
  string: 'string',
  number: 'number',
  money: 'number',
  boolean: 'boolean',
  date: 'date',
  datetime: 'datetime',
}

/** The event schema that a mapping's events keep to; columns of type `json` or `any` are left open. */
export const schemaOf = (name: string, mapping: Mapping) => ({
  name,
  schema: {
    properties: Object.fromEntries(
      mapping.metadata.flatMap(({ property, optional, format: { type } }) =>
        type === 'json' || type === 'any' ? [] : [[property, { type: SCHEMA_TYPES[type], optional }]],
      ),
    ),
  },
})
