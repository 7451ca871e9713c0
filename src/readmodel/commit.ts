// One commit of a lane: compare-and-set of its checkpoint and the documents that go with it, in one transaction.
import type { ClientSession, Collection, Db, Document } from 'mongodb'
import { BSON, MongoBulkWriteError, MongoServerError } from 'mongodb'
import type { Keyed } from './collection.ts'
import { isConflict, isDuplicateKey, isUnavailable, messageOf } from './errors.ts'
import { type Committed, type Lane, type LaneChange, type LaneDocument, textOf, type Writes } from './lanes.ts'

type Refused = Extract<Committed, { kind: 'rejected' }>

/** Server error codes that speak of a document and will be the same however often it is tried. */
const REFUSALS: ReadonlySet<number> = new Set([
  2, // BadValue
  14, // TypeMismatch
  17, // CannotIndexParallelArrays, as old servers number it
  52, // DollarPrefixedFieldName
  57, // DottedFieldName
  121, // DocumentValidationFailure
  171, // CannotIndexParallelArrays
  10334, // BSONObjectTooLarge
  11000, // DuplicateKey
  17280, // key too large to index
  17419, // resulting document too large
  17420,
])

/**
 * What an error says about the documents; undefined: nothing. A server that dies in the middle of a bulk write gives an error without
 * code or label, so only what is known to be about documents counts.
 */
const refusedBy = (error: unknown, { collection, inserts, replaces }: Writes): Refused | undefined => {
  const refused = (key: unknown): Refused => ({
    kind: 'rejected',
    collection,
    key: typeof key === 'string' ? key : undefined,
    error: messageOf(error),
  })
  const only = inserts.length + replaces.length === 1 ? (inserts[0] ?? replaces[0])?._id : undefined
  if (error instanceof MongoBulkWriteError) {
    const first = Array.isArray(error.writeErrors) ? error.writeErrors[0] : error.writeErrors
    if (first === undefined || !REFUSALS.has(first.code)) return undefined
    const document = first.getOperation() as Document
    return refused(document._id ?? document.q?._id)
  }
  if (error instanceof MongoServerError)
    return typeof error.code === 'number' && REFUSALS.has(error.code) ? refused(only) : undefined
  // The document could not even be written as BSON.
  const unwritable = error instanceof BSON.BSONError || error instanceof RangeError || error instanceof TypeError
  return unwritable ? refused(only) : undefined
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

/** An insert met a document of the same key: it was thought to be new, and is not. */
class AlreadyThere extends Error {}

const isDuplicateId = (error: unknown): boolean =>
  isDuplicateKey(error) && error instanceof MongoServerError && /_id_/.test(error.message)

/** As commitLane, once; rejects with AlreadyThere. */
const attempt = async (
  database: Db,
  session: ClientSession,
  from: Lane,
  next: Lane,
  writes: readonly Writes[],
): Promise<Committed> => {
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
  try {
    return await attempt(database, session, from, next, writes)
  } catch (error) {
    if (!(error instanceof AlreadyThere)) throw error
    const asReplaces = writes.map((one) => ({ ...one, inserts: [], replaces: [...one.inserts, ...one.replaces] }))
    return attempt(database, session, from, next, asReplaces)
  }
}
