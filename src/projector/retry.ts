// Shows parked facts to their documents again, beside running projectors, all or nothing.

import type { Projection } from '../../projections/projection.ts'
import { errorText } from '../domain/errorText.ts'
import type { RecordedFact } from '../domain/recorded.ts'
import type { EventStore } from '../eventstore/index.ts'
import type { ReadModel } from '../readmodel/index.ts'
import { verdictOf, wordsOf } from '../trouble.ts'
import { fillFrom, writesOf } from './batchWriter.ts'
import { createCounting } from './counts.ts'
import { ALL_PROJECTIONS, createParkedNames, fold, type Plan, plan, planFor, routesOf, streamKey } from './fold.ts'
import { withHeldLane } from './hold.ts'
import { type ParkedFact, parkedFactsOf, parkedWrites } from './parked.ts'

export type Retried =
  | { readonly kind: 'done'; readonly facts: number }
  /** There is nothing parked under this name. */
  | { readonly kind: 'nothing' }
  /** It failed again; everything stays as it was. */
  | { readonly kind: 'failed'; readonly error: string }
  /** Another change of the lane came between: try again. */
  | { readonly kind: 'busy' }

export interface RetryOptions {
  readonly store: EventStore
  readonly readModel: ReadModel
  readonly lane: string
  readonly projections: readonly Projection[]
  readonly projection: string
  readonly key: string
  readonly writer: string
}

/** The most facts of one key that one transaction takes back. */
const MAX_FACTS = 10_000

const readParked = async (store: EventStore, parked: readonly ParkedFact[]): Promise<readonly RecordedFact[]> => {
  const facts: RecordedFact[] = []
  for (const { stream, revision, fact: id } of parked) {
    const from = BigInt(revision)
    let found: RecordedFact | undefined
    for await (const fact of store.readStream(stream, { from, maxCount: 1 })) found = fact
    if (found === undefined || found.revision !== from || found.id !== id)
      throw new Error(`${stream}@${revision} is gone`)
    facts.push(found)
  }
  return facts
}

/**
 * Folds the parked facts of one name in order and takes them out of the park. `*` as the projection names a stream whose facts
 * could not be decoded. Facts of other streams that came meanwhile have been folded before these: where a document joins
 * several streams and their order matters, rebuild the projection instead.
 */
export const retryParked = async ({
  store,
  readModel,
  lane: id,
  projections,
  projection,
  key,
  writer,
}: RetryOptions): Promise<Retried> => {
  const parked = await parkedFactsOf(readModel, id, projection, key, MAX_FACTS)
  if (parked.length === 0) return { kind: 'nothing' }
  const again = withHeldLane<Retried>(readModel, id, writer, async ({ lane, release }) => {
    // Read again under the hold: a running projector may have parked more.
    const waiting = await parkedFactsOf(readModel, id, projection, key, MAX_FACTS)
    let planned: Plan
    const names = createParkedNames()
    try {
      const facts = await readParked(store, waiting)
      const own = projections.find(({ name }) => name === projection)
      const whole = projection === ALL_PROJECTIONS || waiting.some(({ stream }) => streamKey(stream) === key)
      if (own === undefined && projection !== ALL_PROJECTIONS)
        return { kind: 'failed', error: `this program has no projection ${projection}` }
      if (own !== undefined && !whole) planned = planFor(own, key, facts)
      else {
        planned = plan(routesOf(own === undefined ? projections : [own]), facts, names)
        const failed = planned.parkings.find(({ error }) => error !== undefined)
        if (failed !== undefined) return { kind: 'failed', error: failed.error! }
      }
    } catch (error) {
      return { kind: 'failed', error: errorText(error) }
    }
    const collectionOf = ({ name }: Projection) => {
      const member = lane.members[name]
      if (member === undefined) throw new Error(`${name} is no member of lane ${id}`)
      return member.collection
    }
    for (const one of new Set(planned.copies.map((copy) => copy.projection))) {
      const copies = planned.copies.filter((copy) => copy.projection === one)
      if (!one.insertOnly) await fillFrom(readModel, collectionOf(one), copies)
    }
    const folded = fold(planned, names, { late: true })
    const failed = folded.parkings.find(({ error }) => error !== undefined)
    if (failed !== undefined) return { kind: 'failed', error: failed.error! }
    const gone = waiting.map(({ _id }) => _id)
    const released = await release({}, [
      ...writesOf(folded.changed, collectionOf),
      ...(await createCounting(readModel, collectionOf)(folded.changed)),
      ...parkedWrites([], gone),
    ])
    if (released.kind === 'rejected') return { kind: 'failed', error: released.error }
    return released.kind === 'committed' ? { kind: 'done', facts: waiting.length } : { kind: 'busy' }
  })
  // What the store refuses of one key is no reason to leave the next keys alone.
  return again.catch((error: unknown) => {
    if (verdictOf(error) === 'wait') throw error
    return { kind: 'failed', error: wordsOf(error) }
  })
}
