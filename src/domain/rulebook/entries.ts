// The definitions of one kind. Apart from the table of kinds, which has the kinds in it that ask for each other's definitions here.
import type { Definitions, Entries } from './kind.ts'
import type { DefinitionOf, KindName } from './kinds.ts'

/** The definitions of one kind, by id, in the order in which they were created. */
export const entriesOf = <K extends KindName>(definitions: Definitions, kind: K): Entries<DefinitionOf<K>> =>
  (definitions.entries[kind] ?? NONE) as Entries<DefinitionOf<K>>

const NONE: Entries<never> = new Map()
