// The codec at the boundary to the log: which fact types exist, what shape their data has, and how old shapes become today's.

import * as v from 'valibot'
import { errorText } from '../domain/errorText.ts'
import { customerOfStream } from '../domain/ids.ts'
import { issuePath } from '../domain/path.ts'
import type { PersonalParts } from '../domain/personal.ts'
import type { FactMetadata, NewFact, RecordedFact } from '../domain/recorded.ts'
import { AppendRefused, MalformedFact } from './errors.ts'
import { CUSTOMER_ERASED, Encrypted, KEY_TYPES, type KeyName, type Vault } from './personal.ts'

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
  /** What of it is a person's. */
  readonly personal?: PersonalParts
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
  /** Resolves once all keys are there that `encode` needs for these facts; undefined: they are. */
  prepareEncode?(stream: string, facts: readonly NewFact[]): Promise<void> | undefined
  /** Resolves once all keys are there, or known to be gone, that `decode` needs for these records; undefined: they are. */
  prepareDecode?(records: readonly RawRecord[]): Promise<void> | undefined
  /** Fits the data to the schema and notes the schema's version; throws AppendRefused when it does not fit. */
  encode(fact: NewFact, stream: string): NewFact
  /** Told of facts once they are in the log, the last of them at `revision` and `position`. */
  appended?(stream: string, facts: readonly NewFact[], at: Pick<RawRecord, 'revision' | 'position'>): void
  /** undefined: a type that this program does not know. Throws MalformedFact when the data does not fit. */
  decode(record: RawRecord): RecordedFact | undefined
}

interface Compiled {
  readonly version: number
  readonly parse: (data: unknown) => v.SafeParseResult<v.GenericSchema>
  readonly upcasters: Readonly<Record<number, Upcaster>>
  readonly unfit: FactSpec['unfit']
  readonly personal: PersonalParts | undefined
}

const whatIsWrong = (issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]]): string =>
  issues
    .slice(0, 3)
    .map((issue) => `${issuePath(issue) || 'data'}: ${issue.message}`)
    .join('; ')

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)

const Taken = v.record(v.string(), v.unknown())

