// bulkWrite: writes to several collections in one command, as the driver's client sends them.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  BSON,
  type ClientBulkWriteModel,
  type Document,
  type Filter,
  MongoClient,
  type MongoClientBulkWriteError,
} from 'mongodb'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { startDocumentStore } from '../../../src/engines/documents/index.ts'
import { until } from '../../until.ts'
import { documentStoreUnderTest } from '../servers.ts'
import { ask, message, rawClient } from './raw.ts'

interface Row {
  readonly _id: number | string
  readonly n?: number
  readonly k?: number
  readonly list?: readonly number[]
}
type Schemas = Record<string, Row>
type Models = readonly ClientBulkWriteModel<Schemas>[]

const server = await documentStoreUnderTest()
const client = await new MongoClient(server.url).connect()
const db = client.db('bulk')
const admin = client.db('admin')

test.before.each(async () => {
  await db.dropDatabase()
})

test.after(async () => {
  await client.close()
  await server.end()
})

const rowsOf = (name: string, from = db): Promise<Row[]> =>
  from
    .collection<Row>(name)
    .find({}, { sort: { _id: 1 } })
    .toArray()

const failure = async (work: Promise<unknown>): Promise<MongoClientBulkWriteError> => {
  try {
    await work
  } catch (error) {
    return error as MongoClientBulkWriteError
  }
  throw new Error('it did not fail')
}

const codeOf = (error: MongoClientBulkWriteError): number | undefined =>
  error.writeErrors?.values().next().value?.code ?? (error.cause as Document | undefined)?.code

const insertion = (name: string, document: Row) => ({ name: 'insertOne', namespace: `bulk.${name}`, document }) as const
const increment = (name: string, filter: Filter<Row>, upsert = false) =>
  ({ name: 'updateOne', namespace: `bulk.${name}`, filter, update: { $inc: { n: 1 } }, upsert }) as const

test('operations of all kinds on several collections are made in their order, and each is told of', async () => {
  const made = await client.bulkWrite<Schemas>(
    [
      insertion('a', { _id: 1, n: 1 }),
      { name: 'replaceOne', namespace: 'bulk.b', filter: { _id: 'x' }, replacement: { n: 1 }, upsert: true },
      { name: 'replaceOne', namespace: 'bulk.b', filter: { _id: 'x' }, replacement: { n: 2 }, upsert: true },
      { name: 'replaceOne', namespace: 'bulk.b', filter: { _id: 'x' }, replacement: { n: 2 }, upsert: true },
      { name: 'replaceOne', namespace: 'bulk.b', filter: { _id: 'none' }, replacement: { n: 2 } },
      increment('a', { _id: 1, n: 1 }),
      increment('a', { _id: 1, n: 1 }),
      increment('c', { _id: 'made' }, true),
      insertion('c', { _id: 2, n: 1 }),
      { name: 'updateMany', namespace: 'bulk.c', filter: {}, update: [{ $set: { n: { $add: ['$n', 10] } } }] },
      { name: 'deleteOne', namespace: 'bulk.c', filter: { n: 11 } },
      { name: 'deleteMany', namespace: 'other.d', filter: {} },
      insertion('a', { _id: 3 }),
      { name: 'deleteMany', namespace: 'bulk.a', filter: { _id: { $gte: 1 } } },
    ],
    { verboseResults: true },
  )
  const { insertedCount, upsertedCount, matchedCount, modifiedCount, deletedCount } = made
  assert.equal([insertedCount, upsertedCount, matchedCount, modifiedCount, deletedCount], [3, 2, 5, 4, 3])
  assert.equal(
    [...made.insertResults!].map(([index, { insertedId }]) => [index, insertedId]),
    [
      [0, 1],
      [8, 2],
      [12, 3],
    ],
  )
  assert.equal(
    [...made.updateResults!].map(([index, r]) => [index, r.matchedCount, r.modifiedCount, r.didUpsert, r.upsertedId]),
    [
      [1, 1, 0, true, 'x'],
      [2, 1, 1, false, undefined],
      [3, 1, 0, false, undefined],
      [4, 0, 0, false, undefined],
      [5, 1, 1, false, undefined],
      [6, 0, 0, false, undefined],
      [7, 1, 0, true, 'made'],
      [9, 2, 2, false, undefined],
    ],
  )
  assert.equal(
    [...made.deleteResults!].map(([index, r]) => [index, r.deletedCount]),
    [
      [10, 1],
      [11, 0],
      [13, 2],
    ],
  )
  assert.equal(await rowsOf('a'), [])
  assert.equal(await rowsOf('b'), [{ _id: 'x', n: 2 }])
  assert.is((await rowsOf('c')).length, 1)
})

