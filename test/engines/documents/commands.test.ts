// What drivers, shells and tools ask at the start and about the server; unknown commands; faults injected by fail points.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BSON, type Document, MongoClient } from 'mongodb'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { startDocumentStore } from '../../../src/engines/documents/index.ts'
import { documentStoreUnderTest } from '../servers.ts'
import { ask, message, query, rawClient } from './raw.ts'

const server = await documentStoreUnderTest()
const client = new MongoClient(server.url)
await client.connect()
const admin = client.db('admin')

test.after(async () => {
  await client.close()
  await server.end()
})

const codeOf = async (work: Promise<unknown>): Promise<readonly [unknown, unknown]> => {
  try {
    await work
    return [undefined, undefined]
  } catch (error) {
    const { code, codeName } = error as Document
    return [code, codeName]
  }
}

test('the greeting tells a replica set of one, whose primary it is', async () => {
  const hello = await admin.command({ hello: 1 })
  assert.is(hello.isWritablePrimary, true)
  assert.ok(hello.setName)
  assert.ok(hello.hosts.includes(hello.me))
  assert.is(hello.primary, hello.me)
  assert.ok(hello.maxWireVersion >= 9)
  const old = await admin.command({ isMaster: 1 })
  assert.is(old.ismaster, true)
  await client.db('commands').collection('newest').insertOne({})
  const later = await admin.command({ hello: 1 })
  assert.ok(later.lastWrite.lastWriteDate >= hello.lastWrite.lastWriteDate)
  assert.is(later.lastWrite.opTime.ts.getHighBits(), Math.floor(later.lastWrite.lastWriteDate.getTime() / 1000))
})

test('a client that is strict about the version of the API may use its commands only', async () => {
  const db = client.db('commands')
  assert.is((await db.command({ ping: 1, apiVersion: '1', apiStrict: true })).ok, 1)
  assert.is((await db.command({ buildInfo: 1, apiVersion: '1' })).ok, 1)
  assert.equal(await codeOf(db.command({ buildInfo: 1, apiVersion: '1', apiStrict: true })), [323, 'APIStrictError'])
  assert.equal(await codeOf(db.command({ ping: 1, apiVersion: '2' })), [322, 'APIVersionError'])
})

test('a write concern that no replica set can fulfil is refused before the write', async () => {
  const rows = client.db('commands').collection('unheard')
  assert.equal(await codeOf(rows.insertOne({}, { writeConcern: { w: 51 } })), [9, 'FailedToParse'])
  assert.is(await rows.countDocuments({}), 0)
})

test('a statement that cannot be parsed fails alone', async () => {
  const rows = client.db('commands').collection('parsed')
  await rows.insertMany([{ a: 1 }, { a: 2 }, { a: 3 }])
  const statement = (a: unknown) => ({ q: { a }, limit: 1 })
  const remove = (ordered: boolean) =>
    client.db('commands').command({
      delete: 'parsed',
      deletes: [statement(1), statement({ $bad: 1 }), statement(2)],
      ordered,
    })
  const unordered = await remove(false)
  assert.equal([unordered.n, unordered.writeErrors.length, unordered.writeErrors[0].index], [2, 1, 1])
  await rows.insertMany([{ a: 1 }, { a: 2 }])
  const ordered = await remove(true)
  assert.equal([ordered.n, ordered.writeErrors.length, ordered.writeErrors[0].index], [1, 1, 1])
})

