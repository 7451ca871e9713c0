// From a message to its answer: the command found by name, its session and transaction, faults, errors, cluster time.
import type { BSON } from 'mongodb'
import type { Encodable } from './bson-encode.ts'
import * as authentication from './commands/authentication.ts'
import * as collections from './commands/collections.ts'
import {
  type Connection,
  Context,
  decodeCommand,
  type Membership,
  type Reply,
  type Services,
} from './commands/context.ts'
import * as diagnostics from './commands/diagnostics.ts'
import { explain } from './commands/explain.ts'
import { findAndModify } from './commands/find-and-modify.ts'
import * as indexes from './commands/indexes.ts'
import * as reads from './commands/reads.ts'
import * as sessions from './commands/session.ts'
import * as writes from './commands/writes.ts'
import { CommandError, codeName, failedToParse, notImplemented } from './errors.ts'
import { type Attempt, createFailpoints, type Fault } from './failpoints.ts'
import type { Session } from './sessions.ts'
import { Binary, type Doc, Double, isDoc, Timestamp, type Value } from './values.ts'
import { answerTo, type Request } from './wire.ts'

type Run = (context: Context) => Promise<Reply>

interface Command {
  readonly run: Run
  /** Whether it may be a statement of a transaction; `ends` commits or aborts one. */
  readonly transaction: 'part' | 'ends' | 'refuses' | 'never'
}

const part = (run: Run): Command => ({ run, transaction: 'part' })
const never = (run: Run): Command => ({ run, transaction: 'never' })
/** Refuses inside a transaction by itself, with an error of its own. */
const refuses = (run: Run): Command => ({ run, transaction: 'refuses' })
const ends = (run: Run): Command => ({ run, transaction: 'ends' })

const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ['insert', part(writes.insert)],
  ['update', part(writes.update)],
  ['delete', part(writes.remove)],
  ['findAndModify', part(findAndModify)],
  ['findandmodify', part(findAndModify)],
  ['find', part(reads.find)],
  ['getMore', part(reads.getMore)],
  ['killCursors', part(reads.killCursors)],
  ['aggregate', part(reads.aggregate)],
  ['distinct', part(reads.distinct)],
  ['count', never(reads.count)],
  ['explain', never(explain)],
  ['create', refuses(collections.create)],
  ['drop', refuses(collections.drop)],
  ['dropDatabase', refuses(collections.dropDatabase)],
  ['renameCollection', refuses(collections.rename)],
  ['listCollections', never(collections.listCollections)],
  ['listDatabases', never(collections.listDatabases)],
  ['collStats', never(collections.collStats)],
  ['collstats', never(collections.collStats)],
  ['dbStats', never(collections.dbStats)],
  ['dbstats', never(collections.dbStats)],
  ['validate', never(collections.validate)],
  ['createIndexes', refuses(indexes.createIndexes)],
  ['dropIndexes', refuses(indexes.dropIndexes)],
  ['deleteIndexes', refuses(indexes.dropIndexes)],
  ['listIndexes', never(indexes.listIndexes)],
  ['commitTransaction', ends(sessions.commitTransaction)],
  ['abortTransaction', ends(sessions.abortTransaction)],
  ['startSession', never(sessions.startSession)],
  ['endSessions', never(sessions.endSessions)],
  ['killSessions', never(sessions.endSessions)],
  ['killAllSessions', never(sessions.killAllSessions)],
  ['killAllSessionsByPattern', never(sessions.killAllSessions)],
  ['refreshSessions', never(sessions.refreshSessions)],
  ['saslStart', never(authentication.saslStart)],
  ['saslContinue', never(authentication.saslContinue)],
  ['logout', never(authentication.logout)],
  ['hello', part(diagnostics.hello)],
  ['isMaster', part(diagnostics.hello)],
  ['ismaster', part(diagnostics.hello)],
  ['ping', part(diagnostics.ping)],
  ['buildInfo', part(diagnostics.buildInfo)],
  ['buildinfo', part(diagnostics.buildInfo)],
  ['getParameter', never(diagnostics.getParameter)],
  ['getCmdLineOpts', never(diagnostics.getCmdLineOpts)],
  ['getLog', never(diagnostics.getLog)],
  ['connectionStatus', part(diagnostics.connectionStatus)],
  ['whatsmyuri', part(diagnostics.whatsmyuri)],
  ['serverStatus', never(diagnostics.serverStatus)],
  ['hostInfo', never(diagnostics.hostInfo)],
  ['replSetGetStatus', never(diagnostics.replSetGetStatus)],
  ['replSetGetConfig', never(diagnostics.replSetGetConfig)],
  ['getFreeMonitoringStatus', never(diagnostics.getFreeMonitoringStatus)],
  ['getDefaultRWConcern', never(diagnostics.getDefaultRWConcern)],
  ['profile', never(diagnostics.profile)],
  ['usersInfo', never(diagnostics.usersInfo)],
  ['rolesInfo', never(diagnostics.rolesInfo)],
  ['currentOp', never(diagnostics.currentOp)],
  ['top', never(diagnostics.top)],
  ['fsync', never(diagnostics.fsync)],
])

