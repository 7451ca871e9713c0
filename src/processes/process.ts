// Processes between streams: facts of one stream become commands on another. One subscription with a checkpoint of its own feeds
// them; a crash repeats what was under way, which the commands' keys make harmless.
import type { RecordedFact } from '../domain/recorded.ts'
import { MalformedFact, StoreUnavailable } from '../eventstore/errors.ts'
import type { EventStore, Source } from '../eventstore/index.ts'
import { backoffMs, sleep } from '../line/backoff.ts'
import type { Logger } from '../log.ts'
import type { ReadModel } from '../readmodel/index.ts'
import { ReadModelUnavailable } from '../readmodel/index.ts'

/** Turns facts into commands. Their keys must follow from the fact (`processKey`), since each may be handled more than once. */
export interface Process {
  readonly name: string
  /** The types of facts that it waits for. */
  readonly types: readonly string[]
  /** Resolves once what the fact asks for is recorded, rejects to be tried again. */
  readonly handle: (fact: RecordedFact) => Promise<void>
}

/** The key of the command that a fact asks for: kept for good by the stream that takes it. */
export const processKey = (fact: { readonly id: string }): string => `process:${fact.id}`

export interface ProcessStatus {
  readonly name: string
  /** Facts received and not done. */
  readonly pending: number
  /** Age of the oldest of them, ms. */
  readonly lag: number
  /** Facts given up for now; each is tried again in the background. */
  readonly failed: number
  /** Facts done since the start of this node. */
  readonly done: number
}

export interface FailedFact {
  readonly process: string
  readonly fact: string
  readonly stream: string
  readonly revision: string
  readonly error: string
  readonly tries: number
  readonly at: Date
}

export interface Processes {
  status(): readonly ProcessStatus[]
  /** The facts given up for now, oldest first. */
  failures(limit: number): Promise<readonly FailedFact[]>
  /** Where the log has been dealt with up to; undefined before the first checkpoint. */
  position(): bigint | undefined
  /** Ends after what is under way. */
  stop(): Promise<void>
}

export interface ProcessesOptions {
  /** Names the checkpoint. */
  readonly group: string
  readonly processes: readonly Process[]
  readonly store: Pick<EventStore, 'subscribeAll' | 'readStream'>
  readonly readModel: Pick<ReadModel, 'plain'>
  readonly log: Pick<Logger, 'warn' | 'error'>
  readonly now: () => number
  /** How often what failed is tried again, ms. */
  readonly retryEveryMs?: number
}

interface CheckpointDocument {
  readonly _id: string
  /** Decimal text. */
  readonly position: string
  readonly at: Date
}

type FailureDocument = FailedFact & { readonly _id: string }

const BATCH = 500
/** Streams dealt with at a time; the facts of one stream stay in order. */
const AT_ONCE = 16
/** Tries of one fact before it is set aside and others go on. */
const MAX_TRIES = 6
const LONGEST_WAIT_MS = 5_000
const BACKOFF = { baseMs: 50, maxMs: LONGEST_WAIT_MS }
/** A checkpoint that only moved past facts of no interest is written this often, ms. */
const IDLE_CHECKPOINT_MS = 2_000
const MAX_FAILURES_TAKEN = 100

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Trouble of the line, which says nothing about the fact: tried for as long as it takes. */
const isTrouble = (error: unknown): boolean =>
  error instanceof StoreUnavailable || error instanceof ReadModelUnavailable

