// Keys of personal data: one a customer, wrapped by the project's key, which the master key wraps in turn. They lie in the event
// log, each in a stream of its own that is removed when the person is erased: so they are saved, copied and restored with what
// they open, the document store stays disposable, and one master key serves all nodes.
import { randomUUID } from 'node:crypto'
import { groupBy } from '../domain/grouped.ts'
import { customerOfStream } from '../domain/ids.ts'
import { customerKeyStream, KEYS_STREAM, type KeyFactData } from '../domain/personalFacts.ts'
import type { NewFact } from '../domain/recorded.ts'
import type { Encrypted, EventStore, KeyName, NotedRecord, Vault } from '../eventstore/index.ts'
import { CUSTOMER_KEY_MADE, CUSTOMER_KEYS_DESTROYED } from '../eventstore/personal.ts'
import { createLru } from '../lru.ts'
import { decrypted, encrypted, KEY_BYTES, newKey } from './cipher.ts'
import { type MasterKey, MasterKeyError } from './masterKey.ts'

/** Customers whose keys are kept in memory; some 170 bytes each. Of more, each that is not there costs the reading of a stream. */
const CACHED = 250_000
/** Keys that are known to be gone; a name costs some 100 bytes. */
const GONE = 50_000
/** Streams of keys read at a time. */
const AT_ONCE = 32
const MAX_TRIES = 5

type Store = Pick<EventStore, 'append' | 'readStream' | 'removeStream'>

interface NamedKey {
  /** The revision of the fact that made it. */
  readonly name: string
  /** Where that is in the log. */
  readonly position: bigint
  readonly key: Buffer
}

/**
 * A customer's keys in one text, each as its name, an at sign, its position, a colon and the 32 characters (latin1) of its bytes,
 * the newest last: a third of what an object with a buffer takes.
 */
type KeysText = string

const heldOf = (keys: readonly NamedKey[]): KeysText =>
  Buffer.concat(keys.flatMap(({ name, position, key }) => [Buffer.from(`${name}@${position}:`), key])).toString(
    'latin1',
  )

const keysIn = (held: KeysText | undefined): readonly NamedKey[] => {
  const keys: NamedKey[] = []
  for (let at = 0; held !== undefined && at < held.length; ) {
    const colon = held.indexOf(':', at)
    const end = colon + 1 + KEY_BYTES
    const [name = '', position = ''] = held.slice(at, colon).split('@')
    keys.push({ name, position: BigInt(position), key: Buffer.from(held.slice(colon + 1, end), 'latin1') })
    at = end
  }
  return keys
}

export interface CustomerVault extends Vault {
  /** Connects it with the log, and makes the project's key where there is none. Throws `MasterKeyError`. */
  open(store: Store): Promise<void>
  /**
   * Destroys for good the keys that a customer had when the fact at `erasedAt` said that the person is to be forgotten, and no key of
   * somebody who came back since; without it all there are, of one who cannot come back. Again, nothing more happens. Resolves to how
   * many there were.
   */
  destroy(customer: string, erasedAt?: bigint): Promise<number>
}

export interface VaultOptions {
  readonly masterKeys: readonly MasterKey[]
  readonly now: () => number
}

const keyNamed = (held: KeysText | undefined, name: string): Buffer | undefined =>
  keysIn(held).find((one) => one.name === name)?.key

