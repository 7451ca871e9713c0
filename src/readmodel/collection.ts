// A collection as queries and small writers use it: the driver's own methods, each bounded in time, with the store's trouble
// as one kind of error. Documents pass as plain data in both directions (storable.ts).
import type {
  AggregateOptions,
  AnyBulkWriteOperation,
  BulkWriteResult,
  Collection,
  DeleteResult,
  Document,
  Filter,
  FindOneAndUpdateOptions,
  IndexDescription,
  OptionalUnlessRequiredId,
  Sort,
  UpdateFilter,
  UpdateOptions,
  UpdateResult,
  WithId,
} from 'mongodb'
import { fromStored, toStored } from './storable.ts'

/** Every document has its key as `_id`. */
export interface Keyed extends Document {
  _id: string
}

export interface FindOptions {
  readonly sort?: Sort
  /** Documents at most; a list without a bound is no list for a request. */
  readonly limit: number
  readonly skip?: number
  readonly projection?: Document
  /** It may look through many documents that do not match: few of these go on at a time, and they are given up sooner. */
  readonly isBroad?: boolean
}

export interface ModelCollection<D extends Keyed> {
  findOne(filter: Filter<D>, options?: { sort?: Sort; projection?: Document }): Promise<WithId<D> | null>
  find(filter: Filter<D>, options: FindOptions): Promise<WithId<D>[]>
  /** All matching documents one after the other; for exports and comparisons. */
  stream(filter: Filter<D>, options?: Omit<FindOptions, 'limit'>): AsyncIterable<WithId<D>>
  /** All documents, without looking at any, or those that a filter names: these up to `limit`, `MAX_COUNTED` unless it is less. */
  count(filter: Filter<D>, options?: { limit?: number; isBroad?: boolean }): Promise<number>
  aggregate<T extends Document>(pipeline: Document[], options?: AggregateOptions): Promise<T[]>
  insertOne(document: OptionalUnlessRequiredId<D>): Promise<void>
  updateOne(filter: Filter<D>, update: UpdateFilter<D>, options?: UpdateOptions): Promise<UpdateResult<D>>
  updateMany(filter: Filter<D>, update: UpdateFilter<D>, options?: UpdateOptions): Promise<UpdateResult<D>>
  replaceOne(filter: Filter<D>, document: D, options?: { upsert?: boolean }): Promise<UpdateResult<D>>
  findOneAndUpdate(
    filter: Filter<D>,
    update: UpdateFilter<D>,
    options?: Omit<FindOneAndUpdateOptions, 'includeResultMetadata'>,
  ): Promise<WithId<D> | null>
  deleteOne(filter: Filter<D>): Promise<DeleteResult>
  deleteMany(filter: Filter<D>): Promise<DeleteResult>
  bulkWrite(operations: AnyBulkWriteOperation<D>[], options?: { ordered?: boolean }): Promise<BulkWriteResult>
  createIndexes(indexes: IndexDescription[]): Promise<void>
}

/** Matching documents that are counted at most: who is told so many may take it for "and more". */
export const MAX_COUNTED = 100_000

/** How long the server may work on one call, ms: as long as anybody waits for its answer. */
const AT_SERVER = { maxTimeMS: 10_000 } as const
/** The same for a question that may look through many documents, ms: before its caller gives up, so that the reason is known. */
const BROAD_AT_SERVER = { maxTimeMS: 8_000 } as const

/** Runs one call on the driver's collection: resolves its name, bounds its time, maps its errors. */
export type Run<D extends Keyed> = <T>(action: (collection: Collection<D>) => Promise<T>) => Promise<T>

const restored = <D extends Document>(document: D | null): D | null => (document === null ? null : fromStored(document))

/** Updates only ever set fields of the program's own. */
const storedOperation = <D extends Keyed>(operation: AnyBulkWriteOperation<D>): AnyBulkWriteOperation<D> => {
  if ('insertOne' in operation) return { insertOne: { document: toStored(operation.insertOne.document) } }
  if (!('replaceOne' in operation)) return operation
  const { replaceOne } = operation
  return { replaceOne: { ...replaceOne, replacement: toStored(replaceOne.replacement) } }
}

export const modelCollection = <D extends Keyed>(run: Run<D>, runBroad: Run<D> = run): ModelCollection<D> => ({
  findOne: async (filter, options) => restored(await run((c) => c.findOne(filter, { ...options, ...AT_SERVER }))),
  find: async (filter, { isBroad, ...options }) =>
    (isBroad
      ? await runBroad((c) => c.find(filter, { ...options, ...BROAD_AT_SERVER }).toArray())
      : await run((c) => c.find(filter, { ...options, ...AT_SERVER }).toArray())
    ).map(fromStored),
  // Of any length, so that its pages are bounded one by one: by their size, and in how long they are waited for.
  async *stream(filter, options = {}) {
    const cursor = await run(async (c) => c.find(filter, options))
    try {
      for (;;) {
        if (!(await run(() => cursor.hasNext()))) return
        for (const document of cursor.readBufferedDocuments() as WithId<D>[]) yield fromStored(document)
      }
    } finally {
      await cursor.close()
    }
  },
  // How many there are in all is known without looking at any.
  count(filter, { limit, isBroad } = {}) {
    if (limit === undefined && Object.keys(filter).length === 0) return run((c) => c.estimatedDocumentCount(AT_SERVER))
    const most = Math.min(limit ?? MAX_COUNTED, MAX_COUNTED)
    return isBroad
      ? runBroad((c) => c.countDocuments(filter, { limit: most, ...BROAD_AT_SERVER }))
      : run((c) => c.countDocuments(filter, { limit: most, ...AT_SERVER }))
  },
  aggregate: async <T extends Document>(pipeline: Document[], options?: AggregateOptions) =>
    (await run((c) => c.aggregate<T>(pipeline, { ...options, ...AT_SERVER }).toArray())).map(fromStored),
  insertOne: (document) => run(async (c) => void (await c.insertOne(toStored(document), AT_SERVER))),
  updateOne: (filter, update, options) => run((c) => c.updateOne(filter, update, { ...options, ...AT_SERVER })),
  updateMany: (filter, update, options) => run((c) => c.updateMany(filter, update, { ...options, ...AT_SERVER })),
  replaceOne: (filter, document, options) =>
    run(async (c) => (await c.replaceOne(filter, toStored(document), { ...options, ...AT_SERVER })) as UpdateResult<D>),
  findOneAndUpdate: async (filter, update, options = {}) =>
    restored(await run((c) => c.findOneAndUpdate(filter, update, { ...options, ...AT_SERVER }))),
  deleteOne: (filter) => run((c) => c.deleteOne(filter, AT_SERVER)),
  deleteMany: (filter) => run((c) => c.deleteMany(filter, AT_SERVER)),
  bulkWrite: (operations, options) =>
    run((c) => c.bulkWrite(operations.map(storedOperation), { ...options, ...AT_SERVER })),
  createIndexes: (indexes) =>
    run(async (c) => {
      if (indexes.length > 0) await c.createIndexes(indexes)
    }),
})
