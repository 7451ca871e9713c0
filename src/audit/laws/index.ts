// Laws of the log: what must hold of it whatever code wrote it. They read records and nothing else, in bounded memory.
import type { RawRecord } from '../../eventstore/codec.ts'
import { cardLedgers } from './cards.ts'
import { codeLimits } from './codes.ts'
import { uniqueCommandKeys } from './commandKeys.ts'
import { followDefinitions } from './definitions.ts'
import { earnings } from './earnings.ts'
import { uniqueCustomers, uniqueIds } from './ids.ts'
import { type AnyLaw, type Breach, isOnce, type LawRecord } from './law.ts'
import { messages } from './messages.ts'
import { orders } from './orders.ts'
import { pendingPoints } from './pending.ts'
import { pointsPaid } from './pointsPaid.ts'
import { dataOf } from './read.ts'
import { redemptionPlaces } from './redemptions.ts'
import { referrals, referredOnce } from './referrals.ts'
import { rewardStock, ruleLimits } from './rules.ts'
import { createSeen, hashOf } from './seen.ts'
import { transfers } from './transfers.ts'

export const LAWS: readonly AnyLaw[] = [
  uniqueIds,
  uniqueCustomers,
  uniqueCommandKeys,
  codeLimits,
  ruleLimits,
  redemptionPlaces,
  pointsPaid,
  rewardStock,
  cardLedgers,
  pendingPoints,
  transfers,
  earnings,
  orders,
  referrals,
  referredOnce,
  messages,
]

/** What is looked at of a record. */
export type CheckedRecord = Pick<RawRecord, 'stream' | 'revision' | 'position' | 'id' | 'type' | 'data' | 'metadata'>

/** A place where a law is broken: the records and streams that contradict each other. */
export interface Violation {
  readonly law: string
  readonly details: string
  readonly streams: readonly string[]
  /** Ids of records. */
  readonly facts: readonly string[]
}

export interface LawReport {
  readonly laws: readonly { readonly name: string; readonly says: string; readonly violations: number }[]
  /** The first `MAX_SHOWN` of each law. */
  readonly violations: readonly Violation[]
  readonly facts: number
  /** The position of the last record that was looked at, as decimal text; null for an empty log. */
  readonly position: string | null
  /** How often the log was read: more than once when there is more to remember than fits in memory. */
  readonly passes: number
  readonly holds: boolean
}

export interface CheckOptions {
  readonly laws?: readonly AnyLaw[]
  /** Subjects that are remembered at once; more make the log be read in several passes, each for a part of the subjects. */
  readonly maxRemembered?: number
  /** Records up to and with this position; default: all. */
  readonly until?: bigint
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: { readonly facts: number; readonly pass: number }) => void
}

/** About 100 MB. */
const MAX_REMEMBERED = 250_000
/** A subject of which only the hash is kept needs so much less memory. */
const HASHES_FOR_ONE = 16
/** Subjects that are looked at again because they seem to come up twice; past that the log is broken beyond counting. */
const MAX_DOUBTS = 10_000
/** Violations of one law that a report names. */
const MAX_SHOWN = 100
const PROGRESS_EVERY = 10_000

interface Tally {
  readonly counts: Map<string, number>
  readonly shown: Violation[]
}

const violated = (
  tally: Tally,
  law: string,
  record: LawRecord,
  { details, streams = [], facts = [] }: Breach,
): void => {
  const count = (tally.counts.get(law) ?? 0) + 1
  tally.counts.set(law, count)
  if (count > MAX_SHOWN) return
  tally.shown.push({
    law,
    details,
    streams: [...new Set([...streams, record.stream])],
    facts: [...new Set([...facts, record.id])],
  })
}

/** Looks at records and says when it remembers too much to go on. */
interface Pass {
  see(record: LawRecord): void
  readonly isFull: boolean
}