test('an upsert makes what its filter says, under an id of its own where that says none', async () => {
  const made = await client.bulkWrite<Schemas>(
    [
      { name: 'updateOne', namespace: 'bulk.u', filter: { k: 1 }, update: { $set: { n: 1 } }, upsert: true },
      { name: 'replaceOne', namespace: 'bulk.u', filter: { k: 2 }, replacement: { n: 2 }, upsert: true },
      { name: 'updateMany', namespace: 'bulk.u', filter: { k: 3 }, update: { $set: { n: 3 } }, upsert: true },
    ],
    { verboseResults: true },
  )
  const ids = [...made.updateResults!.values()].map(({ upsertedId }) => upsertedId)
  const found = await db
    .collection('u')
    .find({}, { sort: { n: 1 } })
    .toArray()
  assert.equal(
    found.map(({ _id, ...rest }) => rest),
    [{ k: 1, n: 1 }, { n: 2 }, { k: 3, n: 3 }],
  )
  assert.equal(
    ids.map(String),
    found.map(({ _id }) => String(_id)),
  )
})

test('hints, filters of arrays and variables are those of the other commands', async () => {
  await db.collection<Row>('o').insertOne({ _id: 1, n: 5, list: [1, 8] })
  await db.collection('o').createIndex({ n: 1 }, { name: 'by_n' })
  const models: Models = [
    {
      name: 'updateOne',
      namespace: 'bulk.o',
      filter: { n: 5 },
      update: { $inc: { 'list.$[large]': 100 } },
      arrayFilters: [{ large: { $gt: 4 } }],
      hint: 'by_n',
    },
    {
      name: 'updateMany',
      namespace: 'bulk.o',
      filter: { $expr: { $eq: ['$n', '$$asked'] } },
      update: [{ $set: { n: { $add: ['$n', '$$more'] } } }],
    },
  ]
  assert.is((await client.bulkWrite<Schemas>(models, { let: { asked: 5, more: 2 } })).modifiedCount, 2)
  assert.equal(await rowsOf('o'), [{ _id: 1, n: 7, list: [1, 108] }])
  const error = await failure(
    client.bulkWrite<Schemas>([{ name: 'deleteOne', namespace: 'bulk.o', filter: { n: 7 }, hint: 'no_such_index' }]),
  )
  assert.is(codeOf(error), 2)
  assert.is((await rowsOf('o')).length, 1)
})

const withTwoErrors: Models = [
  insertion('e', { _id: 1 }),
  insertion('f', { _id: 1 }),
  insertion('e', { _id: 1 }),
  increment('f', { _id: 1 }),
  { name: 'updateOne', namespace: 'bulk.f', filter: { _id: 1 }, update: { $set: { _id: 2 } } },
  insertion('e', { _id: 2 }),
]

test('in order, the first error is the end', async () => {
  const error = await failure(client.bulkWrite<Schemas>(withTwoErrors))
  assert.equal(
    [...error.writeErrors].map(([index, { code }]) => [index, code]),
    [[2, 11000]],
  )
  const { insertedCount, modifiedCount } = error.partialResult!
  assert.equal([insertedCount, modifiedCount], [2, 0])
  assert.equal([await rowsOf('e'), await rowsOf('f')], [[{ _id: 1 }], [{ _id: 1 }]])
})

