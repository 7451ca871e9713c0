// One session of a lane: takes batches from a subscription, folds them, and commits documents and checkpoint together. It ends
// with the first failure; whoever opens the next one begins again at the checkpoint, so a session may speculate in memory.

import type { Projection } from '../../projections/projection.ts'
import { addTo } from '../domain/grouped.ts'
import { sortable } from '../domain/position.ts'
import type { RecordedFact } from '../domain/recorded.ts'
import type { Batch, Source } from '../eventstore/index.ts'
import type { Committed, Committer, Keyed, Lane, ReadModel, Writes } from '../readmodel/index.ts'
import type { Condemned } from './condemned.ts'
import { createCounting } from './counts.ts'
import { createDocumentCache } from './documentCache.ts'
import {
  ALL_PROJECTIONS,
  type CacheEntry,
  fill,
  fold,
  type ParkedNames,
  type Parking,
  plan,
  type Routes,
  type WorkingCopy,
} from './fold.ts'
import { parkedDocuments, parkedWrites } from './parked.ts'

/** Bytes of memory for the documents of all projections of a lane. */
const CACHE_BYTES = 48 * 1024 * 1024

/** Another projector moved the lane. */
export class LaneLost extends Error {
  override readonly name = 'LaneLost'
  /** The other one's transaction is open: it may also be one that a dead process left. */
  readonly underWay: boolean
  constructor(lane: string, underWay = false) {
    super(`another projector moved lane ${lane}`)
    this.underWay = underWay
  }
}

/** The store refuses documents for good. Their keys are condemned already: whoever opens the next session parks them. */
export class DocumentsRejected extends Error {
  override readonly name = 'DocumentsRejected'
  /** How many; 0: it could not be told which, and a batch of one fact will tell. */
  readonly documents: number
  constructor(documents: number, reason: string) {
    super(`the document store refuses ${documents === 0 ? 'a batch' : `${documents} documents`}: ${reason}`)
    this.documents = documents
  }
}

export interface BatchDone {
  readonly facts: number
  readonly documents: number
  readonly parked: number
  /** When the newest fact was recorded, epoch ms. */
  readonly newest: number | undefined
  readonly caughtUp: boolean
  readonly lane: Lane
}

export interface BatchWriterOptions {
  readonly readModel: ReadModel
  readonly source: Source
  readonly lane: Lane
  readonly committer: Committer
  readonly routes: Routes
  readonly parked: ParkedNames
  readonly condemned: Condemned
  /** Facts of the next batch at most. */
  readonly maxBatch: () => number
  /** Documents kept in memory, of all projections together. */
  readonly cacheSize: number
  readonly onDone: (done: BatchDone) => void
}

export interface BatchWriter {
  next(): Promise<Batch>
  /** Folds the batch, waits for the commit before, and starts this one's. */
  apply(batch: Batch): Promise<void>
  /** Looks whether the lane is still as this session left it, when nothing has been committed for a while; rejects when not. */
  check(): Promise<void>
  /** Waits for the commit under way; rejects as it does. */
  drained(): Promise<void>
  /** Rejects with the first failure of a commit that nobody waits for. */
  readonly failed: Promise<never>
  /** Waits for the commit under way, then ends the subscription. */
  close(): Promise<void>
}

interface StoredDocument extends Keyed {
  _at?: string
}

/** What is stored is the document, its key and the position of the newest fact that changed it. */
const storedOf = ({ key, document, at }: WorkingCopy): Keyed => ({ ...document, _id: key, _at: sortable(at ?? 0n) })

export const entryOf = ({ _id, _at, ...document }: StoredDocument): CacheEntry => ({
  document,
  at: _at === undefined ? undefined : BigInt(_at),
})

/** Gives copies of one projection the documents that the store has. */
export const fillFrom = async (
  readModel: ReadModel,
  collection: string,
  copies: readonly WorkingCopy[],
): Promise<void> => {
  const keys = copies.map(({ key }) => key)
  const found = await readModel.plain<StoredDocument>(collection).find({ _id: { $in: keys } }, { limit: keys.length })
  const byKey = new Map(found.map((document) => [document._id, document]))
  for (const copy of copies) {
    const document = byKey.get(copy.key)
    if (document !== undefined) fill(copy, entryOf(document))
  }
}

/** What one transaction has to write, by collection; `collectionOf` says where a projection's documents are. */
export const writesOf = (
  changed: readonly WorkingCopy[],
  collectionOf: (projection: Projection) => string,
): Writes[] => {
  const byProjection = new Map<Projection, { inserts: Keyed[]; replaces: Keyed[]; deletes: string[] }>()
  for (const change of changed) {
    let own = byProjection.get(change.projection)
    if (own === undefined) {
      own = { inserts: [], replaces: [], deletes: [] }
      byProjection.set(change.projection, own)
    }
    if (change.document === null) own.deletes.push(change.key)
    else if (change.existed) own.replaces.push(storedOf(change))
    else own.inserts.push(storedOf(change))
  }
  return [...byProjection].map(([projection, own]) => ({ collection: collectionOf(projection), ...own }))
}

