// Collections and databases: create, drop, rename, list.
import { createHash } from 'node:crypto'
import { CATALOG, type Collection, collectionKey, splitNamespace } from '../catalog.ts'
import { CommandError, typeMismatch } from '../errors.ts'
import { compileExpressionFilter } from '../expression-filter.ts'
import { toDouble } from '../numbers.ts'
import type { Unit } from '../transactions.ts'
import { Binary, type Doc, isDoc, isNumber, type Value } from '../values.ts'
import { boolField, type Context, docField, namespace, type Reply, wholeNamespace } from './context.ts'
import { listReply } from './cursor-reply.ts'
import { ofDatabase } from './statistics.ts'

/** Inside a transaction that reads a snapshot the real server stops at the read concern, which these commands do not have. */
export const refuseSnapshot = (context: Context): void => {
  const concern = context.body.get('readConcern')
  if (context.transaction && isDoc(concern) && concern.get('level') === 'snapshot')
    throw new CommandError(72, `${context.name} does not support the read concern of this transaction`)
}

/** Commands that change what is in the catalog are not part of transactions. */
export const refuseInTransaction = (context: Context): void => {
  if (!context.transaction) return
  refuseSnapshot(context)
  throw new CommandError(263, `Cannot run '${context.name}' in a multi-document transaction.`)
}

/** Writes to the server's own collections are refused: it has none here. */
export const refuseSystem = (ns: string): void => {
  const { name } = splitNamespace(ns)
  if (name.startsWith('system.')) throw new CommandError(73, `Invalid system namespace: ${ns}`)
}

export const create = async (context: Context): Promise<Reply> => {
  const ns = namespace(context)
  refuseSystem(ns)
  refuseSnapshot(context)
  const { store } = context
  const make = (unit: Unit): void => {
    const known = unit.transaction ? store.reading(unit.transaction).collection(ns) : store.catalog.get(ns)
    if (known) throw new CommandError(48, `Collection ${ns} already exists.`)
    store.ensure(unit, ns)
  }
  if (context.transaction) make(store.transactions.unitOf(context.transaction))
  else await store.write(make, context)
  return {}
}

export const drop = async (context: Context): Promise<Reply> => {
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

export const dropDatabase = async (context: Context): Promise<Reply> => {
  refuseInTransaction(context)
  const { store, body } = context
  const one = body.get('dropDatabase')
  if (!isNumber(one ?? null)) throw typeMismatch("BSON field 'dropDatabase' must be a number")
  if (toDouble(one as number) !== 1) throw new CommandError(5255100, "Have to pass 1 as 'dropDatabase' parameter")
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
  refuseInTransaction(context)
  if (context.database !== 'admin')
    throw new CommandError(13, 'renameCollection may only be run against the admin database.')
  const from = wholeNamespace(context.body.get('renameCollection'))
  const to = wholeNamespace(context.body.get('to'))
  refuseSystem(from)
  refuseSystem(to)
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
  return listReply(context, `${context.database}.$cmd.listCollections`, all)
}