test('the variables of a command are seen by its filter, its projection and its update', async () => {
  const rows = client.db('commands').collection<{ _id: number; x?: number; y?: number }>('variables')
  const ids = (docs: readonly { _id: number }[]) => docs.map(({ _id }) => _id)
  await rows.insertMany([1, 2, 3].map((_id) => ({ _id })))
  const isWanted = { $expr: { $eq: ['$_id', '$$wanted'] } }
  assert.equal(ids(await rows.find(isWanted, { let: { wanted: 2 } }).toArray()), [2])
  const [shown] = await rows.find({ _id: 1 }, { let: { n: { $add: [1, 2] } }, projection: { x: '$$n' } }).toArray()
  assert.equal(shown, { _id: 1, x: 3 })
  await rows.updateOne(isWanted, [{ $set: { x: '$$wanted' } }], { let: { wanted: 3 } })
  assert.equal(await rows.findOne({ _id: 3 }), { _id: 3, x: 3 })
  const after = await rows.findOneAndUpdate(
    isWanted,
    { $set: { y: 1 } },
    { let: { wanted: 1 }, returnDocument: 'after' },
  )
  assert.equal(after, { _id: 1, y: 1 })
  assert.is((await rows.deleteMany(isWanted, { let: { wanted: 2 } })).deletedCount, 1)
  assert.equal(await codeOf(rows.find(isWanted).toArray()), [17276, 'Location17276'])
})

test('an index that was asked for in the background is listed so', async () => {
  const rows = client.db('commands').collection('background')
  await rows.createIndex({ a: 1 }, { background: true })
  assert.is((await rows.indexes()).find(({ name }) => name === 'a_1')?.background, true)
})

test('the old first handshake is answered in its own form', async () => {
  const raw = await rawClient(server.url)
  const answer = await ask(
    raw,
    query('admin.$cmd', { isMaster: 1, helloOk: true, client: { driver: { name: 'x', version: '1' } } }),
  )
  assert.is(answer.ismaster, true)
  assert.is(answer.ok, 1)
  raw.end()
})

test('a message without wish for an answer gets none, and is done', async () => {
  const raw = await rawClient(server.url)
  raw.send(message({ insert: 'silent', documents: [{ _id: 1 }], writeConcern: { w: 0 }, $db: 'commands' }, 2))
  const pong = await ask(raw, message({ ping: 1, $db: 'admin' }))
  assert.is(pong.ok, 1)
  assert.is(await client.db('commands').collection('silent').countDocuments({}), 1)
  raw.end()
})

test('a driver finds it as a replica set too', async () => {
  const { hostname, port } = new URL(server.url)
  if (server.kind !== 'embedded') return
  const asSet = new MongoClient(`mongodb://${hostname}:${port}/?replicaSet=rs0`, { serverSelectionTimeoutMS: 3000 })
  assert.is((await asSet.db('admin').command({ ping: 1 })).ok, 1)
  await asSet.close()
})

test('what shells and tools ask at the start is answered', async () => {
  const build = await admin.command({ buildInfo: 1 })
  assert.is(build.versionArray.length, 4)
  assert.match(build.version, /^\d+\.\d+\.\d+/)
  const all = await admin.command({ getParameter: '*' })
  assert.ok('featureCompatibilityVersion' in all)
  const one = await admin.command({ getParameter: 1, featureCompatibilityVersion: 1 })
  assert.match(one.featureCompatibilityVersion.version, /^\d+\.\d+$/)
  assert.ok(Array.isArray((await admin.command({ getCmdLineOpts: 1 })).argv))
  assert.ok(Array.isArray((await admin.command({ getLog: '*' })).names))
  assert.ok(Array.isArray((await admin.command({ getLog: 'startupWarnings' })).log))
  const status = await admin.command({ serverStatus: 1 })
  assert.ok(status.connections.current > 0 && status.uptime >= 0)
  const { username } = new URL(server.url)
  const { authInfo } = await admin.command({ connectionStatus: 1 })
  assert.equal(authInfo.authenticatedUsers, username === '' ? [] : [{ user: username, db: 'admin' }])
  assert.match((await admin.command({ whatsmyuri: 1 })).you, /^[\d.]+:\d+$/)
  const commands = (await admin.command({ listCommands: 1 })).commands
  assert.ok('find' in commands && 'insert' in commands)
  assert.ok((await admin.command({ hostInfo: 1 })).system.numCores > 0)
  assert.is((await admin.command({ replSetGetStatus: 1 })).myState, 1)
  assert.is((await admin.command({ startSession: 1 })).timeoutMinutes, 30)
  assert.is((await admin.command({ endSessions: [] })).ok, 1)
  assert.is((await admin.command({ killAllSessions: [] })).ok, 1)
})

