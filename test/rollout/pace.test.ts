// Slices of work beside others: they have three quarters of the time, and the work always goes on.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createPace } from '../../src/rollout/pace.ts'

const paceBeside = (others: () => boolean) => {
  let now = 5_000
  const rests: number[] = []
  const pace = createPace({
    others,
    clock: () => now,
    signal: new AbortController().signal,
    sleep: async (ms) => {
      rests.push(ms)
      now += ms
    },
  })
  return {
    rests,
    pace,
    work(ms: number) {
      now += ms
    },
  }
}

test('with nobody else there is no rest', async () => {
  const { rests, pace, work } = paceBeside(() => false)
  for (let n = 0; n < 100; n++) {
    work(7)
    assert.not.ok(pace.isOver())
  }
  await pace.rest()
  assert.equal(rests, [])
})

test('beside others each slice is followed by three times as long, as measured at its end', async () => {
  const { rests, pace, work } = paceBeside(() => true)
  work(19)
  assert.not.ok(pace.isOver())
  work(1)
  assert.ok(pace.isOver())
  // What was under way takes its time.
  work(10)
  await pace.rest()
  assert.equal(rests, [90])
  assert.not.ok(pace.isOver(), 'a new slice')
})

test('others who came and went within the slice count', async () => {
  let came = true
  const { rests, pace, work } = paceBeside(() => {
    const did = came
    came = false
    return did
  })
  work(30)
  assert.ok(pace.isOver())
  await pace.rest()
  assert.equal(rests, [90])
  work(30)
  assert.not.ok(pace.isOver(), 'nobody came since')
})

test('no rest is longer than a second, and what was before the beginning does not count', async () => {
  const { rests, pace, work } = paceBeside(() => true)
  work(60_000)
  pace.begin()
  assert.not.ok(pace.isOver())
  work(60_000)
  await pace.rest()
  assert.equal(rests, [1_000])
})

test.run()
