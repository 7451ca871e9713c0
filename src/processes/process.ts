// Processes between streams: facts of one stream become commands on another. One subscription with a checkpoint of its own feeds
// them; a crash repeats what was under way, which the commands' keys make harmless.
import type { RecordedFact } from '../domain/recorded.ts'
import { type EventStore, MalformedFact, type Source } from '../eventstore/index.ts'
import { backoffMs, sleep } from '../line/backoff.ts'
import type { Logger } from '../log.ts'
import type { ReadModel } from '../readmodel/index.ts'
import type { FailedItem, SetAside, Worker } from '../runtime/setAside.ts'

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

export interface Processes {
  status(): readonly ProcessStatus[]
  /** The facts given up for now, oldest first. */
  failures(limit: number): Promise<readonly FailedItem[]>
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
  readonly log: Pick<Logger, 'warn'>
  readonly now: () => number
  /** Where facts go that cannot be handled. */
  readonly aside: SetAside
}

interface CheckpointDocument {
  readonly _id: string
  /** Decimal text. */
  readonly position: string
  readonly at: Date
}

const BATCH = 500
/** Streams dealt with at a time; the facts of one stream stay in order. */
const AT_ONCE = 16
const LONGEST_WAIT_MS = 5_000
const BACKOFF = { baseMs: 50, maxMs: LONGEST_WAIT_MS }
/** A checkpoint that only moved past facts of no interest is written this often, ms. */
const IDLE_CHECKPOINT_MS = 2_000

export const startProcesses = (options: ProcessesOptions): Processes => {
  const { group, processes, store, readModel, log, now, aside } = options
  const checkpoints = readModel.plain<CheckpointDocument>('processes')
  const stopping = new AbortController()
  const { signal } = stopping
  const byType = new Map<string, Process[]>()
  for (const process of processes)
    for (const type of process.types) byType.set(type, [...(byType.get(type) ?? []), process])
  const counts = new Map(processes.map(({ name }) => [name, { pending: 0, done: 0, since: new Map<string, number>() }]))
  let source: Source | undefined
  let position: bigint | undefined
  let savedAt = 0

  const wait = (tries: number) => sleep(backoffMs(tries, BACKOFF), signal)

  const workers = new Map<string, Worker>(
    processes.map((process) => [
      process.name,
      aside.worker(process.name, async ({ stream = '', revision = '0' }) => {
        for await (const fact of store.readStream(stream, { from: BigInt(revision), maxCount: 1 }))
          await process.handle(fact)
        return 'done'
      }),
    ]),
  )

  /** Handles one fact until it is done or set aside; rejects only when stopping. */
  const deal = async (process: Process, fact: RecordedFact): Promise<void> => {
    const item = { key: fact.id, stream: fact.stream, revision: String(fact.revision) }
    const isDone = await workers.get(process.name)!.attempt(item, () => process.handle(fact), signal)
    if (isDone) counts.get(process.name)!.done++
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
        for (const fact of batch.unreadable)
          for (const { name } of byType.get(fact.type) ?? []) {
            const item = { key: fact.id, stream: fact.stream, revision: String(fact.revision) }
            await workers.get(name)!.attempt(item, () => Promise.reject(new MalformedFact(fact)), signal)
          }
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

  const running = run()

  return {
    status: () =>
      [...counts].map(([name, { pending, done, since }]) => ({
        name,
        pending,
        lag: since.size === 0 ? 0 : Math.max(0, now() - Math.min(...since.values())),
        failed: aside.failedOf(name),
        done,
      })),
    failures: aside.failures,
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
  // All groups set aside in one place.
  failures: (limit) => first.failures(limit),
  position: () => first.position(),
  async stop() {
    await Promise.all([first, ...others].map((group) => group.stop()))
  },
})
