// How one event lies on disk: a short header for the server itself, then the RecordedEvent message as the client gets it.
import { sealed, unsealed } from '../../seal.ts'
import { cursorOf, eachField, putVarint, readBytes, varintSize } from '../wire/protobuf.ts'
import type { ProposedEvent } from '../wire/requests.ts'

export interface NewRecord {
  readonly position: number
  /** Where the next record lies, seen from this one. */
  readonly span: number
  /** Null for a tombstone. */
  readonly revision: number | null
  readonly stream: Buffer
  readonly id: string
  readonly type: string
  readonly json: boolean
  /** Time of writing, 100 ns since the Unix epoch. */
  readonly ticks: bigint
  readonly metadata: Uint8Array
  readonly data: Uint8Array
}

/**
 * Header, little-endian: format 1 byte, flags 1, length of the type 4, created in ms 8 (double), revision 6, where the type
 * begins 4, length of the data 4, span 4.
 */
const HEADER = 32
const FORMAT = 1
/** As FORMAT, and with a seal at its end. */
const SEALED_FORMAT = 2
const FLAG_JSON = 1
const FLAG_TOMBSTONE = 2
const FLAG_HIDDEN = 4

const ID_AT = 4
const TOMBSTONE_BYTES = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])

const KEY_TYPE = Buffer.from('\n\x04type\x12', 'latin1')
const KEY_CREATED = Buffer.from('\n\x07created\x12', 'latin1')
const KEY_CONTENT = Buffer.from('\n\x0ccontent-type\x12', 'latin1')
const JSON_TYPE = Buffer.from('application/json')
const BINARY_TYPE = Buffer.from('application/octet-stream')

/** System events that $all never shows. */
const HIDDEN_TYPE = '$epoch-information'
const HIDDEN_STREAM = /^\$persistentsubscription-\$all::.*-(?:checkpoint|parked)$/
export const isHidden = (stream: string, type: string): boolean => type === HIDDEN_TYPE || HIDDEN_STREAM.test(stream)

/** What a record adds to the position: about as many bytes as in the real log, so that positions are as sparse as there. */
export const recordSpan = (stream: number, type: number, data: number, metadata: number): number =>
  90 + stream + type + data + metadata

const entrySize = (key: Buffer, value: number): number => key.length + varintSize(value) + value
const mapFieldSize = (entry: number): number => 1 + varintSize(entry) + entry

const putMapField = (buf: Buffer, at: number, key: Buffer, value: Uint8Array): number => {
  let p = at
  buf[p++] = 0x32
  p = putVarint(buf, p, entrySize(key, value.length))
  buf.set(key, p)
  p = putVarint(buf, p + key.length, value.length)
  buf.set(value, p)
  return p + value.length
}

export const encodeRecord = (r: NewRecord, hidden: boolean): Buffer => {
  const type = Buffer.from(r.type)
  const ticks = Buffer.from(String(r.ticks), 'latin1')
  const contentType = r.json ? JSON_TYPE : BINARY_TYPE
  const revisionSize = r.revision === null ? TOMBSTONE_BYTES.length : varintSize(r.revision)
  const positionSize = varintSize(r.position)
  const nameSize = r.stream.length
  const identifier = 1 + varintSize(nameSize) + nameSize
  const size =
    40 +
    1 +
    varintSize(identifier) +
    identifier +
    1 +
    revisionSize +
    2 * (1 + positionSize) +
    mapFieldSize(entrySize(KEY_TYPE, type.length)) +
    mapFieldSize(entrySize(KEY_CREATED, ticks.length)) +
    mapFieldSize(entrySize(KEY_CONTENT, contentType.length)) +
    (r.metadata.length === 0 ? 0 : 1 + varintSize(r.metadata.length) + r.metadata.length) +
    (r.data.length === 0 ? 0 : 1 + varintSize(r.data.length) + r.data.length)
  const buf = Buffer.allocUnsafe(HEADER + size)
  buf[0] = SEALED_FORMAT
  buf[1] = (r.json ? FLAG_JSON : 0) | (r.revision === null ? FLAG_TOMBSTONE : 0) | (hidden ? FLAG_HIDDEN : 0)
  // The message: id, stream, revision, prepare, commit, metadata map, custom metadata, data.
  let p = HEADER
  buf[p++] = 0x0a
  buf[p++] = 38
  buf[p++] = 0x12
  buf[p++] = 36
  buf.write(r.id, p, 36, 'latin1')
  p += 36
  buf[p++] = 0x12
  p = putVarint(buf, p, identifier)
  buf[p++] = 0x1a
  p = putVarint(buf, p, nameSize)
  buf.set(r.stream, p)
  p += nameSize
  buf[p++] = 0x18
  if (r.revision === null) {
    buf.set(TOMBSTONE_BYTES, p)
    p += TOMBSTONE_BYTES.length
  } else p = putVarint(buf, p, r.revision)
  buf[p++] = 0x20
  p = putVarint(buf, p, r.position)
  buf[p++] = 0x28
  p = putVarint(buf, p, r.position)
  p = putMapField(buf, p, KEY_TYPE, type)
  const typeAt = p - type.length
  p = putMapField(buf, p, KEY_CREATED, ticks)
  p = putMapField(buf, p, KEY_CONTENT, contentType)
  if (r.metadata.length > 0) {
    buf[p++] = 0x3a
    p = putVarint(buf, p, r.metadata.length)
    buf.set(r.metadata, p)
    p += r.metadata.length
  }
  if (r.data.length > 0) {
    buf[p++] = 0x42
    p = putVarint(buf, p, r.data.length)
    buf.set(r.data, p)
  }
  buf.writeUInt32LE(type.length, 2)
  buf.writeDoubleLE(Number(r.ticks / 10_000n), 6)
  buf.writeUIntLE(r.revision ?? 0, 14, 6)
  buf.writeUInt32LE(typeAt, 20)
  buf.writeUInt32LE(r.data.length, 24)
  buf.writeUInt32LE(r.span, 28)
  return buf
}

