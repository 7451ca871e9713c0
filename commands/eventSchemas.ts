// Changing event schemas: create, update, delete. Only the admin role may; each change is a fact of the rulebook.
import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { EventSchemaObject, showEventSchema } from '../queries/eventSchemas.ts'
import { idFrom } from '../src/domain/ids.ts'
import { type Refused, refuseNotFound } from '../src/domain/refusal.ts'
import { EventSchema } from '../src/domain/rulebook/eventSchema.ts'
import type { DefinitionChange } from '../src/domain/rulebook/facts.ts'
import { entriesOf } from '../src/domain/rulebook/kinds.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { changeDefinitions, recorded } from './definitions.ts'

const LIST = '/v1/event-schemas'
const ONE = '/v1/event-schemas/{customEventSchemaId}'
const MANAGED = '/management/v1/projects/{projectId}/custom-event-schemas'

const EventSchemaBody = v.pipe(EventSchema, recorded())
const EventSchemaUpdate = v.pipe(v.partial(EventSchema), recorded())

export const eventSchemaCommands = (services: Services) => {
  return [
    route({
      method: 'post',
      path: LIST,
      also: [MANAGED],
      summary: 'Create an event schema',
      description: 'Names a custom event and the properties of its metadata: mandatory unless `optional`.',
      tag: 'Event schemas',
      permission: 'event_schemas.write',
      body: EventSchemaBody,
      response: EventSchemaObject,
      handler: (call): Promise<Outcome> => {
        const id = idFrom('ms', call.idempotencyKey ?? randomBytes(16).toString('hex'))
        return changeDefinitions(
          services,
          call,
          () => [{ kind: 'eventSchema', verb: 'Created', id, definition: call.body, occurredAt: call.now }],
          (rulebook) => ({ body: showEventSchema(rulebook.entries('eventSchema').get(id)!) }),
        )
      },
    }),
    route({
      method: 'put',
      ifMatch: true,
      path: ONE,
      also: [`${MANAGED}/{customEventSchemaId}`],
      summary: 'Change an event schema',
      description: 'Properties given are merged into those there are; `deleted: true` stops checking one.',
      tag: 'Event schemas',
      permission: 'event_schemas.write',
      body: EventSchemaUpdate,
      response: EventSchemaObject,
      handler: (call): Promise<Outcome> => {
        const { customEventSchemaId: id } = call.params
        return changeDefinitions(
          services,
          call,
          (definitions): readonly DefinitionChange[] | Refused => {
            const old = entriesOf(definitions, 'eventSchema').get(id)
            if (!old) return refuseNotFound('custom_event_schema', id)
            const definition: EventSchema = {
              name: call.body.name ?? old.definition.name,
              schema: {
                properties: { ...old.definition.schema.properties, ...call.body.schema?.properties },
              },
            }
            return [{ kind: 'eventSchema', verb: 'Updated', id, definition, occurredAt: call.now }]
          },
          (rulebook) => ({ body: showEventSchema(rulebook.entries('eventSchema').get(id)!) }),
        )
      },
    }),
    route({
      method: 'delete',
      ifMatch: true,
      path: ONE,
      also: [`${MANAGED}/{customEventSchemaId}`],
      summary: 'Delete an event schema',
      tag: 'Event schemas',
      permission: 'event_schemas.delete',
      status: 204,
      handler: (call): Promise<Outcome> =>
        changeDefinitions(
          services,
          call,
          () => [{ kind: 'eventSchema', verb: 'Deleted', id: call.params.customEventSchemaId, occurredAt: call.now }],
          () => ({ status: 204 }),
        ),
    }),
  ]
}
