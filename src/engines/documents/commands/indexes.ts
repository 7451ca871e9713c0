// createIndexes, dropIndexes, listIndexes.
import { identical } from '../bson-encode.ts'
import { CATALOG, type Collection, collectionKey, idSpec, makeIndex } from '../catalog.ts'
import { CommandError, notImplemented } from '../errors.ts'
import { isOperators, truthy } from '../filter-tests.ts'
import { addIndexes, fillIndexes } from '../index-build.ts'
import type { Index } from '../indexes.ts'
import { asLong, toDouble } from '../numbers.ts'
import { shown } from '../shown.ts'
import type { Store } from '../store.ts'
import type { Transaction } from '../transactions.ts'
import { BSONRegExp, type Doc, isArray, isDoc, isNumber, isTrue, type Maybe, type Value } from '../values.ts'
import { refuseInTransaction, refuseSnapshot, refuseSystem } from './collections.ts'
import { boolField, type Context, docsField, existing, namespace, type Reply } from './context.ts'
import { listReply } from './cursor-reply.ts'
import { strict } from './options.ts'
import { checkOptions, type Option, type Table } from './schema.ts'

const cannot = (message: string): CommandError => new CommandError(67, message)

/** Options of an index that are kept, in the order in which they are listed. */
const KEPT = ['background', 'sparse', 'expireAfterSeconds', 'partialFilterExpression', 'hidden']

const refused: Option = { type: 'any', use: 'refused' }
const flag: Option = { type: 'bool', use: 'served' }
/** Options of the real server for kinds of indexes that are left out. */
const LEFT_OUT: Readonly<Record<string, Option>> = Object.fromEntries(
  `weights default_language language_override textIndexVersion 2dsphereIndexVersion bits min max bucketSize prepareUnique
   clustered wildcardProjection columnstoreProjection`
    .split(/\s+/)
    .map((name) => [name, refused]),
)

const SPECIFICATION: Table = strict(
  {
    key: { type: 'object', use: 'served', required: true, typeCode: 67 },
    name: { type: 'string', use: 'served' },
    v: { type: 'whole', use: 'ignored', least: 1, most: 2, boundCode: 67 },
    ns: { type: 'string', use: 'ignored' },
    unique: flag,
    sparse: flag,
    hidden: flag,
    background: { type: 'bool', use: 'ignored' },
    dropDups: { type: 'bool', use: 'ignored' },
    comment: { type: 'any', use: 'ignored' },
    expireAfterSeconds: { type: 'number', use: 'served', typeCode: 67 },
    partialFilterExpression: { type: 'object', use: 'served', typeCode: 67 },
    collation: { type: 'collation', use: 'served' },
    storageEngine: { type: 'object', use: 'ignored' },
    ...LEFT_OUT,
  },
  197,
)

/** What `ignoreUnknownIndexOptions` leaves of a specification, as `mongorestore` asks for it. */
const knownOptions = (given: Doc): Doc => new Map([...given].filter(([name]) => SPECIFICATION.options.has(name)))

const SPECIAL = ['text', '2d', '2dsphere', 'hashed', 'geoHaystack', 'columnstore']

const checkKey = (key: Maybe): Doc => {
  if (!isDoc(key) || key.size === 0) throw cannot('Index keys cannot be an empty object')
  if (key.size > 32) throw cannot('too many fields in an index')
  for (const [path, direction] of key) {
    if (typeof direction === 'string') {
      if (SPECIAL.includes(direction)) throw notImplemented(`an index of the kind "${direction}"`)
      throw cannot(`Unknown index plugin '${direction}'`)
    }
    if (!isNumber(direction)) throw cannot('Values in the index key pattern can only be numbers or strings')
    const number = toDouble(direction)
    if (number === 0 || Number.isNaN(number)) throw cannot('Values in the index key pattern cannot be 0')
    if (path === '' || path.split('.').some((part) => part === '')) throw cannot('Index keys cannot be an empty field')
    if (path.includes('$**')) throw notImplemented('a wildcard index')
    if (path.split('.').some((part) => part.startsWith('$') && !['$id', '$ref', '$db'].includes(part)))
      throw cannot(`Index key contains an illegal field name: field name starts with '$': ${path}`)
  }
  return key
}

const isIdKey = (key: Doc): boolean => key.size === 1 && key.has('_id')

