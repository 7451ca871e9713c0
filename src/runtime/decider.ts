// Streams with a small state of their own (codes, limits, stock): fold, decide, append with the exact revision. Commands on one
// stream that wait together are decided one after the other and go into one append.

import { uuidFrom } from '../domain/ids.ts'
import type { NewFact } from '../domain/recorded.ts'
import { isRefused, type Refusal, type Refused, refuse } from '../domain/refusal.ts'
import { sizeOf } from '../domain/size.ts'
import type { EventStore } from '../eventstore/index.ts'
import { backoffMs } from '../line/backoff.ts'
import { TooBusy } from '../trouble.ts'
import type { CommandContext } from './customers.ts'
import { createHeavyCache } from './heavy.ts'
import { createQueues } from './queues.ts'

export interface Decides<State, Command, F extends { readonly type: string; readonly data: unknown }> {
  /** The stream of the thing with this name. */
  readonly streamOf: (name: string) => string
  readonly initial: (name: string) => State
  /** The state after a fact; those that are none of its own change nothing. */
  readonly fold: (state: State, fact: NewFact) => State
  /** Facts, none because it holds already, or a refusal. Pure. */
  readonly decide: (state: State, command: Command, now: number) => readonly F[] | Refused
  /**
   * Commands that are mostly the first of their stream: it is taken to be empty, which the append finds out, and is not kept in
   * memory.
   */
  readonly mayBeFirst?: (command: Command) => boolean
  /** Recorded beside each fact. */
  readonly metadata?: () => Readonly<Record<string, unknown>>
}

export interface DeciderContext extends Pick<CommandContext, 'requestId' | 'actor' | 'now' | 'deadline' | 'key'> {
  /** The command is meant for the stream as it stood at this revision: refused (`precondition_failed`) where it has gone on. */
  readonly onlyAt?: bigint
}

export interface LoadedStream<State> {
  readonly state: State
  /** The stream's last revision; -1n when there is none. */
  readonly revision: bigint
  /** The log position of that revision. */
  readonly position: bigint | undefined
}

/** `repeated`: it held already, and nothing was recorded for it; nor was for what is `refused`. */
export type Result<State> = LoadedStream<State> &
  (
    | { readonly kind: 'done' | 'repeated'; readonly refusal?: undefined }
    | { readonly kind: 'refused'; readonly refusal: Refusal }
  )

export interface Decider<State, Command> {
  /**
   * Decides and records; `state` is what there is then. Rejects with the store's own errors when it is unavailable, and with
   * `TooBusy` when other nodes are faster again and again.
   */
  execute(name: string, command: Command, context: DeciderContext): Promise<Result<State>>
  /** What the stream says now; what it said at least up to a revision, where one is given. */
  load(name: string, atLeast?: bigint): Promise<LoadedStream<State>>
}

export interface DeciderOptions {
  readonly store: Pick<EventStore, 'append' | 'readStream'>
  readonly sleep: (ms: number) => Promise<void>
  readonly random: () => number
  /** How many states are kept in memory. */
  readonly cached?: number
}

const MAX_ATTEMPTS = 30
/** How many commands go into one append. */
const MAX_TOGETHER = 128
/** Waits after a conflict, ms. */
const CONFLICT = { baseMs: 2, maxMs: 100 }
/** Bytes of memory for the states of one kind of stream. */
const CACHE_BYTES = 32 * 1024 * 1024
/** What a fact is taken to add to a state where its size is not known. */
const FACT_BYTES = 500

interface Job<State, Command> {
  readonly command: Command
  readonly context: DeciderContext
  readonly resolve: (result: Result<State>) => void
  readonly reject: (error: unknown) => void
}

