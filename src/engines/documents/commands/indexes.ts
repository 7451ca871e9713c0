// createIndexes, dropIndexes, listIndexes.
import { identical } from '../bson-encode.ts'
import { CATALOG, type Collection, collectionKey, idSpec, makeIndex } from '../catalog.ts'
import { CommandError, notImplemented } from '../errors.ts'
import { addIndexes, fillIndexes } from '../index-build.ts'
import type { Index } from '../indexes.ts'
import { asLong, toDouble } from '../numbers.ts'
import type { Store } from '../store.ts'
import { type Doc, isDoc, isNumber, type Maybe, type Value } from '../values.ts'
import { refuseInTransaction } from './collections.ts'
import { type Context, docsField, existing, namespace, onlyFields, type Reply } from './context.ts'

const cannot = (message: string): CommandError => new CommandError(67, message)

/** Options of an index, in the order in which they are listed. */
const KEPT = ['background', 'sparse', 'expireAfterSeconds', 'partialFilterExpression', 'hidden']
const IGNORED = new Set(['v', 'key', 'name', 'ns', 'dropDups', 'comment'])
/** Options of the real server for kinds of indexes that are left out. */
const LEFT_OUT = new Set(
  `weights default_language language_override textIndexVersion 2dsphereIndexVersion bits min max bucketSize prepareUnique
   clustered wildcardProjection columnstoreProjection`.split(/\s+/),
)
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
  const key = checkKey(given.get('key'))
  const name = given.get('name')
  if (typeof name !== 'string' || name === '')
    throw new CommandError(9, "The 'name' field is a required property of an index specification")
  for (const [option, value] of given) {
    if (IGNORED.has(option) || option === 'unique' || KEPT.includes(option)) continue
    const simple = option === 'collation' && isDoc(value) && value.get('locale') === 'simple'
    if (option === 'collation' && !simple) throw notImplemented('an index with a collation')
    if (LEFT_OUT.has(option)) throw notImplemented(`the option "${option}" of an index`)
    if (!simple && !['storageEngine'].includes(option))
      throw new CommandError(197, `The field '${option}' is not valid for an index specification`)
  }
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
    if (!isNumber(expire)) throw cannot("TTL index 'expireAfterSeconds' option must be numeric")
    const seconds = toDouble(expire)
    if (!(seconds >= 0 && seconds <= 2147483647))
      throw cannot(`TTL index 'expireAfterSeconds' option must be within 0 and 2147483647, got ${seconds}`)
    if (key.size > 1) throw cannot('TTL indexes are single-field indexes, compound indexes do not support TTL')
  }
  const partial = given.get('partialFilterExpression')
  if (partial !== undefined && !isDoc(partial))
    throw cannot("'partialFilterExpression' for an index has to be a document")
  if (partial !== undefined && given.get('sparse') === true)
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

const isTrue = (value: Maybe): boolean => (isNumber(value) ? toDouble(value) !== 0 : value === true)

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

export const createIndexes = async (context: Context): Promise<Reply> => {
  onlyFields(context, ['indexes', 'commitQuorum', 'ignoreUnknownIndexOptions'])
  refuseInTransaction(context)
  const ns = namespace(context)
  const specs = docsField(context.body, 'indexes').map(specOf)
  if (specs.length === 0) throw new CommandError(2, 'Must specify at least one index to create')
  const { store } = context
  const running = buildsOf(store)
  while (running.has(ns)) await context.wait(running.get(ns)!.catch(() => undefined))
  const started = await store.write((unit) => {
    const known = store.catalog.get(ns)
    const missing: Doc[] = []
    const before = known?.indexes.length ?? 1
    for (const spec of specs) {
      const asked = missing.map((m) => makeIndex({ space: 0, spec: m }))
      if (!sameIndex([...(known?.indexes ?? [idIndex()]), ...asked], spec)) missing.push(spec)
    }
    if (before + missing.length > 64) throw cannot('add index fails, too many indexes')
    const outcome = { fresh: known === undefined, before, after: before + missing.length }
    if (known && missing.length === 0) return { ...outcome, collection: known, filling: [] }
    store.transactions.waitForUsers(ns)
    const collection = store.ensure(unit, ns)
    unit.claim(CATALOG, collectionKey(ns))
    return { ...outcome, collection, filling: addIndexes(store, unit, collection, missing) }
  }, context)
  if (started.filling.length > 0) {
    const build = fillIndexes(store, started.collection, started.filling, context)
    running.set(ns, build)
    await build.finally(() => running.delete(ns))
  }
  return {
    numIndexesBefore: started.before,
    numIndexesAfter: started.after,
    createdCollectionAutomatically: started.fresh,
    ...(started.after === started.before && { note: 'all indexes already exist' }),
  }
}

export const dropIndexes = async (context: Context): Promise<Reply> => {
  onlyFields(context, ['index'])
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
  if (!found) throw new CommandError(27, `index not found with name [${String(which)}]`)
  if (found.primary) throw new CommandError(72, 'cannot drop _id index')
  return found
}

export const listIndexes = async (context: Context): Promise<Reply> => {
  onlyFields(context, ['cursor', 'includeBuildUUIDs', 'includeIndexBuildInfo'])
  const ns = namespace(context)
  const collection = existing(context.store.latest(), ns)
  return { cursor: { id: 0n, ns, firstBatch: collection.indexes.filter((i) => !i.building).map((i) => i.spec) } }
}
