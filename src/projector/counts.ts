// How many documents of a read model are of each kind, kept beside them: every commit adds what it changes, in its own transaction, so
// that they are exact whatever is folded again.
import type { Projection } from '../../projections/projection.ts'
import { COUNTS, type CountsDocument, type ReadModel, type Writes } from '../readmodel/index.ts'
import type { WorkingCopy } from './fold.ts'

type Counts = Readonly<Record<string, number>>

/** What changed documents add to the counts of their projections. Pure. */
export const addedBy = (
  changed: readonly Pick<WorkingCopy, 'projection' | 'before' | 'document'>[],
): ReadonlyMap<Projection, Counts> => {
  const added = new Map<Projection, Record<string, number>>()
  for (const { projection, before, document } of changed) {
    const { countedBy } = projection
    if (countedBy === undefined) continue
    const own = added.get(projection) ?? {}
    added.set(projection, own)
    const add = (kind: string, n: number): void => {
      own[kind] = (own[kind] ?? 0) + n
    }
    if (before !== null) add(countedBy(before), -1)
    if (document !== null) add(countedBy(document), 1)
  }
  return added
}

/** The writes of counts that go with changed documents, commit after commit of one writer, whom every other keeps away. */
export const createCounting = (
  readModel: ReadModel,
  collectionOf: (projection: Projection) => string,
): ((changed: readonly WorkingCopy[]) => Promise<readonly Writes[]>) => {
  const known = new Map<string, Counts>()
  return async (changed) => {
    const added = [...addedBy(changed)]
      .filter(([, byKind]) => Object.values(byKind).some((n) => n !== 0))
      .map(([projection, byKind]) => [collectionOf(projection), byKind] as const)
    if (added.length === 0) return []
    const missing = added.flatMap(([collection]) => (known.has(collection) ? [] : [collection]))
    if (missing.length > 0) {
      const found = await readModel
        .plain<CountsDocument>(COUNTS)
        .find({ _id: { $in: missing } }, { limit: missing.length })
      for (const { _id, counts } of found) known.set(_id, counts)
    }
    const replaces = added.map(([collection, byKind]): CountsDocument => {
      const counts: Record<string, number> = { ...known.get(collection) }
      for (const [kind, n] of Object.entries(byKind)) counts[kind] = (counts[kind] ?? 0) + n
      known.set(collection, counts)
      return { _id: collection, counts }
    })
    return [{ collection: COUNTS, inserts: [], replaces, deletes: [] }]
  }
}