/** The specification as it is kept and listed, checked. */
const specOf = (given: Doc): Doc => {
  checkOptions('createIndexes.indexes', SPECIFICATION, given)
  const key = checkKey(given.get('key'))
  const name = given.get('name')
  if (typeof name !== 'string' || name === '')
    throw new CommandError(9, "The 'name' field is a required property of an index specification")
  if (isIdKey(key)) {
    if (toDouble(key.get('_id') as number) !== 1)
      throw new CommandError(2, "The field 'key' for an _id index must be {_id: 1}")
    return new Map<string, Value>([
      ['v', 2],
      ['key', key],
      ['name', '_id_'],
    ])
  }
  const expire = given.get('expireAfterSeconds')
  if (expire !== undefined) {
    const seconds = toDouble(expire as number)
    if (!(seconds >= 0 && seconds <= 2147483647))
      throw cannot(`TTL index 'expireAfterSeconds' option must be within 0 and 2147483647, got ${seconds}`)
    if (key.size > 1) throw cannot('TTL indexes are single-field indexes, compound indexes do not support TTL')
  }
  const partial = given.get('partialFilterExpression')
  if (isDoc(partial)) checkPartial(partial)
  if (partial !== undefined && isTrue(given.get('sparse')))
    throw cannot('cannot mix "partialFilterExpression" and "sparse" options')
  const spec = new Map<string, Value>([['v', 2]])
  if (isTrue(given.get('unique'))) spec.set('unique', true)
  spec.set('key', key)
  spec.set('name', name)
  for (const option of KEPT) {
    const value = given.get(option)
    if (value === undefined) continue
    if (option === 'sparse' || option === 'hidden') {
      if (isTrue(value)) spec.set(option, true)
    } else spec.set(option, isNumber(value) ? Number(asLong(value) ?? toDouble(value)) : value)
  }
  try {
    makeIndex({ space: 0, spec })
  } catch (error) {
    throw cannot(`the partial filter expression is not valid: ${error instanceof Error ? error.message : error}`)
  }
  return spec
}

const PARTIAL = new Set(['$eq', '$gt', '$gte', '$lt', '$lte', '$exists', '$type', '$in'])

const unsupported = (what: string): CommandError => cannot(`Expression not supported in partial index: ${what}`)

const hasRegex = (value: Value): boolean =>
  value instanceof BSONRegExp || (isArray(value) && value.some((item) => item instanceof BSONRegExp))

/** Refuses a filter of a partial index that holds anything but what the server can tell a query's own conditions from. */
const checkPartial = (filter: Doc): void => {
  for (const [name, value] of filter) {
    if ((name === '$and' || name === '$or') && isArray(value)) {
      for (const clause of value) if (isDoc(clause)) checkPartial(clause)
    } else if (name.startsWith('$')) throw unsupported(name)
    else if (hasRegex(value)) throw unsupported('$regex')
    else if (isOperators(value))
      for (const [operator, operand] of value) {
        const absent = operator === '$exists' && !truthy(operand)
        if (!PARTIAL.has(operator) || absent) throw unsupported(absent ? '$exists: false' : operator)
        if (hasRegex(operand)) throw unsupported('$regex')
      }
  }
}

const directions = (key: Doc): string => JSON.stringify([...key].map(([path, way]) => [path, Math.sign(Number(way))]))

/** The index that already is what is asked for; one that differs under the same name or key is refused. */
const sameIndex = (indexes: readonly Index[], spec: Doc): Index | undefined => {
  const key = spec.get('key') as Doc
  if (isIdKey(key)) return indexes[0]
  for (const index of indexes) {
    const own = index.spec.get('key') as Doc
    const sameKey = directions(own) === directions(key)
    const options = ['unique', 'sparse', 'expireAfterSeconds', 'partialFilterExpression']
    const same = options.every((o) => identical(index.spec.get(o), spec.get(o)))
    if (index.name === spec.get('name')) {
      if (sameKey && same) return index
      throw new CommandError(
        sameKey ? 85 : 86,
        `An existing index has the same name as the requested index: ${index.name}`,
      )
    }
    if (sameKey && identical(index.spec.get('partialFilterExpression'), spec.get('partialFilterExpression'))) {
      throw new CommandError(85, `Index already exists with a different name: ${index.name}`)
    }
  }
  return undefined
}

const idIndex = (): Index => makeIndex({ space: 0, spec: idSpec() })

/** Builds that go on, by collection; who asks for an index that is being built waits for it. */
const builds = new WeakMap<Store, Map<string, Promise<void>>>()

const buildsOf = (store: Store): Map<string, Promise<void>> => {
  let known = builds.get(store)
  if (!known) {
    known = new Map()
    builds.set(store, known)
  }
  return known
}

interface Planned {
  /** There is no collection yet. */
  readonly fresh: boolean
  readonly before: number
  readonly missing: readonly Doc[]
}

