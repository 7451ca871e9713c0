// Who asks: the three pairs of key headers, the permissions a path asks for, and the origins of client keys.
import { type Holder, holds, type Permission } from '../domain/access/permissions.ts'
import type { Ability, ApiKey, KeyRing } from '../keys.ts'
import type { Allowance } from './clients.ts'
import { CUSTOMER_TOKEN, readCustomerToken } from './customerToken.ts'
import { type Failure, refuse } from './errors.ts'
import type { Audience, Client } from './route.ts'

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
  return refuse(
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
  headers: Pick<Headers, 'get'>,
): ApiKey | Failure => {
  const names = lowered[audience]
  const appId = headers.get(names.id)
  const token = headers.get(names.token)
  const { id: idHeader, token: tokenHeader } = KEY_HEADERS[audience]
  if (appId === null || token === null) return refuse('unauthorized', `Send the headers ${idHeader} and ${tokenHeader}`)
  const key = ring.recognise(appId, token)
  if (key === undefined) return refuse('unauthorized', `No key has this ${idHeader} and ${tokenHeader}`)
  if (!mayUse(key, audience, permissions)) return lacks(key, permissions)
  if (audience === 'client' && !originAllowed(key, headers.get('origin')))
    return refuse('forbidden', "The request's origin is not among the origins of this key")
  return key
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
    return refuse('missing_required_permission', `This key may not ${ability}: "allow" of its entry does not name it`)
  const token = headers.get(CUSTOMER_TOKEN)
  if (token === null) return { customer: undefined, may: (one) => may(key, one) }
  const secret = ring.customerSecretOf(key)
  if (secret === undefined)
    return refuse('unauthorized', `${CUSTOMER_TOKEN}: this key has no "customerSecret" to check it with`)
  const read = await readCustomerToken(token, secret, now)
  return 'fault' in read
    ? refuse('unauthorized', `${CUSTOMER_TOKEN}: ${read.fault}`)
    : { customer: read.sourceId, may: (one) => may(key, one) }
}
