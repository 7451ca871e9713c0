// Lanes: sets of collections that move along the log together. A lane's one document is the checkpoint, and it changes only
// by compare-and-set in the same transaction that writes the documents.
import type { Collection, Db, Document } from 'mongodb'
import type { Keyed } from './collection.ts'
import { CHECKPOINTS, commitLane } from './commit.ts'
import { type Committer, createCommitters } from './committers.ts'
import { isDuplicateKey, ReadModelUnavailable } from './errors.ts'
import { textOf } from './positions.ts'

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
  /** Somebody else moved the lane, or is `underWay` doing so in an open transaction: nothing was written. */
  | { readonly kind: 'lost'; readonly underWay: boolean }
  /**
   * The store refuses documents for good: nothing was written. All that could be found within some seconds are named; none when
   * nothing but the whole is refused.
   */
  | { readonly kind: 'rejected'; readonly refused: readonly RefusedDocument[]; readonly error: string }

/** A document that the store does not take, however often it is tried. */
export interface RefusedDocument {
  readonly collection: string
  readonly key: string
  readonly error: string
}

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
  /** For one that commits again and again, see Committer. */
  committer(id: string, writer: string): Promise<Committer>
  /** Ends open transactions that other committers of this lane left behind: a dead process keeps its lane locked for a minute. */
  endOthers(id: string, writer: string): Promise<void>
  /**
   * Keeps others away from the lane for `ms` milliseconds: every move that is under way loses. undefined: there is no such lane, or
   * somebody else holds it.
   */
  hold(id: string, writer: string, ms: number): Promise<Lane | undefined>
  remove(id: string): Promise<void>
}

export interface LaneDocument extends Document {
  _id: string
  position: string | null
  seq: number
  writer: string
  members: Record<string, Member>
  heldUntil: number
  at: Date
}

const laneOf = ({ _id, position, seq, writer, members, heldUntil }: LaneDocument): Lane => ({
  id: _id,
  position: position === null ? undefined : BigInt(position),
  seq,
  writer,
  members,
  heldUntil,
})

export const createLanes = (
  db: () => Db,
  run: <T>(action: () => Promise<T>) => Promise<T>,
  now: () => number,
): Lanes => {
  const checkpoints = (): Collection<LaneDocument> => db().collection(CHECKPOINTS)
  const committers = createCommitters(db, run)

  const read = async (id: string) => {
    const found = await run(() => checkpoints().findOne({ _id: id }))
    return found ? laneOf(found) : undefined
  }

  return {
    read,

    async create({ id, members, writer, position }) {
      const document: LaneDocument = {
        _id: id,
        position: textOf(position),
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
          { _id: id, heldUntil: { $lte: now() } },
          { $inc: { seq: 1 }, $set: { heldUntil: now() + ms, writer, at: new Date() } },
          { returnDocument: 'after' },
        ),
      )
      return held ? laneOf(held) : undefined
    },

    async remove(id) {
      await run(() => checkpoints().deleteOne({ _id: id }))
    },

    async commit(from, writer, change, writes) {
      return run(async () => {
        // One client throughout: it may be replaced at any moment.
        const database = db()
        const session = database.client.startSession()
        try {
          return await commitLane(database, session, from, writer, change, writes, { isTogether: true })
        } finally {
          await session.endSession().catch(() => undefined)
        }
      })
    },

    committer: (lane, writer) => committers.open(lane, writer),
    endOthers: (lane, writer) => committers.endOthers(lane, writer),
  }
}
