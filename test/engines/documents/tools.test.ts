// What the tools that users have send, in their order: mongodump, mongorestore and Compass. (The tools are not needed for it; the
// commands are those of their sources.) Each is answered truthfully, or refused by name in the way that the tool lives with.
import { BSON, type Document, MongoClient, type MongoServerError } from 'mongodb'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { documentStoreUnderTest } from '../servers.ts'

const server = await documentStoreUnderTest()
const client = await new MongoClient(server.url).connect()
const admin = client.db('admin')
const source = client.db('tools')
const target = client.db('tools_restored')

interface Row extends Document {
  readonly _id: number
}
const ROWS: readonly Row[] = Array.from({ length: 300 }, (_, i) => ({ _id: i, n: i % 7, at: new Date(i), t: `é${i}` }))
await source.collection<Row>('rows').insertMany([...ROWS])
await source.collection('rows').createIndexes([
  { key: { n: 1 }, name: 'n_1' },
  { key: { t: 1 }, name: 'once', unique: true, partialFilterExpression: { n: { $gt: 3 } } },
  { key: { at: 1 }, name: 'ttl', expireAfterSeconds: 2_000_000_000 },
])
await source.createCollection('empty')

test.after(async () => {
  await source.dropDatabase()
  await target.dropDatabase()
  await client.close()
  await server.end()
})

const failure = (work: Promise<unknown>): Promise<MongoServerError> =>
  work.then(
    () => assert.unreachable('it was answered'),
    (error) => error,
  )

/** All of a cursor, as the Go driver goes on with it: batches without a size. */
const drained = async (db: typeof source, command: Document): Promise<readonly Document[]> => {
  const { cursor } = await db.command(command)
  const found: Document[] = [...cursor.firstBatch]
  for (let id = cursor.id; BSON.Long.fromValue(id).toNumber() !== 0; ) {
    const more = await db.command({ getMore: BSON.Long.fromValue(id), collection: cursor.ns.split('.')[1] })
    found.push(...more.cursor.nextBatch)
    id = more.cursor.id
  }
  return found
}

const documentsOf = async (db: typeof source, name: string) =>
  drained(db, { find: name, filter: {}, noCursorTimeout: true })

test('mongodump finds all databases, collections, options, indexes and documents', async () => {
  assert.not.equal((await admin.command({ hello: 1 })).msg, 'isdbgrid')
  assert.is((await failure(admin.command({ atlasVersion: 1 }))).code, 59)
  const { databases } = await admin.command({ listDatabases: 1, filter: {}, nameOnly: true })
  assert.ok(databases.some(({ name }: Document) => name === 'tools'))
  const collections = await drained(source, { listCollections: 1, filter: {}, cursor: {} })
  assert.equal(collections.map(({ name, type, options }) => ({ name, type, options })).sort(byName), [
    { name: 'empty', type: 'collection', options: {} },
    { name: 'rows', type: 'collection', options: {} },
  ])
  for (const { info } of collections) assert.is(info.uuid.sub_type, 4)
  assert.is((await source.command({ count: 'rows' })).n, 300)
  const stats = await source.command({ collStats: 'rows' })
  assert.is.not(stats.wiredTiger?.type, 'mmapv1')
  assert.equal(
    (await drained(source, { listIndexes: 'rows', cursor: {} })).map(({ name }) => name),
    ['_id_', 'n_1', 'once', 'ttl'],
  )
  assert.equal(await documentsOf(source, 'rows'), ROWS)
  const inOrder = { find: 'rows', filter: {}, hint: { _id: 1 }, noCursorTimeout: true }
  assert.equal(await drained(source, inOrder), ROWS)
  const somewhat = await drained(source, { find: 'rows', filter: { n: { $gt: 5 } } })
  assert.is(somewhat.length, ROWS.filter(({ n }) => n > 5).length)
})

const byName = (a: Document, b: Document) => (a.name < b.name ? -1 : 1)

test('mongorestore makes collections and indexes again as they were, and goes on where a document is there already', async () => {
  assert.match((await admin.command({ buildInfo: 1 })).version, /^\d+\.\d+\.\d+/)
  // It asks so whether timestamps of zero can be kept: an unknown field tells it that they cannot.
  const probe = {
    update: 'dummy',
    updates: [{ q: { ____dummy: 1 }, u: { $rename: {} } }],
    bypassEmptyTsReplacement: true,
  }
  if (server.kind === 'embedded') assert.is((await failure(target.command(probe))).code, 40415)
  const indexes = await drained(source, { listIndexes: 'rows', cursor: {} })
  for (let run = 0; run < 2; run += 1) {
    const known = await drained(target, { listCollections: 1, filter: {}, cursor: {} })
    if (!known.some(({ name }) => name === 'rows'))
      await target.command({ create: 'rows', idIndex: { v: 2, key: { _id: 1 }, name: '_id_' } })
    const inserted = await target.command({
      insert: 'rows',
      documents: [...ROWS],
      ordered: false,
      bypassDocumentValidation: true,
      writeConcern: { w: 'majority' },
    })
    assert.is(inserted.n, run === 0 ? 300 : 0)
    assert.equal(
      (inserted.writeErrors ?? []).map(({ code }: Document) => code),
      run === 0 ? [] : ROWS.map(() => 11000),
    )
    await target.command({
      createIndexes: 'rows',
      indexes: indexes
        .filter(({ name }) => name !== '_id_')
        .map(({ v: _version, ...rest }) => ({ ...rest, ns: 'tools_restored.rows', safe: true })),
      ignoreUnknownIndexOptions: true,
    })
  }
  assert.equal(await documentsOf(target, 'rows'), ROWS)
  assert.equal(await drained(target, { listIndexes: 'rows', cursor: {} }), indexes)
  const unknown = { createIndexes: 'rows', indexes: [{ key: { z: 1 }, name: 'z_1', safe: true }] }
  assert.is((await failure(target.command(unknown))).code, 197)
  await target.command({ drop: 'rows' })
})

