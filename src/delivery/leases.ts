// Leases: which dispatcher works on which message, and until when. They only keep dispatchers out of each other's way; that a
// message was sent is known from its stream alone.
import { randomBytes } from 'node:crypto'
import { isDuplicateKey, type ReadModel } from '../readmodel/index.ts'

export interface LeaseDocument {
  readonly _id: string
  /** The dispatcher, and the claim by which it got it. */
  readonly node: string
  readonly claim: string
  readonly until: Date
}

export interface Leases {
  /**
   * Claims messages until `until`; gives the ids that nobody else holds. What this dispatcher holds itself it gets again: a
   * claim or a release whose answer was lost in the store's trouble keeps no message waiting.
   */
  claim(ids: readonly string[], now: number, until: number): Promise<ReadonlySet<string>>
  /** Gives back messages that are done with, in the background. */
  release(id: string): void
  /** Ids of messages that somebody works on. */
  held(now: number, limit: number): Promise<readonly string[]>
  /** Writes what is still to be given back. */
  flush(): Promise<void>
}

export const LEASES = 'messageLeases'

/** Makes the collection ready. What dispatchers that died left in it, overdue at `now` (ms), is taken away: it holds nobody off. */
export const createLeases = async (readModel: ReadModel, holder: string, now: number): Promise<Leases> => {
  await readModel.prepare(LEASES, [{ key: { until: 1 } }])
  const collection = readModel.plain<LeaseDocument>(LEASES)
  await collection.deleteMany({ until: { $lt: new Date(now) } })
  const given: string[] = []
  let writing: Promise<void> | undefined

  const write = async (): Promise<void> => {
    while (given.length > 0) {
      const ids = given.splice(0, 500)
      // Only our own: whoever took an overdue one over keeps it. One that stays by mistake ends by itself.
      await collection.deleteMany({ _id: { $in: ids }, node: holder }).catch(() => undefined)
    }
    writing = undefined
  }

  return {
    async claim(ids, now, until) {
      if (ids.length === 0) return new Set()
      // What was given back and is claimed again must not be taken away by the one that comes late.
      await writing
      const claim = randomBytes(12).toString('hex')
      try {
        await collection.bulkWrite(
          ids.map((id) => ({
            updateOne: {
              filter: { _id: id, $or: [{ until: { $lt: new Date(now) } }, { node: holder }] },
              update: { $set: { node: holder, claim, until: new Date(until) } },
              upsert: true,
            },
          })),
          { ordered: false },
        )
        return new Set(ids)
      } catch (error) {
        if (!isDuplicateKey(error)) throw error
        // Somebody holds some of them; the others are ours.
        const ours = await collection.find({ _id: { $in: [...ids] }, claim }, { limit: ids.length })
        return new Set(ours.map((lease) => lease._id))
      }
    },
    release(id) {
      given.push(id)
      writing ??= new Promise<void>((resolve) => setImmediate(resolve)).then(write)
    },
    async held(now, limit) {
      const leases = await collection.find({ until: { $gte: new Date(now) } }, { limit, sort: { until: -1 } })
      return leases.map((lease) => lease._id)
    },
    async flush() {
      while (writing) await writing
    },
  }
}
