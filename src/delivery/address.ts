// Where webhooks may go: public addresses only, unless the operator allows private ones; looked at after the name is resolved.
import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'

/** The target is an address that webhooks must not reach: this host, its network, or one set aside for other uses. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused'
  readonly address: string
  constructor(address: string) {
    super(`${address} is not an address that webhooks may go to`)
    this.address = address
  }
}

/** Whether an IP address, in text, is one that the public internet routes. */
export const isPublicAddress = (text: string): boolean => {
  if (!ipaddr.isValid(text)) return false
  // `process` unwraps IPv4 inside IPv6, so that ::ffff:127.0.0.1 is seen as what it reaches.
  const address = ipaddr.process(text)
  return address.range() === 'unicast'
}

/**
 * Whether webhooks may go to an IP address where private ones are allowed: to all but link-local ones, at which hosts of clouds
 * give out their credentials.
 */
export const isPrivateOrPublic = (text: string): boolean =>
  ipaddr.isValid(text) && ipaddr.process(text).range() !== 'linkLocal'

/** Which IP addresses may be reached. */
export type Allowed = (address: string) => boolean

/** The IP address that a URL's host is, without the brackets of IPv6; undefined for a name. */
const literalOf = (hostname: string): string | undefined => {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return ipaddr.isValid(bare) ? bare : undefined
}

/** Throws `AddressRefused` when a URL names an address itself that must not be reached: no name is resolved for such. */
export const checkLiteral = ({ hostname }: URL, isAllowed: Allowed = isPublicAddress): void => {
  const literal = literalOf(hostname)
  if (literal !== undefined && !isAllowed(literal)) throw new AddressRefused(literal)
}

/**
 * Resolves names as the system does and fails when any of the addresses must not be reached. The connection goes to what was
 * looked at here, so that a name that answers differently the next time gains nothing.
 */
export const guardedLookup =
  (lookup: typeof systemLookup = systemLookup, isAllowed: Allowed = isPublicAddress): LookupFunction =>
  (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error) return callback(error, '', 0)
      const refused = addresses.find(({ address }) => !isAllowed(address))
      if (refused) return callback(new AddressRefused(refused.address), '', 0)
      if (options.all) return callback(null, addresses)
      const first = addresses[0]
      if (!first) return callback(new Error(`${hostname} has no address`), '', 0)
      callback(null, first.address, first.family)
    })
  }
