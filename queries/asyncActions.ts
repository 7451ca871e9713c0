// Reading what is done in the background: how far each job on vouchers has got, and what became of its items.

import * as v from 'valibot'
import type { AsyncActionDocument } from '../projections/asyncActions.ts'
import { listBody, orderOf, pagedByNumber, pageOf } from '../src/api/lists/pager.ts'
import { spanFields, spanFilter } from '../src/api/lists/range.ts'
import { documents } from '../src/api/lists/sources.ts'
import { AsyncActionObject, ListedAction, showAction, showJob } from '../src/api/presenters/asyncActions.ts'
import { ById } from '../src/api/shapes.ts'
import { listOf } from '../src/http/answers.ts'
import { isFailure, notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { LOG_ORDER } from './events.ts'

const TAG = 'Async actions'

const isOver = (job: AsyncActionDocument['job'] | undefined): boolean =>
  job?.status === 'DONE' || job?.status === 'FAILED'

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
    response: listOf('async_actions', ListedAction),
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
      const job = isOver(known?.job)
        ? known?.job
        : ((await services.voucherJobs.load(params.id))?.progress ?? known?.job)
      if (!job) return notFound('async_action', params.id)
      // Who is told that it is over looks for what it made: the next query of the same key waits for that.
      const isAhead = isOver(job) && !isOver(known?.job)
      return {
        body: showAction(job, known?.request_id ?? ''),
        consistencyToken: isAhead ? await services.store.head() : undefined,
      }
    },
  }),
]
