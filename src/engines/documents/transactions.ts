// Multi-document transactions: snapshots, claims on what they write, and the conflicts that follow from both.
import type { Collection } from './catalog.ts'
import { CommandError, writeConflict } from './errors.ts'
import type { Index } from './indexes.ts'
import type { Key } from './keys.ts'
import { createOverlay, type Overlay, overlaid, type Space, type View } from './overlay.ts'
import type { Snapshot } from './storage.ts'

export interface Transaction {
  readonly number: bigint
  /** The last commit its snapshot holds. */
  readonly asOf: number
  readonly view: View
  readonly changes: Overlay
  /** Collections it has made; they exist for nobody else until it commits. */
  readonly created: Map<string, Collection>
  /** Collections it has read or written; dropping or indexing one waits for its end. */
  readonly touched: Map<string, Collection>
  readonly flagged: Set<Index>
  readonly startedAt: number
  /** Resolves when it has committed or aborted. */
  readonly ended: Promise<void>
}

/** A write outside a transaction met what an open one holds: it waits for the end and then looks again. */
export class Blocked extends Error {
  readonly by: Transaction
  constructor(by: Transaction) {
    super('waits for a transaction')
    this.by = by
  }
}

/** Largest changes of all open transactions together, in bytes, and what a change takes beside its key and value. */
const MAX_CHANGES = 256 * 1024 * 1024
const CHANGE_BYTES = 512
/** How much a transaction may grow until it is counted again. */
const COUNT_EVERY = 512 * 1024
/** Bytes of the keys remembered as written since the oldest snapshot; past it all open transactions are ended. */
const MAX_RECENT = 64 * 1024 * 1024
const RECENT_BYTES = 100

interface Open extends Transaction {
  readonly snapshot: Snapshot
  readonly claims: [Space, Key][]
  /** What of it has been counted, in bytes. */
  counted: number
  readonly finish: () => void
}

/** What writes go through: the state they see, and claims on what they are about to change. */
export interface Unit {
  readonly view: View
  readonly changes: Overlay
  readonly transaction: Transaction | undefined
  /** Indexes that have learned something which must be on disk no later than the entries it is about. */
  readonly flagged: Set<Index>
  /** Must be called before a document, a unique key or a namespace is looked at in order to change it. */
  claim(space: Space, key: Key): void
}

export interface Transactions {
  begin(number: bigint): Transaction
  /** Forgets its changes and lets waiting writes go on. */
  abort(transaction: Transaction): void
  /** Its changes are in the store as of this commit: lets waiting writes go on. */
  committed(transaction: Transaction): void
  isOpen(transaction: Transaction): boolean
  open(): Iterable<Transaction>
  anyOpen(): boolean
  /** A unit for a statement of a transaction, or for a write by itself inside a commit. */
  unitOf(transaction: Transaction): Unit
  unitOutside(view: View, changes: Overlay, claims: [Space, Key][]): Unit
  /** Throws when an open transaction has touched the collection. */
  waitForUsers(ns: string): void
  /** Whether somebody else has written it since the transaction's snapshot. */
  changedSince(transaction: Transaction, space: Space, key: Key): boolean
  /** What a transaction has claimed, to be told to `advance` when it commits. */
  claimsOf(transaction: Transaction): readonly (readonly [Space, Key])[]
  /** Counts commits; what is written next belongs to `current() + 1`. */
  current(): number
  /** To be called once a commit is on disk, with all that its writes had claimed. */
  advance(written: Iterable<readonly [Space, Key]>): void
}

export const createTransactions = (takeSnapshot: () => Snapshot): Transactions => {
  const open = new Set<Open>()
  /** Who holds a key that it has written and not yet committed. */
  const holders = new Map<Space, Map<Key, Open>>()
  /** Commit that last wrote a key, kept while some transaction has an older snapshot. */
  const recent = new Map<Space, Map<Key, number>>()
  let recentSize = 0
  let held = 0
  let commits = 0

  const holderOf = (space: Space, key: Key): Open | undefined => holders.get(space)?.get(key)

  const end = (transaction: Open): void => {
    if (!open.delete(transaction)) return
    for (const [space, key] of transaction.claims) {
      const keys = holders.get(space)
      keys?.delete(key)
      if (keys?.size === 0) holders.delete(space)
    }
    held -= transaction.counted
    transaction.snapshot.release()
    if (open.size === 0) {
      recent.clear()
      recentSize = 0
    }
    transaction.finish()
  }

  /** Counts what a transaction holds; throws 257 when all of them hold too much. */
  const count = (transaction: Open): void => {
    const more = transaction.changes.size + transaction.claims.length * CHANGE_BYTES - transaction.counted
    if (more < COUNT_EVERY) return
    held += more
    transaction.counted += more
    if (held > MAX_CHANGES) throw new CommandError(257, 'the open transactions have changed too much')
  }

  const changedSince = (transaction: Transaction, space: Space, key: Key): boolean =>
    (recent.get(space)?.get(key) ?? 0) > transaction.asOf

  return {
    begin: (number) => {
      const snapshot = takeSnapshot()
      const changes = createOverlay()
      let finish = (): void => undefined
      const ended = new Promise<void>((resolve) => {
        finish = resolve
      })
      const transaction: Open = {
        number,
        asOf: commits,
        view: overlaid(snapshot, changes),
        changes,
        created: new Map(),
        touched: new Map(),
        flagged: new Set(),
        startedAt: Date.now(),
        ended,
        snapshot,
        claims: [],
        counted: 0,
        finish,
      }
      open.add(transaction)
      return transaction
    },
    abort: (transaction) => end(transaction as Open),
    committed: (transaction) => end(transaction as Open),
    isOpen: (transaction) => open.has(transaction as Open),
    open: () => open,
    anyOpen: () => open.size > 0,
    unitOf: (transaction) => {
      const own = transaction as Open
      return {
        view: own.view,
        changes: own.changes,
        transaction,
        flagged: own.flagged,
        claim: (space, key) => {
          const holder = holderOf(space, key)
          if (holder === own) return
          if (holder !== undefined || changedSince(own, space, key)) throw writeConflict()
          count(own)
          let keys = holders.get(space)
          if (keys === undefined) {
            keys = new Map()
            holders.set(space, keys)
          }
          keys.set(key, own)
          own.claims.push([space, key])
        },
      }
    },
    unitOutside: (view, changes, claims) => ({
      view,
      changes,
      transaction: undefined,
      flagged: new Set(),
      claim: (space, key) => {
        const holder = holderOf(space, key)
        if (holder !== undefined) throw new Blocked(holder)
        if (open.size > 0) claims.push([space, key])
      },
    }),
    waitForUsers: (ns) => {
      for (const transaction of open) if (transaction.touched.has(ns)) throw new Blocked(transaction)
    },
    changedSince,
    claimsOf: (transaction) => (transaction as Open).claims,
    current: () => commits,
    advance: (written) => {
      commits += 1
      if (open.size === 0) return
      for (const [space, key] of written) {
        let keys = recent.get(space)
        if (keys === undefined) {
          keys = new Map()
          recent.set(space, keys)
        }
        if (!keys.has(key)) recentSize += key.length + RECENT_BYTES
        keys.set(key, commits)
      }
      if (recentSize > MAX_RECENT) for (const transaction of [...open]) end(transaction)
    },
  }
}