/** Positions as bytes, to seal records in their place. */
const place = Buffer.alloc(8)
const placeOf = (position: number): Buffer => {
  place.writeDoubleLE(position)
  return place
}

/** The record as it is kept at its position. */
export const sealRecord = (record: Buffer, position: number): Buffer => sealed(record, placeOf(position))

/** The record that is kept in these bytes; undefined when they are not what was written at this position. */
export const openRecord = (bytes: Buffer, position: number): Buffer | undefined =>
  bytes[0] === SEALED_FORMAT ? unsealed(bytes, placeOf(position)) : bytes[0] === FORMAT ? bytes : undefined

/** `latin1` gives one character a byte: for comparing, not for showing. */
type Encoding = 'utf8' | 'latin1'

/** The RecordedEvent message of a stored record. */
export const messageOf = (record: Buffer): Buffer => record.subarray(HEADER)
export const spanOf = (record: Buffer): number => record.readUInt32LE(28)
export const idOf = (record: Buffer): string => record.toString('latin1', HEADER + ID_AT, HEADER + ID_AT + 36)
/** The event's type, or no more than its first so many bytes. */
export const typeOf = (record: Buffer, encoding: Encoding = 'utf8', atMost = Number.POSITIVE_INFINITY): string => {
  const at = record.readUInt32LE(20)
  return record.toString(encoding, at, at + Math.min(record.readUInt32LE(2), atMost))
}
export const createdMs = (record: Buffer): number => record.readDoubleLE(6)
export const revisionOf = (record: Buffer): number | null =>
  (record[1]! & FLAG_TOMBSTONE) === 0 ? record.readUIntLE(14, 6) : null
export const isJson = (record: Buffer): boolean => (record[1]! & FLAG_JSON) !== 0
export const isTombstone = (record: Buffer): boolean => (record[1]! & FLAG_TOMBSTONE) !== 0
export const isHiddenRecord = (record: Buffer): boolean => (record[1]! & FLAG_HIDDEN) !== 0
/** Data is the last field of the message. */
export const dataOf = (record: Buffer): Buffer => record.subarray(record.length - record.readUInt32LE(24))

/** Custom metadata, empty when there is none. */
export const metadataOf = (record: Buffer): Buffer => {
  let found: Buffer = NOTHING
  eachField(cursorOf(messageOf(record)), (field, at) => {
    if (field !== 7) return false
    found = readBytes(at)
    return true
  })
  return found
}
const NOTHING = Buffer.alloc(0)

/** Where the stream's name lies, right after the id. */
const nameAt = (record: Buffer): { readonly from: number; readonly size: number } => {
  let p = HEADER + 40 + 1
  while (record[p++]! >= 128) {}
  p++
  let size = 0
  let shift = 1
  for (;;) {
    const byte = record[p++]!
    size += (byte & 0x7f) * shift
    if (byte < 128) break
    shift *= 128
  }
  return { from: p, size }
}

/** The stream's name, or no more than its first so many bytes. */
export const streamOf = (record: Buffer, encoding: Encoding = 'utf8', atMost = Number.POSITIVE_INFINITY): string => {
  const { from, size } = nameAt(record)
  return record.toString(encoding, from, from + Math.min(size, atMost))
}

/** Whether the record is of the stream with this name. */
export const isOfStream = (record: Buffer, name: Buffer): boolean => {
  const { from, size } = nameAt(record)
  return size === name.length && record.compare(name, 0, size, from, from + size) === 0
}

/** True when the event can be stored as it is; what cannot is refused before anything is written. */
export const isAcceptable = (
  event: ProposedEvent,
): event is ProposedEvent & { readonly id: string; readonly type: string; readonly contentType: string } =>
  event.id !== undefined && event.type !== undefined && event.type !== '' && event.contentType !== undefined
