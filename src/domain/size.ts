// How large plain values are: bytes as they are written, and keys at all levels; and what of them a request may bring.
import * as v from 'valibot'

/** Bytes that one event may have as JSON, and one line of a file that becomes one. */
export const MAX_EVENT_BYTES = 1024 * 1024
/** Bytes that the body of a batch of events may have. */
export const MAX_BATCH_BYTES = 10 * MAX_EVENT_BYTES

export interface Size {
  /** Bytes of the value as JSON in UTF-8, escapes left out of account. */
  readonly bytes: number
  /** Properties of all objects in it, at all levels. */
  readonly keys: number
}

/** Far more levels than anything has that can be stored, and than a walk is to go down. */
const MAX_LEVELS = 1_000
/** The bytes of what goes deeper or contains itself: more than any bound, and a number that can be reckoned with. */
const BEYOND_BYTES = 2 ** 40

/**
 * The size of a plain value, or of a state with maps and sets in it. One walk; takes some nanoseconds a value. Never throws: what
 * is nested without end is larger than any bound.
 */
export const sizeOf = (value: unknown): Size => {
  let bytes = 0
  let keys = 0
  const visit = (one: unknown, level: number): void => {
    if (bytes >= BEYOND_BYTES) return
    if (level > MAX_LEVELS) bytes = BEYOND_BYTES
    else if (typeof one === 'string') bytes += Buffer.byteLength(one) + 2
    else if (typeof one !== 'object' || one === null)
      bytes += typeof one === 'number' ? String(one).length : one === false ? 5 : 4
    else if (Array.isArray(one)) {
      bytes += 2 + one.length
      for (const element of one) visit(element, level + 1)
    } else if (one instanceof Map || one instanceof Set) {
      bytes += 2
      for (const entry of one) visit(entry, level + 1)
    } else {
      bytes += 2
      for (const [key, inner] of Object.entries(one)) {
        if (inner === undefined) continue
        keys++
        bytes += Buffer.byteLength(key) + 4
        visit(inner, level + 1)
      }
    }
  }
  visit(value, 1)
  return { bytes, keys }
}

/** Bytes as JSON, and keys at all levels, that the metadata of one event, order or other request may have. */
export const MAX_METADATA_BYTES = 256 * 1024
export const MAX_METADATA_KEYS = 2_000

const metadataFault = (metadata: object): string | undefined => {
  const { bytes, keys } = sizeOf(metadata)
  if (keys > MAX_METADATA_KEYS) return `must NOT have more than ${MAX_METADATA_KEYS} keys`
  return bytes > MAX_METADATA_BYTES ? `must NOT have more than ${MAX_METADATA_BYTES} bytes` : undefined
}

/** Metadata that a request brings. What is recorded is read without these bounds. */
export const GivenMetadata = v.pipe(
  v.record(v.string(), v.unknown()),
  v.check(
    (metadata) => metadataFault(metadata) === undefined,
    ({ input }) => metadataFault(input) ?? '',
  ),
)