const listCommands: Run = async () => ({
  commands: Object.fromEntries(
    [...COMMANDS.keys(), 'listCommands'].map((name) => [name, { help: '', requiresAuth: false, adminOnly: false }]),
  ),
})

/** Most members of a replica set, which a write concern may ask for. */
const MAX_MEMBERS = 50

/** Codes after which a client may send a retryable write again. */
const RETRYABLE = new Set([6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436])
/** Codes after which a client may run a whole transaction again. */
const TRANSIENT: ReadonlySet<number> = new Set([...RETRYABLE, 24, 112, 246, 251, 267])
/** The same when it was to be committed or aborted: after the others it may have been. */
const TRANSIENT_AT_END: ReadonlySet<number> = new Set([24, 112, 246, 251, 267])
const NONE: ReadonlySet<number> = new Set()

/** The cluster time: seconds and a count, never going back while the server runs. */
const createClock = () => {
  let seconds = 0
  let count = 0
  return (): BSON.Timestamp => {
    const now = Math.floor(Date.now() / 1000)
    if (now > seconds) {
      seconds = now
      count = 1
    } else count += 1
    return new Timestamp({ t: seconds, i: count })
  }
}
const UNSIGNED: Encodable = { hash: new Binary(Buffer.alloc(20), 0), keyId: 0n }

/** The commands of version 1 of the server's API: a client that is strict may use no others. */
const API_VERSION_1: ReadonlySet<string> = new Set(
  `abortTransaction aggregate commitTransaction count create createIndexes delete drop dropDatabase dropIndexes endSessions
   explain find findAndModify getMore hello insert killCursors listCollections listDatabases listIndexes ping
   refreshSessions update`.split(/\s+/),
)

const checkApiVersion = (name: string, body: Doc): void => {
  const version = body.get('apiVersion')
  if (version === undefined) return
  if (version !== '1') throw new CommandError(322, 'API version must be "1"')
  if (body.get('apiStrict') === true && !API_VERSION_1.has(name))
    throw new CommandError(323, `Provided apiStrict:true, but the command ${name} is not in API Version 1`)
}

export interface Answer {
  readonly bytes: readonly Buffer[]
  /** The connection ends without an answer. */
  readonly close: boolean
}

export interface Dispatcher {
  answer(request: Request, connection: Connection): Promise<Answer>
}

/** Which labels an error of the command may bear. */
interface Kind {
  /** Codes after which the whole transaction may be run again. */
  readonly transient: ReadonlySet<number>
  readonly retryable: boolean
}

const kindOf = (body: Doc, ending: boolean): Kind => {
  const numbered = typeof body.get('txnNumber') === 'bigint'
  const inside = numbered && body.get('autocommit') === false
  return {
    transient: inside ? (ending ? TRANSIENT_AT_END : TRANSIENT) : NONE,
    retryable: numbered && (!inside || ending),
  }
}