test('databases, collections, their sizes', async () => {
  const db = client.db('listed')
  await db.collection<{ _id: number }>('one').insertMany([{ _id: 1 }, { _id: 2 }])
  await db.createCollection('two')
  const { databases } = await admin.admin().listDatabases()
  assert.ok(databases.some((d) => d.name === 'listed'))
  const listed = await db.listCollections({ name: 'one' }).toArray()
  assert.equal(
    listed.map((c) => [c.name, c.type]),
    [['one', 'collection']],
  )
  const stats = await db.command({ collStats: 'one' })
  assert.is(stats.count, 2)
  assert.is(stats.nindexes, 1)
  assert.is((await db.command({ dbStats: 1 })).objects, 2)
  assert.is((await db.command({ validate: 'one' })).valid, true)
  assert.is(await db.collection('one').estimatedDocumentCount(), 2)
  await db.dropDatabase()
  assert.equal(await db.listCollections().toArray(), [])
})

test('nothing is dropped, locked or ended by a command that means something else', async () => {
  const db = client.db('kept')
  await db.collection('c').insertOne({})
  assert.equal(await codeOf(db.command({ dropDatabase: 0 })), [5255100, 'Location5255100'])
  assert.equal(await codeOf(db.command({ dropDatabase: 'kept' })), [14, 'TypeMismatch'])
  assert.is(await db.collection('c').countDocuments({}), 1)
  if (server.kind === 'embedded')
    assert.equal(await codeOf(admin.command({ fsync: 1, lock: true })), [238, 'NotImplemented'])
  assert.is((await admin.command({ fsync: 1 })).ok, 1)

  const sessions = [client.startSession(), client.startSession()]
  for (const session of sessions) {
    session.startTransaction()
    await db.collection('c').insertOne({}, { session })
  }
  const lsids = sessions.map(({ id }) => id)
  const known = await admin.aggregate([{ $listLocalSessions: {} }]).toArray()
  const hex = (id: { readonly buffer: Uint8Array } | undefined) => Buffer.from(id?.buffer ?? []).toString('hex')
  for (const lsid of lsids)
    assert.ok(
      known.some(({ _id }) => hex(_id.id) === hex(lsid?.id) && hex(_id.uid).length === 64),
      JSON.stringify(known),
    )
  await admin.command({ killAllSessionsByPattern: [{ lsid: lsids[0] }] })
  assert.equal(await codeOf(sessions[0]!.commitTransaction()), [251, 'NoSuchTransaction'])
  await sessions[1]!.commitTransaction()
  for (const session of sessions) await session.endSession()
  assert.is(await db.collection('c').countDocuments({}), 2)
  await db.dropDatabase()
})

test('an unknown command is refused by name, a bad name too', async () => {
  assert.equal(await codeOf(admin.command({ noSuchThing: 1 })), [59, 'CommandNotFound'])
  const error = await admin.command({ noSuchThing: 1 }).catch((e: Error) => e.message)
  assert.match(String(error), /noSuchThing/)
  assert.equal(await codeOf(client.db('x').command({ insert: 'a$b', documents: [{}] })), [73, 'InvalidNamespace'])
  assert.equal(await codeOf(client.db('x').command({ insert: '', documents: [{}] })), [73, 'InvalidNamespace'])
})

