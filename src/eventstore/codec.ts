// The codec at the boundary to the log: which fact types exist, what shape their data has, and how old shapes become today's.
import * as v from 'valibot'
import type { FactMetadata, NewFact, RecordedFact } from '../domain/recorded.ts'
import { AppendRefused, MalformedFact } from './errors.ts'

/** Turns data of one schema version into data of the next. */
export type Upcaster = (data: unknown) => unknown

export interface FactSpec {
  readonly schema: v.GenericSchema
  /** The version of `schema`, from 1. */
  readonly version: number
  /** By the version they start from: `upcasters[1]` makes version 2 of version 1. One for each version below the newest. */
  readonly upcasters?: Readonly<Record<number, Upcaster>>
  /** What is read instead of recorded data that does not fit; undefined, or without it: the fact is malformed. */
  readonly unfit?: (data: unknown, error: string) => unknown
}

export type FactRegistry = Readonly<Record<string, FactSpec>>

/** An event as it came from the log, before anybody looked at its data. */
export interface RawRecord {
  readonly stream: string
  readonly revision: bigint
  readonly position: bigint
  readonly id: string
  readonly type: string
  readonly data: unknown
  readonly metadata: unknown
  readonly created: number
}

export interface Codec {
  readonly types: readonly string[]
  /** Fits the data to the schema and notes the schema's version; throws AppendRefused when it does not fit. */
  encode(fact: NewFact): NewFact
  /** undefined: a type that this program does not know. Throws MalformedFact when the data does not fit. */
  decode(record: RawRecord): RecordedFact | undefined
}

interface Compiled {
  readonly version: number
  readonly parse: (data: unknown) => v.SafeParseResult<v.GenericSchema>
  readonly upcasters: Readonly<Record<number, Upcaster>>
  readonly unfit: FactSpec['unfit']
}

const whatIsWrong = (issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]]): string =>
  issues
    .slice(0, 3)
    .map((issue) => `${v.getDotPath(issue) ?? 'data'}: ${issue.message}`)
    .join('; ')

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)

const NO_METADATA: FactMetadata = { $correlationId: '' }

/** Metadata is the log's own envelope: what other programs wrote there is kept, and a foreign shape is no reason to fail. */
const metadataOf = (metadata: unknown): FactMetadata => {
  if (!isRecord(metadata)) return NO_METADATA
  return typeof metadata.$correlationId === 'string'
    ? (metadata as unknown as FactMetadata)
    : { ...metadata, $correlationId: '' }
}

/**
 * A codec for the fact types of the registry. Decoding costs one schema parse a fact: it is the hot path of a rebuild, so
 * parsers are made once and stop at the first issue.
 */
export const createCodec = (registry: FactRegistry): Codec => {
  const known = new Map<string, Compiled>()
  for (const [type, { schema, version, upcasters = {}, unfit }] of Object.entries(registry)) {
    for (let from = 1; from < version; from++)
      if (!upcasters[from]) throw new Error(`fact type ${type}: no upcaster from version ${from}, newest is ${version}`)
    known.set(type, { version, parse: v.safeParser(schema, { abortEarly: true }), upcasters, unfit })
  }

  const decodeKnown = (record: RawRecord, spec: Compiled): RecordedFact => {
    const { stream, revision, position, id, type, created } = record
    const metadata = metadataOf(record.metadata)
    const recorded = (data: unknown): RecordedFact => ({
      stream,
      revision,
      position,
      id,
      type,
      data,
      metadata,
      created,
    })
    const wrong = (why: string): RecordedFact => {
      const instead = spec.unfit?.(record.data, why)
      if (instead === undefined) throw new MalformedFact({ stream, revision, position, id, type, error: why })
      return recorded(instead)
    }
    const written = metadata.schemaVersion ?? 1
    let data = record.data
    if (written !== spec.version) {
      if (!Number.isInteger(written) || written < 1) return wrong(`schema version ${written}`)
      if (written > spec.version)
        return wrong(`schema version ${written} is newer than ${spec.version}, the newest known`)
      try {
        for (let from = written; from < spec.version; from++) data = spec.upcasters[from]!(data)
      } catch (error) {
        return wrong(`upcast from version ${written}: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
    const parsed = spec.parse(data)
    return parsed.success ? recorded(parsed.output) : wrong(whatIsWrong(parsed.issues))
  }

  return {
    types: [...known.keys()],
    encode(fact) {
      const spec = known.get(fact.type)
      if (!spec) throw new AppendRefused('unknown_type', `fact type "${fact.type}" is not known`)
      const parsed = spec.parse(fact.data)
      if (!parsed.success) throw new AppendRefused('malformed', `${fact.type}: ${whatIsWrong(parsed.issues)}`)
      return { ...fact, data: parsed.output, metadata: { ...fact.metadata, schemaVersion: spec.version } }
    },
    decode(record) {
      const spec = known.get(record.type)
      return spec === undefined ? undefined : decodeKnown(record, spec)
    },
  }
}