test('Compass connects and shows what there is', async () => {
  const { authInfo } = await admin.command({ connectionStatus: 1, showPrivileges: true })
  assert.equal(
    authInfo.authenticatedUserPrivileges.length > 0,
    authInfo.authenticatedUsers.length > 0,
    'a user may do something, none may do what the server lets everybody do',
  )
  assert.ok((await admin.command({ hostInfo: 1 })).os.type)
  assert.ok((await admin.command({ buildInfo: 1 })).versionArray)
  assert.ok((await admin.command({ getCmdLineOpts: 1 })).argv)
  const asked = { getParameter: 1, featureCompatibilityVersion: 1 }
  assert.ok((await admin.command(asked)).featureCompatibilityVersion.version)
  await failure(admin.command({ atlasVersion: 1 }))
  assert.is((await admin.command({ ping: 1 })).ok, 1)
  const { databases } = await admin.command({ listDatabases: 1, nameOnly: true, authorizedDatabases: true })
  assert.ok(databases.some(({ name }: Document) => name === 'tools'))
  const { objects, collections, views } = await source.command({ dbStats: 1 })
  assert.equal({ objects, collections, views }, { objects: 300, collections: 2, views: 0 })
  const names = await drained(source, { listCollections: 1, nameOnly: true, authorizedCollections: true })
  assert.equal(names.map(({ name }) => name).sort(), ['empty', 'rows'])
  for (const option of ['top', 'killOp'])
    if (server.kind === 'embedded') assert.is((await failure(admin.command({ [option]: 1 }))).code, 238)
  assert.ok((await admin.command({ serverStatus: 1 })).connections.current > 0)
  const running = await admin
    .aggregate([{ $currentOp: { allUsers: true, idleConnections: false, truncateOps: false } }, { $match: {} }])
    .toArray()
  assert.ok(running.some(({ command }) => command?.aggregate === 1))
})

/** Compass's own pipeline for the figures of a collection. */
const FIGURES: readonly Document[] = [
  { $collStats: { storageStats: {} } },
  {
    $group: {
      _id: null,
      capped: { $first: '$storageStats.capped' },
      count: { $sum: '$storageStats.count' },
      size: { $sum: { $toDouble: '$storageStats.size' } },
      storageSize: { $sum: { $toDouble: '$storageStats.storageSize' } },
      totalIndexSize: { $sum: { $toDouble: '$storageStats.totalIndexSize' } },
      freeStorageSize: { $sum: { $toDouble: '$storageStats.freeStorageSize' } },
      whole: {
        $sum: { $multiply: [{ $toDouble: '$storageStats.avgObjSize' }, { $toDouble: '$storageStats.count' }] },
      },
      nindexes: { $max: '$storageStats.nindexes' },
    },
  },
  { $addFields: { avgObjSize: { $cond: [{ $ne: ['$count', 0] }, { $divide: ['$whole', '$count'] }, 0] } } },
]

test('Compass opens a collection: figures, indexes, documents, their schema, plans', async () => {
  const rows = source.collection<Row>('rows')
  const [figures] = await rows.aggregate([...FIGURES]).toArray()
  assert.equal([figures?.capped, figures?.count, figures?.nindexes], [false, 300, 4])
  const bytes = ROWS.reduce((sum, row) => sum + BSON.calculateObjectSize(row), 0)
  if (server.kind === 'embedded') assert.is(figures?.size, bytes)
  assert.is(figures?.avgObjSize, Math.floor(bytes / 300))
  const [none] = await source
    .collection('empty')
    .aggregate([...FIGURES])
    .toArray()
  assert.equal([none?.count, none?.size, none?.avgObjSize], [0, 0, 0])
  const used = await rows.aggregate([{ $indexStats: {} }]).toArray()
  assert.equal(used.map(({ name }) => name).sort(), ['_id_', 'n_1', 'once', 'ttl'])
  const sizes = (await rows.aggregate([{ $collStats: { storageStats: {} } }]).toArray())[0]?.storageStats.indexSizes
  assert.equal(Object.keys(sizes).sort(), ['_id_', 'n_1', 'once', 'ttl'])
  const page = await rows
    .find({ n: 3 }, { sort: { _id: -1 }, skip: 2, limit: 3, maxTimeMS: 60_000, allowDiskUse: true })
    .toArray()
  assert.equal(
    page,
    ROWS.filter(({ n }) => n === 3)
      .reverse()
      .slice(2, 5),
  )
  assert.is(await rows.countDocuments({}, { hint: '_id_', maxTimeMS: 60_000 }), 300)
  const sampled = await rows
    .aggregate([{ $match: { n: 2 } }, { $sample: { size: 10 } }], { allowDiskUse: true })
    .toArray()
  assert.is(new Set(sampled.map(({ _id }) => _id)).size, 10)
  assert.ok(sampled.every((row) => row.n === 2))
  const plan = await rows.find({ n: 2 }).explain('allPlansExecution')
  assert.is(plan.executionStats.nReturned, ROWS.filter(({ n }) => n === 2).length)
  assert.is(plan.queryPlanner.winningPlan.inputStage.indexName, 'n_1')
  await rows.updateOne({ _id: 1 }, { $set: { more: 1 } })
  const changed = await rows.findOneAndUpdate({ _id: 1 }, { $unset: { more: '' } }, { returnDocument: 'after' })
  assert.equal(changed, ROWS[1]!)
})

test.run()