test('out of order, errors are told and the others are made', async () => {
  const error = await failure(client.bulkWrite<Schemas>(withTwoErrors, { ordered: false }))
  assert.equal(
    [...error.writeErrors].map(([index, { code }]) => [index, code]),
    [
      [2, 11000],
      [4, 66],
    ],
  )
  const { insertedCount, modifiedCount } = error.partialResult!
  assert.equal([insertedCount, modifiedCount], [3, 1])
  assert.equal([await rowsOf('e'), await rowsOf('f')], [[{ _id: 1 }, { _id: 2 }], [{ _id: 1, n: 1 }]])
})

const ops = (documents: readonly Row[]) => documents.map((document) => ({ insert: 0, document }))
const nsInfo = [{ ns: 'bulk.r' }]

test('the answer tells of every operation, or only of those that failed', async () => {
  const command = { bulkWrite: 1, ops: ops([{ _id: 1 }, { _id: 1 }, { _id: 2 }]), nsInfo, ordered: false }
  const all = await admin.command(command)
  assert.is(all.cursor.ns, 'admin.$cmd.bulkWrite')
  const duplicate = { ok: 0, idx: 1, code: 11000, keyPattern: { _id: 1 }, keyValue: { _id: 1 }, n: 0 }
  const withoutText = (items: readonly Document[]) => items.map(({ errmsg, ...rest }) => rest)
  assert.equal(withoutText(all.cursor.firstBatch), [{ ok: 1, idx: 0, n: 1 }, duplicate, { ok: 1, idx: 2, n: 1 }])
  assert.match(all.cursor.firstBatch[1].errmsg, 'bulk.r')
  const counts = ({ nErrors, nInserted, nMatched, nModified, nUpserted, nDeleted }: Document) => [
    nErrors,
    nInserted,
    nMatched,
    nModified,
    nUpserted,
    nDeleted,
  ]
  assert.equal(counts(all), [1, 2, 0, 0, 0, 0])
  const few = await admin.command({
    ...command,
    ops: [...ops([{ _id: 3 }, { _id: 1 }]), { update: 0, filter: { _id: 3 }, updateMods: { $bad: 1 } }],
    errorsOnly: true,
  })
  assert.equal(
    few.cursor.firstBatch.map(({ idx, n, nModified }: Document) => [idx, n, nModified]),
    [
      [1, 0, undefined],
      [2, 0, 0],
    ],
  )
  assert.equal(counts(few), [2, 1, 0, 0, 0, 0])
  const none = await admin.command({ ...command, ops: ops([{ _id: 4 }]), errorsOnly: true, cursor: { batchSize: 0 } })
  assert.equal([none.cursor.firstBatch, Number(none.cursor.id)], [[], 0])
})

test('an answer that is longer than asked for at a time goes on by a cursor', async () => {
  const command = (from: number, count: number) => ({
    bulkWrite: 1,
    ops: ops(Array.from({ length: count }, (_, i) => ({ _id: from + i }))),
    nsInfo,
    cursor: { batchSize: 100 },
  })
  const cursor = admin.runCursorCommand(command(0, 350))
  cursor.setBatchSize(100)
  assert.equal(
    (await cursor.toArray()).map(({ idx }) => idx),
    Array.from({ length: 350 }, (_, i) => i),
  )
  assert.is(Number((await admin.command(command(1000, 100))).cursor.id), 0, 'none is left of one that is whole')

  const session = client.startSession()
  const { id } = (await admin.command(command(2000, 101), { session })).cursor
  assert.not.equal(Number(id), 0)
  const kill = await admin.command({ killCursors: '$cmd.bulkWrite', cursors: [BSON.Long.fromValue(id)] }, { session })
  assert.equal(kill.cursorsKilled.map(String), [String(id)])
  await session.endSession()
})

