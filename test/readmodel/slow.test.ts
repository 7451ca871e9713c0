// A call that takes the server too long ends there and by itself, and nobody takes the server for gone.
import { type Collection, MongoClient } from 'mongodb'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { modelCollection } from '../../src/readmodel/collection.ts'
import { type Keyed, QueryTooBroad, ReadModelUnavailable } from '../../src/readmodel/index.ts'
import { embedded, openReadModel, startDocumentEngine } from '../projector/engines.ts'

test('every call tells the server how long it may work on it', async () => {
  const calls: { readonly name: string; readonly options: { readonly maxTimeMS?: number } }[] = []
  const cursor = { toArray: async () => [] }
  const driver = new Proxy({} as Collection<Keyed>, {
    get:
      (_, name) =>
      (...args: readonly object[]) => {
        calls.push({ name: String(name), options: args.at(-1) ?? {} })
        return name === 'find' || name === 'aggregate' ? cursor : Promise.resolve(null)
      },
  })
  const collection = modelCollection<Keyed>((action) => action(driver))
  await collection.findOne({})
  await collection.find({}, { limit: 1 })
  await collection.count({})
  await collection.count({ _id: 'a' }, { limit: 5 })
  await collection.find({}, { limit: 1, isBroad: true })
  await collection.count({ _id: 'a' }, { isBroad: true })
  await collection.aggregate([])
  await collection.insertOne({ _id: 'a' })
  await collection.updateOne({}, {})
  await collection.updateMany({}, {})
  await collection.replaceOne({}, { _id: 'a' })
  await collection.findOneAndUpdate({}, {})
  await collection.deleteOne({})
  await collection.deleteMany({})
  await collection.bulkWrite([])
  assert.is(calls.length, 15)
  for (const { name, options } of calls) {
    assert.ok((options.maxTimeMS ?? 0) > 0, name)
    assert.not('isBroad' in options)
  }
})

if (embedded)
  test('a question that the server gives up is busy, not down: others go on', async () => {
    const engine = await startDocumentEngine()
    const admin = new MongoClient(engine.url)
    const readModel = openReadModel({ documents: engine, events: engine, end: engine.end })
    const docs = readModel.plain<Keyed>('docs')
    try {
      // The driver asks once more after the second one.
      for (const [errorCode, times] of [
        [50, 1],
        [262, 2],
      ] as const) {
        await admin.db('admin').command({
          configureFailPoint: 'failCommand',
          mode: { times },
          data: { failCommands: ['find'], errorCode },
        })
        const [slow, other] = await Promise.all([docs.findOne({}).catch((error: unknown) => error), docs.count({})])
        assert.instance(slow, ReadModelUnavailable)
        assert.is((slow as ReadModelUnavailable).isBusy, true)
        assert.is(other, 0)
        assert.is(readModel.health().ok, true)
        assert.is(await docs.findOne({}), null)
      }
    } finally {
      await Promise.all([admin.close(), readModel.close()])
      await engine.end()
    }
  })

if (embedded)
  test('questions that look through much wait for each other and for nobody else, and are refused for good when too slow', async () => {
    const engine = await startDocumentEngine()
    const admin = new MongoClient(engine.url)
    const readModel = openReadModel({ documents: engine, events: engine, end: engine.end })
    const docs = readModel.plain<Keyed>('docs')
    const fail = (mode: object | string, data: object) =>
      admin.db('admin').command({ configureFailPoint: 'failCommand', mode, data: { failCommands: ['find'], ...data } })
    try {
      await docs.insertOne({ _id: 'a' })
      await fail({ times: 1 }, { errorCode: 50 })
      const refused = await docs.find({}, { limit: 1, isBroad: true }).catch((error: unknown) => error)
      assert.instance(refused, QueryTooBroad)
      // Each is held by the server for a while: those after the first four are not even asked, another is.
      await fail({ times: 1_000 }, { blockConnection: true, blockTimeMS: 300 })
      let ended = 0
      const many = Array.from({ length: 40 }, async () => {
        await docs.find({}, { limit: 1, isBroad: true })
        ended++
      })
      await docs.count({ _id: 'a' })
      assert.ok(ended < 40, String(ended))
      assert.is(readModel.health().ok, true)
      await fail('off', {})
      await Promise.all(many)
      assert.is(ended, 40)
    } finally {
      await Promise.all([admin.close(), readModel.close()])
      await engine.end()
    }
  })

test.run()
