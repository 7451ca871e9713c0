// The mapping file of an import: what may stand in it, and what options on the command line say in its place.

import { DateTime } from 'luxon'
import * as v from 'valibot'
import { errorText } from '../domain/errorText.ts'
import { name300 } from '../domain/name.ts'
import { issuePath } from '../domain/path.ts'
import { InexactJson, parseExactly } from '../exactJson.ts'
import { InputError } from './errors.ts'
import { THOUSANDS_SIGNS, VALUE_TYPES } from './values.ts'

const name = name300

export const Property = v.union(
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

export type Property = v.InferOutput<typeof Property>

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

/** A mapping of which some columns are taken into the profile as they are, and said to be wrong by the server. */
export type OwnMapping = MappingFile & { readonly as_is?: readonly string[] }

/** The columns taken where neither option nor mapping names one and the file has them. */
export const DEFAULT_CUSTOMER_COLUMN = 'source_id'

export const DEFAULT_TIME_COLUMN = 'occurred_at'

/** Parses the text of a mapping file. Throws `InputError` naming what is wrong. */
export const parseMappingFile = (path: string, text: string): MappingFile => {
  let value: unknown
  try {
    value = parseExactly(text)
  } catch (error) {
    if (error instanceof InexactJson) throw new InputError(`Mapping ${path}: ${error.message}`)
    throw new InputError(`Mapping ${path} is not JSON: ${errorText(error)}`)
  }
  const parsed = v.safeParse(MappingFile, value)
  if (parsed.success) return parsed.output
  const said = parsed.issues.map((issue) => `  ${issuePath(issue) || 'mapping'}: ${issue.message}`)
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
