// Stages and expressions that users' own tools come with: `$out`, `$merge`, `$documents`, `$setField`, `$rand`, and patterns that
// are written over several lines. The answers are those that the manual of the real server gives.
import { type Document, MongoClient } from 'mongodb'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { documentStoreUnderTest } from '../servers.ts'

const server = await documentStoreUnderTest()
const client = await new MongoClient(server.url).connect()
const db = client.db('stages')
const other = client.db('stages_other')

interface Row extends Document {
  readonly _id: number
}
const rows = db.collection<Row>('rows')
await rows.insertMany([
  { _id: 1, k: 'a', n: 10 },
  { _id: 2, k: 'b', n: 20 },
  { _id: 3, k: 'c', n: 30 },
])

test.after(async () => {
  await db.dropDatabase()
  await other.dropDatabase()
  await client.close()
  await server.end()
})

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    ({ code }) => code,
  )
const run = (pipeline: readonly Document[]) => rows.aggregate([...pipeline]).toArray()
const all = (name: string, of = db) => of.collection<Row>(name).find().sort({ _id: 1 }).toArray()
const names = async (of = db) => (await of.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name)

test('$out makes a collection, takes the place of one and keeps its indexes, and leaves it alone when it fails', async () => {
  assert.equal(await run([{ $match: { n: { $gt: 10 } } }, { $out: 'out' }]), [])
  assert.equal(await all('out'), [
    { _id: 2, k: 'b', n: 20 },
    { _id: 3, k: 'c', n: 30 },
  ])
  await db.collection('out').createIndex({ k: 1 }, { unique: true })
  await run([{ $project: { k: 1 } }, { $out: { db: 'stages', coll: 'out' } }])
  assert.equal(await all('out'), [
    { _id: 1, k: 'a' },
    { _id: 2, k: 'b' },
    { _id: 3, k: 'c' },
  ])
  assert.equal(
    (await db.collection('out').indexes()).map(({ name }) => name),
    ['_id_', 'k_1'],
  )
  assert.is(await codeOf(run([{ $set: { k: 'same' } }, { $out: 'out' }])), 11000)
  assert.is((await all('out'))[0]?.k, 'a', 'nothing of it has changed')
  await run([{ $match: { n: 20 } }, { $out: { db: 'stages_other', coll: 'out' } }])
  assert.equal(await all('out', other), [{ _id: 2, k: 'b', n: 20 }])
  await run([{ $match: { n: 99 } }, { $out: 'nothing' }])
  assert.equal(await all('nothing'), [])
  await run([{ $set: { n: { $add: ['$n', 1] } } }, { $out: 'rows' }])
  assert.equal(
    (await all('rows')).map(({ n }) => n),
    [11, 21, 31],
  )
  await run([{ $set: { n: { $subtract: ['$n', 1] } } }, { $out: 'rows' }])
  assert.equal((await names()).sort(), ['nothing', 'out', 'rows'])
})

test('$out stands last, by itself, in a collection that may be written', async () => {
  assert.is(await codeOf(run([{ $out: 'x' }, { $match: {} }])), 40601)
  assert.is(await codeOf(run([{ $facet: { a: [{ $out: 'x' }] } }])), 40600)
  assert.is(await codeOf(run([{ $out: 5 }])), 16990)
  assert.is(await codeOf(run([{ $out: { db: 'stages' } }])), 40414)
  assert.is(await codeOf(run([{ $out: { db: 'stages', coll: 'x', more: 1 } }])), 40415)
  assert.is(await codeOf(run([{ $out: 'system.users' }])), 73)
  const session = client.startSession()
  await session.withTransaction(async () => {
    assert.is(await codeOf(rows.aggregate([{ $out: 'x' }], { session }).toArray()), 263)
    await session.abortTransaction()
  })
  await session.endSession()
  assert.not.ok((await names()).includes('x'))
})

/** What `$merge` makes of one document that is there and one that is not. */
const merged = async (spec: Document, pipeline: readonly Document[] = []): Promise<readonly Document[]> => {
  await db.collection('into').deleteMany({})
  await db.collection<Row>('into').insertOne({ _id: 2, k: 'old', kept: true })
  await run([{ $match: { _id: { $gte: 2 } } }, ...pipeline, { $merge: { into: 'into', ...spec } }])
  return all('into')
}

test('$merge brings documents together in each of its ways', async () => {
  const [second, third] = [
    { _id: 2, k: 'b', n: 20 },
    { _id: 3, k: 'c', n: 30 },
  ]
  const old = { _id: 2, k: 'old', kept: true }
  assert.equal(await merged({}), [{ _id: 2, k: 'b', kept: true, n: 20 }, third])
  assert.equal(await merged({ whenMatched: 'merge', on: '_id' }), [{ _id: 2, k: 'b', kept: true, n: 20 }, third])
  assert.equal(await merged({ whenMatched: 'replace' }), [second, third])
  assert.equal(await merged({ whenMatched: 'keepExisting' }), [old, third])
  assert.is(await codeOf(merged({ whenMatched: 'fail' })), 11000)
  assert.equal(await all('into'), [old])
  assert.equal(await merged({ whenNotMatched: 'discard' }), [{ _id: 2, k: 'b', kept: true, n: 20 }])
  assert.is(await codeOf(merged({ whenNotMatched: 'fail' })), 13113)
  const counted = [{ $set: { sum: { $add: ['$$new.n', '$$extra'] }, was: '$k' } }]
  assert.equal(await merged({ whenMatched: counted, let: { new: '$$ROOT', extra: 1 } }), [
    { ...old, sum: 21, was: 'old' },
    third,
  ])
  assert.equal(await merged({ whenMatched: [{ $set: { n: '$$new.n' } }] }), [{ ...old, n: 20 }, third])
})

