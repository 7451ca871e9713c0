// What drivers, shells and tools ask about the server itself.
import { arch, cpus, hostname, platform, release, totalmem } from 'node:os'
import { CommandError, notImplemented, typeMismatch } from '../errors.ts'
import { MECHANISM } from '../scram.ts'
import { SESSION_MINUTES } from '../sessions.ts'
import {
  type Doc,
  Double,
  docOf,
  isArray,
  isDoc,
  isTrue,
  MAX_DOCUMENT,
  type Maybe,
  ObjectId,
  Timestamp,
  type Value,
} from '../values.ts'
import { MAX_MESSAGE } from '../wire.ts'
import { greetingOf, userOf } from './authentication.ts'
import { MAX_STATEMENTS } from './batch.ts'
import type { Context, Reply } from './context.ts'

/** The server whose protocol is spoken. */
export const VERSION = '7.0.0'
const VERSION_ARRAY = [7, 0, 0, 0]
export const SET_NAME = 'rs0'
const MAX_WIRE_VERSION = 21

/** The name that a client gives itself in a greeting. */
export const appNameOf = (body: Doc): string | undefined => {
  const client = body.get('client')
  const application = isDoc(client) ? client.get('application') : undefined
  return isDoc(application) ? String(application.get('name')) : undefined
}

/** What a member of a replica set tells about its newest write. */
const lastWriteOf = (at: Date) => {
  const opTime = { ts: new Timestamp({ t: Math.floor(at.getTime() / 1000), i: 1 }), t: 1n }
  return { opTime, lastWriteDate: at, majorityOpTime: opTime, majorityWriteDate: at }
}

/** How often the topology has changed: never, it is one node that leads itself. */
const CHANGES = 0n

const GREETINGS = new Set(['hello', 'isMaster', 'ismaster'])

/** Whether a command is a greeting that waits for a change of the topology. */
export const isAwaiting = (name: string, body: Doc): boolean => GREETINGS.has(name) && body.has('topologyVersion')

/** Waits as long as the client lets it, when the client knows the topology as it is. */
const awaitChange = async (context: Context): Promise<void> => {
  const known = context.body.get('topologyVersion')
  const wait = context.body.get('maxAwaitTimeMS')
  if ((known === undefined) !== (wait === undefined))
    throw new CommandError(31368, "A request with a 'topologyVersion' must include 'maxAwaitTimeMS', and the reverse")
  if (!isDoc(known)) return
  const id = known.get('processId')
  if (!(id instanceof ObjectId)) throw typeMismatch("BSON field 'topologyVersion.processId' must be of type 'objectId'")
  const same = id.equals(context.services.processId)
  if (same && (known.get('counter') as bigint) > CHANGES)
    throw new CommandError(31382, 'Received a topology version with a counter that is greater than that of the server')
  if (same || context.isRepeated) await context.connection.rest(Number(wait))
}

/** `hello` and its older names: a replica set of one, which is always its primary. */
export const hello = async (context: Context): Promise<Reply> => {
  const { connection, body } = context
  const { address } = context.services
  connection.appName ??= appNameOf(body)
  await awaitChange(context)
  return {
    ...(context.name === 'hello' ? { isWritablePrimary: true } : { ismaster: true }),
    helloOk: true,
    hosts: [address],
    setName: SET_NAME,
    setVersion: 1,
    secondary: false,
    primary: address,
    me: address,
    lastWrite: lastWriteOf(context.store.lastWrite()),
    maxBsonObjectSize: MAX_DOCUMENT,
    maxMessageSizeBytes: MAX_MESSAGE,
    maxWriteBatchSize: MAX_STATEMENTS,
    localTime: new Date(),
    logicalSessionTimeoutMinutes: SESSION_MINUTES,
    connectionId: connection.id,
    topologyVersion: { processId: context.services.processId, counter: CHANGES },
    minWireVersion: 0,
    maxWireVersion: MAX_WIRE_VERSION,
    readOnly: false,
    ...greetingOf(context),
  }
}

export const ping = async (): Promise<Reply> => ({})

export const buildInfo = async (): Promise<Reply> => ({
  version: VERSION,
  gitVersion: 'embedded',
  modules: [],
  allocator: 'system',
  javascriptEngine: 'none',
  sysInfo: 'deprecated',
  versionArray: VERSION_ARRAY,
  openssl: { running: 'none', compiled: 'none' },
  buildEnvironment: {},
  bits: 64,
  debug: false,
  maxBsonObjectSize: MAX_DOCUMENT,
  storageEngines: ['lmdb'],
})

const PARAMETERS: Readonly<Record<string, Value>> = {
  featureCompatibilityVersion: docOf({ version: '7.0' }),
  transactionLifetimeLimitSeconds: 60,
  cursorTimeoutMillis: 600000n,
  localLogicalSessionTimeoutMinutes: SESSION_MINUTES,
  authenticationMechanisms: [MECHANISM],
  ttlMonitorEnabled: true,
  logComponentVerbosity: docOf({ verbosity: 0 }),
}

export const getParameter = async (context: Context): Promise<Reply> => {
  const { body } = context
  const all: Record<string, Value> = { ...PARAMETERS, enableTestCommands: context.services.testCommands }
  const which = body.get('getParameter')
  if (which === '*' || (isDoc(which) && which.get('allParameters') === true)) return all
  const asked = Object.keys(all).filter((name) => body.has(name))
  if (asked.length === 0) throw new CommandError(72, 'no option found to get')
  return Object.fromEntries(asked.map((name) => [name, all[name]!]))
}

export const getCmdLineOpts = async (): Promise<Reply> => ({ argv: ['tributary'], parsed: {} })

