// From a message to its answer: the command found by name, its session and transaction, faults, errors, cluster time.
import { errorText } from '../errorText.ts'
import type { Encodable } from './bson-encode.ts'
import { checkSignedIn } from './commands/authentication.ts'
import {
  type Connection,
  Context,
  decodeCommand,
  type Membership,
  type Reply,
  type Services,
} from './commands/context.ts'
import * as diagnostics from './commands/diagnostics.ts'
import { checkCommand } from './commands/options.ts'
import { COMMANDS, type Command, LEFT_OUT, never, type Run } from './commands/registry.ts'
import { checkConcerns, createClock, membersAsked } from './concerns.ts'
import { CommandError, codeName, notImplemented } from './errors.ts'
import { type Attempt, createFailpoints, type Fault } from './failpoints.ts'
import type { Session } from './sessions.ts'
import { Binary, type Doc, Double, isDoc } from './values.ts'
import { answerTo, idOfAnswer, type Request } from './wire.ts'

const listCommands: Run = async () => ({
  commands: Object.fromEntries(
    [...COMMANDS.keys(), 'listCommands'].map((name) => [name, { help: '', requiresAuth: false, adminOnly: false }]),
  ),
})

/** Codes after which a client may send a retryable write again. */
const RETRYABLE = new Set([6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436])
/** Codes after which a client may run a whole transaction again. */
const TRANSIENT: ReadonlySet<number> = new Set([...RETRYABLE, 24, 112, 246, 251, 267])
/** The same when it was to be committed or aborted: after the others it may have been. */
const TRANSIENT_AT_END: ReadonlySet<number> = new Set([24, 112, 246, 251, 267])
const NONE: ReadonlySet<number> = new Set()

const UNSIGNED: Encodable = { hash: new Binary(Buffer.alloc(20), 0), keyId: 0n }

/** The two flags of a statement of a transaction; a command with a number and neither is a retryable write. */
const checkFlags = (body: Doc): void => {
  if (body.get('autocommit') === true) throw new CommandError(72, "Specifying 'autocommit=true' is not allowed.")
  if (!body.has('startTransaction')) return
  if (!body.has('autocommit'))
    throw new CommandError(72, "'startTransaction' field requires 'autocommit' field to also be specified")
  if (body.get('startTransaction') === false)
    throw new CommandError(72, "Specifying 'startTransaction=false' is not allowed.")
}

/** The commands of version 1 of the server's API: a client that is strict may use no others. */
const API_VERSION_1: ReadonlySet<string> = new Set(
  `abortTransaction aggregate bulkWrite commitTransaction count create createIndexes delete drop dropDatabase dropIndexes endSessions
   explain find findAndModify getMore hello insert killCursors listCollections listDatabases listIndexes ping
   refreshSessions update`.split(/\s+/),
)

const checkApiVersion = (name: string, body: Doc): void => {
  const version = body.get('apiVersion')
  if (version === undefined) {
    if (body.has('apiStrict') || body.has('apiDeprecationErrors'))
      throw new CommandError(4886600, 'Provided apiStrict and/or apiDeprecationErrors without passing apiVersion')
    return
  }
  if (version !== '1') throw new CommandError(322, 'API version must be "1"')
  if (body.get('apiStrict') === true && !API_VERSION_1.has(name))
    throw new CommandError(323, `Provided apiStrict:true, but the command ${name} is not in API Version 1`)
}

/** How `serverStatus` counts commands; all others are commands. */
const COUNTED: ReadonlyMap<string, keyof Services['counters']> = new Map([
  ['insert', 'insert'],
  ['find', 'query'],
  ['update', 'update'],
  ['delete', 'delete'],
  ['getMore', 'getmore'],
])

export interface Answer {
  readonly bytes: readonly Buffer[]
  /** The connection ends without an answer. */
  readonly close: boolean
  /** To be answered next, as the client takes further answers to the same request. */
  readonly again?: Request
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
    if (LEFT_OUT.has(name)) throw notImplemented(`the command "${name}"`)
    throw new CommandError(59, `no such command: '${name}'`)
  }

  const membership = (command: Command, name: string, body: Doc): Membership => {
    const lsid = body.get('lsid')
    const number = body.get('txnNumber')
    const session = isDoc(lsid) ? services.sessions.get(lsid) : undefined
    if (typeof number !== 'bigint') {
      for (const name of ['autocommit', 'startTransaction'])
        if (body.has(name))
          throw new CommandError(72, `'${name}' field requires a transaction number to also be specified`)
      return { session, transaction: undefined, retry: undefined }
    }
    if (!session) throw new CommandError(72, 'a transaction number requires a session id')
    checkFlags(body)
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

  /** A write whose concern failed by the server's state may be made again, as one that failed by it. */
  const concernLabels = ({ errorLabels, writeConcernError }: Fault, kind: Kind): Reply => {
    const code = Number(writeConcernError?.get('code'))
    if (errorLabels) return { errorLabels }
    return kind.retryable && RETRYABLE.has(code) ? { errorLabels: ['RetryableWriteError'] } : {}
  }

  const errorReply = (error: unknown, kind: Kind, fault?: Fault): Reply => {
    const told = error instanceof CommandError ? error : new CommandError(8, errorText(error))
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

  const timed = (reply: Reply): Reply => {
    const time = clock.next()
    return { ...reply, $clusterTime: { clusterTime: time, signature: UNSIGNED }, operationTime: time }
  }

  const finish = (request: Request, reply: Reply): Answer => {
    return { bytes: answerTo(request, timed(reply)), close: false }
  }

  /** An answer that others follow. */
  const stream = (request: Request, reply: Reply): Answer => {
    const bytes = answerTo(request, timed(reply), { more: true })
    return { bytes, close: false, again: { ...request, id: idOfAnswer(bytes), answered: true } }
  }

  /** `undefined` when a fail point takes the answer away. */
  const execute = async (request: Request, connection: Connection, command: Command, name: string, body: Doc) => {
    const member = membership(command, name, body)
    const context = new Context(services, request, connection, name, body, member, failpoints)
    services.operations.add(context)
    services.counters[COUNTED.get(name) ?? 'command'] += 1n
    try {
      checkConcerns(body, member, clock)
      const reply = await command.run(context)
      return context.answerLost ? undefined : reply
    } catch (error) {
      if (member.transaction && member.session) services.sessions.fail(member.session)
      if (context.answerLost) return undefined
      throw error
    } finally {
      services.operations.delete(context)
    }
  }

  const answer = async (request: Request, connection: Connection): Promise<Answer> => {
    const { name, body } = decodeCommand(request)
    let ending = false
    try {
      const command = find(name)
      checkSignedIn(name, connection)
      checkCommand(name, body, request.sequences)
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
      const extra = fault?.writeConcernError
        ? { writeConcernError: fault.writeConcernError, ...concernLabels(fault, kindOf(body, ending)) }
        : concernError(body)
      const told = { ...reply, ...extra, ok: new Double(1) }
      return request.exhaust && diagnostics.isAwaiting(name, body) ? stream(request, told) : finish(request, told)
    } catch (error) {
      return finish(request, errorReply(error, kindOf(body, ending)))
    }
  }

  return { answer }
}
