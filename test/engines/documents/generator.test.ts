// Requests without end: valid ones, whose answers a small model knows, and the same changed in one place, of which the store
// refuses what it should and is never the worse for any. What is drawn follows from the seed that is printed.
import { BSON, type Document } from 'mongodb'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { randomOf } from '../../random.ts'
import { isSoak, times } from '../../soak.ts'
import { documentStoreUnderTest } from '../servers.ts'
import { createModel, type Row } from './generatedModel.ts'
import { mutated, type Random } from './mutation.ts'
import { rawClient } from './raw.ts'
import { isUnsound, VALID } from './samples.ts'

const SEED = Number(process.env.SEED ?? 20261129)
const MINUTES = Number(process.env.MINUTES ?? times(1, 60))
const REQUESTS = isSoak ? Number.POSITIVE_INFINITY : 800
const DATABASE = 'generated'

const server = await documentStoreUnderTest()
const raw = await rawClient(server.url)

test.after(async () => {
  raw.end()
  await server.end()
})

const ask = (command: Document): Promise<Document> =>
  raw.command('$db' in command ? command : { ...command, $db: DATABASE })

const stored = async (): Promise<readonly Row[]> => {
  const answer = await ask({ find: 'm', sort: { _id: 1 }, batchSize: 1000 })
  return answer.cursor.firstBatch
}

/** Puts the model's rows in place of whatever is there. */
const restore = async (rows: readonly Row[]): Promise<void> => {
  await ask({ create: 'm' })
  assert.is((await ask({ dropIndexes: 'm', index: '*' })).ok, 1)
  await ask({ delete: 'm', deletes: [{ q: {}, limit: 0 }] })
  assert.equal(await stored(), [], 'an empty filter deletes everything')
  if (rows.length > 0) assert.is((await ask({ insert: 'm', documents: [...rows] })).n, rows.length)
}

const STRICT_CODES = new Set([9, 40415])
/** Commands that take options of any name. */
const OPEN = new Set(['ping', 'hello', 'currentOp', 'serverStatus', 'getParameter'])
const WRITES = new Set([
  'insert',
  'update',
  'delete',
  'bulkWrite',
  'findAndModify',
  'drop',
  'renameCollection',
  'createIndexes',
])

const others: readonly Document[] = [
  ...Object.values(VALID),
  { ping: 1 },
  { hello: 1 },
  { currentOp: 1, $db: 'admin' },
  { serverStatus: 1 },
  { getParameter: 1, featureCompatibilityVersion: 1 },
  { aggregate: 'm', pipeline: [{ $match: { a: 1 } }, { $merge: { into: 'copy', on: '_id' } }], cursor: {} },
  { aggregate: 'm', pipeline: [{ $sort: { a: 1 } }, { $out: 'copy' }], cursor: {} },
  { aggregate: 1, pipeline: [{ $documents: [{ a: 1 }] }, { $addFields: { b: { $add: ['$a', 1] } } }], cursor: {} },
  { aggregate: 'm', pipeline: [{ $facet: { n: [{ $count: 'n' }], s: [{ $unwind: '$l' }] } }], cursor: {} },
  { aggregate: 'm', pipeline: [{ $lookup: { from: 'm', localField: 'a', foreignField: '_id', as: 'x' } }], cursor: {} },
  { find: 'm', filter: { a: { $gt: 1 } }, min: { _id: 1 }, hint: { _id: 1 }, projection: { a: 1 }, returnKey: false },
]

/** Sends a request that was changed in one place; answers whether it may have changed what is stored. */
const sendMutated = async (random: Random, command: Document): Promise<boolean> => {
  const { request, change, unknown } = mutated(random, command)
  const name = Object.keys(command)[0]!
  const answer = await ask(request)
  const what = `${change} of ${BSON.EJSON.stringify(command)}`
  assert.not.ok(isUnsound(answer), `${what}: ${answer.code} ${answer.errmsg}`)
  const items: readonly Document[] = name === 'bulkWrite' && answer.ok === 1 ? answer.cursor.firstBatch : []
  for (const { code, errmsg } of answer.writeErrors ?? items.filter(({ ok }) => ok === 0))
    assert.not.ok(isUnsound({ ok: 0, code, errmsg }), `${what}: ${code} ${errmsg}`)
  if (unknown && !OPEN.has(name)) assert.ok(STRICT_CODES.has(answer.code), `${what} was taken`)
  return answer.ok === 1 && WRITES.has(name)
}

test(`generated requests, seed ${SEED}`, async () => {
  console.log(`seed ${SEED}`)
  const random = randomOf(SEED)
  const model = createModel(random, DATABASE)
  await ask({ create: 'm' })
  const until = Date.now() + MINUTES * 60_000
  const heap: number[] = []
  let i = 0
  for (; i < REQUESTS && (!isSoak || Date.now() < until); i += 1) {
    const kind = random()
    if (kind < 0.5) {
      const { command, check } = model.request()
      const answer = await ask(command)
      assert.is(answer.ok, 1, `${BSON.EJSON.stringify(command)}: ${answer.errmsg}`)
      check(answer, BSON.EJSON.stringify(command))
    } else if (kind < 0.8) {
      const { command } = model.request(true)
      if (await sendMutated(random, command)) await restore(model.rows())
      else assert.equal(await stored(), model.rows(), 'what was refused has changed nothing')
    } else await sendMutated(random, others[Math.floor(random() * others.length)]!)
    if (i % 200 === 0) assert.equal(await stored(), model.rows())
    if (i % 500 === 0) heap.push(process.memoryUsage().heapUsed)
  }
  assert.equal(await stored(), model.rows())
  console.log(`${i} requests; heap in use, MB: ${heap.map((bytes) => Math.round(bytes / 1e6)).join(' ')}`)
  if (heap.length < 50) return
  // The least of a stretch is what is left after a collection.
  const least = (from: number, to: number) => Math.min(...heap.slice(heap.length * from, heap.length * to))
  const [early, late] = [least(0.1, 0.4), least(0.7, 1)]
  assert.ok(late < early * 1.3 + 20e6, `heap grew from ${early} to ${late} bytes`)
})

test.run()
