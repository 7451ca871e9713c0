// What exists in a project, as conditions need to know it when they are written.
import type { Environment } from '../conditions/environment.ts'
import type { Definitions } from './kind.ts'
import { entriesOf } from './kinds.ts'

/** The environment that the definitions make. */
export const environmentOf = (definitions: Definitions): Environment => ({
  timeZone: definitions.project?.timeZone ?? 'UTC',
  eventSchemas: new Map(
    [...entriesOf(definitions, 'eventSchema').values()].map((entry) => [
      entry.definition.name,
      { properties: entry.definition.schema.properties },
    ]),
  ),
  segments: new Map(
    [...entriesOf(definitions, 'segment').values()].map((entry) => [entry.id, { name: entry.definition.name }]),
  ),
  campaigns: new Map(
    [...entriesOf(definitions, 'campaign').values()].map((entry) => [entry.id, { name: entry.definition.name }]),
  ),
})
