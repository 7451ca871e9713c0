// Counts and sizes, found by reading: collStats, dbStats, listDatabases, and validate, which looks at every document.
import { errorText } from '../../errorText.ts'
import { decode, validate as validateBytes } from '../bson.ts'
import type { Collection } from '../catalog.ts'
import { CommandError } from '../errors.ts'
import { compileExpressionFilter } from '../expression-filter.ts'
import { entryKey, indexKeys } from '../indexes.ts'
import { type Key, keyOf } from '../keys.ts'
import type { Entry, Space } from '../overlay.ts'
import { breathe } from '../scan.ts'
import { type Doc, docOf, type Value } from '../values.ts'
import { boolField, type Context, docField, existing, namespace, numberField, type Reply } from './context.ts'

/** Entries that are read before others have their turn. */
const SLICE = 2000

/** All entries of a space, in slices that hold no snapshot. */
const entriesOf = async function* (context: Context, space: Space): AsyncGenerator<readonly Entry[], void, undefined> {
  let from: Key = ''
  for (;;) {
    const slice: Entry[] = []
    for (const entry of context.store.storage.range(space, from, undefined)) {
      slice.push(entry)
      if (slice.length === SLICE) break
    }
    yield slice
    if (slice.length < SLICE) return
    from = `${slice.at(-1)![0]}\0`
    context.check()
    await breathe()
  }
}

/** Entries of a space, and the bytes of their values and, where it is asked for, of their keys. */
const measure = async (context: Context, space: Space, { keys = false }: { readonly keys?: boolean } = {}) => {
  let count = 0
  let bytes = 0
  for await (const slice of entriesOf(context, space))
    for (const [key, value] of slice) {
      count += 1
      bytes += value.length + (keys ? key.length : 0)
    }
  return { count, bytes }
}

const sizesOf = async (context: Context, collection: Collection) => {
  const documents = await measure(context, collection.space)
  const indexes: [string, number][] = []
  // Documents are kept in the order of `_id`: that index has no entries of its own.
  for (const index of collection.indexes)
    indexes.push([index.name, index.primary ? 0 : (await measure(context, index.space, { keys: true })).bytes])
  return { documents, indexes, indexBytes: indexes.reduce((sum, [, bytes]) => sum + bytes, 0) }
}

/** Sizes and counts, in bytes divided by `scale`; sizes are of what is stored, without the file's own overhead. */
export const collectionStats = async (context: Context, collection: Collection | undefined, scale: number) => {
  const sizes = collection && (await sizesOf(context, collection))
  const { count, bytes } = sizes?.documents ?? { count: 0, bytes: 0 }
  const indexBytes = sizes?.indexBytes ?? 0
  const scaled = (n: number): number => Math.floor(n / scale)
  return {
    size: scaled(bytes),
    count,
    ...(count > 0 && { avgObjSize: Math.floor(bytes / count) }),
    storageSize: scaled(bytes),
    freeStorageSize: 0,
    capped: false,
    nindexes: collection?.indexes.length ?? 0,
    indexBuilds: (collection?.indexes ?? []).filter((index) => index.building).map((index) => index.name),
    totalIndexSize: scaled(indexBytes),
    indexSizes: docOf(Object.fromEntries((sizes?.indexes ?? []).map(([name, own]) => [name, scaled(own)]))),
    totalSize: scaled(bytes + indexBytes),
    scaleFactor: scale,
  }
}

export const collStats = async (context: Context): Promise<Reply> => {
  const ns = namespace(context)
  const scale = numberField(context.body, 'scale') ?? 1
  return { ns, ...(await collectionStats(context, context.store.catalog.get(ns), scale)) }
}

export const ofDatabase = (context: Context, database = context.database): readonly Collection[] =>
  [...context.store.catalog.all()].filter((c) => c.database === database)

export const dbStats = async (context: Context): Promise<Reply> => {
  const scale = numberField(context.body, 'scale') ?? 1
  const all = ofDatabase(context)
  let objects = 0
  let bytes = 0
  let indexBytes = 0
  for (const collection of all) {
    const sizes = await sizesOf(context, collection)
    objects += sizes.documents.count
    bytes += sizes.documents.bytes
    indexBytes += sizes.indexBytes
  }
  const scaled = (n: number): number => Math.floor(n / scale)
  return {
    db: context.database,
    collections: all.length,
    views: 0,
    objects,
    avgObjSize: objects === 0 ? 0 : Math.floor(bytes / objects),
    dataSize: scaled(bytes),
    storageSize: scaled(bytes),
    indexes: all.reduce((sum, c) => sum + c.indexes.length, 0),
    indexSize: scaled(indexBytes),
    totalSize: scaled(bytes + indexBytes),
    scaleFactor: scale,
  }
}

