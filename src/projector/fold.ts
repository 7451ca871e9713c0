// Folding a batch of facts over documents in memory: which documents are needed, and what becomes of them. Pure.
import type { ProjectedDocument, Projection } from '../../projections/projection.ts'
import type { RecordedFact } from '../domain/recorded.ts'
import { erasedBy } from '../domain/traces.ts'

/** A document and the position of the newest fact that changed it; `document` null: there is none. */
export interface CacheEntry {
  readonly document: ProjectedDocument | null
  readonly at: bigint | undefined
}

/** One document while a batch is folded. */
export interface WorkingCopy extends CacheEntry {
  readonly projection: Projection
  readonly key: string
  /** Whether the document store has a document of this key. */
  existed: boolean
  /** What it was when the batch began. */
  before: ProjectedDocument | null
  document: ProjectedDocument | null
  at: bigint | undefined
  dirty: boolean
}

/** One fact that one document has to be shown. */
export interface Step {
  readonly copy: WorkingCopy
  readonly fact: RecordedFact
}

/** A fact that cannot be shown to a document, because it or an earlier one failed there. */
export interface Parking {
  readonly projection: string
  readonly key: string
  readonly fact: Pick<RecordedFact, 'stream' | 'revision' | 'position' | 'id' | 'type'>
  /** Absent: only waits behind one that failed. */
  readonly error?: string
}

/** What a batch has to do. Copies begin without a document: `fill` those of which the store, or memory, has one. */
export interface Plan {
  readonly copies: readonly WorkingCopy[]
  readonly steps: readonly Step[]
  readonly parkings: readonly Parking[]
}

export interface Folded {
  /** Copies whose documents are to be written or deleted. */
  readonly changed: readonly WorkingCopy[]
  readonly parkings: readonly Parking[]
}

/** Names what is parked: a document of a projection, or with projection `*` a whole stream for all of them. */
export interface ParkedNames {
  /** The keys of one projection; undefined: none. */
  of(projection: string): ReadonlySet<string> | undefined
  has(projection: string, key: string): boolean
  add(projection: string, key: string): void
}

export const createParkedNames = (names: Iterable<readonly [projection: string, key: string]> = []): ParkedNames => {
  const all = new Map<string, Set<string>>()
  const add = (projection: string, key: string) => {
    const keys = all.get(projection)
    if (keys) keys.add(key)
    else all.set(projection, new Set([key]))
  }
  for (const [projection, key] of names) add(projection, key)
  return {
    add,
    of: (projection) => all.get(projection),
    has: (projection, key) => all.get(projection)?.has(key) ?? false,
  }
}

/** Projections by the fact types they want; `every` want all. */
export interface Routes {
  of(type: string): readonly Projection[]
}

export const routesOf = (projections: readonly Projection[]): Routes => {
  const byType = new Map<string, readonly Projection[]>()
  return {
    of(type) {
      const known = byType.get(type)
      if (known) return known
      const wanting = projections.filter(({ types }) => types === undefined || types.includes(type))
      byType.set(type, wanting)
      return wanting
    },
  }
}

export const ALL_PROJECTIONS = '*'
/** The key under which a stream is parked for a projection whose `keys` threw: nobody knows which documents it meant. */
export const streamKey = (stream: string): string => `stream ${stream}`

const errorText = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error)

/** The copies of a plan: one for each document, found by its key. */
const createCopies = () => {
  const all: WorkingCopy[] = []
  const byKey = new Map<Projection, Map<string, WorkingCopy>>()
  const make = (projection: Projection, key: string): WorkingCopy => {
    const copy: WorkingCopy = {
      projection,
      key,
      existed: false,
      before: null,
      document: null,
      at: undefined,
      dirty: false,
    }
    all.push(copy)
    return copy
  }
  return {
    all,
    of(projection: Projection, key: string, erases = false): WorkingCopy {
      // Made by one fact, so there is nothing to find.
      if (projection.insertOnly) {
        const copy = make(projection, key)
        // It is not read, and is there for all that anybody knows.
        if (erases) fill(copy, { document: {}, at: undefined })
        return copy
      }
      let own = byKey.get(projection)
      if (own === undefined) {
        own = new Map()
        byKey.set(projection, own)
      }
      let copy = own.get(key)
      if (copy === undefined) {
        copy = make(projection, key)
        own.set(key, copy)
      }
      return copy
    },
  }
}

export const fill = (copy: WorkingCopy, { document, at }: CacheEntry): void => {
  copy.existed = document !== null
  copy.before = document
  copy.document = document
  copy.at = at
}

/**
 * What is to be done for a batch, in log order. Facts of parked streams and keys go behind those that are parked already;
 * `parked` is added to as keys fail.
 */
export const plan = (routes: Routes, facts: readonly RecordedFact[], parked: ParkedNames): Plan => {
  const copies = createCopies()
  const steps: Step[] = []
  const parkings: Parking[] = []
  for (const fact of facts) {
    if (parked.has(ALL_PROJECTIONS, fact.stream)) {
      parkings.push({ projection: ALL_PROJECTIONS, key: fact.stream, fact })
      continue
    }
    for (const projection of routes.of(fact.type)) {
      const { name } = projection
      const waiting = parked.of(name)
      if (waiting?.has(streamKey(fact.stream))) {
        parkings.push({ projection: name, key: streamKey(fact.stream), fact })
        continue
      }
      let keys: readonly string[]
      try {
        keys = projection.keys(fact)
      } catch (error) {
        const key = streamKey(fact.stream)
        parked.add(name, key)
        parkings.push({ projection: name, key, fact, error: errorText(error) })
        continue
      }
      for (const key of keys) {
        if (waiting?.has(key)) parkings.push({ projection: name, key, fact })
        else steps.push({ copy: copies.of(projection, key, erasedBy(fact) !== undefined), fact })
      }
    }
  }
  return { copies: copies.all, steps, parkings }
}

/** A plan that shows these facts to one document, whatever the projection's own keys say. */
export const planFor = (projection: Projection, key: string, facts: readonly RecordedFact[]): Plan => {
  const copies = createCopies()
  const copy = copies.of(
    projection,
    key,
    facts.every((fact) => erasedBy(fact) !== undefined),
  )
  return { copies: copies.all, steps: facts.map((fact) => ({ copy, fact })), parkings: [] }
}

/**
 * Shows the facts of a plan to their documents. A fact that a document has seen already (by position) is not shown again. A
 * document that throws keeps what it was before the fact; that fact and the key's later ones are parked, and `parked` is told.
 * `late` shows facts although newer ones were seen, for facts that had been parked.
 */
export const fold = (
  { copies, steps }: Plan,
  parked: ParkedNames,
  { late = false }: { late?: boolean } = {},
): Folded => {
  const parkings: Parking[] = []
  for (const { copy, fact } of steps) {
    const { projection, key } = copy
    if (parked.of(projection.name)?.has(key)) {
      parkings.push({ projection: projection.name, key, fact })
      continue
    }
    if (!late && copy.at !== undefined && fact.position <= copy.at) continue
    try {
      const after = projection.evolve(copy.document, fact, key)
      if (after === copy.document) continue
      copy.document = after
      copy.dirty = true
      if (copy.at === undefined || fact.position > copy.at) copy.at = fact.position
    } catch (error) {
      parked.add(projection.name, key)
      parkings.push({ projection: projection.name, key, fact, error: errorText(error) })
    }
  }
  const changed = copies.filter(({ dirty, existed, document }) => dirty && (existed || document !== null))
  return { changed, parkings }
}
