// API keys: the file they are read from or generated into, and the ring that recognises a presented pair in constant time.

import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder, writeOnce } from '@tributary/engines/private'
import * as v from 'valibot'
import { type DeliveredRole, type Holder, ROLES } from './domain/access/permissions.ts'
import { issuePath } from './domain/path.ts'
import { InexactJson, parseExactly } from './exactJson.ts'

export type Role = DeliveredRole

/** What a client key may be allowed beside tracking events, by `allow` of its entry; nothing by default. */
export const ABILITIES = ['publish', 'redeem', 'validate', 'qualify', 'read_own_profile', 'write_own_profile'] as const
export type Ability = (typeof ABILITIES)[number]

/** Who asks, without the secret. */
export interface ApiKey extends Holder {
  readonly name: string
  readonly appId: string
  /** Origins from which a client key may be used; `*` is any. Other roles have none. */
  readonly origins?: readonly string[]
  /** What a client key may do beside tracking events; other roles have none. */
  readonly allow?: readonly Ability[]
  /** Networks (CIDR) that the key may be used from; from anywhere when absent. */
  readonly networks?: readonly string[]
}

const short = v.pipe(v.string(), v.minLength(1), v.maxLength(200))
/** An origin that a client key may be used from. */
export const keyOrigin = v.union(
  [v.literal('*'), v.pipe(v.string(), v.regex(/^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+$/i))],
  'an origin is "*" or scheme://host[:port], without a path',
)
const common = {
  name: short,
  role: v.picklist(ROLES),
  appId: short,
  origins: v.optional(v.pipe(v.array(keyOrigin), v.minLength(1), v.maxLength(100))),
  allow: v.optional(v.array(v.picklist(ABILITIES, `must be one of ${ABILITIES.join(', ')}`))),
  /** What the shop's server signs customer tokens with; as many characters as HS256 asks for bytes (RFC 7518 3.2). */
  customerSecret: v.optional(v.pipe(v.string(), v.minLength(32), v.maxLength(500))),
}
const plainEntry = v.strictObject({ ...common, token: v.pipe(v.string(), v.minLength(16), v.maxLength(500)) })
const hashedEntry = v.strictObject({
  ...common,
  tokenHash: v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/, 'must be "sha256:" and 64 lower-case hex digits')),
})

/** One entry of `DATA_DIR/keys.json`. */
export type GeneratedKey = v.InferOutput<typeof plainEntry>

interface StoredKey {
  readonly key: ApiKey
  readonly digest: Buffer
  readonly customerSecret: Uint8Array | undefined
}

/** The keys a node knows. */
export interface KeyRing {
  /** The key whose pair this is, else undefined. Takes the same time for a wrong id as for a wrong token. */
  readonly recognise: (appId: string, token: string) => ApiKey | undefined
  /** What the customer tokens of a client key are signed with; undefined when it has no such secret. */
  readonly customerSecretOf: (key: ApiKey) => Uint8Array | undefined
  readonly keys: readonly ApiKey[]
}

export interface LoadedKeys {
  readonly ring: KeyRing
  /** The file the keys came from. */
  readonly path: string
  /** True when this start wrote the file. */
  readonly generated: boolean
}

/** A key file that cannot be used; the message names the path and the entry. */
export class KeyFileError extends Error {
  constructor(path: string, reason: string, cause?: unknown) {
    super(`Key file ${path}: ${reason}`, cause === undefined ? undefined : { cause })
    this.name = 'KeyFileError'
  }
}

/** The form of a token in a file given by `KEYS_FILE`. */
export const tokenHash = (token: string): string => `sha256:${hash('sha256', token, 'hex')}`

const digestOf = (token: string): Buffer => hash('sha256', token, 'buffer')

const ringOf = (stored: readonly StoredKey[]): KeyRing => {
  const byAppId = new Map(stored.map((entry) => [entry.key.appId, entry]))
  const nobody: StoredKey = {
    key: { name: '', role: 'client', appId: '' },
    digest: randomBytes(32),
    customerSecret: undefined,
  }
  /*
   * Digests of tokens that were right before, one a key: hashing is most of what recognising costs. The time saved tells
   * only what the answer tells as well, that the token is right.
   */
  const known = new Map<string, Buffer>()
  return {
    keys: stored.map((entry) => entry.key),
    customerSecretOf: ({ appId }) => byAppId.get(appId)?.customerSecret,
    recognise: (appId, token) => {
      const entry = byAppId.get(appId) ?? nobody
      const remembered = known.get(token)
      const digest = remembered ?? digestOf(token)
      if (!timingSafeEqual(digest, entry.digest) || entry === nobody) return undefined
      if (remembered === undefined) known.set(token, digest)
      return entry.key
    },
  }
}

