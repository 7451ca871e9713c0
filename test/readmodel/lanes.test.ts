// Lanes: documents and checkpoint move together or not at all, and only from where the mover believed them to be.
import { deepStrictEqual } from 'node:assert'
import { MongoClient } from 'mongodb'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Keyed, Lane, ReadModel, Writes } from '../../src/readmodel/index.ts'
import { ReadModelUnavailable } from '../../src/readmodel/index.ts'
import fc from '../fc.ts'
import { type Engines, embedded, openReadModel, startEngines } from '../projector/engines.ts'
import { times } from '../soak.ts'

let engines: Engines
let readModel: ReadModel
let admin: MongoClient

test.before(async () => {
  engines = await startEngines()
  admin = new MongoClient(engines.documents.url)
})
test.after(async () => {
  await admin.close()
  await engines.end()
})
test.before.each(async () => {
  readModel = openReadModel(engines)
  await readModel.prepare('docs', [{ key: { email: 1 }, unique: true, sparse: true }])
})
test.after.each(async () => {
  if (embedded) await failingNoMore()
  await readModel.close()
})

interface Doc extends Keyed {
  n?: number
  email?: string
}

const docs = () => readModel.plain<Doc>('docs')
const writes = (over: Partial<Writes>): Writes => ({
  collection: 'docs',
  inserts: [],
  replaces: [],
  deletes: [],
  ...over,
})
const COMMAND_NOT_FOUND = 59
const SHUTDOWN_IN_PROGRESS = 91

/** Commands of these names fail in this way, `times` of them or all until it is switched off. */
const failing = async (commands: readonly string[], errorCode: number, times?: number): Promise<void> => {
  const mode = times === undefined ? 'alwaysOn' : { times }
  const data = { failCommands: commands, errorCode }
  await admin.db('admin').command({ configureFailPoint: 'failCommand', mode, data })
}
const failingNoMore = () => admin.db('admin').command({ configureFailPoint: 'failCommand', mode: 'off' })

const newLane = (): Promise<Lane> => readModel.lanes.create({ id: 'lane', members: {}, writer: 'w' })

test('a lane is created once; the second gets what is there', async () => {
  const lane = await newLane()
  assert.is(lane.position, undefined)
  const again = await readModel.lanes.create({
    id: 'lane',
    members: { x: { collection: 'x_v1', version: 1 } },
    writer: 'v',
  })
  assert.equal(again, lane)
  assert.is(await readModel.lanes.read('none'), undefined)
})

