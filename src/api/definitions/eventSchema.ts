// Event schemas: which properties the metadata of a custom event holds.
import { EventSchema } from '../../domain/rulebook/eventSchema.ts'
import { shownAs } from '../presenters/parts.ts'
import { bodiesOf, definitionResource } from './resource.ts'

export const eventSchemas = definitionResource('eventSchema', {
  path: '/v1/event-schemas',
  also: ['/management/v1/projects/{projectId}/custom-event-schemas'],
  param: 'customEventSchemaId',
  tag: 'Event schemas',
  one: 'an event schema',
  many: 'event schemas',
  reads: 'event_schemas.read',
  writes: 'event_schemas.write',
  deletes: 'event_schemas.delete',
  ...bodiesOf(EventSchema),
  ...shownAs('custom-event-schema', 'EventSchema', EventSchema.entries),
  describe: {
    create: 'Names a custom event and the properties of its metadata: mandatory unless `optional`.',
    change: 'Properties given are merged into those there are; `deleted: true` stops checking one.',
  },
  patched: ({ definition }, { name, schema }) => ({
    name: name ?? definition.name,
    schema: { properties: { ...definition.schema.properties, ...schema?.properties } },
  }),
})
