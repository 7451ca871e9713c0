// Bringing single documents forward: the facts after a position are shown to a few documents only, each as far as asked.
import type { ProjectedDocument, Projection } from '../../projections/projection.ts'
import type { EventStore } from '../eventstore/index.ts'
import { routesOf } from '../projector/fold.ts'

/** A document as the rebuild has it, and how far it is to be brought. */
export interface Behind {
  readonly projection: Projection
  readonly key: string
  readonly document: ProjectedDocument | null
  readonly at: bigint | undefined
  /** Shown every fact up to and with this position. */
  readonly upTo: bigint
  /** Stands still: its projection cannot fold a fact of it. */
  readonly parked: boolean
}

export interface BroughtForward {
  readonly document: ProjectedDocument | null
  readonly at: bigint | undefined
  /** Whether there was no document at `since` or at any later moment up to `upTo`. */
  readonly wasAbsent: boolean
}

const nameOf = (projection: Projection, key: string): string => `${projection.name} ${key}`

/** Facts taken from the subscription in one go. */
const BATCH = 2_000

/**
 * Folds what lies after `from`. Gives the documents in the order in which they were asked for; `since` is the position from
 * which on the absence of a document is noticed.
 */
export const bringForward = async (
  store: EventStore,
  from: bigint,
  since: bigint,
  asked: readonly Behind[],
  signal?: AbortSignal,
): Promise<readonly BroughtForward[]> => {
  const copies = new Map(
    asked.map((one) => [
      nameOf(one.projection, one.key),
      { ...one, wasAbsent: one.document === null && since <= from, isLooked: since <= from },
    ]),
  )
  let last = from
  for (const { upTo } of asked) if (upTo > last) last = upTo
  if (last > from) {
    const routes = routesOf([...new Set(asked.map(({ projection }) => projection))])
    const source = await store.subscribeAll({ from })
    try {
      for (;;) {
        signal?.throwIfAborted()
        const batch = await source.next(BATCH)
        for (const fact of batch.facts)
          for (const projection of routes.of(fact.type))
            for (const key of keysOf(projection, fact)) {
              const copy = copies.get(nameOf(projection, key))
              if (copy === undefined || fact.position > copy.upTo) continue
              if (!copy.isLooked && fact.position > since) {
                copy.isLooked = true
                copy.wasAbsent = copy.document === null
              }
              if (copy.parked || (copy.at !== undefined && fact.position <= copy.at)) continue
              try {
                const after = projection.evolve(copy.document, fact, key)
                if (after === copy.document) continue
                Object.assign(copy, { document: after, at: fact.position })
                if (copy.isLooked && after === null) copy.wasAbsent = true
              } catch {
                Object.assign(copy, { parked: true })
              }
            }
        if (batch.caughtUp || (batch.position !== undefined && batch.position >= last)) break
      }
    } finally {
      await source.close()
    }
  }
  return asked.map(({ projection, key }) => {
    const { document, at, wasAbsent } = copies.get(nameOf(projection, key))!
    return { document, at, wasAbsent: wasAbsent || document === null }
  })
}

/** A projection that cannot even name its documents parks the fact: it concerns none. */
const keysOf = (projection: Projection, fact: Parameters<Projection['keys']>[0]): readonly string[] => {
  try {
    return projection.keys(fact)
  } catch {
    return []
  }
}
