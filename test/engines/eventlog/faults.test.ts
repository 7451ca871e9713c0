// The test mode: each fault looks to the client as it does in production. Only the embedded event log has it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as es from '@eventstore/db-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { builtFile } from '../../../src/engines/built.ts'
import { createFaults, type FaultKind, startEventLog } from '../../../src/engines/eventlog/index.ts'
import { hostEngine } from '../../../src/engines/host.ts'
import { collect, errorOf, event, idsOf, streamName, until, watch } from './toolkit.ts'

const dir = mkdtempSync(join(tmpdir(), 'tributary-faults-'))
const faults = createFaults()
const log = await startEventLog({ access: 'open', dir: join(dir, 'log'), faults })
let client = es.EventStoreDBClient.connectionString(log.url)

const test = suite('event log test mode')
test.before.each(() => {
  client = es.EventStoreDBClient.connectionString(log.url)
})
test.after.each(async () => {
  faults.clear()
  await client.dispose()
})
test.after(async () => {
  await log.stop()
  rmSync(dir, { recursive: true, force: true })
})

const CLASSIC = { credentials: { username: 'u', password: 'p' } }
const readIds = async (stream: string) => idsOf(await collect(client.readStream(stream)))

/** What the client throws outside of any promise while `work` runs. */
const thrownBeside = async (work: () => Promise<unknown>): Promise<readonly Error[]> => {
  const thrown: Error[] = []
  const catcher = (error: Error) => void thrown.push(error)
  process.on('uncaughtException', catcher)
  await work().finally(() => process.removeListener('uncaughtException', catcher))
  return thrown
}

for (const [way, options] of [
  ['batched', {}],
  ['classic', CLASSIC],
] as const) {
  test(`${way}: not the leader, and the client comes back by itself`, async () => {
    await client.appendToStream(streamName(), event(), options)
    faults.inject({ kind: 'not-leader' })
    const stream = streamName()
    assert.is((await errorOf(client.appendToStream(stream, event(), options))).type, 'not-leader')
    await until(
      () =>
        client.appendToStream(stream, event(), options).then(
          () => true,
          () => false,
        ),
      'back',
    )
    assert.is((await readIds(stream)).length, 1)
  })

  test(`${way}: not ready`, async () => {
    faults.inject({ kind: 'not-ready' })
    const error = await errorOf(client.appendToStream(streamName(), event(), options))
    assert.is(error.type, way === 'classic' ? 'unavailable' : 'unknown')
    assert.match(error.message, 'Server Is Not Ready')
  })

  test(`${way}: a slow answer`, async () => {
    faults.inject({ kind: 'slow', delayMs: 150 })
    const before = performance.now()
    await client.appendToStream(streamName(), event(), options)
    assert.ok(performance.now() - before >= 140)
  })

  test(`${way}: slower than the write time-out, and stored nevertheless`, async () => {
    faults.inject({ kind: 'slow', delayMs: 2_500 })
    const stream = streamName()
    const error = await errorOf(client.appendToStream(stream, event(), options))
    assert.is(error.type, way === 'classic' ? 'timeout' : 'deadline-exceeded')
    assert.is((await readIds(stream)).length, 1)
  })

  test(`${way}: the answer is lost after the commit; the same write again is recognised`, async () => {
    await client.appendToStream(streamName(), event(), options)
    faults.inject({ kind: 'lost-answer' })
    const stream = streamName()
    const one = event()
    const again: es.AppendToStreamOptions = { ...options, expectedRevision: es.NO_STREAM }
    assert.is((await errorOf(client.appendToStream(stream, one, again))).type, 'unavailable')
    await until(
      () =>
        client.appendToStream(stream, one, again).then(
          ({ nextExpectedRevision }) => nextExpectedRevision === 0n,
          () => false,
        ),
      'recognised',
    )
    assert.equal(await readIds(stream), [one.id])
  })
}

test('never answered, but stored; others are answered', async () => {
  const stream = streamName()
  faults.inject({ kind: 'never-answered' })
  let settled = false
  const settle = () => {
    settled = true
  }
  client.appendToStream(stream, event()).then(settle, settle)
  await until(() => faults.happened()['never-answered'] === 1)
  await client.appendToStream(stream, event())
  assert.is(settled, false)
  assert.is((await readIds(stream)).length, 2)
})

test('answered twice: the client throws outside of any promise', async () => {
  faults.inject({ kind: 'answered-twice', delayMs: 20 })
  const thrown = await thrownBeside(async () => {
    await client.appendToStream(streamName(), event())
    await new Promise((resolve) => setTimeout(resolve, 100))
  })
  assert.is(thrown.length, 1)
  assert.match(String(thrown[0]), 'not iterable')
})

