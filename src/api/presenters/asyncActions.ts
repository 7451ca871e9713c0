// How background work shows: what was accepted, how far it is, what came of it.
import * as v from 'valibot'
import { type JobProgress, JobType } from '../../domain/vouchers/job.ts'
import { isoOf } from '../shapes.ts'

export const AsyncActionObject = v.pipe(
  v.looseObject({
    id: v.string(),
    type: JobType,
    status: v.picklist(['ACCEPTED', 'IN_PROGRESS', 'DONE', 'FAILED']),
    /** Percent. */
    progress: v.number(),
    result: v.nullable(v.looseObject({ done_count: v.number(), failed_count: v.number() })),
    created_at: v.string(),
    object: v.literal('async_action'),
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
