// Indexes: whatever the planner chooses, a query answers as it does without; explain names what is used; expiry and builds.

import { BSON, type Collection, type Document, MongoClient } from 'mongodb'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import fc from '../../fc.ts'
import { times } from '../../soak.ts'
import { until } from '../../until.ts'
import { documentStoreUnderTest } from '../servers.ts'

const server = await documentStoreUnderTest()
const client = new MongoClient(server.url)
await client.connect()
const db = client.db('indexes')

test.after(async () => {
  await client.close()
  await server.end()
})

const scalar = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -2, max: 3 }) },
  fc.constantFrom(1.5, 2.5).map((n) => new BSON.Double(n)),
  fc.constantFrom(1n, 2n).map((n) => BSON.Long.fromBigInt(n)),
  fc.constantFrom('1', '2.50').map((n) => BSON.Decimal128.fromString(n)),
  fc.constantFrom('', 'a', 'b', 'ab'),
  fc.constantFrom(null, true, false),
  fc.constantFrom(0, 1000).map((ms) => new Date(ms)),
)
const value: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 5, arbitrary: scalar },
  fc.array(scalar, { maxLength: 3 }),
  fc.array(fc.array(scalar, { maxLength: 2 }), { maxLength: 2 }),
  fc.record({ c: scalar }, { requiredKeys: [], noNullPrototype: true }),
  fc.array(fc.record({ c: scalar, d: scalar }, { requiredKeys: [], noNullPrototype: true }), { maxLength: 3 }),
)
const documents = fc.array(fc.record({ a: value, b: value, e: scalar }, { requiredKeys: [], noNullPrototype: true }), {
  minLength: 5,
  maxLength: 25,
})

const path = fc.constantFrom('a', 'b', 'e', 'a.c', 'b.d', 'a.0')
const way = fc.constantFrom(1, -1)
const keys = fc
  .uniqueArray(fc.tuple(path, way), { minLength: 1, maxLength: 3, selector: ([p]) => p })
  .map((k) => Object.fromEntries(k))
const options = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  fc.constant({ sparse: true }),
  fc
    .constantFrom<Document>({ e: { $gt: 0 } }, { a: { $exists: true } }, { e: { $gte: -1 }, b: 'a' })
    .map((f) => ({ partialFilterExpression: f })),
)
const operator = fc.oneof(
  scalar,
  fc.tuple(fc.constantFrom('$eq', '$ne', '$gt', '$gte', '$lt', '$lte'), value).map(([op, v]) => ({ [op]: v })),
  fc.tuple(scalar, scalar).map(([x, y]) => ({ $gt: x, $lte: y })),
  fc.array(scalar, { maxLength: 3 }).map((list) => ({ $in: list })),
  fc.array(scalar, { maxLength: 2 }).map((list) => ({ $nin: list })),
  fc.boolean().map((b) => ({ $exists: b })),
  fc.constantFrom(
    { $type: 'array' },
    { $size: 1 },
    { $not: { $gt: 1 } },
    { $elemMatch: { $gt: 0, $lt: 3 } },
    { $all: [1, 2] },
  ),
)
const leaf = fc.tuple(path, operator).map(([p, o]) => ({ [p]: o }) as Document)
const filter = fc.oneof(
  { weight: 2, arbitrary: leaf },
  fc.tuple(leaf, leaf).map(([x, y]) => ({ ...x, ...y })),
  fc.tuple(leaf, leaf).map(([x, y]) => ({ $and: [x, y] })),
  fc.tuple(leaf, leaf, leaf).map(([x, y, z]) => ({ ...x, $or: [y, z] })),
)
const sort = fc.uniqueArray(fc.tuple(path, way), { maxLength: 2, selector: ([p]) => p })

const ids = async (
  rows: Collection,
  f: Document,
  by: readonly (readonly [string, number])[],
  natural: boolean,
): Promise<unknown> => {
  const order = Object.fromEntries([...by, ['_id', 1]])
  try {
    const cursor = rows.find(f, {
      sort: order as never,
      projection: { _id: 1 },
      ...(natural ? { hint: { $natural: 1 } } : {}),
    })
    return (await cursor.toArray()).map((d) => d._id)
  } catch (error) {
    return (error as { readonly code?: number }).code ?? String(error)
  }
}

