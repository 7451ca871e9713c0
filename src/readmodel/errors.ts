// What can go wrong with the document store, and the one table that says which errors mean that it is unavailable.
import {
  MongoBulkWriteError,
  MongoClientBulkWriteError,
  MongoClientClosedError,
  MongoError,
  MongoExpiredSessionError,
  MongoNetworkError,
  MongoNotConnectedError,
  MongoServerClosedError,
  MongoServerError,
  MongoServerSelectionError,
  MongoTopologyClosedError,
} from 'mongodb'
import { LineReplaced, NoAnswer } from '../line/line.ts'

/** The document store could not be reached, or did not answer in time. A write may or may not have happened. */
export class ReadModelUnavailable extends Error {
  override readonly name = 'ReadModelUnavailable'
  /** Seconds after which asking again makes sense. */
  readonly retryAfter: number
  /** There is more to do than the store can: it is not down. */
  readonly isBusy: boolean
  constructor(message: string, cause?: unknown, busyMs?: number) {
    super(message, cause === undefined ? undefined : { cause })
    this.isBusy = busyMs !== undefined
    this.retryAfter = Math.max(1, Math.ceil((busyMs ?? 0) / 1_000))
  }
}

/** The same because of the server itself. The edge tells the operator once; see `log.ts`. */
export class ReadModelDown extends ReadModelUnavailable {
  readonly isOutage = true
}

/** A list was asked for by what the server would have to look through too much for; asking again would not help. */
export class QueryTooBroad extends Error {
  override readonly name = 'QueryTooBroad'
  constructor(cause: unknown) {
    super('the filter looks through more than can be looked through in time', { cause })
  }
}

/** Server error codes that speak of the server's state and not of what was asked. */
const STATE_CODES: ReadonlySet<number> = new Set([
  6, // HostUnreachable
  7, // HostNotFound
  13, // Unauthorized
  18, // AuthenticationFailed
  24, // LockTimeout: an open transaction holds it
  50, // MaxTimeMSExpired
  64, // WriteConcernTimeout
  79, // UnknownReplWriteConcern
  89, // NetworkTimeout
  91, // ShutdownInProgress
  100, // UnsatisfiableWriteConcern
  133, // FailedToSatisfyReadPreference
  134, // ReadConcernMajorityNotAvailableYet
  189, // PrimarySteppedDown
  262, // ExceededTimeLimit
  9001, // SocketException
  10107, // NotWritablePrimary
  11600, // InterruptedAtShutdown
  11602, // InterruptedDueToReplStateChange
  13435, // NotPrimaryNoSecondaryOk
  13436, // NotPrimaryOrSecondary
  14031, // OutOfDiskSpace
])

/** Codes with which the server ends a transaction that may simply be tried again. */
const CONFLICT_CODES: ReadonlySet<number> = new Set([
  112, // WriteConflict
  225, // TransactionTooOld
  246, // SnapshotUnavailable
  251, // NoSuchTransaction
])

const codeOf = (error: unknown): number | undefined =>
  error instanceof MongoError && typeof error.code === 'number' ? error.code : undefined

const hasLabel = (error: unknown, label: string): boolean => error instanceof MongoError && error.hasErrorLabel(label)

/** A bulk write that a dying server cuts off comes as a bulk error without code or label: its cause tells. */
const causeOf = (error: unknown): unknown => {
  if (error instanceof MongoClientBulkWriteError) return error.cause ?? error
  return error instanceof MongoBulkWriteError ? (error.cause ?? error.err ?? error) : error
}

/** Whether the server, rather than the request, is what went wrong. */
export const isUnavailable = (error: unknown): boolean => {
  if (error instanceof NoAnswer || error instanceof LineReplaced || error instanceof ReadModelUnavailable) return true
  if (
    error instanceof MongoNetworkError ||
    error instanceof MongoServerSelectionError ||
    error instanceof MongoNotConnectedError ||
    error instanceof MongoTopologyClosedError ||
    error instanceof MongoServerClosedError ||
    error instanceof MongoClientClosedError ||
    error instanceof MongoExpiredSessionError
  )
    return true
  // The pool's own errors (cleared, wait queue time-out) are not exported; they are driver errors with these names.
  if (
    error instanceof MongoError &&
    /^Mongo(PoolCleared|PoolClosed|WaitQueueTimeout|OperationTimeout)/.test(error.name)
  )
    return true
  const code = codeOf(error)
  if (code !== undefined && STATE_CODES.has(code)) return true
  if (hasLabel(error, 'UnknownTransactionCommitResult') || hasLabel(error, 'RetryableWriteError')) return true
  const cause = causeOf(error)
  return cause !== error && isUnavailable(cause)
}

const TIME_CODES: ReadonlySet<number> = new Set([50, 262])

/** Whether the server ended what was asked because it took too long: it is there, and the line to it is well. */
export const isTooSlow = (error: unknown): boolean => TIME_CODES.has(codeOf(causeOf(error)) ?? codeOf(error) ?? 0)

/** Whether the driver's client itself is done for and must be replaced. */
export const isClientClosed = (error: unknown): boolean =>
  error instanceof MongoTopologyClosedError ||
  error instanceof MongoNotConnectedError ||
  error instanceof MongoClientClosedError

/** Whether another transaction or writer was faster. */
export const isConflict = (error: unknown): boolean => {
  const code = codeOf(causeOf(error)) ?? codeOf(error)
  return (code !== undefined && CONFLICT_CODES.has(code)) || hasLabel(error, 'TransientTransactionError')
}

/** A document that was read, or was to be replaced, is damaged (InvalidBSON); the message names it. */
export const isDamagedDocument = (error: unknown): error is MongoServerError =>
  error instanceof MongoServerError && error.code === 22

/** Whether a unique index refused a document. */
export const isDuplicateKey = (error: unknown): boolean => error instanceof MongoServerError && error.code === 11000