test('what is left out is refused as such, never answered wrongly', async () => {
  if (server.kind !== 'embedded') return
  const rows = client.db('commands').collection('refused')
  await rows.insertOne({ a: 1 })
  const left: readonly (() => Promise<unknown>)[] = [
    () => rows.find({ $where: 'true' }).toArray(),
    () => rows.find({}, { collation: { locale: 'de' } }).toArray(),
    () => rows.aggregate([{ $graphLookup: {} }]).toArray(),
    () => rows.aggregate([{ $project: { x: { $dateTrunc: { date: '$at', unit: 'day' } } } }]).toArray(),
    () => rows.createIndex({ a: 'text' }),
    () => rows.createIndex({ a: '2dsphere' }),
    () => client.db('commands').createCollection('capped', { capped: true, size: 1000 }),
    () => rows.find({ a: { $regex: '(?i:x)' } }).toArray(),
    () => rows.find({ a: { $regex: '[[:alpha:]]' } }).toArray(),
  ]
  for (const work of left) assert.equal(await codeOf(work()), [238, 'NotImplemented'])
})

test('every answer bears the cluster time, which goes forward', async () => {
  const raw = await rawClient(server.url)
  const first = await raw.command({ ping: 1, $db: 'admin' })
  const second = await raw.command({ insert: 'time', documents: [{}], $db: 'commands' })
  const time = (d: Document): bigint => (d.operationTime as BSON.Timestamp).toBigInt()
  assert.ok(time(second) >= time(first))
  assert.ok(second.$clusterTime.clusterTime)
  raw.end()
})

test('cursors: batches, an unknown one, one of another session, killed ones', async () => {
  const rows = client.db('commands').collection<{ _id: number }>('cursor')
  await rows.insertMany(Array.from({ length: 500 }, (_, i) => ({ _id: i })))
  const raw = await rawClient(server.url)
  const first = await raw.command({ find: 'cursor', batchSize: 3, $db: 'commands' })
  assert.is(first.cursor.firstBatch.length, 3)
  const id = BSON.Long.fromValue(first.cursor.id)
  const next = await raw.command({ getMore: id, collection: 'cursor', batchSize: 4, $db: 'commands' })
  assert.equal(
    next.cursor.nextBatch.map((d: Document) => d._id),
    [3, 4, 5, 6],
  )
  assert.is((await raw.command({ getMore: id, collection: 'other', $db: 'commands' })).code, 13)
  assert.equal((await raw.command({ killCursors: 'cursor', cursors: [id], $db: 'commands' })).cursorsKilled.length, 1)
  assert.is((await raw.command({ getMore: id, collection: 'cursor', $db: 'commands' })).code, 43)
  const whole = await raw.command({ find: 'cursor', singleBatch: true, batchSize: 2, $db: 'commands' })
  assert.is(Number(whole.cursor.id), 0)
  const none = await raw.command({ find: 'cursor', batchSize: 0, $db: 'commands' })
  assert.is(none.cursor.firstBatch.length, 0)
  assert.ok(Number(none.cursor.id) !== 0)
  raw.end()
})

test('a cursor that goes on while documents come and go skips and repeats none that stay', async () => {
  const rows = client.db('commands').collection<{ _id: number }>('moving')
  await rows.insertMany(Array.from({ length: 1000 }, (_, i) => ({ _id: i * 2 })))
  const seen: number[] = []
  for await (const { _id } of rows.find({}, { batchSize: 50, sort: { _id: 1 } })) {
    seen.push(_id)
    if (_id % 100 === 0) {
      await rows.deleteOne({ _id: _id + 400 })
      await rows.insertOne({ _id: _id - 1 })
    }
  }
  assert.equal(
    seen,
    [...new Set(seen)].sort((a, b) => a - b),
  )
  assert.ok(seen.length > 950)
})

