// The gate and the waiting between tries.
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { backoffMs, sleep } from '../../src/line/backoff.ts'
import { createGate } from '../../src/line/gate.ts'

const soon = () => 10_000

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
  const heavy = gate.enter(8, 20)
  const light = gate.enter(2, soon())
  assert.is(await heavy, false)
  assert.is(await light, true)
  assert.is(await gate.enter(1, -1), false)
})

test.run()
