// Waiting for positions: who is told when, with a model beside it, and that those who give up leave nothing behind.
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createLull } from '../../src/projector/lull.ts'
import { createWaiters } from '../../src/projector/waiters.ts'

test('a position that has been passed is answered at once', async () => {
  const waiters = createWaiters()
  waiters.moved(10n)
  assert.is(await waiters.wait(10n, 1), true)
  assert.is(await waiters.wait(0n, 0), true)
  assert.is(await waiters.wait(11n, 0), false)
})

test('the time limit answers false', async () => {
  const waiters = createWaiters()
  assert.is(await waiters.wait(5n, 5), false)
  assert.is(waiters.waiting, 0)
})

test('closing answers everybody', async () => {
  const waiters = createWaiters()
  const waiting = Promise.all([waiters.wait(5n, 60_000), waiters.wait(1n, 60_000)])
  waiters.close()
  assert.equal(await waiting, [false, false])
})

test('a lull lasts its time while nobody waits, and ends with the first who does', async () => {
  const waiters = createWaiters()
  const began = performance.now()
  await waiters.lull(20)
  assert.ok(performance.now() - began >= 19)
  const lull = waiters.lull(60_000)
  const waiting = waiters.wait(5n, 60_000)
  await lull
  await waiters.lull(60_000)
  waiters.moved(5n)
  assert.is(await waiting, true)
  const another = waiters.lull(60_000)
  waiters.close()
  await another
  await waiters.lull(60_000)
})

test('exactly those whose position is reached are told, in any order of waiting', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(50), { maxLength: 60 }),
      fc.array(fc.nat(60), { maxLength: 8 }),
      async (wanted, steps) => {
        const waiters = createWaiters()
        const told = wanted.map(() => false)
        wanted.forEach((position, i) => {
          void waiters.wait(BigInt(position), 60_000).then((reached) => {
            told[i] = reached
          })
        })
        for (const step of [...steps].sort((a, b) => a - b)) {
          waiters.moved(BigInt(step))
          await Promise.resolve()
          await Promise.resolve()
          assert.equal(
            told,
            wanted.map((position) => position <= step),
          )
          assert.is(waiters.waiting, wanted.filter((position) => position > step).length)
        }
        waiters.close()
      },
    ),
    { numRuns: 100 },
  )
})

test('many waiters for positions that never come are let go', async () => {
  const waiters = createWaiters()
  const answers = await Promise.all(Array.from({ length: 5_000 }, () => waiters.wait(10n ** 18n, 5)))
  assert.ok(answers.every((reached) => !reached))
  assert.is(waiters.waiting, 0)
  waiters.close()
})

test('small batches are left to grow, and all are followed by a rest while commands are crowded', () => {
  let now = 0
  let isCrowded = false
  const lull = createLull({ isCrowded: () => isCrowded, clock: () => now })
  const batch = (ms: number, isSmall: boolean) => {
    lull.taken(isSmall)
    now += ms
    lull.done()
    return Math.max(0, lull.left())
  }
  batch(10, true)
  assert.is(batch(10, true), 70, 'eight times as long as the one before, from its beginning')
  assert.is(batch(10, false), 0, 'more is there already')
  batch(1_000, true)
  assert.is(batch(10, true), 190, 'nothing is left for longer than a fifth of a second')
  isCrowded = true
  assert.is(batch(200, false), 600, 'others have three quarters of the time')
  assert.is(batch(5_000, false), 1_000, 'and never all of it')
  isCrowded = false
  assert.is(Math.max(0, lull.left()), 0)
})

test.run()
