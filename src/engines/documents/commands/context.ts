// What a command is given, and how its fields are read.
import type * as BSON from 'bson'
import { decode, eachField, rawDocuments, rawField } from '../bson.ts'
import type { Encodable } from '../bson-encode.ts'
import { type Collection, splitNamespace } from '../catalog.ts'
import type { Cursors } from '../cursors.ts'
import { CommandError, typeMismatch } from '../errors.ts'
import type { Failpoints } from '../failpoints.ts'
import { asLong } from '../numbers.ts'
import type { Verifier } from '../scram.ts'
import type { Session, Sessions } from '../sessions.ts'
import { shown } from '../shown.ts'
import type { Patience, Reading, Store } from '../store.ts'
import type { Transaction } from '../transactions.ts'
import { type Doc, isArray, isDoc, isNumber, type Maybe, type Value } from '../values.ts'
import type { Request } from '../wire.ts'
import type { SignIn } from './authentication.ts'

export type Reply = { readonly [name: string]: Encodable }

/** The parts of the server that commands use. */
export interface Services {
  readonly store: Store
  readonly sessions: Sessions
  readonly cursors: Cursors
  /** `host:port` under which clients reach it. */
  readonly address: string
  readonly startedAt: Date
  /** Another one after each start, so that clients see that it is. */
  readonly processId: BSON.ObjectId
  /** The commands that run. */
  readonly operations: Set<Context>
  /** Commands run since the start, by kind. */
  readonly counters: Record<'insert' | 'query' | 'update' | 'delete' | 'getmore' | 'command', bigint>
  /** Whether `configureFailPoint` is allowed. */
  readonly testCommands: boolean
  connections(): number
  /** What sign-ins are checked against; undefined when the store is open to whoever reaches it. */
  readonly verifier: Verifier | undefined
}

export interface Connection {
  readonly id: number
  readonly remote: string
  /** Name the client gave in its first handshake. */
  appName: string | undefined
  readonly open: boolean
  signIn: SignIn
  /** Waits so long, or until the connection is gone; meanwhile it counts as one that asks nothing. */
  rest(ms: number): Promise<void>
  /** Calls back when the connection is gone; what it answers takes that back. */
  onGone(callback: () => void): () => void
}

/** The session and transaction that a command is part of. */
export interface Membership {
  readonly session: Session | undefined
  readonly transaction: Transaction | undefined
  /** Number of a retryable write outside a transaction. */
  readonly retry: bigint | undefined
}

let lastId = 0

/** What a command works with. A class, as one is made for every command. */
export class Context implements Patience {
  /** Tells it from the other commands that run. */
  readonly id: number
  /** By `performance.now()`. */
  readonly startedAt = performance.now()
  readonly services: Services
  readonly store: Store
  readonly sessions: Sessions
  readonly cursors: Cursors
  readonly connection: Connection
  readonly name: string
  readonly database: string
  readonly body: Doc
  readonly session: Session | undefined
  readonly transaction: Transaction | undefined
  readonly retry: bigint | undefined
  /** Whether a fail point has broken the connection. */
  answerLost = false
  readonly #request: Request
  readonly #deadline: number | undefined
  readonly #failpoints: Failpoints

  constructor(
    services: Services,
    request: Request,
    connection: Connection,
    name: string,
    body: Doc,
    member: Membership,
    failpoints: Failpoints,
  ) {
    lastId = (lastId + 1) & 0x7fffffff
    this.id = lastId
    this.services = services
    this.store = services.store
    this.sessions = services.sessions
    this.cursors = services.cursors
    this.connection = connection
    this.name = name
    this.database = request.kind === 'query' ? request.collection!.split('.')[0]! : String(body.get('$db') ?? 'test')
    this.body = body
    this.session = member.session
    this.transaction = member.transaction
    this.retry = member.retry
    this.#request = request
    this.#failpoints = failpoints
    const limit = Number(body.get('maxTimeMS') ?? 0)
    this.#deadline = limit > 0 ? this.startedAt + limit : undefined
  }

  /** Throws when the client's time limit has passed or its connection is gone. */
  check(): void {
    if (this.#deadline !== undefined && performance.now() > this.#deadline) throw expired()
    if (!this.connection.open) throw gone()
  }

  /** Waits for what the command needs, unless its time limit passes or its connection ends first. */
  wait(ended: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        clearTimeout(timer)
        forget()
        settle()
      }
      const left = this.#deadline === undefined ? undefined : Math.max(0, this.#deadline - performance.now())
      const timer = left === undefined ? undefined : setTimeout(() => finish(() => reject(expired())), left)
      const forget = this.connection.onGone(() => finish(() => reject(gone())))
      ended.then(() => finish(resolve), reject)
    })
  }

  /** To be called before each statement of a retryable write. Throws when a fail point makes it fail. */
  meetFault(): void {
    const fault = this.#failpoints.takeStatement()
    if (fault === undefined) return
    if (fault.closeConnection) this.answerLost = true
    if (fault.errorCode !== undefined)
      throw new CommandError(fault.errorCode, "failing a statement via 'onPrimaryTransactionalWrite' failpoint")
  }

  /** A further answer to a request that has been answered. */
  get isRepeated(): boolean {
    return this.#request.answered === true
  }

  /** Documents of a field, sent in the body or beside it. */
  documents(field: string): readonly Buffer[] {
    return documentsOf(this.#request, field)
  }

  /** The state the command reads. */
  reading(): Reading {
    const { transaction, session, store } = this
    return transaction ? store.reading(this.sessions.current(session!, transaction.number)) : store.latest()
  }
}

