// The store: catalog, transactions and file together; every read and write of a command comes through here.
import { join } from 'node:path'
import { DATA_FILE } from '../dataFile.ts'
import {
  CATALOG,
  type Catalog,
  type Collection,
  collectionKey,
  DROPPED,
  idSpec,
  makeIndex,
  openCatalog,
  SESSIONS,
  spaceOfDropped,
  splitNamespace,
} from './catalog.ts'
import { damagedDocument } from './damage.ts'
import { CommandError } from './errors.ts'
import type { Key } from './keys.ts'
import type { Space, View } from './overlay.ts'
import { openStorage, type Sealing, type Storage } from './storage.ts'
import { Blocked, createTransactions, type Transaction, type Transactions, type Unit } from './transactions.ts'
import type { Value } from './values.ts'

/** What a read looks at: the latest state, or a transaction's own. */
export interface Reading {
  readonly view: View
  readonly transaction: Transaction | undefined
  /** Indexes that became ready after this commit are not used. */
  readonly asOf: number
  collection(ns: string): Collection | undefined
}

/** Waits for a transaction's end, or gives up: at the client's time limit, or when its connection is gone. */
export interface Patience {
  wait(ended: Promise<void>): Promise<void>
}

export interface Store {
  readonly catalog: Catalog
  readonly transactions: Transactions
  readonly storage: Storage
  /** When something was last written, or the store opened. */
  lastWrite(): Date
  latest(): Reading
  reading(transaction: Transaction): Reading
  /** Runs a write by itself; waits for open transactions that hold what it needs, then runs it again. */
  write<T>(work: (unit: Unit) => T, patience?: Patience): Promise<T>
  /** Brings a transaction's changes into the store; `also` may add to the same commit. */
  commit(transaction: Transaction, also?: (unit: Unit) => void): Promise<void>
  /** The collection for a write, made if there is none. */
  ensure(unit: Unit, ns: string): Collection
  /** Begins to remove what was dropped, in the background. */
  cleanSoon(): void
  close(): Promise<void>
}

const snapshotUnavailable = (): CommandError =>
  new CommandError(246, 'the collection was made or changed after the transaction began', {}, [
    'TransientTransactionError',
  ])

const newCollection = (
  ns: string,
  newSpace: () => Space,
  options: ReadonlyMap<string, Value> = new Map(),
): Collection => ({
  ns,
  ...splitNamespace(ns),
  space: newSpace(),
  options,
  indexes: [makeIndex({ space: newSpace(), spec: idSpec() })],
})

/** Entries removed in one commit while a dropped collection is cleaned away. */
const CLEAN_BATCH = 5000

export const openStore = async (dir: string): Promise<Store> => {
  let claims: (readonly [Space, Key])[] = []
  let lastWrite = new Date()
  /** Documents' spaces, those of dropped collections included, as somebody may still read a snapshot of them. */
  const documents = new Map<Space, string>([
    [CATALOG, "the store's catalog"],
    [SESSIONS, "the store's sessions"],
  ])
  const sealing: Sealing = {
    isSealed: (space) => documents.has(space),
    damaged: (space, key, bytes) => damagedDocument(join(dir, DATA_FILE), documents.get(space)!, key, bytes),
  }
  const storage = openStorage(dir, sealing, {
    committed: () => {
      lastWrite = new Date()
      transactions.advance(claims)
      claims = []
    },
    failed: () => {
      claims = []
      catalog.reload()
    },
  })
  const transactions = createTransactions(storage.snapshot)
  const catalog = openCatalog(storage, ({ ns, space }) => documents.set(space, ns))
  let closing = false

  const writeOnce = <T>(work: (unit: Unit) => T): Promise<T> =>
    storage.write((view, changes) => {
      const own: [Space, Key][] = []
      const unit = transactions.unitOutside(view, changes, own)
      try {
        const result = work(unit)
        saveFlags(unit)
        for (const claim of own) claims.push(claim)
        return result
      } catch (error) {
        if ([...changes.spaces()].some(([space]) => space === CATALOG || space === DROPPED)) catalog.reload()
        throw error
      }
    })

  const saveFlags = (unit: Unit): void => {
    if (unit.flagged.size === 0) return
    for (const collection of catalog.all())
      if (collection.indexes.some((index) => unit.flagged.has(index))) catalog.save(collection, unit.changes)
  }

  const touch = (transaction: Transaction, ns: string): Collection | undefined => {
    const own = transaction.created.get(ns)
    if (own) return own
    if (transactions.changedSince(transaction, CATALOG, collectionKey(ns))) throw snapshotUnavailable()
    const found = catalog.get(ns)
    if (found) transaction.touched.set(ns, found)
    return found
  }

  /** Cleans away what was dropped, a little at a time, so that nothing waits long for it. */
  const clean = async (): Promise<void> => {
    for (;;) {
      if (closing) return
      const more = await writeOnce((unit) => {
        const [first] = unit.view.range(DROPPED, '', undefined)
        if (first === undefined) return false
        const space = spaceOfDropped(first[0])
        const keys: Key[] = []
        for (const [key] of unit.view.range(space, '', undefined)) {
          keys.push(key)
          if (keys.length === CLEAN_BATCH) break
        }
        for (const key of keys) unit.changes.put(space, key, null)
        if (keys.length < CLEAN_BATCH) unit.changes.put(DROPPED, first[0], null)
        return true
      })
      if (!more) return
    }
  }
  let cleaning = Promise.resolve()
  const startCleaning = (): void => {
    cleaning = cleaning.then(clean).catch(() => undefined)
  }

  startCleaning()
  return {
    lastWrite: () => lastWrite,
    catalog,
    transactions,
    storage,
    latest: () => ({
      view: storage,
      transaction: undefined,
      asOf: Number.POSITIVE_INFINITY,
      collection: catalog.get,
    }),
    reading: (transaction) => ({
      view: transaction.view,
      transaction,
      asOf: transaction.asOf,
      collection: (ns) => touch(transaction, ns),
    }),
    write: async (work, patience) => {
      for (;;) {
        try {
          const result = await writeOnce(work)
          return result
        } catch (error) {
          if (!(error instanceof Blocked)) throw error
          await (patience ? patience.wait(error.by.ended) : error.by.ended)
        }
      }
    },
    commit: async (transaction, also) => {
      await storage.write((view, changes) => {
        const unit = transactions.unitOutside(view, changes, [])
        for (const index of transaction.flagged) unit.flagged.add(index)
        for (const collection of transaction.created.values()) catalog.save(collection, changes)
        saveFlags(unit)
        also?.(unit)
        for (const claim of transactions.claimsOf(transaction)) claims.push(claim)
      }, transaction.changes)
      transactions.committed(transaction)
    },
    ensure: (unit, ns) => {
      const { transaction } = unit
      const known = transaction ? touch(transaction, ns) : catalog.get(ns)
      if (known) return known
      unit.claim(CATALOG, collectionKey(ns))
      const made = newCollection(ns, catalog.newSpace)
      if (transaction) transaction.created.set(ns, made)
      else catalog.save(made, unit.changes)
      return made
    },
    close: async () => {
      closing = true
      for (const transaction of [...transactions.open()]) transactions.abort(transaction)
      await cleaning
      await storage.close()
    },
    cleanSoon: startCleaning,
  }
}
