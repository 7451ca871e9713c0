// Items that fail: how often one is tried, and what a worker asks about those that are left alone for a while.
import { backoffMs, sleep } from '../line/backoff.ts'
import { verdictOf } from '../trouble.ts'

/** An item of a worker's. */
export interface Item {
  /** Unique among the worker's items: a customer, a message, a job, a fact. */
  readonly key: string
  /** The fact that asked for it, where one did. */
  readonly stream?: string
  readonly revision?: string
}

export interface FailedItem {
  /** The worker's name. */
  readonly process: string
  /** The item's key; for what asks a process for something, the id of the fact. */
  readonly fact: string
  readonly stream?: string
  readonly revision?: string
  readonly error: string
  readonly tries: number
  readonly at: Date
  /** When it is tried again by itself; absent for what older programs set aside. */
  readonly retry_at?: Date
}

/** What came of an item that was tried again: `again`: the worker was told to take it up. */
export type Retried = 'done' | 'again' | 'failed'

/** Does an item that was set aside, or sees to it that the worker comes upon it again (`again`). */
export type Redo = (failed: FailedItem) => Promise<'done' | 'again'>

/** What a worker does with its items that fail. */
export interface Quarantine {
  /**
   * Does an item: some times while it fails, for as long as it takes while a store is down. True when it was done, false when it
   * was set aside; rejects only when the signal says so.
   */
  attempt(item: Item, work: () => Promise<void>, signal: AbortSignal): Promise<boolean>
  /** An item of which the worker comes upon by itself again has failed: it rests for a while. `set_aside` when that was its last try. */
  failed(item: Item, error: unknown): Promise<'rests' | 'set_aside'>
  /** An item was done. */
  done(key: string): void
  /** Whether an item that failed is to be left alone for now. */
  rests(key: string): boolean
  /** Some of those that rest, for a question that leaves them out. */
  resting(): readonly string[]
}

/** Pauses between tries of one item. */
export const TRIES_BACKOFF = { baseMs: 50, maxMs: 5_000 }

export interface TryOptions {
  readonly maxTries: number
  readonly signal: AbortSignal
  /** The first pause, ms. */
  readonly baseMs?: number
  /** False: rejects with a store's trouble instead of waiting for its end. */
  readonly isPatient?: boolean
}

/**
 * Does something: some times while it fails, for as long as it takes while a store is down. `failed` is the last error when
 * nothing helped. Rejects only when the signal says so, or for want of patience.
 */
export const tryHard = async <T>(
  work: () => Promise<T>,
  { maxTries, signal, baseMs = TRIES_BACKOFF.baseMs, isPatient = true }: TryOptions,
): Promise<{ readonly value: T; readonly failed?: never } | { readonly failed: { readonly error: unknown } }> => {
  let tries = 0
  for (let waits = 1; ; waits++) {
    signal.throwIfAborted()
    try {
      return { value: await work() }
    } catch (error) {
      const verdict = verdictOf(error)
      if (verdict === 'wait' && !isPatient) throw error
      if (verdict !== 'wait') tries++
      if (verdict === 'never' || tries >= maxTries) return { failed: { error } }
      await sleep(backoffMs(waits, { ...TRIES_BACKOFF, baseMs }), signal)
    }
  }
}