const withFaults = async (work: (own: MongoClient, name: string) => Promise<void>): Promise<void> => {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-faults-'))
  const store = await startDocumentStore({ access: 'open', dir, enableTestCommands: true })
  const own = new MongoClient(store.url, { monitorCommands: true })
  try {
    await work(own, 'faults')
  } finally {
    await own.close()
    await store.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

const failPoint = (own: MongoClient, mode: unknown, data: Document) =>
  own.db('admin').command({ configureFailPoint: 'failCommand', mode, data })

test('shells look around: sizes and indexes by stages, what was examined, profiling is off', async () => {
  const db = client.db(`looks_${Date.now().toString(36)}`)
  const rows = db.collection<{ _id: number; n: number }>('rows')
  await rows.insertMany(Array.from({ length: 50 }, (_, i) => ({ _id: i, n: i % 10 })))
  await rows.createIndex({ n: 1 })
  const [stats] = await rows.aggregate([{ $collStats: { storageStats: {}, count: {} } }]).toArray()
  assert.equal([stats?.ns, stats?.count, stats?.storageStats.nindexes], [rows.namespace, 50, 2])
  const indexes = await rows
    .aggregate([{ $indexStats: {} }, { $sort: { name: 1 } }, { $project: { name: 1 } }])
    .toArray()
  assert.equal(
    indexes.map(({ name }) => name),
    ['_id_', 'n_1'],
  )
  assert.is((await codeOf(rows.aggregate([{ $match: {} }, { $indexStats: {} }]).toArray()))[0], 40602)
  assert.is(
    (
      await codeOf(
        db
          .collection('none')
          .aggregate([{ $collStats: { count: {} } }])
          .toArray(),
      )
    )[0],
    26,
  )
  assert.is((await codeOf(db.aggregate([{ $currentOp: {} }]).toArray()))[0], 73)
  assert.ok(
    Array.isArray(
      await client
        .db('admin')
        .aggregate([{ $currentOp: {} }])
        .toArray(),
    ),
  )
  assert.is((await db.command({ profile: -1 })).was, 0)
  assert.type((await client.db('admin').command({ getDefaultRWConcern: 1 })).defaultWriteConcern, 'object')

  const examined = async (filter: Document) => {
    const { executionStats: told } = await rows.find(filter).explain('executionStats')
    return [told.nReturned, told.totalKeysExamined, told.totalDocsExamined]
  }
  assert.equal(await examined({ n: 3 }), [5, 5, 5])
  assert.equal(await examined({ _id: 3 }), [1, 1, 1])
  assert.equal(await examined({ other: { $exists: false } }), [50, 0, 50])
  await db.dropDatabase()
})

test('fail points are unknown unless an option allows them', async () => {
  if (server.kind !== 'embedded') return
  assert.equal(await codeOf(failPoint(client, 'off', {})), [59, 'CommandNotFound'])
})

test('fail points: errors, labels, times and skip, write concern errors, slow answers', () =>
  withFaults(async (own) => {
    const rows = own.db('f').collection<{ _id: number; n?: number }>('rows')
    await rows.insertOne({ _id: 0 })
    await failPoint(own, { times: 2 }, { failCommands: ['find'], errorCode: 2 })
    for (let i = 0; i < 2; i += 1) assert.equal(await codeOf(rows.findOne({})), [2, 'BadValue'])
    assert.ok(await rows.findOne({}))

    await failPoint(own, { skip: 1 }, { failCommands: ['count'], errorCode: 26 })
    assert.is(await rows.estimatedDocumentCount(), 1)
    assert.is((await codeOf(own.db('f').command({ count: 'rows' })))[0], 26)
    await failPoint(own, 'off', {})

    await failPoint(own, { times: 1 }, { failCommands: ['insert'], errorCode: 112, errorLabels: ['Special'] })
    const labelled = await rows.insertOne({ _id: 1 }).catch((e) => e)
    assert.equal([labelled.code, labelled.errorLabels], [112, ['Special']])

    await failPoint(own, { times: 1 }, { failCommands: ['insert'], writeConcernError: { code: 100, errmsg: 'few' } })
    assert.is((await codeOf(rows.insertOne({ _id: 2 })))[0], 100)
    assert.ok(await rows.findOne({ _id: 2 }), 'the write was made')

    await failPoint(own, { times: 1 }, { failCommands: ['ping'], blockConnection: true, blockTimeMS: 150 })
    const started = performance.now()
    await own.db('f').command({ ping: 1 })
    assert.ok(performance.now() - started >= 145)
  }))

test('fail points: by chance, by collection, by the name in a greeting, for all commands', () =>
  withFaults(async (own) => {
    await failPoint(own, { activationProbability: 1 }, { failCommands: ['ping'], errorCode: 2 })
    assert.equal(await codeOf(own.db('f').command({ ping: 1 })), [2, 'BadValue'])
    await failPoint(own, { activationProbability: 0 }, { failCommands: ['ping'], errorCode: 2 })
    await own.db('f').command({ ping: 1 })
    assert.is((await codeOf(failPoint(own, { activationProbability: 2 }, {})))[0], 2)

    const find = { failCommands: ['find'], errorCode: 2, namespace: 'f.bad' }
    await failPoint(own, 'alwaysOn', find)
    assert.is(await own.db('f').collection('good').findOne({}), null)
    assert.is((await codeOf(own.db('f').collection('bad').findOne({})))[0], 2)

    await failPoint(own, 'alwaysOn', {
      failCommands: ['hello', 'isMaster', 'ismaster'],
      errorCode: 91,
      appName: 'late',
    })
    const url = `mongodb://${own.options.hosts[0]}/?directConnection=true`
    const late = new MongoClient(url, { appName: 'late', serverSelectionTimeoutMS: 300 })
    const other = new MongoClient(url, { appName: 'other' })
    assert.is((await late.connect().catch((error) => error)).name, 'MongoServerSelectionError')
    await other.connect()
    await Promise.all([late.close(), other.close()])

    // Greetings are commands as well: a driver that greets meanwhile, as it does every ten seconds, takes the server for lost.
    const raw = await rawClient(url)
    const configured = {
      configureFailPoint: 'failCommand',
      data: { failAllCommands: true, errorCode: 2 },
      $db: 'admin',
    }
    await raw.command({ ...configured, mode: 'alwaysOn' })
    assert.is((await raw.command({ buildInfo: 1, $db: 'f' })).code, 2)
    await raw.command({ ...configured, mode: 'off' })
    assert.is((await raw.command({ buildInfo: 1, $db: 'f' })).ok, 1)
    raw.end()
  }))

test('a retryable write meets a closed connection and is made once', () =>
  withFaults(async (own) => {
    const rows = own.db('f').collection<{ _id: number; n: number }>('rows')
    await rows.insertOne({ _id: 1, n: 0 })
    await failPoint(own, { times: 1 }, { failCommands: ['update'], closeConnection: true })
    assert.is((await rows.updateOne({ _id: 1 }, { $inc: { n: 1 } })).modifiedCount, 1)
    await failPoint(
      own,
      { times: 1 },
      { failCommands: ['findAndModify'], errorCode: 91, errorLabels: ['RetryableWriteError'] },
    )
    assert.is((await rows.findOneAndUpdate({ _id: 1 }, { $inc: { n: 1 } }, { returnDocument: 'after' }))?.n, 2)
    await failPoint(own, { times: 1 }, { failCommands: ['find'], errorCode: 11600 })
    assert.is((await rows.findOne({ _id: 1 }))?.n, 2)
  }))

const statementFault = (own: MongoClient, mode: unknown, data: Document = {}) =>
  own.db('admin').command({ configureFailPoint: 'onPrimaryTransactionalWrite', mode, data })

test('a retryable write whose answer is lost is made once, a statement that fails is not', () =>
  withFaults(async (own) => {
    const rows = own.db('f').collection<{ _id: number; n: number }>('rows')
    await statementFault(own, { skip: 1, times: 1 })
    await rows.insertMany([1, 2, 3].map((_id) => ({ _id, n: 0 })))
    assert.is(await rows.countDocuments({}), 3)
    await statementFault(own, { times: 1 })
    await rows.updateOne({ _id: 1 }, { $inc: { n: 1 } })
    await statementFault(own, { times: 1 })
    const changed = await rows.findOneAndUpdate({ _id: 1 }, { $inc: { n: 1 } }, { returnDocument: 'after' })
    assert.is(changed?.n, 2)
    assert.is((await rows.findOne({ _id: 1 }))?.n, 2)

    await statementFault(own, { times: 1 }, { failBeforeCommitExceptionCode: 1, closeConnection: false })
    assert.equal(await codeOf(rows.updateOne({ _id: 2 }, { $inc: { n: 1 } })), [1, undefined])
    await statementFault(own, { times: 1 }, { failBeforeCommitExceptionCode: 1 })
    await rows.updateOne({ _id: 2 }, { $inc: { n: 1 } })
    assert.is((await rows.findOne({ _id: 2 }))?.n, 1)
    await statementFault(own, 'off')
  }))

test('after a failed commit a client is told whether it may run the transaction again', () =>
  withFaults(async (own) => {
    const labelsOf = async (errorCode: number): Promise<readonly [boolean, boolean]> => {
      const session = own.startSession()
      session.startTransaction()
      await own.db('f').collection('rows').insertOne({}, { session })
      await failPoint(own, { times: 1 }, { failCommands: ['commitTransaction'], errorCode })
      const error = await session.commitTransaction().catch((e) => e)
      await session.endSession()
      return [error.hasErrorLabel('TransientTransactionError'), error.hasErrorLabel('UnknownTransactionCommitResult')]
    }
    assert.equal(await labelsOf(251), [true, false])
    assert.equal(await labelsOf(50), [false, true])
  }))

test('fail points that suites turn off by habit are known and off', () =>
  withFaults(async (own) => {
    const set = (name: string, mode: unknown) => own.db('admin').command({ configureFailPoint: name, mode })
    assert.is((await set('failGetMoreAfterCursorCheckout', 'off')).ok, 1)
    assert.equal(await codeOf(set('failGetMoreAfterCursorCheckout', 'alwaysOn')), [238, 'NotImplemented'])
    assert.equal(await codeOf(set('noSuchPoint', 'off')), [2, 'BadValue'])
  }))

test('a commit whose connection is closed is sent again', () =>
  withFaults(async (own) => {
    const rows = own.db('f').collection<{ _id: number }>('rows')
    const session = own.startSession()
    session.startTransaction()
    await rows.insertOne({ _id: 1 }, { session })
    await failPoint(own, { times: 1 }, { failCommands: ['commitTransaction'], closeConnection: true })
    await session.commitTransaction()
    await session.endSession()
    assert.is(await rows.countDocuments({}), 1)
  }))

test('an _id that is too long to be there is not found, by whatever command it is asked for', async () => {
  const rows = client.db('commands').collection<{ _id: string; a: number }>('long_ids')
  for (const length of [999, 1_001, 1_975, 1_979, 20_000]) {
    const _id = 'x'.repeat(length)
    assert.is(await rows.findOne({ _id }), null)
    assert.is(await rows.countDocuments({ _id }), 0)
    assert.equal(await rows.find({ _id: { $in: [_id, 'y'] } }).toArray(), [])
    assert.equal(await rows.find({ _id: { $gt: _id } }, { sort: { _id: 1 } }).toArray(), [])
    assert.is((await rows.updateOne({ _id }, { $set: { a: 1 } })).matchedCount, 0)
    assert.is((await rows.replaceOne({ _id }, { a: 1 })).matchedCount, 0)
    assert.is((await rows.deleteOne({ _id })).deletedCount, 0)
    assert.is(await rows.findOneAndUpdate({ _id }, { $set: { a: 1 } }), null)
  }
})

test.run()
