// What a law is: something that must hold of the log whatever the decisions thought, checked record by record.
import type { Definitions } from './definitions.ts'
import type { Data } from './read.ts'

/** A record of the log as laws see it: nothing of it has been checked. */
export interface LawRecord {
  readonly stream: string
  readonly revision: bigint
  readonly id: string
  readonly type: string
  readonly data: Data
  readonly metadata: Data
  /** The definitions as the records before this one left them. */
  readonly definitions: Definitions
}

/** Where a law is broken. */
export interface Breach {
  readonly details: string
  /** Streams and records (ids) that contradict each other; the record at hand is added by the run. */
  readonly streams?: readonly string[]
  readonly facts?: readonly string[]
}

export type Report = (breach: Breach) => void

/**
 * A law looks at one subject (a code, a card, an id) at a time. Pure: what it knows of a subject is what `evolve` made of the
 * records that concern it. It shares no code with the decisions, so that a fault of theirs cannot hide in it.
 */
export interface Law<S> {
  readonly name: string
  /** What must hold, in one sentence. */
  readonly says: string
  /** The subjects that a record concerns. */
  readonly subjects: (record: LawRecord) => readonly string[]
  /** What is known of a subject after the record; undefined: nothing that must be kept. */
  readonly evolve: (known: S | undefined, record: LawRecord, subject: string, report: Report) => S | undefined
}

/** A law by which each of its subjects comes up in one record only. It needs no more memory for a subject than a number. */
export interface OnceLaw {
  readonly name: string
  readonly says: string
  /** The subjects that a record brings up, in words that an auditor understands. */
  readonly once: (record: LawRecord) => readonly string[]
}

/** A law about what its subjects came to, without its own type: for code that treats all alike. */
export type StateLaw = Law<unknown>
export type AnyLaw = StateLaw | OnceLaw

export const isOnce = (law: AnyLaw): law is OnceLaw => 'once' in law

/** Forgets what a law knows its subjects by. */
export const law = <S>(one: Law<S>): StateLaw => one as unknown as StateLaw
