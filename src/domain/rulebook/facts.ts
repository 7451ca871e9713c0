// The facts of the rulebook's stream: the project was opened, and a definition was created, changed, switched or deleted.
import * as v from 'valibot'
import { CONSENT_RULES } from './kind.ts'
import { type KindName, kindNamed, kindNames } from './kinds.ts'

const At = v.pipe(v.number(), v.integer())

const VERBS = ['Created', 'Updated', 'Enabled', 'Disabled', 'Deleted'] as const
export type Verb = (typeof VERBS)[number]

export const ProjectOpened = v.object({ id: v.string(), customerKey: v.string(), timeZone: v.string() })
export const ProjectChanged = v.object({
  timeZone: v.string(),
  /** Whether messages need a consent, or only must not have been refused. */
  consent: v.optional(v.picklist(CONSENT_RULES)),
})

export interface RulebookFact {
  readonly type: string
  readonly data: unknown
}

export interface DefinitionChange {
  readonly kind: KindName
  readonly verb: Verb
  readonly id: string
  /** The whole definition as it is from now on; absent when it was deleted. */
  readonly definition?: unknown
  readonly occurredAt: number
  /** Of a recorded fact: what keeps this program from reading the definition. */
  readonly unreadable?: string
}

interface FactSpec {
  readonly version: number
  readonly schema: v.GenericSchema
  readonly unfit?: (data: unknown, error: string) => unknown
}

/** A definition that cannot be read, by another program's doing, is known by its id: it is switched off, and nothing else. */
const unfit = (data: unknown, error: string): unknown => {
  const named = v.safeParse(v.object({ id: v.string(), occurredAt: v.fallback(At, 0) }), data)
  return named.success ? { ...named.output, unreadable: error } : undefined
}

const specsOf = (kind: KindName): [string, FactSpec][] =>
  VERBS.map((verb) => [
    `${kindNamed(kind).fact}${verb}`,
    {
      version: 1,
      schema:
        verb === 'Deleted'
          ? v.object({ id: v.string(), occurredAt: At })
          : v.object({ id: v.string(), definition: kindNamed(kind).schema, occurredAt: At }),
      unfit,
    },
  ])

/** All types of facts in the rulebook's stream with their shapes, for the codec. */
export const rulebookFacts: Readonly<Record<string, FactSpec>> = {
  ProjectOpened: { version: 1, schema: ProjectOpened },
  ProjectChanged: { version: 1, schema: ProjectChanged },
  ...Object.fromEntries(kindNames.flatMap(specsOf)),
}

const changes: ReadonlyMap<string, { readonly kind: KindName; readonly verb: Verb }> = new Map(
  kindNames.flatMap((kind) => VERBS.map((verb) => [`${kindNamed(kind).fact}${verb}`, { kind, verb }] as const)),
)

/** Reads a definition fact; undefined for any other fact. The data has been parsed by the codec. */
export const changeOf = (fact: RulebookFact): DefinitionChange | undefined => {
  const known = changes.get(fact.type)
  if (!known) return undefined
  const data = fact.data as Omit<DefinitionChange, 'kind' | 'verb'>
  return { ...known, ...data }
}

export const factOf = (change: DefinitionChange): RulebookFact => ({
  type: `${kindNamed(change.kind).fact}${change.verb}`,
  data: {
    id: change.id,
    ...(change.verb === 'Deleted' ? {} : { definition: change.definition }),
    occurredAt: change.occurredAt,
  },
})

/** A fact as whoever reads it in the log has it, down to the order of names: so that all nodes show, and tag, the same. */
export const asRead = (fact: RulebookFact): RulebookFact => {
  const spec = rulebookFacts[fact.type]
  const parsed = spec && v.safeParse(spec.schema, fact.data)
  return parsed?.success ? { ...fact, data: parsed.output } : fact
}
