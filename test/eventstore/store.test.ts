// The event store edge over a real log: reads, subscriptions that are pulled, back-pressure, stops and starts.
import { randomUUID } from 'node:crypto'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { RecordedFact } from '../../src/domain/recorded.ts'
import {
  createEventStore,
  type EventStore,
  ReadRefused,
  SourceClosed,
  StoreUnavailable,
} from '../../src/eventstore/index.ts'
import { type Engine, embedded, startEventLogEngine, until } from '../projector/engines.ts'
import { counted, noted, testCodec } from '../projector/facts.ts'

let engine: Engine & { end(): Promise<void> }
let store: EventStore
let stream: string

test.before(async () => {
  engine = await startEventLogEngine()
  store = createEventStore({ url: engine.url, codec: testCodec })
})
test.after(async () => {
  await store.close()
  await engine.end()
})
test.before.each(() => {
  stream = `test-${randomUUID()}`
})

const collect = async (facts: AsyncIterable<RecordedFact>): Promise<RecordedFact[]> => {
  const all: RecordedFact[] = []
  for await (const fact of facts) all.push(fact)
  return all
}
const numbers = (facts: readonly RecordedFact[]) => facts.map(({ data }) => (data as { by: number }).by)
/** Compares long sequences without printing them. */
const inOrder = (given: readonly number[], count: number) => {
  const wrong = given.findIndex((by, i) => by !== i)
  assert.is(wrong === -1 ? given.length : `${given[wrong]} at ${wrong}`, count)
}
const fill = async (count: number, first = 0): Promise<bigint> => {
  let expected: bigint | 'no_stream' = first === 0 ? 'no_stream' : BigInt(first - 1)
  let position = 0n
  for (let at = first; at < first + count; at += 500) {
    const facts = Array.from({ length: Math.min(500, first + count - at) }, (_, i) => counted(stream, at + i))
    const result = await store.append(stream, facts, expected)
    if (result.kind !== 'appended') throw new Error('conflict')
    expected = result.revision
    position = result.position
  }
  return position
}

test('what is appended can be read back as it was', async () => {
  const fact = {
    ...noted('héllo'),
    metadata: { $correlationId: 'c', $causationId: 'd', commandKey: 'k', nextDueAt: null, own: [1] },
  }
  const before = Date.now()
  const result = await store.append(stream, [fact, noted('two')], 'no_stream')
  assert.is(result.kind, 'appended')
  const [read, second] = await collect(store.readStream(stream))
  assert.equal(read!.data, { text: 'héllo' })
  assert.equal(read!.metadata, { ...fact.metadata, schemaVersion: 1 })
  assert.is(read!.id, fact.id)
  assert.is(read!.revision, 0n)
  assert.is(read!.stream, stream)
  assert.ok(Math.abs(read!.created - before) < 60_000)
  assert.is(second!.revision, 1n)
  assert.ok(second!.position > read!.position)
  assert.is(result.kind === 'appended' && result.position, second!.position)
})

test('a stream is read from anywhere, in both directions, as much as asked for', async () => {
  await fill(1_200)
  assert.equal(numbers(await collect(store.readStream(stream, { from: 1_195n }))), [1195, 1196, 1197, 1198, 1199])
  assert.equal(numbers(await collect(store.readStream(stream, { maxCount: 2 }))), [0, 1])
  assert.equal(numbers(await collect(store.readStream(stream, { direction: 'backwards', maxCount: 2 }))), [1199, 1198])
  assert.equal(numbers(await collect(store.readStream(stream, { direction: 'backwards', from: 1n }))), [1, 0])
  assert.equal(await collect(store.readStream(stream, { from: 5_000n })), [])
  assert.is((await collect(store.readStream(stream))).length, 1_200)
  assert.equal(await collect(store.readStream(`none-${stream}`)), [])
})

test('a read that is left early or aborted lets go', async () => {
  await fill(3_000)
  for await (const fact of store.readStream(stream)) if (fact.revision === 10n) break
  const abort = new AbortController()
  try {
    for await (const fact of store.readStream(stream, { signal: abort.signal }))
      if (fact.revision === 10n) abort.abort()
    assert.unreachable()
  } catch (error) {
    assert.is((error as Error).name, 'AbortError')
  }
})

test('the whole log holds every fact in order; head is the newest', async () => {
  const position = await fill(600)
  assert.is(await store.head(), position)
  const all = await collect(store.readAll({ filter: (_, name) => name === stream }))
  inOrder(numbers(all), 600)
  const from = all[500]!.position
  const tail = await collect(store.readAll({ from, filter: (_, name) => name === stream }))
  assert.is(tail.length, 100)
  const newest = await collect(store.readAll({ direction: 'backwards', maxCount: 3 }))
  assert.equal(numbers(newest), [599, 598, 597])
})

