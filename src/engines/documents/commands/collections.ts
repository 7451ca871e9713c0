// Collections and databases: create, drop, rename, list.
import { createHash } from 'node:crypto'
import { CATALOG, type Collection, collectionKey, splitNamespace } from '../catalog.ts'
import { CommandError, notImplemented } from '../errors.ts'
import { compileExpressionFilter } from '../expression-filter.ts'
import { newCollection } from '../store.ts'
import { Binary, type Doc, docOf, isDoc, type Value } from '../values.ts'
import {
  boolField,
  type Context,
  docField,
  existing,
  namespace,
  numberField,
  onlyFields,
  type Reply,
  wholeNamespace,
} from './context.ts'

/** Commands that change the catalog by themselves are not part of transactions. */
export const refuseInTransaction = (context: Context): void => {
  if (!context.transaction) return
  const concern = context.body.get('readConcern')
  // With a snapshot the real server stops at the read concern, which these commands do not have.
  if (isDoc(concern) && concern.get('level') === 'snapshot')
    throw new CommandError(72, `${context.name} does not support the read concern of this transaction`)
  throw new CommandError(263, `Cannot run '${context.name}' in a multi-document transaction.`)
}

const CREATE_FIELDS = `capped autoIndexId size max storageEngine validator validationLevel validationAction
  indexOptionDefaults viewOn pipeline collation timeseries expireAfterSeconds clusteredIndex changeStreamPreAndPostImages
  encryptedFields temp flags idIndex`.split(/\s+/)

const ALLOWED_OPTIONS = new Set(['indexOptionDefaults', 'storageEngine', 'autoIndexId', 'idIndex', 'flags', 'temp'])

export const create = async (context: Context): Promise<Reply> => {
  onlyFields(context, CREATE_FIELDS)
  refuseInTransaction(context)
  const ns = namespace(context)
  for (const name of CREATE_FIELDS) {
    const value = context.body.get(name)
    const given = value !== undefined && value !== false && !(isDoc(value) && value.size === 0)
    if (given && !ALLOWED_OPTIONS.has(name)) throw notImplemented(`the option "${name}" of create`)
  }
  const { store } = context
  await store.write((unit) => {
    unit.claim(CATALOG, collectionKey(ns))
    if (store.catalog.get(ns)) throw new CommandError(48, `Collection ${ns} already exists.`)
    store.catalog.save(newCollection(ns, store.catalog.newSpace), unit.changes)
  }, context)
  return {}
}

export const drop = async (context: Context): Promise<Reply> => {
  onlyFields(context, [])
  refuseInTransaction(context)
  const ns = namespace(context)
  const { store } = context
  const dropped = await store.write((unit) => {
    const collection = store.catalog.get(ns)
    if (!collection) return undefined
    store.transactions.waitForUsers(ns)
    unit.claim(CATALOG, collectionKey(ns))
    store.catalog.remove(collection, unit.changes)
    return collection
  }, context)
  // Since 7.0 a server says nothing when there was no such collection; the older answer is the stricter one.
  if (!dropped) throw new CommandError(26, 'ns not found')
  store.cleanSoon()
  return { nIndexesWas: dropped.indexes.length, ns }
}

const ofDatabase = (context: Context): Collection[] =>
  [...context.store.catalog.all()].filter((c) => c.database === context.database)

export const dropDatabase = async (context: Context): Promise<Reply> => {
  onlyFields(context, [])
  refuseInTransaction(context)
  const { store } = context
  const any = await store.write((unit) => {
    const all = ofDatabase(context)
    for (const collection of all) store.transactions.waitForUsers(collection.ns)
    for (const collection of all) {
      unit.claim(CATALOG, collectionKey(collection.ns))
      store.catalog.remove(collection, unit.changes)
    }
    return all.length > 0
  }, context)
  store.cleanSoon()
  return any ? { dropped: context.database } : {}
}

export const rename = async (context: Context): Promise<Reply> => {
  onlyFields(context, ['to', 'dropTarget', 'stayTemp'])
  refuseInTransaction(context)
  if (context.database !== 'admin')
    throw new CommandError(13, 'renameCollection may only be run against the admin database.')
  const from = wholeNamespace(context.body.get('renameCollection'))
  const to = wholeNamespace(context.body.get('to'))
  const replace = boolField(context.body, 'dropTarget')
  const { store } = context
  await store.write((unit) => {
    const collection = store.catalog.get(from)
    if (!collection) throw new CommandError(26, `Source collection ${from} does not exist`)
    if (from === to) throw new CommandError(20, "Can't rename a collection to itself")
    const target = store.catalog.get(to)
    if (target && !replace) throw new CommandError(48, 'target namespace exists')
    for (const ns of [from, to]) {
      store.transactions.waitForUsers(ns)
      unit.claim(CATALOG, collectionKey(ns))
    }
    if (target) store.catalog.remove(target, unit.changes)
    store.catalog.rename(collection, { ...collection, ns: to, ...splitNamespace(to) }, unit.changes)
  }, context)
  store.cleanSoon()
  return {}
}