/** A greeting brings the client's name with it, so that it can already fail by that name. */
const attemptOf = (command: string, body: Doc, connection: Connection): Attempt => {
  const target = body.get(command === 'getMore' ? 'collection' : command)
  return {
    command,
    appName: connection.appName ?? diagnostics.appNameOf(body),
    namespace: typeof target === 'string' ? `${String(body.get('$db') ?? 'test')}.${target}` : undefined,
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

export const createDispatcher = (services: Services): Dispatcher => {
  const failpoints = createFailpoints()
  const clock = createClock()

  const configureFailPoint: Run = async ({ body }) => ({ count: failpoints.configure(body) })

  const find = (name: string): Command => {
    const known = COMMANDS.get(name)
    if (known) return known
    if (name === 'listCommands') return never(listCommands)
    if (name === 'configureFailPoint' && services.testCommands) return never(configureFailPoint)
    throw new CommandError(59, `no such command: '${name}'`)
  }

  const membership = (command: Command, name: string, body: Doc): Membership => {
    const lsid = body.get('lsid')
    const number = body.get('txnNumber')
    const session = isDoc(lsid) ? services.sessions.get(lsid) : undefined
    if (typeof number !== 'bigint') return { session, transaction: undefined, retry: undefined }
    if (!session) throw new CommandError(72, 'a transaction number requires a session id')
    if (body.get('autocommit') !== false) return { session, transaction: undefined, retry: number }
    if (command.transaction === 'ends') return { session, transaction: undefined, retry: undefined }
    if (command.transaction === 'never')
      throw new CommandError(263, `Cannot run '${name}' in a multi-document transaction.`)
    const transaction =
      body.get('startTransaction') === true
        ? services.sessions.begin(session, number)
        : services.sessions.current(session, number)
    return { session, transaction, retry: undefined }
  }

  /** How many members, or which, a write concern asks to have the write. */
  const membersAsked = (body: Doc): Value | undefined => {
    const concern = body.get('writeConcern')
    return isDoc(concern) ? concern.get('w') : undefined
  }

  const checkConcerns = (body: Doc, member: Membership): void => {
    const w = membersAsked(body)
    if (typeof w === 'number' && !(w >= 0 && w <= MAX_MEMBERS))
      throw failedToParse(`w has to be a non-negative number and not greater than ${MAX_MEMBERS}`)
    const concern = body.get('readConcern')
    const level = isDoc(concern) ? concern.get('level') : undefined
    if (level !== undefined && !['local', 'available', 'majority', 'linearizable', 'snapshot'].includes(String(level)))
      throw new CommandError(9, `'${String(level)}' is not a known read concern level`)
    if (level === 'snapshot' && !member.transaction) throw notImplemented('reading a snapshot outside a transaction')
  }

  /** A write concern that one node cannot fulfil is told after the write, which is made. */
  const concernError = (body: Doc): Reply => {
    const w = membersAsked(body)
    if (typeof w === 'number' ? w <= 1 : w === undefined || w === 'majority') return {}
    const known = typeof w === 'number'
    const code = known ? 100 : 79
    return {
      writeConcernError: {
        code,
        codeName: codeName(code),
        errmsg: known ? 'Not enough data-bearing nodes' : 'No write concern mode of that name',
      },
    }
  }

  const errorReply = (error: unknown, kind: Kind, fault?: Fault): Reply => {
    const told =
      error instanceof CommandError
        ? error
        : new CommandError(8, error instanceof Error ? error.message : String(error))
    const labels = new Set(fault?.errorLabels ?? told.labels)
    if (!fault?.errorLabels) {
      if (kind.transient.has(told.code)) labels.add('TransientTransactionError')
      if (kind.retryable && RETRYABLE.has(told.code)) labels.add('RetryableWriteError')
    }
    return {
      ok: new Double(0),
      errmsg: told.message,
      code: told.code,
      codeName: codeName(told.code),
      ...(told.details as Record<string, Encodable>),
      ...(labels.size > 0 && { errorLabels: [...labels] }),
    }
  }

  /** Commands of a session that bear a number run one after the other, as a retry must not overtake what it repeats. */
  const inTurn = async <T>(session: Session | undefined, body: Doc, work: () => Promise<T>): Promise<T> => {
    if (!session || !body.has('txnNumber')) return work()
    const before = session.turn
    let done: () => void = () => undefined
    session.turn = new Promise((resolve) => {
      done = resolve
    })
    await before
    try {
      return await work()
    } finally {
      done()
    }
  }

  const finish = (request: Request, reply: Reply): Answer => {
    const time = clock()
    return {
      bytes: answerTo(request, {
        ...reply,
        $clusterTime: { clusterTime: time, signature: UNSIGNED },
        operationTime: time,
      }),
      close: false,
    }
  }

  /** `undefined` when a fail point takes the answer away. */
  const execute = async (request: Request, connection: Connection, command: Command, name: string, body: Doc) => {
    const member = membership(command, name, body)
    const context = new Context(services, request, connection, name, body, member, failpoints)
    try {
      checkConcerns(body, member)
      const reply = await command.run(context)
      return context.answerLost ? undefined : reply
    } catch (error) {
      if (member.transaction && member.session) services.sessions.fail(member.session)
      if (context.answerLost) return undefined
      throw error
    }
  }

  const answer = async (request: Request, connection: Connection): Promise<Answer> => {
    const { name, body } = decodeCommand(request)
    let ending = false
    try {
      const command = find(name)
      authentication.checkSignedIn(name, connection)
      checkApiVersion(name, body)
      ending = command.transaction === 'ends'
      const fault = failpoints.take(attemptOf(name, body, connection))
      if (fault && fault.blockMs > 0) await pause(fault.blockMs)
      if (fault?.closeConnection) return { bytes: [], close: true }
      if (fault?.errorCode !== undefined) {
        const injected = new CommandError(fault.errorCode, `Failing command '${name}' via 'failCommand' failpoint`)
        return finish(request, errorReply(injected, kindOf(body, ending), fault))
      }
      const lsid = body.get('lsid')
      const session = isDoc(lsid) ? services.sessions.get(lsid) : undefined
      const reply = await inTurn(session, body, () => execute(request, connection, command, name, body))
      if (reply === undefined) return { bytes: [], close: true }
      const labels = fault?.errorLabels && { errorLabels: fault.errorLabels }
      const extra = fault?.writeConcernError
        ? { writeConcernError: fault.writeConcernError, ...labels }
        : concernError(body)
      return finish(request, { ...reply, ...extra, ok: new Double(1) })
    } catch (error) {
      return finish(request, errorReply(error, kindOf(body, ending)))
    }
  }

  return { answer }
}
