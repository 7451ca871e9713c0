// AES-256-GCM (NIST SP 800-38D) over texts and keys: nonce, tag and ciphertext in one base64 text.
import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto'

const ALGORITHM = 'aes-256-gcm'
const NONCE = 12
const TAG = 16
export const KEY_BYTES = 32

/** Random bytes are asked for so many at a time: each question costs more than the encryption of a short text. */
const pool = Buffer.alloc(4_096)
let used = pool.length

/** A copy of `length` (at most 4,096) random bytes that nobody else is given. */
const random = (length: number): Buffer => {
  if (used + length > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += length
  return Buffer.from(pool.subarray(used - length, used))
}

/** A new key. */
export const newKey = (): Buffer => random(KEY_BYTES)

/** `context` is not kept: who decrypts has to say the same. */
export const encrypted = (key: Uint8Array, content: Uint8Array | string, context: string): string => {
  // Random nonces: a key of one customer never comes near the 2^32 encryptions up to which 96 bits are safe.
  const nonce = random(NONCE)
  const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(context))
  const body = cipher.update(content)
  const rest = cipher.final()
  return Buffer.concat([nonce, cipher.getAuthTag(), body, rest]).toString('base64')
}

/** Throws when the text was changed, or belongs to another key or context. */
export const decrypted = (key: Uint8Array, text: string, context: string): Buffer => {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length < NONCE + TAG) throw new Error('the ciphertext is too short')
  const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE))
    .setAAD(Buffer.from(context))
    .setAuthTag(bytes.subarray(NONCE, NONCE + TAG))
  return Buffer.concat([decipher.update(bytes.subarray(NONCE + TAG)), decipher.final()])
}
