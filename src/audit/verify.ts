// Verifying: the read models are built again from the stream in a database of their own, and every document is compared with
// the one that is served, while the system keeps running.
import { createHash } from 'node:crypto'
import type { Projection } from '../../projections/projection.ts'
import { sortable } from '../domain/position.ts'
import type { EventStore } from '../eventstore/index.ts'
import { entryOf } from '../projector/batchWriter.ts'
import { buildInto, type Projector } from '../projector/index.ts'
import { listParked } from '../projector/parked.ts'
import { isDamagedDocument, type Keyed, type ReadModel } from '../readmodel/index.ts'
import { differences, type FieldDifference } from './difference.ts'
import { patiently } from './patience.ts'
import { type Behind, bringForward } from './tail.ts'

export interface DocumentDifference {
  readonly id: string
  readonly fields: readonly FieldDifference[]
}

/** What was found of one read model. The lists name at most 100 documents, the counts are of all. */
export interface VerifiedProjection {
  readonly name: string
  /** Documents compared. */
  readonly documents: number
  readonly equal: number
  readonly different: number
  /** Rebuilt, and not served. */
  readonly missing: number
  /** Served, and not rebuilt. */
  readonly extra: number
  readonly differing: readonly DocumentDifference[]
  readonly missing_ids: readonly string[]
  readonly extra_ids: readonly string[]
  /** Keys whose facts could not be folded, in the live read model and in the rebuilt one. */
  readonly parked: { readonly live: number; readonly rebuilt: number }
  /** Why it could not be compared, or not to the end. */
  readonly unfinished?: string
}

export interface Verification {
  /** Everything up to here was compared, as decimal text; null for an empty log. */
  readonly position: string | null
  /** Facts read for the rebuild. */
  readonly facts: number
  readonly seconds: number
  /** One in so many documents was compared. */
  readonly one_in: number
  readonly projections: readonly VerifiedProjection[]
  /** True when everything that was asked for was compared and nothing differs. */
  readonly holds: boolean
  readonly finished: boolean
}

export interface VerifyProgress {
  readonly phase: 'rebuilding' | 'comparing'
  readonly projection?: string
  /** Facts read, or documents compared. */
  readonly done: number
  /** Part of the phase that is done, 0 to 1. */
  readonly part?: number
}

export interface VerifyOptions {
  readonly store: EventStore
  readonly readModel: ReadModel
  /** An empty database; what is made in it is dropped again. */
  readonly scratch: ReadModel
  readonly projector: Pick<Projector, 'group' | 'waitFor' | 'status'>
  /** What is to be compared. */
  readonly projections: readonly Projection[]
  /** About so many documents of each read model, chosen by a hash of their keys; default: all. */
  readonly sample?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: VerifyProgress) => void
}

/** Documents that are named in a report; the rest is counted. */
const MAX_NAMED = 100
/** Documents that moved on and are brought forward together. */
const CHUNK = 2_000
/** How long the live read models may take to reach the position of the rebuild, ms. */
const CATCH_UP_MS = 30_000
const PROGRESS_EVERY = 1_000

interface StoredDocument extends Keyed {
  _at?: string
}

/** The order of keys in the document store: that of their UTF-8 bytes. */
const inStoreOrder = (a: string, b: string): number => (a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b)))

const isChosen = (key: string, oneIn: number, salt: string): boolean =>
  oneIn === 1 || createHash('sha1').update(salt).update(key).digest().readUInt32BE() % oneIn === 0

type Pair = { readonly key: string; readonly live?: StoredDocument; readonly rebuilt?: StoredDocument }

