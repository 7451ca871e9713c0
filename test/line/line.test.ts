// The gate, the circuit and the waiting between tries.
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { backoffMs, sleep } from '../../src/line/backoff.ts'
import { createCircuit } from '../../src/line/circuit.ts'
import { createGate } from '../../src/line/gate.ts'
import { silentLog } from '../../src/line/log.ts'

const soon = () => Date.now() + 10_000

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

test('the gate never lets more in than it says, serves in order, and forgets nobody', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 40 }), async (weights) => {
      const gate = createGate({ count: 3, weight: 10 })
      let inside: number[] = []
      const order: number[] = []
      await Promise.all(
        weights.map(async (weight, i) => {
          assert.is(await gate.enter(weight, soon()), true)
          order.push(i)
          inside.push(weight)
          assert.ok(inside.length <= 3)
          assert.ok(inside.length === 1 || inside.reduce((a, b) => a + b, 0) <= 10)
          await new Promise((resolve) => setImmediate(resolve))
          inside = inside.toSpliced(inside.indexOf(weight), 1)
          gate.leave(weight)
        }),
      )
      assert.equal(
        order,
        weights.map((_, i) => i),
      )
      assert.is(gate.waiting, 0)
    }),
    { numRuns: 50 },
  )
})

test('who waits too long at the gate goes away, and the next one is let in', async () => {
  const gate = createGate({ count: 2, weight: 10 })
  assert.ok(await gate.enter(6, soon()))
  const heavy = gate.enter(8, Date.now() + 20)
  const light = gate.enter(2, soon())
  assert.is(await heavy, false)
  assert.is(await light, true)
  assert.is(await gate.enter(1, Date.now() - 1), false)
})

test('the circuit opens after trouble, asks again and again, and closes with the first answer', async () => {
  let there = true
  let asked = 0
  const circuit = createCircuit({
    name: 'test',
    log: silentLog,
    probeEveryMs: 10,
    heartbeatMs: 60_000,
    async probe() {
      asked++
      if (!there) throw new Error('gone')
    },
  })
  assert.is(circuit.up, true)
  circuit.suspect(new Error('a hiccup'))
  await sleep(5)
  assert.is(circuit.up, true)
  there = false
  circuit.suspect(new Error('gone'))
  assert.is(await waitUntil(() => !circuit.up), true)
  assert.is(circuit.health().error, 'gone')
  assert.is(await circuit.whenUp(Date.now() + 30), false)
  const waiting = circuit.whenUp(soon())
  there = true
  assert.is(await waiting, true)
  assert.is(circuit.health().ok, true)
  const before = asked
  await sleep(40)
  assert.is(asked, before)
  circuit.close()
})

test('silence is looked into by the heartbeat', async () => {
  let asked = 0
  const circuit = createCircuit({
    name: 'test',
    log: silentLog,
    probeEveryMs: 10,
    heartbeatMs: 10,
    async probe() {
      asked++
    },
  })
  assert.ok(await waitUntil(() => asked > 0))
  circuit.close()
})

const waitUntil = async (condition: () => boolean): Promise<boolean> => {
  for (let i = 0; i < 500 && !condition(); i++) await sleep(2)
  return condition()
}

test.run()
