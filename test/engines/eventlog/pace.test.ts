import * as assert from 'uvu/assert'
import { createPace } from '../../../src/engines/eventlog/log/pace.ts'
import { test } from '../../uvu.ts'

/** `clients` that each send again so many ms after their answer, while a commit takes `commitMs`. Gives how many each commit had. */
const run = (clients: number, thinkMs: number, commitMs: number, commits: number): number[] => {
  const pace = createPace()
  const next = Array.from({ length: clients }, (_, i) => i * 0.1)
  const counts: number[] = []
  let now = 0
  while (counts.length < commits) {
    const due = next.toSorted((a, b) => a - b)
    const [first] = due
    now = Math.max(now, first!)
    const waiting = () => next.filter((at) => at <= now).length
    for (let ms = pace.restMs(now, waiting()); ms > 0; ms = pace.restMs(now, waiting())) {
      const arrival = next.filter((at) => at > now).toSorted((a, b) => a - b)[0] ?? Number.POSITIVE_INFINITY
      now = Math.min(now + ms, arrival)
    }
    const count = waiting()
    const began = now
    now += commitMs
    pace.committed(began, now, count)
    counts.push(count)
    for (const [i, at] of next.entries()) if (at <= began) next[i] = now + thinkMs * (0.5 + i / clients)
  }
  return counts
}

test('who appends alone never waits for others', () => {
  const pace = createPace()
  for (let now = 0; now < 100; now += 2) {
    assert.is(pace.restMs(now, 1), 0)
    pace.committed(now, now + 1, 1)
  }
})

test('a crowd that comes one by one is gathered, for a bounded time', () => {
  const counts = run(64, 40, 1, 200).slice(50)
  assert.ok(counts.reduce((sum, count) => sum + count, 0) / counts.length > 4, String(counts))
  const pace = createPace()
  pace.committed(0, 1_000, 2)
  assert.is(pace.restMs(1_000, 1), 8)
})

test('a small crowd that is complete is waited for no longer', () => {
  const pace = createPace()
  pace.committed(0, 1, 2)
  assert.is(pace.restMs(1, 1), 3)
  assert.is(pace.restMs(1, 2), 0)
})

test.run()
