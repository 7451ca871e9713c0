// SCRAM-SHA-256 (RFC 5802, 7677), the server's side: proves that the client knows the password without being told it.
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Login } from '../access.ts'

export const MECHANISM = 'SCRAM-SHA-256'
/** The fewest rounds that drivers accept. A password of 192 random bits gains nothing by more. */
const ITERATIONS = 4_096
const SALT_BYTES = 24
const NONCE_BYTES = 24
const LONGEST_MESSAGE = 1_000

/** What the server keeps of a password. */
export interface Verifier {
  readonly user: string
  readonly salt: string
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

/** A proof that is under way: the client's second message is answered, or refused with `undefined`. */
export interface Exchange {
  readonly challenge: string
  /** The server's own proof. */
  finish(message: string): string | undefined
}

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** Works out what is kept of a password; takes about 3 ms. */
export const verifierOf = ({ user, password }: Login): Verifier => {
  const salt = randomBytes(SALT_BYTES)
  const salted = pbkdf2Sync(password, salt, ITERATIONS, 32, 'sha256')
  return {
    user,
    salt: salt.toString('base64'),
    storedKey: createHash('sha256').update(hmac(salted, 'Client Key')).digest(),
    serverKey: hmac(salted, 'Server Key'),
  }
}

const attributesOf = (message: string): ReadonlyMap<string, string> =>
  new Map(message.split(',').map((part) => [part.slice(0, 1), part.slice(2)]))

const unescaped = (name: string): string => name.replaceAll('=2C', ',').replaceAll('=3D', '=')

const isProof = (proof: Buffer, signature: Buffer, storedKey: Buffer): boolean => {
  if (proof.length !== signature.length) return false
  const clientKey = Buffer.alloc(proof.length)
  for (let i = 0; i < proof.length; i += 1) clientKey[i] = proof[i]! ^ signature[i]!
  return timingSafeEqual(createHash('sha256').update(clientKey).digest(), storedKey)
}

/** Begins with the client's first message; `undefined` when it is none, or comes from somebody unknown. */
export const startExchange = (verifier: Verifier, message: string): Exchange | undefined => {
  // Without channel binding: there is no TLS here to bind to.
  const [, header, bare] = /^([ny],(?:a=[^,]*)?,)(.*)$/s.exec(message.slice(0, LONGEST_MESSAGE)) ?? []
  if (header === undefined || bare === undefined) return undefined
  const first = attributesOf(bare)
  const nonce = first.get('r')
  if (!nonce || unescaped(first.get('n') ?? '') !== verifier.user) return undefined
  const both = nonce + randomBytes(NONCE_BYTES).toString('base64')
  const challenge = `r=${both},s=${verifier.salt},i=${ITERATIONS}`
  return {
    challenge,
    finish: (last) => {
      const end = last.lastIndexOf(',p=')
      if (end < 0 || last.length > LONGEST_MESSAGE) return undefined
      const withoutProof = last.slice(0, end)
      const given = attributesOf(withoutProof)
      if (given.get('r') !== both || given.get('c') !== Buffer.from(header).toString('base64')) return undefined
      const whole = `${bare},${challenge},${withoutProof}`
      const proof = Buffer.from(last.slice(end + 3), 'base64')
      if (!isProof(proof, hmac(verifier.storedKey, whole), verifier.storedKey)) return undefined
      return `v=${hmac(verifier.serverKey, whole).toString('base64')}`
    },
  }
}
