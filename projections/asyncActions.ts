// Jobs on vouchers and how far each has got, for who waits for them.
import { sortable } from '../src/domain/position.ts'
import { evolveJob, isOpen, type JobProgress, standingOf } from '../src/domain/vouchers/job.ts'
import { projection, toEach } from './projection.ts'

export interface AsyncActionDocument {
  readonly _id: string
  readonly open: boolean
  /** It could not be done, and nobody has said yet that this is known. */
  readonly failed: boolean
  readonly created_at: Date
  readonly updated_at: Date
  /** The request that asked for it. */
  readonly request_id: string
  /** The place in the log of the wish, as sortable text. */
  readonly position: string
  readonly job: JobProgress
}

export const asyncActions = projection<AsyncActionDocument>({
  name: 'asyncActions',
  version: 3,
  indexes: [{ key: { position: 1 } }, { key: { open: 1, updated_at: 1 } }, { key: { failed: 1, position: 1 } }],
  streams: (stream) => stream,
  on: {
    ...toEach(
      ['VoucherJobRequested', 'VoucherJobAdvanced', 'VoucherJobFailed', 'VoucherJobCanceled', 'VoucherJobRetried'],
      ({ data }) => data.id,
      (before: AsyncActionDocument | null, fact, { key }) => {
        const job = evolveJob(before?.job ?? null, fact)
        if (!job) return before
        return {
          _id: key,
          open: isOpen(job),
          failed: standingOf(job) === 'failed',
          created_at: new Date(job.createdAt),
          updated_at: new Date(job.updatedAt),
          request_id: before?.request_id ?? fact.metadata.$correlationId,
          position: before?.position ?? sortable(fact.position),
          job,
        }
      },
    ),
  },
})
