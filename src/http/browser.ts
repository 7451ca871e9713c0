// Requests of the console's pages: the cookie that stands for a session, and what is asked of a request that has one.
import type { Permission } from '../domain/access/permissions.ts'
import { lacks, mayUse } from './auth.ts'
import { type Failure, fail } from './errors.ts'
import type { Audience } from './route.ts'
import { type Session, type Sessions, sameText } from './sessions.ts'

const COOKIE = 'tributary_session'
const CSRF_HEADER = 'X-CSRF-Token'
/** What a page asks by itself, such as every few seconds: nobody need be there, so that the session is not used by it. */
const BY_ITSELF = 'X-By-Itself'

type Asking = Pick<Headers, 'get'>

/** The value of a cookie that came with a request. */
export const cookieOf = (wanted: string, headers: Asking): string | undefined => {
  for (const part of headers.get('cookie')?.split(';') ?? []) {
    const [name, ...value] = part.trim().split('=')
    if (name === wanted && value[0]) return value.join('=')
  }
  return undefined
}

/** The session's token in a request's cookies. */
export const sessionToken = (headers: Asking): string | undefined => cookieOf(COOKIE, headers)

/** `Set-Cookie` of what has to come back from a page of elsewhere that leads here, and only to one path. */
export const flowCookie = (name: string, value: string, path: string, seconds: number, isSecure: boolean): string =>
  `${name}=${value}; Path=${path}; Max-Age=${seconds}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`

/** `Set-Cookie` of a session that lasts so many seconds; 0 takes it away. `isSecure`: only to be sent over HTTPS. */
export const sessionCookie = (token: string, seconds: number, isSecure: boolean): string =>
  `${COOKIE}=${token}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`

/** Whether a request with neither of the key headers comes with a cookie, so that its session is asked for. */
export const comesWithCookie = (audience: Audience, headers: Asking): boolean =>
  (audience === 'server' || audience === 'management') &&
  headers.get('x-app-id') === null &&
  headers.get('x-management-id') === null &&
  headers.get('authorization') === null &&
  sessionToken(headers) !== undefined

const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD'

/**
 * Whether a page of our own asked. Browsers say so themselves (Fetch metadata); a request that changes something must also know
 * what only a page of this origin can have read.
 */
export const foreignRequest = (method: string, headers: Asking, session: Session): Failure | undefined => {
  const site = headers.get('sec-fetch-site')
  if (site !== null && site !== 'same-origin' && !(site === 'none' && isRead(method)))
    return fail('forbidden', 'A session may only be used from the pages of this server')
  if (isRead(method) || sameText(headers.get(CSRF_HEADER) ?? '', session.csrf)) return undefined
  return fail('forbidden', `Send the header ${CSRF_HEADER} as /console/session tells it`)
}

/** Signing in, and what leads to it, is for pages of our own only, so that no other site signs somebody in as it likes. */
export const foreignSignIn = (headers: Asking): Failure | undefined => {
  const site = headers.get('sec-fetch-site')
  return site !== null && site !== 'same-origin' ? fail('forbidden', 'Sign in on the pages of this server') : undefined
}

/** The key of a request that comes with a cookie: 401 when its session has ended, 403 for one that may not, or for a page of elsewhere. */
export const sessionKey = async (
  sessions: Sessions,
  audience: Audience,
  permissions: readonly Permission[],
  method: string,
  headers: Asking,
): Promise<Session['key'] | Failure> => {
  const session = await sessions.of(sessionToken(headers) ?? '', headers.get(BY_ITSELF) === null)
  if (session === undefined) return fail('unauthorized', 'The session has ended: sign in again')
  const foreign = foreignRequest(method, headers, session)
  if (foreign !== undefined) return foreign
  return mayUse(session.key, audience, permissions) ? session.key : lacks(session.key, permissions)
}
