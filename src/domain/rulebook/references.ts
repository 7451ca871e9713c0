// Which definitions a condition names, so that none of them can be deleted from under it.
import type { Condition } from '../conditions/ast.ts'
import { referencesOf } from '../conditions/references.ts'
import type { EventSchema } from './eventSchema.ts'
import { namedIn } from './keptWhile.ts'
import type { Definitions, Entry, Reference } from './kind.ts'

/** The schema of a custom event. */
export const schemaNamed = (name: string, all: Definitions): Entry<EventSchema> | undefined =>
  namedIn<EventSchema>(all, 'eventSchema').get(name)

/** The schemas of those of the events that have one, in the order of the names given. */
export const schemasNamed = (names: readonly string[], all: Definitions): readonly Entry<EventSchema>[] =>
  names.flatMap((name) => schemaNamed(name, all) ?? [])

/** The event schemas, segments and campaigns that a condition names. */
export const referencesIn = (condition: Condition, all: Definitions): readonly Reference[] => {
  const { eventTypes, segments, points } = referencesOf(condition)
  return [
    ...schemasNamed(eventTypes, all).map((entry) => ({ kind: 'eventSchema', id: entry.id })),
    ...segments.map((id) => ({ kind: 'segment', id })),
    ...points.map((id) => ({ kind: 'campaign', id })),
  ]
}
