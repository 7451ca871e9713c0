// Pipelines, expressions, updates and projections beyond the recorded answers: documented examples of the real server.
import { BSON, type Collection, type Document, MongoClient } from 'mongodb'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { documentStoreUnderTest } from '../servers.ts'

const server = await documentStoreUnderTest()
const client = new MongoClient(server.url)
await client.connect()
const db = client.db('aggregation')
const one = db.collection('one')
await one.insertOne({
  _id: 1 as never,
  at: new Date('2024-03-31T22:30:15.250Z'),
  list: [3, 1, 2],
  o: { a: 1, b: null },
  n: -7,
  t: 'Über ätna',
})

test.after(async () => {
  await client.close()
  await server.end()
})

const evaluate = async (expression: unknown): Promise<unknown> => {
  const [doc] = await one.aggregate([{ $project: { _id: 0, v: expression } }], { promoteValues: true }).toArray()
  return doc?.v
}

const codeOf = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    await work
    return undefined
  } catch (error) {
    return (error as { readonly code?: unknown }).code
  }
}

const EXPRESSIONS: readonly (readonly [unknown, unknown])[] = [
  [{ $hour: { date: '$at', timezone: 'Europe/Berlin' } }, 0],
  [{ $dayOfMonth: { date: '$at', timezone: 'Europe/Berlin' } }, 1],
  [
    { $dateToString: { date: '$at', format: '%d.%m.%Y %H:%M:%S.%L %z', timezone: 'Europe/Berlin' } },
    '01.04.2024 00:30:15.250 +0200',
  ],
  [{ $dateToString: { date: '$at', format: '%G-W%V-%u %j', timezone: '+05:30' } }, '2024-W14-1 092'],
  [{ $dateFromParts: { year: 2024, month: 14, day: 0 } }, new Date('2025-01-31T00:00:00Z')],
  [
    { $dateAdd: { startDate: new Date('2024-01-31T12:00:00Z'), unit: 'month', amount: 1 } },
    new Date('2024-02-29T12:00:00Z'),
  ],
  [
    { $dateSubtract: { startDate: '$at', unit: 'day', amount: 1, timezone: 'Europe/Berlin' } },
    new Date('2024-03-30T23:30:15.250Z'),
  ],
  [{ $week: new Date('2024-01-07T00:00:00Z') }, 1],
  [{ $isoWeekYear: new Date('2023-01-01T00:00:00Z') }, 2022],
  [{ $add: ['$at', 1000] }, new Date('2024-03-31T22:30:16.250Z')],
  [{ $mod: ['$n', 4] }, -3],
  [{ $trunc: [-7.87, 1] }, -7.8],
  [{ $round: [1250, -2] }, 1200],
  [{ $pow: [2, -1] }, 0.5],
  [{ $toUpper: 'a-ä' }, 'A-ä'],
  [{ $strLenBytes: '$t' }, 11],
  [{ $substrBytes: ['abc', 1, -1] }, 'bc'],
  [{ $split: ['a-b--c', '-'] }, ['a', 'b', '', 'c']],
  [{ $trim: { input: 'xxhixx', chars: 'x' } }, 'hi'],
  [{ $indexOfArray: ['$list', 2] }, 2],
  [{ $reduce: { input: '$list', initialValue: 0, in: { $add: ['$$value', '$$this'] } } }, 6],
  [{ $sortArray: { input: '$list', sortBy: -1 } }, [3, 2, 1]],
  [{ $slice: ['$list', -2, 1] }, [1]],
  [
    { $zip: { inputs: [[1], [2, 3]], useLongestLength: true, defaults: [0, 0] } },
    [
      [1, 2],
      [0, 3],
    ],
  ],
  [
    { $objectToArray: '$o' },
    [
      { k: 'a', v: 1 },
      { k: 'b', v: null },
    ],
  ],
  [{ $setDifference: [[1, 2, 2, 3], [3]] }, [1, 2]],
  [{ $anyElementTrue: [[0, null, false]] }, false],
  [{ $getField: { field: 'a', input: '$o' } }, 1],
  [{ $convert: { input: 'x', to: 'int', onError: 'bad' } }, 'bad'],
  [{ $toString: new BSON.ObjectId('0123456789abcdef01234567') }, '0123456789abcdef01234567'],
  [{ $toDate: '2024-01-02' }, new Date('2024-01-02T00:00:00Z')],
  [{ $ifNull: ['$o.b', '$none', 'last'] }, 'last'],
  // Parsed, since an object literal with a `then` looks like a promise to the linter.
  [JSON.parse('{ "$cond": { "if": { "$gt": ["$n", 0] }, "then": "up", "else": "down" } }'), 'down'],
  [{ $regexFind: { input: 'caférac', regex: 'r(a)c' } }, { match: 'rac', idx: 4, captures: ['a'] }],
  [
    { $regexFindAll: { input: 'abab', regex: 'a' } },
    [
      { match: 'a', idx: 0, captures: [] },
      { match: 'a', idx: 2, captures: [] },
    ],
  ],
  [{ $let: { vars: { low: 1, high: '$$CURRENT.n' }, in: { $lt: ['$$low', '$$high'] } } }, false],
  [{ $max: '$list' }, 3],
  [{ $avg: ['$n', 1, 'x', null] }, -3],
]