test('queries with indexes answer as without them, in the same order', async () => {
  let run = 0
  await fc.assert(
    fc.asyncProperty(
      documents,
      fc.array(fc.tuple(keys, options), { minLength: 1, maxLength: 4 }),
      fc.array(fc.tuple(filter, sort), { minLength: 10, maxLength: 25 }),
      async (docs, indexes, queries) => {
        run += 1
        const rows = db.collection<Document>(`equal${run}`)
        const half = docs.length >> 1
        const numbered = docs.map((doc, i) => ({ _id: i, ...doc }) as unknown as Document)
        // Two arrays in one compound index are refused, by whichever comes second.
        await rows.insertMany(numbered.slice(0, half), { ordered: false })
        for (const [key, option] of indexes) await rows.createIndex(key as never, option).catch(() => undefined)
        await rows.insertMany(numbered.slice(half), { ordered: false }).catch(() => undefined)
        await rows.updateMany({ e: 1 }, { $set: { a: [3, 'b'] } }).catch(() => undefined)
        await rows.deleteMany({ e: 2 })
        for (const [f, by] of queries) {
          const [got, expected] = [await ids(rows, f, by, false), await ids(rows, f, by, true)]
          const said = `${JSON.stringify(f)} by ${JSON.stringify(by)}: ${JSON.stringify(got)} instead of ${JSON.stringify(expected)}`
          assert.equal(got, expected, said)
          if (Array.isArray(expected)) assert.is(await rows.countDocuments(f), expected.length, said)
        }
        await rows.drop()
      },
    ),
    { numRuns: times(10, 400), endOnFailure: true, includeErrorInReport: true },
  )
})

test('counting by the first fields of an index is as looking at every document, arrays beside them or not', async () => {
  const rows = db.collection<Document>('counted')
  await rows.createIndex({ group: 1, kind: 1, at: 1 })
  await rows.createIndex({ tag: 1, 'of.name': 1 }, { sparse: true })
  const count = async (f: Document) => {
    const looked = await rows.find(f, { hint: { $natural: 1 } }).toArray()
    assert.is(await rows.countDocuments(f), looked.length, JSON.stringify(f))
    return looked.length
  }
  const groups = ['a', 'ab', 'a\0', 1, '1']
  await rows.insertMany(
    Array.from({ length: 60 }, (_, n) => ({
      group: groups[n % 5],
      kind: n % 3,
      ...(n % 4 === 0 ? {} : { tag: n % 2, of: { name: `n${n % 7}` } }),
    })),
  )
  const queries: Document[] = [
    ...groups.map((group) => ({ group })),
    { group: 'a', kind: 1 },
    { kind: 1, group: 'a' },
    { group: 'a', kind: 1, at: 5 },
    { group: 'a', other: 1 },
    { tag: 1 },
    { tag: 1, 'of.name': 'n3' },
  ]
  for (const f of queries) await count(f)
  assert.is(await count({ group: 'a' }), 12)
  const counts = async () => [await rows.countDocuments({}), await rows.estimatedDocumentCount(), await count({})]
  assert.equal(await counts(), [60, 60, 60])
  assert.is(await rows.countDocuments({ group: 'a' }, { skip: 2, limit: 5 }), 5)
  // From here on a document has several entries of one group.
  await rows.insertOne({ group: 'a', kind: [1, 2, 2], at: 5 })
  await rows.insertOne({ tag: 1, of: [{ name: 'n3' }, { name: 'n4' }, { name: 'n3' }] })
  for (const f of queries) await count(f)
  assert.is(await count({ group: 'a' }), 13)
  assert.equal(await counts(), [62, 62, 62])
  await rows.dropIndex('group_1_kind_1_at_1')
  assert.equal(await counts(), [62, 62, 62], 'a sparse index does not have all of them')
  await rows.createIndex({ kind: 1 })
  assert.equal(await counts(), [62, 62, 62], 'an array has several entries')
  await rows.createIndex({ at: 1 })
  await rows.deleteMany({ group: 'ab' })
  assert.equal(await counts(), [50, 50, 50])
  await rows.drop()
})