/** What holds of a commit however it is sent. */
const commits = (how: string, begin: () => Promise<void>): void => {
  const check = (name: string, body: () => Promise<void>) =>
    test(`${name} ${how}`, async () => {
      await begin()
      await body()
    })

  check('a commit writes documents and moves the checkpoint', async () => {
    const lane = await newLane()
    const first = await readModel.lanes.commit(lane, 'w', { position: 2n ** 53n + 1n }, [
      writes({ inserts: [{ _id: 'a', n: 1 } as Keyed, { _id: 'b', n: 1 } as Keyed] }),
    ])
    assert.is(first.kind, 'committed')
    const read = (await readModel.lanes.read('lane'))!
    assert.is(read.position, 2n ** 53n + 1n)
    const second = await readModel.lanes.commit(read, 'w', { position: 2n ** 53n + 2n }, [
      writes({ replaces: [{ _id: 'a', n: 2 } as Keyed], deletes: ['b'] }),
    ])
    assert.is(second.kind, 'committed')
    assert.equal(await docs().find({}, { limit: 10 }), [{ _id: 'a', n: 2 }])
  })

  check('who believes in an old checkpoint loses and writes nothing', async () => {
    const lane = await newLane()
    assert.is((await readModel.lanes.commit(lane, 'w', { position: 1n }, [])).kind, 'committed')
    const lost = await readModel.lanes.commit(lane, 'v', { position: 2n }, [
      writes({ inserts: [{ _id: 'a' } as Keyed] }),
    ])
    assert.is(lost.kind, 'lost')
    assert.is(await docs().count({}), 0)
    assert.is((await readModel.lanes.read('lane'))!.position, 1n)
  })

  check('of many who move at the same time exactly one wins', async () => {
    let lane = await newLane()
    for (let round = 0; round < 5; round++) {
      const from = lane
      const all = await Promise.all(
        Array.from({ length: 6 }, (_, i) =>
          readModel.lanes.commit(from, `w${i}`, { position: BigInt(round + 1) }, [
            writes({ inserts: [{ _id: `${round}-${i}` } as Keyed] }),
          ]),
        ),
      )
      assert.is(all.filter(({ kind }) => kind === 'committed').length, 1)
      assert.is(all.filter(({ kind }) => kind === 'lost').length, 5)
      assert.is(await docs().count({}), round + 1)
      lane = (await readModel.lanes.read('lane'))!
    }
  })

  check('a document that the store refuses is named, and nothing is written', async () => {
    const lane = await newLane()
    await docs().insertOne({ _id: 'old', email: 'x@y.z' })
    const refused = await readModel.lanes.commit(lane, 'w', { position: 1n }, [
      writes({ inserts: [{ _id: 'a' } as Keyed, { _id: 'b', email: 'x@y.z' } as Keyed, { _id: 'c' } as Keyed] }),
    ])
    assert.is(refused.kind, 'rejected')
    assert.is(refused.kind === 'rejected' && refused.refused.map(({ key }) => key).join(), 'b')
    const replaced = await readModel.lanes.commit(lane, 'w', { position: 1n }, [
      writes({ replaces: [{ _id: 'c', email: 'x@y.z' } as Keyed] }),
    ])
    assert.is(replaced.kind === 'rejected' && replaced.refused.map(({ key }) => key).join(), 'c')
    assert.is(await docs().count({}), 1)
    assert.is((await readModel.lanes.read('lane'))!.seq, lane.seq)
  })

  check('a document that was thought to be new and is there is replaced', async () => {
    const lane = await newLane()
    await docs().insertOne({ _id: 'b', n: 1 })
    const done = await readModel.lanes.commit(lane, 'w', { position: 1n }, [
      writes({ inserts: [{ _id: 'a', n: 2 } as Keyed, { _id: 'b', n: 2 } as Keyed] }),
    ])
    assert.is(done.kind, 'committed')
    assert.equal(await docs().find({}, { limit: 10, sort: { _id: 1 } }), [
      { _id: 'a', n: 2 },
      { _id: 'b', n: 2 },
    ])
  })

  check('what cannot be BSON is refused, not retried for ever', async () => {
    const lane = await newLane()
    const cyclic: Record<string, unknown> = { _id: 'a' }
    cyclic.self = cyclic
    const refused = await readModel.lanes.commit(lane, 'w', { position: 1n }, [writes({ inserts: [cyclic as Keyed] })])
    assert.is(refused.kind, 'rejected')
    assert.is(refused.kind === 'rejected' && refused.refused.map(({ key }) => key).join(), 'a')
    assert.is((await readModel.lanes.commit(lane, 'w', { position: 1n }, [])).kind, 'committed')
  })

  check('all documents of a commit that the store refuses are named at once, for whatever reason', async () => {
    const lane = await newLane()
    await readModel.prepare('pairs', [{ key: { a: 1, b: 1 } }])
    const levels = (n: number): object => (n === 0 ? {} : { in: levels(n - 1) })
    const parallel = Array.from({ length: 300 }, (_, i) => ({
      _id: `p${i}`,
      ...(i % 3 ? {} : { a: [1, 2], b: [1, 2] }),
    }))
    const badOnes: Record<string, object> = {
      type: { at: new Map([[1, 2]]) },
      day: { at: new Date(Number.NaN) },
      deep: levels(200),
    }
    const large = { _id: 'large', text: 'x'.repeat(17 * 1024 * 1024) }
    const nul = { _id: 'nul', in: { 'a\u0000b': 1 } }
    const condemned = new Set<string>()
    for (let round = 0; round < 10; round++) {
      const left = (documents: readonly Keyed[]) => documents.filter(({ _id }) => !condemned.has(_id))
      const result = await readModel.lanes.commit(lane, 'w', { position: 1n }, [
        writes({
          inserts: left([
            { _id: 'good' },
            ...Object.entries(badOnes).map(([key, bad]) => ({ ...bad, _id: key }) as Keyed),
            large,
          ]),
          replaces: left([{ _id: 'fine' }, nul]),
        }),
        writes({ collection: 'pairs', replaces: left(parallel) }),
      ])
      if (result.kind === 'committed') break
      assert.is(result.kind, 'rejected')
      const refused = result.kind === 'rejected' ? result.refused : []
      assert.ok(refused.length > 0)
      for (const { key } of refused) condemned.add(key)
    }
    assert.is(await docs().count({}), 2)
    const wanted = parallel.filter((document) => 'a' in document).map(({ _id }) => _id)
    assert.equal([...condemned].sort(), [...Object.keys(badOnes), 'large', 'nul', ...wanted].sort())
  })
}

commits('(in one command where the server takes it)', async () => undefined)

