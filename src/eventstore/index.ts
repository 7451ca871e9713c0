// The event store: the only place that knows the client of EventStoreDB, and where its troubles are dealt with.
import {
  END,
  type EventStoreDBClient,
  eventTypeFilter,
  excludeSystemEvents,
  type Position,
  type ResolvedEvent,
  START,
  type StreamingRead,
  streamNameFilter,
} from '@eventstore/db-client'
import type { RecordedFact } from '../domain/recorded.ts'
import type { HealthLimits } from '../line/health.ts'
import { LineReplaced, NoAnswer } from '../line/line.ts'
import { type Log, silentLog } from '../line/log.ts'
import { addressOf } from '../line/reason.ts'
import { createReport } from '../line/report.ts'
import { createSemaphore } from '../line/semaphore.ts'
import { processTime, within } from '../line/time.ts'
import { createAppender, sendBatch } from './append.ts'
import type { Codec, RawRecord } from './codec.ts'
import {
  isDamaged,
  isReadRefused,
  isStreamGone,
  ReadRefused,
  RecordDamaged,
  StoreUnavailable,
  verdictOf,
} from './errors.ts'
import { guardAgainstClient } from './guard.ts'
import { DEFAULT_PORT, openLines } from './lines.ts'
import { createNamespace } from './namespace.ts'
import { readChunks } from './read.ts'
import { recordOf } from './record.ts'
import { checkAppend, checkStream, isStreamName } from './refuse.ts'
import { CLIENT_BUFFER, openSource, type SourceOptions } from './source.ts'
import type { AppendOptions, EventStore, ExpectedRevision, ReadAllOptions, ReadOptions } from './types.ts'
import { checkVersion, versionOf } from './version.ts'

export type { Log } from '../line/log.ts'
export { type Codec, createCodec, type FactRegistry, type FactSpec, type RawRecord } from './codec.ts'
export { AppendRefused, MalformedFact, ReadRefused, RecordDamaged, SourceClosed, StoreUnavailable } from './errors.ts'
export type { Encrypted, KeyName, NotedRecord, Vault } from './personal.ts'
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
  /** Whose streams these are, where others share the server: their names at it begin with this and a dot. */
  readonly namespace?: string | undefined
  readonly codec: Codec
  readonly log?: Log
  /** How long after it was overtaken by a later one an append's answer counts as lost, ms. The server's own time limit is 2 s. */
  readonly lostAfterMs?: number
  /** How long an append of unknown outcome is tried again when the caller sets no deadline, ms. */
  readonly appendDeadlineMs?: number
  /** The longest silence in a read, and how long a subscription may take to open, ms. */
  readonly readTimeoutMs?: number
  /** The patience with a silent line; for tests. */
  readonly limits?: Partial<HealthLimits>
  /** The clock that deadlines of appends are told by, ms since the epoch. */
  readonly now?: () => number
}

/** Reads that wait for their first answer. */
const READS = { start: 16, min: 4, max: 128, targetMs: 500, weight: Number.POSITIVE_INFINITY }
/** A log with nothing but the server's own events is not searched further than this for a fact. */
const HEAD_SEARCH = 100_000
/** How far back a fact that may have been written without an exact revision is looked for. */
const WRITTEN_SEARCH = 10_000
/**
 * A subscription says where it is after so many windows of 32 events. One whose filter matches few hears of its place by nothing
 * else, and would show one that lies far behind; one to all facts hears of it with each.
 */
const CHECKPOINT_WINDOWS = { few: 1, all: 32 }

async function* noRecords(): AsyncGenerator<readonly RawRecord[]> {}

/** Ends after so many records. */
async function* firstOf(chunks: AsyncIterable<readonly RawRecord[]>, count: number) {
  let left = count
  for await (const chunk of chunks) {
    yield chunk.slice(0, left)
    left -= chunk.length
    if (left <= 0) return
  }
}

