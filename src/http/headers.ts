// Request headers with a meaning of their own: Consistency-Token, Prefer, Idempotency-Key, If-None-Match, If-Match.
import { hash } from 'node:crypto'
import { ownBeginning } from '../domain/callerKeys.ts'
import { type Failure, fail } from './errors.ts'
import type { Consistency } from './route.ts'

/** A token must be reached, so it is waited for longer than what the key has written. */
const TOKEN_WAIT_MS = 2_000
const OWN_WAIT_MS = 1_000
const MAX_WAIT_MS = 10_000
/** A position is an unsigned 64-bit number. */
const MAX_POSITION = 2n ** 64n - 1n

/** The headers a request was sent with, parsed. */
export interface ConditionalHeaders {
  readonly consistency: Consistency
  readonly idempotencyKey: string | undefined
  /** Whether `If-None-Match` names this tag (weak comparison, RFC 9110 13.1.2); undefined when it was not sent. */
  readonly ifNoneMatch: ((etag: string) => boolean) | undefined
  /** Whether `If-Match` names this revision, be it with a hash behind it (`etagOf`); undefined when it was not sent. */
  readonly ifMatch: ((revision: string) => boolean) | undefined
}

const TOKEN = /^\d{1,20}$/
const VISIBLE_ASCII = /^[\x21-\x7e]{1,255}$/
const WAIT = /(?:^|,)\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:[,;]|$)/i

/** ms of `Prefer: wait=<seconds>` (RFC 7240 4.3), at most 10 s; anything else in the header is no concern of ours. */
const preferredWaitMs = (prefer: string | undefined): number | undefined => {
  const seconds = prefer === undefined ? undefined : WAIT.exec(prefer)?.[1]
  return seconds === undefined ? undefined : Math.min(Number(seconds) * 1000, MAX_WAIT_MS)
}

const parseToken = (text: string): bigint | undefined => {
  if (!TOKEN.test(text)) return undefined
  const position = BigInt(text)
  return position <= MAX_POSITION ? position : undefined
}

const matcher =
  (value: string) =>
  (etag: string): boolean =>
    value.trim() === '*' || value.split(',').some((one) => one.trim().replace(/^W\//, '') === `"${etag}"`)

/**
 * The version of an answer, without quotes: the revision of what it shows, where it has one, and a hash of the whole body, since
 * a body also shows what no revision counts (the progress of a roll-out, the codes of a campaign).
 */
export const etagOf = (json: string, revision: string | undefined): string => {
  const digest = hash('sha1', json, 'base64url')
  return revision === undefined ? digest : `${revision}.${digest}`
}

/** The revision in a tag of `etagOf`. A weak tag has none: `If-Match` compares strongly (RFC 9110 13.1.1). */
const REVISION = /^"(\d{1,20})[."]/

const revisionMatcher =
  (value: string) =>
  (revision: string): boolean =>
    value.trim() === '*' || value.split(',').some((one) => REVISION.exec(one.trim())?.[1] === revision)

/** What a request without any of them stands for. */
export const PLAIN: ConditionalHeaders = {
  consistency: { waitMs: OWN_WAIT_MS },
  idempotencyKey: undefined,
  ifNoneMatch: undefined,
  ifMatch: undefined,
}

/** Reads the headers; one that is sent and malformed is a failure that names it. */
export const readHeaders = (headers: Pick<Headers, 'get'>): ConditionalHeaders | Failure => {
  const token = headers.get('consistency-token') ?? undefined
  const prefer = headers.get('prefer') ?? undefined
  const idempotencyKey = headers.get('idempotency-key') ?? undefined
  const ifNoneMatch = headers.get('if-none-match') ?? undefined
  const ifMatch = headers.get('if-match') ?? undefined
  if ([token, prefer, idempotencyKey, ifNoneMatch, ifMatch].every((value) => value === undefined)) return PLAIN
  if (idempotencyKey !== undefined && !VISIBLE_ASCII.test(idempotencyKey))
    return fail('invalid_header', 'Idempotency-Key must have 1 to 255 visible ASCII characters')
  const own = idempotencyKey === undefined ? undefined : ownBeginning(idempotencyKey)
  if (own !== undefined) return fail('invalid_header', `Idempotency-Key must NOT begin with ${own}`)
  const position = token === undefined ? undefined : parseToken(token)
  if (token !== undefined && position === undefined)
    return fail('invalid_header', 'Consistency-Token must be a position as an earlier answer gave it')
  return {
    consistency: {
      waitMs: preferredWaitMs(prefer) ?? (position === undefined ? OWN_WAIT_MS : TOKEN_WAIT_MS),
      token: position,
    },
    idempotencyKey,
    ifNoneMatch: ifNoneMatch === undefined ? undefined : matcher(ifNoneMatch),
    ifMatch: ifMatch === undefined ? undefined : revisionMatcher(ifMatch),
  }
}
