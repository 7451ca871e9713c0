// A collection as queries and small writers use it: the driver's own methods, each bounded in time, with the store's trouble
// as one kind of error.
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
}

export interface ModelCollection<D extends Keyed> {
  findOne(filter: Filter<D>, options?: { sort?: Sort; projection?: Document }): Promise<WithId<D> | null>
  find(filter: Filter<D>, options: FindOptions): Promise<WithId<D>[]>
  /** All matching documents one after the other; for exports and comparisons. */
  stream(filter: Filter<D>, options?: Omit<FindOptions, 'limit'>): AsyncIterable<WithId<D>>
  count(filter: Filter<D>, options?: { limit?: number }): Promise<number>
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

/** Runs one call on the driver's collection: resolves its name, bounds its time, maps its errors. */
export type Run<D extends Keyed> = <T>(action: (collection: Collection<D>) => Promise<T>) => Promise<T>

export const modelCollection = <D extends Keyed>(run: Run<D>): ModelCollection<D> => ({
  findOne: (filter, options) => run((c) => c.findOne(filter, options)),
  find: (filter, options) => run((c) => c.find(filter, options).toArray()),
  async *stream(filter, options = {}) {
    const cursor = await run(async (c) => c.find(filter, options))
    try {
      for (;;) {
        if (!(await run(() => cursor.hasNext()))) return
        yield* cursor.readBufferedDocuments() as WithId<D>[]
      }
    } finally {
      await cursor.close()
    }
  },
  count: (filter, options) => run((c) => c.countDocuments(filter, options)),
  aggregate: <T extends Document>(pipeline: Document[], options?: AggregateOptions) =>
    run((c) => c.aggregate<T>(pipeline, options).toArray()),
  insertOne: (document) => run(async (c) => void (await c.insertOne(document))),
  updateOne: (filter, update, options) => run((c) => c.updateOne(filter, update, options)),
  updateMany: (filter, update, options) => run((c) => c.updateMany(filter, update, options)),
  replaceOne: (filter, document, options) =>
    run(async (c) => (await c.replaceOne(filter, document, options)) as UpdateResult<D>),
  findOneAndUpdate: (filter, update, options = {}) => run((c) => c.findOneAndUpdate(filter, update, options)),
  deleteOne: (filter) => run((c) => c.deleteOne(filter)),
  deleteMany: (filter) => run((c) => c.deleteMany(filter)),
  bulkWrite: (operations, options) => run((c) => c.bulkWrite(operations, options)),
  createIndexes: (indexes) =>
    run(async (c) => {
      if (indexes.length > 0) await c.createIndexes(indexes)
    }),
})
