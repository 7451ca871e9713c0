// Who may send a request, and whether it may be carried out now: keys, networks, limits of each key and address, room on the disk.

import type { ApiKey } from '../keys.ts'
import type { AppDeps, Asked } from './appDeps.ts'
import { authenticate, authorizeClient, bearerKey, bearerOf } from './auth.ts'
import { comesWithCookie, sessionKey } from './browser.ts'
import { addressOf, CLIENT_LIMITS, clientBounds, networkAllowed, wholeAddressOf } from './clients.ts'
import type { Endpoint } from './endpoints.ts'
import { type Failure, fail, insufficientStorage, overloaded } from './errors.ts'
import type { Exchange } from './exchange.ts'
import { rateLimiter } from './limits.ts'
import type { Audience } from './route.ts'

/** What a request has to pass before anything is spent on it. Undefined: it may go on. */
export interface Admission {
  admit(exchange: Exchange, endpoint: Endpoint, c: Asked): Promise<Failure | undefined>
  /** The same for a client key, which `admit` has found. */
  admitClient(exchange: Exchange, endpoint: Endpoint, c: Asked): Promise<Failure | undefined>
  /** Whose limits a request counts for. */
  addressIn(c: Asked, headers: Pick<Headers, 'get'>): string
}

export const createAdmission = (deps: AppDeps): Admission => {
  const limiter = rateLimiter(deps.rateLimitPerMinute, deps.sharedCounts)
  const bounds = clientBounds(deps.clientLimits ?? CLIENT_LIMITS, deps.sharedCounts)

  /** The key that a request comes with, however it comes: as a pair, as a token, or as the cookie of a session. */
  const keyOf = (
    { headers, now }: Exchange,
    { audience, permissions, method, path, route }: Endpoint & { readonly audience: Exclude<Audience, 'public'> },
  ): Promise<ApiKey | Failure> | ApiKey | Failure => {
    const bearer = deps.tokens && audience === 'server' ? bearerOf(headers) : undefined
    if (deps.tokens && bearer !== undefined)
      return bearerKey(deps.tokens, { bearer, path, permissions, now, gives: route.takesBasic === true })
    if (deps.sessions && comesWithCookie(audience, headers))
      return sessionKey(deps.sessions, audience, permissions, method, headers)
    return authenticate(deps.keys, audience, permissions, headers, route.takesBasic)
  }

  /** Who asks, and whether the key may send another request now. */
  const admit = async (exchange: Exchange, endpoint: Endpoint, c: Asked): Promise<Failure | undefined> => {
    if (endpoint.audience === 'public') return undefined
    const { headers } = exchange
    const key = await keyOf(exchange, { ...endpoint, audience: endpoint.audience })
    if ('failed' in key) return key
    exchange.key = key
    if (key.networks) {
      const socket = c.env?.incoming?.socket.remoteAddress
      const address = wholeAddressOf(socket, headers.get('x-forwarded-for'), deps.proxies ?? 0)
      if (!networkAllowed(key, address)) return fail('forbidden', 'This key may not be used from this address')
    }
    const shortage = endpoint.records ? deps.shortage?.() : undefined
    if (shortage !== undefined) return insufficientStorage(shortage)
    if (endpoint.audience === 'client') return undefined
    exchange.rate = limiter(key.appId, exchange.now)
    if (exchange.rate.refused !== undefined) return exchange.rate.refused
    // Here, where nothing has been spent on it: not even its body is read.
    const seconds = endpoint.method === 'GET' ? undefined : deps.busyFor?.(endpoint.route.isMany ?? false)
    return seconds === undefined ? undefined : overloaded(seconds)
  }

  const addressIn = (c: Asked, headers: Pick<Headers, 'get'>): string =>
    addressOf(c.env?.incoming?.socket.remoteAddress, headers.get('x-forwarded-for'), deps.proxies ?? 0)

  /** What a client key's request may do and use up. Its address first: one that asks too often leaves the key to others. */
  const admitClient = async (exchange: Exchange, { route }: Endpoint, c: Asked): Promise<Failure | undefined> => {
    const { key, headers, now } = exchange
    const address = addressIn(c, headers)
    exchange.rate = bounds.request(key, address, now)
    const refused = exchange.rate.refused ?? limiter(key.appId, now).refused
    if (refused !== undefined) return refused
    const may = await authorizeClient(deps.keys, key, route.ability ?? 'track', headers, now)
    if ('failed' in may) return may
    exchange.client = { ...may, ...bounds.allowance(key, address, now) }
    return undefined
  }

  return { admit, admitClient, addressIn }
}
