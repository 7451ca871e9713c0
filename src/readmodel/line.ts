// The line to MongoDB: the driver's client with its pool of connections, and the questions by which it is watched.
import { type Collection, type Db, MongoClient, type MongoClientOptions, MongoServerSelectionError } from 'mongodb'
import type { HealthLimits } from '../line/health.ts'
import { type Line, NoAnswer, openLine } from '../line/line.ts'
import type { Log } from '../line/log.ts'
import { addressOf } from '../line/reason.ts'
import { createReport } from '../line/report.ts'
import { processTime as time } from '../line/time.ts'
import { byUrl } from '../line/unusable.ts'
import { isClientClosed, isTooSlow, isUnavailable, ReadModelUnavailable } from './errors.ts'

/** A client, and what is kept with it. */
export interface Opened {
  readonly client: MongoClient
  readonly database: Db
  /** The driver works all its options out anew for every handle that it makes. */
  readonly collections: Map<string, Collection<never>>
}

export interface ReadModelLineOptions {
  readonly url: string
  readonly database: string
  readonly maxPoolSize: number
  readonly log: Log
  readonly limits: Partial<HealthLimits>
}

export const DEFAULT_PORT = 27_017

const OPTIONS: MongoClientOptions = {
  appName: 'tributary',
  writeConcern: { w: 'majority', journal: true },
  ignoreUndefined: true,
}

/**
 * The driver's own limits count a starved process and a slow server as an outage, and break what is in flight: they are only
 * the last resort. What is dead and what is gone is found out by the watch.
 */
const PATIENT: MongoClientOptions = {
  ...OPTIONS,
  serverSelectionTimeoutMS: 5_000,
  connectTimeoutMS: 60_000,
  waitQueueTimeoutMS: 60_000,
  socketTimeoutMS: 300_000,
  heartbeatFrequencyMS: 5_000,
}

/** Below the time that the watch gives a witness, so that the driver's words for what is wrong come first. */
const WITNESS: MongoClientOptions = { ...OPTIONS, maxPoolSize: 1, serverSelectionTimeoutMS: 1_200 }

/** A server selection that ended without any server having said anything. */
const isSilence = (error: unknown): boolean => {
  if (!(error instanceof MongoServerSelectionError)) return false
  const servers = [...(error.reason?.servers.values() ?? [])]
  return servers.length > 0 && servers.every(({ type, error: own }) => type === 'Unknown' && own === null)
}

/** A server selection that ended for another reason than silence, in words: the driver says only that its time was over. */
const worded = (error: unknown): unknown => {
  if (!(error instanceof MongoServerSelectionError)) return error
  const servers = [...(error.reason?.servers.values() ?? [])]
  const own = servers.find(({ error }) => error !== null)?.error
  if (own) return own
  return servers.some(({ type }) => type === 'RSSecondary' || type === 'RSOther' || type === 'RSGhost')
    ? new ReadModelUnavailable('no primary', error)
    : error
}

/**
 * Calls `tell` whenever a server greets as one of another replica set than the URL names, or of none: the driver then forgets it
 * without a word, or, with directConnection, takes it as one that has not answered yet.
 */
const onOtherSet = (client: MongoClient, tell: (error: ReadModelUnavailable) => void): void => {
  const { replicaSet } = client.options
  if (replicaSet === undefined) return
  client.on('serverHeartbeatSucceeded', ({ reply }) => {
    if (reply.setName !== replicaSet) tell(new ReadModelUnavailable('not a member of replica set'))
  })
}

const askAlone = async (url: string, signal: AbortSignal): Promise<void> => {
  const client = new MongoClient(url, WITNESS)
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (error: unknown) => reject(isSilence(error) ? new NoAnswer(0) : worded(error))
      onOtherSet(client, fail)
      // A server that refuses says so at once; the driver itself would go on trying until the time is over.
      client.on('topologyDescriptionChanged', ({ newDescription }) => {
        const errors = [...newDescription.servers.values()].map(({ error }) => error)
        if (errors.length > 0 && errors.every((error) => error !== null)) fail(errors[0])
      })
      signal.addEventListener('abort', () => fail(signal.reason), { once: true })
      client
        .db('admin')
        .command({ ping: 1 })
        .then(() => resolve(), fail)
    })
  } finally {
    void client.close().catch(() => undefined)
  }
}

export const openReadModelLine = ({ url, database, maxPoolSize, log, limits }: ReadModelLineOptions): Line<Opened> => {
  const address = addressOf(url, DEFAULT_PORT)
  const report = createReport('document store', address, log)
  const line: Line<Opened> = openLine<Opened>({
    address,
    open() {
      const client = byUrl('MONGODB_URL', () => new MongoClient(url, { ...PATIENT, maxPoolSize }))
      // No option of the driver, which looks ten times a second whether its pool has the fewest connections: there is no fewest.
      Object.assign(client.options, { minPoolSizeCheckFrequencyMS: 10_000 })
      // The driver watches the server by itself, and learns first that it has gone.
      client.on('serverHeartbeatFailed', ({ failure }) => line.doubt(failure))
      onOtherSet(client, (error) => line.doubt(error))
      return { client, database: client.db(database), collections: new Map() }
    },
    end: ({ client }) => client.close(),
    oneAtATime: false,
    renews: false,
    ask: ({ client }) => client.db('admin').command({ ping: 1 }),
    askWitness: (signal) => askAlone(url, signal),
    isAnswer: (error) => isTooSlow(error) || !isUnavailable(error),
    isEnd: isClientClosed,
    time,
    limits,
    onTurn: (up, error) => report.turned('documents', up, error),
    onReplaced: (reason) => report.replaced('documents', reason),
  })
  return line
}
