// When tries are made again, and how a bulkhead rests while its end is down.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createBulkheads } from '../../src/delivery/bulkheads.ts'
import { nextTry, RETRIES } from '../../src/delivery/schedule.ts'
import fc from '../fc.ts'

const HOUR = 3_600_000

test('twelve tries take about a day, each wait longer than the one before', () => {
  const waits: number[] = []
  for (let tries = 1; ; tries++) {
    const wait = nextTry(tries, RETRIES, () => 0.5)
    if (wait === undefined) break
    waits.push(wait)
  }
  assert.is(waits.length, 11)
  assert.is(waits[0], 60_000)
  const total = waits.reduce((sum, wait) => sum + wait, 0)
  assert.ok(total > 23 * HOUR && total < 24.5 * HOUR, String(total))
  for (let i = 1; i < waits.length; i++) assert.ok(waits[i]! > waits[i - 1]!)
})

test('jitter stays within a tenth, and what the receiver asks for counts when it is longer', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 11 }), fc.double({ min: 0, max: 1, noNaN: true }), (tries, random) => {
      const middle = nextTry(tries, RETRIES, () => 0.5)!
      const wait = nextTry(tries, RETRIES, () => random)!
      return wait >= middle * 0.9 - 1 && wait <= middle * 1.1 + 1
    }),
  )
  assert.is(
    nextTry(1, RETRIES, () => 0.5, 2 * HOUR),
    2 * HOUR,
  )
  assert.is(
    nextTry(1, RETRIES, () => 0.5, 1_000),
    60_000,
  )
  assert.is(
    nextTry(1, RETRIES, () => 0.5, 1e12),
    24 * HOUR,
  )
})

const options = { capacity: 4, failures: 3, restMs: 1_000, maxRestMs: 8_000 }

test('a bulkhead carries a bounded number at once', () => {
  const bulkheads = createBulkheads(options, () => 0.5)
  for (let i = 0; i < 4; i++) {
    assert.is(bulkheads.room('a', 0), 4 - i)
    bulkheads.take('a')
  }
  assert.is(bulkheads.room('a', 0), 0)
  assert.is(bulkheads.room('b', 0), 4)
  bulkheads.give('a', 'answered', 0)
  assert.is(bulkheads.room('a', 0), 1)
})

test('a bulkhead rests after failures in a row, tests the other end with one message, and rests longer when that fails', () => {
  const bulkheads = createBulkheads(options, () => 0.5)
  const one = (usage: 'answered' | 'down' | 'unused', now: number) => {
    bulkheads.take('a')
    bulkheads.give('a', usage, now)
  }
  one('down', 0)
  one('down', 0)
  one('answered', 0)
  one('down', 0)
  one('down', 0)
  assert.is(bulkheads.room('a', 0), 4)
  one('down', 0)
  assert.is(bulkheads.room('a', 999), 0)
  assert.is(bulkheads.status(500)[0]?.restsUntil, 1_000)
  assert.is(bulkheads.status(500)[0]?.state, 'paused')
  assert.is(bulkheads.status(1_000)[0]?.state, 'testing')
  assert.is(bulkheads.room('a', 1_000), 1)
  bulkheads.take('a')
  assert.is(bulkheads.room('a', 1_000), 0)
  bulkheads.give('a', 'down', 1_000)
  assert.is(bulkheads.room('a', 2_999), 0)
  assert.is(bulkheads.room('a', 3_000), 1)
  one('unused', 3_000)
  assert.is(bulkheads.room('a', 3_000), 1)
  one('answered', 3_000)
  assert.is(bulkheads.room('a', 3_000), 4)
  assert.equal(bulkheads.status(3_000), [])
})

test('who finds a bulkhead full waits for a place, in turn, first come first served', async () => {
  const bulkheads = createBulkheads(options, () => 0.5)
  const entered: number[] = []
  assert.is(bulkheads.most('a', 2, 0), 12)
  const all = Array.from({ length: 7 }, async (_, i) => {
    assert.is(await bulkheads.enter('a', 0), true)
    entered.push(i)
  })
  await Promise.all(all.slice(0, 4))
  assert.equal(entered, [0, 1, 2, 3])
  assert.is(bulkheads.status(0)[0]?.waiting, 3)
  bulkheads.give('a', 'answered', 0)
  bulkheads.give('a', 'unused', 0)
  await Promise.all(all.slice(0, 6))
  assert.equal(entered, [0, 1, 2, 3, 4, 5])
  assert.is(bulkheads.room('a', 0), 0)
  for (let i = 0; i < 4; i++) bulkheads.give('a', 'answered', 0)
  await all[6]
  bulkheads.give('a', 'answered', 0)
  assert.equal(bulkheads.status(0), [])
})

test('who waits for a bulkhead that goes to rest is sent away; after the rest one at a time gets in', async () => {
  const bulkheads = createBulkheads(options, () => 0.5)
  const enter = (now: number) => bulkheads.enter('a', now)
  const inside = await Promise.all([0, 0, 0, 0].map(enter))
  assert.equal(inside, [true, true, true, true])
  const waiting = [enter(0), enter(0)]
  for (let i = 0; i < 3; i++) bulkheads.give('a', 'down', 0)
  assert.equal(await Promise.all(waiting), [true, true])
  bulkheads.give('a', 'down', 0)
  bulkheads.give('a', 'down', 0)
  bulkheads.give('a', 'down', 0)
  assert.ok(bulkheads.rests('a', 999))
  assert.is(await enter(999), false)
  assert.is(bulkheads.most('a', 2, 999), 0)
  assert.is(bulkheads.most('a', 2, 1_000), 1)
  assert.is(await enter(1_000), true)
  const behind = [enter(1_000), enter(1_000)]
  bulkheads.give('a', 'down', 1_000)
  assert.equal(await Promise.all(behind), [false, false])
})

test('failures of what was already under way do not lengthen the rest', () => {
  const bulkheads = createBulkheads(options, () => 0.5)
  for (let i = 0; i < 4; i++) bulkheads.take('a')
  for (let i = 0; i < 4; i++) bulkheads.give('a', 'down', 10)
  assert.is(bulkheads.status(10)[0]?.restsUntil, 1_010)
})

test.run()
