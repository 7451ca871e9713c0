// Reading event schemas. The rulebook in memory is their read model: it is never behind its own stream for long.

import * as v from 'valibot'
import { EventSchema } from '../src/domain/rulebook/eventSchema.ts'
import type { Entry } from '../src/domain/rulebook/kind.ts'
import { listOf } from '../src/http/answers.ts'
import { notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
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

const MANAGED = '/management/v1/projects/{projectId}/custom-event-schemas'

export const eventSchemaQueries = ({ rulebook }: Services) => [
  route({
    method: 'get',
    path: '/v1/event-schemas',
    also: [MANAGED],
    summary: 'List event schemas',
    tag: 'Event schemas',
    permission: 'event_schemas.read',
    response: listOf('data', EventSchemaObject),
    handler: (): Outcome => {
      const schemas = [...rulebook.current().entries('eventSchema').values()].map(showEventSchema)
      return { body: { object: 'list', data_ref: 'data', data: schemas, total: schemas.length } }
    },
  }),
  route({
    method: 'get',
    path: '/v1/event-schemas/{customEventSchemaId}',
    also: [`${MANAGED}/{customEventSchemaId}`],
    summary: 'Get an event schema',
    tag: 'Event schemas',
    permission: 'event_schemas.read',
    response: EventSchemaObject,
    handler: (call): Outcome => {
      const entry = rulebook.current().entries('eventSchema').get(call.params.customEventSchemaId)
      return entry
        ? { revision: entry.revision, body: showEventSchema(entry) }
        : notFound('custom_event_schema', call.params.customEventSchemaId)
    },
  }),
]
