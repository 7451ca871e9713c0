// What a projection is: a pure description of documents that follow from facts. It knows no database and no clock.

import type * as v from 'valibot'
import type { RecordedFact } from '../src/domain/recorded.ts'
import type { FactTables } from '../src/domain/registry.ts'
import { erasedBy, erasedKeys, type Traced } from '../src/domain/traces.ts'

/** A document of a read model: plain fields. `_id`, the key that the projection gave, is set by the projector. */
export type ProjectedDocument = object

export interface ProjectionIndex {
  readonly key: Readonly<Record<string, 1 | -1>>
  readonly unique?: boolean
  readonly sparse?: boolean
}

/**
 * Two laws hold for every projection: any split of the facts into batches gives the same documents, and facts that are
 * applied twice give the same documents (the projector keeps the second with the position of a document's newest fact).
 *
 * `evolve` must not change the document it is given: return the same object for "nothing changes", a new one for a
 * change, null for "there is no such document". Values must survive the document store as they are: strings, finite
 * numbers, booleans, null, Date, arrays and plain objects of these; a field that is undefined is left out.
 */
export interface Projection<D extends object = ProjectedDocument> {
  /** The read model's name, which is also the name queries ask for. */
  readonly name: string
  /** Raised with every change of `keys`, `evolve` or `countedBy`, so that the documents are built anew beside the old ones. */
  readonly version: number
  readonly indexes: readonly ProjectionIndex[]
  /** The only fact types of interest: others are not offered. Absent: all are offered. */
  readonly types?: readonly string[]
  /** The documents that this fact concerns. */
  keys(fact: RecordedFact): readonly string[]
  evolve(document: D | null, fact: RecordedFact, key: string): D | null
  /**
   * The kind of a document: how many there are of each is kept with the documents (`readModel.counts`). There are few kinds, and
   * their names are names of fields.
   */
  countedBy?(document: D): string
  /**
   * Each document is created by exactly one fact and never touched again, but by being erased (`TracesErased`): it is written
   * without being read first.
   */
  readonly insertOnly?: true
}

export type FactType = keyof FactTables & string

/** A recorded fact of these types, told apart by its type. */
export type RecordedOf<T extends FactType> = T extends FactType
  ? RecordedFact & { readonly type: T; readonly data: v.InferOutput<FactTables[T]['schema']> }
  : never

/** What a fact does: the documents that it concerns (none for undefined), and what it makes of each. `O`: whose stream it is in. */
export type Reaction<D extends object, T extends FactType, O> = readonly [
  keys: (fact: RecordedOf<T>, owner: O) => string | readonly string[] | undefined,
  evolve: (before: D | null, fact: RecordedOf<T>, at: { readonly key: string; readonly owner: O }) => D | null,
]

type Reactions<D extends object, O> = { readonly [T in FactType]?: Reaction<D, T, O> }

/** The same reaction to facts of each of these types. */
export const toEach = <D extends object, T extends FactType, O = string>(
  types: readonly T[],
  ...reaction: Reaction<D, T, O>
): { readonly [K in T]: Reaction<D, T, O> } =>
  Object.fromEntries(types.map((type) => [type, reaction])) as { readonly [K in T]: Reaction<D, T, O> }

/** The reaction to a deleted customer's traces in the read model `of`; without `anonymous` the documents are removed. */
export const erasing = <D extends object, O = string>(
  of: Traced,
  anonymous: (before: D) => D | null = () => null,
): { readonly TracesErased: Reaction<D, 'TracesErased', O> } => ({
  TracesErased: [(fact) => erasedKeys(fact, of), (before) => before && anonymous(before)],
})

/** The reaction to types of facts that have no row: to these, which are known when the program runs, or (absent) to all. */
interface Others<D extends object, O> {
  readonly types?: readonly string[]
  readonly reaction: readonly [
    keys: (fact: RecordedFact, owner: O) => string | readonly string[] | undefined,
    evolve: (before: D | null, fact: RecordedFact, at: { readonly key: string; readonly owner: O }) => D | null,
  ]
}

/** A projection of what it does on facts of each type: types that it does not name are of no interest to it. */
export const projection = <D extends object, O = string>({
  on,
  others,
  streams,
  ...rest
}: Pick<Projection<D>, 'name' | 'version' | 'indexes' | 'insertOnly' | 'countedBy'> & {
  readonly on: Reactions<D, O>
  readonly others?: Others<D, O>
  /** Whose a stream is; undefined: its facts are of no interest. Erasing is told in streams of its own. */
  readonly streams: (stream: string) => O | undefined
}): Projection<D> => {
  type Any = Reaction<D, FactType, O | undefined>
  const byType = new Map<string, Any>(Object.entries(on as Readonly<Record<string, Any>>))
  const toOthers = others?.reaction as Any | undefined
  if (toOthers) for (const type of others?.types ?? []) byType.set(type, toOthers)
  const takesAll = toOthers !== undefined && others?.types === undefined
  const reactionTo = (fact: RecordedFact) => {
    const reaction = byType.get(fact.type) ?? (takesAll ? toOthers : undefined)
    const owner = streams(fact.stream)
    return reaction && (owner !== undefined || erasedBy(fact)) ? { reaction, owner } : undefined
  }
  return {
    ...rest,
    types: takesAll ? undefined : [...byType.keys()],
    keys(fact) {
      const found = reactionTo(fact)
      if (!found) return []
      const keys = found.reaction[0](fact as RecordedOf<FactType>, found.owner)
      return typeof keys === 'string' ? [keys] : (keys ?? [])
    },
    evolve(before, fact, key) {
      const found = reactionTo(fact)
      return found ? found.reaction[1](before, fact as RecordedOf<FactType>, { key, owner: found.owner }) : before
    },
  }
}
