// The event store as the application sees it: appends, reads and subscriptions, without a word of the client beneath.
import type { NewFact, RecordedFact, UnreadableFact } from '../domain/recorded.ts'
import type { RawRecord } from './codec.ts'

/** What the stream must look like for an append to be accepted; a revision is that of its newest fact. */
export type ExpectedRevision = bigint | 'no_stream' | 'any' | 'stream_exists'

export type AppendResult =
  | { readonly kind: 'appended'; readonly revision: bigint; readonly position: bigint }
  | { readonly kind: 'conflict'; readonly actual: bigint | 'no_stream' }

export interface AppendOptions {
  /** Epoch milliseconds after which an append of unknown outcome is no longer tried again. Default: 10 s from now. */
  readonly deadline?: number
}

export type Direction = 'forwards' | 'backwards'

export interface ReadOptions<From> {
  /** Inclusive forwards; backwards inclusive in a stream, exclusive in $all. Default: where the direction begins. */
  readonly from?: From | 'start' | 'end'
  readonly direction?: Direction
  /** Records to read from the log at most, unknown types counted. Default: all. */
  readonly maxCount?: number
  readonly signal?: AbortSignal
  /** Told, in its place among the facts, of each record that is left out because this program does not know its type. */
  readonly leftOut?: (record: { readonly revision: bigint; readonly position: bigint }) => void
}

export interface ReadAllOptions extends ReadOptions<bigint> {
  /** Keeps facts by type and stream; applied here, not by the server. */
  readonly filter?: (type: string, stream: string) => boolean
}

/** What a subscription gave in one go. */
export interface Batch {
  readonly facts: readonly RecordedFact[]
  /** Facts that could not be decoded, in log order. Whoever ignores them loses facts: park them, or stop. */
  readonly unreadable: readonly UnreadableFact[]
  /** Everything up to here has been given, also when nothing matched; undefined while nothing is known yet. */
  readonly position: bigint | undefined
  /** The newest revision given, matched or not; only on a subscription to one stream. */
  readonly revision: bigint | undefined
  /** Everything that was in the log has been given; false again as soon as older facts are still to come. */
  readonly caughtUp: boolean
}

/** What a subscription to the whole log is to. The server takes one filter: by type, or by stream. */
export type SubscribeAllOptions = { readonly from: bigint | 'start' | 'end' } & (
  | {
      /** Only facts whose type begins with one of these: the server sends nothing else. */
      readonly types?: readonly string[]
      readonly streams?: never
    }
  | {
      readonly types?: never
      /** Only facts of streams whose name begins with one of these: the server sends nothing else. */
      readonly streams: readonly string[]
    }
)

/** A subscription that is pulled. At most one `next` at a time. */
export interface Source {
  /**
   * Waits for one message, then takes what is buffered, at most `max` records. Rejects when the line breaks. As long as
   * `gather` has not settled, fewer than `max` are waited for to become more.
   */
  next(max: number, gather?: Promise<unknown>): Promise<Batch>
  /** Records received and not yet taken. */
  readonly buffered: number
  /** Ends the call at the server; a waiting `next` rejects with SourceClosed. */
  close(): Promise<void>
}

export interface StoreHealth {
  readonly ok: boolean
  /** Epoch milliseconds since when the store has been in this state. */
  readonly since: number
  readonly error?: string
}

export interface EventStore {
  /**
   * Appends all facts atomically. A conflict is a value. Rejects with AppendRefused when nothing was or will be written
   * (bad input, deleted stream), and with StoreUnavailable when the store could not be reached in time; its `outcome`
   * says whether the facts may have been written.
   */
  append(
    stream: string,
    facts: readonly NewFact[],
    expected: ExpectedRevision,
    options?: AppendOptions,
  ): Promise<AppendResult>
  /** Appends what an export holds, as it is: types that this program does not know as well. */
  appendRecords(
    stream: string,
    records: readonly NewFact[],
    expected: ExpectedRevision,
    options?: AppendOptions,
  ): Promise<AppendResult>
  /** Everything in the log from a position on (inclusive), undecoded; the server's own events left out. */
  readRecords(options: { readonly from: bigint | 'start'; readonly signal?: AbortSignal }): AsyncIterable<RawRecord>
  /** Facts of one stream; nothing when it does not exist. Unknown types are left out; MalformedFact is thrown. */
  readStream(stream: string, options?: ReadOptions<bigint>): AsyncIterable<RecordedFact>
  readAll(options?: ReadAllOptions): AsyncIterable<RecordedFact>
  /** Facts after `from` (exclusive), system events left out by the server. */
  subscribeAll(options: SubscribeAllOptions): Promise<Source>
  /** Facts of one stream after revision `from` (exclusive). */
  subscribeStream(stream: string, options: { readonly from: bigint | 'start' | 'end' }): Promise<Source>
  /**
   * Removes what a stream holds: it reads as if it were not there, and can begin anew; its revisions go on. The store drops the
   * bytes when it is compacted (scavenged). Nothing happens where there is nothing, nor where `newest` is not its last revision.
   */
  removeStream(stream: string, newest?: bigint): Promise<void>
  /** The position of the newest fact that is not the server's own; undefined when there is none. */
  head(): Promise<bigint | undefined>
  /**
   * The server's version, as it tells it. Rejects with UnusableServer for one that is too old; the message says which is needed.
   */
  checkServer(): Promise<string>
  health(): StoreHealth
  close(): Promise<void>
}
