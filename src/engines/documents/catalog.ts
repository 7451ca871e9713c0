// Which collections and indexes exist: held in memory, kept in the store's own space, changed only inside commits.
import { decode } from './bson.ts'
import { encode } from './bson-encode.ts'
import { compileFilter } from './filter.ts'
import { flagsOf, type Index, type IndexField } from './indexes.ts'
import type { Key } from './keys.ts'
import type { Overlay, Space, View } from './overlay.ts'
import { type Doc, isDoc, type MutableDoc, type Value } from './values.ts'

/** Space of the catalog itself, of sessions' outcomes, and of what is dropped but not yet cleaned away. */
export const CATALOG: Space = 0
export const SESSIONS: Space = 1
export const DROPPED: Space = 2
const FIRST_FREE: Space = 16

export interface Collection {
  readonly ns: string
  readonly database: string
  readonly name: string
  /** Documents are here, by the key of their `_id`. */
  readonly space: Space
  readonly options: Doc
  readonly indexes: readonly Index[]
}

export const collectionKey = (ns: string): Key => Buffer.from(ns).toString('latin1')

const fieldsOf = (key: Doc): IndexField[] =>
  [...key].map(([path, direction]) => ({
    path,
    parts: path.split('.'),
    descending: Number(direction) < 0,
  }))

export interface IndexState {
  readonly space: Space
  readonly spec: Doc
  readonly multikey?: boolean
  readonly arrays?: number | undefined
  readonly cut?: boolean
  readonly building?: boolean
  readonly readySince?: number
}

/** Bits for more fields than an index can have. */
const EVERY_FIELD = 2 ** 30 - 1

const optional = (value: Value | undefined): number | undefined => (value === undefined ? undefined : Number(value))

/** Makes the working form of an index from its specification. */
export const makeIndex = (state: IndexState): Index => {
  const { spec } = state
  const fields = fieldsOf(spec.get('key') as Doc)
  const partial = spec.get('partialFilterExpression')
  const filter = isDoc(partial) ? compileFilter(partial) : undefined
  const needs = new Set(fields.map((f) => f.parts[0]!))
  for (const path of filter?.paths ?? []) needs.add(path.split('.')[0]!)
  const multikey = state.multikey ?? false
  const flags = { multikey, cut: state.cut ?? false, arrays: state.arrays ?? (multikey ? EVERY_FIELD : 0) }
  return {
    ...flags,
    space: state.space,
    name: String(spec.get('name')),
    fields,
    primary: fields.length === 1 && fields[0]!.path === '_id',
    unique: spec.get('unique') === true || (fields.length === 1 && fields[0]!.path === '_id'),
    sparse: spec.get('sparse') === true,
    hidden: spec.get('hidden') === true,
    spec,
    partial: filter,
    expireAfterSeconds: optional(spec.get('expireAfterSeconds')),
    needs,
    readySince: state.readySince ?? 0,
    building: state.building ?? false,
    savedFlags: flagsOf(flags),
  }
}

export const idSpec = (): MutableDoc =>
  new Map<string, Value>([
    ['v', 2],
    ['key', new Map<string, Value>([['_id', 1]])],
    ['name', '_id_'],
  ])

const encodeCollection = (collection: Collection): Buffer =>
  encode({
    ns: collection.ns,
    space: collection.space,
    options: collection.options,
    indexes: collection.indexes.map((i) => ({
      space: i.space,
      spec: i.spec,
      multikey: i.multikey,
      arrays: i.arrays,
      cut: i.cut,
      building: i.building,
    })),
  })

export const splitNamespace = (ns: string): { readonly database: string; readonly name: string } => {
  const dot = ns.indexOf('.')
  return { database: ns.slice(0, dot), name: ns.slice(dot + 1) }
}

const parse = (bytes: Buffer): Collection => {
  const doc = decode(bytes)
  const ns = String(doc.get('ns'))
  return {
    ns,
    ...splitNamespace(ns),
    space: Number(doc.get('space')),
    options: doc.get('options') as Doc,
    indexes: (doc.get('indexes') as readonly Doc[]).map((i) =>
      makeIndex({
        space: Number(i.get('space')),
        spec: i.get('spec') as Doc,
        multikey: i.get('multikey') === true,
        arrays: optional(i.get('arrays')),
        cut: i.get('cut') === true,
        building: i.get('building') === true,
      }),
    ),
  }
}

export interface Catalog {
  get(ns: string): Collection | undefined
  all(): Iterable<Collection>
  /** A number for a new space; never given twice. */
  newSpace(): Space
  /** Writes a new or changed collection; part of the commit that `changes` belongs to. */
  save(collection: Collection, changes: Overlay): void
  /** Takes a collection out; its documents and indexes are left to the cleaner. */
  remove(collection: Collection, changes: Overlay): void
  /** Gives a collection another name. */
  rename(before: Collection, after: Collection, changes: Overlay): void
  /** Leaves a space to the cleaner. */
  discard(space: Space, changes: Overlay): void
  /** Reads everything again, after a failed commit. */
  reload(): void
}

const droppedKey = (space: Space): Key => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(space)
  return bytes.toString('latin1')
}

export const spaceOfDropped = (key: Key): Space => Buffer.from(key, 'latin1').readUInt32BE(0)

/** `learned` is told each collection before its documents are read or written. */
export const openCatalog = (view: View, learned: (collection: Collection) => void): Catalog => {
  const collections = new Map<string, Collection>()
  let next = FIRST_FREE

  const learn = (collection: Collection): void => {
    learned(collection)
    collections.set(collection.ns, collection)
    next = Math.max(next, collection.space + 1, ...collection.indexes.map((i) => i.space + 1))
  }
  const load = (): void => {
    collections.clear()
    for (const [, bytes] of view.range(CATALOG, '', undefined)) learn(parse(bytes))
    for (const [key] of view.range(DROPPED, '', undefined)) next = Math.max(next, spaceOfDropped(key) + 1)
  }
  load()

  const discard = (space: Space, changes: Overlay): void => changes.put(DROPPED, droppedKey(space), Buffer.from([0]))
  const save = (collection: Collection, changes: Overlay): void => {
    changes.put(CATALOG, collectionKey(collection.ns), encodeCollection(collection))
    for (const index of collection.indexes) index.savedFlags = flagsOf(index)
    learn(collection)
  }
  return {
    get: (ns) => collections.get(ns),
    all: () => collections.values(),
    newSpace: () => {
      next += 1
      return next - 1
    },
    save,
    rename: (before, after, changes) => {
      changes.put(CATALOG, collectionKey(before.ns), null)
      collections.delete(before.ns)
      save(after, changes)
    },
    remove: (collection, changes) => {
      changes.put(CATALOG, collectionKey(collection.ns), null)
      collections.delete(collection.ns)
      discard(collection.space, changes)
      for (const index of collection.indexes) if (!index.primary) discard(index.space, changes)
    },
    discard,
    reload: load,
  }
}