const expired = (): CommandError => new CommandError(50, 'operation exceeded time limit')
const gone = (): CommandError => new CommandError(11601, 'the connection is gone')

/** Fields that are raw documents, never decoded with the rest of a command. */
const RAW_FIELDS: ReadonlyMap<string, readonly string[]> = new Map([
  ['insert', ['documents']],
  ['update', ['updates']],
  ['delete', ['deletes']],
  ['bulkWrite', ['ops', 'nsInfo']],
])

/** Decodes a command, its large arrays of documents apart. */
export const decodeCommand = (request: Request): { readonly name: string; readonly body: Doc } => {
  const names: string[] = []
  eachField(request.body, (_type, start, end) => {
    names.push(request.body.toString('utf8', start, end))
    return false
  })
  const name = names[0] ?? ''
  const raw = RAW_FIELDS.get(name)
  const apart = raw?.some((own) => names.includes(own))
  return { name, body: decode(request.body, apart ? new Set(names.filter((own) => !raw!.includes(own))) : undefined) }
}

const documentsOf = (request: Request, field: string): readonly Buffer[] => {
  const beside = request.sequences.get(field)
  if (beside) return beside
  const inside = rawField(request.body, field)
  if (inside === undefined) throw new CommandError(40414, `BSON field '${field}' is missing but a required field`)
  if (inside.type !== 4) throw typeMismatch(`BSON field '${field}' is the wrong type, expected type 'array'`)
  return rawDocuments(request.body, inside)
}

export const docField = (body: Doc, name: string): Doc | undefined => {
  const value = body.get(name)
  if (value === undefined || value === null) return undefined
  if (!isDoc(value)) throw typeMismatch(`BSON field '${name}' is the wrong type, expected type 'object'`)
  return value
}

export const boolField = (body: Doc, name: string, fallback = false): boolean => {
  const value = body.get(name)
  if (value === undefined || value === null) return fallback
  if (isNumber(value)) return asLong(value) !== 0n
  if (typeof value !== 'boolean') throw typeMismatch(`BSON field '${name}' is the wrong type, expected type 'bool'`)
  return value
}

/** A whole number that fits JavaScript's. */
export const numberField = (body: Doc, name: string): number | undefined => {
  const value = body.get(name)
  if (value === undefined || value === null) return undefined
  const whole = isNumber(value) ? asLong(value) : undefined
  if (whole === undefined) throw typeMismatch(`BSON field '${name}' is the wrong type, expected a whole number`)
  return Number(whole)
}

export const docsField = (body: Doc, name: string): readonly Doc[] => {
  const value = body.get(name)
  if (value === undefined) return []
  if (!isArray(value) || !value.every(isDoc)) throw typeMismatch(`BSON field '${name}' must be an array of objects`)
  return value as readonly Doc[]
}

const BAD_NAME = /[\0$]|^$|^\.|\.$/

/** The namespace a command names: its database and the collection in its first field. */
export const namespace = (context: Context, value: Value | undefined = context.body.get(context.name)): string => {
  if (typeof value !== 'string')
    throw new CommandError(context.name === 'find' ? 9 : 73, `collection name has invalid type for ${context.name}`)
  checkNames(context.database, value)
  return `${context.database}.${value}`
}

const checkNames = (database: string, collection: string): void => {
  if (database === '' || /[\0 "$*./:<>?|\\]/.test(database) || Buffer.byteLength(database) > 63)
    throw new CommandError(73, `Invalid database name: '${database}'`)
  if (BAD_NAME.test(collection) || Buffer.byteLength(collection) > 255)
    throw new CommandError(73, `Invalid collection name: '${collection}'`)
}

/** A namespace given whole, as `database.collection`. */
export const wholeNamespace = (value: Maybe): string => {
  if (typeof value !== 'string' || !value.includes('.'))
    throw new CommandError(73, `Invalid namespace specified '${value === undefined ? '' : shown(value)}'`)
  const { database, name } = splitNamespace(value)
  checkNames(database, name)
  return value
}

export const existing = (reading: Reading, ns: string): Collection => {
  const found = reading.collection(ns)
  if (!found) throw new CommandError(26, `ns does not exist: ${ns}`)
  return found
}
