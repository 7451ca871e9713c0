// What the client asks: the request messages of the Streams service, read by hand.
import type { Expected } from './errors.ts'
import {
  type Cursor,
  cursorOf,
  eachField,
  MalformedMessage,
  readBytes,
  readMessage,
  readString,
  readUint64,
  readVarint,
} from './protobuf.ts'

/**
 * An event as it was proposed: where its parts lie in the message, which is the smallest that there can be thousands of at a time.
 * `id` is undefined when it is no UUID or the nil one.
 */
export class ProposedEvent {
  readonly id: string | undefined
  readonly type: string | undefined
  readonly contentType: string | undefined
  readonly dataSize: number
  readonly metadataSize: number
  readonly #message: Buffer
  readonly #dataAt: number
  readonly #metadataAt: number
  constructor(head: Pick<ProposedEvent, 'id' | 'type' | 'contentType'>, message: Buffer, metadata: Part, data: Part) {
    this.id = head.id
    this.type = head.type
    this.contentType = head.contentType
    this.#message = message
    this.#metadataAt = metadata.at
    this.metadataSize = metadata.size
    this.#dataAt = data.at
    this.dataSize = data.size
  }
  get json(): boolean {
    return this.contentType === JSON_TYPE
  }
  /** A view into the message, made each time. */
  get metadata(): Buffer {
    return this.#message.subarray(this.#metadataAt, this.#metadataAt + this.metadataSize)
  }
  get data(): Buffer {
    return this.#message.subarray(this.#dataAt, this.#dataAt + this.dataSize)
  }
}

/** Where a field's bytes lie in a message. */
interface Part {
  readonly at: number
  readonly size: number
}

const NO_PART: Part = { at: 0, size: 0 }

const JSON_TYPE = 'application/json'

/** Skips a field of bytes and says where it lies. */
const readPart = (c: Cursor): Part => {
  const size = readVarint(c)
  const at = c.pos
  if (at + size > c.end) throw new MalformedMessage('a field is cut off')
  c.pos = at + size
  return { at, size }
}

/** Events of one append mostly have one type: it is one text for all of them, not one each. */
let knownType = ''

const shared = (text: string): string => {
  if (text !== knownType) knownType = text
  return knownType
}

/** The stream and the revision that an append, a delete or a tombstone names. */
export interface StreamOptions {
  readonly stream: string
  readonly expected: Expected
}

const NOTHING = Buffer.alloc(0)

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

const NIL = '00000000-0000-0000-0000-000000000000'

/** Text of a UUID message in lower case, or undefined when it is none. */
export const readUuid = (c: Cursor): string | undefined => {
  let text = ''
  eachField(c, (field, at) => {
    if (field === 2) text = readString(at)
    else if (field === 1) text = readMessage(at, readStructured)
    else return false
    return true
  })
  if (UUID.test(text)) return text === NIL ? undefined : text
  const lower = text.toLowerCase()
  return UUID.test(lower) && lower !== NIL ? lower : undefined
}

