// What every worker does about an item that fails: try again with growing pauses, then set it aside where it is seen, go on with
// the others, and come back to it in the background.

import type { LRUCache } from 'lru-cache'
import { backoffMs, sleep } from '../line/backoff.ts'
import type { Logger } from '../log.ts'
import { createLru } from '../lru.ts'
import type { ReadModel } from '../readmodel/index.ts'
import { verdictOf, wordsOf } from '../trouble.ts'
import {
  type FailedItem,
  type Item,
  type Quarantine,
  type Redo,
  type Retried,
  TRIES_BACKOFF,
  tryHard,
} from './quarantine.ts'
import { startWorker } from './worker.ts'

export interface SetAside {
  quarantine(name: string, redo: Redo): Quarantine
  /** For each worker, how many items are set aside now. */
  status(): readonly { readonly name: string; readonly failed: number }[]
  failedOf(name: string): number
  /** What is set aside, oldest first. */
  failures(limit: number): Promise<readonly FailedItem[]>
  /** Tries again now what is set aside: all, a worker's, or one item. */
  retry(which: {
    readonly process?: string | undefined
    readonly fact?: string | undefined
  }): Promise<readonly { readonly process: string; readonly fact: string; readonly outcome: Retried }[]>
  stop(): Promise<void>
}

export interface SetAsideOptions {
  readonly readModel: Pick<ReadModel, 'plain'>
  readonly log: Pick<Logger, 'warn' | 'error'>
  /** ms since the epoch. */
  readonly now: () => number
  /** An item was set aside. */
  readonly onSetAside?: (worker: string) => void
  /** How often what is set aside is looked at, and the shortest rest of one item between two tries then, ms. */
  readonly retryEveryMs?: number
  /** Tries of one item before it is set aside. */
  readonly maxTries?: number
}

type FailureDocument = FailedItem & { readonly _id: string }

const MAX_TRIES = 6
const RETRY_EVERY_MS = 15_000
const LONGEST_REST_MS = 15 * 60_000
/** A store in trouble is asked again after so long, ms, by workers who look for their items. */
const TROUBLE_MS = 1_000
const MAX_TAKEN = 100
/** Set aside items that are counted together; with more, each worker's are counted by the store. */
const MAX_COUNTED = 500
/** Failing items of a worker that are remembered; of more, the oldest begin anew. */
const MAX_REMEMBERED = 10_000
/** Items that a question leaves out at most. */
const MAX_LEFT_OUT = 1_000