for (const [expression, expected] of EXPRESSIONS)
  test(JSON.stringify(expression), async () => {
    assert.equal(await evaluate(expression), expected)
  })

test('kinds of numbers go through sums: int32, int64, double', async () => {
  const types = async (...values: unknown[]): Promise<unknown> => evaluate({ $type: { $add: values } })
  assert.is(await types(1, 2), 'int')
  assert.is(await types(2147483647, 1), 'long')
  assert.is(await types(1, BSON.Long.fromNumber(1)), 'long')
  assert.is(await types(1, new BSON.Double(1)), 'double')
  assert.is(await types(BSON.Long.MAX_VALUE, 1), 'double')
  assert.is(await evaluate({ $type: { $multiply: [65536, 65536] } }), 'long')
})

test('what cannot be computed has the code of the real server', async () => {
  const codes: readonly (readonly [unknown, number])[] = [
    [{ $year: 'x' }, 16006],
    [{ $arrayElemAt: ['$n', 0] }, 28689],
    [{ $substrCP: ['abc', -1, 2] }, 34455],
    [{ $dateToString: { date: '$at', format: '%q' } }, 18536],
    [{ $hour: { date: '$at', timezone: 'Nowhere/Land' } }, 40485],
    [{ $sqrt: -1 }, 28714],
    [{ $cond: [1, 2] }, 16020],
    ['$$nope', 17276],
    [{ $setUnion: [[1], 2] }, 17043],
  ]
  for (const [expression, code] of codes)
    assert.is(await codeOf(evaluate(expression)), code, JSON.stringify(expression))
})

const people: Collection<Document> = db.collection('people')
const orders: Collection<Document> = db.collection('orders')
await people.insertMany([
  { _id: 1 as never, name: 'Ann', tags: ['a', 'b'] },
  { _id: 2 as never, name: 'Bob', tags: [] },
  { _id: 3 as never, name: 'Cid' },
])
await orders.insertMany([
  {
    _id: 10 as never,
    by: 1,
    lines: [
      { sku: 'x', n: 2 },
      { sku: 'y', n: 1 },
    ],
  },
  { _id: 11 as never, by: 1, lines: [{ sku: 'x', n: 5 }] },
  { _id: 12 as never, by: 2, lines: [] },
  { _id: 13 as never, by: null, lines: [] },
])

