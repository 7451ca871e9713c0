// Folding a batch of facts over documents in memory: which documents are needed, and what becomes of them. Pure.
import type { ProjectedDocument, Projection } from '../../projections/projection.ts'
import type { RecordedFact } from '../domain/recorded.ts'

/** A document and the position of the newest fact that changed it; `document` null: there is none. */
export interface Held {
  readonly document: ProjectedDocument | null
  readonly at: bigint | undefined
}

/** One fact that one document of one projection has to be shown. */
export interface Step {
  readonly projection: Projection
  readonly key: string
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

export interface Plan {
  readonly steps: readonly Step[]
  readonly parkings: readonly Parking[]
}

export interface Changed {
  readonly projection: Projection
  readonly key: string
  /** Whether the document store has a document of this key. */
  readonly existed: boolean
  readonly held: Held
}

export interface Folded {
  readonly changed: readonly Changed[]
  readonly parkings: readonly Parking[]
}

/** Names what is parked: a document of a projection, or with projection `*` a whole stream for all of them. */
export interface ParkedNames {
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
  return { add, has: (projection, key) => all.get(projection)?.has(key) ?? false }
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

/**
 * What is to be done for a batch, in log order. Facts of parked streams and keys go behind those that are parked already;
 * `parked` is added to as keys fail.
 */
export const plan = (routes: Routes, facts: readonly RecordedFact[], parked: ParkedNames): Plan => {
  const steps: Step[] = []
  const parkings: Parking[] = []
  for (const fact of facts) {
    if (parked.has(ALL_PROJECTIONS, fact.stream)) {
      parkings.push({ projection: ALL_PROJECTIONS, key: fact.stream, fact })
      continue
    }
    for (const projection of routes.of(fact.type)) {
      const { name } = projection
      const whole = streamKey(fact.stream)
      if (parked.has(name, whole)) {
        parkings.push({ projection: name, key: whole, fact })
        continue
      }
      let keys: readonly string[]
      try {
        keys = projection.keys(fact)
      } catch (error) {
        parked.add(name, whole)
        parkings.push({ projection: name, key: whole, fact, error: errorText(error) })
        continue
      }
      for (const key of keys) {
        if (parked.has(name, key)) parkings.push({ projection: name, key, fact })
        else steps.push({ projection, key, fact })
      }
    }
  }
  return { steps, parkings }
}

interface Slot {
  readonly projection: Projection
  readonly key: string
  readonly existed: boolean
  document: ProjectedDocument | null
  at: bigint | undefined
  dirty: boolean
}

/**
 * Shows the facts of `steps` to their documents. `before` gives what the store has. A fact that a document has seen already
 * (by position) is not shown again. A document that throws keeps what it was before the fact; that fact and the key's later
 * ones are parked, and `parked` is told. `late` shows facts although newer ones were seen, for facts that had been parked.
 */
export const fold = (
  steps: readonly Step[],
  before: (projection: Projection, key: string) => Held,
  parked: ParkedNames,
  { late = false }: { late?: boolean } = {},
): Folded => {
  const slots = new Map<Projection, Map<string, Slot>>()
  const parkings: Parking[] = []
  for (const { projection, key, fact } of steps) {
    let own = slots.get(projection)
    if (own === undefined) {
      own = new Map()
      slots.set(projection, own)
    }
    let slot = own.get(key)
    if (slot === undefined) {
      const { document, at } = before(projection, key)
      slot = { projection, key, existed: document !== null, document, at, dirty: false }
      own.set(key, slot)
    } else if (parked.has(projection.name, key)) {
      parkings.push({ projection: projection.name, key, fact })
      continue
    }
    if (!late && slot.at !== undefined && fact.position <= slot.at) continue
    try {
      const after = projection.evolve(slot.document, fact, key)
      if (after === slot.document) continue
      slot.document = after
      slot.dirty = true
      if (slot.at === undefined || fact.position > slot.at) slot.at = fact.position
    } catch (error) {
      parked.add(projection.name, key)
      parkings.push({ projection: projection.name, key, fact, error: errorText(error) })
    }
  }
  const changed: Changed[] = []
  for (const own of slots.values())
    for (const { projection, key, existed, document, at, dirty } of own.values())
      if (dirty && (existed || document !== null)) changed.push({ projection, key, existed, held: { document, at } })
  return { changed, parkings }
}