export const createSetAside = (options: SetAsideOptions): SetAside => {
  const { readModel, log, now, onSetAside, retryEveryMs = RETRY_EVERY_MS, maxTries = MAX_TRIES } = options
  // The name is of a time when only processes set something aside; what they left there is gone on with.
  const failures = readModel.plain<FailureDocument>('processFailures')
  const redos = new Map<string, Redo>()
  const counts = new Map<string, number>()
  const memories = new Map<string, LRUCache<string, { readonly tries: number; readonly until: number }>>()

  /** ms until an item that was tried so often is tried again in the background. */
  const restMs = (tries: number) =>
    backoffMs(Math.max(1, tries - maxTries + 1), {
      baseMs: 2 * retryEveryMs,
      maxMs: Math.max(LONGEST_REST_MS, retryEveryMs),
    })

  const keep = async (process: string, { key, ...about }: Item, error: unknown, tries: number): Promise<void> => {
    const _id = `${process}/${key}`
    const at = now()
    const failed = { _id, process, fact: key, ...about, error: wordsOf(error), tries, at: new Date(at) }
    await failures.replaceOne({ _id }, { ...failed, retry_at: new Date(at + restMs(tries)) }, { upsert: true })
  }

  const setAside = async (process: string, item: Item, error: unknown, tries: number): Promise<void> => {
    await keep(process, item, error, tries)
    counts.set(process, (counts.get(process) ?? 0) + 1)
    onSetAside?.(process)
    log.error({ err: error, process, item: item.key, tries }, 'an item was set aside; it is tried again later')
  }

  const quarantine = (name: string, redo: Redo): Quarantine => {
    redos.set(name, redo)
    counts.set(name, 0)
    // How many an earlier life has left.
    void recount(name).catch(() => undefined)
    const memory = createLru<{ readonly tries: number; readonly until: number }>({ entries: MAX_REMEMBERED })
    memories.set(name, memory)
    return {
      async attempt(item, work, until) {
        const { failed } = await tryHard(work, { maxTries, signal: until })
        if (!failed) return true
        // The store in which it is kept may be the one that is in trouble.
        for (let waits = 1; ; waits++) {
          until.throwIfAborted()
          try {
            await setAside(name, item, failed.error, maxTries)
            return false
          } catch (storing) {
            log.warn({ err: storing, process: name, item: item.key }, 'what failed cannot be set aside yet')
            await sleep(backoffMs(waits, TRIES_BACKOFF), until)
          }
        }
      },
      async failed(item, error) {
        const { key } = item
        const verdict = verdictOf(error)
        const before = memory.get(key)?.tries ?? 0
        const rest = (tries: number, ms: number) => void memory.set(key, { tries, until: now() + ms })
        if (verdict === 'wait') {
          rest(before, TROUBLE_MS)
          return 'rests'
        }
        const tries = verdict === 'never' ? Math.max(before + 1, maxTries) : before + 1
        if (tries < maxTries) {
          rest(tries, backoffMs(tries, TRIES_BACKOFF))
          return 'rests'
        }
        rest(tries, restMs(tries))
        await (before >= maxTries ? keep(name, item, error, tries) : setAside(name, item, error, tries)).catch(
          (storing) => {
            rest(maxTries - 1, TROUBLE_MS)
            log.warn({ err: storing, process: name, item: key }, 'what failed cannot be set aside yet')
          },
        )
        return 'set_aside'
      },
      done(key) {
        const known = memory.get(key)
        if (!known) return
        memory.delete(key)
        // When that fails the background finds out, the next time it tries.
        if (known.tries >= maxTries) void forget(`${name}/${key}`, name).catch(() => undefined)
      },
      rests: (key) => (memory.get(key)?.until ?? 0) > now(),
      resting: () =>
        [...memory.entries()]
          .filter(([, { until }]) => until > now())
          .slice(0, MAX_LEFT_OUT)
          .map(([key]) => key),
    }
  }

  const forget = async (_id: string, process: string): Promise<void> => {
    const { deletedCount } = await failures.deleteOne({ _id })
    if (deletedCount > 0) counts.set(process, Math.max(0, (counts.get(process) ?? 0) - 1))
  }

  /** Rejects while a store is in trouble. */
  const retryOne = async ({ _id, ...failed }: FailureDocument): Promise<Retried> => {
    const { process, fact, tries } = failed
    const redo = redos.get(process)
    if (!redo) return 'failed'
    try {
      const outcome = await redo(failed)
      const memory = memories.get(process)
      if (outcome === 'done') {
        memory?.delete(fact)
        await forget(_id, process)
        return outcome
      }
      memory?.set(fact, { tries: Math.max(tries, maxTries), until: 0 })
      await failures.replaceOne({ _id }, { _id, ...failed, retry_at: new Date(now() + restMs(tries)) })
      return outcome
    } catch (error) {
      if (verdictOf(error) === 'wait') throw error
      const { stream, revision } = failed
      const item = {
        key: fact,
        stream,
        revision,
      }
      await keep(process, item, error, tries + 1)
      return 'failed'
    }
  }

  const recount = async (name: string): Promise<void> => {
    counts.set(name, await failures.count({ process: name }))
  }

  /** What other nodes have set aside or done counts as well: one question for all workers while there is little. */
  const recountAll = async (): Promise<void> => {
    const all = await failures.find({}, { limit: MAX_COUNTED, projection: { process: 1 } })
    if (all.length === MAX_COUNTED) for (const name of counts.keys()) await recount(name)
    else for (const name of counts.keys()) counts.set(name, all.filter(({ process }) => process === name).length)
  }

  const retrying = startWorker<FailureDocument>({
    async look() {
      // Of a worker that runs elsewhere, another node sees to it.
      const due = { $or: [{ retry_at: { $lte: new Date(now()) } }, { retry_at: { $exists: false } }] }
      const items = await failures.find(
        { process: { $in: [...redos.keys()] }, ...due },
        { sort: { at: 1 }, limit: MAX_TAKEN },
      )
      return { items, restMs: retryEveryMs, after: recountAll }
    },
    handle: retryOne,
    concurrency: 1,
    firstRestMs: retryEveryMs,
    backoff: { baseMs: retryEveryMs, maxMs: retryEveryMs },
    onTrouble: (error) => log.warn({ err: error }, 'what was set aside is tried again later'),
  })

  return {
    quarantine,
    status: () => [...counts].map(([name, failed]) => ({ name, failed })),
    failedOf: (name) => counts.get(name) ?? 0,
    failures: async (limit) => (await failures.find({}, { sort: { at: 1 }, limit })).map(({ _id, ...rest }) => rest),
    async retry({ process, fact }) {
      const done = []
      for (const failed of await failures.find({ process, fact }, { sort: { at: 1 }, limit: MAX_LEFT_OUT }))
        done.push({ process: failed.process, fact: failed.fact, outcome: await retryOne(failed) })
      return done
    },
    stop: () => retrying.stop(),
  }
}
