// The semaphore and the waiting between tries.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { backoffMs, sleep } from '../../src/line/backoff.ts'
import { createFlow } from '../../src/line/flow.ts'
import { createLimit, type Limit } from '../../src/line/limit.ts'
import { openLine } from '../../src/line/line.ts'
import { addressOf, reasonOf } from '../../src/line/reason.ts'
import { createSemaphore } from '../../src/line/semaphore.ts'
import { createSteady } from '../../src/line/steady.ts'
import { processTime } from '../../src/line/time.ts'
import fc from '../fc.ts'

const SOON = 10_000
const fixed = (count: number, weight: number) => ({ start: count, min: count, max: count, targetMs: 1e9, weight })

test('backoff doubles up to its bound, and jitter takes at most half of it', () => {
  const options = { baseMs: 10, maxMs: 100 }
  assert.equal(
    [1, 2, 3, 4, 5, 60].map((attempt) => backoffMs(attempt, options, () => 1)),
    [10, 20, 40, 80, 100, 100],
  )
  assert.is(
    backoffMs(3, options, () => 0),
    20,
  )
})

test('sleep ends with its signal', async () => {
  const abort = new AbortController()
  const started = performance.now()
  setTimeout(() => abort.abort(), 5)
  await sleep(60_000, abort.signal)
  await sleep(60_000, abort.signal)
  assert.ok(performance.now() - started < 1_000)
})

test('closing a line does not wait for ever for a client that never ends', async () => {
  const line = openLine({
    address: 'here',
    open: () => ({}),
    end: () => new Promise<void>(() => undefined),
    oneAtATime: true,
    renews: false,
    ask: async () => undefined,
    askWitness: async () => undefined,
    isAnswer: () => false,
    time: processTime,
    onTurn: () => undefined,
    onReplaced: () => undefined,
  })
  const closing = line.close().then(() => 'closed')
  const keepsAlive = setInterval(() => undefined, 1_000)
  assert.is(await closing, 'closed')
  clearInterval(keepsAlive)
})

test('a client that has ended hides not what it ended by, until the server is there again', () => {
  const line = openLine({
    address: 'here',
    open: () => ({}),
    end: async () => undefined,
    oneAtATime: false,
    renews: false,
    ask: async () => undefined,
    askWitness: () => new Promise<void>(() => undefined),
    isAnswer: () => false,
    isEnd: (error) => error instanceof RangeError,
    time: processTime,
    limits: { downMs: 0 },
    onTurn: () => undefined,
    onReplaced: () => undefined,
  })
  line.begin(line.current)
  for (const error of [new RangeError('closed'), new Error('ECONNREFUSED'), new RangeError('closed')]) line.doubt(error)
  assert.equal([line.health().ok, line.health().error], [false, 'here: connection refused: nothing listens there'])
  return line.close()
})

test('the semaphore never lets more in than it says, serves in order, and forgets nobody', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 40 }), async (weights) => {
      const semaphore = createSemaphore(fixed(3, 10))
      let inside: number[] = []
      const order: number[] = []
      await Promise.all(
        weights.map(async (weight, i) => {
          const permit = await semaphore.enter(weight, SOON)
          assert.ok(permit)
          order.push(i)
          inside.push(weight)
          assert.ok(inside.length <= 3)
          assert.ok(inside.length === 1 || inside.reduce((a, b) => a + b, 0) <= 10)
          await new Promise((resolve) => setImmediate(resolve))
          inside = inside.toSpliced(inside.indexOf(weight), 1)
          permit?.leave()
        }),
      )
      assert.equal(
        order,
        weights.map((_, i) => i),
      )
      assert.is(semaphore.waiting, 0)
    }),
    { numRuns: 50 },
  )
})

test('who waits too long at the semaphore goes away, and the next one is let in', async () => {
  const semaphore = createSemaphore(fixed(2, 10))
  assert.ok(await semaphore.enter(6, SOON))
  const heavy = semaphore.enter(8, 20)
  const light = semaphore.enter(2, SOON)
  assert.is(await heavy, undefined)
  assert.ok(await light)
  assert.is(await semaphore.enter(1, -1), undefined)
})

test('who is waited for goes first at the semaphore, and nobody is kept out', async () => {
  const semaphore = createSemaphore(fixed(1, 10))
  const order: string[] = []
  const pass = async (name: string, yields: boolean) => {
    const permit = await semaphore.enter(1, SOON, yields)
    order.push(name)
    await new Promise((resolve) => setImmediate(resolve))
    permit?.leave()
  }
  const first = await semaphore.enter(1, SOON)
  const all = [
    ...Array.from({ length: 4 }, () => pass('yields', true)),
    ...Array.from({ length: 24 }, () => pass('awaited', false)),
  ]
  first?.leave()
  await Promise.all(all)
  assert.equal(
    order.flatMap((name, i) => (name === 'yields' ? [i] : [])),
    [0, 8, 16, 24],
  )
})

/**
 * A server that takes `ms` for each of `width` at a time and gives each answer `away` ms later, asked by many who always ask again;
 * gives the mean answer time of the second half, and the pace.
 */