/** Looks at the subjects of one part out of `parts`. What seems to come up a second time is put among the `doubts`. */
const startPass = (
  laws: readonly AnyLaw[],
  part: number,
  parts: number,
  maxRemembered: number,
  tally: Tally,
  doubts: Set<string>,
): Pass => {
  const known = new Map(laws.map((law) => [law, new Map<string, unknown>()] as const))
  const seen = createSeen()
  let remembered = 0
  const isMine = (hash: number) => parts === 1 || hash % parts === part
  return {
    see(record) {
      for (const [law, ofLaw] of known) {
        if (isOnce(law)) {
          for (const subject of law.once(record)) {
            const hash = hashOf(subject)
            if (isMine(hash) && seen.add(hash) && doubts.size < MAX_DOUBTS) doubts.add(subject)
          }
          continue
        }
        for (const subject of law.subjects(record)) {
          if (!isMine(hashOf(subject))) continue
          const before = ofLaw.get(subject)
          const after = law.evolve(before, record, subject, (breach) => violated(tally, law.name, record, breach))
          if (after === undefined) remembered -= Number(ofLaw.delete(subject))
          else {
            if (before === undefined) remembered++
            ofLaw.set(subject, after)
          }
        }
      }
    },
    get isFull() {
      return remembered > maxRemembered || seen.size > maxRemembered * HASHES_FOR_ONE
    },
  }
}

/** Looks at the doubtful subjects only, by their whole names: two that share a hash are told apart here. */
const startSecondLook = (laws: readonly AnyLaw[], doubts: ReadonlySet<string>, tally: Tally): Pass => {
  const first = new Map<string, { readonly stream: string; readonly fact: string }>()
  return {
    see(record) {
      for (const law of laws) {
        if (!isOnce(law)) continue
        for (const subject of law.once(record)) {
          if (!doubts.has(subject)) continue
          const before = first.get(subject)
          if (before)
            violated(tally, law.name, record, {
              details: `${subject} comes up twice`,
              streams: [before.stream],
              facts: [before.fact],
            })
          else first.set(subject, { stream: record.stream, fact: record.id })
        }
      }
    },
    isFull: false,
  }
}

/**
 * Checks every law over the log, which `records` gives from its beginning each time it is called: once, a second time where
 * something seems to come up twice, and in several parts where there is more to remember than `maxRemembered` subjects.
 * Rejects with what reading throws; an aborted signal ends it so too.
 */
export const checkLaws = async (
  records: () => AsyncIterable<CheckedRecord> | Iterable<CheckedRecord>,
  options: CheckOptions = {},
): Promise<LawReport> => {
  const { laws = LAWS, maxRemembered = MAX_REMEMBERED, signal, onProgress } = options
  /** Where to stop: later passes look at the same records, though the log has grown. */
  let { until } = options
  let facts = 0
  let passes = 0
  /** Whether the pass came to the end of the log. */
  const read = async (pass: Pass): Promise<boolean> => {
    passes++
    const definitions = followDefinitions()
    let last: bigint | undefined
    facts = 0
    for await (const { stream, revision, position, id, type, data, metadata } of records()) {
      if (until !== undefined && position > until) break
      signal?.throwIfAborted()
      last = position
      const record = { stream, revision, id, type, data: dataOf(data), metadata: dataOf(metadata) }
      pass.see({ ...record, definitions: definitions.current })
      definitions.see(record)
      if (++facts % PROGRESS_EVERY === 0) onProgress?.({ facts, pass: passes })
      if (pass.isFull) return false
    }
    until = last ?? -1n
    return true
  }
  for (let parts = 1; ; parts *= 2) {
    const tally: Tally = { counts: new Map(), shown: [] }
    const doubts = new Set<string>()
    let isDone = true
    for (let part = 0; part < parts && isDone; part++)
      isDone = await read(startPass(laws, part, parts, maxRemembered, tally, doubts))
    if (!isDone) continue
    if (doubts.size > 0) await read(startSecondLook(laws, doubts, tally))
    return {
      laws: laws.map(({ name, says }) => ({ name, says, violations: tally.counts.get(name) ?? 0 })),
      violations: tally.shown,
      facts,
      position: until === undefined || until < 0n ? null : String(until),
      passes,
      holds: tally.counts.size === 0,
    }
  }
}
