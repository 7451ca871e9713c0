// Reading event schemas. The rulebook in memory is their read model: it is never behind its own stream for long.

import * as v from 'valibot'
import { EVENT_SCHEMAS } from '../src/api/resources.ts'
import { EventSchema } from '../src/domain/rulebook/eventSchema.ts'
import type { Entry } from '../src/domain/rulebook/kind.ts'
import type { Services } from '../src/services.ts'
import { definitionReads } from './definitionReads.ts'
import { isoOf, offOf } from './shapes.ts'

export const EventSchemaObject = v.pipe(
  v.object({
    id: v.string(),
    ...EventSchema.entries,
    created_at: v.string(),
    updated_at: v.nullable(v.string()),
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
  updated_at: entry.updatedAt === null ? null : isoOf(entry.updatedAt),
  ...offOf(entry),
  object: 'custom-event-schema' as const,
})

export const eventSchemaQueries = (services: Services) => {
  const { list, one } = definitionReads(services, EVENT_SCHEMAS, {
    response: EventSchemaObject,
    show: showEventSchema,
  })
  return [list, one]
}
