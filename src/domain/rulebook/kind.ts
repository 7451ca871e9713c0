// What a kind of definition is: its stored shape, what makes one valid, and what other definitions it leans on.
import type * as v from 'valibot'
import type { RefusalKey } from '../refusal.ts'

/** A fault found in a definition: where, and what is wrong there. */
export interface Fault {
  readonly path: string
  readonly message: string
}

/** One definition names another. */
export interface Reference {
  readonly kind: string
  readonly id: string
}

/** A stored definition with what the stream says of it. */
export interface Entry<D> {
  readonly id: string
  readonly definition: D
  /** Instants in ms since the epoch. */
  readonly createdAt: number
  readonly updatedAt: number | null
  /** The revision of the rulebook's stream at which it got this form, as decimal text. */
  readonly revision: string
  /** Why it is switched off although nobody did: it does not fit the other definitions, or this program. */
  readonly off?: string
}

/** A definition whose newest fact this program cannot read: another version of it wrote that. */
export interface Unreadable {
  readonly kind: string
  readonly id: string
  readonly error: string
}

export type Entries<D> = ReadonlyMap<string, Entry<D>>

export interface Kind<D> {
  /** The beginning of its facts' names: `EventSchema` gives `EventSchemaCreated`, `EventSchemaUpdated`, … */
  readonly fact: string
  /** Of its ids: `cat` gives `cat_…`. */
  readonly prefix: string
  /** What the HTTP contract calls it, in errors. */
  readonly resource: string
  readonly schema: v.GenericSchema<unknown, D>
  /** The name that must be unique within the kind, where there is one; what it says of others it says by their ids. */
  readonly uniqueName?: (definition: D, all: Definitions) => string | undefined
  /**
   * Everything wrong with a definition beside all the others, from which alone it knows them; an empty list lets it in. Asked
   * again of every definition that looked at something that changed.
   */
  readonly check: (id: string, definition: D, all: Definitions) => readonly Fault[]
  /** What only a change of the definition itself can bring about, and so is asked of that alone. */
  readonly checkChange?: (id: string, definition: D, all: Definitions) => readonly Fault[]
  /** What an error calls these faults; `invalid_payload` where it is not said. */
  readonly faultKey?: (faults: readonly Fault[]) => RefusalKey
  /** What is let in although it is likely a mistake, in words: a warning goes with the answer. */
  readonly doubts?: (definition: D, all: Definitions) => readonly string[]
  /** Segments whose entries and exits it waits for: a passive one becomes an auto-update one with it. */
  readonly activates?: (definition: D) => readonly string[]
  /** The definition with which it is deleted: it says something of that alone. */
  readonly goesWith?: (definition: D, all: Definitions) => Reference | undefined
  /** The definitions it cannot do without: they cannot be deleted while it is there. */
  readonly uses: (definition: D, all: Definitions) => readonly Reference[]
}

/** All definitions of a project at one revision of its rulebook. */
export interface Definitions {
  /** The revision of the last definition fact folded in, as decimal text; `-1` for an empty rulebook. */
  readonly revision: string
  readonly project: Project | undefined
  readonly entries: Readonly<Record<string, Entries<never>>>
  /** By kind and id as in `segment/seg_1`; their entries have the form of before, or are not there. */
  readonly unreadable: ReadonlyMap<string, Unreadable>
}

/** What holds for the whole project; the first fact of its rulebook. */
/** Whether messages go out unless the customer refused, or only to who agreed. */
export const CONSENT_RULES = ['refusals', 'required'] as const
export type ConsentRule = (typeof CONSENT_RULES)[number]

export interface Project {
  readonly id: string
  /** The key of the hash that turns a `source_id` into a customer's id. */
  readonly customerKey: string
  /** IANA name. */
  readonly timeZone: string
  /** Whether messages need a consent, or only must not have been refused, as where it is absent. */
  readonly consent?: ConsentRule
  /** The revision of the rulebook's stream since which it is that one, as decimal text; absent when it never was another. */
  readonly zoneSince?: string
  /** Those that it had before, oldest first, each with the revision at which it ended. */
  readonly formerZones?: readonly { readonly until: string; readonly timeZone: string }[]
}

/** The project's time zone under the rulebook of a revision. */
export const zoneAt = ({ timeZone, formerZones = [] }: Project, revision: string): string =>
  formerZones.find(({ until }) => BigInt(revision) < BigInt(until))?.timeZone ?? timeZone
