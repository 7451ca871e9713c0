// What can go wrong with the event store, and the one table that says what an error of the client means for an append.
import { errorText } from '../domain/errorText.ts'
import type { UnreadableFact } from '../domain/recorded.ts'
import { AnswerLost, LineReplaced } from '../line/line.ts'

export type RefusalReason =
  | 'empty'
  | 'too_many'
  | 'bad_stream'
  | 'bad_type'
  | 'bad_id'
  | 'duplicate_id'
  | 'too_large'
  | 'unknown_type'
  | 'malformed'
  | 'stream_deleted'
  | 'access_denied'
  | 'invalid'

/** The append was refused: nothing was written, and the same append would be refused again. */
export class AppendRefused extends Error {
  override readonly name = 'AppendRefused'
  readonly reason: RefusalReason
  constructor(reason: RefusalReason, message: string) {
    super(message)
    this.reason = reason
  }
}

/** The store could not be reached, or did not answer in time. Asking again later with the same ids is safe. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable'
  /** `unknown`: what was to be appended may have been written. */
  readonly outcome: 'nothing_written' | 'unknown'
  /** Seconds after which asking again makes sense. */
  readonly retryAfter: number
  /** There is more to do than the store can: it is not down. */
  readonly isBusy: boolean
  /** The edge tells the operator once; see `log.ts`. */
  readonly isOutage: boolean
  constructor(
    message: string,
    options: { outcome?: 'nothing_written' | 'unknown'; cause?: unknown; busyMs?: number | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.outcome = options.outcome ?? 'nothing_written'
    this.isBusy = options.busyMs !== undefined
    this.isOutage = !this.isBusy
    this.retryAfter = Math.max(1, Math.ceil((options.busyMs ?? 0) / 1_000))
  }
}

/** The server cannot read from there: no record begins at this position, or nothing can be read in this way. */
export class ReadRefused extends Error {
  override readonly name = 'ReadRefused'
  constructor(cause: unknown) {
    super(errorText(cause), { cause })
  }
}

/** What is kept is not as it was written: a checksum is wrong. The message names the record, or where it lies. */
export class RecordDamaged extends Error {
  override readonly name = 'RecordDamaged'
  constructor(cause: unknown) {
    super(errorText(cause).replace(/^15 DATA_LOSS: /, ''), { cause })
  }
}

/** A recorded fact of a known type whose data does not fit. */
export class MalformedFact extends Error {
  override readonly name = 'MalformedFact'
  readonly fact: UnreadableFact
  constructor(fact: UnreadableFact) {
    super(`${fact.stream}@${fact.revision} (${fact.type}): ${fact.error}`)
    this.fact = fact
  }
}

/** The subscription was closed by this side. */
export class SourceClosed extends Error {
  override readonly name = 'SourceClosed'
  constructor() {
    super('the subscription is closed')
  }
}

/** What an error means for an append. */
export type Verdict =
  | { readonly kind: 'conflict' }
  | { readonly kind: 'refused'; readonly reason: RefusalReason }
  /**
   * The facts may or may not have been written. `answered`: the server itself said so, in its turn; else the connection is in
   * trouble. `line`: `keep` it (the client connects anew by itself), or `replace` the client, which would go on failing.
   */
  | { readonly kind: 'unknown'; readonly answered: boolean; readonly line: 'keep' | 'replace' }

const BROKEN: Verdict = { kind: 'unknown', answered: false, line: 'keep' }
const NOT_NOW: Verdict = { kind: 'unknown', answered: true, line: 'keep' }
const USELESS: Verdict = { kind: 'unknown', answered: false, line: 'replace' }

/** By the `type` that the client's own error classes carry. */
const byType: Readonly<Record<string, Verdict>> = {
  'wrong-expected-version': { kind: 'conflict' },
  'stream-deleted': { kind: 'refused', reason: 'stream_deleted' },
  'access-denied': { kind: 'refused', reason: 'access_denied' },
  'maximum-append-size-exceeded': { kind: 'refused', reason: 'too_large' },
  'missing-required-metadata-property': { kind: 'refused', reason: 'invalid' },
  // The client closes its channel by itself and connects anew with the next call.
  unavailable: BROKEN,
  cancelled: BROKEN,
  // The client goes to the leader that the answer named.
  'not-leader': NOT_NOW,
  // The server's own write time-out (2 s): it is up, but the write may still happen.
  'deadline-exceeded': NOT_NOW,
  timeout: NOT_NOW,
  // A refusing server that is being stopped, a broken stream, a bad answer: the next append opens a new stream.
  unknown: BROKEN,
}

/**
 * By grpc status: errors before the server's features are known come without a `type`. But for those after which it connects
 * anew, the client keeps the failed answer to that question for ever.
 */
const byCode: Readonly<Record<number, Verdict>> = {
  1: BROKEN,
  7: { kind: 'refused', reason: 'access_denied' },
  14: BROKEN,
  16: { kind: 'refused', reason: 'access_denied' },
}

const field = (error: unknown, name: 'type' | 'code'): unknown =>
  typeof error === 'object' && error !== null && name in error ? (error as Record<string, unknown>)[name] : undefined

/** What `error` means for the append that failed with it. Everything that is not known is an unknown outcome. */
export const verdictOf = (error: unknown): Verdict => {
  const type = field(error, 'type')
  if (typeof type === 'string') return byType[type] ?? BROKEN
  const code = field(error, 'code')
  if (typeof code === 'number') return byCode[code] ?? USELESS
  return error instanceof LineReplaced || error instanceof AnswerLost || error instanceof StoreUnavailable
    ? BROKEN
    : USELESS
}

/** Whether a read or subscription failed because the stream does not exist (or holds nothing any more). */
export const isStreamGone = (error: unknown): boolean => {
  const type = field(error, 'type')
  return type === 'stream-not-found' || type === 'stream-deleted'
}

/** Whether it is what was asked that a read or subscription failed for. A server that is being stopped answers with 2 as well. */
export const isReadRefused = (error: unknown): boolean => {
  const code = field(error, 'code')
  const aboutRequest = /Unexpected Read(All|Stream)Result|Exception was thrown by handler/.test(errorText(error))
  return code === 3 || (code === 2 && aboutRequest)
}

/** Whether the server found a record damaged. It is up, and answers for every other one. */
export const isDamaged = (error: unknown): boolean => field(error, 'code') === 15
