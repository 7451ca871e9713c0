// Who is let in: over TLS, with the one name and password, but for what anybody may ask.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { SecureLogin } from '../access.ts'
import { accessDenied, badCredentials, type RpcError, unencrypted } from './wire/errors.ts'

/** A gRPC call or an HTTP request, as far as letting it in goes. */
export interface Caller {
  readonly isEncrypted: boolean
  readonly authorization: string | undefined
}

/** Why a caller is not let in; undefined lets it in. */
export type Admission = (caller: Caller) => RpcError | undefined

/** What clients ask before they say who they are, as of the real server: nothing of it reads or writes events. */
const FOR_ANYBODY: ReadonlySet<string> = new Set([
  '/event_store.client.server_features.ServerFeatures/GetSupportedMethods',
  '/event_store.client.gossip.Gossip/Read',
])
export const isForAnybody = (path: string): boolean => FOR_ANYBODY.has(path)

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest()

/** With `open` everybody who reaches the port is let in, as a real server without users does. */
export const createAdmission = (access: 'open' | SecureLogin): Admission => {
  if (access === 'open') return () => undefined
  const expected = digestOf(`${access.user}:${access.password}`)
  return ({ isEncrypted, authorization }) => {
    if (!isEncrypted) return unencrypted()
    if (authorization === undefined) return accessDenied()
    const [, given] = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization) ?? []
    const pair = given === undefined ? '' : Buffer.from(given, 'base64').toString('utf8')
    return timingSafeEqual(digestOf(pair), expected) ? undefined : badCredentials()
  }
}
