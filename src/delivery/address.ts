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

/**
 * What is reached at no setting: link-local addresses and those beside them at which hosts of clouds give out their credentials
 * (Alibaba, Oracle, Azure, AWS and Google over IPv6), and the forms of IPv6 that stand for an IPv4 address which a gateway would
 * reach: IPv4-compatible (RFC 4291, 2.5.5.1), translated (RFC 6145), NAT64 (RFC 6052, 8215), 6to4 and Teredo.
 */
const NEVER = [
  '169.254.0.0/16',
  'fe80::/10',
  '100.100.100.200/32',
  '192.0.0.192/32',
  '168.63.129.16/32',
  'fd00:ec2::254/128',
  'fd20:ce::254/128',
  '::ffff:0:0:0/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '2002::/16',
  '2001::/32',
].map((range) => ipaddr.parseCIDR(range))

/** IPv4-compatible: all below `::1:0:0` but for the unspecified address and loopback. */
const isCompatible = (address: Address): boolean => {
  if (address.kind() === 'ipv4') return false
  const bytes = address.toByteArray()
  return bytes.slice(0, 12).every((byte) => byte === 0) && bytes.slice(12, 15).some((byte) => byte !== 0)
}

type Address = ReturnType<typeof ipaddr.parse>

/** IPv6 in hexadecimal throughout: `ipaddr.js` reads `::127.0.0.1` as if it were `::ffff:127.0.0.1`. */
const canonical = (text: string): string | undefined => {
  if (!text.includes(':')) return text
  const url = `http://[${text}]/`
  return URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : undefined
}

/** An address as what it reaches: `::ffff:127.0.0.1` is 127.0.0.1. Undefined for what is none, and for what is never reached. */
const reached = (text: string): Address | undefined => {
  const written = canonical(text)
  if (written === undefined || !ipaddr.isValid(written) || isCompatible(ipaddr.parse(written))) return undefined
  const address = ipaddr.process(written)
  return NEVER.some(([range, bits]) => range.kind() === address.kind() && address.match(range, bits))
    ? undefined
    : address
}

/** Whether an IP address, in text, is one that the public internet routes. */
export const isPublicAddress = (text: string): boolean => reached(text)?.range() === 'unicast'

/** Whether webhooks may go to an IP address where private ones are allowed. */
export const isPrivateOrPublic = (text: string): boolean => reached(text) !== undefined

/** Names under which hosts of clouds give out their credentials; they are refused whatever they resolve to. */
const METADATA_HOSTS: ReadonlySet<string> = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'instance-data',
  'instance-data.ec2.internal',
  'metadata.azure.internal',
  'metadata.packet.net',
  'metadata.platformequinix.com',
  'metadata.tencentyun.com',
  'rancher-metadata',
])

const isMetadataHost = (hostname: string): boolean => METADATA_HOSTS.has(hostname.toLowerCase().replace(/\.$/, ''))

/** Which IP addresses may be reached. */
export type Allowed = (address: string) => boolean

/** The IP address that a URL's host is, without the brackets of IPv6; undefined for a name. */
const literalOf = (hostname: string): string | undefined => {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return ipaddr.isValid(bare) ? bare : undefined
}

/** Throws `AddressRefused` when a URL names an address itself, or a host of cloud credentials, that must not be reached. */
export const checkLiteral = ({ hostname }: URL, isAllowed: Allowed = isPublicAddress): void => {
  if (isMetadataHost(hostname)) throw new AddressRefused(hostname)
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
