// The compiled rulebook: definitions with what decisions look up, prepared once for each revision.
import type { EventSchema } from './eventSchema.ts'
import type { Definitions, Entries, Entry, Project } from './kind.ts'
import { type DefinitionOf, entriesOf, type KindName } from './kinds.ts'

export interface Rulebook {
  /** The revision of the last definition change, as decimal text: exactly which rules a fact was decided under. */
  readonly revision: string
  readonly project: Project
  readonly definitions: Definitions
  entries<K extends KindName>(kind: K): Entries<DefinitionOf<K>>
  schemaOf(event: string): Entry<EventSchema> | undefined
  /** What a capability prepares from the rulebook, made at first use and kept for as long as the rulebook. */
  prepared<T>(prepare: (rulebook: Rulebook) => T): T
}

const NO_PROJECT: Project = { id: 'none', customerKey: '', timeZone: 'UTC' }

export const compileRulebook = (definitions: Definitions): Rulebook => {
  const schemas = new Map<string, Entry<EventSchema>>()
  for (const entry of entriesOf(definitions, 'eventSchema').values()) schemas.set(entry.definition.name, entry)
  const prepared = new Map<unknown, unknown>()
  const rulebook: Rulebook = {
    revision: definitions.revision,
    project: definitions.project ?? NO_PROJECT,
    definitions,
    entries: (kind) => entriesOf(definitions, kind),
    schemaOf: (event) => schemas.get(event),
    prepared: <T>(prepare: (rulebook: Rulebook) => T): T => {
      if (!prepared.has(prepare)) prepared.set(prepare, prepare(rulebook))
      return prepared.get(prepare) as T
    },
  }
  return rulebook
}

/**
 * Compiles one definition at most once for as long as it stays the same, over all revisions of the rulebook: changing one
 * definition of a thousand compiles one.
 */
export const compiledOnce = <D, T>(compile: (entry: Entry<D>, rulebook: Rulebook) => T) => {
  const cache = new WeakMap<Entry<D>, T>()
  return (entry: Entry<D>, rulebook: Rulebook): T => {
    const known = cache.get(entry)
    if (known !== undefined) return known
    const made = compile(entry, rulebook)
    cache.set(entry, made)
    return made
  }
}
