// What must not reach the client of the event store: inputs that break every append of the process, or that the server
// would refuse anyway.
import { errorText } from '../domain/errorText.ts'
import type { NewFact } from '../domain/recorded.ts'
import { AppendRefused } from './errors.ts'

/** The server's limit for one append: data, metadata and twice the type of every event together. */
export const MAX_APPEND_BYTES = 1024 * 1024
/** No append of this program comes near it; it bounds what one transaction of the log can hold. */
export const MAX_APPEND_FACTS = 10_000
const MAX_NAME = 500

// Printable ASCII only: another name in an error answer breaks the server's and the client's header handling.
const printable = /^[\x21-\x7e]+$/
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const nil = '00000000-0000-0000-0000-000000000000'

const isName = (name: string): boolean =>
  name.length > 0 && name.length <= MAX_NAME && !name.startsWith('$') && printable.test(name)

/** Whether a stream can have this name: others hold nothing, and are never asked for. */
export const isStreamName = isName

/** Throws AppendRefused for a name that is empty, too long, not printable ASCII, or reserved for the server. */
export const checkStream = (stream: string): void => {
  if (!isName(stream))
    throw new AppendRefused('bad_stream', `stream name ${JSON.stringify(stream.slice(0, 80))} cannot be used`)
}

/** A fact in the form that is sent: metadata as bytes, so that it is serialised once. */
export interface SentFact {
  readonly id: string
  readonly type: string
  readonly data: Record<string, unknown>
  readonly metadata: Uint8Array
}

const encoder = new TextEncoder()

/** bigint, a cycle: what cannot be written as JSON would fail inside the client after a part was sent. */
const jsonOf = (type: string, value: object): string => {
  try {
    return JSON.stringify(value)
  } catch (error) {
    throw new AppendRefused('malformed', `${type}: ${errorText(error)}`)
  }
}

const toSend = ({ id, type, data, metadata }: NewFact): { sent: SentFact; bytes: number } => {
  if (!isName(type))
    throw new AppendRefused('bad_type', `fact type ${JSON.stringify(type.slice(0, 80))} cannot be used`)
  if (!uuid.test(id) || id === nil)
    throw new AppendRefused('bad_id', `fact id ${JSON.stringify(id.slice(0, 80))} is no UUID`)
  if (data === null || typeof data !== 'object') throw new AppendRefused('malformed', `${type}: the data is no object`)
  const text = jsonOf(type, data)
  const meta = encoder.encode(jsonOf(type, metadata))
  return {
    sent: { id, type, data: data as Record<string, unknown>, metadata: meta },
    bytes: Buffer.byteLength(text) + meta.length + 2 * type.length,
  }
}

export interface CheckedAppend {
  readonly facts: readonly SentFact[]
  readonly bytes: number
}

/** Checks one append and gives what is to be sent. Throws AppendRefused. */
export const checkAppend = (stream: string, facts: readonly NewFact[]): CheckedAppend => {
  checkStream(stream)
  if (facts.length === 0) throw new AppendRefused('empty', 'an append needs at least one fact')
  if (facts.length > MAX_APPEND_FACTS)
    throw new AppendRefused('too_many', `${facts.length} facts in one append, at most ${MAX_APPEND_FACTS}`)
  let bytes = 0
  const ids = new Set<string>()
  const all = facts.map((fact) => {
    const { sent, bytes: size } = toSend(fact)
    bytes += size
    ids.add(fact.id.toLowerCase())
    return sent
  })
  if (bytes > MAX_APPEND_BYTES)
    throw new AppendRefused('too_large', `${bytes} bytes in one append, at most ${MAX_APPEND_BYTES}`)
  if (ids.size !== facts.length) throw new AppendRefused('duplicate_id', 'two facts of one append have the same id')
  return { facts: all, bytes }
}