test('in a transaction nobody sees it until the commit, and after an abort nobody ever', async () => {
  await db.collection<Row>('t').insertOne({ _id: 'state', n: 1 })
  const models: Models = [increment('t', { _id: 'state', n: 1 }), insertion('new', { _id: 1 })]
  const session = client.startSession()
  session.startTransaction()
  const { matchedCount, insertedCount } = await client.bulkWrite<Schemas>(models, { session })
  assert.equal([matchedCount, insertedCount], [1, 1])
  assert.equal([await rowsOf('t'), await rowsOf('new')], [[{ _id: 'state', n: 1 }], []])
  const again = await client.bulkWrite<Schemas>(models.slice(0, 1), { session })
  assert.is(again.matchedCount, 0, 'it sees what it has written')
  await session.abortTransaction()
  assert.equal([await rowsOf('t'), await rowsOf('new')], [[{ _id: 'state', n: 1 }], []])

  session.startTransaction()
  await client.bulkWrite<Schemas>(models, { session })
  await session.commitTransaction()
  assert.equal([await rowsOf('t'), await rowsOf('new')], [[{ _id: 'state', n: 2 }], [{ _id: 1 }]])
  await session.endSession()
})

test('an error in a transaction is told by its operation and ends the transaction', async () => {
  const session = client.startSession()
  for (const ordered of [true, false]) {
    session.startTransaction()
    const twice = [1, 2, 1, 3].map((_id) => insertion('d', { _id }))
    const error = await failure(client.bulkWrite<Schemas>(twice, { session, ordered }))
    assert.equal(
      [...error.writeErrors].map(([index, { code }]) => [index, code]),
      [[2, 11000]],
    )
    assert.is((await session.commitTransaction().catch((e) => e)).code, 251)
    assert.equal(await rowsOf('d'), [])
  }
  await session.endSession()
})

test('of two transactions that write the same, the second fails as a whole and may be run again', async () => {
  await db.collection<Row>('w').insertOne({ _id: 1, n: 0 })
  const [first, second] = [client.startSession(), client.startSession()]
  first.startTransaction()
  second.startTransaction()
  await client.bulkWrite<Schemas>([increment('w', { _id: 1 })], { session: first })
  const error = await failure(
    client.bulkWrite<Schemas>([insertion('v', { _id: 1 }), increment('w', { _id: 1 })], { session: second }),
  )
  const cause = error.cause as Document
  assert.equal([cause.code, cause.errorResponse.errorLabels], [112, ['TransientTransactionError']])
  await first.commitTransaction()
  await second.abortTransaction()
  assert.equal([await rowsOf('w'), await rowsOf('v')], [[{ _id: 1, n: 1 }], []])
  await Promise.all([first.endSession(), second.endSession()])
})

test('outside it waits for what a transaction holds; what came before is made meanwhile', async () => {
  await db.collection<Row>('h').insertOne({ _id: 1, n: 0 })
  const session = client.startSession()
  session.startTransaction()
  await db.collection<Row>('h').updateOne({ _id: 1 }, { $inc: { n: 10 } }, { session })
  const waiting = client.bulkWrite<Schemas>([
    insertion('before', { _id: 1 }),
    increment('h', { _id: 1 }),
    insertion('after', { _id: 1 }),
  ])
  await until(async () => (await rowsOf('before')).length === 1)
  assert.equal(await rowsOf('after'), [])
  await session.commitTransaction()
  await session.endSession()
  assert.is((await waiting).modifiedCount, 1)
  assert.equal([await rowsOf('h'), await rowsOf('after')], [[{ _id: 1, n: 11 }], [{ _id: 1 }]])
})

test('what touches many documents has its turn between the others', async () => {
  const rows = Array.from({ length: 2500 }, (_, i): Row => ({ _id: i, n: 0 }))
  const made = await client.bulkWrite<Schemas>([
    ...rows.map((row) => insertion('m', row)),
    { name: 'updateMany', namespace: 'bulk.m', filter: { _id: { $lt: 2000 } }, update: { $inc: { n: 1 } } },
    insertion('m', { _id: 'late', n: 1 }),
    { name: 'deleteMany', namespace: 'bulk.m', filter: { n: 1 } },
    insertion('m', { _id: 'last', n: 1 }),
  ])
  assert.equal([made.insertedCount, made.modifiedCount, made.deletedCount], [2502, 2000, 2001])
  assert.equal(
    (await rowsOf('m')).map(({ _id }) => _id),
    [...rows.slice(2000).map(({ _id }) => _id), 'last'],
  )
})