/** A ring over keys given with their tokens, as tests and the first start have them. */
export const keyRing = (entries: readonly GeneratedKey[]): KeyRing =>
  ringOf(entries.map(({ token, ...entry }) => storedKey(entry, digestOf(token))))

const storedKey = (
  { name, role, appId, origins, allow, customerSecret }: Omit<GeneratedKey, 'token'>,
  digest: Buffer,
): StoredKey => ({
  key: { name, role, appId, ...(origins ? { origins } : {}), ...(allow ? { allow: [...new Set(allow)] } : {}) },
  digest,
  customerSecret: customerSecret === undefined ? undefined : new TextEncoder().encode(customerSecret),
})

const parseEntry = (path: string, entry: unknown, index: number): StoredKey => {
  const hashed = typeof entry === 'object' && entry !== null && 'tokenHash' in entry
  const parsed = hashed ? v.safeParse(hashedEntry, entry) : v.safeParse(plainEntry, entry)
  if (!parsed.success) {
    const said = parsed.issues.map((issue) => `${issuePath(issue) || 'entry'}: ${issue.message}`)
    throw new KeyFileError(path, `entry ${index}: ${said.join('; ')}`)
  }
  const { role, origins } = parsed.output
  if (role === 'client' && origins === undefined)
    throw new KeyFileError(path, `entry ${index}: a client key needs "origins", for example ["https://shop.example"]`)
  for (const field of ['origins', 'allow', 'customerSecret'] as const)
    if (role !== 'client' && parsed.output[field] !== undefined)
      throw new KeyFileError(path, `entry ${index}: only a client key has "${field}"`)
  const digest =
    'tokenHash' in parsed.output
      ? Buffer.from(parsed.output.tokenHash.slice('sha256:'.length), 'hex')
      : digestOf(parsed.output.token)
  return storedKey(parsed.output, digest)
}

const readKeys = (path: string): KeyRing => {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new KeyFileError(path, `cannot be read (${cause instanceof Error ? cause.message : 'unknown error'})`, cause)
  }
  let value: unknown
  try {
    value = parseExactly(text)
  } catch (cause) {
    throw new KeyFileError(path, cause instanceof InexactJson ? cause.message : 'is not JSON', cause)
  }
  if (!Array.isArray(value)) throw new KeyFileError(path, 'must hold an array of keys')
  if (value.length === 0) throw new KeyFileError(path, 'holds no key, so that nobody could ask anything')
  const stored = value.map((entry: unknown, index) => parseEntry(path, entry, index))
  const seen = new Map<string, number>()
  for (const [index, { key }] of stored.entries()) {
    const before = seen.get(key.appId)
    if (before !== undefined)
      throw new KeyFileError(path, `entry ${index}: appId ${key.appId} is that of entry ${before} too`)
    seen.set(key.appId, index)
  }
  return ringOf(stored)
}

/**
 * One key of each role. The client key is open to every origin, so that a first try from any page or tool works: a client
 * token is public by nature, reaches only `/client/v1` and may only track events; real installations list their shops' origins.
 */
const generate = (): readonly GeneratedKey[] =>
  ROLES.map((role) => ({
    name: `generated ${role}`,
    role,
    appId: `app_${randomBytes(12).toString('hex')}`,
    token: randomBytes(32).toString('base64url'),
    ...(role === 'client' ? { origins: ['*'], customerSecret: randomBytes(32).toString('base64url') } : {}),
  }))

/**
 * The keys of `keysFile` when given (production: entries with `tokenHash`), else those of `dataDir/keys.json`, which the
 * first start writes with mode 0600. Throws `KeyFileError`.
 */
export const loadKeys = (options: { readonly dataDir: string; readonly keysFile?: string }): LoadedKeys => {
  if (options.keysFile !== undefined)
    return { ring: readKeys(options.keysFile), path: options.keysFile, generated: false }
  const path = join(options.dataDir, 'keys.json')
  const generated = !existsSync(path)
  if (generated) {
    makeFolder(options.dataDir)
    writeOnce(path, `${JSON.stringify(generate(), undefined, 2)}\n`)
  }
  return { ring: readKeys(path), path, generated }
}