const stagesOf = (plan: Document | undefined): string[] => {
  if (!plan) return []
  const own = plan.indexName ? `${plan.stage} ${plan.indexName}` : String(plan.stage)
  return [own, ...stagesOf(plan.inputStage), ...((plan.inputStages ?? []) as Document[]).flatMap(stagesOf)]
}
const explain = async (rows: Collection, f: Document, by?: Record<string, 1 | -1>): Promise<string[]> => {
  const { queryPlanner } = await rows.find(f, by ? { sort: by } : {}).explain('queryPlanner')
  return stagesOf(queryPlanner.winningPlan.queryPlan ?? queryPlanner.winningPlan)
}

test('explain names the index that is used, and says when none is', async () => {
  const rows = db.collection('explained')
  await rows.insertMany(Array.from({ length: 50 }, (_, i) => ({ _id: i as never, a: i % 5, b: i, c: `c${i}` })))
  await rows.createIndex({ a: 1, b: -1 })
  await rows.createIndex({ c: 1 }, { unique: true })
  assert.equal(await explain(rows, { a: 3 }), ['FETCH', 'IXSCAN a_1_b_-1'])
  assert.equal(await explain(rows, { a: 3, b: { $gt: 7 } }), ['FETCH', 'IXSCAN a_1_b_-1'])
  assert.equal(await explain(rows, { a: 3 }, { b: -1 }), ['FETCH', 'IXSCAN a_1_b_-1'])
  assert.equal(await explain(rows, { a: { $in: [1, 2] } }, { c: 1 }).then((s) => s[0]), 'SORT')
  assert.equal(await explain(rows, { c: 'c7' }), ['FETCH', 'IXSCAN c_1'])
  assert.equal(await explain(rows, { d: 1 }), ['COLLSCAN'])
  assert.equal(await explain(rows, {}, { c: 1 }), ['FETCH', 'IXSCAN c_1'])
  assert.equal(await explain(rows, {}, { zz: 1 }), ['SORT', 'COLLSCAN'])
})

test('a hint is followed, and one for no index refused', async () => {
  const rows = db.collection('explained')
  assert.is((await rows.find({ a: 1 }, { hint: 'c_1' }).toArray()).length, 10)
  let code: unknown
  await rows
    .find({ a: 1 }, { hint: 'none' })
    .toArray()
    .catch((error) => {
      code = error.code
    })
  assert.is(code, 2)
})

test('an index is built over many documents while others write', async () => {
  const rows = db.collection<{ _id: number; a: number; u: number }>('built')
  const total = times(12_000, 60_000)
  await rows.insertMany(Array.from({ length: total }, (_, i) => ({ _id: i, a: i % 100, u: i })))
  let go = true
  let written = 0
  const writer = (async () => {
    while (go) {
      await rows.updateOne({ _id: (written * 37) % total }, { $inc: { a: 100 } })
      await rows.insertOne({ _id: total + written, a: 1, u: total + written })
      await rows.deleteOne({ _id: total + written - 5 })
      written += 1
    }
  })()
  await Promise.all([
    rows.createIndex({ a: 1 }),
    rows.createIndex({ a: 1 }),
    rows.createIndex({ u: -1 }, { unique: true }),
  ])
  go = false
  await writer
  assert.ok(written > 0)
  assert.equal((await rows.indexes()).map((i) => i.name).sort(), ['_id_', 'a_1', 'u_-1'])
  for (const a of [1, 5, 105, 137]) {
    const natural = await rows.find({ a }, { hint: { $natural: 1 }, sort: { _id: 1 } }).toArray()
    assert.equal(await rows.find({ a }, { hint: 'a_1', sort: { _id: 1 } }).toArray(), natural)
  }
  assert.is((await rows.find({}, { hint: 'u_-1' }).toArray()).length, await rows.countDocuments({}))
})

