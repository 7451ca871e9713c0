// Facts about the keys of personal data: each customer's key in a stream of its own, which is removed when the person is erased,
// and beside them what wraps these keys and which are gone.
import * as v from 'valibot'

const At = v.pipe(v.number(), v.integer())

/** Base64 of nonce, tag and ciphertext, AES-256-GCM. */
const Wrapped = v.string()

export const keyFacts = {
  /** The project's key, which wraps those of customers, wrapped by a master key that is kept outside of the log. */
  ProjectKeyWrapped: {
    version: 1,
    schema: v.object({ wrapped: Wrapped, master: v.string(), occurredAt: At }),
  },
  CustomerKeyMade: {
    version: 1,
    schema: v.object({ customer: v.string(), wrapped: Wrapped, occurredAt: At }),
  },
  /** Of this customer's keys those up to a revision of their stream are gone for good. */
  CustomerKeysDestroyed: {
    version: 1,
    schema: v.object({ customer: v.string(), upTo: v.string(), occurredAt: At }),
  },
} as const

export type KeyFactData<T extends keyof typeof keyFacts> = v.InferOutput<(typeof keyFacts)[T]['schema']>

/** Holds the project's key and the list of what was destroyed. */
export const KEYS_STREAM = 'keys-main'

export const customerKeyStream = (customer: string): string => `key-${customer}`