test('sent a second time under its number it is not made twice, also after a restart', async () => {
  const retried = {
    bulkWrite: 1,
    ops: [
      ...ops([{ _id: 1, n: 0 }]),
      { update: 0, filter: { _id: 1 }, updateMods: { $inc: { n: 1 } } },
      { update: 1, filter: { _id: 'x' }, updateMods: { $inc: { n: 1 } }, upsert: true },
      { insert: 1, document: { _id: 'y' } },
      { delete: 1, filter: { _id: 'y' } },
    ],
    nsInfo: [{ ns: 'bulk.r' }, { ns: 'bulk.s' }],
    lsid: { id: new BSON.UUID() },
    txnNumber: BSON.Long.fromNumber(1),
    $db: 'admin',
  }
  const send = async (command: Document): Promise<Document> => {
    const raw = await rawClient(server.url)
    const { $clusterTime, operationTime, ...answer } = await raw.command(command)
    raw.end()
    return answer
  }
  const part = await send({ ...retried, ops: retried.ops.slice(0, 2) })
  assert.equal([part.nInserted, part.nModified], [1, 1])
  const whole = await send(retried)
  assert.equal(
    whole.cursor.firstBatch,
    [
      { ok: 1, idx: 0, n: 1 },
      { ok: 1, idx: 1, n: 1, nModified: 1 },
      { ok: 1, idx: 2, n: 1, nModified: 0, upserted: { _id: 'x' } },
      { ok: 1, idx: 3, n: 1 },
      { ok: 1, idx: 4, n: 1 },
    ],
    'what was made in part is made to the end',
  )
  await server.restart?.()
  await until(() => admin.command({ ping: 1 }).then(Boolean, () => false))
  const again = await send(retried)
  assert.equal(again.cursor.firstBatch, whole.cursor.firstBatch)
  assert.equal([await rowsOf('r'), await rowsOf('s')], [[{ _id: 1, n: 1 }], [{ _id: 'x', n: 1 }]])
})

test('one whose answer is lost is sent again by the driver, and made once', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-bulk-'))
  const store = await startDocumentStore({ access: 'open', dir, enableTestCommands: true })
  const own = await new MongoClient(store.url).connect()
  try {
    const fault = (name: string, data: Document) =>
      own.db('admin').command({ configureFailPoint: name, mode: { times: 1 }, data })
    await own.db('bulk').collection<Row>('r').insertOne({ _id: 1, n: 0 })
    await fault('onPrimaryTransactionalWrite', {})
    const made = await own.bulkWrite<Schemas>([increment('r', { _id: 1 }), insertion('s', { _id: 1 })])
    assert.equal([made.modifiedCount, made.insertedCount], [1, 1])
    await fault('failCommand', { failCommands: ['bulkWrite'], closeConnection: true })
    await own.bulkWrite<Schemas>([increment('r', { _id: 1 }), increment('s', { _id: 1 })])
    const found = [await rowsOf('r', own.db('bulk')), await rowsOf('s', own.db('bulk'))]
    assert.equal(found, [[{ _id: 1, n: 2 }], [{ _id: 1, n: 1 }]])
  } finally {
    await own.close()
    await store.stop()
    rmSync(dir, { recursive: true, force: true })
  }
})

const insertOf = (more: Document) => ({ insert: 0, document: { _id: 'second' }, ...more })
const updateOf = (more: Document) => ({ update: 0, filter: {}, updateMods: { $set: { n: 1 } }, ...more })
const deleteOf = (more: Document) => ({ delete: 0, filter: {}, ...more })
const without = (doc: Document, name: string) => Object.fromEntries(Object.entries(doc).filter(([key]) => key !== name))

