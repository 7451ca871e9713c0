// Who asks: the three pairs of key headers, the permissions a path asks for, and the origins of client keys.
import { type Holder, holds, type Permission } from '../domain/access/permissions.ts'
import type { Ability, ApiKey, KeyRing } from '../keys.ts'
import type { Allowance } from './clients.ts'
import { CUSTOMER_TOKEN, readCustomerToken } from './customerToken.ts'
import { type Failure, fail } from './errors.ts'
import type { Audience, Client } from './route.ts'
import { reaches, type Tokens } from './tokens.ts'

/** The headers that carry a key, by audience, as the HTTP contract names them. */
export const KEY_HEADERS = {
  server: { id: 'X-App-Id', token: 'X-App-Token' },
  client: { id: 'X-Client-Application-Id', token: 'X-Client-Token' },
  management: { id: 'X-Management-Id', token: 'X-Management-Token' },
} as const satisfies Record<Exclude<Audience, 'public'>, { id: string; token: string }>

const lowered = {
  server: { id: 'x-app-id', token: 'x-app-token' },
  client: { id: 'x-client-application-id', token: 'x-client-token' },
  management: { id: 'x-management-id', token: 'x-management-token' },
} as const

/** The key of a public path: it may nothing. */
export const ANONYMOUS: ApiKey = { name: 'anonymous', role: 'client', appId: '' }

/** Whether a key may be used for paths of this audience that need these permissions: client keys only for client paths. */
export const mayUse = (key: Holder, audience: Audience, permissions: readonly Permission[]): boolean =>
  (key.role === 'client') === (audience === 'client') && permissions.every((one) => holds(key, one))

/** Why a key may not use a path. */
export const lacks = (key: Holder, permissions: readonly Permission[]): Failure => {
  const missing = permissions.find((one) => !holds(key, one))
  return fail(
    'forbidden',
    `The role ${key.role} may not do this${missing === undefined ? '' : `: it lacks ${missing}`}`,
  )
}

/** Whether a key may be used from this origin. A missing origin passes only where any origin does. */
export const originAllowed = (key: ApiKey, origin: string | null): boolean => {
  const origins = key.origins ?? []
  return origins.includes('*') || (origin !== null && origins.includes(origin))
}

/** The key of a request, or why it has none: 401 for a missing or wrong pair, 403 for a missing permission or a wrong origin. */
export const authenticate = (
  ring: KeyRing,
  audience: Exclude<Audience, 'public'>,
  permissions: readonly Permission[],
  sent: Pick<Headers, 'get'>,
  takesBasic = false,
): ApiKey | Failure => {
  const headers = takesBasic ? basicHeaders(sent) : sent
  const names = lowered[audience]
  const appId = headers.get(names.id)
  const token = headers.get(names.token)
  const { id: idHeader, token: tokenHeader } = KEY_HEADERS[audience]
  if (appId === null || token === null)
    return fail(
      'unauthorized',
      `Send the headers ${idHeader} and ${tokenHeader}${takesBasic ? ', or the pair as Authorization: Basic' : ''}`,
    )
  const key = ring.recognise(appId, token)
  if (key === undefined) return fail('unauthorized', `No key has this ${idHeader} and ${tokenHeader}`)
  if (!mayUse(key, audience, permissions)) return lacks(key, permissions)
  if (audience === 'client' && !originAllowed(key, headers.get('origin')))
    return fail('forbidden', "The request's origin is not among the origins of this key")
  return key
}

/** The OAuth token of a request: `Authorization: Bearer …`, or the same as `X-Voucherify-OAuth`. A key's pair goes before it. */
export const bearerOf = (headers: Pick<Headers, 'get'>): string | undefined => {
  if (headers.get(lowered.server.id) !== null) return undefined
  const own = headers.get('x-voucherify-oauth')
  const sent = own ?? headers.get('authorization')
  if (sent === null) return undefined
  const [, token] = /^bearer +(\S{1,500})$/i.exec(sent.trim()) ?? []
  return token ?? (own === null ? undefined : own.trim())
}

interface BearerRequest {
  readonly bearer: string
  readonly path: string
  readonly permissions: readonly Permission[]
  readonly now: number
  /** The route gives tokens, or looks at them: for that a key's own pair is asked for. */
  readonly gives: boolean
}

/** The key whose token it is: 401 for one that has ended, 403 where its scope or its role does not reach. */
export const bearerKey = async (
  tokens: Tokens,
  { bearer, path, permissions, now, gives }: BearerRequest,
): Promise<ApiKey | Failure> => {
  const token = await tokens.of(bearer, now)
  if (token === undefined) return fail('unauthorized', 'The token is not known, or has ended: get another one')
  if (gives) return fail('forbidden', 'Tokens are given to a key with its own pair, not to a token')
  if (!reaches(token.scope, path))
    return fail('forbidden', `The token's scope does not reach this path: it is ${token.scope}`)
  return mayUse(token.key, 'server', permissions) ? token.key : lacks(token.key, permissions)
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

/** The pair of `Authorization: Basic` (RFC 6749 section 2.3.1) as the headers that carry a server's key. */
const basicHeaders = (headers: Pick<Headers, 'get'>): Pick<Headers, 'get'> => {
  const { id, token } = lowered.server
  const [, sent] = /^basic +([A-Za-z0-9+/=]{1,2000})$/i.exec(headers.get('authorization')?.trim() ?? '') ?? []
  if (sent === undefined || headers.get(id) !== null) return headers
  const text = Buffer.from(sent, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 0) return headers
  const pair: Readonly<Record<string, string>> = {
    [id]: decoded(text.slice(0, colon)),
    [token]: decoded(text.slice(colon + 1)),
  }
  return { get: (name) => pair[name.toLowerCase()] ?? headers.get(name) }
}

/** What a key may do on the client paths that ask for this; tracking is what every client key is for. */
export const may = ({ allow }: ApiKey, ability: Ability | 'track'): boolean =>
  ability === 'track' || (allow?.includes(ability) ?? false)

/**
 * What a client key's request may do: 403 when its key is not allowed what the route is about, 401 for a customer's token
 * that does not hold. `now` in Unix milliseconds.
 */
export const authorizeClient = async (
  ring: KeyRing,
  key: ApiKey,
  ability: Ability | 'track',
  headers: Pick<Headers, 'get'>,
  now: number,
): Promise<Omit<Client, keyof Allowance> | Failure> => {
  if (!may(key, ability))
    return fail('missing_required_permission', `This key may not ${ability}: "allow" of its entry does not name it`)
  const token = headers.get(CUSTOMER_TOKEN)
  if (token === null) return { customer: undefined, may: (one) => may(key, one) }
  const secret = ring.customerSecretOf(key)
  if (secret === undefined)
    return fail('unauthorized', `${CUSTOMER_TOKEN}: this key has no "customerSecret" to check it with`)
  const read = await readCustomerToken(token, secret, now)
  return 'fault' in read
    ? fail('unauthorized', `${CUSTOMER_TOKEN}: ${read.fault}`)
    : { customer: read.sourceId, may: (one) => may(key, one) }
}