/** The documents of two collections side by side, in the order of their keys. */
async function* pairsOf(live: AsyncIterable<StoredDocument>, rebuilt: AsyncIterable<StoredDocument>) {
  const left = live[Symbol.asyncIterator]()
  const right = rebuilt[Symbol.asyncIterator]()
  try {
    let [a, b] = await Promise.all([left.next(), right.next()])
    while (!a.done || !b.done) {
      const order = a.done ? 1 : b.done ? -1 : inStoreOrder(a.value._id, b.value._id)
      const pair: Pair = {
        key: order <= 0 ? a.value._id : b.value._id,
        ...(order <= 0 ? { live: a.value } : {}),
        ...(order >= 0 ? { rebuilt: b.value } : {}),
      }
      yield pair
      if (order <= 0) a = await left.next()
      if (order >= 0) b = await right.next()
    }
  } finally {
    await Promise.all([left.return?.(), right.return?.()])
  }
}

const atOf = (document: StoredDocument | undefined): bigint =>
  document?._at === undefined ? -1n : BigInt(document._at)

/** Counts and names what was found of one read model. */
const createFindings = () => {
  const counts = { documents: 0, equal: 0, different: 0, missing: 0, extra: 0 }
  const differing: DocumentDifference[] = []
  const missing: string[] = []
  const extra: string[] = []
  const note = (list: string[], id: string) => {
    if (list.length < MAX_NAMED) list.push(id)
  }
  return {
    counts,
    differing,
    missing,
    extra,
    compared(key: string, live: StoredDocument | undefined, rebuilt: object | undefined) {
      counts.documents++
      if (live === undefined) {
        counts.missing++
        note(missing, key)
      } else if (rebuilt === undefined) {
        counts.extra++
        note(extra, key)
      } else {
        const fields = differences(live, rebuilt)
        if (fields.length === 0) counts.equal++
        else {
          counts.different++
          if (differing.length < MAX_NAMED) differing.push({ id: key, fields })
        }
      }
    },
    absent() {
      counts.documents++
      counts.equal++
    },
  }
}

/**
 * Builds and compares; a store that goes away for a moment is waited for. Rejects with the failure of a store that stays away, or
 * with the signal's reason; the scratch is dropped in any case.
 */
export const verify = async (options: VerifyOptions): Promise<Verification> => {
  const { store, readModel, scratch, projections, sample, signal, onProgress = () => {} } = options
  const started = performance.now()
  const head = await store.head()
  const done = (facts: number, oneIn: number, found: readonly VerifiedProjection[]): Verification => {
    const finished = found.every(({ unfinished }) => unfinished === undefined)
    return {
      position: head === undefined ? null : String(head),
      facts,
      seconds: (performance.now() - started) / 1000,
      one_in: oneIn,
      projections: found,
      holds: finished && found.every(({ documents, equal }) => documents === equal),
      finished,
    }
  }
  if (head === undefined) return done(0, 1, [])

  const oneIn = await patiently(() => oneInOf(readModel, projections, sample), signal)
  // Another choice at every run, so that samples add up.
  const salt = String(started)
  const chosen = projections.map(
    (projection): Projection =>
      oneIn === 1
        ? projection
        : { ...projection, keys: (fact) => projection.keys(fact).filter((key) => isChosen(key, oneIn, salt)) },
  )
  try {
    const facts = await buildInto({
      store,
      readModel: scratch,
      projections: chosen,
      upTo: head,
      signal,
      onProgress: (position, done) =>
        onProgress({ phase: 'rebuilding', done, part: Number(((position ?? 0n) * 1_000n) / (head || 1n)) / 1_000 }),
    })
    const found: VerifiedProjection[] = []
    for (const projection of chosen) {
      const compared = {
        ...options,
        projection,
        head,
        isChosen: (key: string) => isChosen(key, oneIn, salt),
        onProgress,
      }
      found.push(await patiently(() => compareOne(compared), signal))
    }
    return done(facts, oneIn, found)
  } finally {
    await scratch.dropDatabase().catch(() => undefined)
  }
}

const oneInOf = async (
  readModel: ReadModel,
  projections: readonly Projection[],
  sample: number | undefined,
): Promise<number> => {
  if (sample === undefined) return 1
  let largest = 0
  for (const { name } of projections) largest = Math.max(largest, await readModel.collection(name).count({}))
  return Math.max(1, Math.floor(largest / sample))
}

