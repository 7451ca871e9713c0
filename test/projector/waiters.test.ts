// Waiting for positions: who is told when, with a model beside it, and that those who give up leave nothing behind.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createLull } from '../../src/projector/lull.ts'
import { createWaiters } from '../../src/projector/waiters.ts'
import fc from '../fc.ts'

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

const batches = () => {
  const state = { now: 0, isCrowded: false }
  const lull = createLull({ isCrowded: () => state.isCrowded, clock: () => state.now })
  return {
    state,
    left: () => Math.max(0, lull.left()),
    /** Takes a batch of so many ms, and answers how long the next one can be left. */
    batch(ms: number, isSmall: boolean) {
      lull.taken(isSmall)
      state.now += ms
      lull.done()
      return Math.max(0, lull.left())
    },
  }
}

test('after a quiet moment small batches follow one another at once, and in the long run they take an eighth of the time', () => {
  const { batch, state } = batches()
  assert.equal([batch(10, true), batch(10, true), batch(10, true)], [0, 0, 0])
  let worked = 30
  while (state.now < 100_000) {
    state.now += batch(10, true)
    worked += 10
  }
  assert.ok(Math.abs(worked - 40 - state.now / 8) < 20, `${worked} ms of ${state.now}`)
  assert.is(batch(150, true), 50, 'a fifth of a second after the one before at the latest')
  assert.is(batch(10, false), 0, 'more is there already')
  state.now += 1_000
  assert.equal([batch(10, true), batch(10, true)], [0, 0], 'a quiet moment is credit again')
})

test('all batches are followed by a rest while commands are crowded', () => {
  const { batch, state, left } = batches()
  state.isCrowded = true
  assert.is(batch(200, false), 600, 'others have three quarters of the time')
  assert.is(batch(5_000, false), 1_000, 'and never all of it')
  state.isCrowded = false
  assert.is(left(), 0)
})

test.run()
