// What a fact is before and after it is recorded: the shapes that the domain, the projections and the store share.

/** A business fact: its type names the shape of its data. */
export interface Fact {
  readonly type: string
  readonly data: unknown
}

export interface Actor {
  readonly name: string
  readonly role: string
}

/** What is recorded beside a fact. The names with `$` are the event store's own, so that its tools can follow them. */
export interface FactMetadata {
  /** The request that led to this fact. */
  readonly $correlationId: string
  /** The fact that caused this one; absent when a request did. */
  readonly $causationId?: string
  readonly commandKey?: string
  /** The fingerprint of what the command said, where somebody else could say something else under its key: see `printOf`. */
  readonly print?: string
  /** The rulebook's revision that the decision was made under. */
  readonly rulebook?: string
  readonly actor?: Actor
  /** Epoch milliseconds of the next deadline of this stream as of this fact; null: there is none. */
  readonly nextDueAt?: number | null
  /** Epoch milliseconds that the decision was made for: the command's `now`, or an earlier instant that had fallen due. */
  readonly now?: number
  /** True for what a command itself said; what followed has a cause instead. */
  readonly root?: boolean
  /** The place within its decision, from 1; absent for the first fact, which begins one. */
  readonly n?: number
  /** The version of the data's shape, set by the codec; absent means 1. */
  readonly schemaVersion?: number
  /** True on a fact as it is read whose personal part nobody can read any more: what stands in its place says nothing. */
  readonly erased?: boolean
  readonly [name: string]: unknown
}

/** A fact that is to be appended. The id is a UUID; the same id stands for the same fact in every retry. */
export interface NewFact extends Fact {
  readonly id: string
  readonly metadata: FactMetadata
}

/** A fact as it is in the log. */
export interface RecordedFact extends Fact {
  readonly stream: string
  /** Number within the stream, from 0n, without gaps. */
  readonly revision: bigint
  /** Place in the whole log: strictly increasing, sparse, not to be counted with. */
  readonly position: bigint
  readonly id: string
  readonly metadata: FactMetadata
  /** When the server recorded it, in epoch milliseconds. */
  readonly created: number
}

/** A recorded fact whose data does not fit its type's shape: it cannot be folded, only named. */
export interface UnreadableFact {
  readonly stream: string
  readonly revision: bigint
  readonly position: bigint
  readonly id: string
  readonly type: string
  readonly error: string
}

/** The instant that a recorded fact was decided for, in epoch milliseconds. */
export const decidedAt = (fact: RecordedFact): number => fact.metadata.now ?? fact.created