export const createVault = ({ masterKeys, now }: VaultOptions): CustomerVault => {
  const held = createLru<KeysText>({ entries: CACHED })
  const gone = createLru<true>({ entries: GONE })
  /** What was destroyed: facts of it that the log still shows are not taken for keys. */
  const destroyed = new Map<string, bigint>()
  /** Where customers were erased last: keys from before are being destroyed, and are none for who comes back. */
  const erased = new Map<string, bigint>()
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

  const isOver = (customer: string, revision: bigint, position: bigint): boolean =>
    revision <= (destroyed.get(customer) ?? -1n) || position < (erased.get(customer) ?? -1n)

  const take = (customer: string, revision: bigint, position: bigint, wrapped: string): void => {
    if (isOver(customer, revision, position)) return
    const known = keysIn(held.get(customer))
    const name = String(revision)
    if (known.some((one) => one.name === name)) return
    const key = decrypted(project(), wrapped, customer)
    if (key.length !== KEY_BYTES) throw new Error(`${customer}: a key of ${key.length} bytes`)
    const keys = [...known, { name, position, key }]
    held.set(customer, heldOf(keys.toSorted((a, b) => Number(BigInt(a.name) - BigInt(b.name)))))
  }

  /** Of one that passes by in the log: where it cannot be read, whoever needs it is told. */
  const noteKey = (customer: string, { revision, position }: NotedRecord, wrapped: string): void => {
    try {
      if (projectKey !== undefined) take(customer, revision, position, wrapped)
    } catch {}
  }

  const read = async (customer: string): Promise<void> => {
    for await (const { type, data, revision, position } of store().readStream(customerKeyStream(customer)))
      if (type === CUSTOMER_KEY_MADE)
        take(customer, revision, position, (data as KeyFactData<'CustomerKeyMade'>).wrapped)
  }

  /** A customer whose key is not at hand is mostly new: made at once, and read only where another was there. */
  const make = async (customer: string): Promise<void> => {
    const key = newKey()
    const made = fact(CUSTOMER_KEY_MADE, {
      customer,
      wrapped: encrypted(project(), key, customer),
      occurredAt: now(),
    })
    for (let tries = 0; !held.has(customer); tries++) {
      if (tries === MAX_TRIES) throw new Error(`the key of ${customer} is changed by many at once`)
      const result = await store().append(customerKeyStream(customer), [made], 'no_stream')
      if (result.kind === 'appended') {
        const { revision, position } = result
        held.set(customer, heldOf([{ name: String(revision), position, key }]))
        continue
      }
      await read(customer)
      // Those of before are still there: what is said under them would be lost with them.
      const erasedAt = erased.get(customer)
      if (!held.has(customer) && erasedAt !== undefined) await destroy(customer, erasedAt)
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
    const wanted = groupBy(missing, ({ customer }) => customer)
    // A reading that was waited for has mostly brought what this one is for.
    await each([...wanted.keys()], async (customer) => {
      if (!wanted.get(customer)!.every(isKnown)) await read(customer)
    })
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
      const missing = customers.filter((customer) => held.get(customer) === undefined)
      return missing.length === 0 ? undefined : each(missing, make)
    },

    fetch(keys) {
      const missing = keys.filter((name) => !isKnown(name))
      return missing.length === 0 ? undefined : fetchMissing(missing)
    },

    encrypt(customer, text, context): Encrypted {
      const newest = keysIn(held.get(customer)).at(-1)
      if (newest === undefined) throw new Error(`${customer}: no key was prepared`)
      return { key: newest.name, text: encrypted(newest.key, text, context) }
    },

    decrypt(customer, { key: name, text }, context) {
      const key = keyNamed(held.get(customer), name)
      return key === undefined ? undefined : decrypted(key, text, context).toString('utf8')
    },

    note(record: NotedRecord) {
      const data = record.data as Partial<KeyFactData<'CustomerKeyMade'> & KeyFactData<'CustomerKeysDestroyed'>>
      if (record.type === CUSTOMER_KEYS_DESTROYED) noteDestroyed(record.data as KeyFactData<'CustomerKeysDestroyed'>)
      else if (record.type === CUSTOMER_KEY_MADE && data.customer !== undefined && data.wrapped !== undefined)
        noteKey(data.customer, record, data.wrapped)
      else noteErased(customerOfStream(record.stream) ?? '', record.position)
    },

    destroy,
  }

  async function destroy(customer: string, erasedAt?: bigint): Promise<number> {
    if (erasedAt !== undefined) noteErased(customer, erasedAt)
    let newest = -1n
    let keys = 0
    for await (const { type, revision, position } of store().readStream(customerKeyStream(customer))) {
      if (erasedAt !== undefined && position > erasedAt) break
      newest = revision
      if (type === CUSTOMER_KEY_MADE) keys++
    }
    if (newest >= 0n) {
      // Said first: a key whose stream is gone may still pass by in the log until the store is compacted.
      const data = { customer, upTo: String(newest), occurredAt: now() }
      await store().append(KEYS_STREAM, [fact(CUSTOMER_KEYS_DESTROYED, data)], 'any')
      noteDestroyed(data)
      // As it was read: another node may have removed it meanwhile, and whoever came back may have a key there.
      await store().removeStream(customerKeyStream(customer), newest)
    }
    return keys
  }

  /** Of a customer's keys, those that are not over stay: what was said under them later is still to be read. */
  const forgetOver = (customer: string): void => {
    const known = keysIn(held.get(customer))
    const left = known.filter(({ name, position }) => !isOver(customer, BigInt(name), position))
    if (left.length === known.length) return
    if (left.length === 0) held.delete(customer)
    else held.set(customer, heldOf(left))
  }
  const noteErased = (customer: string, position: bigint): void => {
    if (position <= (erased.get(customer) ?? -1n)) return
    erased.set(customer, position)
    forgetOver(customer)
  }
  const noteDestroyed = ({ customer, upTo }: { readonly customer: string; readonly upTo: string }): void => {
    const before = destroyed.get(customer) ?? -1n
    const after = BigInt(upTo)
    destroyed.set(customer, after > before ? after : before)
    forgetOver(customer)
  }
  return vault
}
