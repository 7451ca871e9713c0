// The two laws of every projection as a check that any test can run over its own facts: how they are cut into batches does not
// matter, and facts that come a second time change nothing.
import assert from 'node:assert'
import type { ProjectedDocument, Projection } from '../../projections/projection.ts'
import type { RecordedFact } from '../../src/domain/recorded.ts'
import { addedBy } from '../../src/projector/counts.ts'
import { type CacheEntry, createParkedNames, fill, fold, plan, routesOf } from '../../src/projector/fold.ts'
import { BSON } from '../../src/readmodel/index.ts'
import fc from '../fc.ts'

export type Documents = Readonly<Record<string, ProjectedDocument>>

/** What a document looks like after it was stored and read again. */
const stored = (document: ProjectedDocument): ProjectedDocument =>
  BSON.deserialize(BSON.serialize(document, { ignoreUndefined: true }))

/** How many documents there are of each kind, one by one; of a projection that is not counted none. */
export const countsOf = ({ countedBy }: Projection, documents: Documents): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {}
  if (countedBy !== undefined)
    for (const document of Object.values(documents)) {
      const kind = countedBy(document)
      counts[kind] = (counts[kind] ?? 0) + 1
    }
  return counts
}

/** Counts without the kinds of which there is none any more. */
export const withoutNone = (counts: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(counts).filter(([, n]) => n !== 0))

/** The documents of one projection after these batches; each batch begins with what the store gives back. */
export const project = (projection: Projection, batches: readonly (readonly RecordedFact[])[]): Documents => {
  const store = new Map<string, CacheEntry>()
  const counts: Record<string, number> = {}
  const parked = createParkedNames()
  for (const batch of batches) {
    const planned = plan(routesOf([projection]), batch, parked)
    if (!projection.insertOnly)
      for (const copy of planned.copies) {
        const held = store.get(copy.key)
        if (held !== undefined) fill(copy, held)
      }
    const folded = fold(planned, parked)
    const failed = [...planned.parkings, ...folded.parkings].find(({ error }) => error !== undefined)
    if (failed) throw new Error(`${projection.name} ${failed.key} at ${failed.fact.type}: ${failed.error}`)
    for (const [kind, n] of Object.entries(addedBy(folded.changed).get(projection) ?? {}))
      counts[kind] = (counts[kind] ?? 0) + n
    for (const { key, document, at } of folded.changed) {
      const held: CacheEntry = { document, at }
      if (held.document === null) store.delete(key)
      else {
        if (projection.insertOnly && store.has(key) && !isReplay(store.get(key)!, held))
          throw new Error(`${projection.name} is insertOnly, yet ${key} is made by two facts`)
        store.set(key, { document: stored(held.document), at: held.at })
      }
    }
  }
  const documents = Object.fromEntries(
    [...store].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, { document }]) => [key, document!]),
  )
  assert.deepStrictEqual(
    withoutNone(counts),
    countsOf(projection, documents),
    `${projection.name}: counts are not those of its documents`,
  )
  return documents
}

const isReplay = (one: CacheEntry, other: CacheEntry): boolean => one.at === other.at

/** Cuts `items` before the given places. */
const cut = <T>(items: readonly T[], places: readonly number[]): T[][] => {
  const sorted = [...new Set(places)].sort((a, b) => a - b)
  const bounds = [0, ...sorted, items.length]
  return bounds.slice(1).map((end, i) => items.slice(bounds[i], end))
}

/**
 * Holds the laws against `facts` (in log order): throws with the seed when one is broken, else gives the documents.
 * `runs`: how many random cuts.
 */
export const assertLaws = (projection: Projection, facts: readonly RecordedFact[], runs = 50): Documents => {
  const whole = project(projection, [facts])
  const single = project(
    projection,
    facts.map((fact) => [fact]),
  )
  assert.deepStrictEqual(single, whole, `${projection.name}: one by one gives other documents than all at once`)
  assert.deepStrictEqual(
    project(projection, [facts, facts]),
    whole,
    `${projection.name}: facts applied twice give other documents`,
  )
  fc.assert(
    fc.property(fc.array(fc.nat(facts.length), { maxLength: 12 }), fc.nat(facts.length), (places, back) => {
      assert.deepStrictEqual(project(projection, cut(facts, places)), whole)
      // A crash after any batch: everything since some earlier place comes again.
      const again = [...cut(facts, places), ...cut(facts.slice(back), places)]
      assert.deepStrictEqual(project(projection, again), whole)
    }),
    { numRuns: runs },
  )
  return whole
}
