// What the server answers: response messages, ready framed.
import { type BatchError, batchStatus, type Expected } from './errors.ts'
import { FRAME_HEADER, framed } from './framing.ts'
import { bool, bytes, message, putVarint, string, uint, varintSize } from './protobuf.ts'

/** A position is the byte offset of a record; a record commits itself, so commit and prepare are the same. */
const position = (field: number, value: number): Buffer => message(field, uint(1, value), uint(2, value))
const streamIdentifier = (field: number, stream: string): Buffer => message(field, bytes(3, Buffer.from(stream)))
const uuidText = (field: number, text: string): Buffer => message(field, string(2, text))
const empty = (field: number): Buffer => message(field)

/** What an append that succeeded tells: the last revision of the stream and the position of the last event. */
export interface Appended {
  readonly revision: number | undefined
  readonly position: number | undefined
}

const success = ({ revision, position: at }: Appended): Buffer =>
  Buffer.concat([revision === undefined ? empty(2) : uint(1, revision), at === undefined ? empty(4) : position(3, at)])

export const appendSuccess = (appended: Appended): Buffer => framed(message(1, success(appended)))

/** A wrong expected version is a normal answer of the classic append; the fields of 20.6.0 are filled as well. */
export const appendWrongVersion = (expected: Expected, current: bigint | undefined): Buffer =>
  framed(
    message(
      2,
      current === undefined ? empty(2) : uint(1, current),
      typeof expected === 'bigint'
        ? uint(3, expected)
        : expected === 'no_stream'
          ? uint(3, 2n ** 64n - 1n)
          : empty(expected === 'any' ? 4 : 5),
      current === undefined ? empty(7) : uint(6, current),
      typeof expected === 'bigint'
        ? uint(8, expected)
        : empty(expected === 'any' ? 9 : expected === 'stream_exists' ? 10 : 11),
    ),
  )

/** The answer to a batched append that failed; both correlation id and stream must be there or the client breaks. */
export const batchFailure = (correlation: Uint8Array, stream: string, error: BatchError): Buffer =>
  framed(Buffer.concat([bytes(1, correlation), message(2, batchStatus(error)), streamIdentifier(4, stream)]))

/** The answer to a batched append that succeeded, written in place because it is the most frequent answer of all. */
export const batchSuccess = (correlation: Uint8Array, stream: string, { revision, position: at }: Appended): Buffer => {
  if (revision === undefined || at === undefined) {
    return framed(
      Buffer.concat([
        bytes(1, correlation),
        message(3, success({ revision, position: at })),
        streamIdentifier(4, stream),
      ]),
    )
  }
  const nameSize = Buffer.byteLength(stream)
  const atSize = varintSize(at)
  const positionSize = 2 + 2 * atSize
  const successSize = 1 + varintSize(revision) + 2 + positionSize
  const identifierSize = 1 + varintSize(nameSize) + nameSize
  const size =
    1 +
    varintSize(correlation.length) +
    correlation.length +
    2 +
    successSize +
    1 +
    varintSize(identifierSize) +
    identifierSize
  const frame = Buffer.allocUnsafe(FRAME_HEADER + size)
  frame[0] = 0
  frame.writeUInt32BE(size, 1)
  let p = FRAME_HEADER
  frame[p++] = 0x0a
  p = putVarint(frame, p, correlation.length)
  frame.set(correlation, p)
  p += correlation.length
  frame[p++] = 0x1a
  p = putVarint(frame, p, successSize)
  frame[p++] = 0x08
  p = putVarint(frame, p, revision)
  frame[p++] = 0x1a
  p = putVarint(frame, p, positionSize)
  frame[p++] = 0x08
  p = putVarint(frame, p, at)
  frame[p++] = 0x10
  p = putVarint(frame, p, at)
  frame[p++] = 0x22
  p = putVarint(frame, p, identifierSize)
  frame[p++] = 0x1a
  p = putVarint(frame, p, nameSize)
  frame.write(stream, p)
  return frame
}

export const deleted = (at: number): Buffer => framed(position(1, at))

export const confirmation = (subscriptionId: string): Buffer => framed(message(2, string(1, subscriptionId)))
export const checkpoint = (at: number): Buffer => framed(position(3, at))
export const streamNotFound = (stream: string): Buffer => framed(message(4, streamIdentifier(1, stream)))
export const caughtUp = (): Buffer => framed(empty(8))

/** The size of the frame around one event of a read; see `putReadEvent`. */
export const readEventSize = (event: number, link: number, at: number): number => {
  const inner = fieldSize(event) + fieldSize(link) + 1 + varintSize(at)
  return FRAME_HEADER + 1 + varintSize(inner) + inner
}
const fieldSize = (size: number): number => (size === 0 ? 0 : 1 + varintSize(size) + size)

/**
 * Writes a framed ReadEvent at `start` and returns the position after it. `event` and `link` are encoded RecordedEvents;
 * an empty one is left out (a link whose target is gone has no event).
 */
export const putReadEvent = (out: Buffer, start: number, event: Uint8Array, link: Uint8Array, at: number): number => {
  const inner = fieldSize(event.length) + fieldSize(link.length) + 1 + varintSize(at)
  out[start] = 0
  out.writeUInt32BE(1 + varintSize(inner) + inner, start + 1)
  let p = start + FRAME_HEADER
  out[p++] = 0x0a
  p = putVarint(out, p, inner)
  p = putPart(out, p, 0x0a, event)
  p = putPart(out, p, 0x12, link)
  out[p++] = 0x18
  return putVarint(out, p, at)
}
const putPart = (out: Buffer, start: number, tag: number, part: Uint8Array): number => {
  if (part.length === 0) return start
  out[start] = tag
  const p = putVarint(out, start + 1, part.length)
  out.set(part, p)
  return p + part.length
}

/** One method that the server says it has; names in lower case, as the client compares them. */
export interface SupportedMethod {
  readonly service: string
  readonly method: string
  readonly features?: readonly string[]
}

export const supportedMethods = (version: string, methods: readonly SupportedMethod[]): Buffer =>
  framed(
    Buffer.concat([
      ...methods.map(({ service, method, features = [] }) =>
        message(1, string(1, method), string(2, service), ...features.map((feature) => string(3, feature))),
      ),
      string(2, version),
    ]),
  )

/** Gossip of one node that is its own leader. */
export const clusterInfo = (instanceId: string, now: number, host: string, port: number): Buffer =>
  framed(
    message(
      1,
      uuidText(1, instanceId),
      uint(2, now),
      uint(3, 8),
      bool(4, true),
      message(5, string(1, host), uint(2, port)),
    ),
  )
