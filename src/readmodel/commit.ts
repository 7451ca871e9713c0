// One commit of a lane: compare-and-set of its checkpoint and the documents that go with it, in one transaction.
import type { ClientSession, Collection, Db, Document } from 'mongodb'
import { MongoBulkWriteError, MongoServerError } from 'mongodb'
import type { Keyed } from './collection.ts'
import { isConflict, isUnavailable, messageOf } from './errors.ts'
import { type Committed, type Lane, type LaneChange, type LaneDocument, textOf, type Writes } from './lanes.ts'

type Refused = Extract<Committed, { kind: 'rejected' }>

/** undefined: the error says nothing about the documents. */
const refusedBy = (error: unknown, { collection, inserts, replaces }: Writes): Refused | undefined => {
  if (isUnavailable(error) || isConflict(error)) return undefined
  if (error instanceof MongoBulkWriteError) {
    const first = Array.isArray(error.writeErrors) ? error.writeErrors[0] : error.writeErrors
    const document = first === undefined ? undefined : (first.getOperation() as Document)
    const key: unknown = document?._id ?? document?.q?._id ?? document?.replacement?._id
    return { kind: 'rejected', collection, key: typeof key === 'string' ? key : undefined, error: messageOf(error) }
  }
  if (error instanceof MongoServerError)
    return { kind: 'rejected', collection, key: undefined, error: messageOf(error) }
  // The driver could not even write the document as BSON.
  const single = inserts.length + replaces.length === 1 ? (inserts[0] ?? replaces[0])?._id : undefined
  return { kind: 'rejected', collection, key: single, error: messageOf(error) }
}

const write = async (database: Db, session: ClientSession, { collection, inserts, replaces, deletes }: Writes) => {
  const target: Collection<Keyed> = database.collection(collection)
  if (inserts.length > 0) await target.insertMany(inserts, { session, ordered: true })
  if (replaces.length > 0)
    await target.bulkWrite(
      replaces.map((document) => ({
        replaceOne: { filter: { _id: document._id }, replacement: document, upsert: true },
      })),
      { session, ordered: true },
    )
  if (deletes.length > 0) await target.deleteMany({ _id: { $in: [...deletes] } }, { session })
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
  writes: readonly Writes[],
): Promise<Committed> => {
  const next: Lane = { ...from, ...change, position: change.position ?? from.position, seq: from.seq + 1, writer }
  const { position, seq, members, heldUntil } = next
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
        const refused = refusedBy(error, one)
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
