// Reading event schemas. The rulebook in memory is their read model: it is never behind its own stream for long.

import { EventSchemaObject, showEventSchema } from '../src/api/presenters/eventSchemas.ts'
import { EVENT_SCHEMAS } from '../src/api/resources.ts'
import type { Services } from '../src/services.ts'
import { definitionReads } from './definitionReads.ts'

export const eventSchemaQueries = (services: Services) => {
  const { list, one } = definitionReads(services, EVENT_SCHEMAS, {
    response: EventSchemaObject,
    show: showEventSchema,
  })
  return [list, one]
}
