// Changing event schemas: create, update, delete. Only the admin role may; each change is a fact of the rulebook.
import * as v from 'valibot'
import { EventSchemaObject, showEventSchema } from '../src/api/presenters/eventSchemas.ts'
import { EVENT_SCHEMAS } from '../src/api/resources.ts'
import { EventSchema } from '../src/domain/rulebook/eventSchema.ts'
import type { Services } from '../src/services.ts'
import { definitionRoutes } from './definitionRoutes.ts'
import { recorded } from './definitions.ts'

export const eventSchemaCommands = (services: Services) => {
  const { create, change, remove } = definitionRoutes(services, EVENT_SCHEMAS, {
    body: v.pipe(EventSchema, recorded()),
    patch: v.pipe(v.partial(EventSchema), recorded()),
    response: EventSchemaObject,
    describe: {
      create: 'Names a custom event and the properties of its metadata: mandatory unless `optional`.',
      change: 'Properties given are merged into those there are; `deleted: true` stops checking one.',
    },
    show: showEventSchema,
    patched: ({ definition }, { name, schema }) => ({
      name: name ?? definition.name,
      schema: { properties: { ...definition.schema.properties, ...schema?.properties } },
    }),
  })
  return [create, change, remove]
}
