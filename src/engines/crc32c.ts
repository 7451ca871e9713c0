// CRC-32C (Castagnoli; RFC 3720, appendix B.4), eight bytes at a time: of the places of records, and of records of earlier versions.

const POLYNOMIAL = 0x82f63b78
const LANES = 8

/** For each of eight lanes what a byte adds, once the bytes after it have gone by. */
const TABLE = new Int32Array(LANES * 256)
for (let byte = 0; byte < 256; byte += 1) {
  let value = byte
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1
  TABLE[byte] = value
}
for (let at = 256; at < TABLE.length; at += 1) TABLE[at] = (TABLE[at - 256]! >>> 8) ^ TABLE[TABLE[at - 256]! & 255]!

/**
 * The checksum of bytes `from` (inclusive) to `to` (exclusive), as an unsigned number; `seed` is that of the bytes before them.
 * Finds every change of up to 32 bits in a row.
 */
export const crc32c = (bytes: Uint8Array, from = 0, to = bytes.length, seed = 0): number => {
  let crc = ~seed
  let at = from
  for (const whole = to - LANES; at <= whole; at += LANES) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    crc =
      TABLE[1792 + (crc & 255)]! ^
      TABLE[1536 + ((crc >>> 8) & 255)]! ^
      TABLE[1280 + ((crc >>> 16) & 255)]! ^
      TABLE[1024 + (crc >>> 24)]! ^
      TABLE[768 + bytes[at + 4]!]! ^
      TABLE[512 + bytes[at + 5]!]! ^
      TABLE[256 + bytes[at + 6]!]! ^
      TABLE[bytes[at + 7]!]!
  }
  for (; at < to; at += 1) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[at]!) & 255]!
  return ~crc >>> 0
}
