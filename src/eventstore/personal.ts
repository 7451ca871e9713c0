// How the codec has personal data kept: as the vault's ciphertext beside the fact, under a key that can be destroyed.
import * as v from 'valibot'
import type { RawRecord } from './codec.ts'

/** Ciphertext as it stands in a fact's metadata. */
export const Encrypted = v.object({
  /** Which of the person's keys: a person who was erased and came back has another. */
  key: v.string(),
  /** Base64. */
  text: v.string(),
})
export type Encrypted = v.InferOutput<typeof Encrypted>

/** A key of a customer, as a fact names it. */
export interface KeyName {
  readonly customer: string
  readonly key: string
}

/** What the vault is told of a record. */
export type NotedRecord = Pick<RawRecord, 'stream' | 'type' | 'data' | 'revision' | 'position'>

export interface Vault {
  /** Resolves once `encrypt` can be called for these customers; undefined: it can be at once. */
  prepare(customers: readonly string[]): Promise<void> | undefined
  /** Resolves once it is known of these keys what they are, or that they are gone; undefined: it is. */
  fetch(keys: readonly KeyName[]): Promise<void> | undefined
  /** For a customer that was prepared. `context` binds the ciphertext to its place. */
  encrypt(customer: string, text: string, context: string): Encrypted
  /** undefined: the key was destroyed. Throws for ciphertext that was changed. */
  decrypt(customer: string, encrypted: Encrypted, context: string): string | undefined
  /** Told of each record of `KEY_TYPES` as it is read, and of an erasure that was appended. */
  note(record: NotedRecord): void
}

export const CUSTOMER_KEY_MADE = 'CustomerKeyMade'
export const CUSTOMER_KEYS_DESTROYED = 'CustomerKeysDestroyed'
/** After it the customer's keys are being destroyed. */
export const CUSTOMER_ERASED = 'CustomerErased'
export const KEY_TYPES: ReadonlySet<string> = new Set([CUSTOMER_KEY_MADE, CUSTOMER_KEYS_DESTROYED, CUSTOMER_ERASED])
