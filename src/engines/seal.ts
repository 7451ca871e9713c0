// The seal at the end of a stored value: a checksum of its key and bytes, so that no changed bit is ever served.
import { crc32c } from './crc32c.ts'

/** Four bytes of CRC-32C, little-endian, and one that says that they are there. */
export const SEAL_BYTES = 5
/** No value that an earlier version stored ends so, or would after a single changed bit. */
const SEALED = 0xc5

/** The value with its seal; `key` seeds the checksum, so that a value in another's place is found, too. */
export const sealed = (value: Uint8Array, key: Uint8Array): Buffer => {
  const { length } = value
  const out = Buffer.allocUnsafe(length + SEAL_BYTES)
  out.set(value)
  out.writeUInt32LE(crc32c(value, 0, length, crc32c(key)), length)
  out[length + SEAL_BYTES - 1] = SEALED
  return out
}

/** Whether the bytes claim to have a seal. */
export const hasSeal = (bytes: Uint8Array): boolean => bytes.length >= SEAL_BYTES && bytes[bytes.length - 1] === SEALED

/** The value without its seal; `undefined` when it is not what was sealed. */
export const unsealed = (bytes: Buffer, key: Uint8Array): Buffer | undefined => {
  const length = bytes.length - SEAL_BYTES
  if (!hasSeal(bytes) || crc32c(bytes, 0, length, crc32c(key)) !== bytes.readUInt32LE(length)) return undefined
  return bytes.subarray(0, length)
}
