// Reading what is done in the background: how far each job on vouchers has got, and what became of its items.

import * as v from 'valibot'
import type { AsyncActionDocument } from '../projections/asyncActions.ts'
import { type JobProgress, JobType } from '../src/domain/vouchers/job.ts'
import { answerOf, listOf } from '../src/http/answers.ts'
import { isFailure, notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { LOG_ORDER } from './events.ts'
import { documents, listBody, orderOf, pagedByNumber, pageOf } from './pager.ts'
import { spanFields, spanFilter } from './range.ts'
import { ById, isoOf } from './shapes.ts'

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

const showJob = (job: JobProgress, requestId: string) => ({
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
  ...(job.reason === undefined ? {} : { message: job.reason }),
  done_count: job.done,
  failed_count: job.failed,
  failed: job.failures,
})

/** A job with what became of its items. */
export const showAction = (job: JobProgress, requestId: string) => ({
  ...showJob(job, requestId),
  result: showResult(job),
})

const TAG = 'Async actions'

export const asyncActionQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/async-actions',
    summary: 'List what is done in the background, newest first',
    tag: TAG,
    permission: 'jobs.read',
    query: v.object({
      ...pagedByNumber,
      order: orderOf(['created_at'], '-created_at'),
      end_date: spanFields.end_date,
    }),
    response: listOf(
      'async_actions',
      answerOf('async_action', { id: v.string(), type: v.string(), status: v.string() }),
    ),
    handler: async ({ query }): Promise<Outcome> => {
      const filter = spanFilter('created_at', query, services.rulebook.current().project.timeZone)
      const source = documents(services.readModel.collection<AsyncActionDocument>('asyncActions'), filter)
      const page = await pageOf(source, LOG_ORDER, query)
      if (isFailure(page)) return page
      const shown = page.entries.map(({ job, request_id: request }) => showJob(job, request))
      return { body: listBody('async_actions', page, shown) }
    },
  }),
  route({
    method: 'get',
    path: '/v1/async-actions/{id}',
    summary: 'How far a background job has got, and what became of its items',
    tag: TAG,
    permission: 'jobs.read',
    params: ById,
    response: AsyncActionObject,
    handler: async ({ params }): Promise<Outcome> => {
      const known = await services.readModel.collection<AsyncActionDocument>('asyncActions').findOne({ _id: params.id })
      // The stream is ahead of the read model: what is not over there may be over here, and may not seem to go back later.
      const isOver = known?.job.status === 'DONE' || known?.job.status === 'FAILED'
      const job = isOver ? known.job : ((await services.voucherJobs.load(params.id))?.progress ?? known?.job)
      if (!job) return notFound('async_action', params.id)
      return { body: showAction(job, known?.request_id ?? '') }
    },
  }),
]