const readStructured = (c: Cursor): string => {
  let most = 0n
  let least = 0n
  eachField(c, (field, at) => {
    if (field === 1) most = readUint64(at)
    else if (field === 2) least = readUint64(at)
    else return false
    return true
  })
  const hex = most.toString(16).padStart(16, '0') + least.toString(16).padStart(16, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

export const readStreamName = (c: Cursor): string => {
  let name = ''
  eachField(c, (field, at) => {
    if (field !== 3) return false
    name = readString(at)
    return true
  })
  return name
}

const readProposed = (c: Cursor): ProposedEvent => {
  let id: string | undefined
  let type: string | undefined
  let contentType: string | undefined
  let metadata = NO_PART
  let data = NO_PART
  eachField(c, (field, at) => {
    if (field === 1) id = readMessage(at, readUuid)
    else if (field === 2) {
      let key = ''
      let value = ''
      readMessage(at, (entry) =>
        eachField(entry, (part, inner) => {
          if (part === 1) key = readString(inner)
          else if (part === 2) value = readString(inner)
          else return false
          return true
        }),
      )
      if (key === 'type') type = shared(value)
      else if (key === 'content-type') contentType = value === JSON_TYPE ? JSON_TYPE : value
    } else if (field === 3) metadata = readPart(at)
    else if (field === 4) data = readPart(at)
    else return false
    return true
  })
  return new ProposedEvent({ id, type, contentType }, c.buf, metadata, data)
}

/** Reads the fields that all requests with an expected revision share. */
const expectedField = (field: number, at: Cursor): Expected | undefined => {
  if (field === 2) return readUint64(at)
  if (field < 3 || field > 5) return undefined
  readBytes(at)
  return field === 3 ? 'no_stream' : field === 4 ? 'any' : 'stream_exists'
}

const readStreamOptions = (c: Cursor): StreamOptions => {
  let stream = ''
  let expected: Expected = 'any'
  eachField(c, (field, at) => {
    if (field === 1) {
      stream = readMessage(at, readStreamName)
      return true
    }
    const value = expectedField(field, at)
    if (value === undefined) return false
    expected = value
    return true
  })
  return { stream, expected }
}

export type AppendRequest =
  | { readonly kind: 'options'; readonly options: StreamOptions }
  | { readonly kind: 'event'; readonly event: ProposedEvent }

/** One message of the classic append: first the options, then one message an event. */
export const readAppendRequest = (payload: Buffer): AppendRequest => {
  let request: AppendRequest | undefined
  eachField(cursorOf(payload), (field, at) => {
    if (field === 1) request = { kind: 'options', options: readMessage(at, readStreamOptions) }
    else if (field === 2) request = { kind: 'event', event: readMessage(at, readProposed) }
    else return false
    return true
  })
  if (request === undefined) throw new MalformedMessage('an append without content')
  return request
}

/** The options of a delete or a tombstone; both have the same shape. */
export const readDeleteRequest = (payload: Buffer): StreamOptions => {
  let options: StreamOptions | undefined
  eachField(cursorOf(payload), (field, at) => {
    if (field !== 1) return false
    options = readMessage(at, readStreamOptions)
    return true
  })
  if (options === undefined) throw new MalformedMessage('a delete without options')
  return options
}

/** One chunk of a batched append. */
export interface BatchChunk {
  /** Text of the correlation id, and its bytes to be given back as they came. */
  readonly correlation: string
  readonly correlationBytes: Buffer
  readonly options: (StreamOptions & { readonly timeoutMs: number | undefined }) | undefined
  readonly events: readonly ProposedEvent[]
  readonly isFinal: boolean
}

const readSeconds = (c: Cursor): number => {
  let seconds = 0
  let nanos = 0
  eachField(c, (field, at) => {
    if (field === 1) seconds = Number(BigInt.asIntN(64, readUint64(at)))
    else if (field === 2) nanos = Number(BigInt.asIntN(64, readUint64(at)))
    else return false
    return true
  })
  return seconds * 1000 + nanos / 1e6
}

const readBatchOptions = (c: Cursor, now: number): StreamOptions & { readonly timeoutMs: number | undefined } => {
  let stream = ''
  let expected: Expected = 'any'
  let timeoutMs: number | undefined
  eachField(c, (field, at) => {
    if (field === 1) stream = readMessage(at, readStreamName)
    else if (field === 6) timeoutMs = readMessage(at, readSeconds) - now
    else if (field === 7) timeoutMs = readMessage(at, readSeconds)
    else {
      const value = expectedField(field, at)
      if (value === undefined) return false
      expected = value
    }
    return true
  })
  return { stream, expected, timeoutMs }
}

/** `now` in ms since the epoch: the client says until when it waits, as a time of day. */
export const readBatchChunk = (payload: Buffer, now: number): BatchChunk => {
  let correlation = ''
  let correlationBytes: Buffer = NOTHING
  let options: BatchChunk['options']
  let isFinal = false
  const events: ProposedEvent[] = []
  eachField(cursorOf(payload), (field, at) => {
    if (field === 1) {
      correlationBytes = readBytes(at)
      correlation = readUuid(cursorOf(correlationBytes)) ?? ''
    } else if (field === 2) options = readMessage(at, (inner) => readBatchOptions(inner, now))
    else if (field === 3) events.push(readMessage(at, readProposed))
    else if (field === 4) isFinal = readVarint(at) !== 0
    else return false
    return true
  })
  return { correlation, correlationBytes, options, events, isFinal }
}
