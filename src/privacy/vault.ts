// Keys of personal data: one a customer, wrapped by the project's key, which the master key wraps in turn. They lie in the event
// log, each in a stream of its own that is removed when the person is erased: so they are saved, copied and restored with what
// they open, the document store stays disposable, and one master key serves all nodes.
import { randomUUID } from 'node:crypto'
import { customerOfStream } from '../domain/ids.ts'
import { customerKeyStream, KEYS_STREAM, type KeyFactData } from '../domain/personalFacts.ts'
import type { NewFact } from '../domain/recorded.ts'
import type { Encrypted, EventStore, KeyName, RawRecord, Vault } from '../eventstore/index.ts'
import { CUSTOMER_KEY_MADE, CUSTOMER_KEYS_DESTROYED } from '../eventstore/personal.ts'
import { createLru } from '../lru.ts'
import { decrypted, encrypted, newKey } from './cipher.ts'
import { type MasterKey, MasterKeyError } from './masterKey.ts'

/** Customers whose keys are kept in memory; some 400 bytes each. */
const CACHED = 50_000
/** Keys that are known to be gone; a name costs some 100 bytes. */
const GONE = 50_000
/** Streams of keys read at a time. */
const AT_ONCE = 32
const MAX_TRIES = 5

type Store = Pick<EventStore, 'append' | 'readStream' | 'removeStream'>

interface NamedKey {
  /** The revision of the fact that made it. */
  readonly name: string
  readonly key: Uint8Array
}

interface CachedKey {
  /** Mostly one. */
  readonly keys: readonly NamedKey[]
  /** What is encrypted from now on is so under this one; undefined: there is none yet. */
  readonly current: string | undefined
}

export interface CustomerVault extends Vault {
  /** Connects it with the log, and makes the project's key where there is none. Throws `MasterKeyError`. */
  open(store: Store): Promise<void>
  /** Destroys all keys of a customer for good; again, nothing more happens. Resolves to how many there were. */
  destroy(customer: string): Promise<number>
}

export interface VaultOptions {
  readonly masterKeys: readonly MasterKey[]
  readonly now: () => number
}

/** A key for the cache: as the small Buffer that it comes as it would keep the 8 KB in memory that Node cut it from. */
const kept = (key: Buffer): Uint8Array => Uint8Array.from(key)

const keyNamed = (cached: CachedKey | undefined, name: string | undefined): Uint8Array | undefined =>
  cached?.keys.find((one) => one.name === name)?.key

