// Leases: each message has one dispatcher at a time, an overdue one is anybody's, and the dead leave nothing behind.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createLeases, LEASES } from '../../src/delivery/leases.ts'
import { createReadModel, type ReadModel } from '../../src/readmodel/index.ts'
import { startDocumentEngine } from '../projector/engines.ts'

const T0 = Date.UTC(2026, 0, 1)
let engine: Awaited<ReturnType<typeof startDocumentEngine>>
let readModel: ReadModel

test.before(async () => {
  engine = await startDocumentEngine()
  readModel = createReadModel({ url: engine.url, database: `leases-${Date.now()}` })
})
test.after(async () => {
  await readModel.close()
  await engine.end()
})

const kept = async (): Promise<readonly string[]> =>
  (await readModel.plain<{ _id: string }>(LEASES).find({}, { limit: 100, sort: { _id: 1 } })).map(({ _id }) => _id)

test('a message is claimed by one dispatcher at a time, and an overdue one by whoever comes', async () => {
  const one = await createLeases(readModel, 'one', T0)
  const other = await createLeases(readModel, 'other', T0)
  assert.equal([...(await one.claim(['a', 'b'], T0, T0 + 100))].sort(), ['a', 'b'])
  assert.equal([...(await other.claim(['b', 'c'], T0, T0 + 100))], ['c'])
  assert.equal([...(await one.claim(['a'], T0 + 50, T0 + 150))], ['a'], 'its own it gets again')
  assert.equal([...(await other.claim(['b'], T0 + 101, T0 + 200))], ['b'])
  assert.equal([...(await one.held(T0 + 120, 10))].sort(), ['a', 'b'])
  one.release('a')
  one.release('b')
  await one.flush()
  assert.equal(await kept(), ['b', 'c'], 'what another took over is not given back')
})

test('a dispatcher that starts takes away what the dead have left, and nothing that is held', async () => {
  await createLeases(readModel, 'third', T0 + 150)
  assert.equal(await kept(), ['b'])
})

test.run()