test('$lookup by fields, by pipeline, and by both', async () => {
  const byField = await people
    .aggregate([
      { $lookup: { from: 'orders', localField: '_id', foreignField: 'by', as: 'orders' } },
      { $project: { n: { $size: '$orders' } } },
      { $sort: { _id: 1 } },
    ])
    .toArray()
  assert.equal(byField, [
    { _id: 1, n: 2 },
    { _id: 2, n: 1 },
    { _id: 3, n: 0 },
  ])
  const missing = await people
    .aggregate([
      { $match: { _id: 3 } },
      { $lookup: { from: 'orders', localField: 'none', foreignField: 'by', as: 'o' } },
      { $project: { 'o._id': 1 } },
    ])
    .toArray()
  assert.equal(missing, [{ _id: 3, o: [{ _id: 13 }] }])
  const both = await people
    .aggregate([
      { $match: { _id: { $lte: 2 } } },
      {
        $lookup: {
          from: 'orders',
          localField: '_id',
          foreignField: 'by',
          let: { who: '$name' },
          pipeline: [{ $match: { lines: { $ne: [] } } }, { $project: { _id: 1, who: '$$who' } }, { $sort: { _id: 1 } }],
          as: 'o',
        },
      },
      { $project: { o: 1 } },
      { $sort: { _id: 1 } },
    ])
    .toArray()
  assert.equal(both, [
    {
      _id: 1,
      o: [
        { _id: 10, who: 'Ann' },
        { _id: 11, who: 'Ann' },
      ],
    },
    { _id: 2, o: [] },
  ])
})

test('$unwind, $group, $sort with a limit, $facet, $unionWith, $sortByCount', async () => {
  const sums = await orders
    .aggregate([
      { $unwind: '$lines' },
      { $group: { _id: '$lines.sku', n: { $sum: '$lines.n' }, first: { $first: '$_id' }, all: { $push: '$lines.n' } } },
      { $sort: { n: -1 } },
      { $limit: 1 },
    ])
    .toArray()
  assert.equal(sums, [{ _id: 'x', n: 7, first: 10, all: [2, 5] }])
  const [facets] = await people
    .aggregate([{ $facet: { n: [{ $count: 'n' }], none: [{ $match: { _id: 99 } }, { $count: 'n' }] } }])
    .toArray()
  assert.equal(facets, { n: [{ n: 3 }], none: [] })
  const union = await people
    .aggregate([
      { $project: { _id: 1 } },
      { $unionWith: { coll: 'orders', pipeline: [{ $match: { by: 1 } }, { $project: { _id: 1 } }] } },
      { $sort: { _id: -1 } },
    ])
    .toArray()
  assert.equal(
    union.map((d) => d._id),
    [11, 10, 3, 2, 1],
  )
  const counts = await people
    .aggregate([{ $unwind: { path: '$tags', preserveNullAndEmptyArrays: true } }, { $sortByCount: { $type: '$tags' } }])
    .toArray()
  assert.equal(
    counts.map((d) => d.count),
    [2, 2],
  )
})

test('variables of the command are seen in the pipeline', async () => {
  const found = await people
    .aggregate([{ $match: { $expr: { $eq: ['$name', '$$wanted'] } } }], { let: { wanted: 'Bob' } })
    .toArray()
  assert.equal(
    found.map((d) => d._id),
    [2],
  )
})

test('$project and $addFields in nested documents and arrays', async () => {
  const rows: Collection<Document> = db.collection('nested')
  await rows.insertOne({ _id: 1 as never, a: { b: 1, c: 2 }, list: [{ x: 1, y: 2 }, { x: 3 }, 5] })
  const run = async (stage: Document): Promise<unknown> => (await rows.aggregate([stage]).toArray())[0]
  assert.equal(await run({ $project: { 'a.b': 1, 'list.x': 1 } }), { _id: 1, a: { b: 1 }, list: [{ x: 1 }, { x: 3 }] })
  assert.equal(await run({ $project: { a: { c: 0 }, list: 0 } }), { _id: 1, a: { b: 1 } })
  assert.equal(await run({ $addFields: { 'a.d': { $add: ['$a.b', '$a.c'] }, 'list.z': 1 } }), {
    _id: 1,
    a: { b: 1, c: 2, d: 3 },
    list: [{ x: 1, y: 2, z: 1 }, { x: 3, z: 1 }, { z: 1 }],
  })
  assert.equal(await run({ $unset: ['a.b', 'list.x'] }), { _id: 1, a: { c: 2 }, list: [{ y: 2 }, {}, 5] })
  assert.is(await codeOf(run({ $project: { a: 1, b: 0 } })), 31254)
})