export const createDecider = <State, Command, F extends { readonly type: string; readonly data: unknown }>(
  { streamOf, initial, fold, decide, mayBeFirst = () => false, metadata }: Decides<State, Command, F>,
  { store, sleep, random, cached = 10_000 }: DeciderOptions,
): Decider<State, Command> => {
  const cache = createHeavyCache<LoadedStream<State>>({
    maxEntries: cached,
    maxBytes: CACHE_BYTES,
    weighs: ({ state }) => state,
  })

  const unread = (name: string): LoadedStream<State> => ({ state: initial(name), revision: -1n, position: undefined })

  /** Reads on from what memory holds. */
  const read = async (name: string): Promise<LoadedStream<State>> => {
    let held = cache.get(name) ?? unread(name)
    const rest = store.readStream(streamOf(name), {
      from: held.revision + 1n,
      // What a newer program recorded and this one does not know still counts among the revisions.
      leftOut({ revision, position }) {
        held = { ...held, revision, position }
      },
    })
    for await (const fact of rest)
      held = { state: fold(held.state, fact), revision: fact.revision, position: fact.position }
    // A command may have moved it on meanwhile; what is further stays.
    const known = cache.get(name)
    if (held.revision >= 0n && (!known || known.revision <= held.revision))
      cache.set(name, held, known ? FACT_BYTES * Number(held.revision - known.revision) : 0)
    return held
  }

  /** The id is that of this very fact at this place: of two writers only one may take the other's append for its own. */
  const newFact = (stream: string, fact: F, revision: bigint, context: DeciderContext): NewFact => ({
    id: uuidFrom('decider', stream, fact.type, JSON.stringify(fact.data), context.requestId, String(revision)),
    type: fact.type,
    data: fact.data,
    metadata: {
      $correlationId: context.requestId,
      actor: context.actor,
      now: context.now,
      commandKey: context.key,
      ...metadata?.(),
    },
  })

  const together = async (name: string, jobs: readonly Job<State, Command>[]): Promise<void> => {
    const stream = streamOf(name)
    const known = cache.get(name)
    const isPresumed = !known && jobs.every(({ command }) => mayBeFirst(command))
    /** Whether `held` is known to be what the stream says; memory may be behind other nodes. */
    let fresh = !known && !isPresumed
    let held = known ?? (isPresumed ? unread(name) : await read(name))
    for (let attempt = 1; ; attempt++) {
      let { state } = held
      const facts: NewFact[] = []
      let bytes = 0
      const answers: (() => void)[] = []
      let doubtful = false
      let position = held.position
      let revision = held.revision
      for (const { command, context, resolve } of jobs) {
        const hasGoneOn = context.onlyAt !== undefined && context.onlyAt !== held.revision + BigInt(facts.length)
        const decided = hasGoneOn
          ? refuse('precondition_failed', `${stream} has changed meanwhile`)
          : decide(state, command, context.now)
        if (isRefused(decided)) {
          doubtful = true
          const at = state
          answers.push(() => resolve({ kind: 'refused', state: at, revision, position, refusal: decided.refused }))
          continue
        }
        const kind = decided.length > 0 ? 'done' : 'repeated'
        if (kind === 'repeated') doubtful = true
        for (const fact of decided) {
          const made = newFact(stream, fact, held.revision + BigInt(facts.length) + 1n, context)
          facts.push(made)
          bytes += sizeOf(fact.data).bytes
          state = fold(state, made)
        }
        const at = state
        answers.push(() => resolve({ kind, state: at, revision, position }))
      }
      // "No" and "it holds already" are said only of what the stream says now; an append finds out by itself.
      if (doubtful && !fresh) {
        const before = held.revision
        held = await read(name)
        fresh = true
        if (held.revision !== before) continue
      }
      if (facts.length > 0) {
        const deadline = Math.max(...jobs.map(({ context }) => context.deadline ?? 0))
        const result = await store.append(
          stream,
          facts,
          held.revision < 0n ? 'no_stream' : held.revision,
          deadline > 0 ? { deadline } : {},
        )
        if (result.kind === 'conflict') {
          if (attempt >= MAX_ATTEMPTS) throw new TooBusy(stream)
          await sleep(backoffMs(attempt, CONFLICT, random))
          held = await read(name)
          fresh = true
          continue
        }
        position = result.position
        revision = result.revision
        if (!isPresumed || cache.has(name)) cache.set(name, { state, revision, position }, bytes)
      }
      for (const answer of answers) answer()
      return
    }
  }

  const queues = createQueues<Job<State, Command>>(MAX_TOGETHER, async (name, jobs) => {
    try {
      await together(name, jobs)
    } catch (error) {
      // What of an append whose outcome is unknown was stored shows when the stream is read again.
      cache.delete(name)
      for (const { reject } of jobs) reject(error)
    }
  })

  return {
    async load(name, atLeast) {
      const held = atLeast === undefined ? undefined : cache.get(name)
      return held && atLeast !== undefined && held.revision >= atLeast ? held : read(name)
    },
    execute: (name, command, context) =>
      new Promise((resolve, reject) => queues.push(name, { command, context, resolve, reject })),
  }
}