const LOGS = ['global', 'startupWarnings']

/** The store writes no log of its own. */
export const getLog = async (context: Context): Promise<Reply> => {
  const name = context.body.get('getLog')
  if (typeof name !== 'string') throw typeMismatch('Argument to getLog must be of type String')
  if (name === '*') return { names: LOGS }
  if (!LOGS.includes(name)) throw new CommandError(96, `No log named '${name}'`)
  return { totalLinesWritten: 0, log: [] }
}

/** The one user may do everything that is served. */
const ROLES = [{ role: 'root', db: 'admin' }]
const PRIVILEGES = [{ resource: { anyResource: true }, actions: ['anyAction'] }]

export const connectionStatus = async (context: Context): Promise<Reply> => {
  const users = userOf(context)
  return {
    authInfo: {
      authenticatedUsers: users,
      authenticatedUserRoles: users.length > 0 ? ROLES : [],
      ...(isTrue(context.body.get('showPrivileges') ?? false) && {
        authenticatedUserPrivileges: users.length > 0 ? PRIVILEGES : [],
      }),
    },
  }
}

export const whatsmyuri = async (context: Context): Promise<Reply> => ({ you: context.connection.remote })

export const serverStatus = async (context: Context): Promise<Reply> => {
  const uptime = (Date.now() - context.services.startedAt.getTime()) / 1000
  const memory = process.memoryUsage()
  return {
    host: context.services.address,
    version: VERSION,
    process: 'tributary',
    pid: BigInt(process.pid),
    uptime: new Double(Math.floor(uptime)),
    uptimeMillis: BigInt(Math.floor(uptime * 1000)),
    uptimeEstimate: BigInt(Math.floor(uptime)),
    localTime: new Date(),
    connections: { current: context.services.connections(), available: 100_000, totalCreated: context.connection.id },
    logicalSessionRecordCache: { activeSessionsCount: context.sessions.count },
    mem: { bits: 64, resident: Math.floor(memory.rss / 2 ** 20), virtual: 0, supported: true },
    metrics: { cursor: { open: { total: BigInt(context.cursors.open) } } },
    repl: {
      setName: SET_NAME,
      isWritablePrimary: true,
      secondary: false,
      primary: context.services.address,
      me: context.services.address,
      hosts: [context.services.address],
    },
    storageEngine: { name: 'lmdb', supportsCommittedReads: true, persistent: true, supportsSnapshotReadConcern: true },
    transactions: { currentOpen: BigInt([...context.store.transactions.open()].length) },
    opcounters: context.services.counters,
  }
}

export const hostInfo = async (): Promise<Reply> => ({
  system: {
    currentTime: new Date(),
    hostname: hostname(),
    cpuAddrSize: 64,
    memSizeMB: BigInt(Math.floor(totalmem() / 2 ** 20)),
    numCores: cpus().length,
    cpuArch: arch(),
  },
  os: { type: platform(), name: platform(), version: release() },
  extra: {},
})

export const replSetGetStatus = async (context: Context): Promise<Reply> => ({
  set: SET_NAME,
  date: new Date(),
  myState: 1,
  term: 1n,
  members: [
    { _id: 0, name: context.services.address, health: new Double(1), state: 1, stateStr: 'PRIMARY', self: true },
  ],
})

export const replSetGetConfig = async (context: Context): Promise<Reply> => ({
  config: {
    _id: SET_NAME,
    version: 1,
    term: 1,
    members: [{ _id: 0, host: context.services.address, priority: 1, votes: 1 }],
  },
})

/** Nothing is profiled. */
export const profile = async (context: Context): Promise<Reply> => {
  const level = context.body.get('profile')
  if (level !== 0 && level !== -1) throw notImplemented('profiling')
  return { was: 0, slowms: 100, sampleRate: new Double(1) }
}

export const getDefaultRWConcern = async (): Promise<Reply> => ({
  defaultReadConcern: { level: 'local' },
  defaultWriteConcern: { w: 'majority', wtimeout: 0 },
  defaultReadConcernSource: 'implicit',
  defaultWriteConcernSource: 'implicit',
  localUpdateWallClockTime: new Date(),
})

export const getFreeMonitoringStatus = async (): Promise<Reply> => ({ state: 'disabled' })

/** Whether `usersInfo` asks for this user: by number for all of a database, by name, or by several of either. */
const asksFor = (asked: Maybe, database: string, user: string): boolean => {
  if (isArray(asked)) return asked.some((one) => asksFor(one, database, user))
  if (isDoc(asked) && asked.has('forAllDBs')) return isTrue(asked.get('forAllDBs')!)
  if (isDoc(asked)) return asked.get('user') === user && asked.get('db') === 'admin'
  return database === 'admin' && (typeof asked !== 'string' || asked === user)
}

export const usersInfo = async (context: Context): Promise<Reply> => {
  for (const option of ['filter', 'showCredentials'])
    if (isTrue(context.body.get(option) ?? false)) throw notImplemented(`the option "usersInfo.${option}"`)
  const { body, database } = context
  const known = userOf(context).filter(({ user }) => asksFor(body.get('usersInfo'), database, user))
  return {
    users: known.map(({ user, db }) => ({ _id: `${db}.${user}`, user, db, roles: ROLES, mechanisms: [MECHANISM] })),
  }
}
export const rolesInfo = async (): Promise<Reply> => ({ roles: [] })

/** Every write is on disk before it is answered; what is asked for beyond that is a stop to all writes. */
export const fsync = async ({ body }: Context): Promise<Reply> => {
  if (isTrue(body.get('lock') ?? false)) throw notImplemented('the option "fsync.lock"')
  return { numFiles: 1 }
}
