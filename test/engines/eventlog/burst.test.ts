// Many large appends at once: what is in flight is bounded by bytes, the engine's process lives on, and each append has an answer.
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as es from '@eventstore/db-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { builtFile } from '../../../src/engines/built.ts'
import { createBudget } from '../../../src/engines/eventlog/budget.ts'
import { createDeframer, framed } from '../../../src/engines/eventlog/wire/framing.ts'
import { bool, bytes, message, string } from '../../../src/engines/eventlog/wire/protobuf.ts'
import { hostEngine } from '../../../src/engines/host.ts'
import { isSoak } from '../../soak.ts'
import { collect, event, until } from './toolkit.ts'

const [APPENDS, EVENTS] = isSoak ? [60, 30_000] : [6, 30_000]

const test = suite('event log bursts')
const dir = mkdtempSync(join(tmpdir(), 'tributary-burst-'))
test.after(() => rmSync(dir, { recursive: true, force: true }))

const property = (name: string, value: string) => message(2, string(1, name), string(2, value))
const proposed = () =>
  message(
    3,
    message(1, string(2, randomUUID())),
    property('type', 'T'),
    property('content-type', 'application/json'),
    bytes(4, Buffer.from('{}')),
  )

test(`${APPENDS} appends of ${EVENTS} small events by one client, all at once`, async () => {
  const engine = await hostEngine({
    name: 'event log',
    module: builtFile('eventlog-engine.js'),
    options: { dir, access: 'open' },
  })
  const pid = engine.pid()
  // By hand, since the official client takes longer to build such appends than the server to store them.
  const events = Buffer.concat(Array.from({ length: EVENTS }, proposed))
  const session = connect(`http://127.0.0.1:${engine.port}`, { maxSessionMemory: 1_000 })
  const call = session.request({
    ':method': 'POST',
    ':path': '/event_store.client.streams.Streams/BatchAppend',
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  const answers: Buffer[] = []
  const deframe = createDeframer((payload) => answers.push(Buffer.from(payload)))
  call.on('data', deframe)
  call.on('error', () => {})
  for (let i = 0; i < APPENDS; i++)
    call.write(
      framed(
        Buffer.concat([
          message(1, string(2, randomUUID())),
          message(2, message(1, bytes(3, Buffer.from(`burst-${i}`))), message(4)),
          events,
          bool(4, true),
        ]),
      ),
    )
  await until(() => answers.length === APPENDS, 'every append has its answer', 120_000)
  call.close()
  session.destroy()
  assert.is(engine.trouble(), undefined)
  assert.is(engine.pid(), pid)
  const client = es.EventStoreDBClient.connectionString(engine.url)
  // All or nothing of each, whatever was answered: one that is late may be stored.
  let stored = 0
  for (let i = 0; i < APPENDS; i++) {
    const options = { direction: 'backwards', fromRevision: 'end', maxCount: 1 } as const
    const [last] = await collect(client.readStream(`burst-${i}`, options)).catch(() => [])
    if (last === undefined) continue
    assert.is(last.event?.revision, BigInt(EVENTS - 1))
    stored++
  }
  assert.ok(stored > 0)
  await client.appendToStream('after', event())
  await client.dispose()
  await engine.stop()
})

test('a budget gives no more than there is, and tells once when it is no longer tight', () => {
  const budget = createBudget(100)
  assert.is(budget.take(40), true)
  assert.is(budget.isTight(), false)
  assert.is(budget.take(61), false)
  assert.is(budget.take(60), true)
  let told = 0
  budget.whenEased(() => told++)
  budget.give(30)
  assert.is(told, 0)
  budget.give(20)
  budget.give(50)
  assert.is(told, 1)
  assert.is(budget.take(100), true)
})

test.run()
