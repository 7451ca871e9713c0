// A write or commit sent a second time under its number is not made twice, on the same connection, another, or after a restart.
import { BSON, type Document, MongoClient } from 'mongodb'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { times } from '../../soak.ts'
import { until } from '../../until.ts'
import { documentStoreUnderTest } from '../servers.ts'
import { type RawClient, rawClient } from './raw.ts'

const server = await documentStoreUnderTest()
const client = new MongoClient(server.url)
await client.connect()
const rows = client.db('retries').collection<{ _id: number | string; n?: number }>('rows')
let raw = await rawClient(server.url)

test.after(async () => {
  raw.end()
  await client.close()
  await server.end()
})

const newSession = () => ({ lsid: { id: new BSON.UUID() } })
const number = (n: number) => ({ txnNumber: BSON.Long.fromNumber(n) })
const send = (command: Document, by: RawClient = raw): Promise<Document> => by.command({ ...command, $db: 'retries' })
const plain = (d: Document): Document =>
  JSON.parse(JSON.stringify({ n: d.n, nModified: d.nModified, upserted: d.upserted, value: d.value, ok: d.ok }))

const restarted = async (): Promise<void> => {
  raw.end()
  await server.restart!()
  await until(() =>
    client
      .db('admin')
      .command({ ping: 1 })
      .then(Boolean, () => false),
  )
  raw = await rawClient(server.url)
}

test('each kind of write is made once and answers the second time as the first', async () => {
  const writes: readonly Document[] = [
    {
      insert: 'rows',
      documents: [
        { _id: 1, n: 0 },
        { _id: 2, n: 0 },
        { _id: 3, n: 0 },
      ],
    },
    {
      update: 'rows',
      updates: [
        { q: { _id: 1 }, u: { $inc: { n: 5 } } },
        { q: { _id: 'new' }, u: { $inc: { n: 1 } }, upsert: true },
      ],
    },
    { findAndModify: 'rows', query: { _id: 2 }, update: { $inc: { n: 7 } }, new: true },
    { delete: 'rows', deletes: [{ q: { n: 0 }, limit: 1 }] },
  ]
  for (const again of ['the same connection', 'another connection', 'after a restart'] as const) {
    await rows.deleteMany({})
    const session = newSession()
    for (const [i, write] of writes.entries()) {
      if (again === 'after a restart' && !server.restart) return
      const command = { ...write, ...session, ...number(i + 1) }
      const first = await send(command)
      assert.is(first.ok, 1, JSON.stringify(first))
      if (again === 'after a restart') await restarted()
      const other = again === 'another connection' ? await rawClient(server.url) : raw
      assert.equal(plain(await send(command, other)), plain(first), `${Object.keys(write)[0]} ${again}`)
      if (other !== raw) other.end()
    }
    const all = await rows.find({}, { sort: { _id: 1 } }).toArray()
    assert.equal(all, [
      { _id: 1, n: 5 },
      { _id: 2, n: 7 },
      { _id: 'new', n: 1 },
    ])
  }
})

test('of a write that was made in part, the rest is made', async () => {
  await rows.deleteMany({})
  const session = newSession()
  const documents = Array.from({ length: 2500 }, (_, i) => ({ _id: i, n: i }))
  const half = { insert: 'rows', documents: documents.slice(0, 1200), ...session, ...number(1) }
  assert.is((await send(half)).n, 1200)
  const whole = await send({ ...half, documents })
  assert.is(whole.n, 2500)
  assert.is(whole.writeErrors, undefined)
  const again = await send({ ...half, documents })
  assert.equal([again.n, again.writeErrors], [2500, undefined], 'both parts are remembered')
  assert.is(await rows.countDocuments({}), 2500)
})

test('what changes many documents bears no number: made again it could change others', async () => {
  await rows.deleteMany({})
  await rows.insertOne({ _id: 'm', n: 0 })
  const session = newSession()
  const change = { q: { n: 0 }, u: { $set: { n: 1 } }, multi: true, upsert: true }
  const removal = { q: { n: 1 }, limit: 0 }
  for (const [i, command] of [
    { update: 'rows', updates: [change] },
    { delete: 'rows', deletes: [removal] },
  ].entries()) {
    const answer = await send({ ...command, ...session, ...number(i + 1) })
    assert.equal([answer.n, answer.writeErrors?.[0]?.code], [0, 72])
  }
  const answer = await raw.command({
    bulkWrite: 1,
    ops: [{ update: 0, filter: change.q, updateMods: change.u, multi: true, upsert: true }],
    nsInfo: [{ ns: 'retries.rows' }],
    ...session,
    ...number(3),
    $db: 'admin',
  })
  assert.equal([answer.nErrors, answer.cursor.firstBatch[0]?.code], [1, 72])
  assert.equal(await rows.find({}).toArray(), [{ _id: 'm', n: 0 }])
})