export const createEventStore = ({
  url,
  namespace,
  codec,
  log = silentLog,
  lostAfterMs = 3_000,
  appendDeadlineMs = 10_000,
  readTimeoutMs = 10_000,
  limits = {},
  now = Date.now,
}: EventStoreOptions): EventStore => {
  const { prefix, nameOf, recordOf: ownOf } = createNamespace(namespace)
  const address = addressOf(url, DEFAULT_PORT)
  const report = createReport('event store', address, log)
  // Two clients, so that a broken append stream takes no subscription with it.
  const { reads, writes, alone } = openLines({
    url,
    limits,
    lostAfterMs,
    onTurn: report.turned,
    onReplaced: report.replaced,
  })

  const readSemaphore = createSemaphore(READS)

  async function* records(
    open: (client: EventStoreDBClient) => StreamingRead<ResolvedEvent>,
    signal?: AbortSignal,
    take = ownOf,
  ): AsyncGenerator<readonly RawRecord[]> {
    if (!reads.up) throw new StoreUnavailable('the event store is down')
    const permit = await readSemaphore.enter(1, readTimeoutMs)
    if (permit === undefined)
      throw new StoreUnavailable('the event store is too busy', { busyMs: readSemaphore.waitMs })
    for (let attempt = 1; ; attempt++) {
      const generation = reads.current
      const { client, onRetired } = generation
      const line = { underWay: reads.begin(generation), onRetired }
      let some = false
      try {
        const chunks = readChunks({
          open: () => open(client),
          take,
          silenceMs: readTimeoutMs,
          line,
          signal,
        })
        for await (const chunk of chunks) {
          some = true
          // From its first answer on a read goes at the reader's own pace.
          permit.leave()
          yield chunk
        }
        permit.leave()
        return
      } catch (error) {
        if (signal?.aborted && error === signal.reason) throw error
        if (isDamaged(error)) throw new RecordDamaged(error)
        if (isReadRefused(error)) throw new ReadRefused(error)
        // The line was dead before anything came: nobody need notice.
        if (error instanceof LineReplaced && !some && attempt === 1) continue
        throw new StoreUnavailable('the read broke off', { cause: error })
      } finally {
        permit.abandon()
      }
    }
  }

  async function* facts(
    chunks: AsyncIterable<readonly RawRecord[]>,
    { keep, leftOut }: { keep?: ReadAllOptions['filter']; leftOut?: ReadOptions<bigint>['leftOut'] },
  ): AsyncGenerator<RecordedFact> {
    for await (const chunk of chunks) {
      await codec.prepareDecode?.(chunk)
      for (const record of chunk) {
        if (keep && !keep(record.type, record.stream)) continue
        const fact = codec.decode(record)
        if (fact !== undefined) yield fact
        else leftOut?.(record)
      }
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
    time: { ...processTime, wall: now },
    send: (client, stream, facts, expected) => sendBatch(client, nameOf(stream), facts, expected),
    log,
    async find(stream, id) {
      const options = { direction: 'backwards', fromRevision: END, maxCount: WRITTEN_SEARCH } as const
      for await (const chunk of records((client) => client.readStream(nameOf(stream), options)))
        for (const record of chunk) if (record.id === id.toLowerCase()) return record
      return undefined
    },
  })

  /** Who sets no deadline is not waited for. */
  const appendBy = (
    stream: string,
    checked: ReturnType<typeof checkAppend>,
    expected: ExpectedRevision,
    { deadline }: AppendOptions = {},
  ) => append(stream, checked, expected, deadline ?? now() + appendDeadlineMs, deadline === undefined)

  const stopGuard = guardAgainstClient((error) => {
    // Whose answer that was nobody can say; a client that hangs since is found out by its silence.
    log.error({ err: error }, 'the event store client threw outside any call')
    writes.doubt(error)
  })

  const openSubscription = (open: SourceOptions['open'], { end, take = ownOf }: Partial<SourceOptions> = {}) => {
    if (!reads.up) return Promise.reject(new StoreUnavailable('the event store is down'))
    return openSource({ codec, line: reads, openMs: readTimeoutMs, end, take, open })
  }
  const buffer = { highWaterMark: CLIENT_BUFFER }

  /** Position of the newest record, of whatever kind, whoever's; undefined when there is none. */
  const logEnd = async (): Promise<bigint | undefined> => {
    const options = { direction: 'backwards', fromPosition: END, maxCount: 1 } as const
    for await (const [record] of records((client) => client.readAll(options), undefined, recordOf))
      return record?.position
    return undefined
  }

  const store: EventStore = {
    async append(stream, newFacts, expected, options) {
      const preparing = codec.prepareEncode?.(stream, newFacts)
      if (preparing) await preparing
      const encoded = newFacts.map((fact) => codec.encode(fact, stream))
      const result = await appendBy(stream, checkAppend(stream, encoded), expected, options)
      if (result.kind === 'appended') codec.appended?.(stream, newFacts, result)
      return result
    },

    appendRecords: async (stream, newRecords, expected, options) =>
      appendBy(stream, checkAppend(stream, newRecords), expected, options),

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
            client.readStream(
              nameOf(stream),
              { direction, fromRevision: startOf(options), ...countOf(options) },
              buffer,
            ),
          signal,
        ),
        { leftOut },
      )
    },

    readAll(options = {}) {
      const { direction = 'forwards', signal, filter, leftOut } = options
      // Others' records are not counted.
      const count = prefix === '' ? countOf(options) : {}
      const own = records(
        (client) => client.readAll({ direction, fromPosition: at(startOf(options)), ...count }, buffer),
        signal,
      )
      return facts(prefix === '' || options.maxCount === undefined ? own : firstOf(own, options.maxCount), {
        keep: filter,
        leftOut,
      })
    },

    async subscribeAll({ from, types, streams }) {
      const few = streams !== undefined || types !== undefined || prefix !== ''
      const take: SourceOptions['take'] = (event) =>
        prefix === '' || types === undefined || types.some((type) => event.event?.type.startsWith(type))
          ? ownOf(event)
          : undefined
      const end = few && reads.up ? await logEnd().catch(() => undefined) : undefined
      return openSubscription(
        (checkpoint) => {
          const checkpoints = {
            checkpointInterval: few ? CHECKPOINT_WINDOWS.few : CHECKPOINT_WINDOWS.all,
            checkpointReached: (_: unknown, position: Position) => checkpoint(position.commit),
          }
          // The server takes one filter: by name where others' streams are to be left out, and what of it is wanted is seen here.
          const filter =
            streams || prefix !== ''
              ? streamNameFilter({ ...checkpoints, prefixes: (streams ?? ['']).map(nameOf) })
              : types
                ? eventTypeFilter({ ...checkpoints, prefixes: [...types] })
                : excludeSystemEvents(checkpoints)
          return reads.current.client.subscribeToAll({ fromPosition: at(after(from)), filter }, buffer)
        },
        { end, take },
      )
    },

    subscribeStream: (stream, { from }) =>
      openSubscription(() =>
        reads.current.client.subscribeToStream(nameOf(stream), { fromRevision: after(from) }, buffer),
      ),

    async removeStream(stream, newest) {
      checkStream(stream)
      if (!writes.up) throw new StoreUnavailable('the event store is down')
      try {
        await writes.call((client) =>
          client.deleteStream(nameOf(stream), newest === undefined ? {} : { expectedRevision: newest }),
        )
      } catch (error) {
        if (!isStreamGone(error) && verdictOf(error).kind !== 'conflict')
          throw new StoreUnavailable(`${stream} could not be removed`, { cause: error })
      }
    },

    async head() {
      const options = { direction: 'backwards', fromPosition: END, maxCount: HEAD_SEARCH } as const
      for await (const chunk of records((client) => client.readAll(options)))
        for (const record of chunk) if (!record.type.startsWith('$')) return record.position
      return undefined
    },

    async checkServer() {
      if (!reads.up) throw new StoreUnavailable('the event store is down')
      let version: string
      try {
        version = await within(processTime, readTimeoutMs, alone(versionOf), () => new NoAnswer(readTimeoutMs))
      } catch (error) {
        reads.doubt(error)
        throw new StoreUnavailable('the event store does not tell its version', { cause: error })
      }
      checkVersion(version, address)
      return version
    },

    health() {
      const [worse = reads.health()] = [reads, writes].map((line) => line.health()).filter(({ ok }) => !ok)
      return worse
    },

    async close() {
      stopGuard()
      await Promise.all([writes.close(), reads.close()])
    },
  }
  return store
}
