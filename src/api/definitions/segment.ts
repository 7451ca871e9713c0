// Segments: which customers are in them, by a list or by a condition.
import * as v from 'valibot'
import { MAX_CONDITION_NESTING } from '../../domain/conditions/faults.ts'
import { isCustomerId } from '../../domain/ids.ts'
import { Segment, SegmentType } from '../../domain/rulebook/segment.ts'
import { absent } from '../../http/fields.ts'
import type { Background } from '../../services.ts'
import { SegmentObject, showSegment } from '../presenters/segments.ts'
import { definitionResource, recorded } from './resource.ts'

/** The two forms of a condition. */
export const conditionForms = {
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
const fields = { ...Segment.entries, ...listed, ...conditionForms }

/** Filters make passive segments unless the caller says otherwise; a list makes a static one. */
const SegmentBody = v.pipe(
  v.object({ ...fields, type: v.optional(SegmentType) }),
  recorded(...SHOWN),
  v.transform((body): Segment => ({ ...body, type: body.type ?? (body.customers ? 'static' : 'passive') })),
)

const SegmentPatch = v.pipe(
  v.partial(v.object({ ...fields, trigger_on_rollout: v.optional(v.boolean()) })),
  recorded(...SHOWN),
)

const patched = (old: Segment, patch: v.InferOutput<typeof SegmentPatch>): Segment => {
  // The two forms of a condition exclude each other: giving one replaces the other.
  const { filter, condition, ...rest } = old
  const form = patch.filter || patch.condition ? {} : { ...(filter && { filter }), ...(condition && { condition }) }
  return { ...rest, ...form, ...patch }
}

/** Shown with how far the roll-out of each is. */
export const segments = (background: Background) =>
  definitionResource('segment', {
    path: '/v1/segments',
    tag: 'Segments',
    one: 'a segment',
    many: 'segments',
    body: SegmentBody,
    patch: SegmentPatch,
    bodyNesting: MAX_CONDITION_NESTING,
    response: SegmentObject,
    show: (entry) => showSegment(entry, background),
    describe: {
      create:
        'Static (listed `customers`), passive or auto-update (a `filter`, or a `condition` in the native form). Customers there ' +
        'are come under it in the background; only auto-update segments make entered and left events.',
      change: 'All customers come under the new definition in the background, by default without triggering anything.',
      remove: 'Refused, with the list of users, while something refers to it.',
      get: 'With the progress of its roll-out.',
    },
    patched: ({ definition }, patch) => patched(definition, patch),
    own: ['list'],
  })