const drive = (
  limit: Limit,
  { ms, width, away = 0 }: { ms: number; width: number; away?: number },
  answers: number,
) => {
  const free = Array.from({ length: width }, () => 0)
  const under: { readonly at: number; readonly sent: number }[] = []
  let now = 0
  let sum = 0
  for (let done = 0; done < answers; done++) {
    while (under.length < limit.value) {
      const lane = width === 1 ? 0 : free.indexOf(Math.min(...free))
      free[lane] = Math.max(now, free[lane]!) + ms
      under.push({ at: free[lane]! + away, sent: now })
    }
    const { at, sent } = under.shift()!
    now = at
    if (done > answers / 2) sum += at - sent
    limit.answered(at - sent, at, under.length + 1)
  }
  return { mean: sum / (answers / 2), perSecond: (1_000 * answers) / now }
}

test('the limit follows the answers: no wait of a second at any pace, and next to nothing of the pace is given away', () => {
  for (const server of [
    { ms: 200, width: 1 },
    { ms: 20, width: 1 },
    { ms: 2, width: 1 },
    { ms: 10, width: 100 },
    { ms: 0.05, width: 1 },
  ]) {
    const limit = createLimit({ start: 16, min: 1, max: 256, targetMs: 500 })
    const { mean, perSecond } = drive(limit, server, 10_000)
    assert.ok(mean < 1_000, `${mean} ms at ${JSON.stringify(server)}`)
    assert.ok(perSecond > (0.9 * 1_000 * server.width) / server.ms, `${perSecond}/s at ${JSON.stringify(server)}`)
  }
})

test('a server that is far away is given no less for it', () => {
  const limit = createLimit({ start: 16, min: 1, max: 256, targetMs: 500 })
  drive(limit, { ms: 1, width: 1 }, 2_000)
  assert.is(limit.value, 256)
  const { perSecond } = drive(limit, { ms: 1, width: 1, away: 3_000 }, 5_000)
  assert.ok(perSecond > 0.7 * (256 / 3.25), `${perSecond}/s`)
})

test('the pace is that of a crowd, a stall does not change it, and only a standing crowd has to wait', () => {
  const flow = createFlow({ busyFrom: 10, standsAfterMs: 2_000 })
  let done = 0
  const go = (from: number, to: number, pending: number, perSecond: number) => {
    for (let at = from; at < to; at += 50) {
      done += perSecond / 20
      flow.look(at, pending, done)
    }
  }
  go(0, 5_000, 2, 10)
  assert.is(flow.perSecond, undefined, 'few who wait say nothing of what is possible')
  go(5_000, 6_500, 500, 1_000)
  assert.is(flow.waitMs(500), 0, 'a crowd that came at once')
  go(6_500, 12_000, 500, 1_000)
  assert.ok(Math.abs(flow.waitMs(500) - 500) < 50, String(flow.waitMs(500)))
  go(12_000, 18_000, 500, 0)
  assert.ok(Math.abs(flow.waitMs(500) - 500) < 50, 'nothing is done meanwhile')
  go(18_000, 24_000, 500, 1_000)
  assert.ok(Math.abs(flow.waitMs(500) - 500) < 50)
  go(24_000, 24_100, 2, 1_000)
  assert.is(flow.waitMs(500), 0)
})

test('what is told of servers does not flap: bad at once, good after a while, which grows with each relapse', () => {
  const steady = createSteady({ calmMs: 1_000, longestMs: 4_000, relapseMs: 60_000 })
  assert.is(steady(true, 0), true)
  let at = 0
  /** Bad for a moment, then good: gives how long it is told to be bad. */
  const relapse = () => {
    const began = at
    assert.is(steady(false, at), false)
    for (at += 50; !steady(true, at); at += 50);
    return at - began
  }
  assert.equal([relapse(), relapse(), relapse(), relapse()], [1_050, 2_050, 4_050, 4_050])
  at += 100_000
  assert.is(relapse(), 1_050)
})

test('operators are told where a server is looked for, never with which password, and why it is unavailable', () => {
  assert.is(addressOf('esdb://admin:changeit@one:2113,two?tls=true', 2113), 'one:2113, two:2113')
  assert.is(addressOf('mongodb://u:p%40x@[::1]:27018/db?replicaSet=rs0', 27017), '[::1]:27018')
  assert.is(addressOf('mongodb+srv://u:p@cluster.example/', 27017), 'cluster.example')
  const wrapped = new Error('unavailable', { cause: Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }) })
  for (const [error, words] of [
    [wrapped, 'connection refused'],
    [new Error('14 UNAVAILABLE: Name resolution failed for target dns:nohost:2113'), 'name cannot be resolved'],
    [new Error('0A00010B:SSL routines:ssl3_get_record:wrong version number'), 'tls=false'],
    [Object.assign(new Error('x'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), 'not trusted'],
    [new Error('Authentication failed.'), 'name or password'],
    [new Error('connection 3 to 127.0.0.1:1 closed'), 'wants TLS'],
    [new Error('2 UNKNOWN: Received HTTP status code 200'), 'another kind of server'],
    [new Error('14 UNAVAILABLE: No connection established. Last error: Protocol error'), 'another kind of server'],
    [new Error('no primary'), 'no primary'],
    [new Error('something else'), 'something else'],
  ] as const)
    assert.ok(reasonOf(error).includes(words), reasonOf(error))
})

test.run()
