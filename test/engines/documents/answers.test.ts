// What a user would not notice: answers that look right and are not. Each value here is a real server's answer.
import { BSON, type Document, MongoClient, MongoServerError } from 'mongodb'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { until } from '../../until.ts'
import { documentStoreUnderTest } from '../servers.ts'
import { message, rawClient } from './raw.ts'

const { Long, Timestamp } = BSON
const server = await documentStoreUnderTest()
const client = await new MongoClient(server.url, { retryWrites: false }).connect()
const db = client.db('answers')

test.after(async () => {
  await client.close()
  await server.end()
})

/** The code and message of a command's error; 0 when there is none. */
const refused = async (command: Document, on = db): Promise<{ readonly code: number; readonly message: string }> => {
  try {
    const answer = await on.command(command)
    const [first] = answer.writeErrors ?? []
    return first ? { code: first.code, message: first.errmsg } : { code: 0, message: '' }
  } catch (error) {
    if (!(error instanceof MongoServerError)) throw error
    return { code: Number(error.code), message: error.message }
  }
}

const codes = async (cases: readonly (readonly [Document, number])[]): Promise<void> => {
  for (const [command, code] of cases) {
    const told = await refused(command)
    assert.is(told.code, code, `${BSON.EJSON.stringify(command)}: ${told.message}`)
  }
}

test('an upsert with _id null stores null, once', async () => {
  for (const [name, update] of [
    ['operators', { $set: { a: 1 } }],
    ['replacement', { a: 1 }],
    ['pipeline', [{ $set: { a: 1 } }]],
  ] as const) {
    const statement = { q: { _id: null }, u: update, upsert: true }
    for (let i = 0; i < 2; i += 1) assert.is((await db.command({ update: `null-${name}`, updates: [statement] })).n, 1)
    assert.equal(await db.collection(`null-${name}`).find().toArray(), [{ _id: null, a: 1 } as never])
    const found = { findAndModify: `null-fam-${name}`, query: { _id: null }, update, upsert: true, new: true }
    assert.equal((await db.command(found)).value, { _id: null, a: 1 })
    assert.is((await db.command(found)).lastErrorObject.updatedExisting, true)
  }
  const multi = { q: { _id: null }, u: { $set: { a: 1 } }, upsert: true, multi: true }
  assert.equal((await db.command({ update: 'null-multi', updates: [multi] })).upserted, [{ index: 0, _id: null }])
  assert.equal((await db.command({ update: 'null-multi', updates: [multi] })).upserted, undefined)
})

test('a replacement with an operator in it is refused and changes nothing', async () => {
  const rows = db.collection<Document>('replaced')
  await rows.insertMany([{ _id: 1 as never }, { _id: 2 as never, x: 1 }])
  const replace = (q: Document, u: Document, upsert = false) => ({ update: 'replaced', updates: [{ q, u, upsert }] })
  await codes([
    [replace({ _id: 1 }, { a: 1, $set: { b: 1 } }), 52],
    [replace({ _id: 2 }, { _id: 2, $a: 1 }), 52],
    [replace({ x: 1 }, { a: 1, $b: 1 }), 52],
    [replace({ _id: 9 }, { a: 1, $b: 1 }, true), 52],
    [replace({ x: 9 }, { _id: 9, $b: 1 }, true), 52],
    [{ findAndModify: 'replaced', query: { x: 1 }, update: { a: 1, $b: 1 } }, 52],
  ])
  assert.equal(await rows.find().toArray(), [{ _id: 1 }, { _id: 2, x: 1 }])
})

