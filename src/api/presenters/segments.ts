// How segments show.

import * as v from 'valibot'
import type { Entry } from '../../domain/rulebook/kind.ts'
import { type Segment, SegmentType } from '../../domain/rulebook/segment.ts'
import type { Background } from '../../services.ts'
import { Metadata, recordOf, switchedOff } from './parts.ts'

export const SegmentObject = v.pipe(
  v.object({
    id: v.string(),
    name: v.string(),
    type: SegmentType,
    filter: v.nullable(Metadata),
    /** Of a segment that was made with the native form of conditions. */
    condition: v.optional(Metadata),
    /** Of a static segment. */
    customers_count: v.optional(v.number()),
    trigger_on_rollout: v.boolean(),
    rollout: v.object({ status: v.string(), done: v.number(), total: v.number() }),
    ...switchedOff,
    created_at: v.string(),
    updated_at: v.optional(v.string()),
    initial_sync_status: v.picklist(['IN_PROGRESS', 'DONE']),
    object: v.literal('segment'),
  }),
  v.title('Segment'),
)

/** A segment as the HTTP contract shows it, with how far its roll-out is. */
export const showSegment = (entry: Entry<Segment>, { rollout }: Background) => {
  const { name, type, filter, condition, customers, trigger_on_rollout } = entry.definition
  const { status, done, total } = rollout.progress(entry.revision)
  return {
    id: entry.id,
    name,
    type,
    filter: filter ?? null,
    condition,
    customers_count: customers?.length,
    trigger_on_rollout,
    ...recordOf(entry),
    initial_sync_status: status,
    rollout: { status, done, total },
    object: 'segment' as const,
  }
}
