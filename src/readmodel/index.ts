// The read model: the only place that knows the driver of MongoDB, and where its troubles are dealt with.
import type { Collection, Document } from 'mongodb'
import { sleep } from '../line/backoff.ts'
import type { HealthLimits } from '../line/health.ts'
import { NoAnswer } from '../line/line.ts'
import { type Log, silentLog } from '../line/log.ts'
import { addressOf } from '../line/reason.ts'
import { createSemaphore, type Permit, type Semaphore } from '../line/semaphore.ts'
import { processTime, within } from '../line/time.ts'
import { UnusableServer } from '../line/unusable.ts'
import { type Aliases, createAliases } from './aliases.ts'
import { type Keyed, type ModelCollection, modelCollection } from './collection.ts'
import {
  isClientClosed,
  isConflict,
  isTooSlow,
  isUnavailable,
  QueryTooBroad,
  ReadModelDown,
  ReadModelUnavailable,
} from './errors.ts'
import { createLanes, type Lanes } from './lanes.ts'
import { DEFAULT_PORT, openReadModelLine } from './line.ts'

export type { AnyBulkWriteOperation, Document, Filter, IndexDescription, Sort, UpdateFilter, WithId } from 'mongodb'
export { BSON } from 'mongodb'
export type { AliasDocument, Aliases } from './aliases.ts'
export { type FindOptions, type Keyed, MAX_COUNTED, type ModelCollection } from './collection.ts'
export { CHECKPOINTS } from './commit.ts'
export type { Committer } from './committers.ts'
export { isDamagedDocument, isDuplicateKey, QueryTooBroad, ReadModelUnavailable } from './errors.ts'
export type { Committed, Lane, LaneChange, Lanes, Member, RefusedDocument, Writes } from './lanes.ts'

/** Where the counts of all collections are. */
export const COUNTS = 'counts'
/** How many documents of the collection of this name there are of each kind. */
export interface CountsDocument extends Keyed {
  counts: Readonly<Record<string, number>>
}

export interface ReadModel {
  /** The documents of a projection, in whichever collection holds them now. */
  collection<D extends Keyed>(projection: string): ModelCollection<D>
  /** How many documents of a projection there are of each kind, where it says by what they are counted; a kind may be absent. */
  counts(projection: string): Promise<Readonly<Record<string, number>>>
  /** A collection of this very name: snapshots, leases and other things that no projection makes. */
  plain<D extends Keyed>(name: string): ModelCollection<D>
  readonly lanes: Lanes
  readonly aliases: Aliases
  health(): { readonly ok: boolean; readonly since: number; readonly error?: string }
  /**
   * The server's version, as it tells it. Rejects with UnusableServer for one that is too old, or has no transactions; the message
   * says what is needed.
   */
  checkServer(): Promise<string>
  /** What the server's own clock says, ms since the epoch. */
  serverTime(): Promise<number>
  /** Creates a collection with its indexes unless they are there. */
  prepare(
    name: string,
    indexes: readonly { key: Readonly<Record<string, 1 | -1>>; unique?: boolean; sparse?: boolean }[],
  ): Promise<void>
  /** Drops a collection, and what was counted of its documents. */
  drop(name: string): Promise<void>
  /** Drops the whole database: only what was made to be thrown away. */
  dropDatabase(): Promise<void>
  close(): Promise<void>
}

export interface ReadModelOptions {
  /** A connection string of MongoDB: a replica set or a sharded cluster, since there are transactions. */
  readonly url: string
  readonly database: string
  readonly log?: Log
  /** Time limit of one call, ms of free time; a transaction of the projector has six times as long. */
  readonly callTimeoutMs?: number
  /** The patience with a silent line; for tests. */
  readonly limits?: Partial<HealthLimits>
  readonly maxPoolSize?: number
  /** The clock that holds of lanes are told by, ms since the epoch. */
  readonly now?: () => number
}