interface CompareOptions extends VerifyOptions {
  readonly projection: Projection
  readonly head: bigint
  readonly isChosen: (key: string) => boolean
  readonly onProgress: (progress: VerifyProgress) => void
}

const compareOne = async ({
  store,
  readModel,
  scratch,
  projector,
  projection,
  head,
  isChosen,
  signal,
  onProgress,
}: CompareOptions): Promise<VerifiedProjection> => {
  const { name } = projection
  const findings = createFindings()
  const [live, rebuilt] = await Promise.all([
    listParked(readModel, projector.group, 100_000),
    listParked(scratch, 'build', 100_000),
  ])
  const isParked = new Set(rebuilt.filter((one) => one.projection === name).map(({ key }) => key))
  const result = (unfinished?: string): VerifiedProjection => ({
    name,
    ...findings.counts,
    differing: findings.differing,
    missing_ids: findings.missing,
    extra_ids: findings.extra,
    parked: { live: live.filter((one) => one.projection === name).length, rebuilt: isParked.size },
    unfinished,
  })
  const collectionNow = async () => (await readModel.aliases.all()).find(({ _id }) => _id === name)?.live.collection

  if (projector.status().outdated.includes(name)) return result('a new version of it is being built')
  if (!(await projector.waitFor(head, CATCH_UP_MS, [name])))
    return result(`it has not come to position ${head} within ${CATCH_UP_MS / 1000} s`)
  const collection = await collectionNow()
  if (collection === undefined) return result('it has never been built')
  const served = readModel.plain<StoredDocument>(collection)
  const again = scratch.plain<StoredDocument>(name)

  /** Compares documents that the live read model has changed since, each with the rebuilt one brought to its position. */
  const compareMoved = async (keys: readonly string[]): Promise<void> => {
    if (keys.length === 0) return
    const filter = { _id: { $in: [...keys] } }
    const positionNow = async () => (await readModel.lanes.read(projector.group))?.position ?? head
    const since = await positionNow()
    const now = new Map((await served.find(filter, { limit: keys.length })).map((one) => [one._id, one]))
    const until = await positionNow()
    const then = new Map((await again.find(filter, { limit: keys.length })).map((one) => [one._id, entryOf(one)]))
    const behind = keys.map((key): Behind => {
      const document = now.get(key)
      const upTo = document === undefined ? until : atOf(document)
      const held = then.get(key) ?? { document: null, at: undefined }
      return { projection, key, ...held, upTo, parked: isParked.has(key) }
    })
    const forward = await bringForward(store, head, since, behind, signal)
    for (const [i, { document, at, wasAbsent }] of forward.entries()) {
      const key = keys[i]!
      const current = now.get(key)
      if (current === undefined && wasAbsent) findings.absent()
      else
        findings.compared(
          key,
          current,
          document === null ? undefined : { ...document, _id: key, _at: sortable(at ?? 0n) },
        )
    }
  }

  const compareAll = async (): Promise<void> => {
    let moved: string[] = []
    const sort = { _id: 1 } as const
    for await (const { key, live: now, rebuilt: then } of pairsOf(
      served.stream({}, { sort }),
      again.stream({}, { sort }),
    )) {
      if (now !== undefined && !isChosen(key)) continue
      // A document with no newer fact than the rebuild has must be equal; any other, or none, may have changed since.
      if (now !== undefined && atOf(now) <= head) findings.compared(key, now, then)
      else moved.push(key)
      if (moved.length >= CHUNK) {
        await compareMoved(moved)
        moved = []
      }
      if (findings.counts.documents % PROGRESS_EVERY === 0) {
        signal?.throwIfAborted()
        onProgress({ phase: 'comparing', projection: name, done: findings.counts.documents })
      }
    }
    await compareMoved(moved)
  }
  try {
    await compareAll()
  } catch (error) {
    // The other read models are compared all the same.
    if (isDamagedDocument(error)) return result(error.message)
    throw error
  }
  onProgress({ phase: 'comparing', projection: name, done: findings.counts.documents })
  return result((await collectionNow()) === collection ? undefined : 'another version was put in its place meanwhile')
}
