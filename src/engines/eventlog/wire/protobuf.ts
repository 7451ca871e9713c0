// Reading and writing of protobuf's wire format: the few primitives that the messages of the event store need.

/** A position in a message that is being read; `end` is exclusive. */
export interface Cursor {
  readonly buf: Buffer
  pos: number
  end: number
}

/** The bytes are not a protobuf message. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage'
}

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5

export const cursorOf = (buf: Buffer): Cursor => ({ buf, pos: 0, end: buf.length })

/** A varint as a number: exact up to 2^53, beyond that rounded (use readUint64 where it matters). */
export const readVarint = (c: Cursor): number => {
  let result = 0
  let scale = 1
  for (let i = 0; i < 10; i++) {
    if (c.pos >= c.end) throw new MalformedMessage('a number is cut off')
    const byte = c.buf[c.pos++]!
    result += (byte & 0x7f) * scale
    if (byte < 0x80) return result
    scale *= 128
  }
  throw new MalformedMessage('a number is too long')
}

/** A varint as an unsigned 64-bit integer. */
export const readUint64 = (c: Cursor): bigint => {
  let result = 0n
  for (let shift = 0n; shift < 70n; shift += 7n) {
    if (c.pos >= c.end) throw new MalformedMessage('a number is cut off')
    const byte = c.buf[c.pos++]!
    result |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) return BigInt.asUintN(64, result)
  }
  throw new MalformedMessage('a number is too long')
}

/** A length-delimited field as a view into the message, not a copy. */
export const readBytes = (c: Cursor): Buffer => {
  const length = readVarint(c)
  const start = c.pos
  if (start + length > c.end) throw new MalformedMessage('a field is cut off')
  c.pos = start + length
  return c.buf.subarray(start, c.pos)
}

export const readString = (c: Cursor): string => {
  const length = readVarint(c)
  const start = c.pos
  if (start + length > c.end) throw new MalformedMessage('a field is cut off')
  c.pos = start + length
  return c.buf.toString('utf8', start, c.pos)
}

const skip = (c: Cursor, wireType: number): void => {
  if (wireType === VARINT) readVarint(c)
  else if (wireType === FIXED64) c.pos += 8
  else if (wireType === BYTES) readBytes(c)
  else if (wireType === FIXED32) c.pos += 4
  else throw new MalformedMessage(`wire type ${wireType}`)
  if (c.pos > c.end) throw new MalformedMessage('a field is cut off')
}

/**
 * Walks over the fields of a message. `field` gets a field's number with the cursor at its value and returns true when it
 * has read it; unread fields are skipped, as protobuf demands. The wire type says whether a value is what `field` expects.
 */
export const eachField = (c: Cursor, field: (number: number, c: Cursor, wireType: number) => boolean): void => {
  while (c.pos < c.end) {
    const tag = readVarint(c)
    const wireType = tag & 7
    const before = c.pos
    if (!field(tag >>> 3, c, wireType)) {
      c.pos = before
      skip(c, wireType)
    }
  }
}

/** Reads a length-delimited message with `read`, bounded by its own length. */
export const readMessage = <T>(c: Cursor, read: (inner: Cursor) => T): T => {
  const length = readVarint(c)
  const end = c.pos + length
  if (end > c.end) throw new MalformedMessage('a field is cut off')
  const outer = c.end
  c.end = end
  const value = read(c)
  c.pos = end
  c.end = outer
  return value
}

export const varintSize = (value: number): number => {
  let size = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++
  return size
}

/** Writes a varint at `pos` and returns the position after it. */
export const putVarint = (buf: Buffer, pos: number, value: number): number => {
  let at = pos
  let rest = value
  while (rest > 0x7fffffff) {
    buf[at++] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  while (rest >= 128) {
    buf[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  buf[at++] = rest
  return at
}

const tagOf = (field: number, wireType: number): Buffer => {
  const tag = Buffer.alloc(varintSize(field * 8 + wireType))
  putVarint(tag, 0, field * 8 + wireType)
  return tag
}

const uint64Bytes = (value: bigint | number): Buffer => {
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(varintSize(value))
    putVarint(bytes, 0, value)
    return bytes
  }
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, value)
  while (rest >= 128n) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Buffer.from(bytes)
}

/** Field builders for messages that are rare or small; the hot ones are written in place (record.ts). */
export const uint = (field: number, value: bigint | number): Buffer =>
  Buffer.concat([tagOf(field, VARINT), uint64Bytes(value)])
export const bool = (field: number, value: boolean): Buffer => uint(field, value ? 1 : 0)
export const bytes = (field: number, value: Uint8Array): Buffer =>
  Buffer.concat([tagOf(field, BYTES), uint64Bytes(value.length), value])
export const string = (field: number, value: string): Buffer => bytes(field, Buffer.from(value))
export const message = (field: number, ...parts: readonly Uint8Array[]): Buffer => bytes(field, Buffer.concat(parts))
