// The seal at the end of a stored value: a checksum of its key and bytes, so that no changed bit is ever served.
import { crc32 } from 'node:zlib'
import { crc32c } from './crc32c.ts'

/** Four bytes of checksum, little-endian, and one that says that they are there, and of which kind. */
export const SEAL_BYTES = 5
/** No value that a version without seals stored ends so, or would after a single changed bit; nor do the two become each other. */
const SEALED = 0x3a
/** CRC-32C, as earlier versions sealed. */
const SEALED_C = 0xc5

/** The key is short: what is computed here for it costs less than a call into zlib, which is the faster the longer the value. */
const checksum = (value: Uint8Array, key: Uint8Array): number => crc32(value, crc32c(key))

/** The value with its seal; `key` seeds the checksum, so that a value in another's place is found, too. */
export const sealed = (value: Uint8Array, key: Uint8Array): Buffer => {
  const { length } = value
  const out = Buffer.allocUnsafe(length + SEAL_BYTES)
  out.set(value)
  out.writeUInt32LE(checksum(value, key), length)
  out[length + SEAL_BYTES - 1] = SEALED
  return out
}

const kindOf = (bytes: Uint8Array): number | undefined =>
  bytes.length >= SEAL_BYTES ? bytes[bytes.length - 1] : undefined

/** Whether the bytes claim to have a seal. */
export const hasSeal = (bytes: Uint8Array): boolean => {
  const kind = kindOf(bytes)
  return kind === SEALED || kind === SEALED_C
}

/** The value without its seal; `undefined` when it is not what was sealed. */
export const unsealed = (bytes: Buffer, key: Uint8Array): Buffer | undefined => {
  const length = bytes.length - SEAL_BYTES
  if (!hasSeal(bytes)) return undefined
  const value = bytes.subarray(0, length)
  const found = kindOf(bytes) === SEALED ? checksum(value, key) : crc32c(value, 0, length, crc32c(key))
  return found === bytes.readUInt32LE(length) ? value : undefined
}