export const createVault = ({ masterKeys, now }: VaultOptions): CustomerVault => {
  const held = createLru<CachedKey>({ entries: CACHED })
  const gone = createLru<true>({ entries: GONE })
  /** What was destroyed: facts of it that the log still shows are not taken for keys. */
  const destroyed = new Map<string, bigint>()
  const reading = new Map<string, Promise<void>>()
  let connected: Store | undefined
  let projectKey: Uint8Array | undefined

  const store = (): Store => {
    if (connected === undefined) throw new Error('the vault is not open')
    return connected
  }
  const project = (): Uint8Array => {
    if (projectKey === undefined) throw new Error('the vault is not open')
    return projectKey
  }
  const fact = <T extends string>(type: T, data: unknown): NewFact => ({
    id: randomUUID(),
    type,
    data,
    metadata: { $correlationId: '', now: now() },
  })

  const take = (customer: string, revision: bigint, wrapped: string): void => {
    if (revision <= (destroyed.get(customer) ?? -1n)) return
    const known = held.get(customer)
    const name = String(revision)
    if (keyNamed(known, name)) return
    const key = kept(decrypted(project(), wrapped, customer))
    const isNewest = known?.current === undefined || revision > BigInt(known.current)
    held.set(customer, {
      keys: [...(known?.keys ?? []), { name, key }],
      current: isNewest ? name : known.current,
    })
  }

  /** Of one that passes by in the log: where it cannot be read, whoever needs it is told. */
  const noteKey = (customer: string, revision: bigint, wrapped: string): void => {
    try {
      if (projectKey !== undefined) take(customer, revision, wrapped)
    } catch {}
  }

  const read = async (customer: string): Promise<void> => {
    for await (const { type, data, revision } of store().readStream(customerKeyStream(customer)))
      if (type === CUSTOMER_KEY_MADE) take(customer, revision, (data as KeyFactData<'CustomerKeyMade'>).wrapped)
  }

  /** A customer whose key is not at hand is mostly new: made at once, and read only where another was there. */
  const make = async (customer: string): Promise<void> => {
    const key = kept(newKey())
    const made = fact(CUSTOMER_KEY_MADE, {
      customer,
      wrapped: encrypted(project(), key, customer),
      occurredAt: now(),
    })
    for (let tries = 0; held.get(customer)?.current === undefined; tries++) {
      if (tries === MAX_TRIES) throw new Error(`the key of ${customer} is changed by many at once`)
      const result = await store().append(customerKeyStream(customer), [made], 'no_stream')
      if (result.kind === 'appended')
        held.set(customer, { keys: [{ name: String(result.revision), key }], current: String(result.revision) })
      else await read(customer)
    }
  }

  /** What is under way for a customer is waited for, not done again. */
  const once = (customer: string, work: (customer: string) => Promise<void>): Promise<void> => {
    const running = reading.get(customer)
    if (running) return running.catch(() => undefined).then(() => once(customer, work))
    const started = work(customer).finally(() => reading.delete(customer))
    reading.set(customer, started)
    return started
  }

  const each = async (customers: readonly string[], work: (customer: string) => Promise<void>): Promise<void> => {
    const waiting = [...customers]
    const next = async (): Promise<void> => {
      for (let customer = waiting.shift(); customer !== undefined; customer = waiting.shift())
        await once(customer, work)
    }
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, waiting.length) }, next))
  }

  const isKnown = ({ customer, key }: KeyName): boolean =>
    keyNamed(held.get(customer), key) !== undefined ||
    gone.has(`${customer} ${key}`) ||
    BigInt(key) <= (destroyed.get(customer) ?? -1n)

  const fetchMissing = async (missing: readonly KeyName[]): Promise<void> => {
    await each([...new Set(missing.map(({ customer }) => customer))], read)
    // A fact follows its key: what its stream does not have now it will not have later.
    for (const name of missing) if (!isKnown(name)) gone.set(`${name.customer} ${name.key}`, true)
  }

  const vault: CustomerVault = {
    async open(given) {
      connected = given
      const [newest] = masterKeys
      if (newest === undefined) throw new MasterKeyError('no master key is given')
      for (let tries = 0; projectKey === undefined; tries++) {
        let wrapped: KeyFactData<'ProjectKeyWrapped'> | undefined
        let revision = -1n
        for await (const { type, data, revision: at } of given.readStream(KEYS_STREAM)) {
          revision = at
          if (type === 'ProjectKeyWrapped') wrapped = data as KeyFactData<'ProjectKeyWrapped'>
          if (type === CUSTOMER_KEYS_DESTROYED) noteDestroyed(data as KeyFactData<'CustomerKeysDestroyed'>)
        }
        const opener = wrapped && masterKeys.find(({ id }) => id === wrapped.master)
        if (wrapped && !opener)
          throw new MasterKeyError(
            `The personal data of this event log is encrypted under another master key (${wrapped.master}). ` +
              'Start with MASTER_KEY_FILE set to the file that holds it.',
          )
        const key = wrapped && opener ? decrypted(opener.key, wrapped.wrapped, 'project key') : newKey()
        if (opener?.id === newest.id) projectKey = key
        else {
          // None yet, or one that an older master key wraps: the new one takes over without a change of anything it protects.
          const made = {
            wrapped: encrypted(newest.key, key, 'project key'),
            master: newest.id,
            occurredAt: now(),
          }
          const result = await given.append(
            KEYS_STREAM,
            [fact('ProjectKeyWrapped', made)],
            revision < 0n ? 'no_stream' : revision,
          )
          if (result.kind === 'appended') projectKey = key
          else if (tries === MAX_TRIES) throw new Error(`${KEYS_STREAM} is changed by many at once`)
        }
      }
    },

    prepare(customers) {
      const missing = customers.filter((customer) => held.get(customer)?.current === undefined)
      return missing.length === 0 ? undefined : each(missing, make)
    },

    fetch(keys) {
      const missing = keys.filter((name) => !isKnown(name))
      return missing.length === 0 ? undefined : fetchMissing(missing)
    },

    encrypt(customer, text, context): Encrypted {
      const known = held.get(customer)
      const key = keyNamed(known, known?.current)
      if (known?.current === undefined || key === undefined) throw new Error(`${customer}: no key was prepared`)
      return { key: known.current, text: encrypted(key, text, context) }
    },

    decrypt(customer, { key: name, text }, context) {
      const key = keyNamed(held.get(customer), name)
      return key === undefined ? undefined : decrypted(key, text, context).toString('utf8')
    },

    note(record: RawRecord) {
      const data = record.data as Partial<KeyFactData<'CustomerKeyMade'> & KeyFactData<'CustomerKeysDestroyed'>>
      if (record.type === CUSTOMER_KEYS_DESTROYED) noteDestroyed(record.data as KeyFactData<'CustomerKeysDestroyed'>)
      else if (record.type === CUSTOMER_KEY_MADE && data.customer !== undefined && data.wrapped !== undefined)
        noteKey(data.customer, record.revision, data.wrapped)
      else forget(customerOfStream(record.stream) ?? '')
    },

    async destroy(customer) {
      let newest = -1n
      let keys = 0
      for await (const { type, revision } of store().readStream(customerKeyStream(customer))) {
        newest = revision
        if (type === CUSTOMER_KEY_MADE) keys++
      }
      if (newest >= 0n) {
        // Said first: a key whose stream is gone may still pass by in the log until the store is compacted.
        const data = { customer, upTo: String(newest), occurredAt: now() }
        await store().append(KEYS_STREAM, [fact(CUSTOMER_KEYS_DESTROYED, data)], 'any')
        noteDestroyed(data)
        await store().removeStream(customerKeyStream(customer))
      }
      forget(customer)
      return keys
    },
  }

  const forget = (customer: string): void => {
    held.delete(customer)
  }
  const noteDestroyed = ({ customer, upTo }: { readonly customer: string; readonly upTo: string }): void => {
    const before = destroyed.get(customer) ?? -1n
    const after = BigInt(upTo)
    destroyed.set(customer, after > before ? after : before)
    forget(customer)
  }
  return vault
}
