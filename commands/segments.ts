// Creating, changing, deleting and previewing segments.

import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import type { CustomerDocument } from '../projections/customers.ts'
import { CustomerObject, showCustomer } from '../queries/customers.ts'
import { SegmentObject, showSegment } from '../queries/segments.ts'
import { ById } from '../queries/shapes.ts'
import { MAX_CONDITION_NESTING } from '../src/domain/conditions/faults.ts'
import { idFrom } from '../src/domain/ids.ts'
import { type Refused, refuseNotFound } from '../src/domain/refusal.ts'
import type { DefinitionChange } from '../src/domain/rulebook/facts.ts'
import { entriesOf } from '../src/domain/rulebook/kinds.ts'
import { parseSegment, Segment, SegmentType } from '../src/domain/rulebook/segment.ts'
import { answerOf } from '../src/http/answers.ts'
import { refuse } from '../src/http/errors.ts'
import { absent } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import { preview } from '../src/rollout/preview.ts'
import type { Services } from '../src/services.ts'
import { changeDefinitions, recorded } from './definitions.ts'

const forms = {
  filter: v.optional(absent(Segment.entries.filter.wrapped)),
  condition: v.optional(absent(Segment.entries.condition.wrapped)),
}

const SHOWN = ['customers_count', 'initial_sync_status', 'rollout']

/** Filters make passive segments unless the caller says otherwise; a list makes a static one. */
const SegmentBody = v.pipe(
  v.object({ ...Segment.entries, ...forms, type: v.optional(SegmentType) }),
  recorded(...SHOWN),
  v.transform((body): Segment => ({ ...body, type: body.type ?? (body.customers ? 'static' : 'passive') })),
)

const SegmentPatch = v.pipe(
  v.partial(v.object({ ...Segment.entries, ...forms, trigger_on_rollout: v.optional(v.boolean()) })),
  recorded(...SHOWN),
)

const PreviewBody = v.object(forms)

const EXAMPLES = 20
/** A preview answers with what it has when this much of the request's time is used. */
const PREVIEW_SHARE = 0.8

const patched = (old: Segment, patch: v.InferOutput<typeof SegmentPatch>): Segment => {
  // The two forms of a condition exclude each other: giving one replaces the other.
  const { filter, condition, ...rest } = old
  const form = patch.filter || patch.condition ? {} : { ...(filter && { filter }), ...(condition && { condition }) }
  return { ...rest, ...form, ...patch }
}

export const segmentCommands = (services: Services) => [
  route({
    method: 'post',
    path: '/v1/segments',
    summary: 'Create a segment',
    description:
      'Static (listed `customers`), passive or auto-update (a `filter`, or a `condition` in the native form). Customers there ' +
      'are come under it in the background; only auto-update segments make entered and left events.',
    tag: 'Segments',
    permission: 'definitions.write',
    body: SegmentBody,
    bodyNesting: MAX_CONDITION_NESTING,
    response: SegmentObject,
    handler: (call): Promise<Outcome> => {
      const id = idFrom('seg', call.idempotencyKey ?? randomBytes(16).toString('hex'))
      return changeDefinitions(
        services,
        call,
        () => [{ kind: 'segment', verb: 'Created', id, definition: call.body, occurredAt: call.now }],
        (rulebook) => ({ body: showSegment(rulebook.entries('segment').get(id)!, services) }),
      )
    },
  }),
  route({
    method: 'put',
    ifMatch: true,
    path: '/v1/segments/{id}',
    summary: 'Change a segment',
    description:
      'All customers come under the new definition in the background, by default without triggering anything.',
    tag: 'Segments',
    permission: 'definitions.write',
    params: ById,
    body: SegmentPatch,
    bodyNesting: MAX_CONDITION_NESTING,
    response: SegmentObject,
    handler: (call): Promise<Outcome> => {
      const { id } = call.params
      return changeDefinitions(
        services,
        call,
        (definitions): readonly DefinitionChange[] | Refused => {
          const old = entriesOf(definitions, 'segment').get(id)
          if (!old) return refuseNotFound('segment', id)
          const definition = patched(old.definition, call.body)
          return [{ kind: 'segment', verb: 'Updated', id, definition, occurredAt: call.now }]
        },
        (rulebook) => ({ body: showSegment(rulebook.entries('segment').get(id)!, services) }),
      )
    },
  }),
  route({
    method: 'delete',
    ifMatch: true,
    path: '/v1/segments/{id}',
    summary: 'Delete a segment',
    description: 'Refused, with the list of users, while something refers to it.',
    tag: 'Segments',
    permission: 'definitions.write',
    params: ById,
    status: 204,
    handler: (call): Promise<Outcome> =>
      changeDefinitions(
        services,
        call,
        () => [{ kind: 'segment', verb: 'Deleted', id: call.params.id, occurredAt: call.now }],
        () => ({ status: 204 }),
      ),
  }),
  route({
    method: 'post',
    path: '/v1/segments/preview',
    summary: 'Which customers a segment would have',
    description: 'Nothing is written. `complete` is false when there was not time to look at every customer.',
    tag: 'Segments',
    permission: 'customers.read',
    body: PreviewBody,
    bodyNesting: MAX_CONDITION_NESTING,
    response: answerOf('segment_preview', { examples: v.array(CustomerObject) }),
    handler: async (call): Promise<Outcome> => {
      const { definitions } = services.rulebook.current()
      const parsed = parseSegment(
        { name: 'preview', type: 'passive', trigger_on_rollout: false, ...call.body },
        definitions,
      )
      if (!parsed.ok)
        return refuse('invalid_payload', parsed.faults.map((f) => `Property .${f.path} ${f.message}`).join(', '))
      const deadline = call.now + services.settings.requestLimitMs * PREVIEW_SHARE
      const result = await preview(services, parsed.condition, call.now, deadline, services.clock.now)
      const examples = await services.readModel
        .collection<CustomerDocument>('customers')
        .find({ _id: { $in: result.customers.slice(0, EXAMPLES) as string[] } }, { sort: { _id: 1 }, limit: EXAMPLES })
      return { body: { object: 'segment_preview', ...result, examples: examples.map((c) => showCustomer(c)) } }
    },
  }),
]
