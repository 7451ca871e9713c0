// The event store: the only place that knows the client of EventStoreDB, and where its troubles are dealt with.
import {
  END,
  eventTypeFilter,
  excludeSystemEvents,
  type Position,
  START,
  streamNameFilter,
} from '@eventstore/db-client'
import type { RecordedFact } from '../domain/recorded.ts'
import { createCircuit } from '../line/circuit.ts'
import { type Log, silentLog } from '../line/log.ts'
import { createAppender } from './append.ts'
import type { Codec, RawRecord } from './codec.ts'
import { isLineTrouble, isReadRefused, messageOf, NoAnswer, ReadRefused, StoreUnavailable } from './errors.ts'
import { guardAgainstClient } from './guard.ts'
import { openLine } from './line.ts'
import { readChunks } from './read.ts'
import { checkAppend, isStreamName } from './refuse.ts'
import { CLIENT_BUFFER, openSource } from './source.ts'
import type { EventStore, ReadAllOptions, ReadOptions } from './types.ts'

export type { Log } from '../line/log.ts'
export { type Codec, createCodec, type FactRegistry, type FactSpec, type RawRecord } from './codec.ts'
export { AppendRefused, MalformedFact, ReadRefused, SourceClosed, StoreUnavailable } from './errors.ts'
export type {
  AppendOptions,
  AppendResult,
  Batch,
  Direction,
  EventStore,
  ExpectedRevision,
  ReadAllOptions,
  ReadOptions,
  Source,
  StoreHealth,
  SubscribeAllOptions,
} from './types.ts'

export interface EventStoreOptions {
  /** A connection string of EventStoreDB: `esdb://host:2113?tls=false`, `esdb+discover://…`. */
  readonly url: string
  readonly codec: Codec
  readonly log?: Log
  /** Time limit of one try of an append, ms. The server's own is 2 s. */
  readonly appendTimeoutMs?: number
  /** How long an append of unknown outcome is tried again when the caller sets no deadline, ms. */
  readonly appendDeadlineMs?: number
  /** The longest silence in a read, and how long a subscription may take to open, ms. */
  readonly readTimeoutMs?: number
  /** How often a server that is down is asked whether it is back, ms. */
  readonly probeEveryMs?: number
}

/** A log with nothing but the server's own events is not searched further than this for a fact. */
const HEAD_SEARCH = 100_000
/** How far back a fact that may have been written without an exact revision is looked for. */
const WRITTEN_SEARCH = 10_000
/** A filtered subscription says where it is after so many windows of 32 events in which nothing matched. */
const CHECKPOINT_WINDOWS = 32

async function* noRecords(): AsyncGenerator<readonly RawRecord[]> {}