export const createReadModel = ({
  url,
  database,
  log = silentLog,
  callTimeoutMs = 10_000,
  limits = {},
  maxPoolSize = 32,
  now = Date.now,
}: ReadModelOptions): ReadModel => {
  const line = openReadModelLine({ url, database, maxPoolSize, log, limits })
  const db = () => line.current.client.database
  const collectionOf = <D extends Keyed>(name: string): Collection<D> => {
    const { database, collections } = line.current.client
    const known = collections.get(name)
    if (known) return known as unknown as Collection<D>
    const made = database.collection<D>(name)
    collections.set(name, made as unknown as Collection<never>)
    return made
  }

  /** Calls of queries and small writers; those that move a lane come one at a time, and are never kept waiting by the others. */
  const semaphore = createSemaphore({ ...CALLS, max: maxPoolSize - KEPT_FREE - BROAD })
  /** Questions that may look through many documents wait for each other, and for nobody else: a slow one is no sign of a slow server. */
  const broadSemaphore = createSemaphore({
    start: BROAD,
    min: BROAD,
    max: BROAD,
    targetMs: callTimeoutMs,
    weight: BROAD,
  })

  const enter = async (semaphore: Semaphore): Promise<Permit> => {
    if (!line.up) throw new ReadModelDown('the document store is down')
    const permit = await semaphore.enter(1, callTimeoutMs)
    if (permit === undefined)
      throw new ReadModelUnavailable('the document store is too busy', undefined, semaphore.waitMs)
    return permit
  }
  const gated = async <T>(action: () => Promise<T>): Promise<T> =>
    guarded(callTimeoutMs, action, await enter(semaphore))
  const broad = async <T>(action: () => Promise<T>): Promise<T> => {
    try {
      return await guarded(callTimeoutMs, action, await enter(broadSemaphore))
    } catch (error) {
      throw error instanceof ReadModelUnavailable && isTooSlow(error.cause) ? new QueryTooBroad(error.cause) : error
    }
  }

  const guarded = async <T>(ms: number, action: () => Promise<T>, permit?: Permit): Promise<T> => {
    if (!line.up) {
      permit?.abandon()
      throw new ReadModelDown('the document store is down')
    }
    const generation = line.current
    const answer = line.call(action)
    // Whoever does not wait for it any longer: the server is at work on it until it answers.
    answer.then(permit?.leave, (error: unknown) =>
      isUnavailable(error) && !isTooSlow(error) ? permit?.abandon() : permit?.leave(),
    )
    try {
      return await within(processTime, ms, answer, () => new NoAnswer(ms))
    } catch (error) {
      // A client whose first connection failed stays closed for good.
      if (isClientClosed(error)) line.replace(generation, 'the driver closed its client')
      if (isTooSlow(error) || (error instanceof NoAnswer && line.up))
        throw new ReadModelUnavailable('the document store took too long', error, semaphore.waitMs)
      if (isUnavailable(error)) throw new ReadModelDown('the document store is unavailable', error)
      if (isConflict(error))
        throw new ReadModelUnavailable('the document store was busy with the same documents', error)
      throw error
    }
  }
  const call = gated

  const aliases = createAliases(() => db().collection('projections'), call)

  return {
    collection: <D extends Keyed>(projection: string) =>
      modelCollection<D>(
        async (action) => {
          const name = await aliases.resolve(projection)
          return call(() => action(collectionOf<D>(name)))
        },
        async (action) => {
          const name = await aliases.resolve(projection)
          return broad(() => action(collectionOf<D>(name)))
        },
      ),
    plain: <D extends Keyed>(name: string) =>
      modelCollection<D>(
        (action) => call(() => action(collectionOf<D>(name))),
        (action) => broad(() => action(collectionOf<D>(name))),
      ),
    async counts(projection) {
      const name = await aliases.resolve(projection)
      const found = await call(() => collectionOf<CountsDocument>(COUNTS).findOne({ _id: name }))
      return found?.counts ?? {}
    },
    lanes: createLanes(db, (action) => guarded(6 * callTimeoutMs, action), now),
    aliases,
    health: line.health,
    async checkServer() {
      const hello: Document = await call(() => db().admin().command({ hello: 1 }))
      const where = `The MongoDB at ${addressOf(url, DEFAULT_PORT)}`
      if (!(Number(hello.maxWireVersion) >= OLDEST_WIRE_VERSION))
        throw new UnusableServer(`${where} is too old: version 4.4 or later is needed`)
      if (typeof hello.setName !== 'string' && hello.msg !== 'isdbgrid')
        throw new UnusableServer(
          `${where} is no replica set, so it has no transactions: start it with --replSet, and call rs.initiate() once`,
        )
      const { version }: Document = await call(() => db().admin().command({ buildInfo: 1 }))
      return String(version)
    },
    async serverTime() {
      const { localTime } = await call(() => db().admin().command({ hello: 1 }))
      if (!(localTime instanceof Date)) throw new Error('the document store does not tell its time')
      return localTime.getTime()
    },
    async prepare(name, indexes) {
      // Making indexes makes their collection too: a start prepares dozens.
      if (indexes.length === 0) {
        await call(() => db().createCollection(name).catch(ignoreExisting))
        return
      }
      const wanted = indexes.map((index): IndexOf => ({ ...index, key: { ...index.key } }))
      // Over many documents this outlasts every time limit. The server goes on with it, and asking again joins in.
      const until = performance.now() + INDEX_PATIENCE_MS
      for (;;) {
        try {
          await guarded(6 * callTimeoutMs, () => db().collection(name).createIndexes(wanted))
          return
        } catch (error) {
          if (!(error instanceof ReadModelUnavailable) || !line.up || performance.now() > until) throw error
          await sleep(1_000)
        }
      }
    },
    async drop(name) {
      await call(() => collectionOf<CountsDocument>(COUNTS).deleteOne({ _id: name }))
      await call(() => db().collection(name).drop())
    },
    async dropDatabase() {
      await call(() => db().dropDatabase())
    },
    async close() {
      await line.close()
    },
  }
}

/** Calls under way at a time; the pool has more connections, for lanes and for the question whether the server is there. */
const CALLS = { start: 8, min: 4, targetMs: 500, weight: Number.POSITIVE_INFINITY }
const KEPT_FREE = 4
/** Questions that may look through many documents, at a time. */
const BROAD = 4

/** MongoDB 4.4. */
const OLDEST_WIRE_VERSION = 9

/** How long an index may take to build, ms. */
const INDEX_PATIENCE_MS = 30 * 60_000

type IndexOf = { key: Record<string, 1 | -1>; unique?: boolean; sparse?: boolean }

/** Two nodes that start together both create: NamespaceExists is what was wanted. */
const ignoreExisting = (error: unknown): Document | undefined => {
  if (error instanceof Error && 'code' in error && error.code === 48) return undefined
  throw error
}