test('$merge finds its documents by fields with a unique index, also in another database', async () => {
  const counts = other.collection<Document>('counts')
  const into = { into: { db: 'stages_other', coll: 'counts' }, on: ['k', 'y'] }
  const pipeline = [{ $project: { _id: 0, k: 1, n: 1, y: { $literal: 2024 } } }, { $merge: into }]
  assert.is(await codeOf(run(pipeline)), 51183)
  await counts.createIndex({ y: 1, k: 1 }, { unique: true })
  await counts.insertOne({ _id: 9 as never, k: 'a', y: 2024, more: true })
  await run(pipeline)
  await run(pipeline)
  const found = await counts.find().sort({ k: 1 }).toArray()
  assert.equal(
    found.map(({ k, y, n, more }) => [k, y, n, more]),
    [
      ['a', 2024, 10, true],
      ['b', 2024, 20, undefined],
      ['c', 2024, 30, undefined],
    ],
  )
  assert.is(found[0]?._id, 9)
  assert.is(await codeOf(run([{ $project: { k: 1 } }, { $merge: into }])), 51132)
  assert.is(await codeOf(run([{ $set: { y: [1] } }, { $merge: into }])), 51185)
  assert.is(await codeOf(run([{ $merge: { into: 'x', whenMatched: 'sometimes' } }])), 51191)
  assert.is(await codeOf(run([{ $merge: { into: 'x', whenNotMatched: 'sometimes' } }])), 2)
  assert.is(await codeOf(run([{ $merge: { on: '_id' } }])), 40414)
  assert.is(await codeOf(run([{ $merge: 5 }])), 51182)
})

test('$documents are given with the command', async () => {
  const given = (value: unknown, ...rest: readonly Document[]) =>
    db.aggregate([{ $documents: value }, ...rest]).toArray()
  assert.equal(await given([{ x: 10 }, { x: 2 }], { $sort: { x: 1 } }, { $set: { y: { $add: ['$x', 1] } } }), [
    { x: 2, y: 3 },
    { x: 10, y: 11 },
  ])
  assert.equal(await given({ $map: { input: [1, 2], in: { n: '$$this' } } }), [{ n: 1 }, { n: 2 }])
  const lookup = { $lookup: { from: 'rows', localField: 'id', foreignField: '_id', as: 'found' } }
  assert.equal(await given([{ id: 2 }], lookup), [{ id: 2, found: [{ _id: 2, k: 'b', n: 20 }] }])
  assert.is(await codeOf(given([1])), 5858203)
  assert.is(await codeOf(run([{ $documents: [{}] }])), 73)
  assert.is(await codeOf(db.aggregate([{ $match: {} }, { $documents: [] }]).toArray()), 40602)
})

const value = async (expression: unknown): Promise<unknown> =>
  (await rows.aggregate([{ $match: { _id: 1 } }, { $project: { _id: 0, v: expression } }]).toArray())[0]?.v

test('$setField and $unsetField reach names that no path can say', async () => {
  assert.equal(await value({ $setField: { field: 'a.b', input: { x: 1 }, value: '$n' } }), { x: 1, 'a.b': 10 })
  assert.equal(await value({ $setField: { field: { $literal: '$p' }, input: { $literal: { $p: 1 } }, value: 2 } }), {
    $p: 2,
  })
  assert.equal(await value({ $setField: { field: 'x', input: { x: 1, y: 2 }, value: '$$REMOVE' } }), { y: 2 })
  assert.is(await value({ $setField: { field: 'x', input: null, value: 1 } }), null)
  assert.equal(await value({ $unsetField: { field: 'a.b', input: { $literal: { 'a.b': 1, c: 2 } } } }), { c: 2 })
  assert.is(await codeOf(value({ $setField: { field: '$n', input: {}, value: 1 } })), 4161108)
  assert.is(await codeOf(value({ $setField: { field: 'x', input: 1, value: 1 } })), 4161105)
  assert.is(await codeOf(value({ $setField: { field: 'x', input: {} } })), 4161103)
  assert.is(await codeOf(value({ $setField: { field: 'x', value: 1 } })), 4161109)
})

test('$rand is another number for each document, from 0 on and less than 1', async () => {
  const drawn = await rows.aggregate<{ r: number }>([{ $set: { r: { $rand: {} } } }]).toArray()
  assert.is(new Set(drawn.map(({ r }) => r)).size, 3)
  assert.ok(drawn.every(({ r }) => r >= 0 && r < 1))
  assert.is(await codeOf(value({ $rand: 1 })), 10065)
  assert.is(await rows.countDocuments({ $expr: { $lt: [{ $rand: {} }, 1] } }), 3)
})

test('a pattern with option x says the same over several lines, with comments', async () => {
  const matched = async ($regex: string, $options: string) =>
    (await rows.find({ k: { $regex, $options } }, { sort: { _id: 1 } }).toArray()).map(({ _id }) => _id)
  assert.equal(await matched('^ [ab]  # the first two\n $', 'x'), [1, 2])
  assert.equal(await matched('A | C', 'xi'), [1, 3])
  assert.equal(await matched('^[ab ]$', 'x'), [1, 2])
  assert.equal(await matched('a\\ ', 'x'), [])
  assert.equal(await matched('a ', ''), [])
})

test.run()
