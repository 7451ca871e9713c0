// A draft tried on a very long history: the same as if it had been there, with little of the stream in memory.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Simulated, simulate } from '../../src/audit/simulate.ts'
import { customerStream } from '../../src/domain/ids.ts'
import type { RecordedFact } from '../../src/domain/recorded.ts'
import type { EventStore } from '../../src/eventstore/index.ts'
import { HOUR, track, type World, world } from '../given.ts'
import { rulebookHistory } from './rulebookHistory.ts'

const shop = (): World => {
  const w = world()
  w.define('eventSchema', 'ms_bought', { name: 'bought', schema: { properties: { amount: { type: 'number' } } } })
  return w
}

/** A log with one customer, whose facts can be looked at only as long as they are at hand. */
const logOf = (w: World): EventStore =>
  ({
    head: async () => BigInt(w.stream.length),
    subscribeAll: async () => ({
      next: async () => ({ facts: w.recorded().slice(0, 1), unreadable: [], position: undefined, caughtUp: true }),
      close: async () => {},
    }),
    async *readStream(stream: string) {
      if (stream !== customerStream('cust_test')) return
      const handed: { readonly revoke: () => void }[] = []
      for (const fact of w.recorded()) {
        const data = Proxy.revocable(fact.data as object, {})
        handed.push(data)
        // Whoever kept it fails when looking at it.
        if (handed.length > 20) handed.shift()!.revoke()
        yield { ...fact, data: data.proxy } as RecordedFact
      }
    },
  }) as unknown as EventStore

const tried = async (w: World, definition: object): Promise<Simulated> => {
  const begun = await simulate({
    store: logOf(w),
    rulebooks: rulebookHistory(w),
    draft: { kind: 'segment', definition: { type: 'auto-update', ...definition } },
    now: w.now,
  })
  if (typeof begun !== 'function') throw new Error(begun.refused.details)
  const simulated = await begun()
  assert.equal(simulated.failed, [])
  return simulated
}

test('what a later definition asks of the past is known, though none of the past is held', async () => {
  const w = shop()
  const buy = () => {
    w.facts(track('bought', { occurredAt: w.now, metadata: { amount: 2 } }))
    w.wait(HOUR)
  }
  for (let n = 0; n < 60; n++) buy()
  const many = { event: 'bought', count: { $more_than: 70 }, within: 'P30D' } as const
  w.define('segment', 'seg_many', { name: 'many', type: 'auto-update', condition: many })
  for (let n = 0; n < 30; n++) buy()
  const rich = {
    event: 'bought',
    sum: { property: 'amount', $more_than: 190 },
    where: [{ property: 'amount', $is: 2 }],
  }
  w.define('segment', 'seg_rich', { name: 'rich', type: 'auto-update', condition: rich })
  for (let n = 0; n < 30; n++) buy()
  const entered = w.stream.filter(({ type }) => type === 'SegmentEntered').length
  assert.is(entered, 2)

  // The draft leans on what the later ones are about, and on a segment that is there only from then on.
  for (const condition of [many, rich]) {
    const { would, others } = await tried(w, { name: 'draft', condition })
    assert.equal([would.SegmentEntered?.facts, others], [1, {}], JSON.stringify(condition))
  }
})

test.run()
