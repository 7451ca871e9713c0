// What a projection is: a pure description of documents that follow from facts. It knows no database and no clock.
import type { RecordedFact } from '../src/domain/recorded.ts'

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
  /** Raised with every change of `keys` or `evolve`, so that the documents are built anew beside the old ones. */
  readonly version: number
  readonly indexes: readonly ProjectionIndex[]
  /** The only fact types of interest: others are not offered. Absent: all are offered. */
  readonly types?: readonly string[]
  /** The documents that this fact concerns. */
  keys(fact: RecordedFact): readonly string[]
  evolve(document: D | null, fact: RecordedFact, key: string): D | null
  /**
   * Each document is created by exactly one fact and never touched again, but by being erased (`TracesErased`): it is written
   * without being read first.
   */
  readonly insertOnly?: true
}