const databaseSize = async (context: Context, database: string): Promise<number> => {
  let bytes = 0
  for (const collection of ofDatabase(context, database)) {
    const sizes = await sizesOf(context, collection)
    bytes += sizes.documents.bytes + sizes.indexBytes
  }
  return bytes
}

export const listDatabases = async (context: Context): Promise<Reply> => {
  if (context.database !== 'admin')
    throw new CommandError(13, 'listDatabases may only be run against the admin database.')
  const filter = compileExpressionFilter(docField(context.body, 'filter') ?? new Map())
  const nameOnly = boolField(context.body, 'nameOnly')
  // Only a filter that looks at more than names needs all databases measured.
  const byName = filter.paths !== undefined && [...filter.paths].every((path) => path === 'name')
  const names = [...new Set([...context.store.catalog.all()].map((c) => c.database))].sort()
  const databases: Doc[] = []
  let total = 0
  for (const name of names) {
    const named = docOf({ name })
    if (byName && !filter.matches(named)) continue
    if (nameOnly && byName) {
      databases.push(named)
      continue
    }
    const bytes = await databaseSize(context, name)
    const whole = new Map<string, Value>([...named, ['sizeOnDisk', BigInt(bytes)], ['empty', bytes === 0]])
    if (!filter.matches(whole)) continue
    total += bytes
    databases.push(nameOnly ? named : whole)
  }
  if (nameOnly) return { databases }
  return { databases, totalSize: BigInt(total), totalSizeMb: BigInt(Math.floor(total / 2 ** 20)) }
}

interface Found {
  readonly invalid: number
  readonly documents: number
  readonly errors: readonly string[]
  /** Entries that each index should have. */
  readonly expected: ReadonlyMap<string, number>
}

/** Most problems that are told one by one. */
const MAX_TOLD = 20

const examine = async (context: Context, collection: Collection): Promise<Found> => {
  const errors: string[] = []
  const expected = new Map(collection.indexes.map(({ name }) => [name, 0]))
  const { storage } = context.store
  let documents = 0
  let invalid = 0
  const tell = (what: string): void => {
    if (errors.length < MAX_TOLD) errors.push(what)
  }
  for await (const slice of entriesOf(context, collection.space))
    for (const [key, raw] of slice) {
      documents += 1
      try {
        validateBytes(raw)
        const doc = decode(raw)
        if (keyOf(doc.get('_id')!) !== key) throw new Error('a document is not under the key of its _id')
        for (const index of collection.indexes) {
          const keys = index.primary ? [key] : indexKeys(index, doc)
          expected.set(index.name, expected.get(index.name)! + keys.length)
          if (index.primary || index.building) continue
          for (const own of keys)
            if (!storage.get(index.space, entryKey(index, own, key)) && storage.get(collection.space, key)?.equals(raw))
              tell(`index ${index.name} lacks the entry of a document`)
        }
      } catch (error) {
        invalid += 1
        tell(errorText(error))
      }
    }
  return { documents, invalid, errors, expected }
}

/** Reads every document and looks for each of its entries in the indexes. Writes that go on meanwhile may be told as excess entries. */
export const validate = async (context: Context): Promise<Reply> => {
  const collection = existing(context.store.latest(), namespace(context))
  const commit = context.store.transactions.current()
  const found = await examine(context, collection)
  const keys: [string, number][] = []
  const warnings: string[] = []
  const details: [string, Value][] = []
  let valid = found.invalid === 0 && found.errors.length === 0
  for (const index of collection.indexes) {
    const entries = index.primary ? found.documents : (await measure(context, index.space)).count
    keys.push([index.name, entries])
    const quiet = context.store.transactions.current() === commit
    const same = entries === found.expected.get(index.name)
    if (!same && !quiet) warnings.push(`index ${index.name} was written to while it was looked at`)
    if (!same && quiet) valid = false
    details.push([index.name, docOf({ valid: same || !quiet })])
  }
  return {
    ns: collection.ns,
    nInvalidDocuments: found.invalid,
    nNonCompliantDocuments: 0,
    nrecords: found.documents,
    nIndexes: collection.indexes.length,
    keysPerIndex: docOf(Object.fromEntries(keys)),
    indexDetails: docOf(Object.fromEntries(details)),
    valid,
    repaired: false,
    warnings,
    errors: [...found.errors],
    extraIndexEntries: [],
    missingIndexEntries: [],
    corruptRecords: [],
  }
}