test('a number of the past is refused', async () => {
  const session = newSession()
  await send({ insert: 'rows', documents: [{ _id: 'a' }], ...session, ...number(5) })
  assert.is((await send({ insert: 'rows', documents: [{ _id: 'b' }], ...session, ...number(4) })).code, 225)
})

test('two that are sent at the same time under one number are one', async () => {
  await rows.insertOne({ _id: 'once', n: 0 })
  const session = newSession()
  const command = { update: 'rows', updates: [{ q: { _id: 'once' }, u: { $inc: { n: 1 } } }], ...session, ...number(1) }
  const others = await Promise.all(Array.from({ length: 5 }, () => rawClient(server.url)))
  const answers = await Promise.all(others.map((other) => send(command, other)))
  assert.ok(answers.every((answer) => answer.ok === 1 && answer.nModified === 1))
  assert.is((await rows.findOne({ _id: 'once' }))?.n, 1)
  for (const other of others) other.end()
})

test('a commit is remembered, also after a restart; an abort too', async () => {
  const session = newSession()
  const statement = { ...session, ...number(1), autocommit: false }
  const commit = () => raw.command({ commitTransaction: 1, ...statement, $db: 'admin' })
  assert.is(
    (await send({ insert: 'rows', documents: [{ _id: 'committed' }], ...statement, startTransaction: true })).ok,
    1,
  )
  assert.is((await commit()).ok, 1)
  assert.is((await commit()).ok, 1)
  if (server.restart) {
    await restarted()
    assert.is((await commit()).ok, 1)
  }
  const second = { ...session, ...number(2), autocommit: false }
  await send({ insert: 'rows', documents: [{ _id: 'open' }], ...second, startTransaction: true })
  if (server.restart) await restarted()
  const lost = await raw.command({
    commitTransaction: 1,
    ...(server.restart ? second : { ...session, ...number(3), autocommit: false }),
    $db: 'admin',
  })
  assert.is(lost.code, 251)
  assert.is(await rows.countDocuments({ _id: 'committed' }), 1)
  if (server.restart) assert.is(await rows.countDocuments({ _id: 'open' }), 0)
})

test('many clients move money between accounts: nothing is lost, and no reader sees half of a move', async () => {
  const accounts = client.db('retries').collection<{ _id: number; balance: number }>('accounts')
  const count = 6
  await accounts.insertMany(Array.from({ length: count }, (_, i) => ({ _id: i, balance: 100 })))
  const tally = client.db('retries').collection<{ _id: string; moves: number }>('tally')
  await tally.insertOne({ _id: 'all', moves: 0 })
  let running = true
  const moves = times(25, 300)
  const movers = Array.from({ length: 5 }, async (_, mover) => {
    const session = client.startSession()
    for (let i = 0; i < moves; i += 1) {
      const from = (mover + i) % count
      const to = (mover * 3 + i * 5 + 1) % count
      await session.withTransaction(
        async () => {
          await accounts.updateOne({ _id: from }, { $inc: { balance: -1 } }, { session })
          await accounts.updateOne({ _id: to }, { $inc: { balance: 1 } }, { session })
        },
        { readConcern: { level: 'snapshot' }, writeConcern: { w: 'majority' } },
      )
      await tally.updateOne({ _id: 'all' }, { $inc: { moves: 1 } })
    }
    await session.endSession()
  })
  const reader = (async () => {
    const session = client.startSession()
    while (running) {
      session.startTransaction({ readConcern: { level: 'snapshot' } })
      const seen: number[] = []
      for (let i = 0; i < count; i += 1) seen.push((await accounts.findOne({ _id: i }, { session }))!.balance)
      await session.commitTransaction()
      assert.is(
        seen.reduce((a, b) => a + b, 0),
        count * 100,
      )
    }
    await session.endSession()
  })()
  await Promise.all(movers)
  running = false
  await reader
  const all = await accounts.find({}).toArray()
  assert.is(
    all.reduce((sum, a) => sum + a.balance, 0),
    count * 100,
  )
  assert.is((await tally.findOne({ _id: 'all' }))?.moves, 5 * moves)
})

test.run()
