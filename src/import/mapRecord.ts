// What becomes of one record under a mapping: an event, or what is wrong with it.

import { createHash } from 'node:crypto'
import { isRecord } from '../domain/isRecord.ts'
import { listIn } from './csvColumns.ts'
import type { Field, Mapping } from './mapping.ts'
import type { SourceRecord } from './records.ts'
import { isAbsent, JSON_FORMAT, parseInstant, parseValue } from './values.ts'

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
  for (const name of mapping.asIs) {
    const raw = at(fields, name)
    if (isAbsent(raw)) continue
    if (name === 'unsubscribed' && typeof raw === 'string') profile[name] = listIn(raw)
    else if (name === 'address' && isRecord(raw)) {
      for (const [part, value] of Object.entries(raw)) if (!isAbsent(value)) address[part] ??= value
    } else profile[name] = raw
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
    ...mapping.asIs,
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
