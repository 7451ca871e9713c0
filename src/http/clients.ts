// What the requests of public keys may use up: bounds by key and address, and whose address a request comes from.
import ipaddr from 'ipaddr.js'
import type { ApiKey } from '../keys.ts'
import { type Failure, fail } from './errors.ts'
import { createCounter, type RateState, type SharedCounts, secondsLeft, stateOf } from './limits.ts'

const MINUTE_MS = 60_000
/** How long a lock of a browser lasts at most, and the window in which its locks are counted, ms. */
export const CLIENT_LOCK_MS = 10 * MINUTE_MS

/** How much a client key may use up from one address in a minute. */
export interface ClientLimits {
  readonly requests: number
  /** Of bodies. */
  readonly bytes: number
  readonly newCustomers: number
  /** Events that were refused and are kept. */
  readonly refusedEvents: number
}

export const CLIENT_LIMITS: ClientLimits = { requests: 300, bytes: 4_000_000, newCustomers: 30, refusedEvents: 10 }

/** What fills the store is bounded over all addresses of a key too: at so many times what one address may. */
const ADDRESSES = 20
/** Codes that one address, or one customer, may have locked in ten minutes. */
const LOCKS = 10

/** What is counted beside requests. */
export type Bounded = 'bytes' | 'newCustomers' | 'refusedEvents' | 'locks'

const SAID: Readonly<Record<Bounded, string>> = {
  bytes: 'bytes a minute',
  newCustomers: 'new customers a minute',
  refusedEvents: 'refused events a minute',
  locks: 'locked codes in ten minutes',
}

/** The bounds of one request's key and address. */
export interface Allowance {
  /** 429 when so many more would be too many; else they are counted. `of` counts for a customer in place of the address. */
  readonly take: (what: Bounded, n: number, of?: string) => Failure | undefined
  /** What was taken and not used. */
  readonly giveBack: (what: Bounded, n: number) => void
}

export interface ClientBounds {
  /** Counts a request. */
  readonly request: (key: ApiKey, address: string, now: number) => RateState
  readonly allowance: (key: ApiKey, address: string, now: number) => Allowance
}

/** Counters of client keys. Each node counts for itself. */
export const clientBounds = (limits: ClientLimits, shared?: SharedCounts): ClientBounds => {
  const minutes = createCounter(MINUTE_MS, shared)
  const locks = createCounter(CLIENT_LOCK_MS, shared)
  const limitOf = (what: Bounded): number => (what === 'locks' ? LOCKS : limits[what])
  const counterOf = (what: Bounded) => (what === 'locks' ? locks : minutes)
  return {
    request: (key, address, now) => {
      const count = minutes.add(`requests ${key.appId} ${address}`, 1, now)
      return stateOf(limits.requests, count, now, `An address may send ${limits.requests} requests a minute`)
    },
    allowance: (key, address, now) => {
      /** Whose count it is, and how high it may be. */
      const places = (what: Bounded, of: string): readonly (readonly [name: string, limit: number])[] => [
        [`${what} ${key.appId} ${of}`, limitOf(what)],
        ...(what === 'newCustomers' || what === 'refusedEvents'
          ? [[`${what} ${key.appId}`, limitOf(what) * ADDRESSES] as const]
          : []),
      ]
      const add = (what: Bounded, n: number, of: string): boolean =>
        places(what, of)
          .map(([name, limit]) => counterOf(what).add(name, n, now) <= limit)
          .every(Boolean)
      return {
        take: (what, n, of = address) => {
          if (add(what, n, of)) return undefined
          add(what, -n, of)
          const retryAfter = secondsLeft(counterOf(what).windowMs, now)
          return fail('too_many_requests', `No more than ${limitOf(what)} ${SAID[what]}`, { retryAfter })
        },
        giveBack: (what, n) => void add(what, -n, address),
      }
    },
  }
}

/** Whether a key may be used from an address: one that names networks, from these only. */
export const networkAllowed = ({ networks }: ApiKey, text: string | undefined): boolean => {
  if (networks === undefined) return true
  if (text === undefined || !ipaddr.isValid(text)) return false
  const address = ipaddr.process(text)
  return networks.some((cidr) => {
    const [network, bits] = ipaddr.parseCIDR(cidr)
    return address.kind() === network.kind() && address.match(network, bits)
  })
}

/** The addresses that are one subscriber's: an IPv6 network of 64 bits, an IPv4 address by itself. */
const subscriber = (text: string): string | undefined => {
  if (!ipaddr.isValid(text)) return undefined
  const address = ipaddr.process(text)
  return address.kind() === 'ipv4' ? address.toString() : address.toNormalizedString().split(':').slice(0, 4).join(':')
}

/**
 * Whose request it is: the socket's address, or behind `proxies` proxies of our own, each of which appends the address that it
 * was asked from, the entry of `X-Forwarded-For` that the outermost of them wrote. What a caller writes there itself stands
 * further left and is not believed.
 */
export const addressOf = (socket: string | undefined, forwarded: string | null, proxies: number): string =>
  subscriber(outermostOf(forwarded, proxies) ?? '') ?? subscriber(socket ?? '') ?? 'unknown'

/** The same address as it is, for the networks of a key. */
export const wholeAddressOf = (
  socket: string | undefined,
  forwarded: string | null,
  proxies: number,
): string | undefined => {
  const outermost = outermostOf(forwarded, proxies)
  return outermost !== undefined && ipaddr.isValid(outermost) ? outermost : socket
}

const outermostOf = (forwarded: string | null, proxies: number): string | undefined => {
  if (proxies === 0 || forwarded === null) return undefined
  const entries = forwarded.split(',').map((entry) => entry.trim())
  return entries[Math.max(0, entries.length - proxies)]
}