/** Operations that are refused: by which code, and with what in the message. */
const REFUSED: readonly (readonly [Document, number, string])[] = [
  [{ upsert: 0, document: {} }, 40415, 'upsert'],
  [insertOf({ multi: false }), 40415, 'bulkWrite.ops.multi'],
  [insertOf({ document: 1 }), 14, 'bulkWrite.ops.document'],
  [insertOf({ document: [] }), 14, 'bulkWrite.ops.document'],
  [insertOf({ insert: 'x' }), 14, 'bulkWrite.ops.insert'],
  [insertOf({ insert: -1 }), 2, 'insert'],
  [insertOf({ insert: 1 }), 2, 'nsInfo'],
  [without(insertOf({}), 'document'), 40414, 'bulkWrite.ops.document'],
  [updateOf({ q: {} }), 40415, 'bulkWrite.ops.q'],
  [updateOf({ document: {} }), 40415, 'bulkWrite.ops.document'],
  [updateOf({ filter: 1 }), 14, 'bulkWrite.ops.filter'],
  [updateOf({ multi: 'x' }), 14, 'bulkWrite.ops.multi'],
  [updateOf({ upsert: 'x' }), 14, 'bulkWrite.ops.upsert'],
  [updateOf({ arrayFilters: 1 }), 14, 'bulkWrite.ops.arrayFilters'],
  [updateOf({ updateMods: 1 }), 9, 'Update argument'],
  [updateOf({ hint: 1 }), 9, 'int'],
  [updateOf({ update: 7 }), 2, 'nsInfo'],
  [without(updateOf({}), 'filter'), 40414, 'bulkWrite.ops.filter'],
  [without(updateOf({}), 'updateMods'), 40414, 'bulkWrite.ops.updateMods'],
  [deleteOf({ limit: 1 }), 40415, 'bulkWrite.ops.limit'],
  [deleteOf({ upsert: true }), 40415, 'bulkWrite.ops.upsert'],
  [deleteOf({ collation: 'x' }), 14, 'bulkWrite.ops.collation'],
  [without(deleteOf({}), 'filter'), 40414, 'bulkWrite.ops.filter'],
]

const LEFT_OUT: readonly (readonly [Document, number, string])[] = [
  [updateOf({ constants: { a: 1 } }), 238, 'bulkWrite.ops.constants'],
  [updateOf({ collation: { locale: 'fr' } }), 238, 'collation'],
  [updateOf({ sort: { n: 1 } }), 40415, 'bulkWrite.ops.sort'],
]

test('an operation that is wrong is refused by its name before any is made', async () => {
  for (const [operation, code, named] of server.kind === 'embedded' ? [...REFUSED, ...LEFT_OUT] : REFUSED) {
    const command = { bulkWrite: 1, ops: [insertOf({}), operation], nsInfo, ordered: false }
    const error = await admin.command(command).catch((e) => e)
    assert.is(error.code, code, `${BSON.EJSON.stringify(operation)}: ${error.message}`)
    assert.match(error.message, named)
  }
  const raw = await rawClient(server.url)
  for (const [operation, name, twice] of [
    [deleteOf({ filtex: 1 }), 'filtex', 'filter'],
    [deleteOf({ multi: true, multj: false }), 'multj', 'multi'],
    [updateOf({ upsert: true, upserx: false }), 'upserx', 'upsert'],
  ] as const) {
    const bytes = message({ bulkWrite: 1, ops: [insertOf({}), operation], nsInfo, $db: 'admin' })
    bytes.write(twice, bytes.indexOf(name))
    assert.is((await ask(raw, bytes)).code, 40413, `${twice} is there twice`)
  }
  raw.end()
  assert.equal(await rowsOf('r'), [])
})

test('numbers of any type name a collection, and null is what is not given', async () => {
  const command = {
    bulkWrite: 1,
    ops: [
      { insert: BSON.Long.fromNumber(1), document: { _id: 1 } },
      { insert: new BSON.Double(0), document: { _id: 2 } },
      { update: 1, filter: {}, updateMods: { _id: 1, n: 1 }, hint: '_id_' },
      { delete: new BSON.Double(0), filter: {} },
    ],
    nsInfo: [{ ns: 'bulk.r' }, { ns: 'bulk.s' }],
  }
  const { nInserted, nModified, nDeleted } = await admin.command(command)
  assert.equal([nInserted, nModified, nDeleted], [2, 1, 1])
  assert.equal([await rowsOf('r'), await rowsOf('s')], [[], [{ _id: 1, n: 1 }]])
})