test('updates: nested arrays, filters of elements, pushes that sort and cut, dates of the server', async () => {
  const rows: Collection<Document> = db.collection('updates')
  const after = async (start: Document, update: Document, options: Document = {}): Promise<unknown> => {
    await rows.deleteMany({})
    await rows.insertOne({ _id: 1 as never, ...start })
    await rows.updateOne({ _id: 1 as never, ...options.filter }, update, options)
    const { _id, ...rest } = (await rows.findOne({}))!
    return rest
  }
  assert.equal(
    await after(
      { g: [{ s: [1, 5] }, { s: [7] }] },
      { $inc: { 'g.$[].s.$[big]': 10 } },
      { arrayFilters: [{ big: { $gte: 5 } }] },
    ),
    { g: [{ s: [1, 15] }, { s: [17] }] },
  )
  assert.equal(
    await after({ l: [{ v: 2 }] }, { $push: { l: { $each: [{ v: 3 }, { v: 1 }], $sort: { v: -1 }, $slice: 2 } } }),
    { l: [{ v: 3 }, { v: 2 }] },
  )
  assert.equal(await after({ l: [1, 2, 3] }, { $set: { 'l.5': 9 } }), { l: [1, 2, 3, null, null, 9] })
  assert.equal(
    await after(
      {
        l: [
          { k: 1, v: 1 },
          { k: 2, v: 1 },
        ],
      },
      { $set: { 'l.$.v': 9 } },
      { filter: { 'l.k': 2 } },
    ),
    {
      l: [
        { k: 1, v: 1 },
        { k: 2, v: 9 },
      ],
    },
  )
  assert.equal(await after({ a: 1 }, { $rename: { a: 'b.c' } }), { b: { c: 1 } })
  assert.equal(await after({ l: [1, 2, 3, 2] }, { $pullAll: { l: [2, 3] } }), { l: [1] })
  const dated = (await after({}, { $currentDate: { at: true, ts: { $type: 'timestamp' } } })) as Document
  assert.ok(dated.at instanceof Date && dated.ts instanceof BSON.Timestamp)
  assert.equal(await after({ a: 5 }, [{ $set: { b: { $add: ['$a', 1] } } }, { $unset: 'a' }] as never), { b: 6 })
})

test('an empty timestamp is filled when it is stored', async () => {
  const rows: Collection<Document> = db.collection('stamps')
  await rows.insertOne({
    _id: 1 as never,
    ts: new BSON.Timestamp({ t: 0, i: 0 }),
    o: { ts: new BSON.Timestamp({ t: 0, i: 0 }) },
  })
  const doc = (await rows.findOne({}))!
  assert.ok(Math.abs(doc.ts.t - Date.now() / 1000) < 60)
  assert.is(doc.o.ts.t, 0)
})

test('names of fields that are numbers or of objects keep their place and are only names', async () => {
  const rows: Collection<Document> = db.collection('names')
  await rows.insertOne(
    new Map<string, unknown>([
      ['_id', 1],
      ['b', 1],
      ['2', 1],
      ['__proto__', 1],
      ['constructor', 2],
    ]) as never,
  )
  await rows.updateOne({}, { $set: { 1: 'one', c: 1 } })
  const [raw] = await rows.find({}, { raw: true }).toArray()
  const names = BSON.onDemand.parseToElements(raw as never)
  const text = Buffer.from(raw as never)
  assert.equal(
    [...names].map(([, at, length]) => text.toString('utf8', at, at + length)),
    ['_id', 'b', '2', '__proto__', 'constructor', '1', 'c'],
  )
  assert.is(await rows.countDocuments({ constructor: 2, 2: 1 }), 1)
})

test.run()
