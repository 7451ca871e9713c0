// Which definitions a condition names, so that none of them can be deleted from under it.
import type { Condition } from '../conditions/ast.ts'
import { referencesOf } from '../conditions/references.ts'
import type { EventSchema } from './eventSchema.ts'
import type { Definitions, Entry, Reference } from './kind.ts'

/** The event schemas, segments and campaigns that a condition names. */
export const referencesIn = (condition: Condition, all: Definitions): readonly Reference[] => {
  const { eventTypes, segments, points } = referencesOf(condition)
  const schemas = (all.entries.eventSchema ?? new Map()) as ReadonlyMap<string, Entry<EventSchema>>
  return [
    ...[...schemas.values()]
      .filter((entry) => eventTypes.includes(entry.definition.name))
      .map((entry) => ({ kind: 'eventSchema', id: entry.id })),
    ...segments.map((id) => ({ kind: 'segment', id })),
    ...points.map((id) => ({ kind: 'campaign', id })),
  ]
}
