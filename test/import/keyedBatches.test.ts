// Batches by key keep the order of each key, hold few batches, and stop at the first error.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createKeyedBatches } from '../../src/import/keyedBatches.ts'
import fc from '../fc.ts'
import { times } from '../soak.ts'

interface Item {
  readonly key: string
  readonly size: number
  readonly n: number
}

test('every item is sent once, in its key’s order, within the bounds, never more in flight than allowed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'), fc.integer({ min: 1, max: 60 })), {
        maxLength: 200,
      }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 9 }),
      fc.scheduler(),
      async (given, atOnce, maxItems, scheduler) => {
        const sent: Item[] = []
        let flying = 0
        let most = 0
        const out = createKeyedBatches<Item>({
          atOnce,
          maxItems,
          maxBytes: 100,
          send: async (batch) => {
            assert.ok(batch.length <= maxItems)
            assert.ok(batch.length === 1 || batch.reduce((sum, { size }) => sum + size, 0) <= 100)
            most = Math.max(most, ++flying)
            await scheduler.schedule(Promise.resolve())
            sent.push(...batch)
            flying--
          },
        })
        const items = given.map(([key, size], n): Item => ({ key, size, n }))
        const all = (async () => {
          for (const item of items) await out.offer(item)
          await out.finish()
        })()
        await scheduler.waitFor(all)
        assert.ok(most <= atOnce)
        assert.equal(
          sent.map(({ n }) => n).sort((a, b) => a - b),
          items.map(({ n }) => n),
        )
        for (const key of new Set(items.map((item) => item.key))) {
          const order = sent.filter((item) => item.key === key).map(({ n }) => n)
          assert.equal(
            order,
            [...order].sort((a, b) => a - b),
          )
        }
      },
    ),
    { numRuns: times(100, 2_000) },
  )
})

test('the first error ends it: nothing more is sent, and whoever offers or finishes hears of it', async () => {
  let sent = 0
  const out = createKeyedBatches<Item>({
    atOnce: 2,
    maxItems: 1,
    maxBytes: 100,
    send: async () => {
      sent++
      throw new Error('broken')
    },
  })
  await out.offer({ key: 'a', size: 1, n: 1 })
  await out.settle()
  const heard = async (run: () => Promise<void>) => {
    try {
      await run()
      return 'nothing'
    } catch (error) {
      return error instanceof Error ? error.message : ''
    }
  }
  assert.is(await heard(() => out.offer({ key: 'a', size: 1, n: 2 })), 'broken')
  assert.is(await heard(() => out.finish()), 'broken')
  assert.is(sent, 1)
})

test.run()
