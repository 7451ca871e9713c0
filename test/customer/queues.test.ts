// Queues by name: the order of a name is kept, what comes in one turn goes together, and no name waits for another.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createQueues } from '../../src/runtime/queues.ts'

/** Queues whose lots are handled when the test says so. */
const watched = (most: number) => {
  const lots: { readonly name: string; readonly items: readonly number[]; readonly done: () => void }[] = []
  const queues = createQueues<number>(
    most,
    (name, items) => new Promise((resolve) => lots.push({ name, items, done: resolve })),
  )
  return { queues, lots, seen: () => lots.map(({ name, items }) => [name, ...items]) }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('what is pushed in one turn goes together, at most so many at a time', async () => {
  const { queues, lots, seen } = watched(3)
  for (const item of [1, 2, 3, 4]) queues.push('a', item)
  await turn()
  assert.equal(seen(), [['a', 1, 2, 3]])
  queues.push('a', 5)
  lots[0]!.done()
  await turn()
  assert.equal(seen(), [
    ['a', 1, 2, 3],
    ['a', 4, 5],
  ])
})

test('a name that is handled keeps no other waiting, and begins anew once it is empty', async () => {
  const { queues, lots, seen } = watched(3)
  queues.push('a', 1)
  await turn()
  queues.push('b', 2)
  await turn()
  assert.equal(seen(), [
    ['a', 1],
    ['b', 2],
  ])
  lots[0]!.done()
  await turn()
  queues.push('a', 3)
  await turn()
  assert.equal(seen().at(-1), ['a', 3])
})

test.run()
