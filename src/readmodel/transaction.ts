// How the read model's transactions are: of a snapshot, acknowledged by the majority, and never left open.
import type { ClientSession } from 'mongodb'

/** What `work` does, in a transaction that ends with it: committed by `work` itself, or given up. */
export const inTransaction = async <T>(session: ClientSession, work: () => Promise<T>): Promise<T> => {
  session.startTransaction({ readConcern: { level: 'snapshot' }, writeConcern: { w: 'majority' } })
  try {
    return await work()
  } finally {
    if (session.inTransaction()) await session.abortTransaction().catch(() => undefined)
  }
}
