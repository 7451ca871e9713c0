// Lanes: sets of collections that move along the log together. A lane's one document is the checkpoint, and it changes only
// by compare-and-set in the same transaction that writes the documents.
import type { Collection, Db, Document } from 'mongodb'
import { MongoBulkWriteError, MongoServerError } from 'mongodb'
import type { Keyed } from './collection.ts'
import { isConflict, isDuplicateKey, isUnavailable, messageOf, ReadModelUnavailable } from './errors.ts'

/** Which collection holds a read model now, and by which version of its projection it was made. */
export interface Member {
  readonly collection: string
  readonly version: number
}

export interface Lane {
  readonly id: string
  /** Everything up to here is in the documents; undefined: nothing yet. */
  readonly position: bigint | undefined
  /** Raised by every change, so that a change is seen even when the position stays. */
  readonly seq: number
  /** Who changed it last. */
  readonly writer: string
  readonly members: Readonly<Record<string, Member>>
  /** Epoch ms: until then others leave the lane alone, because somebody is changing its members. */
  readonly heldUntil: number
}

/** What one transaction does to one collection. Documents carry their `_id`; each key is there at most once. */
export interface Writes {
  readonly collection: string
  readonly inserts: readonly Keyed[]
  readonly replaces: readonly Keyed[]
  readonly deletes: readonly string[]
}

export type Committed =
  | { readonly kind: 'committed'; readonly lane: Lane }
  /** Somebody else moved the lane: nothing was written. */
  | { readonly kind: 'lost' }
  /** The store refuses a document for good: nothing was written. The key is undefined when it could not be told. */
  | { readonly kind: 'rejected'; readonly collection: string; readonly key: string | undefined; readonly error: string }

export interface LaneChange {
  readonly position?: bigint | undefined
  readonly members?: Readonly<Record<string, Member>>
  readonly heldUntil?: number
}

export interface Lanes {
  read(id: string): Promise<Lane | undefined>
  /** Creates the lane unless it exists; gives what is there then. */
  create(lane: Pick<Lane, 'id' | 'members' | 'writer'> & { readonly position?: bigint | undefined }): Promise<Lane>
  /**
   * Moves the lane from exactly `from` and writes, all or nothing. Rejects with ReadModelUnavailable when the store is not to
   * be had: then the move may have happened, and the lane must be read again.
   */
  commit(from: Lane, writer: string, change: LaneChange, writes: readonly Writes[]): Promise<Committed>
  /**
   * Keeps others away from the lane for `ms` milliseconds: every move that is under way loses. undefined: there is no such lane, or
   * somebody else holds it.
   */
  hold(id: string, writer: string, ms: number): Promise<Lane | undefined>
  remove(id: string): Promise<void>
}

interface LaneDocument extends Document {
  _id: string
  position: string | null
  seq: number
  writer: string
  members: Record<string, Member>
  heldUntil: number
  at: Date
}

/** Positions are written as text of one length, so that text order is log order and nothing is lost to a double. */
export const positionText = (position: bigint): string => position.toString().padStart(20, '0')

const laneOf = ({ _id, position, seq, writer, members, heldUntil }: LaneDocument): Lane => ({
  id: _id,
  position: position === null ? undefined : BigInt(position),
  seq,
  writer,
  members,
  heldUntil,
})

/** The driver's network error labels inside a transaction tell the same as the table; a lost race is not trouble. */
type Refused = Extract<Committed, { kind: 'rejected' }>

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

export const createLanes = (db: () => Db, run: <T>(action: () => Promise<T>) => Promise<T>): Lanes => {
  const checkpoints = (database = db()): Collection<LaneDocument> => database.collection('checkpoints')

  const read = async (id: string) => {
    const found = await run(() => checkpoints().findOne({ _id: id }))
    return found ? laneOf(found) : undefined
  }

  return {
    read,

    async create({ id, members, writer, position }) {
      const document: LaneDocument = {
        _id: id,
        position: position === undefined ? null : positionText(position),
        seq: 1,
        writer,
        members: { ...members },
        heldUntil: 0,
        at: new Date(),
      }
      try {
        await run(() => checkpoints().insertOne(document))
        return laneOf(document)
      } catch (error) {
        if (!isDuplicateKey(error)) throw error
        const existing = await read(id)
        if (existing) return existing
        throw new ReadModelUnavailable(`checkpoint ${id} vanished`, error)
      }
    },

    async hold(id, writer, ms) {
      // No transaction: it would conflict with those of a busy projector for ever, while this waits for the one that is open.
      const held = await run(() =>
        checkpoints().findOneAndUpdate(
          { _id: id, heldUntil: { $lte: Date.now() } },
          { $inc: { seq: 1 }, $set: { heldUntil: Date.now() + ms, writer, at: new Date() } },
          { returnDocument: 'after' },
        ),
      )
      return held ? laneOf(held) : undefined
    },

    async remove(id) {
      await run(() => checkpoints().deleteOne({ _id: id }))
    },

    async commit(from, writer, change, writes) {
      const next: Lane = { ...from, ...change, position: change.position ?? from.position, seq: from.seq + 1, writer }
      return run(async () => {
        // One client throughout: it may be replaced at any moment.
        const database = db()
        const session = database.client.startSession()
        try {
          session.startTransaction({ readConcern: { level: 'snapshot' }, writeConcern: { w: 'majority' } })
          // The compare-and-set goes first: who has lost learns it before anything else is sent.
          try {
            const { matchedCount } = await checkpoints(database).updateOne(
              { _id: from.id, seq: from.seq, writer: from.writer },
              {
                $set: {
                  position: next.position === undefined ? null : positionText(next.position),
                  seq: next.seq,
                  writer,
                  members: { ...next.members },
                  heldUntil: next.heldUntil,
                  at: new Date(),
                },
              },
              { session },
            )
            if (matchedCount === 0) {
              await session.abortTransaction()
              return { kind: 'lost' }
            }
          } catch (error) {
            if (!isConflict(error) || isUnavailable(error)) throw error
            await session.abortTransaction()
            return { kind: 'lost' }
          }
          for (const write of writes) {
            const { collection, inserts, replaces, deletes } = write
            const target: Collection<Keyed> = database.collection(collection)
            try {
              if (inserts.length > 0) await target.insertMany(inserts, { session, ordered: true })
              if (replaces.length > 0)
                await target.bulkWrite(
                  replaces.map((document) => ({
                    replaceOne: { filter: { _id: document._id }, replacement: document, upsert: true },
                  })),
                  { session, ordered: true },
                )
              if (deletes.length > 0) await target.deleteMany({ _id: { $in: [...deletes] } }, { session })
            } catch (error) {
              const refused = refusedBy(error, write)
              if (refused === undefined) throw error
              await session.abortTransaction()
              return refused
            }
          }
          await session.commitTransaction()
          return { kind: 'committed', lane: next }
        } finally {
          // Aborts what is still open; a server that is gone aborts by itself.
          await session.endSession().catch(() => undefined)
        }
      })
    },
  }
}