test('a hint is followed: to an index that does not hold everything, backwards, and one that is not there is refused', async () => {
  const rows = db.collection<Document>('hinted')
  await rows.insertMany([{ _id: 1 as never, a: 1 }, { _id: 2 as never }, { _id: 3 as never, a: 5 }])
  await rows.createIndex({ a: 1 }, { sparse: true, name: 'sparse' })
  await rows.createIndex({ b: 1 }, { sparse: true, name: 'empty' })
  await rows.createIndex({ c: 1 }, { partialFilterExpression: { a: { $gt: 3 } }, name: 'partial' })
  const count = async (hint: string) => (await db.command({ count: 'hinted', query: {}, hint })).n
  assert.equal([await count('empty'), await count('sparse'), await count('partial')], [0, 2, 1])
  const ids = async (options: Document) => (await rows.find({}, options).toArray()).map((d) => d._id as unknown)
  assert.equal(await ids({ hint: { $natural: -1 } }), [3, 2, 1])
  assert.equal(await ids({ sort: { $natural: -1 } }), [3, 2, 1])
  assert.equal(await ids({ hint: 'a_1_no' }).catch((e) => e.code), 2)
  assert.equal((await db.command({ distinct: 'hinted', key: '_id', hint: 'sparse' })).values, [1, 3])
  assert.equal(
    (await rows.aggregate([{ $match: {} }], { hint: 'sparse' }).toArray()).map((d) => d._id as unknown),
    [1, 3],
  )
  await codes([
    [{ findAndModify: 'hinted', query: { _id: 1 }, remove: true, hint: 'no' }, 2],
    [{ distinct: 'hinted', key: 'a', hint: 'no' }, 2],
    [{ count: 'hinted', hint: { no: 1 } }, 2],
    [{ aggregate: 'hinted', pipeline: [], cursor: {}, hint: 'no' }, 2],
    [{ delete: 'hinted', deletes: [{ q: { _id: 1 }, limit: 1, hint: 'no' }] }, 2],
    [{ update: 'hinted', updates: [{ q: { _id: 1 }, u: { $set: { z: 1 } }, hint: 'no' }] }, 2],
    [{ find: 'hinted', hint: 5 }, 9],
    [{ find: 'hinted', hint: { $natural: 2 } }, 2],
    [{ find: 'hinted', sort: { $natural: 1 }, hint: 'sparse' }, 2],
  ])
  await db.command({ update: 'hinted', updates: [{ q: {}, u: { $set: { z: 1 } }, multi: true, hint: 'sparse' }] })
  assert.is(await rows.countDocuments({ z: 1 }), 2, 'an update goes along the hint as well')
})

test('min and max bound an index, returnKey shows what it holds', async () => {
  const rows = db.collection<Document>('bounded')
  await rows.insertMany([3, 1, 2, 4].map((a) => ({ _id: a as never, a, b: [a, 10 * a] })))
  await rows.createIndex({ a: 1 })
  await rows.createIndex({ b: -1 })
  const find = (options: Document) => rows.find({}, options).toArray()
  assert.equal(
    (await find({ min: { a: 2 }, max: { a: 4 }, hint: { a: 1 } })).map((d) => d.a),
    [2, 3],
  )
  assert.equal(
    (await find({ min: { _id: 3 }, hint: '_id_' })).map((d) => d.a),
    [3, 4],
  )
  assert.equal(
    (await find({ max: { b: 3 }, hint: { b: -1 }, sort: { _id: -1 } })).map((d) => d.a),
    [4, 3, 2, 1],
  )
  assert.equal(await find({ returnKey: true, hint: { a: 1 }, limit: 2 }), [{ a: 1 }, { a: 2 }])
  assert.equal(
    (await find({ returnKey: true, hint: { b: -1 }, min: { b: 40 }, max: { b: 30 } })).map((d) => d.b),
    [40],
  )
  assert.equal(await find({ returnKey: true, limit: 1 }), [{}])
  await codes([
    [{ find: 'bounded', min: { a: 1 } }, 51173],
    [{ find: 'bounded', min: { b: 1 }, hint: { a: 1 } }, 51174],
    [{ find: 'bounded', min: { a: 3 }, max: { a: 2 }, hint: { a: 1 } }, 51175],
    [{ find: 'bounded', min: { a: 3 }, max: { b: 2 }, hint: { a: 1 } }, 51176],
  ])
})