export const startProcesses = (options: ProcessesOptions): Processes => {
  const { group, processes, store, readModel, log, now, retryEveryMs = 15_000 } = options
  const checkpoints = readModel.plain<CheckpointDocument>('processes')
  const failures = readModel.plain<FailureDocument>('processFailures')
  const stopping = new AbortController()
  const { signal } = stopping
  const byType = new Map<string, Process[]>()
  for (const process of processes)
    for (const type of process.types) byType.set(type, [...(byType.get(type) ?? []), process])
  const counts = new Map(
    processes.map(({ name }) => [name, { pending: 0, failed: 0, done: 0, since: new Map<string, number>() }]),
  )
  let source: Source | undefined
  let position: bigint | undefined
  let savedAt = 0

  const wait = (tries: number) => sleep(backoffMs(tries, BACKOFF), signal)

  const setAside = async ({ name }: Process, fact: RecordedFact, error: unknown, tries: number): Promise<void> => {
    const _id = `${name}/${fact.id}`
    const document = {
      _id,
      process: name,
      fact: fact.id,
      stream: fact.stream,
      revision: String(fact.revision),
      error: messageOf(error),
      tries,
      at: new Date(now()),
    }
    await failures.replaceOne({ _id }, document, { upsert: true })
    counts.get(name)!.failed++
    log.error({ err: error, process: name, fact: fact.id, stream: fact.stream }, 'a process set a fact aside')
  }

  /** Handles one fact until it is done or set aside; rejects only when stopping. */
  const deal = async (process: Process, fact: RecordedFact): Promise<void> => {
    const count = counts.get(process.name)!
    for (let tries = 1; ; tries++) {
      signal.throwIfAborted()
      try {
        await process.handle(fact)
        count.done++
        return
      } catch (error) {
        if (tries >= MAX_TRIES && !isTrouble(error)) {
          try {
            await setAside(process, fact, error, tries)
            return
          } catch (storing) {
            log.warn({ err: storing, process: process.name }, 'what failed cannot be set aside yet')
          }
        }
        await wait(tries)
      }
    }
  }

  const dealWith = async (facts: readonly RecordedFact[]): Promise<void> => {
    const lines = new Map<string, (readonly [Process, RecordedFact])[]>()
    for (const fact of facts)
      for (const process of byType.get(fact.type) ?? []) {
        const count = counts.get(process.name)!
        count.pending++
        count.since.set(fact.id, fact.created)
        const line = lines.get(fact.stream)
        if (line) line.push([process, fact])
        else lines.set(fact.stream, [[process, fact]])
      }
    const queue = [...lines.values()]
    try {
      await Promise.all(
        Array.from({ length: Math.min(AT_ONCE, queue.length) }, async () => {
          for (let line = queue.shift(); line; line = queue.shift())
            for (const [process, fact] of line) {
              await deal(process, fact)
              const count = counts.get(process.name)!
              count.pending--
              count.since.delete(fact.id)
            }
        }),
      )
    } finally {
      for (const count of counts.values()) {
        count.pending = 0
        count.since.clear()
      }
    }
  }

  /** Moves the checkpoint, never back: another node may be further. */
  const save = async (to: bigint, idle: boolean): Promise<void> => {
    position = to
    if (idle && now() - savedAt < IDLE_CHECKPOINT_MS) return
    savedAt = now()
    const known = await checkpoints.findOne({ _id: group })
    if (known && BigInt(known.position) >= to) return
    await checkpoints.replaceOne(
      { _id: group },
      { _id: group, position: String(to), at: new Date(savedAt) },
      { upsert: true },
    )
  }

  const follow = async (): Promise<void> => {
    const known = await checkpoints.findOne({ _id: group })
    position ??= known ? BigInt(known.position) : undefined
    source = await store.subscribeAll({ from: known ? BigInt(known.position) : 'start', types: [...byType.keys()] })
    try {
      while (!signal.aborted) {
        const batch = await source.next(BATCH)
        for (const fact of batch.unreadable) log.error({ fact }, 'a process passes over a fact that cannot be read')
        const wanted = batch.facts.filter(({ type }) => byType.has(type))
        if (wanted.length > 0) await dealWith(wanted)
        if (batch.position !== undefined) await save(batch.position, wanted.length === 0)
      }
    } finally {
      await source.close()
      source = undefined
    }
  }

  const run = async (): Promise<void> => {
    for (let tries = 1; !signal.aborted; tries++) {
      const startedAt = now()
      try {
        await follow()
      } catch (error) {
        if (signal.aborted) return
        if (now() - startedAt > LONGEST_WAIT_MS) tries = 1
        log.warn({ err: error, group }, 'the processes go on from their checkpoint')
        await wait(tries)
      }
    }
  }

  const retryOne = async (failed: FailureDocument): Promise<void> => {
    const process = processes.find(({ name }) => name === failed.process)
    if (!process) return
    try {
      for await (const fact of store.readStream(failed.stream, { from: BigInt(failed.revision), maxCount: 1 }))
        await process.handle(fact)
      await failures.deleteOne({ _id: failed._id })
    } catch (error) {
      if (isTrouble(error)) throw error
      const { tries, ...rest } = failed
      await failures.replaceOne(
        { _id: failed._id },
        { ...rest, tries: tries + 1, error: messageOf(error), at: new Date(now()) },
      )
      if (error instanceof MalformedFact) log.error({ err: error, fact: failed.fact }, 'what failed cannot be read')
    }
  }

  const retryFailures = async (): Promise<void> => {
    while (!signal.aborted) {
      await sleep(retryEveryMs, signal)
      if (signal.aborted) return
      try {
        for (const failed of await failures.find({}, { sort: { at: 1 }, limit: MAX_FAILURES_TAKEN }))
          await retryOne(failed)
        for (const [name, count] of counts) count.failed = await failures.count({ process: name })
      } catch (error) {
        log.warn({ err: error }, 'what failed is tried again later')
      }
    }
  }

  const running = Promise.all([run(), retryFailures()])

  return {
    status: () =>
      [...counts].map(([name, { pending, failed, done, since }]) => ({
        name,
        pending,
        lag: since.size === 0 ? 0 : Math.max(0, now() - Math.min(...since.values())),
        failed,
        done,
      })),
    failures: async (limit) => (await failures.find({}, { sort: { at: 1 }, limit })).map(({ _id, ...rest }) => rest),
    position: () => position,
    async stop() {
      stopping.abort()
      await source?.close()
      await running.catch(() => undefined)
    },
  }
}

/** Groups with checkpoints of their own, watched and stopped as one; the position is that of the first. */
export const joinProcesses = (first: Processes, ...others: readonly Processes[]): Processes => ({
  status: () => [first, ...others].flatMap((group) => group.status()),
  // All groups keep what failed in one collection.
  failures: (limit) => first.failures(limit),
  position: () => first.position(),
  async stop() {
    await Promise.all([first, ...others].map((group) => group.stop()))
  },
})
