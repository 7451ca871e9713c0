// How background work shows: what was accepted, how far it is, what came of it.
import * as v from 'valibot'
import { type JobProgress, JobType } from '../../domain/vouchers/job.ts'
import { isoOf } from '../shapes.ts'

const fields = {
  id: v.string(),
  type: JobType,
  status: v.picklist(['ACCEPTED', 'IN_PROGRESS', 'DONE', 'FAILED']),
  /** Percent. */
  progress: v.number(),
  /** How many items there are. */
  total: v.number(),
  campaign_id: v.nullable(v.string()),
  request_id: v.string(),
  created_at: v.string(),
  updated_at: v.string(),
  /** ms. */
  processing_time: v.number(),
  object: v.literal('async_action'),
}

/** In lists: what came of it is told of one alone. */
export const ListedAction = v.pipe(v.object(fields), v.title('ListedAsyncAction'))

export const AsyncActionObject = v.pipe(
  v.object({
    ...fields,
    result: v.nullable(
      v.object({
        message: v.optional(v.nullable(v.string())),
        done_count: v.number(),
        failed_count: v.number(),
        failed: v.array(v.record(v.string(), v.unknown())),
      }),
    ),
  }),
  v.title('AsyncAction'),
)

/** What is answered to a request that is dealt with in the background. */
export const AcceptedObject = v.pipe(v.object({ async_action_id: v.string() }), v.title('AsyncActionAccepted'))

export const showJob = (job: JobProgress, requestId: string) => ({
  id: job.id,
  type: job.type,
  status: job.status,
  progress: job.count === 0 ? 100 : Math.floor((100 * (job.done + job.failed)) / job.count),
  total: job.count,
  campaign_id: job.campaign ?? null,
  request_id: requestId,
  created_at: isoOf(job.createdAt),
  updated_at: isoOf(job.updatedAt),
  /** ms. */
  processing_time: job.updatedAt - job.createdAt,
  object: 'async_action' as const,
})

const showResult = (job: JobProgress) => ({
  message: job.reason,
  done_count: job.done,
  failed_count: job.failed,
  failed: job.failures,
})

/** A job with what became of its items. */
export const showAction = (job: JobProgress, requestId: string) => ({
  ...showJob(job, requestId),
  result: showResult(job),
})