/** Which of the indexes are to be made; those that are there already are not. */
const planned = (known: Collection | undefined, specs: readonly Doc[]): Planned => {
  const missing: Doc[] = []
  const before = known?.indexes.length ?? 1
  for (const spec of specs) {
    const asked = missing.map((m) => makeIndex({ space: 0, spec: m }))
    if (!sameIndex([...(known?.indexes ?? [idIndex()]), ...asked], spec)) missing.push(spec)
  }
  if (before + missing.length > 64) throw cannot('add index fails, too many indexes')
  return { fresh: known === undefined, before, missing }
}

const created = ({ fresh, before, missing }: Planned): Reply => ({
  numIndexesBefore: before,
  numIndexesAfter: before + missing.length,
  createdCollectionAutomatically: fresh,
  ...(missing.length === 0 && { note: 'all indexes already exist' }),
})

/** Inside a transaction: on a collection that it has made itself and that is still empty. */
const createInside = (context: Context, transaction: Transaction, ns: string, specs: readonly Doc[]): Reply => {
  const { store } = context
  const known = store.reading(transaction).collection(ns)
  const plan = planned(known, specs)
  if (known && plan.missing.length === 0) return created(plan)
  const [any] = known ? transaction.view.range(known.space, '', undefined) : []
  if (known && (any !== undefined || !transaction.created.has(ns)))
    throw new CommandError(
      263,
      `Cannot create new indexes on existing collection ${ns} in a multi-document transaction.`,
    )
  const collection = store.ensure(store.transactions.unitOf(transaction), ns)
  const made = plan.missing.map((spec) => makeIndex({ space: store.catalog.newSpace(), spec }))
  transaction.created.set(ns, { ...collection, indexes: [...collection.indexes, ...made] })
  return created(plan)
}

export const createIndexes = async (context: Context): Promise<Reply> => {
  const ns = namespace(context)
  refuseSystem(ns)
  refuseSnapshot(context)
  const given = docsField(context.body, 'indexes')
  const specs = (boolField(context.body, 'ignoreUnknownIndexOptions') ? given.map(knownOptions) : given).map(specOf)
  if (specs.length === 0) throw new CommandError(2, 'Must specify at least one index to create')
  const { store, transaction } = context
  if (transaction) return createInside(context, transaction, ns, specs)
  const running = buildsOf(store)
  while (running.has(ns)) await context.wait(running.get(ns)!.catch(() => undefined))
  const started = await store.write((unit) => {
    const known = store.catalog.get(ns)
    const plan = planned(known, specs)
    if (known && plan.missing.length === 0) return { plan, collection: known, filling: [] }
    store.transactions.waitForUsers(ns)
    const collection = store.ensure(unit, ns)
    unit.claim(CATALOG, collectionKey(ns))
    return { plan, collection, filling: addIndexes(store, unit, collection, plan.missing) }
  }, context)
  if (started.filling.length > 0) {
    const build = fillIndexes(store, started.collection, started.filling, context)
    running.set(ns, build)
    await build.finally(() => running.delete(ns))
  }
  return created(started.plan)
}

export const dropIndexes = async (context: Context): Promise<Reply> => {
  refuseInTransaction(context)
  const ns = namespace(context)
  const which = context.body.get('index')
  const { store } = context
  const before = await store.write((unit) => {
    const collection = existing(store.latest(), ns)
    store.transactions.waitForUsers(ns)
    const gone =
      which === '*'
        ? collection.indexes.filter((i) => !i.primary)
        : [which].flat().map((w) => wanted(collection, w as Value))
    unit.claim(CATALOG, collectionKey(ns))
    for (const index of gone) store.catalog.discard(index.space, unit.changes)
    store.catalog.save({ ...collection, indexes: collection.indexes.filter((i) => !gone.includes(i)) }, unit.changes)
    return collection.indexes.length
  }, context)
  store.cleanSoon()
  return { nIndexesWas: before }
}

const wanted = (collection: Collection, which: Value): Index => {
  const found = collection.indexes.find((index) =>
    isDoc(which) ? directions(index.spec.get('key') as Doc) === directions(which) : index.name === which,
  )
  if (!found)
    throw new CommandError(
      27,
      isDoc(which) ? `can't find index with key: ${shown(which)}` : `index not found with name [${String(which)}]`,
    )
  if (found.primary) throw new CommandError(72, 'cannot drop _id index')
  return found
}

export const listIndexes = async (context: Context): Promise<Reply> => {
  const ns = namespace(context)
  const collection = existing(context.store.latest(), ns)
  return listReply(
    context,
    ns,
    collection.indexes.filter((i) => !i.building).map((i) => i.spec),
  )
}
