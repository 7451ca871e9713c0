// Appends against a server that misbehaves: every one ends with an answer, nothing is doubled, and the process lives on.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createAppender } from '../../src/eventstore/append.ts'
import { createEventStore, type Log, StoreUnavailable } from '../../src/eventstore/index.ts'
import type { CheckedAppend } from '../../src/eventstore/refuse.ts'
import { AnswerLost, type Line } from '../../src/line/line.ts'
import { silentLog } from '../../src/line/log.ts'
import { noted, testCodec } from '../projector/facts.ts'
import { until } from '../until.ts'
import { type Answer, type Scripted, startScripted } from './scripted.ts'

const storeOn = (server: { url: string }, options: { log?: Log } = {}) =>
  createEventStore({ url: server.url, codec: testCodec, lostAfterMs: 150, limits: QUICK, ...options })

/** Silence is looked into soon. */
const QUICK = { silenceMs: 150, graceMs: 300, downMs: 2_000 }

const withServer = (work: (server: Scripted) => Promise<void>) => async () => {
  const server = await startScripted()
  try {
    await work(server)
  } finally {
    await server.stop()
  }
}

for (const answer of [
  'timeout',
  'bad_request',
  'silence',
  'silence_after',
  'hang_after',
  'break_after',
] satisfies Answer[])
  test(
    `one append answered with ${answer} is tried again with the same ids, and is there once`,
    withServer(async (server) => {
      const store = storeOn(server)
      await store.append('s', [noted('before')], 'no_stream')
      server.script.push(answer)
      const fact = noted('x')
      const result = await store.append('s', [fact], 0n)
      assert.equal(result, { kind: 'appended', revision: 1n, position: 200n })
      assert.is(server.kept.get('s')!.length, 2)
      assert.is(server.kept.get('s')![1], fact.id)
      assert.is(server.appends(), 3)
      assert.is((await store.append('s', [noted('after')], 1n)).kind, 'appended')
      await store.close()
    }),
  )

test(
  'a second answer throws inside the client: the process lives on and appends go on',
  withServer(async (server) => {
    const store = storeOn(server)
    server.script.push('twice')
    assert.is((await store.append('s', [noted('x')], 'no_stream')).kind, 'appended')
    for (let i = 0n; i < 20n; i++) assert.is((await store.append('s', [noted('y')], i)).kind, 'appended')
    assert.is(server.kept.get('s')!.length, 21)
    await store.close()
  }),
)

test(
  'all answers mixed, many at once: each fact is there exactly once',
  withServer(async (server) => {
    const store = storeOn(server)
    const all: Answer[] = [
      'twice',
      'silence',
      'timeout',
      'break_after',
      'bad_request',
      'silence_after',
      'success',
      'success',
    ]
    for (let i = 0; i < 60; i++) server.script.push(all[(i * 5) % all.length]!)
    const results = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        store.append(`s-${i}`, [noted('x'), noted('y')], 'no_stream', { deadline: Date.now() + 20_000 }),
      ),
    )
    assert.ok(results.every((result) => result.kind === 'appended' && result.revision === 1n))
    assert.is(server.kept.size, 40)
    for (const ids of server.kept.values()) assert.is(ids.length, 2)
    await store.close()
  }),
)

test(
  'a client that hangs with much still to be sent is replaced, and its end does not disturb the next',
  withServer(async (server) => {
    const reasons: (string | undefined)[] = []
    const silent = () => undefined
    const warn = ({ reason }: { readonly reason?: string }) => void reasons.push(reason)
    const store = storeOn(server, { log: { debug: silent, info: silent, error: silent, warn } })
    server.script.push(...Array.from({ length: 5 }, (): Answer => 'success'), 'hang_after')
    const large = Array.from({ length: 10 }, (_, i) =>
      store.append(`large-${i}`, [noted('x'.repeat(500_000))], 'no_stream', { deadline: Date.now() + 20_000 }),
    )
    const small = async (line: number) => {
      for (let i = 0; i < 5; i++)
        await store.append(`small-${line}-${i}`, [noted('x')], 'no_stream', { deadline: Date.now() + 20_000 })
    }
    await Promise.all([...large, ...Array.from({ length: 20 }, (_, line) => small(line))])
    assert.is(reasons.length, 1)
    assert.match(reasons[0]!, 'while new lines are answered')
    assert.is(server.kept.size, 10 + 20 * 5)
    await store.close()
  }),
)