test('options of an index have types, and a partial filter only what it may hold', async () => {
  const index = (more: Document): Document => ({
    createIndexes: 'ix',
    indexes: [{ key: { a: 1 }, name: 'a', ...more }],
  })
  const partial = (filter: Document) => index({ partialFilterExpression: filter })
  await codes([
    [index({ unique: 'x' }), 14],
    [index({ sparse: 'x' }), 14],
    [index({ hidden: [] }), 14],
    [index({ name: 5 }), 14],
    [index({ expireAfterSeconds: 'x' }), 67],
    [index({ v: 7 }), 67],
    [index({ nope: 1 }), 197],
    ...[{ $exists: false }, { $ne: 1 }, { $nin: [1] }, { $not: { $gt: 1 } }, { $regex: 'x' }, { $size: 1 }].map(
      (operators): readonly [Document, number] => [partial({ b: operators }), 67],
    ),
    [partial({ b: { $mod: [2, 1] } }), 67],
    [partial({ b: { $elemMatch: { $gt: 1 } } }), 67],
    [partial({ b: /x/ }), 67],
    [partial({ $nor: [{ b: 1 }] }), 67],
    [partial({ $and: [{ b: { $ne: 1 } }] }), 67],
    [partial({ $expr: { $eq: ['$a', 1] } }), 67],
  ])
  const whole = { b: { $gt: 1, $exists: true }, $or: [{ c: { $in: [1, 2] } }, { d: { $type: 'string' } }] }
  assert.is((await refused(partial(whole))).code, 0)
  assert.match((await refused({ dropIndexes: 'ix', index: { zz: 1 } })).message, "can't find index with key: { zz: 1 }")
  assert.match((await refused({ dropIndexes: 'ix', index: 'zz' })).message, 'index not found with name [zz]')
  assert.is((await refused({ dropIndexes: 'ix', index: 5 })).code, 14)
})

test('explain counts what was looked at also under a limit, and takes only its three verbosities', async () => {
  const rows = db.collection<Document>('explained')
  await rows.insertMany(Array.from({ length: 20 }, (_, i) => ({ _id: i as never, a: i % 2 })))
  await rows.createIndex({ a: 1 }, { name: 'a' })
  const stats = async (command: Document) =>
    (await db.command({ explain: command, verbosity: 'executionStats' })).executionStats
  const limited = await stats({ find: 'explained', filter: { a: 1 }, limit: 3 })
  assert.equal([limited.nReturned, limited.totalKeysExamined, limited.totalDocsExamined], [3, 3, 3])
  assert.is((await stats({ find: 'explained', filter: { _id: { $gt: 3 } }, limit: 2 })).totalDocsExamined, 2)
  assert.is((await stats({ count: 'explained', query: {}, limit: 4 })).nReturned, 4)
  assert.is((await stats({ delete: 'explained', deletes: [{ q: { a: 1 }, limit: 1 }] })).totalDocsExamined, 1)
  await codes([
    [{ explain: { find: 'explained' }, verbosity: 'nope' }, 2],
    [{ explain: { find: 'explained' }, verbosity: 1 }, 14],
    [{ explain: { find: 'explained', filter: 5 } }, 14],
    [{ explain: { count: 'explained', nope: 5 } }, 40415],
    [{ explain: { find: 'explained', hint: 'no' } }, 2],
  ])
})

