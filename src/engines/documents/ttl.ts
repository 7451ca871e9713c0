// Expiry: documents whose date in a TTL index is too long ago are deleted, a batch at a time.
import type { Collection } from './catalog.ts'
import { removeDocument } from './documents.ts'
import { compileFilter, type Filter } from './filter.ts'
import type { Index } from './indexes.ts'
import { breathe, createScan, rawTest } from './scan.ts'
import { planQuery } from './select.ts'
import type { Store } from './store.ts'
import type { Doc, Value } from './values.ts'

const BATCH = 500

const expired = (index: Index, now: number): Filter => {
  const before = new Date(now - index.expireAfterSeconds! * 1000)
  const condition: Doc = new Map<string, Value>([['$lt', before]])
  return compileFilter(new Map([[index.fields[0]!.path, condition]]))
}

const expireIn = async (store: Store, collection: Collection, index: Index): Promise<void> => {
  const filter = expired(index, Date.now())
  const source = { view: store.storage, asOf: Number.POSITIVE_INFINITY }
  const plan = planQuery(collection, source, { filter, sort: [], hint: index.partial ? undefined : index.name })
  const scan = createScan(collection, plan, filter)
  const matches = rawTest(filter)
  while (!scan.done) {
    const found = scan.take(store.storage, BATCH)
    if (found.length > 0)
      await store.write((unit) => {
        if (store.catalog.get(collection.ns)?.space !== collection.space) return
        for (const { key } of found) {
          const raw = unit.view.get(collection.space, key)
          const covered = raw && matches(raw) && (!index.partial || rawTest(index.partial)(raw))
          if (covered) removeDocument(unit, store.catalog.get(collection.ns)!, key, raw)
        }
      })
    await breathe()
  }
}

/** Deletes what has expired, once. */
const expireDocuments = async (store: Store): Promise<void> => {
  for (const collection of [...store.catalog.all()])
    for (const index of collection.indexes)
      if (index.expireAfterSeconds !== undefined && !index.building) await expireIn(store, collection, index)
}

/** Deletes what has expired, now and again until stopped. */
export const startExpiry = (store: Store, everyMs: number): { stop(): Promise<void> } => {
  let running = Promise.resolve()
  let stopped = false
  const timer = setInterval(() => {
    running = running.then(() => (stopped ? undefined : expireDocuments(store))).catch(() => undefined)
  }, everyMs)
  timer.unref()
  return {
    stop: async () => {
      stopped = true
      clearInterval(timer)
      await running
    },
  }
}
