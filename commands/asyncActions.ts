// What is asked of jobs in the background while they run or after they failed: to end, or to go on.
import type { AsyncActionDocument } from '../projections/asyncActions.ts'
import { contextOf } from '../src/api/context.ts'
import { AsyncActionObject, showAction } from '../src/api/presenters/asyncActions.ts'
import { ById } from '../src/api/shapes.ts'
import { fromRefusal } from '../src/http/errors.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

const WORDS = {
  cancel: {
    summary: 'End a background job',
    description:
      'What was done stays done. The job is `FAILED` with the message `canceled on request`. One that has failed by itself keeps its message, and is not told of any more as a failure that somebody should look after.',
  },
  retry: {
    summary: 'Go on with a background job',
    description:
      'One that has failed, or was ended, goes on where it was; items that have failed (`result.failed`) are gone over again. Nothing is done twice.',
  },
} as const

const change = async (
  services: Services,
  call: Call<unknown, unknown, { id: string }>,
  word: keyof typeof WORDS,
): Promise<Outcome> => {
  const { id } = call.params
  const changed = await services.voucherJobs[word](id, contextOf(call, services))
  if (changed.kind === 'refused') return fromRefusal(changed.refusal)
  const actions = services.readModel.collection<AsyncActionDocument>('asyncActions')
  const known = await actions.findOne({ _id: id }, { projection: { request_id: 1 } })
  return { body: showAction(changed.state.job!.progress, known?.request_id ?? ''), consistencyToken: changed.position }
}

export const asyncActionCommands = (services: Services) =>
  (['cancel', 'retry'] as const).map((word) =>
    route({
      method: 'post',
      path: `/v1/async-actions/{id}/${word}` as '/v1/async-actions/{id}/cancel',
      ...WORDS[word],
      tag: 'Async actions',
      permission: 'jobs.write',
      params: ById,
      response: AsyncActionObject,
      handler: (call): Promise<Outcome> => change(services, call, word),
    }),
  )