test('an event without a type is answered twice, as a real server does', async () => {
  const thrown = await thrownBeside(async () => {
    const error = await errorOf(client.appendToStream(streamName(), event('')))
    assert.match(error.message, 'BadRequest')
    await new Promise((resolve) => setTimeout(resolve, 2_200))
  })
  assert.is(thrown.length, 1)
})

test('in the classic way bad events are refused and nothing else happens', async () => {
  for (const bad of [
    event(''),
    event('T', {}, '00000000-0000-0000-0000-000000000000'),
    event('T', {}, 'not-a-uuid-at-all'),
  ]) {
    const error = await errorOf(client.appendToStream(streamName(), bad, CLASSIC))
    assert.match(error.message, 'Exception was thrown by handler')
  }
})

test('subscriptions are dropped, in both ways that there are', async () => {
  for (const [kind, type] of [
    ['subscription-unavailable', 'unavailable'],
    ['subscription-too-slow', 'timeout'],
  ] as const) {
    const stream = streamName()
    await client.appendToStream(stream, [event(), event()])
    faults.inject({ kind, skip: 1 })
    const watched = watch(client.subscribeToStream(stream))
    await until(() => watched.marks.includes('caughtUp'), 'live')
    await client.appendToStream(stream, event())
    await until(() => watched.error !== undefined, 'dropped')
    assert.is(watched.error?.type, type)
    assert.is(watched.seen.length, 3)
  }
})

test('while it refuses, nothing is served; afterwards everything is', async () => {
  const stream = streamName()
  await client.appendToStream(stream, event())
  faults.refuse(true)
  assert.match((await errorOf(client.appendToStream(stream, event()))).message, 'Server Is Not Ready')
  assert.is((await errorOf(readIds(stream))).type, 'unavailable')
  faults.refuse(false)
  await until(
    () =>
      readIds(stream).then(
        (ids) => ids.length === 1,
        () => false,
      ),
    'served again',
  )
})

test('a seed repeats a run', () => {
  const draws = (seed: number) => {
    const one = createFaults()
    one.random({ seed, chances: { 'not-leader': 0.2, slow: 0.3 } })
    return Array.from({ length: 50 }, () => one.ofAppend()?.kind)
  }
  assert.equal(draws(7), draws(7))
  assert.not.equal(draws(7), draws(8))
  const kinds = new Set<FaultKind | undefined>(draws(7))
  assert.equal(kinds, new Set([undefined, 'not-leader', 'slow']))
})

test('with faults at random, every write that is tried again is stored once', async () => {
  const seed = Date.now() % 1_000_000
  faults.random({
    seed,
    chances: { 'not-leader': 0.05, 'not-ready': 0.1, slow: 0.1, 'lost-answer': 0.05 },
    delayMs: 20,
  })
  const stream = streamName()
  for (let i = 0; i < 60; i++) {
    const one = event()
    const expectedRevision = i === 0 ? es.NO_STREAM : BigInt(i - 1)
    await until(
      () =>
        client.appendToStream(stream, one, { expectedRevision }).then(
          ({ nextExpectedRevision }) => nextExpectedRevision === BigInt(i),
          () => false,
        ),
      `event ${i} stored (seed ${seed})`,
    )
  }
  faults.clear()
  assert.is((await readIds(stream)).length, 60, `seed ${seed}`)
})

test('in a process of its own: served, controlled by HTTP, stopped', async () => {
  const options = { dir: join(dir, 'hosted'), access: 'open', testMode: true }
  const module = builtFile('eventlog-engine.js')
  const engine = await hostEngine({ name: 'event log', module, options })
  const other = es.EventStoreDBClient.connectionString(engine.url)
  await other.appendToStream(streamName(), event())
  const instruct = (body: unknown) =>
    fetch(`http://127.0.0.1:${engine.port}/test/faults`, { method: 'POST', body: JSON.stringify(body) })
  assert.is((await instruct({ do: 'inject', fault: { kind: 'not-ready' } })).status, 200)
  assert.match((await errorOf(other.appendToStream(streamName(), event()))).message, 'Server Is Not Ready')
  assert.equal(await (await instruct({ do: 'clear' })).json(), { 'not-ready': 1 })
  assert.is((await instruct({ do: 'something' })).status, 400)
  const second = await errorOf(hostEngine({ name: 'event log', module, options }))
  assert.match(second.message, `is in use by process ${process.pid}`)
  const watched = watch(other.subscribeToAll())
  await until(() => watched.marks.includes('caughtUp'), 'live')
  await instruct({ do: 'inject', fault: { kind: 'never-answered' } })
  const inFlight = errorOf(other.appendToStream(streamName(), event()))
  const happened = async () => (await instruct({ do: 'refuse', on: false })).text()
  await until(async () => (await happened()).includes('never-answered'), 'written')
  await engine.stop()
  await until(() => watched.error !== undefined, 'the subscription ends')
  assert.is(watched.error?.type, 'unavailable')
  assert.is((await inFlight).type, 'cancelled')
  await other.dispose()
})

test.run()
