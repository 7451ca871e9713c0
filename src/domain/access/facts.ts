// The facts of the stream of access: keys made, rotated and revoked while nodes run, roles of one's own, and people who sign in.
import * as v from 'valibot'
import { wholeFields } from '../personal.ts'

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

/** Somebody who signs in to the console. */
export const AccessUser = v.object({
  id: v.string(),
  /** In lower case; empty once the person is removed. */
  email: v.string(),
  name: v.optional(v.string()),
  role: v.string(),
})
export type AccessUser = v.InferOutput<typeof AccessUser>

const Link = { digest: Digest, until: At }

type Data = Readonly<Record<string, unknown>>
/** What is a user's own is encrypted under a key of that user, which is destroyed when the user is removed. */
const ofUser = (data: Data): string | undefined => {
  const { id } = data.user === undefined ? data : (data.user as Data)
  return typeof id === 'string' ? id : undefined
}

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
  AccessUserInvited: {
    version: 1,
    schema: v.object({ user: AccessUser, link: v.optional(v.object(Link)), occurredAt: At }),
    personal: wholeFields({ 'user.email': '', 'user.name': undefined }, ofUser),
  },
  /** A link that sets the password once, until a time; one made before is void. */
  AccessUserLinkMade: {
    version: 1,
    schema: v.object({ id: v.string(), purpose: v.picklist(['invitation', 'reset']), ...Link, occurredAt: At }),
  },
  AccessUserChanged: {
    version: 1,
    schema: v.object({
      id: v.string(),
      name: v.optional(v.string()),
      role: v.string(),
      isDisabled: v.boolean(),
      occurredAt: At,
    }),
    personal: wholeFields({ name: undefined }, ofUser),
  },
  /** Ends the sessions that were begun before. What is kept is a salted hash with its parameters, never the password. */
  AccessUserPasswordSet: {
    version: 1,
    schema: v.object({
      id: v.string(),
      password: v.optional(v.string()),
      how: v.picklist(['link', 'changed']),
      occurredAt: At,
    }),
    personal: wholeFields({ password: undefined }, ofUser),
  },
  /** Ends all sessions of the user. */
  AccessUserSignedOut: { version: 1, schema: v.object({ id: v.string(), occurredAt: At }) },
  /** Who the user is to a provider of OpenID Connect. */
  AccessUserIdentified: {
    version: 1,
    schema: v.object({ id: v.string(), issuer: v.string(), subject: v.string(), occurredAt: At }),
    personal: wholeFields({ subject: '' }, ofUser),
  },
  AccessUserRemoved: { version: 1, schema: v.object({ id: v.string(), occurredAt: At }) },
} as const

export type AccessFact = {
  [T in keyof typeof accessFacts]: {
    readonly type: T
    readonly data: v.InferOutput<(typeof accessFacts)[T]['schema']>
  }
}[keyof typeof accessFacts]
