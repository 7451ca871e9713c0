// Creating, changing, deleting and previewing segments.

import * as v from 'valibot'
import type { CustomerDocument } from '../projections/customers.ts'
import { CustomerObject, showCustomer } from '../src/api/presenters/customers.ts'
import { SegmentObject, showSegment } from '../src/api/presenters/segments.ts'
import { SEGMENTS } from '../src/api/resources.ts'
import { MAX_CONDITION_NESTING } from '../src/domain/conditions/faults.ts'
import { isCustomerId } from '../src/domain/ids.ts'
import { parseSegment, Segment, SegmentType } from '../src/domain/rulebook/segment.ts'
import { answerOf } from '../src/http/answers.ts'
import { refuse } from '../src/http/errors.ts'
import { absent } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import { preview } from '../src/rollout/preview.ts'
import type { Services } from '../src/services.ts'
import { definitionRoutes } from './definitionRoutes.ts'
import { recorded } from './definitions.ts'

const forms = {
  filter: v.optional(absent(Segment.entries.filter.wrapped)),
  condition: v.optional(absent(Segment.entries.condition.wrapped)),
}

/** Members by hand. Another name than an id is nobody's: it would be taken, counted and find no one. */
const listed = {
  customers: v.optional(
    v.pipe(
      Segment.entries.customers.wrapped,
      v.everyItem((id) => isCustomerId(id), 'must be ids of customers (cust_…)'),
    ),
  ),
}

const SHOWN = ['customers_count', 'initial_sync_status', 'rollout']

/** Filters make passive segments unless the caller says otherwise; a list makes a static one. */
const SegmentBody = v.pipe(
  v.object({ ...Segment.entries, ...listed, ...forms, type: v.optional(SegmentType) }),
  recorded(...SHOWN),
  v.transform((body): Segment => ({ ...body, type: body.type ?? (body.customers ? 'static' : 'passive') })),
)

const SegmentPatch = v.pipe(
  v.partial(v.object({ ...Segment.entries, ...listed, ...forms, trigger_on_rollout: v.optional(v.boolean()) })),
  recorded(...SHOWN),
)

/** More customers than there is time to look at. */
const MAX_SAMPLE = 1_000_000

const PreviewBody = v.object({
  ...forms,
  /** At most so many customers are looked at, drawn by chance; all of them when absent. */
  sample: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_SAMPLE))),
})

const EXAMPLES = 20
/** A preview answers with what it has when this much of the request's time is used. */
const PREVIEW_SHARE = 0.8

const patched = (old: Segment, patch: v.InferOutput<typeof SegmentPatch>): Segment => {
  // The two forms of a condition exclude each other: giving one replaces the other.
  const { filter, condition, ...rest } = old
  const form = patch.filter || patch.condition ? {} : { ...(filter && { filter }), ...(condition && { condition }) }
  return { ...rest, ...form, ...patch }
}

export const segmentCommands = (services: Services) => {
  const { create, change, remove } = definitionRoutes(services, SEGMENTS, {
    body: SegmentBody,
    patch: SegmentPatch,
    bodyNesting: MAX_CONDITION_NESTING,
    response: SegmentObject,
    describe: {
      create:
        'Static (listed `customers`), passive or auto-update (a `filter`, or a `condition` in the native form). Customers there ' +
        'are come under it in the background; only auto-update segments make entered and left events.',
      change: 'All customers come under the new definition in the background, by default without triggering anything.',
      remove: 'Refused, with the list of users, while something refers to it.',
    },
    show: (entry) => showSegment(entry, services),
    patched: ({ definition }, patch) => patched(definition, patch),
  })
  return [create, change, remove, previewing(services)]
}

const previewing = (services: Services) =>
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
      const parsed = parseSegment({ name: 'preview', type: 'passive', trigger_on_rollout: false, ...form }, definitions)
      if (!parsed.ok)
        return refuse('invalid_payload', parsed.faults.map((f) => `Property .${f.path} ${f.message}`).join(', '))
      const deadline = call.now + services.settings.requestLimitMs * PREVIEW_SHARE
      const result = await preview(services, parsed.condition, call.now, { deadline, most, signal: call.signal })
      const examples = await services.readModel
        .collection<CustomerDocument>('customers')
        .find({ _id: { $in: result.customers.slice(0, EXAMPLES) as string[] } }, { sort: { _id: 1 }, limit: EXAMPLES })
      return { body: { object: 'segment_preview', ...result, examples: examples.map((c) => showCustomer(c)) } }
    },
  })
