// Committers: those who move a lane again and again. Each makes itself known with its session, so that a transaction that it leaves
// open when it dies can be ended by others: the server itself would keep it, and the lane locked, for a minute.
import { Binary, type ClientSession, type Collection, type Db, type Document } from 'mongodb'
import { commitLane, type Way } from './commit.ts'
import { ReadModelUnavailable } from './errors.ts'
import type { Committed, Lane, LaneChange, Writes } from './lanes.ts'

export interface Committer {
  /** As Lanes.commit; one at a time. After it has rejected this committer is done for. */
  commit(from: Lane, change: LaneChange, writes: readonly Writes[]): Promise<Committed>
  close(): Promise<void>
}

interface CommitterDocument extends Document {
  /** The session's id, hexadecimal. */
  _id: string
  lane: string
  writer: string
  at: Date
}

export interface Committers {
  open(lane: string, writer: string): Promise<Committer>
  endOthers(lane: string, writer: string): Promise<void>
}

const idOf = (session: ClientSession): string => {
  const id: unknown = session.id?.id
  if (!(id instanceof Binary)) throw new Error('the driver gave a session no id')
  return Buffer.from(id.buffer).toString('hex')
}

export const createCommitters = (db: () => Db, run: <T>(action: () => Promise<T>) => Promise<T>): Committers => {
  const known = (database: Db): Collection<CommitterDocument> => database.collection('committers')

  const end = async (database: Db, ids: readonly string[]): Promise<void> => {
    if (ids.length === 0) return
    const sessions = ids.map((id) => ({ id: new Binary(Buffer.from(id, 'hex'), Binary.SUBTYPE_UUID) }))
    await database.admin().command({ killSessions: sessions })
    await known(database).deleteMany({ _id: { $in: [...ids] } })
  }

  return {
    async open(lane, writer) {
      const database = db()
      const session = database.client.startSession()
      const way: Way = { isTogether: true }
      let broken = false
      try {
        await run(async () => {
          // What this writer left behind itself is certainly over.
          const own = await known(database).find({ lane, writer }).toArray()
          await end(
            database,
            own.map(({ _id }) => _id),
          )
          // The driver hands a session of its pool out again and again: the same one may have been known before.
          await known(database).replaceOne({ _id: idOf(session) }, { lane, writer, at: new Date() }, { upsert: true })
        })
      } catch (error) {
        await session.endSession().catch(() => undefined)
        throw error
      }
      return {
        async commit(from, change, writes) {
          if (broken) throw new ReadModelUnavailable(`the session that moved lane ${lane} is broken`)
          try {
            return await run(() => commitLane(database, session, from, writer, change, writes, way))
          } catch (error) {
            broken = true
            throw error
          }
        },
        async close() {
          // A broken one stays known: its transaction may still be open.
          if (!broken) await run(() => known(database).deleteOne({ _id: idOf(session) })).catch(() => undefined)
          await session.endSession().catch(() => undefined)
        },
      }
    },

    async endOthers(lane, writer) {
      await run(async () => {
        const database = db()
        const others = await known(database)
          .find({ lane, writer: { $ne: writer } })
          .toArray()
        await end(
          database,
          others.map(({ _id }) => _id),
        )
      })
    },
  }
}
