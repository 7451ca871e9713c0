// One commit of a lane: compare-and-set of its checkpoint and the documents that go with it, in one transaction. Where all goes well
// it is two questions to the server, everything in one command and the commit; whatever does not go well there is tried again
// collection by collection, which tells what was refused.
import {
  type AnyClientBulkWriteModel,
  type ClientBulkWriteResult,
  type ClientSession,
  type Collection,
  type Db,
  MongoClientBulkWriteError,
  MongoServerError,
} from 'mongodb'
import type { Keyed } from './collection.ts'
import { isConflict, isDuplicateKey, isUnavailable } from './errors.ts'
import type { Committed, Lane, LaneChange, LaneDocument, Writes } from './lanes.ts'
import { textOf } from './positions.ts'
import { findRefused, type Refusal, refusalOf, replacing, storedWrites, writeDocuments } from './refused.ts'
import { inTransaction } from './transaction.ts'

/** The collection of lanes. */
export const CHECKPOINTS = 'checkpoints'

/** How a server is written to, as far as is known. */
export interface Way {
  /** It takes writes to several collections in one command: MongoDB 8.0 does, for those who may use it. */
  isTogether: boolean
}

type Checkpoint = Pick<LaneDocument, 'position' | 'seq' | 'writer' | 'members' | 'heldUntil' | 'at'>

const checkpointOf = ({ position, seq, writer, members, heldUntil }: Lane): Checkpoint => ({
  position: textOf(position),
  seq,
  writer,
  members: { ...members },
  heldUntil,
  at: new Date(),
})

/** What the lane's document must be for its mover to win. */
const expectedOf = ({ id, seq, writer }: Lane) => ({ _id: id, seq, writer })

/** All of a commit as one command, the compare-and-set first. */
const modelsOf = (
  database: Db,
  from: Lane,
  next: Lane,
  writes: readonly Writes[],
): AnyClientBulkWriteModel<Keyed>[] => {
  const namespaceOf = (collection: string) => `${database.databaseName}.${collection}`
  return [
    {
      name: 'updateOne',
      namespace: namespaceOf(CHECKPOINTS),
      filter: expectedOf(from),
      update: { $set: checkpointOf(next) },
    },
    ...writes.flatMap(({ collection, inserts, replaces, deletes }): AnyClientBulkWriteModel<Keyed>[] => {
      const namespace = namespaceOf(collection)
      return [
        ...inserts.map((document) => ({ name: 'insertOne' as const, namespace, document })),
        ...replaces.map((document) => ({ name: 'replaceOne' as const, namespace, ...replacing(document) })),
        ...(deletes.length > 0
          ? [{ name: 'deleteMany' as const, namespace, filter: { _id: { $in: [...deletes] } } }]
          : []),
      ]
    }),
  ]
}

/**
 * Everything in one command. Where it `failed`, or the command itself was `refused`, nothing is written, and why is to be found out
 * otherwise. Rejects when the store is not to be had.
 */
const attemptTogether = (
  database: Db,
  session: ClientSession,
  from: Lane,
  next: Lane,
  writes: readonly Writes[],
): Promise<Committed | 'failed' | 'refused'> =>
  inTransaction(session, async () => {
    let counts: Pick<ClientBulkWriteResult, 'matchedCount' | 'upsertedCount'>
    try {
      const models = modelsOf(database, from, next, writes)
      counts = await database.client.bulkWrite<Readonly<Record<string, Keyed>>>(models, { session, ordered: true })
    } catch (error) {
      const answer = error instanceof MongoClientBulkWriteError ? error.cause : undefined
      if (answer instanceof MongoServerError && !answer.hasErrorLabel('TransientTransactionError')) return 'refused'
      if (isUnavailable(error)) throw error
      return 'failed'
    }
    // What is replaced is there or comes to be: the compare-and-set alone may match nothing.
    const replaced = writes.reduce((sum, { replaces }) => sum + replaces.length, 0)
    if (counts.matchedCount + counts.upsertedCount === replaced) return { kind: 'lost', underWay: false }
    await session.commitTransaction()
    return { kind: 'committed', lane: next }
  })

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

/** As commitLane, once, collection by collection; rejects with AlreadyThere. */
const attempt = (
  database: Db,
  session: ClientSession,
  from: Lane,
  next: Lane,
  writes: readonly Writes[],
): Promise<Committed | Refusal> =>
  inTransaction(session, async () => {
    // The compare-and-set goes first: who has lost learns it before anything else is sent.
    const checkpoints: Collection<LaneDocument> = database.collection(CHECKPOINTS)
    let matched: number
    try {
      const set = { $set: checkpointOf(next) }
      matched = (await checkpoints.updateOne(expectedOf(from), set, { session })).matchedCount
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
  })

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
  way: Way,
): Promise<Committed> => {
  const next: Lane = { ...from, ...change, position: change.position ?? from.position, seq: from.seq + 1, writer }
  const { writes, refused } = storedWrites(wanted)
  if (refused.length > 0) return { kind: 'rejected', refused, error: refused[0]!.error }
  // With nothing but the checkpoint it is two questions in either way.
  let isRefused = false
  if (way.isTogether && writes.length > 0) {
    const together = await attemptTogether(database, session, from, next, writes)
    if (typeof together !== 'string') return together
    isRefused = together === 'refused'
  }
  let result: Committed | Refusal
  try {
    result = await attempt(database, session, from, next, writes)
  } catch (error) {
    if (!(error instanceof AlreadyThere)) throw error
    const asReplaces = writes.map((one) => ({ ...one, inserts: [], replaces: [...one.inserts, ...one.replaces] }))
    result = await attempt(database, session, from, next, asReplaces)
  }
  if (!('kind' in result)) return findRefused(database, session, writes, result)
  // What goes well otherwise was refused for the command's sake: a server that knows no such command, or does not let this user have
  // it, says so in many ways.
  if (isRefused && result.kind === 'committed') way.isTogether = false
  return result
}
