// Identifiers: the public prefixes, name-based (repeatable) ids and the branded types for them.
import { createHmac, hash as hashOf } from 'node:crypto'

declare const brand: unique symbol
type Branded<T, Name extends string> = T & { readonly [brand]: Name }

export type CustomerId = Branded<string, 'CustomerId'>

/** Prefixes of public ids, as the HTTP contract has them; those of definitions are with their kinds. */
export type IdPrefix =
  | 'cust'
  | 'v'
  | 'lopp'
  | 'lopb'
  | 'vtx'
  | 'r'
  | 'rr'
  | 'rf'
  | 'rrf'
  | 'pub'
  | 'ord'
  | 'ordli'
  | 'rh'
  | 'ssn'
  | 'msg'
  | 'whs'
  | 'aa'
  | 'evcus'
  | 'evvou'
  | 'evrej'
  | 'del'
  | 'exp'

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** 24 base-62 digits of a SHA-256 digest: about 142 bits, so that two names never share an id in practice. */
const digits = (digest: Buffer): string => {
  let text = ''
  for (let i = 0; i < 24; i++) text += BASE62[digest[i]! % 62]
  return text
}

/** UUID version 5 (RFC 9562, 5.5) over names joined by a separator that no name of ours contains. Same names, same id. */
export const uuidFrom = (...names: readonly string[]): string => {
  const hash = hashOf('sha1', named(names), 'buffer')
  hash[6] = (hash[6]! & 0x0f) | 0x50
  hash[8] = (hash[8]! & 0x3f) | 0x80
  const hex = hash.toString('hex', 0, 16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** How much of the id of a command's first fact says which command it is: 74 bits, and the dashes between them. */
const COMMAND_PART = 24

/**
 * The id of the first fact of a command about a customer. The log takes a fact whose id stands at its place for a repeat of what it
 * has recorded, so that the end of the id says by whose asking it was decided; its beginning follows from the key alone, by which
 * a key is found that memory has forgotten: see `firstFactIds`.
 */
export const firstFactId = (customer: string, key: string, asking: string): string => {
  const names = ['customer', customer, key, 'command', '0'] as const
  return uuidFrom(...names).slice(0, COMMAND_PART) + uuidFrom(...names, asking).slice(COMMAND_PART)
}

/** The least and the greatest id that the first fact of a command can have, whoever asked. */
export const firstFactIds = (customer: string, key: string): { readonly least: string; readonly greatest: string } => {
  const beginning = uuidFrom('customer', customer, key, 'command', '0').slice(0, COMMAND_PART)
  const digits = 36 - COMMAND_PART
  return { least: beginning + '0'.repeat(digits), greatest: beginning + 'f'.repeat(digits) }
}

/** The name space of this product's ids: an arbitrary constant that must never change. */
const NAMESPACE = Buffer.from('6f1c7d3a9a5b4e0c8f52d1b7a4e3c901', 'hex')

/** Hashed in one call: a hash object for each id would cost a decision more than the rest of it. */
const named = (names: readonly string[]): Buffer => {
  const text = names.join('\u001f')
  const bytes = Buffer.allocUnsafe(NAMESPACE.length + Buffer.byteLength(text))
  bytes.set(NAMESPACE)
  bytes.write(text, NAMESPACE.length)
  return bytes
}

/** An id under any prefix, that follows from what it names. */
export const idUnder = (prefix: string, ...names: readonly string[]): string =>
  `${prefix}_${digits(hashOf('sha256', named(names), 'buffer'))}`

/** A public id that follows from what it names, so that deciding again gives the same id. */
export const idFrom = (prefix: IdPrefix, ...names: readonly string[]): string => idUnder(prefix, ...names)

/** Eight base-62 digits (47 bits) for what is told apart from a handful of others and never chosen by strangers. */
export const shortIdFrom = (...names: readonly string[]): string =>
  digits(hashOf('sha256', named(names), 'buffer')).slice(0, 8)

/**
 * The id of the customer with this `source_id`: a keyed hash, so that no lookup stands between an event and its stream,
 * and a stream's name gives nothing personal away to someone without the project's key.
 */
export const customerIdFrom = (sourceId: string, projectKey: string): CustomerId =>
  `cust_${digits(createHmac('sha256', projectKey).update(sourceId).digest())}` as CustomerId

const CUSTOMER_ID = /^cust_[0-9A-Za-z]{24}$/

/** Whether a text has the form of a customer's id; a `source_id` may look like one, so callers try the id first. */
export const isCustomerId = (text: string): text is CustomerId => CUSTOMER_ID.test(text)

export const customerStream = (id: string): string => `customer-${id}`

/**
 * What customers' ids begin with: one beginning for each value of their first so many digits, in the order of the ids. Digits
 * are those of a hash, so that each beginning has about as many customers as any other.
 */
export const customerIdBeginnings = (digits: number): readonly string[] => {
  let beginnings = ['cust_']
  for (let n = 0; n < digits; n++) beginnings = beginnings.flatMap((text) => [...BASE62].map((digit) => text + digit))
  return beginnings
}

const CUSTOMER_STREAM = 'customer-'

/** The customer's id when a stream is a customer's, else undefined. */
export const customerOfStream = (stream: string): string | undefined =>
  stream.startsWith(CUSTOMER_STREAM) ? stream.slice(CUSTOMER_STREAM.length) : undefined

export const RULEBOOK_STREAM = 'rulebook-main'
export const REJECTED_STREAM = 'rejected-events'
