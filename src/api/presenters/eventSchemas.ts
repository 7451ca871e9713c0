// How event schemas show.

import * as v from 'valibot'
import { present } from '../../domain/present.ts'
import { EventSchema } from '../../domain/rulebook/eventSchema.ts'
import type { Entry } from '../../domain/rulebook/kind.ts'
import { isoOf, isoOrNull, offOf } from '../shapes.ts'

export const EventSchemaObject = v.pipe(
  v.object({
    id: v.string(),
    ...EventSchema.entries,
    created_at: v.string(),
    updated_at: v.optional(v.string()),
    switched_off: v.optional(v.string()),
    object: v.literal('custom-event-schema'),
  }),
  v.title('EventSchema'),
)

/** An event schema as the HTTP contract shows it. */
export const showEventSchema = (entry: Entry<EventSchema>) => ({
  id: entry.id,
  ...entry.definition,
  created_at: isoOf(entry.createdAt),
  ...present({ updated_at: isoOrNull(entry.updatedAt) }),
  ...offOf(entry),
  object: 'custom-event-schema' as const,
})