/** The same for a collection at every listing; derived, as nothing else needs it. */
const uuidOf = (collection: Collection): Value => {
  const bytes = createHash('sha256').update(`${collection.space}`).digest().subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return new Binary(bytes, 4)
}

const listing = (collection: Collection): Doc =>
  new Map<string, Value>([
    ['name', collection.name],
    ['type', 'collection'],
    ['options', collection.options],
    [
      'info',
      new Map<string, Value>([
        ['readOnly', false],
        ['uuid', uuidOf(collection)],
      ]),
    ],
    ['idIndex', collection.indexes[0]!.spec],
  ])

export const listCollections = async (context: Context): Promise<Reply> => {
  onlyFields(context, ['filter', 'nameOnly', 'authorizedCollections', 'cursor'])
  const filter = compileExpressionFilter(docField(context.body, 'filter') ?? new Map())
  const nameOnly = boolField(context.body, 'nameOnly')
  const all = ofDatabase(context)
    .map(listing)
    .filter((doc) => filter.matches(doc))
    .map((doc) =>
      nameOnly
        ? new Map([
            ['name', doc.get('name')!],
            ['type', 'collection'],
          ])
        : doc,
    )
  return { cursor: { id: 0n, ns: `${context.database}.$cmd.listCollections`, firstBatch: all } }
}

export const listDatabases = async (context: Context): Promise<Reply> => {
  onlyFields(context, ['filter', 'nameOnly', 'authorizedDatabases'])
  const filter = compileExpressionFilter(docField(context.body, 'filter') ?? new Map())
  const nameOnly = boolField(context.body, 'nameOnly')
  const names = [...new Set([...context.store.catalog.all()].map((c) => c.database))].sort()
  const databases = names
    .map(
      (name) =>
        new Map<string, Value>([
          ['name', name],
          ['sizeOnDisk', 4096n],
          ['empty', false],
        ]),
    )
    .filter((doc) => filter.matches(doc))
    .map((doc) => (nameOnly ? new Map([['name', doc.get('name')!]]) : doc))
  return nameOnly ? { databases } : { databases, totalSize: BigInt(databases.length * 4096), totalSizeMb: 0n }
}

/** Counts and sizes of a collection, found by reading it. */
const measure = (context: Context, collection: Collection) => {
  let documents = 0
  let bytes = 0
  for (const [, raw] of context.store.storage.range(collection.space, '', undefined)) {
    documents += 1
    bytes += raw.length
    if (documents % 10_000 === 0) context.check()
  }
  return { documents, bytes }
}

/** Sizes and counts, in bytes divided by `scale`. Indexes are not measured apart. */
export const collectionStats = (context: Context, collection: Collection | undefined, scale: number) => {
  const { documents, bytes } = collection ? measure(context, collection) : { documents: 0, bytes: 0 }
  const indexes = collection?.indexes ?? []
  return {
    size: Math.floor(bytes / scale),
    count: documents,
    ...(documents > 0 && { avgObjSize: Math.floor(bytes / documents) }),
    storageSize: Math.floor(bytes / scale),
    freeStorageSize: 0,
    capped: false,
    nindexes: indexes.length,
    indexBuilds: indexes.filter((index) => index.building).map((index) => index.name),
    totalIndexSize: 0,
    indexSizes: docOf(Object.fromEntries(indexes.map((i) => [i.name, 0]))),
    totalSize: Math.floor(bytes / scale),
    scaleFactor: scale,
  }
}

export const collStats = async (context: Context): Promise<Reply> => {
  onlyFields(context, ['scale'])
  const ns = namespace(context)
  const scale = numberField(context.body, 'scale') ?? 1
  return { ns, ...collectionStats(context, context.store.catalog.get(ns), scale) }
}

export const dbStats = async (context: Context): Promise<Reply> => {
  onlyFields(context, ['scale', 'freeStorage'])
  const all = ofDatabase(context)
  const sizes = all.map((collection) => measure(context, collection))
  const bytes = sizes.reduce((sum, s) => sum + s.bytes, 0)
  return {
    db: context.database,
    collections: all.length,
    views: 0,
    objects: sizes.reduce((sum, s) => sum + s.documents, 0),
    dataSize: bytes,
    storageSize: bytes,
    indexes: all.reduce((sum, c) => sum + c.indexes.length, 0),
    indexSize: 0,
    totalSize: bytes,
    scaleFactor: 1,
  }
}

export const validate = async (context: Context): Promise<Reply> => {
  const collection = existing(context.store.latest(), namespace(context))
  return {
    ns: collection.ns,
    valid: true,
    nrecords: measure(context, collection).documents,
    nIndexes: collection.indexes.length,
    warnings: [],
    errors: [],
  }
}