const ownerOf = (personal: PersonalParts, stream: string, data: Record<string, unknown>): string | undefined =>
  personal.of ? personal.of(data) : customerOfStream(stream)

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
export const createCodec = (registry: FactRegistry, vault?: Vault): Codec => {
  const known = new Map<string, Compiled>()
  for (const [type, { schema, version, upcasters = {}, unfit, personal }] of Object.entries(registry)) {
    for (let from = 1; from < version; from++)
      if (!upcasters[from]) throw new Error(`fact type ${type}: no upcaster from version ${from}, newest is ${version}`)
    known.set(type, { version, parse: v.safeParser(schema, { abortEarly: true }), upcasters, unfit, personal })
  }

  /** Binds ciphertext to its type: a part of one fact is never read as a part of another kind. */
  const contextOf = (type: string, customer: string) => `${type} ${customer}`

  /** What is personal goes into the metadata as ciphertext; the data keeps the rest. */
  const apart = (
    type: string,
    stream: string,
    data: unknown,
    metadata: FactMetadata,
    personal: PersonalParts | undefined,
  ): Pick<NewFact, 'data' | 'metadata'> => {
    if (vault === undefined || personal === undefined || !isRecord(data)) return { data, metadata }
    const customer = ownerOf(personal, stream, data)
    const parts = customer === undefined ? undefined : personal.take(data)
    if (customer === undefined || parts === undefined) return { data, metadata }
    const encrypted = vault.encrypt(customer, JSON.stringify(parts.taken), contextOf(type, customer))
    return { data: parts.rest, metadata: { ...metadata, personal: encrypted } }
  }

  const withPersonal = (
    { type, stream, data }: RawRecord,
    { personal }: Compiled,
    kept: unknown,
  ): { readonly data: unknown; readonly isErased: boolean } | { readonly fault: string } => {
    const encrypted = v.safeParse(Encrypted, kept)
    const customer = personal && isRecord(data) ? ownerOf(personal, stream, data) : undefined
    if (!encrypted.success || personal === undefined || customer === undefined || !isRecord(data))
      return { fault: 'its personal part is of no form that is known' }
    if (vault === undefined) return { fault: 'its personal part is encrypted, and no master key is given' }
    try {
      const text = vault.decrypt(customer, encrypted.output, contextOf(type, customer))
      const taken = text === undefined ? undefined : v.parse(Taken, JSON.parse(text))
      return { data: personal.put(data, taken), isErased: taken === undefined }
    } catch (error) {
      return { fault: `its personal part cannot be read: ${errorText(error)}` }
    }
  }

  const decodeKnown = (record: RawRecord, spec: Compiled): RecordedFact => {
    const { stream, revision, position, id, type, created } = record
    let metadata = metadataOf(record.metadata)
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
    if (metadata.personal !== undefined) {
      const whole = withPersonal(record, spec, metadata.personal)
      if ('fault' in whole) return wrong(whole.fault)
      data = whole.data
      const { personal: _, ...others } = metadata
      metadata = whole.isErased ? { ...others, erased: true } : { ...others, $correlationId: metadata.$correlationId }
    }
    if (written !== spec.version) {
      if (!Number.isInteger(written) || written < 1) return wrong(`schema version ${written}`)
      if (written > spec.version)
        return wrong(`schema version ${written} is newer than ${spec.version}, the newest known`)
      try {
        for (let from = written; from < spec.version; from++) data = spec.upcasters[from]!(data)
      } catch (error) {
        return wrong(`upcast from version ${written}: ${errorText(error)}`)
      }
    }
    const parsed = spec.parse(data)
    return parsed.success ? recorded(parsed.output) : wrong(whatIsWrong(parsed.issues))
  }

  return {
    types: [...known.keys()],
    prepareEncode(stream, facts) {
      if (vault === undefined) return undefined
      const customers = new Set<string>()
      for (const { type, data } of facts) {
        const personal = known.get(type)?.personal
        const customer = personal && isRecord(data) ? ownerOf(personal, stream, data) : undefined
        if (customer !== undefined && personal?.holds(data as Record<string, unknown>)) customers.add(customer)
      }
      return customers.size === 0 ? undefined : vault.prepare([...customers])
    },
    prepareDecode(records) {
      if (vault === undefined) return undefined
      const keys: KeyName[] = []
      for (const { type, stream, data, metadata } of records) {
        if (!isRecord(metadata) || !isRecord(data)) continue
        const personal = known.get(type)?.personal
        const parsed = metadata.personal === undefined ? undefined : v.safeParse(Encrypted, metadata.personal)
        const customer = personal && ownerOf(personal, stream, data)
        if (parsed?.success && customer !== undefined) keys.push({ customer, key: parsed.output.key })
      }
      return keys.length === 0 ? undefined : vault.fetch(keys)
    },
    encode(fact, stream) {
      const spec = known.get(fact.type)
      if (!spec) throw new AppendRefused('unknown_type', `fact type "${fact.type}" is not known`)
      const parsed = spec.parse(fact.data)
      if (!parsed.success) throw new AppendRefused('malformed', `${fact.type}: ${whatIsWrong(parsed.issues)}`)
      const metadata = { ...fact.metadata, schemaVersion: spec.version }
      return { ...fact, ...apart(fact.type, stream, parsed.output, metadata, spec.personal) }
    },
    appended(stream, facts, { revision, position }) {
      // Nobody reads here what was appended here, and who comes back needs another key.
      for (const { type, data } of facts)
        if (type === CUSTOMER_ERASED) vault?.note({ type, stream, data, revision, position })
    },
    decode(record) {
      const spec = known.get(record.type)
      if (vault !== undefined && KEY_TYPES.has(record.type)) vault.note(record)
      return spec === undefined ? undefined : decodeKnown(record, spec)
    },
  }
}
