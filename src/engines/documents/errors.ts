// The errors a command can answer with, by the server's own codes and names.

/** Names of the codes that this store raises or that tests let it raise; others answer as `Location<code>`, as the real server does. */
const CODE_NAMES: ReadonlyMap<number, string> = new Map([
  [1, 'InternalError'],
  [2, 'BadValue'],
  [6, 'HostUnreachable'],
  [7, 'HostNotFound'],
  [9, 'FailedToParse'],
  [11, 'UserNotFound'],
  [13, 'Unauthorized'],
  [14, 'TypeMismatch'],
  [15, 'Overflow'],
  [16, 'InvalidLength'],
  [17, 'ProtocolError'],
  [18, 'AuthenticationFailed'],
  [20, 'IllegalOperation'],
  [22, 'InvalidBSON'],
  [24, 'LockTimeout'],
  [26, 'NamespaceNotFound'],
  [27, 'IndexNotFound'],
  [28, 'PathNotViable'],
  [40, 'ConflictingUpdateOperators'],
  [43, 'CursorNotFound'],
  [48, 'NamespaceExists'],
  [50, 'MaxTimeMSExpired'],
  [52, 'DollarPrefixedFieldName'],
  [53, 'InvalidIdField'],
  [54, 'NotSingleValueField'],
  [56, 'EmptyFieldName'],
  [59, 'CommandNotFound'],
  [64, 'WriteConcernFailed'],
  [66, 'ImmutableField'],
  [67, 'CannotCreateIndex'],
  [68, 'IndexAlreadyExists'],
  [72, 'InvalidOptions'],
  [73, 'InvalidNamespace'],
  [79, 'UnknownReplWriteConcern'],
  [85, 'IndexOptionsConflict'],
  [86, 'IndexKeySpecsConflict'],
  [89, 'NetworkTimeout'],
  [91, 'ShutdownInProgress'],
  [96, 'OperationFailed'],
  [100, 'UnsatisfiableWriteConcern'],
  [112, 'WriteConflict'],
  [115, 'CommandNotSupported'],
  [146, 'ExceededMemoryLimit'],
  [168, 'InvalidPipelineOperator'],
  [171, 'CannotIndexParallelArrays'],
  [189, 'PrimarySteppedDown'],
  [197, 'InvalidIndexSpecificationOption'],
  [225, 'TransactionTooOld'],
  [237, 'CursorKilled'],
  [238, 'NotImplemented'],
  [241, 'ConversionFailure'],
  [246, 'SnapshotUnavailable'],
  [251, 'NoSuchTransaction'],
  [256, 'TransactionCommitted'],
  [257, 'TransactionTooLarge'],
  [262, 'ExceededTimeLimit'],
  [263, 'OperationNotSupportedInTransaction'],
  [267, 'PreparedTransactionInProgress'],
  [292, 'QueryExceededMemoryLimitNoDiskUseAllowed'],
  [322, 'APIVersionError'],
  [323, 'APIStrictError'],
  [334, 'MechanismUnavailable'],
  [9001, 'SocketException'],
  [10107, 'NotWritablePrimary'],
  [10334, 'BSONObjectTooLarge'],
  [11000, 'DuplicateKey'],
  [11600, 'InterruptedAtShutdown'],
  [11601, 'Interrupted'],
  [11602, 'InterruptedDueToReplStateChange'],
  [13435, 'NotPrimaryNoSecondaryOk'],
  [13436, 'NotPrimaryOrSecondary'],
  [14031, 'OutOfDiskSpace'],
])

export const codeName = (code: number): string => CODE_NAMES.get(code) ?? `Location${code}`

/** Further fields of an error answer, such as `keyPattern` and `keyValue` of a duplicate. */
export type ErrorDetails = Readonly<Record<string, unknown>>

/** An error that a client is told, as opposed to a fault of the store itself. */
export class CommandError extends Error {
  readonly code: number
  readonly labels: readonly string[]
  readonly details: ErrorDetails
  constructor(code: number, message: string, details: ErrorDetails = {}, labels: readonly string[] = []) {
    super(message)
    this.name = codeName(code)
    this.code = code
    this.details = details
    this.labels = labels
  }
}

export const badValue = (message: string): CommandError => new CommandError(2, message)
export const failedToParse = (message: string): CommandError => new CommandError(9, message)
export const typeMismatch = (message: string): CommandError => new CommandError(14, message)

/** What the store leaves out by choice (listed in `src/engines/README.md`): refused rather than answered wrongly. */
export const notImplemented = (what: string): CommandError =>
  new CommandError(238, `${what} is not implemented by the embedded document store`)

/** A transaction that met another's write: the client may run the whole of it again. */
export const writeConflict = (): CommandError =>
  new CommandError(112, 'this operation conflicted with another operation; please retry', {}, [
    'TransientTransactionError',
  ])

export const noSuchTransaction = (txnNumber: bigint): CommandError =>
  new CommandError(251, `transaction ${txnNumber} has ended or was never started`, {}, ['TransientTransactionError'])
