// Building indexes: at once on a small collection, else in many commits while writes go on and keep the index up to date.
import { type Collection, makeIndex } from './catalog.ts'
import { indexDocument } from './documents.ts'
import { CommandError } from './errors.ts'
import type { Index } from './indexes.ts'
import type { Key } from './keys.ts'
import { breathe } from './scan.ts'
import type { Patience, Store } from './store.ts'
import type { Unit } from './transactions.ts'
import type { Doc } from './values.ts'

/** Documents whose entries are made in one commit. */
const BATCH = 1000

const keysFrom = (unit: Unit, collection: Collection, last: Key | undefined): readonly (readonly [Key, Buffer])[] => {
  const out: (readonly [Key, Buffer])[] = []
  for (const entry of unit.view.range(collection.space, last === undefined ? '' : `${last}\0`, undefined)) {
    out.push(entry)
    if (out.length === BATCH) break
  }
  return out
}

const indexBatch = (unit: Unit, collection: Collection, indexes: readonly Index[], last: Key | undefined) => {
  const documents = keysFrom(unit, collection, last)
  for (const [key, raw] of documents) for (const index of indexes) indexDocument(unit, collection, index, key, raw)
  return documents.length < BATCH ? undefined : documents.at(-1)![0]
}

/**
 * Adds indexes of these specifications to a collection, inside a commit. Answers those that still have to be filled, which
 * is left to `fillIndexes`.
 */
export const addIndexes = (
  store: Store,
  unit: Unit,
  collection: Collection,
  specs: readonly Doc[],
): readonly Index[] => {
  const make = (building: boolean): Index[] =>
    specs.map((spec) =>
      makeIndex({ space: store.catalog.newSpace(), spec, building, readySince: store.transactions.current() + 1 }),
    )
  if (specs.length === 0) return []
  const small = keysFrom(unit, collection, undefined).length < BATCH
  const indexes = make(!small)
  if (small) indexBatch(unit, collection, indexes, undefined)
  store.catalog.save({ ...collection, indexes: [...collection.indexes, ...indexes] }, unit.changes)
  return small ? [] : indexes
}

const current = (store: Store, collection: Collection, indexes: readonly Index[]): Collection => {
  const now = store.catalog.get(collection.ns)
  if (now?.space !== collection.space || !indexes.every((index) => now.indexes.includes(index)))
    throw new CommandError(276, 'the index build was aborted: the collection or the index was dropped')
  return now
}

/** Takes indexes out again that could not be filled, or were not when the process ended. */
const removeIndexes = (store: Store, unit: Unit, collection: Collection, gone: readonly Index[]): void => {
  const now = store.catalog.get(collection.ns)
  if (now?.space !== collection.space) return
  for (const index of gone) store.catalog.discard(index.space, unit.changes)
  store.catalog.save({ ...now, indexes: now.indexes.filter((index) => !gone.includes(index)) }, unit.changes)
}

/** Makes the entries of all documents, in commits of their own; what cannot be indexed takes the indexes out again. */
export const fillIndexes = async (
  store: Store,
  collection: Collection,
  indexes: readonly Index[],
  patience: Patience,
): Promise<void> => {
  try {
    let last: Key | undefined
    do {
      last = await store.write((unit) => indexBatch(unit, current(store, collection, indexes), indexes, last), patience)
      await breathe()
    } while (last !== undefined)
    await store.write((unit) => {
      const now = current(store, collection, indexes)
      const readySince = store.transactions.current() + 1
      const ready = now.indexes.map((index) =>
        indexes.includes(index) ? { ...index, building: false, readySince } : index,
      )
      store.catalog.save({ ...now, indexes: ready }, unit.changes)
    })
  } catch (error) {
    await store.write((unit) => removeIndexes(store, unit, collection, indexes))
    store.cleanSoon()
    throw error
  }
}

/** Takes out what was being built when the process ended. */
export const removeUnfinished = async (store: Store): Promise<void> => {
  const unfinished = [...store.catalog.all()].filter((c) => c.indexes.some((index) => index.building))
  for (const collection of unfinished)
    await store.write((unit) =>
      removeIndexes(
        store,
        unit,
        collection,
        collection.indexes.filter((index) => index.building),
      ),
    )
}
