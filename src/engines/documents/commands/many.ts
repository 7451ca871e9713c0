// A statement that touches many documents outside a transaction: each document changes in its own right, in commits of many.
import type { Collection } from '../catalog.ts'
import { CommandError } from '../errors.ts'
import type { Key } from '../keys.ts'
import { createMemory, type Memory } from '../memory.ts'
import { breathe, createScan } from '../scan.ts'
import { planQuery } from '../select.ts'
import { type Selection, stillMatches, type Target } from '../statements.ts'
import { Blocked, type Unit } from '../transactions.ts'
import type { Context } from './context.ts'

/** Documents that one commit changes. */
const CHUNK = 1000

/** Collects the keys of all matches in slices, then works through them in commits of their own, looking at each again. */
export const eachMatch = async (context: Context, ns: string, selection: Selection, work: Work): Promise<void> => {
  const memory = createMemory()
  try {
    await changeMatches(context, ns, selection, work, memory)
  } finally {
    memory.free()
  }
}

type Work = (unit: Unit, collection: Collection, target: Target) => () => void

/** What a key takes in memory beside its characters. */
const KEY_BYTES = 32

const changeMatches = async (
  context: Context,
  ns: string,
  selection: Selection,
  work: Work,
  memory: Memory,
): Promise<void> => {
  const { store } = context
  const collection = store.catalog.get(ns)
  if (!collection) return
  const source = { view: store.storage, asOf: Number.POSITIVE_INFINITY }
  const query = { filter: selection.filter, sort: [], hint: selection.hint }
  const scan = createScan(collection, planQuery(collection, source, query), selection.filter)
  const keys: Key[] = []
  while (!scan.done) {
    for (const { key } of scan.take(store.storage, CHUNK)) {
      memory.hold(key.length + KEY_BYTES)
      keys.push(key)
    }
    context.check()
    if (!scan.done) await breathe()
  }
  const matches = stillMatches(selection)
  let next = 0
  const chunk = (unit: Unit) => {
    const counted: (() => void)[] = []
    const now = store.catalog.get(ns)
    if (now?.space !== collection.space) return { at: keys.length, error: undefined, counted }
    let at = next
    for (; at < keys.length && at - next < CHUNK; at += 1) {
      unit.changes.mark()
      try {
        const raw = unit.view.get(now.space, keys[at]!)
        if (raw && matches(raw)) counted.push(work(unit, now, { key: keys[at]!, raw }))
      } catch (error) {
        unit.changes.rollback()
        if (error instanceof Blocked && at > next) break
        if (!(error instanceof CommandError)) throw error
        return { at, error, counted }
      }
    }
    return { at, error: undefined, counted }
  }
  while (next < keys.length) {
    context.check()
    const done = await store.write(chunk, context)
    for (const count of done.counted) count()
    if (done.error) throw done.error
    next = done.at
  }
}
