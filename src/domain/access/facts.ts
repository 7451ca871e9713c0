// The facts of the stream of access: keys made, rotated and revoked while nodes run, and roles of one's own.
import * as v from 'valibot'

export const ACCESS_STREAM = 'access-main'

const At = v.pipe(v.number(), v.integer())
const Digest = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))

/** What a managed key is; of its token only the SHA-256 in hex is kept. Times are Unix milliseconds. */
export const AccessKey = v.object({
  /** The id in its header too. */
  id: v.string(),
  name: v.string(),
  role: v.string(),
  digest: Digest,
  /** Of a client key: where browsers may use it from, and what beside tracking. */
  origins: v.optional(v.array(v.string())),
  allow: v.optional(v.array(v.string())),
  /** Networks (CIDR) it may be used from; from anywhere when absent. */
  networks: v.optional(v.array(v.string())),
  expiresAt: v.optional(At),
})
export type AccessKey = v.InferOutput<typeof AccessKey>

export const AccessRole = v.object({
  name: v.string(),
  description: v.optional(v.string()),
  permissions: v.pipe(v.array(v.string()), v.readonly()),
})
export type AccessRole = v.InferOutput<typeof AccessRole>

export const accessFacts = {
  AccessKeyCreated: { version: 1, schema: v.object({ key: AccessKey, occurredAt: At }) },
  /** The token before stays good until `overlapUntil`. */
  AccessKeyRotated: {
    version: 1,
    schema: v.object({ id: v.string(), digest: Digest, overlapUntil: At, occurredAt: At }),
  },
  AccessKeyRevoked: { version: 1, schema: v.object({ id: v.string(), occurredAt: At }) },
  AccessRoleSaved: { version: 1, schema: v.object({ role: AccessRole, occurredAt: At }) },
  AccessRoleDeleted: { version: 1, schema: v.object({ name: v.string(), occurredAt: At }) },
} as const

export type AccessFact = {
  [T in keyof typeof accessFacts]: {
    readonly type: T
    readonly data: v.InferOutput<(typeof accessFacts)[T]['schema']>
  }
}[keyof typeof accessFacts]