export const createEventStore = ({
  url,
  codec,
  log = silentLog,
  appendTimeoutMs = 3_000,
  appendDeadlineMs = 10_000,
  readTimeoutMs = 5_000,
  probeEveryMs = 300,
}: EventStoreOptions): EventStore => {
  // Two clients, so that a broken append stream takes no subscription with it.
  const writes = openLine(url, 'writes', log)
  const reads = openLine(url, 'reads', log)

  const circuit = createCircuit({
    name: 'event store',
    log,
    probeEveryMs,
    heartbeatMs: 5_000,
    async probe() {
      const generation = reads.current
      try {
        const options = { direction: 'backwards', fromPosition: END, maxCount: 1 } as const
        for await (const _ of readChunks({ generation, open: (c) => c.readAll(options), silenceMs: 1_000 })) break
      } catch (error) {
        if (!isLineTrouble(error) || error instanceof NoAnswer) reads.replace(generation, messageOf(error))
        throw error
      }
    },
  })

  /** What a failed read or subscription says about the server. */
  const suspect = (error: unknown) => {
    if (isLineTrouble(error) || !(error instanceof Error)) circuit.suspect(error)
  }

  async function* records(
    open: Parameters<typeof readChunks>[0]['open'],
    signal?: AbortSignal,
  ): AsyncGenerator<readonly RawRecord[]> {
    if (!circuit.up) throw new StoreUnavailable('the event store is down')
    try {
      yield* readChunks({
        generation: reads.current,
        open,
        silenceMs: readTimeoutMs,
        ...(signal === undefined ? {} : { signal }),
      })
      circuit.answered()
    } catch (error) {
      if (signal?.aborted && error === signal.reason) throw error
      if (isReadRefused(error)) throw new ReadRefused(error)
      suspect(error)
      throw new StoreUnavailable('the read broke off', { cause: error })
    }
  }

  async function* facts(
    chunks: AsyncIterable<readonly RawRecord[]>,
    { keep, leftOut }: { keep?: ReadAllOptions['filter']; leftOut?: ReadOptions<bigint>['leftOut'] },
  ): AsyncGenerator<RecordedFact> {
    for await (const chunk of chunks)
      for (const record of chunk) {
        if (keep && !keep(record.type, record.stream)) continue
        const fact = codec.decode(record)
        if (fact !== undefined) yield fact
        else leftOut?.(record)
      }
  }

  const startOf = ({ from, direction = 'forwards' }: ReadOptions<bigint>) =>
    from === undefined ? (direction === 'forwards' ? START : END) : from
  const countOf = ({ maxCount }: ReadOptions<bigint>) => (maxCount === undefined ? {} : { maxCount })
  const at = (position: bigint | 'start' | 'end') =>
    typeof position === 'bigint' ? { commit: position, prepare: position } : position
  /** Nobody can be told to begin after -1n: that is the start. */
  const after = (from: bigint | 'start' | 'end') => (typeof from === 'bigint' && from < 0n ? START : from)

  const append = createAppender({
    line: writes,
    circuit,
    log,
    appendTimeoutMs,
    async find(stream, id) {
      const options = { direction: 'backwards', fromRevision: END, maxCount: WRITTEN_SEARCH } as const
      for await (const chunk of records((client) => client.readStream(stream, options)))
        for (const record of chunk) if (record.id === id.toLowerCase()) return record
      return undefined
    },
  })

  const stopGuard = guardAgainstClient((error) => {
    log.error({ err: error }, 'the event store client threw outside any call')
    writes.replace(writes.current, 'it threw outside any call')
    circuit.suspect(error)
  })

  const openSubscription = (open: Parameters<typeof openSource>[0]['open']) => {
    if (!circuit.up) return Promise.reject(new StoreUnavailable('the event store is down'))
    return openSource({ codec, generation: reads.current, openMs: readTimeoutMs, onFailure: suspect, open })
  }
  const buffer = { highWaterMark: CLIENT_BUFFER }

  const store: EventStore = {
    append: async (stream, newFacts, expected, { deadline = Date.now() + appendDeadlineMs } = {}) =>
      append(stream, checkAppend(stream, newFacts.map(codec.encode)), expected, deadline),

    appendRecords: async (stream, newRecords, expected, { deadline = Date.now() + appendDeadlineMs } = {}) =>
      append(stream, checkAppend(stream, newRecords), expected, deadline),

    async *readRecords({ from, signal }) {
      const options = { direction: 'forwards', fromPosition: at(from) } as const
      for await (const chunk of records((client) => client.readAll(options, buffer), signal))
        for (const record of chunk) if (!record.type.startsWith('$')) yield record
    },

    readStream(stream, options = {}) {
      const { direction = 'forwards', signal, leftOut } = options
      if (!isStreamName(stream)) return facts(noRecords(), {})
      return facts(
        records(
          (client) =>
            client.readStream(stream, { direction, fromRevision: startOf(options), ...countOf(options) }, buffer),
          signal,
        ),
        { leftOut },
      )
    },

    readAll(options = {}) {
      const { direction = 'forwards', signal, filter, leftOut } = options
      return facts(
        records(
          (client) => client.readAll({ direction, fromPosition: at(startOf(options)), ...countOf(options) }, buffer),
          signal,
        ),
        { keep: filter, leftOut },
      )
    },

    subscribeAll: ({ from, types, streams }) =>
      openSubscription((checkpoint) => {
        const checkpoints = {
          checkpointInterval: CHECKPOINT_WINDOWS,
          checkpointReached: (_: unknown, position: Position) => checkpoint(position.commit),
        }
        const filter = streams
          ? streamNameFilter({ ...checkpoints, prefixes: [...streams] })
          : types
            ? eventTypeFilter({ ...checkpoints, prefixes: [...types] })
            : excludeSystemEvents(checkpoints)
        return reads.current.client.subscribeToAll({ fromPosition: at(after(from)), filter }, buffer)
      }),

    subscribeStream: (stream, { from }) =>
      openSubscription(() => reads.current.client.subscribeToStream(stream, { fromRevision: after(from) }, buffer)),

    async head() {
      const options = { direction: 'backwards', fromPosition: END, maxCount: HEAD_SEARCH } as const
      for await (const chunk of records((client) => client.readAll(options)))
        for (const record of chunk) if (!record.type.startsWith('$')) return record.position
      return undefined
    },

    health: circuit.health,

    async close() {
      stopGuard()
      circuit.close()
      await Promise.all([writes.close(), reads.close()])
    },
  }
  return store
}
