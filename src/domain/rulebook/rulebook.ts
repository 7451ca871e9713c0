// The compiled rulebook: definitions with what decisions look up, prepared once for each revision.

import { entriesOf } from './entries.ts'
import type { EventSchema } from './eventSchema.ts'
import { namedIn } from './keptWhile.ts'
import type { Definitions, Entries, Entry, Project } from './kind.ts'
import type { DefinitionOf, KindName } from './kinds.ts'
import { keyOf, type Unsound, unsoundIn, wordsOf } from './sound.ts'

export interface Rulebook {
  /** The revision of the last definition change, as decimal text: exactly which rules a fact was decided under. */
  readonly revision: string
  readonly project: Project
  readonly definitions: Definitions
  /** The definitions of a kind. One that does not fit the others says so (`off`), and is not active where it could be. */
  entries<K extends KindName>(kind: K): Entries<DefinitionOf<K>>
  schemaOf(event: string): Entry<EventSchema> | undefined
  /** Those that are switched off because they do not fit the others, or this program; by kind and id as in `segment/seg_1`. */
  readonly off: ReadonlyMap<string, Unsound>
  isOff(kind: KindName, id: string): boolean
  /** What a capability prepares from the rulebook, made at first use and kept for as long as the rulebook. */
  prepared<T>(prepare: (rulebook: Rulebook) => T): T
}

const NO_PROJECT: Project = { id: 'none', customerKey: '', timeZone: 'UTC' }

const switchedOff = <D>(entry: Entry<D>, { faults }: Unsound): Entry<D> => {
  const { definition } = entry
  const isActive = typeof definition === 'object' && definition !== null && 'active' in definition
  return { ...entry, off: wordsOf(faults), definition: isActive ? { ...definition, active: false } : definition }
}

/** The definitions of one kind with those switched off that do not fit. */
const entriesInForce = <D>(all: Entries<D>, kind: KindName, off: ReadonlyMap<string, Unsound>): Entries<D> =>
  new Map(
    [...all].map(([id, entry]) => {
      const unsound = off.get(keyOf(kind, id))
      return [id, unsound ? switchedOff(entry, unsound) : entry]
    }),
  )

/** Compiles the definitions, whatever they are: what is at fault is switched off, and everything else works. */
export const compileRulebook = (definitions: Definitions): Rulebook => {
  const off = unsoundIn(definitions)
  const prepared = new Map<unknown, unknown>()
  const inForce = new Map<KindName, Entries<never>>()
  for (const { kind } of off.values())
    inForce.set(kind, entriesInForce(entriesOf(definitions, kind), kind, off) as Entries<never>)
  const schemas = namedIn<EventSchema>(definitions, 'eventSchema')
  const rulebook: Rulebook = {
    revision: definitions.revision,
    project: definitions.project ?? NO_PROJECT,
    definitions,
    entries: <K extends KindName>(kind: K) =>
      (inForce.get(kind) as Entries<DefinitionOf<K>> | undefined) ?? entriesOf(definitions, kind),
    schemaOf: (event) => schemas.get(event),
    off,
    isOff: (kind, id) => off.has(keyOf(kind, id)),
    prepared: <T>(prepare: (rulebook: Rulebook) => T): T => {
      if (!prepared.has(prepare)) prepared.set(prepare, prepare(rulebook))
      return prepared.get(prepare) as T
    },
  }
  return rulebook
}
