// The one table of errors: how each is said in a call's trailers and in the answer to a batched append.
import { bytes, message, string, uint } from './protobuf.ts'

/** An error that ends a call. `exception` and `details` become trailers that the client turns into its own error class. */
export interface RpcError {
  readonly code: number
  readonly message: string
  readonly exception?: string
  readonly details?: Readonly<Record<string, string>>
}

/** How a WrongExpectedVersion names what was expected. */
export type Expected = 'any' | 'no_stream' | 'stream_exists' | bigint

const CANCELLED = 1
const UNKNOWN = 2
const INVALID_ARGUMENT = 3
const NOT_FOUND = 5
const ALREADY_EXISTS = 6
const RESOURCE_EXHAUSTED = 8
const FAILED_PRECONDITION = 9
const PERMISSION_DENIED = 7
const ABORTED = 10
const UNIMPLEMENTED = 12
const INTERNAL = 13
const UNAVAILABLE = 14
const DATA_LOSS = 15
const UNAUTHENTICATED = 16

/** Numbers that stand for expectations without one in trailers. */
const EXPECTED_NUMBER = { any: -2n, no_stream: -1n, stream_exists: -4n } as const
const expectedNumber = (expected: Expected): bigint =>
  typeof expected === 'bigint' ? BigInt.asIntN(64, expected) : EXPECTED_NUMBER[expected]

export const streamDeleted = (stream: string): RpcError => ({
  code: FAILED_PRECONDITION,
  message: `Event stream '${stream}' is deleted.`,
  exception: 'stream-deleted',
  details: { 'stream-name': stream },
})
export const wrongExpectedVersion = (stream: string, expected: Expected, actual: bigint): RpcError => ({
  code: FAILED_PRECONDITION,
  message: `Append failed due to WrongExpectedVersion. Stream: ${stream}, Expected version: ${expectedNumber(expected)}, Actual version: ${actual}`,
  exception: 'wrong-expected-version',
  details: {
    'stream-name': stream,
    'expected-version': String(expectedNumber(expected)),
    'actual-version': String(actual),
  },
})
export const appendSizeExceeded = (limit: number): RpcError => ({
  code: INVALID_ARGUMENT,
  message: `Maximum Append Size of ${limit} Exceeded.`,
  exception: 'maximum-append-size-exceeded',
  details: { 'maximum-append-size': String(limit) },
})
export const missingMetadata = (): RpcError => ({
  code: INVALID_ARGUMENT,
  message: 'Required Metadata Property is Missing: type,content-type',
  exception: 'missing-required-metadata-property',
  details: { 'required-metadata-properties': 'type,content-type' },
})
export const notLeader = (host: string, port: number): RpcError => ({
  code: NOT_FOUND,
  message: `Leader info available, ${host}:${port}`,
  exception: 'not-leader',
  details: { 'leader-endpoint-host': host, 'leader-endpoint-port': String(port) },
})
/** Errors of persistent subscriptions: all name the stream and the group. */
const persistent =
  (code: number, exception: string, text: (stream: string, group: string) => string) =>
  (stream: string, group: string): RpcError => ({
    code,
    message: text(stream, group),
    exception,
    details: { 'stream-name': stream, 'group-name': group },
  })