test('collections and indexes are listed in batches', async () => {
  const own = client.db('answers-listed')
  for (const name of ['a', 'b', 'c']) await own.createCollection(name)
  const list = await own.command({ listCollections: 1, cursor: { batchSize: 1 } })
  assert.is(list.cursor.firstBatch.length, 1)
  const more = await own.command({ getMore: list.cursor.id, collection: '$cmd.listCollections' })
  assert.equal([more.cursor.nextBatch.length, Number(more.cursor.id)], [2, 0])
  assert.is((await own.listCollections({}, { batchSize: 1 }).toArray()).length, 3)
  await own.collection('a').createIndex({ x: 1 })
  const indexes = await own.command({ listIndexes: 'a', cursor: { batchSize: 1 } })
  assert.is(indexes.cursor.firstBatch.length, 1)
  const [last] = (await own.command({ getMore: indexes.cursor.id, collection: 'a' })).cursor.nextBatch
  assert.equal(last.key, { x: 1 })
  await own.dropDatabase()
})

test('names, types, bounds and unknown options', async () => {
  await db.collection<Document>('typed').insertOne({ _id: 1 as never })
  await codes([
    [{ insert: 'system.x', documents: [{ a: 1 }] }, 73],
    [{ create: 'system.x' }, 73],
    [{ createIndexes: 'system.x', indexes: [{ key: { a: 1 }, name: 'a' }] }, 73],
    [{ update: 'system.x', updates: [{ q: {}, u: { $set: { a: 1 } }, upsert: true }] }, 73],
    [{ aggregate: 'typed', pipeline: [{ $out: 'system.x' }], cursor: {} }, 73],
    // The order of an update's matches can be given from 8.0 on; the version reported is 7.0.
    [{ update: 'typed', updates: [{ q: {}, u: { $set: { a: 1 } }, sort: { a: 1 } }] }, 40415],
    [{ find: 'typed', maxTimeMS: -1 }, 2],
    [{ find: 'typed', maxTimeMS: 'x' }, 2],
    [{ find: 'typed', maxTimeMS: 1.5 }, 2],
    [{ find: 'typed', projection: 5 }, 14],
    [{ find: 'typed', sort: 5 }, 14],
    [{ find: 'typed', batchSize: -1 }, 51024],
    [{ find: 'typed', skip: -1 }, 51024],
    [{ find: 'typed', limit: 1.5 }, 9],
    [{ find: 'typed', singleBatch: 'x' }, 14],
    [{ find: 'typed', ntoreturn: 1 }, 9],
    [{ find: 'typed', documents: [] }, 9],
    [{ find: 'typed', tailable: true }, 238],
    [{ aggregate: 'typed', pipeline: [], cursor: { batchSize: -1 } }, 51024],
    [{ aggregate: 'typed', pipeline: [], cursor: { nope: 1 } }, 40415],
    [{ aggregate: 'typed', pipeline: {} }, 14],
    [{ aggregate: 1, pipeline: [{ $match: {} }], cursor: {} }, 73],
    [{ distinct: 'typed' }, 40414],
    [{ findAndModify: 'typed', query: {}, update: 5 }, 9],
    [{ delete: 'typed', deletes: [{ q: {}, limit: 2 }] }, 9],
    [{ delete: 'typed', deletes: [{ q: {} }] }, 40414],
    [{ ping: 1, apiStrict: true }, 4886600],
    [{ find: 'typed', readConcern: { afterClusterTime: new Timestamp({ t: 0x7fffffff, i: 1 }) } }, 72],
    [{ find: 'typed', readConcern: { level: 'nope' } }, 9],
    [{ insert: 'typed', documents: [{}], writeConcern: { w: [] } }, 9],
    [{ insert: 'typed', documents: [{}], writeConcern: { nope: 1 } }, 9],
    [{ ping: 1, autocommit: false }, 72],
    [{ getMore: Long.fromNumber(5), collection: 5 }, 14],
    [{ nope: 1 }, 59],
    [{ mapReduce: 'typed' }, 238],
  ])
  // The driver puts a cluster time of its own in place of these.
  const raw = await rawClient(server.url)
  assert.is((await raw.command({ ping: 1, $db: 'answers', $clusterTime: { clusterTime: 5 } })).code, 14)
  assert.is((await raw.command({ ping: 1, $db: 'answers', $clusterTime: 5 })).code, 14)
  raw.end()
})