export const createBatchWriter = ({
  readModel,
  source,
  lane: first,
  committer,
  routes,
  parked,
  condemned,
  maxBatch,
  cacheSize,
  onDone,
}: BatchWriterOptions): BatchWriter => {
  let lane = first
  let closed = false
  /** A commit is under way, or failed. */
  let busy = false
  let checked = -1
  let committing: Promise<void> = Promise.resolve()
  let refuse: (error: unknown) => void = () => {}
  const failed = new Promise<never>((_, reject) => {
    refuse = reject
  })
  failed.catch(() => undefined)
  const cache = createDocumentCache({ maxBytes: CACHE_BYTES, maxDocuments: cacheSize })
  /** What the commit under way writes: the store does not have it yet, so it must not fall out of the cache. */
  let underWay = new Map<Projection, Map<string, CacheEntry>>()

  const collectionOf = ({ name }: Projection): string => {
    const member = lane.members[name]
    if (member === undefined) throw new Error(`${name} is no member of lane ${lane.id}`)
    return member.collection
  }

  const counting = createCounting(readModel, collectionOf)

  /** Gives the copies their documents: from memory, else from the store, one question a collection. */
  const load = async (copies: readonly WorkingCopy[]): Promise<void> => {
    const missing = new Map<Projection, WorkingCopy[]>()
    for (const copy of copies) {
      const { projection, key } = copy
      if (projection.insertOnly) continue
      const known = underWay.get(projection)?.get(key) ?? cache.get(projection.name, key)
      if (known !== undefined) fill(copy, known)
      else addTo(missing, projection, copy)
    }
    await Promise.all([...missing].map(([projection, asked]) => fillFrom(readModel, collectionOf(projection), asked)))
  }

  /** Condemns what a commit was refused for. A batch of one fact condemns all of its documents when none was named. */
  const rejected = (
    { refused, error }: Extract<Committed, { kind: 'rejected' }>,
    changed: readonly WorkingCopy[],
    isOneFact: boolean,
  ): DocumentsRejected => {
    const byCollection = new Map(changed.map(({ projection }) => [collectionOf(projection), projection.name]))
    let documents = 0
    for (const one of refused) {
      const name = byCollection.get(one.collection)
      if (name === undefined) continue
      condemned.add(name, one.key, one.error)
      documents++
    }
    if (documents === 0 && isOneFact)
      for (const { projection, key } of changed) {
        condemned.add(projection.name, key, error)
        documents++
      }
    return new DocumentsRejected(documents, error)
  }

  const parkUnreadable = ({ facts, unreadable }: Batch): { readable: readonly RecordedFact[]; parkings: Parking[] } => {
    if (unreadable.length === 0) return { readable: facts, parkings: [] }
    const parkings: Parking[] = []
    const from = new Map<string, bigint>()
    for (const fact of unreadable) {
      const behind = parked.has(ALL_PROJECTIONS, fact.stream) || from.has(fact.stream)
      if (!from.has(fact.stream)) from.set(fact.stream, fact.revision)
      parkings.push({ projection: ALL_PROJECTIONS, key: fact.stream, fact, ...(behind ? {} : { error: fact.error }) })
    }
    const readable: RecordedFact[] = []
    for (const fact of facts) {
      const first = from.get(fact.stream)
      if (first !== undefined && fact.revision > first)
        parkings.push({ projection: ALL_PROJECTIONS, key: fact.stream, fact })
      else readable.push(fact)
    }
    return { readable, parkings }
  }

  const commit = async (batch: Batch, changed: readonly WorkingCopy[], parkings: readonly Parking[]): Promise<void> => {
    const position = batch.position
    const done = { facts: batch.facts.length, documents: changed.length, parked: parkings.length }
    const told = () => {
      const newest = batch.facts.at(-1)?.created
      onDone({ ...done, newest, caughtUp: batch.caughtUp && source.buffered === 0, lane })
    }
    if (position === undefined || position === lane.position) return told()
    busy = true
    const all = [
      ...writesOf(changed, collectionOf),
      ...(await counting(changed)),
      ...parkedWrites(parkedDocuments(lane.id, condemned.explained(parkings), new Date())),
    ]
    const result = await committer.commit(lane, { position }, all)
    if (result.kind === 'lost') throw new LaneLost(lane.id, result.underWay)
    if (result.kind === 'rejected') throw rejected(result, changed, batch.facts.length <= 1)
    lane = result.lane
    condemned.written(parkings)
    busy = false
    told()
  }

  return {
    failed,
    // What comes while a commit is under way has to wait for it in any case: better in one batch than in several.
    next: () => source.next(maxBatch(), committing),

    async apply(batch) {
      const { readable, parkings } = parkUnreadable(batch)
      const planned = plan(routes, readable, parked)
      for (const { fact } of parkings) parked.add(ALL_PROJECTIONS, fact.stream)
      await load(planned.copies)
      const folded = fold(planned, parked)
      await committing
      // Nobody waits for this batch any more, and whoever closed may be moving the lane himself by now.
      if (closed) return
      const writing = new Map<Projection, Map<string, CacheEntry>>()
      for (const { projection, key, document, at } of folded.changed) {
        if (projection.insertOnly) continue
        const held = { document, at }
        cache.set(projection.name, key, held)
        const own = writing.get(projection)
        if (own) own.set(key, held)
        else writing.set(projection, new Map([[key, held]]))
      }
      underWay = writing
      committing = commit(batch, folded.changed, [...parkings, ...planned.parkings, ...folded.parkings])
      committing.catch(refuse)
    },

    async check() {
      const { seq } = lane
      if (seq !== checked || busy) {
        checked = seq
        return
      }
      const now = await readModel.lanes.read(lane.id)
      if (!busy && lane.seq === seq && now?.seq !== seq) throw new LaneLost(lane.id)
    },

    drained: () => committing,

    async close() {
      closed = true
      await source.close()
      await committing.catch(() => undefined)
      await committer.close()
    },
  }
}
