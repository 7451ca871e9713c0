// Previewing segments.

import * as v from 'valibot'
import type { CustomerDocument } from '../projections/customers.ts'
import { conditionForms } from '../src/api/definitions/segment.ts'
import { CustomerObject, showCustomer } from '../src/api/presenters/customers.ts'
import { MAX_CONDITION_NESTING } from '../src/domain/conditions/faults.ts'
import { faultText } from '../src/domain/path.ts'
import { parseSegment } from '../src/domain/rulebook/segment.ts'
import { answerOf } from '../src/http/answers.ts'
import { fail } from '../src/http/errors.ts'
import { type Outcome, ofPrimary, route } from '../src/http/route.ts'
import { preview } from '../src/rollout/preview.ts'
import type { Services } from '../src/services.ts'

/** More customers than there is time to look at. */
const MAX_SAMPLE = 1_000_000

const PreviewBody = v.object({
  ...conditionForms,
  /** At most so many customers are looked at, drawn by chance; all of them when absent. */
  sample: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_SAMPLE))),
})

const EXAMPLES = 20
/** A preview answers with what it has when this much of the request's time is used. */
const PREVIEW_SHARE = 0.8

export const segmentCommands = (services: Services) => [
  // It looks at all customers: not in a process that has those in memory of whom events come.
  ...ofPrimary([
    route({
      method: 'post',
      path: '/v1/segments/preview',
      summary: 'Which customers a segment would have',
      description:
        'Nothing is written. `complete` is false when not every one of the `total` customers was looked at: there was not time, or a ' +
        '`sample` was asked for, which costs little and whose share is near that of all.',
      tag: 'Segments',
      permission: 'customers.read',
      body: PreviewBody,
      bodyNesting: MAX_CONDITION_NESTING,
      response: answerOf('segment_preview', {
        examples: v.array(CustomerObject),
        /** Of the customers that were looked at so many are in it; ids of the first of them. */
        matching: v.number(),
        looked_at: v.number(),
        /** All customers that there are. */
        total: v.number(),
        complete: v.boolean(),
        customers: v.array(v.string()),
      }),
      handler: async (call): Promise<Outcome> => {
        const { definitions } = services.rulebook.current()
        const { sample: most = Number.POSITIVE_INFINITY, ...form } = call.body
        const parsed = parseSegment(
          { name: 'preview', type: 'passive', trigger_on_rollout: false, ...form },
          definitions,
        )
        if (!parsed.ok) return fail('invalid_payload', parsed.faults.map(faultText).join(', '))
        const deadline = call.now + services.settings.requestLimitMs * PREVIEW_SHARE
        const result = await preview(services, parsed.condition, call.now, { deadline, most, signal: call.signal })
        const examples = await services.readModel
          .collection<CustomerDocument>('customers')
          .find(
            { _id: { $in: result.customers.slice(0, EXAMPLES) as string[] } },
            { sort: { _id: 1 }, limit: EXAMPLES },
          )
        return { body: { object: 'segment_preview', ...result, examples: examples.map((c) => showCustomer(c)) } }
      },
    }),
  ]),
]
