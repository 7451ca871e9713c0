// What becomes of an append: a pure function of the stream's state, the expected revision and the ids that are known.
import type { Expected } from '../wire/errors.ts'
import type { WrittenAt } from './idCache.ts'

export interface StreamSituation {
  /** Undefined for a name never seen. */
  readonly no: number | undefined
  /** Newest revision, -1 when there is none. */
  readonly last: number
  readonly tombstoned: boolean
  readonly softDeleted: boolean
  readonly hasMetadata: boolean
}

export interface KnownIds {
  /** Ids written lately. */
  recent(id: string): WrittenAt | undefined
  /** Id of the event that the log holds at a revision of this stream. */
  stored(revision: number): string | undefined
}

export type Decision =
  | { readonly kind: 'write' }
  | { readonly kind: 'repeated'; readonly revision: number }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'wrong-version' }

const WRITE: Decision = { kind: 'write' }
const DELETED: Decision = { kind: 'deleted' }
const WRONG: Decision = { kind: 'wrong-version' }

/** Repeats are found by id in the cache alone: a first id that is unknown there is written, even if a later one is known. */
const byRecentIds = (situation: StreamSituation, ids: readonly string[], known: KnownIds): Decision => {
  let revision = -1
  for (const [index, id] of ids.entries()) {
    const at = known.recent(id)
    if (at === undefined || at.streamNo !== situation.no) return index === 0 ? WRITE : WRONG
    revision = at.revision
  }
  return ids.length === 0 ? WRITE : { kind: 'repeated', revision }
}

/** An expectation older than the stream is a repeat when the events that follow it have the ids of this request. */
const byLookingBack = (
  situation: StreamSituation,
  expected: number,
  ids: readonly string[],
  known: KnownIds,
): Decision => {
  let revision = expected
  for (const [index, id] of ids.entries()) {
    revision++
    const at = known.recent(id)
    if (at !== undefined && at.streamNo === situation.no && at.revision === revision) continue
    if (known.stored(revision) === id) continue
    return index === 0 && expected === -1 && situation.softDeleted ? WRITE : WRONG
  }
  return ids.length === 0 ? WRONG : { kind: 'repeated', revision }
}

export const decide = (
  situation: StreamSituation,
  expected: Expected,
  ids: readonly string[],
  known: KnownIds,
): Decision => {
  if (situation.tombstoned) return DELETED
  if (expected === 'stream_exists') {
    if (situation.softDeleted) return DELETED
    return situation.last < 0 && !situation.hasMetadata ? WRONG : byRecentIds(situation, ids, known)
  }
  if (expected === 'any') return byRecentIds(situation, ids, known)
  // As a signed number the largest revision there can be is -1, which is no stream at all.
  const revision = expected === 'no_stream' ? -1n : BigInt.asIntN(64, expected)
  const last = BigInt(situation.last)
  // Others below it are no revisions at all.
  if (revision > last || revision < -1n) return WRONG
  return revision === last ? WRITE : byLookingBack(situation, Number(revision), ids, known)
}
