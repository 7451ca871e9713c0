// A capability of the customer as one row: its facts, the part of the customer that it keeps, and its facts as events.
import { evolveBy, type FactRow, type Happening } from './factRow.ts'

interface AnyFact {
  readonly type: string
  readonly data: unknown
}

/** `Part` is what the capability keeps of a customer. */
export interface Capability<Part, Facts> {
  /** For the catalogue of facts. */
  readonly title: string
  readonly says: string
  /** Where its facts are; left out when only in the streams of customers. */
  readonly stream?: string
  readonly facts: Facts
  /** What there is of a customer who is new. */
  readonly none: Part
  /** The part after one of its own facts: total, and without any rule, since facts are never judged again. */
  evolve(part: Part, fact: AnyFact): Part
  /** What it notes of facts of others, by their type. */
  readonly notes?: Readonly<Record<string, { evolve(part: Part, fact: AnyFact): Part }['evolve']>>
  /** The event that one of its own facts is; undefined for what is only bookkeeping. */
  happening(fact: AnyFact): Happening | undefined
}

/** A capability; where it has no `evolve` or no `happening` of its own, the rows of its facts say it. */
export const capability = <Part, Facts extends object>(
  own: Omit<Capability<Part, Facts>, 'evolve' | 'happening'> & Partial<Capability<Part, Facts>>,
): Capability<Part, Facts> => {
  const rows = own.facts as Readonly<Record<string, FactRow<Part>>>
  return { evolve: evolveBy(rows), happening: ({ type, data }) => rows[type]?.happening?.(data), ...own }
}
