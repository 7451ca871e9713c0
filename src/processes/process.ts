// Processes between streams: facts of one stream become commands on another. One subscription with a checkpoint of its own feeds
// them; a crash repeats what was under way, which the commands' keys make harmless.
import type { CustomerCommand } from '../domain/decider/commands.ts'
import type { RecordedFact } from '../domain/recorded.ts'
import { type Batch, type EventStore, MalformedFact, type Source } from '../eventstore/index.ts'
import type { Logger } from '../log.ts'
import type { ReadModel } from '../readmodel/index.ts'
import type { CustomerRuntime } from '../runtime/customers.ts'
import type { FailedItem, Quarantine } from '../worker/quarantine.ts'
import type { SetAside } from '../worker/setAside.ts'
import { startWorker } from '../worker/worker.ts'

/** Turns facts into commands. Their keys must follow from the fact (`processKey`), since each may be handled more than once. */
export interface Process {
  readonly name: string
  /** The types of facts that it waits for. */
  readonly types: readonly string[]
  /** Resolves once what the fact asks for is recorded, rejects to be tried again. */
  readonly handle: (fact: RecordedFact) => Promise<void>
}

/** Who processes are in what is recorded for them. */
export const ACTOR = { name: 'process', role: 'system' } as const

/** What a command has from the fact that asks for it. */
export const contextBy = (now: () => number) => (fact: RecordedFact) => ({
  requestId: fact.metadata.$correlationId,
  actor: ACTOR,
  now: now(),
})

/** Asks a customer's stream for what a fact leads to. A refusal fails the process, which tries again. */
export const tellBy = ({
  customers,
  now,
}: {
  readonly customers: Pick<CustomerRuntime, 'execute'>
  readonly now: () => number
}) => {
  const contextOf = contextBy(now)
  return async (customer: string, command: CustomerCommand, fact: RecordedFact): Promise<void> => {
    const executed = await customers.execute(customer, command, { ...contextOf(fact), key: processKey(fact) })
    if (executed.kind === 'refused') throw new Error(executed.refusal.details)
  }
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

/** What a fact asks a process for. */
interface Asked {
  readonly name: string
  readonly fact: Pick<RecordedFact, 'id' | 'stream' | 'revision'>
  readonly act: () => Promise<void>
}

const BATCH = 500
/** Streams dealt with at a time; the facts of one stream stay in order. */
const AT_ONCE = 16
const BACKOFF = { baseMs: 50, maxMs: 5_000 }
/** A checkpoint is written this often at most, ms: what a crash repeats, which the commands' keys make harmless. */
const CHECKPOINT_MS = 200
/** The same where it only moved past facts of no interest. */
const IDLE_CHECKPOINT_MS = 2_000

export const startProcesses = (options: ProcessesOptions): Processes => {
  const { group, processes, store, readModel, log, now, aside } = options
  const checkpoints = readModel.plain<CheckpointDocument>('processes')
  const byType = new Map<string, Process[]>()
  for (const process of processes)
    for (const type of process.types) byType.set(type, [...(byType.get(type) ?? []), process])
  const counts = new Map(processes.map(({ name }) => [name, { pending: 0, done: 0, since: new Map<string, number>() }]))
  let source: Source | undefined
  let position: bigint | undefined
  let saved: bigint | undefined
  let savedAt = 0

  const quarantines = new Map<string, Quarantine>(
    processes.map((process) => [
      process.name,
      aside.quarantine(process.name, async ({ stream = '', revision = '0' }) => {
        for await (const fact of store.readStream(stream, { from: BigInt(revision), maxCount: 1 }))
          await process.handle(fact)
        return 'done'
      }),
    ]),
  )

  /** Writes the checkpoint, never back: another node may be further. */
  const write = async (to: bigint): Promise<void> => {
    savedAt = now()
    const known = await checkpoints.findOne({ _id: group })
    if (!known || BigInt(known.position) < to)
      await checkpoints.replaceOne(
        { _id: group },
        { _id: group, position: String(to), at: new Date(savedAt) },
        { upsert: true },
      )
    saved = to
  }

  const move = async (to: bigint, idle: boolean): Promise<void> => {
    position = to
    const since = now() - savedAt
    // A clock that was set back does not tell how long ago it was.
    if (since < 0 || since >= (idle ? IDLE_CHECKPOINT_MS : CHECKPOINT_MS)) await write(to)
  }

  const open = async (): Promise<Source> => {
    if (position === undefined) {
      const known = await checkpoints.findOne({ _id: group })
      if (known) position = saved = BigInt(known.position)
    }
    return store.subscribeAll({ from: position ?? 'start', types: [...byType.keys()] })
  }
  const close = async (): Promise<void> => {
    const open = source
    source = undefined
    await open?.close()
  }

  const askedOf = ({ facts, unreadable }: Pick<Batch, 'facts' | 'unreadable'>): readonly Asked[] => [
    ...unreadable.flatMap((fact) =>
      (byType.get(fact.type) ?? []).map(({ name }) => ({
        name,
        fact,
        act: () => Promise.reject(new MalformedFact(fact)),
      })),
    ),
    ...facts.flatMap((fact) =>
      (byType.get(fact.type) ?? []).map(({ name, handle }) => {
        const count = counts.get(name)!
        count.pending++
        count.since.set(fact.id, fact.created)
        return { name, fact, act: () => handle(fact) }
      }),
    ),
  ]

  const worker = startWorker<Asked>({
    async look() {
      source ??= await open()
      const batch = await source.next(BATCH)
      const items = askedOf(batch)
      const to = batch.position
      return { items, restMs: 0, after: async () => to !== undefined && move(to, items.length === 0) }
    },
    handle: ({ act }) => act(),
    keyOf: ({ fact }) => fact.stream,
    concurrency: AT_ONCE,
    failing: {
      quarantineOf: ({ name }) => quarantines.get(name)!,
      itemOf: ({ fact }) => ({ key: fact.id, stream: fact.stream, revision: String(fact.revision) }),
      again: 'here',
    },
    onEnded({ name, fact }, isDone) {
      const count = counts.get(name)!
      if (isDone) count.done++
      if (count.since.delete(fact.id)) count.pending--
    },
    backoff: BACKOFF,
    onTrouble(error) {
      log.warn({ err: error, group }, 'the processes go on from where they are')
      for (const count of counts.values()) {
        count.pending = 0
        count.since.clear()
      }
      void close().catch(() => undefined)
    },
  })

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
      const ended = worker.stop()
      await close()
      await ended
      // The next start would only do again what is done: nothing is lost with a store that is away.
      if (position !== undefined && position !== saved) await write(position).catch(() => undefined)
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
