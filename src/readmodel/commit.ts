// One commit of a lane: compare-and-set of its checkpoint and the documents that go with it, in one transaction.
import type { ClientSession, Collection, Db } from 'mongodb'
import { MongoServerError } from 'mongodb'
import type { Keyed } from './collection.ts'
import { isConflict, isDuplicateKey, isUnavailable } from './errors.ts'
import type { Committed, Lane, LaneChange, LaneDocument, Writes } from './lanes.ts'
import { textOf } from './positions.ts'
import { findRefused, type Refusal, refusalOf, storedWrites, writeDocuments } from './refused.ts'

const write = async (database: Db, session: ClientSession, { collection, inserts, replaces, deletes }: Writes) => {
  const target: Collection<Keyed> = database.collection(collection)
  if (inserts.length > 0) await target.insertMany(inserts, { session, ordered: true })
  await writeDocuments(target, session, replaces)
  if (deletes.length > 0) await target.deleteMany({ _id: { $in: [...deletes] } }, { session })
}

/** An insert met a document of the same key: it was thought to be new, and is not. */
class AlreadyThere extends Error {}

const isDuplicateId = (error: unknown): boolean =>
  isDuplicateKey(error) && error instanceof MongoServerError && /index: _id_(?![\w-])/.test(error.message)

/** As commitLane, once; rejects with AlreadyThere. */
const attempt = async (
  database: Db,
  session: ClientSession,
  from: Lane,
  next: Lane,
  writes: readonly Writes[],
): Promise<Committed | Refusal> => {
  const { position, seq, writer, members, heldUntil } = next
  const set = { position: textOf(position), seq, writer, members: { ...members }, heldUntil, at: new Date() }
  session.startTransaction({ readConcern: { level: 'snapshot' }, writeConcern: { w: 'majority' } })
  try {
    // The compare-and-set goes first: who has lost learns it before anything else is sent.
    const checkpoints: Collection<LaneDocument> = database.collection('checkpoints')
    let matched: number
    try {
      const expected = { _id: from.id, seq: from.seq, writer: from.writer }
      matched = (await checkpoints.updateOne(expected, { $set: set }, { session })).matchedCount
    } catch (error) {
      if (!isConflict(error) || isUnavailable(error)) throw error
      return { kind: 'lost', underWay: true }
    }
    // A compare-and-set that matches nothing is no error to the server: it would commit the rest.
    if (matched === 0) return { kind: 'lost', underWay: false }
    for (const one of writes) {
      try {
        await write(database, session, one)
      } catch (error) {
        if (isDuplicateId(error)) throw new AlreadyThere()
        const refused = refusalOf(error, one)
        if (refused === undefined) throw error
        return refused
      }
    }
    await session.commitTransaction()
    return { kind: 'committed', lane: next }
  } finally {
    if (session.inTransaction()) await session.abortTransaction().catch(() => undefined)
  }
}

/**
 * Moves the lane from exactly `from` and writes, all or nothing. Rejects, with the transaction aborted as far as the server can be
 * reached, when the outcome is not one of Committed.
 */
export const commitLane = async (
  database: Db,
  session: ClientSession,
  from: Lane,
  writer: string,
  change: LaneChange,
  wanted: readonly Writes[],
): Promise<Committed> => {
  const next: Lane = { ...from, ...change, position: change.position ?? from.position, seq: from.seq + 1, writer }
  const { writes, refused } = storedWrites(wanted)
  if (refused.length > 0) return { kind: 'rejected', refused, error: refused[0]!.error }
  let result: Committed | Refusal
  try {
    result = await attempt(database, session, from, next, writes)
  } catch (error) {
    if (!(error instanceof AlreadyThere)) throw error
    const asReplaces = writes.map((one) => ({ ...one, inserts: [], replaces: [...one.inserts, ...one.replaces] }))
    result = await attempt(database, session, from, next, asReplaces)
  }
  return 'kind' in result ? result : findRefused(database, session, writes, result)
}
