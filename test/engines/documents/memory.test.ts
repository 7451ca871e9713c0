// What queries hold is bounded by bytes: beyond it they are refused, and the store's thread, with its small heap, lives on.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Document, MongoClient } from 'mongodb'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { builtFile } from '../../../src/engines/built.ts'
import { hostEngine } from '../../../src/engines/host.ts'
import { isSoak } from '../../soak.ts'

/** In the long run the documents are really there; in the short one a few are unwound into as many. */
const COPIES = 20
const ROWS = isSoak ? 200_000 : 2_000

const dir = mkdtempSync(join(tmpdir(), 'tributary-documents-memory-'))
const access = { user: 'memory', password: 'memory-password' }
/** What is said of the store's end, or of its start anew. */
const told: string[] = []
const module = builtFile('documents-engine.js')
const store = await hostEngine({
  name: 'document store',
  module,
  options: { dir, access },
  say: (line) => told.push(line),
})
const client = await new MongoClient(store.url, {
  auth: { username: access.user, password: access.password },
}).connect()
const rows = client.db('memory').collection<Document>('rows')

test.before(async () => {
  for (let at = 0; at < ROWS; at += 1000)
    await rows.insertMany(
      Array.from({ length: 1000 }, (_, i) => ({
        _id: (at + i) as never,
        n: (at + i) % 977,
        copies: isSoak ? [0] : Array.from({ length: COPIES }, (__, copy) => copy),
        text: `${at + i}`.padEnd(isSoak ? 240 : 1200, 'x'),
      })),
    )
})

test.after(async () => {
  await client.close()
  await store.stop()
  rmSync(dir, { recursive: true, force: true })
})

const UNWOUND = [{ $unwind: '$copies' }]
const TWICE = ['$$ROOT', '$$ROOT']

/** The first document of the answer, or the code of the refusal; the store is there either way. */
const ask = async (stages: readonly Document[]): Promise<Document | number> => {
  const answer = await rows
    .aggregate([...stages])
    .next()
    .catch((error) => Number(error.code))
  assert.is((await client.db('memory').command({ ping: 1 })).ok, 1)
  assert.equal(told, [])
  return answer ?? {}
}

test('groups that hold every document are refused', async () => {
  assert.is(await ask([...UNWOUND, { $group: { _id: null, all: { $push: TWICE } } }]), 292)
  const each = { _id: { id: '$_id', copy: '$copies' }, first: { $first: TWICE } }
  assert.is(await ask([...UNWOUND, { $group: each }]), 292)
  assert.is(await ask([...UNWOUND, { $facet: { all: [] } }]), 292)
  // What was refused holds nothing any more.
  const small = { $group: { _id: '$n', all: { $push: '$_id' } } }
  assert.ok(Array.isArray(((await ask([small])) as Document).all))
})

test('a sort of less than the bound is answered, in order', async () => {
  const sorted = [...UNWOUND, { $sort: { n: -1, _id: 1 } }]
  const first = (await ask([...sorted, { $limit: 1 }])) as Document
  assert.is(first.n, 976)
  assert.equal(await ask([...sorted, { $count: 'count' }]), { count: isSoak ? ROWS : ROWS * COPIES })
  let before = { n: 1000, _id: -1 }
  for await (const { n, _id } of rows.find({}, { sort: { n: -1, _id: 1 }, projection: { n: 1 } })) {
    assert.ok(n < before.n || (n === before.n && Number(_id) > before._id))
    before = { n, _id: Number(_id) }
  }
})

test('values that grow without end are refused', async () => {
  const doubled = (value: Document) => Array.from({ length: 40 }, () => ({ $addFields: { a: value } }))
  const one = [{ $limit: 1 }, { $addFields: { a: ['$text'] } }]
  assert.is(await ask([...one, ...doubled({ $concatArrays: ['$a', '$a'] })]), 146)
  assert.is(await ask([...one, { $addFields: { a: '$text' } }, ...doubled({ $concat: ['$a', '$a'] })]), 146)
  assert.is(await ask([...one, ...doubled({ x: '$a', y: '$a' })]), 10334)
  const range = { $addFields: { r: { $range: [0, 500_000] } } }
  assert.equal(await ask([{ $limit: 40 }, range, { $project: { n: { $size: '$r' } } }, { $count: 'n' }]), { n: 40 })
  assert.is(await ask([{ $limit: 40 }, range, { $group: { _id: null, all: { $push: '$r' } } }]), 292)
})

test('cursors give back what they held', async () => {
  for (let i = 0; i < 30; i += 1) {
    const cursor = rows.aggregate([...UNWOUND, { $limit: 20_000 }, { $sort: { n: 1 } }], { batchSize: 2 })
    await cursor.next()
    await cursor.close()
  }
  assert.is(typeof (await ask([...UNWOUND, { $limit: 20_000 }, { $sort: { n: 1 } }])), 'object')
})

test.run()