test('a subscription gives all, in order, then what is new, and says when it has caught up', async () => {
  await fill(5_000)
  const source = await store.subscribeStream(stream, { from: 'start' })
  const seen: RecordedFact[] = []
  let caughtUp = false
  while (!caughtUp) {
    const batch = await source.next(700)
    assert.ok(batch.facts.length <= 700)
    seen.push(...batch.facts)
    caughtUp = batch.caughtUp
  }
  assert.is(seen.length, 5_000)
  const waiting = source.next(10)
  await store.append(stream, [counted(stream, 5_000)], 4_999n)
  const batch = await waiting
  assert.equal(numbers(batch.facts), [5_000])
  assert.is(batch.revision, 5_000n)
  inOrder(numbers(seen), 5_000)
  await source.close()
  await source.close()
})

test('a slow consumer is given everything, and the buffer stays bounded', async () => {
  await fill(30_000)
  const source = await store.subscribeAll({ from: 'start' })
  await until(() => source.buffered > 2_000)
  let most = 0
  let seen = 0
  const expected: number[] = []
  while (seen < 30_000) {
    most = Math.max(most, source.buffered)
    const { facts } = await source.next(3_000)
    for (const fact of facts) if (fact.stream === stream) expected.push((fact.data as { by: number }).by)
    seen = expected.length
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  assert.ok(most <= 8_192, `${most} buffered`)
  inOrder(expected.slice(0, 30_000), 30_000)
  await source.close()
})

test('a subscription after a position gives what is later, and its position moves on where nothing matches', async () => {
  const position = await fill(100)
  await store.append(`other-${stream}`, [noted('later')], 'no_stream')
  const source = await store.subscribeAll({ from: position })
  const { facts } = await source.next(10)
  assert.equal(
    facts.map(({ stream: name }) => name),
    [`other-${stream}`],
  )
  await source.close()
})

test('a subscription to streams by the beginning of their names gives their facts only, and moves on past all others', async () => {
  const position = await fill(10)
  const names = ['aa', 'ab', 'ac', 'a'].map((name) => `${name}-${stream}`)
  for (const [i, name] of names.entries()) await store.append(name, [counted(name, i)], 'no_stream')
  const head = await fill(3_000, 10)
  const source = await store.subscribeAll({
    from: position,
    streams: [`aa-${stream}`, `ac-${stream.slice(0, 20)}`, 'nobody'],
  })
  const seen: string[] = []
  for (let at = 0n; at < head; ) {
    const batch = await source.next(100)
    seen.push(...batch.facts.map((fact) => fact.stream))
    at = batch.position ?? at
    if (batch.caughtUp) break
  }
  assert.equal(seen, [names[0], names[2]])
  await source.close()
})

test('a position at which no record begins is refused, and the store is not thought to be down', async () => {
  const position = await fill(3)
  try {
    await collect(store.readAll({ from: position - 1n }))
    assert.unreachable()
  } catch (error) {
    assert.instance(error, ReadRefused)
  }
  const source = await store.subscribeAll({ from: position - 1n })
  try {
    for (;;) await source.next(10)
  } catch (error) {
    assert.instance(error, ReadRefused)
  }
  await source.close()
  assert.is(store.health().ok, true)
})

test('while there is time to gather, a batch is waited for to become full', async () => {
  const position = await fill(1)
  const source = await store.subscribeAll({ from: position })
  let settle: () => void = () => {}
  const gather = new Promise<void>((resolve) => {
    settle = resolve
  })
  const full = source.next(20, gather)
  await store.append(`first-${stream}`, [noted('a')], 'no_stream')
  await until(() => source.buffered > 0)
  await fill(40, 1)
  const { facts } = await full
  // Marks of where the log is take places too.
  assert.ok(facts.length > 15, String(facts.length))
  let seen = facts.length
  while (seen < 41) seen += (await source.next(20)).facts.length

  const few = source.next(20, gather)
  await store.append(`second-${stream}`, [noted('b')], 'no_stream')
  settle()
  seen += (await few).facts.length
  while (seen < 42) seen += (await source.next(20)).facts.length
  await source.close()
})

test('closing wakes who waits', async () => {
  const source = await store.subscribeAll({ from: 'end' })
  const waiting = (async () => {
    for (;;) await source.next(10)
  })()
  const [woken] = await Promise.allSettled([waiting, source.close()])
  assert.instance(woken.status === 'rejected' && woken.reason, SourceClosed)
})

test('unreadable facts are handed over beside the readable ones; reading them throws', async () => {
  const loose = createEventStore({ url: engine.url, codec: looseCodec })
  await loose.append(stream, [counted('a', 1), { ...noted('x'), data: { wrong: true } }, counted('a', 2)], 'no_stream')
  const source = await store.subscribeStream(stream, { from: 'start' })
  const facts: RecordedFact[] = []
  const unreadable: string[] = []
  while (facts.length < 2) {
    const batch = await source.next(10)
    facts.push(...batch.facts)
    unreadable.push(...batch.unreadable.map(({ revision, type }) => `${type}@${revision}`))
  }
  assert.equal(unreadable, ['Noted@1'])
  await source.close()
  try {
    await collect(store.readStream(stream))
    assert.unreachable()
  } catch (error) {
    assert.match((error as Error).message, `${stream}@1`)
  }
  await loose.close()
})

if (embedded)
  test('a stopped log: reads and subscriptions break, everything works again on its return', async () => {
    await fill(10)
    const source = await store.subscribeStream(stream, { from: 'start' })
    while ((await source.next(100)).revision !== 9n);
    const broken = source.next(10).then(
      async () => source.next(10),
      (error: unknown) => Promise.reject(error),
    )
    broken.catch(() => undefined)
    await engine.stop()
    await rejects(broken)
    await source.close()
    await until(() => !store.health().ok)
    await rejects(collect(store.readStream(stream)))
    await rejects(store.subscribeAll({ from: 'start' }))
    await engine.start()
    await until(() => store.health().ok)
    assert.is((await collect(store.readStream(stream))).length, 10)
    assert.is((await store.append(stream, [counted(stream, 10)], 9n)).kind, 'appended')
    const again = await store.subscribeStream(stream, { from: 9n })
    assert.equal(numbers((await again.next(10)).facts), [10])
    await again.close()
  })

if (embedded)
  test('appends go on through a stop and a start, each fact once', async () => {
    const results: Promise<void>[] = []
    let back = 0
    const restart = async () => {
      await engine.stop()
      await new Promise((resolve) => setTimeout(resolve, 300))
      await engine.start()
      back = results.length
    }
    let restarting: Promise<void> | undefined
    while (back === 0 || results.length < back + 100) {
      if (results.length === 100) restarting = restart()
      results.push(appendUntilDone(`${stream}-${results.length}`))
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    await Promise.all([restarting, ...results])
    for (const i of results.keys()) assert.is((await collect(store.readStream(`${stream}-${i}`))).length, 2, String(i))
  })

/** As a client does that was told to come back later: the same ids again. */
const appendUntilDone = async (name: string): Promise<void> => {
  const facts = [noted('a'), noted('b')]
  for (;;) {
    try {
      const result = await store.append(name, facts, 'no_stream')
      assert.is(result.kind, 'appended')
      return
    } catch (error) {
      assert.instance(error, StoreUnavailable)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

const rejects = async (promise: Promise<unknown>): Promise<void> => {
  try {
    await promise
  } catch (error) {
    assert.instance(error, StoreUnavailable)
    return
  }
  assert.unreachable('StoreUnavailable was expected')
}

const looseCodec = {
  ...testCodec,
  encode: (fact: Parameters<typeof testCodec.encode>[0]) => fact,
}

test('two namespaces share a log, and neither sees the other', async () => {
  const own = randomUUID().slice(0, 8)
  const open = (namespace: string) => createEventStore({ url: engine.url, namespace, codec: testCodec })
  const [first, second] = [open(`n1-${own}`), open(`n2-${own}`)]
  for (const expected of ['no_stream', 0n] as const)
    for (const to of [first, second])
      assert.is((await to.append('same', [counted('same', 1)], expected)).kind, 'appended')
  const names = (facts: readonly RecordedFact[]) => facts.map(({ stream, revision }) => `${stream}@${revision}`)
  for (const own of [first, second]) {
    assert.equal(names(await collect(own.readStream('same'))), ['same@0', 'same@1'])
    assert.equal(names(await collect(own.readAll())), ['same@0', 'same@1'])
    assert.equal(names(await collect(own.readAll({ direction: 'backwards', maxCount: 1 }))), ['same@1'])
    assert.is(await own.head(), (await collect(own.readAll())).at(-1)?.position)
  }
  for (const asked of [{}, { types: ['Counted'] }, { streams: ['sa'] }] as const) {
    const source = await first.subscribeAll({ from: 'start', ...asked })
    const facts: RecordedFact[] = []
    let caughtUp = false
    while (!caughtUp) {
      const batch = await source.next(100)
      facts.push(...batch.facts)
      caughtUp = batch.caughtUp
    }
    assert.equal(names(facts), ['same@0', 'same@1'], JSON.stringify(asked))
    await source.close()
  }
  const none = await first.subscribeAll({ from: 'start', types: ['Other'] })
  for (;;) {
    const { facts, caughtUp } = await none.next(100)
    assert.equal(facts, [])
    if (caughtUp) break
  }
  await none.close()
  await first.removeStream('same')
  assert.equal(names(await collect(first.readStream('same'))), [])
  assert.equal(names(await collect(second.readStream('same'))), ['same@0', 'same@1'])
  await Promise.all([first.close(), second.close()])
})

test.run()