test(
  "a caller's own deadline ends that call alone",
  withServer(async (server) => {
    const told: object[] = []
    const silent = () => undefined
    const store = storeOn(server, {
      log: { debug: silent, info: silent, error: silent, warn: (one) => void told.push(one) },
    })
    await store.append('s', [noted('x')], 'no_stream')
    const others = Array.from({ length: 20 }, (_, i) => store.append(`other-${i}`, [noted('x')], 'no_stream'))
    const hasty = Array.from({ length: 20 }, (_, i) =>
      store.append(`hasty-${i}`, [noted('x')], 'no_stream', { deadline: Date.now() + 1 }).catch((error) => error),
    )
    assert.ok((await Promise.all(others)).every(({ kind }) => kind === 'appended'))
    for (const outcome of await Promise.all(hasty))
      assert.ok(outcome instanceof StoreUnavailable || outcome.kind === 'appended')
    assert.equal(told, [])
    assert.is(store.health().ok, true)
    await store.close()
  }),
)

test(
  'a conflict is a value that says where the stream is',
  withServer(async (server) => {
    const store = storeOn(server)
    assert.equal(await store.append('s', [noted('x')], 4n), { kind: 'conflict', actual: 'no_stream' })
    await store.append('s', [noted('x'), noted('y')], 'no_stream')
    assert.equal(await store.append('s', [noted('z')], 'no_stream'), { kind: 'conflict', actual: 1n })
    await store.close()
  }),
)

test(
  'past the deadline it is StoreUnavailable, and says that the outcome is unknown',
  withServer(async (server) => {
    const store = storeOn(server)
    server.script.push(...Array.from({ length: 50 }, (): Answer => 'silence'))
    try {
      await store.append('s', [noted('x')], 'no_stream', { deadline: Date.now() + 600 })
      assert.unreachable()
    } catch (error) {
      assert.instance(error, StoreUnavailable)
      assert.is((error as StoreUnavailable).outcome, 'unknown')
    }
    await store.close()
  }),
)

test('a server that is not there: the first append learns it, the next fail at once; its return is noticed', async () => {
  const first = await startScripted()
  const port = Number(new URL(first.url).port)
  const store = storeOn(first)
  await store.append('s', [noted('x')], 'no_stream')
  await first.stop()
  await assertUnavailable(store.append('s', [noted('y')], 0n, { deadline: Date.now() + 300 }))
  assert.is(store.health().ok, false)
  // Fast is what has not waited for anything: neither for a timer nor for the network.
  const waited = () => new Promise<boolean>((resolve) => setImmediate(() => resolve(true)))
  for (let i = 0; i < 100; i++) {
    const failed = assertUnavailable(store.append('s', [noted('y')], 0n)).then(() => false)
    assert.is(await Promise.race([failed, waited()]), false, 'fails fast')
  }
  const second = await startScripted({ port })
  await until(() => store.health().ok)
  assert.is((await store.append('t', [noted('z')], 'no_stream')).kind, 'appended')
  await store.close()
  await second.stop()
})

test('an append that was under way when the server went away is finished after its return', async () => {
  const first = await startScripted()
  const port = Number(new URL(first.url).port)
  const store = storeOn(first)
  await store.append('s', [noted('x')], 'no_stream')
  first.script.push('silence')
  const pending = store.append('t', [noted('y')], 'no_stream')
  await first.stop()
  const second = await startScripted({ port })
  assert.is((await pending).kind, 'appended')
  assert.is(second.kept.get('t')!.length, 1)
  await store.close()
  await second.stop()
})

const assertUnavailable = async (promise: Promise<unknown>) => {
  try {
    await promise
  } catch (error) {
    assert.instance(error, StoreUnavailable)
    return
  }
  assert.unreachable('StoreUnavailable was expected')
}

for (const [where, revision, kind] of [
  ['where they were to be', 4n, 'appended'],
  ['after what another writer recorded first', 6n, 'conflict'],
] as const)
  test(`facts of an append without an answer that are found ${where}: ${kind}`, async () => {
    const line = {
      up: true,
      current: {},
      call: async () => {
        throw new AnswerLost()
      },
      replace: () => {},
      whenUp: async () => true,
    } as unknown as Line<unknown>
    const append = createAppender<unknown>({
      line,
      log: silentLog,
      send: async () => ({ revision: 0n, position: 0n }),
      find: async () => ({ revision, position: revision * 100n }),
    })
    const facts = [noted('a'), noted('b')] as unknown as CheckedAppend['facts']
    const result = await append('s', { facts, bytes: 10 }, 2n, Date.now() + 60_000)
    assert.is(result.kind, kind)
  })

test.run()
