// Jobs that have failed and that nobody has yet retried or cancelled, as the read model has them.
import type { AsyncActionDocument } from '../../projections/asyncActions.ts'
import type { ReadModel } from '../readmodel/index.ts'
import type { FailedItem } from '../worker/quarantine.ts'
import { JOBS } from './voucherJobs.ts'

export interface FailedJobs {
  count(): Promise<number>
  /** Oldest first, in the form of what other workers set aside. */
  list(limit: number): Promise<readonly FailedItem[]>
}

/** Of more than these the count is no help. */
const MAX_COUNTED = 10_000

export const createFailedJobs = (readModel: Pick<ReadModel, 'collection'>): FailedJobs => {
  const actions = readModel.collection<AsyncActionDocument>('asyncActions')
  return {
    count: () => actions.count({ failed: true }, { limit: MAX_COUNTED }),
    list: async (limit) =>
      (await actions.find({ failed: true }, { sort: { position: 1 }, limit })).map(({ _id, job, updated_at: at }) => ({
        process: JOBS,
        fact: _id,
        error: job.reason ?? '',
        tries: 1,
        at,
      })),
  }
}