test('a transaction makes collections, and indexes on new ones', async () => {
  const old = db.collection<Document>('old')
  await old.insertOne({ a: 1 })
  const session = client.startSession()
  session.startTransaction()
  await db.createCollection('made', { session })
  await db.collection('made').createIndex({ a: 1 }, { unique: true, session })
  await db.collection('direct').createIndex({ b: 1 }, { session })
  await db.collection<Document>('made').insertOne({ a: 1 }, { session })
  assert.equal(await db.listCollections({ name: { $in: ['made', 'direct'] } }).toArray(), [])
  await session.commitTransaction()
  assert.equal(
    (await db.collection('made').indexes()).map((i) => i.name),
    ['_id_', 'a_1'],
  )
  assert.equal((await db.collection('direct').indexes()).length, 2)
  const again = await db
    .collection<Document>('made')
    .insertOne({ a: 1 })
    .catch((error) => error)
  assert.match(again.message, 'E11000 duplicate key error collection: answers.made index: a_1 dup key: { a: 1 }')
  session.startTransaction()
  const late = await old.createIndex({ a: 1 }, { session }).catch((error) => error)
  assert.is(late.code, 263)
  await session.abortTransaction()
  session.startTransaction()
  await db.createCollection('given-up', { session })
  await session.abortTransaction()
  assert.equal(await db.listCollections({ name: 'given-up' }).toArray(), [])
  await session.endSession()
})

test('projections that mix showing and hiding name the field', async () => {
  const show = (projection: Document) => refused({ find: 'typed', projection })
  assert.equal(await show({ a: 1, b: 0 }), {
    code: 31254,
    message: 'Cannot do exclusion on field b in inclusion projection',
  })
  assert.equal(await show({ a: 0, 'b.c': 1 }), {
    code: 31253,
    message: 'Cannot do inclusion on field b.c in exclusion projection',
  })
})

test('a greeting that knows the topology waits, and goes on answering where that is asked for', async () => {
  const raw = await rawClient(server.url)
  const first = await raw.command({ hello: 1, $db: 'admin' })
  const topologyVersion = { ...first.topologyVersion, counter: Long.fromNumber(first.topologyVersion.counter) }
  const awaiting = { hello: 1, topologyVersion, maxAwaitTimeMS: 20, $db: 'admin' }
  assert.equal((await raw.command(awaiting)).topologyVersion, first.topologyVersion)
  assert.is((await raw.command({ hello: 1, topologyVersion, $db: 'admin' })).code, 31368)
  let streamed = Buffer.alloc(0)
  raw.socket.on('data', (chunk) => {
    streamed = Buffer.concat([streamed, chunk])
  })
  raw.send(message(awaiting, 1 << 16))
  await until(() => streamed.length > 0 && streamed.length > 2 * streamed.readInt32LE(0))
  assert.is(streamed.readUInt32LE(16), 2, 'more answers are to come')
  const next = streamed.readInt32LE(0)
  assert.is(streamed.readInt32LE(next + 8), streamed.readInt32LE(4), 'each refers to the one before')
  raw.end()
})

test('a driver is told at once that the server has gone and come back', async () => {
  if (!server.restart) return
  const seen: string[] = []
  const own = new MongoClient(server.url, { heartbeatFrequencyMS: 60_000, serverSelectionTimeoutMS: 20_000 })
  own.on('serverHeartbeatStarted', ({ awaited }) => seen.push(awaited ? 'awaits' : 'asks'))
  own.on('serverHeartbeatFailed', () => seen.push('failed'))
  await own.connect()
  await until(() => seen.includes('awaits'))
  await server.restart('stop')
  await until(() => seen.includes('failed'))
  assert.is((await own.db('answers').command({ ping: 1 })).ok, 1)
  await own.close()
})

test.run()
