// `$out` and `$merge`: the last stage of a pipeline, which writes what comes to it into a collection.
import { decode } from '../bson.ts'
import { CATALOG, type Collection, collectionKey, makeIndex, splitNamespace } from '../catalog.ts'
import type { Answer } from '../cursors.ts'
import { insertDocument, prepare } from '../documents.ts'
import { CommandError } from '../errors.ts'
import type { Store } from '../store.ts'
import { type Doc, isDoc } from '../values.ts'
import { refuseSystem } from './collections.ts'
import { type Context, wholeNamespace } from './context.ts'
import { mergeInto } from './merge.ts'
import { strict } from './options.ts'
import { checkOptions, type Table } from './schema.ts'

/** Takes all of an answer and gives one without documents. */
export type Output = (answer: Answer) => Answer

const OUT: Table = strict(
  {
    db: { type: 'string', use: 'served', required: true },
    coll: { type: 'string', use: 'served', required: true },
    timeseries: { type: 'object', use: 'refused' },
  },
  40415,
)

/** The name that begins those of collections that are being written, and that nobody else should use. */
const TEMPORARY = 'tmp.agg_out.'
let lastNumber = 0

const chunksOf = async function* (answer: Answer): AsyncGenerator<readonly Buffer[], void, undefined> {
  for (let next = await answer.next(); next.done !== true; next = await answer.next()) yield next.value
}

/** An empty collection beside the target, with the target's indexes. */
const makeBeside = (context: Context, ns: string): Promise<string> => {
  const { store } = context
  lastNumber += 1
  const beside = `${splitNamespace(ns).database}.${TEMPORARY}${process.pid}.${lastNumber}`
  return store.write((unit) => {
    const made = store.ensure(unit, beside)
    const specs = (store.catalog.get(ns)?.indexes ?? []).filter((index) => !index.primary && !index.building)
    const indexes = specs.map(({ spec }) =>
      makeIndex({ space: store.catalog.newSpace(), spec, readySince: store.transactions.current() + 1 }),
    )
    store.catalog.save({ ...made, indexes: [...made.indexes, ...indexes] }, unit.changes)
    return beside
  }, context)
}

const remove = (store: Store, ns: string): Promise<void> =>
  store.write((unit) => {
    const found = store.catalog.get(ns)
    if (found) store.catalog.remove(found, unit.changes)
  })

const putInPlace = (context: Context, beside: string, ns: string): Promise<void> => {
  const { store } = context
  return store.write((unit) => {
    const made = store.catalog.get(beside)!
    const target = store.catalog.get(ns)
    store.transactions.waitForUsers(ns)
    unit.claim(CATALOG, collectionKey(ns))
    if (target) store.catalog.remove(target, unit.changes)
    const renamed: Collection = { ...made, ns, ...splitNamespace(ns) }
    store.catalog.rename(made, renamed, unit.changes)
  }, context)
}

const out = async (context: Context, ns: string, answer: Answer): Promise<void> => {
  const { store } = context
  const beside = await makeBeside(context, ns)
  try {
    for await (const chunk of chunksOf(answer)) {
      context.check()
      await store.write((unit) => {
        const collection = store.catalog.get(beside)!
        for (const raw of chunk) insertDocument(unit, collection, prepare(raw))
      }, context)
    }
    await putInPlace(context, beside, ns)
  } catch (error) {
    await remove(store, beside)
    throw error
  } finally {
    store.cleanSoon()
  }
}

const outTarget = (context: Context, spec: unknown): string => {
  if (typeof spec === 'string') return `${context.database}.${spec}`
  if (!isDoc(spec as Doc)) throw new CommandError(16990, '$out only supports a string or object argument')
  checkOptions('$out', OUT, spec as Doc)
  return `${(spec as Doc).get('db')}.${(spec as Doc).get('coll')}`
}

const writing = (context: Context, name: string, stage: Doc): ((answer: Answer) => Promise<void>) => {
  if (context.transaction) throw new CommandError(263, `${name} cannot be used in a transaction`)
  if (name === '$out') {
    const ns = wholeNamespace(outTarget(context, stage.get(name)))
    refuseSystem(ns)
    return (answer) => out(context, ns, answer)
  }
  const merge = mergeInto(context, stage.get(name)!)
  return async (answer) => {
    for await (const chunk of chunksOf(answer)) {
      context.check()
      await merge(chunk.map((raw) => decode(raw)))
    }
  }
}

/** What the last stage does with the answer, where it is one that writes. */
export const outputOf = (context: Context, stages: readonly Doc[]): Output | undefined => {
  const last = stages.at(-1)
  const name = last?.keys().next().value
  if (last === undefined || last.size !== 1 || (name !== '$out' && name !== '$merge')) return undefined
  const level = context.body.get('readConcern')
  if (isDoc(level) && level.get('level') === 'linearizable')
    throw new CommandError(72, `${name} cannot be used with a 'linearizable' read concern`)
  const write = writing(context, name, last)
  return (answer) =>
    (async function* () {
      await write(answer)
      yield* []
    })()
}

/** Removes what an `$out` had not yet finished when the process ended. */
export const removeTemporary = async (store: Store): Promise<void> => {
  const left = [...store.catalog.all()].filter(({ name }) => name.startsWith(TEMPORARY))
  for (const { ns } of left) await remove(store, ns)
  if (left.length > 0) store.cleanSoon()
}