export const persistentMissing = persistent(
  NOT_FOUND,
  'persistent-subscription-does-not-exist',
  (stream, group) => `Subscription group ${group} on stream ${stream} does not exist.`,
)
export const persistentExists = persistent(
  ALREADY_EXISTS,
  'persistent-subscription-exists',
  (stream, group) => `Subscription group ${group} on stream ${stream} exists.`,
)
export const persistentDropped = persistent(
  CANCELLED,
  'persistent-subscription-dropped',
  (stream, group) => `Subscription group ${group} on stream ${stream} was dropped.`,
)
export const tooManySubscribers = persistent(
  FAILED_PRECONDITION,
  'maximum-subscribers-reached',
  (stream, group) => `Maximum subscriptions reached for subscription group ${group} on stream ${stream}.`,
)
export const persistentFailed = (stream: string, group: string, reason: string): RpcError => ({
  code: INTERNAL,
  message: `Subscription group ${group} on stream ${stream} failed: '${reason}'`,
  exception: 'persistent-subscription-failed',
  details: { 'stream-name': stream, 'group-name': group, reason },
})
export const invalidArgument = (text: string): RpcError => ({ code: INVALID_ARGUMENT, message: text })
/** Something that is kept is not as it was written. */
export const dataLoss = (text: string): RpcError => ({ code: DATA_LOSS, message: text })
export const unknown = (text: string): RpcError => ({ code: UNKNOWN, message: text })
/** More than the server holds of this at a time. */
export const exhausted = (text: string): RpcError => ({ code: RESOURCE_EXHAUSTED, message: text })
export const cancelled = (text: string): RpcError => ({ code: CANCELLED, message: text })
export const unavailable = (text: string): RpcError => ({ code: UNAVAILABLE, message: text })
/** A server that is starting or stopping. */
export const notReady = (): RpcError => unavailable('Server Is Not Ready')
/** A write whose outcome was not known in time. */
export const timedOut = (): RpcError => ({
  code: ABORTED,
  message: 'Operation timed out: the write was not final in time',
})
/** A subscriber that does not keep up, as versions before 24.2 say it. */
export const consumerTooSlow = (): RpcError => ({
  code: ABORTED,
  message: 'Operation timed out: Consumer too slow to handle event while live. Client resubscription required.',
})
/** A caller that does not say who it is. */
export const accessDenied = (): RpcError => ({
  code: PERMISSION_DENIED,
  message: 'Access Denied',
  exception: 'access-denied',
})
export const badCredentials = (): RpcError => ({ code: UNAUTHENTICATED, message: 'Unauthenticated' })
/** A caller without TLS of a server that asks for it. */
export const unencrypted = (): RpcError => ({
  code: UNAUTHENTICATED,
  message: 'This event log is served over TLS only: connect with tls=true and the tlsCAFile of its URL',
})
export const unimplemented = (text: string): RpcError => ({ code: UNIMPLEMENTED, message: text })

/** Trailers carry ASCII only; everything else is percent-encoded, as gRPC does with messages. */
const encoded = (text: string): string =>
  text.replace(/[^\x20-\x24\x26-\x7e]/gu, (char) =>
    [...Buffer.from(char)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )

export const statusOf = (error: RpcError): Record<string, string> => ({
  'grpc-status': String(error.code),
  'grpc-message': encoded(error.message),
})
export const trailersOf = (error: RpcError): Record<string, string> => ({
  ...(error.exception === undefined ? {} : { exception: error.exception }),
  ...Object.fromEntries(Object.entries(error.details ?? {}).map(([key, value]) => [key, encoded(value)])),
})

/** A `google.rpc.Status`, the error of one batched append; `type` names the message in `details`. */
export interface BatchError {
  readonly code: number
  readonly message: string
  readonly type: string
  readonly details: Buffer
}

const NOTHING = Buffer.alloc(0)
const EMPTY_TYPE = 'google.protobuf.Empty'
const typed = (name: string): string => `event_store.client.${name}`

export const batchError = {
  wrongExpectedVersion: (expected: Expected, current: bigint | undefined): BatchError => ({
    code: 6,
    message: 'WrongExpectedVersion',
    type: typed('WrongExpectedVersion'),
    details: Buffer.concat([
      current === undefined ? message(2) : uint(1, current),
      typeof expected === 'bigint'
        ? uint(3, expected)
        : message(expected === 'any' ? 4 : expected === 'stream_exists' ? 5 : 6),
    ]),
  }),
  streamDeleted: (stream: string): BatchError => ({
    code: 5,
    message: 'StreamDeleted',
    type: typed('StreamDeleted'),
    details: message(1, bytes(3, Buffer.from(stream))),
  }),
  timeout: (): BatchError => ({ code: 4, message: 'Timeout', type: typed('Timeout'), details: NOTHING }),
  appendSizeExceeded: (limit: number): BatchError => ({
    code: 3,
    message: 'MaximumAppendSizeExceeded',
    type: typed('MaximumAppendSizeExceeded'),
    details: uint(1, limit),
  }),
  badRequest: (text: string): BatchError => ({
    code: 3,
    message: 'BadRequest',
    type: typed('BadRequest'),
    details: string(1, text),
  }),
  notReady: (): BatchError => ({ code: 0, message: 'Server Is Not Ready', type: EMPTY_TYPE, details: NOTHING }),
  exhausted: (text: string): BatchError => ({
    code: RESOURCE_EXHAUSTED,
    message: text,
    type: EMPTY_TYPE,
    details: NOTHING,
  }),
  /** An error inside the server; its text reaches the client's message. */
  internal: (text: string): BatchError => ({ code: 13, message: text, type: EMPTY_TYPE, details: NOTHING }),
} as const

/** The bytes of a Status message. */
export const batchStatus = (error: BatchError): Buffer =>
  Buffer.concat([
    uint(1, error.code),
    string(2, error.message),
    message(3, string(1, `type.googleapis.com/${error.type}`), bytes(2, error.details)),
  ])
