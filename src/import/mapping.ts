// The mapping: which columns of a file become an event's customer, id, time and metadata.
import * as v from 'valibot'
import { InputError } from './errors.ts'
import {
  ADDRESS_TEXTS,
  Customer,
  DEFAULT_CUSTOMER_COLUMN,
  DEFAULT_TIME_COLUMN,
  type MappingFile,
  type OwnMapping,
  PROFILE_TEXTS,
  type Property,
} from './mappingFile.ts'
import type { ValueFormat, ValueType } from './values.ts'

export interface Field {
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
  /** Columns that go into the profile as they are; a text of `unsubscribed` is a list. */
  readonly asIs: readonly string[]
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
export const completeMapping = (file: OwnMapping, columns: readonly string[] | undefined): Mapping => {
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
  const asIs = file.as_is ?? []
  const id = file.id === undefined ? [] : typeof file.id === 'string' ? [file.id] : file.id
  const used = [...eventColumn, ...profile, ...profileMetadata, ...named, ...metadataColumn, ...(time ? [time] : [])]
    .map(({ column }) => column)
    .concat(asIs)
  if (columns) checkColumns([...used, ...id], columns)
  const rest = file.rest ?? (file.metadata === undefined && file.metadata_column === undefined)
  const others = rest && columns ? columns.filter((column) => !used.includes(column)) : []
  const clash = others.find((column) => named.some(({ property }) => property === column))
  if (clash !== undefined)
    throw new InputError(`The column ${JSON.stringify(clash)} and a mapped property have one name; map it by name too`)
  return {
    event: file.event,
    profile,
    asIs,
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