if (embedded) {
  commits('(collection by collection)', () => failing(['bulkWrite'], COMMAND_NOT_FOUND))

  test('a commit is one command, whatever it writes', async () => {
    const lane = await newLane()
    await docs().insertOne({ _id: 'gone' })
    await failing(['insert', 'update', 'delete'], SHUTDOWN_IN_PROGRESS)
    const done = await readModel.lanes.commit(lane, 'w', { position: 1n }, [
      writes({ inserts: [{ _id: 'a' } as Keyed], replaces: [{ _id: 'b' } as Keyed], deletes: ['gone'] }),
      writes({ collection: 'others', inserts: [{ _id: 'c' } as Keyed] }),
    ])
    await failingNoMore()
    assert.is(done.kind, 'committed')
    assert.equal(await docs().find({}, { limit: 10, sort: { _id: 1 } }), [{ _id: 'a' }, { _id: 'b' }])
    assert.is(await readModel.plain('others').count({}), 1)
  })

  test('a server that does not take it is asked once by each committer', async () => {
    const lane = await newLane()
    const committer = await readModel.lanes.committer(lane.id, 'w')
    const one = (key: string) => [writes({ inserts: [{ _id: key } as Keyed] })]
    await failing(['bulkWrite'], COMMAND_NOT_FOUND, 1)
    const first = await committer.commit(lane, { position: 1n }, one('a'))
    if (first.kind !== 'committed') throw new Error(first.kind)
    // It would end the committer.
    await failing(['bulkWrite'], SHUTDOWN_IN_PROGRESS)
    assert.is((await committer.commit(first.lane, { position: 2n }, one('b'))).kind, 'committed')
    await failingNoMore()
    await committer.close()
    assert.is(await docs().count({}), 2)
  })
}

test('what is stored comes back as it was, whatever its keys are called', async () => {
  const lane = await newLane()
  const key = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        '_bsontype',
        '$ref',
        '$id',
        '$db',
        '$set',
        'a.b',
        '',
        '__proto__',
        'constructor',
        'toString',
      ),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom('\uE000_bsontype', '\uE000\uE000$ref', '\uE000', 'toBSON', 'toJSON', '_id'),
    },
    { weight: 1, arbitrary: fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\u0000')) },
  )
  const leaf = fc.oneof(
    fc.constantFrom('ObjectId', 'Long', 'a.b', null, true),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Object.is(n, -0)),
    fc.date({ noInvalidDate: true }),
  )
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, leaf, tie('object'), fc.array(tie('value'), { maxLength: 3 })),
    object: fc
      .array(fc.tuple(key, tie('value')), { maxLength: 4 })
      .map((entries): Record<string, unknown> => Object.fromEntries(entries)),
  }))
  let n = 0
  let current = lane
  await fc.assert(
    fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 20 }), async (values) => {
      const documents = values.map((data) => ({ _id: `v${n++}`, data }) as Keyed)
      const [first, ...others] = documents
      const done = await readModel.lanes.commit(current, 'w', {}, [writes({ inserts: others })])
      if (done.kind !== 'committed') throw new Error(JSON.stringify(done))
      current = done.lane
      await docs().replaceOne({ _id: first!._id }, first as Doc, { upsert: true })
      const found = await docs().find({ _id: { $in: documents.map(({ _id }) => _id) } }, { limit: 100 })
      const inOrder = documents.map(({ _id }) => found.find((document) => document._id === _id))
      deepStrictEqual(inOrder, documents)
    }),
    { numRuns: times(60, 2_000), includeErrorInReport: true },
  )
})

test('a name is followed to the collection that holds it now', async () => {
  try {
    await readModel.collection('things').findOne({ _id: 'a' })
    assert.unreachable()
  } catch (error) {
    assert.instance(error, ReadModelUnavailable)
  }
  await readModel.aliases.create({ _id: 'things', group: 'g', live: { collection: 'things_v1', version: 1 } })
  await readModel.aliases.create({ _id: 'things', group: 'g', live: { collection: 'things_v2', version: 2 } })
  await readModel.plain('things_v1').insertOne({ _id: 'a' })
  assert.equal(await readModel.collection('things').findOne({ _id: 'a' }), { _id: 'a' })
  readModel.aliases.note({ things: { collection: 'things_v9', version: 9 } })
  assert.is(await readModel.collection('things').findOne({ _id: 'a' }), null)
})

test('preparing twice, and at the same time, is preparing once', async () => {
  const index = [{ key: { a: 1, b: -1 } }] as const
  await Promise.all([readModel.prepare('p', index), readModel.prepare('p', index), readModel.prepare('p', index)])
  await readModel.prepare('p', index)
  await readModel.drop('p')
  await readModel.drop('p')
})

test('a stream of documents ends when it is left', async () => {
  await docs().bulkWrite(
    Array.from({ length: 2_500 }, (_, i) => ({ insertOne: { document: { _id: String(i), n: i } } })),
  )
  let seen = 0
  for await (const _ of docs().stream({})) seen++
  assert.is(seen, 2_500)
  for await (const { n } of docs().stream({}, { sort: { n: 1 } })) if (n === 150) break
})

test.run()