test('a command that is wrong as a whole is refused', async () => {
  const valid = { bulkWrite: 1, ops: ops([{ _id: 1 }]), nsInfo }
  const refused: readonly (readonly [Document, number, string])[] = [
    [{ ...valid, documents: [] }, 40415, 'bulkWrite.documents'],
    [{ ...valid, nsInfo: [{ ns: 'bulk.r', name: 1 }] }, 40415, 'bulkWrite.nsInfo.name'],
    [{ ...valid, nsInfo: [{ ns: 1 }] }, 14, 'bulkWrite.nsInfo.ns'],
    [{ ...valid, nsInfo: [{}] }, 40414, 'bulkWrite.nsInfo.ns'],
    [{ ...valid, nsInfo: [{ ns: 'nodot' }] }, 73, 'nodot'],
    [{ ...valid, nsInfo: [] }, 2, 'nsInfo'],
    [{ ...valid, cursor: { size: 1 } }, 40415, 'bulkWrite.cursor.size'],
    [{ ...valid, ops: [] }, 16, 'Got 0 operations'],
    [without(valid, 'ops'), 40414, 'ops'],
    [without(valid, 'nsInfo'), 40414, 'nsInfo'],
  ]
  for (const [command, code, named] of refused) {
    const error = await admin.command(command).catch((e) => e)
    assert.is(error.code, code, `${BSON.EJSON.stringify(command)}: ${error.message}`)
    assert.match(error.message, named)
  }
  assert.is((await db.command(valid).catch((e) => e)).code, 13, 'it is a command of the database admin')
  assert.equal(await rowsOf('r'), [])
  assert.is((await admin.command({ ...valid, apiVersion: '1', apiStrict: true })).nInserted, 1)
})

test('there are 100,000 operations in a command and no more', async () => {
  const removals = (length: number) => Array.from({ length }, (_, _id) => ({ delete: 0, filter: { _id } }))
  const most = await admin.command({ bulkWrite: 1, ops: removals(100_000), nsInfo, errorsOnly: true })
  assert.equal([most.nDeleted, most.nErrors], [0, 0])
  const error = await admin.command({ bulkWrite: 1, ops: removals(100_001), nsInfo }).catch((e) => e)
  assert.is(error.code, 16)
  assert.match(error.message, '100001')
})

if (server.kind === 'embedded')
  test('a command names no more namespaces than it may have operations', async () => {
    const command = (length: number) => ({
      bulkWrite: 1,
      ops: ops([{ _id: length }]),
      nsInfo: Array.from({ length }, () => nsInfo[0]),
    })
    assert.is((await admin.command(command(1_000))).nInserted, 1)
    const error = await admin.command(command(100_001)).catch((e) => e)
    assert.is(error.code, 16)
    assert.match(error.message, '100001')
  })

test('the numbers of its statements are as many as they', async () => {
  const numbered = (stmtIds: readonly number[]) => ({
    bulkWrite: 1,
    ops: ops([{ _id: 1 }, { _id: 2 }]),
    nsInfo,
    stmtIds,
  })
  const lsid = { id: new BSON.UUID() }
  const raw = await rawClient(server.url)
  const send = (txnNumber: number, stmtIds: readonly number[]) =>
    raw.command({ ...numbered(stmtIds), lsid, txnNumber: BSON.Long.fromNumber(txnNumber), $db: 'admin' })
  assert.is((await send(1, [4])).code, 16)
  assert.is((await send(2, [7, 3])).nInserted, 2)
  assert.is((await send(2, [3, 7])).nErrors, 0, 'both are known by their numbers')
  raw.end()
})

test.run()