test('a unique index over many documents with a duplicate is refused and leaves nothing', async () => {
  const rows = db.collection<{ _id: number; u: number }>('dup')
  await rows.insertMany(Array.from({ length: 3000 }, (_, i) => ({ _id: i, u: i === 2999 ? 7 : i })))
  let error: { code?: number; keyValue?: unknown } = {}
  await rows.createIndex({ u: 1 }, { unique: true }).catch((e) => {
    error = e
  })
  assert.is(error.code, 11000)
  assert.equal(error.keyValue, { u: 7 })
  assert.equal(
    (await rows.indexes()).map((i) => i.name),
    ['_id_'],
  )
  await rows.insertOne({ _id: 3000, u: 8 })
})

test('values too long for a key are found, sorted and kept unique', async () => {
  const rows = db.collection<{ _id: number; t: string }>('long')
  await rows.createIndex({ t: 1 }, { unique: true })
  const long = (tail: string) => 'x'.repeat(3000) + tail
  await rows.insertMany([
    { _id: 1, t: long('b') },
    { _id: 2, t: long('a') },
    { _id: 3, t: 'short' },
  ])
  assert.is((await rows.findOne({ t: long('a') }))?._id, 2)
  assert.equal(
    (await rows.find({}, { sort: { t: 1 } }).toArray()).map((d) => d._id),
    [3, 2, 1],
  )
  assert.equal(
    (await rows.find({ t: { $gt: long('a') } }).toArray()).map((d) => d._id),
    [1],
  )
  let code: unknown
  await rows.insertOne({ _id: 4, t: long('a') }).catch((e) => {
    code = e.code
  })
  assert.is(code, 11000)
})

test('indexes survive a restart and a rename', async () => {
  const rows = db.collection<{ _id: number; a: unknown }>('before')
  await rows.insertMany([
    { _id: 1, a: [1, 2] },
    { _id: 2, a: 2 },
  ])
  await rows.createIndex({ a: 1 })
  await server.restart?.()
  // The driver learns that its connections are gone by using them.
  await until(() => db.command({ ping: 1 }).then(Boolean, () => false))
  await rows.rename('after')
  const after = db.collection<{ _id: number; a: unknown }>('after')
  assert.equal(await explain(after as never, { a: 2 }), ['FETCH', 'IXSCAN a_1'])
  assert.equal(
    (await after.find({ a: { $gt: 0, $lt: 9 } }, { sort: { _id: 1 } }).toArray()).map((d) => d._id),
    [1, 2],
  )
})

test('documents are deleted when their date is past, others stay', async () => {
  // The real server looks once a minute; only the embedded store can be told to look sooner.
  const { startDocumentStore } = await import('../../../src/engines/documents/index.ts')
  const { mkdtempSync, rmSync } = await import('node:fs')
  const { tmpdir } = await import('node:os')
  const { join } = await import('node:path')
  const dir = mkdtempSync(join(tmpdir(), 'tributary-expiry-'))
  const store = await startDocumentStore({ access: 'open', dir, expiryMs: 50 })
  const own = new MongoClient(store.url)
  try {
    const rows = own.db('x').collection<{ _id: number; at?: unknown; kind?: string }>('y')
    await rows.createIndex({ at: 1 }, { expireAfterSeconds: 60 })
    const ago = (seconds: number) => new Date(Date.now() - seconds * 1000)
    await rows.insertMany([
      { _id: 1, at: ago(120) },
      { _id: 2, at: ago(10) },
      { _id: 3, at: 'text' },
      { _id: 4 },
      { _id: 5, at: [ago(10), ago(500)] },
      { _id: 6, at: 17 },
    ])
    await until(async () => (await rows.countDocuments({})) === 4)
    assert.equal(
      (await rows.find({}, { sort: { _id: 1 } }).toArray()).map((d) => d._id),
      [2, 3, 4, 6],
    )
  } finally {
    await own.close()
    await store.stop()
    rmSync(dir, { recursive: true, force: true })
  }
})

test.run()
