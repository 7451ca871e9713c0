// Items that fail: a store's trouble condemns none, what fails for good is set aside, seen, and done once it can be; and the clock
// over a customer who cannot be dealt with.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { startClock } from '../../src/clock/clock.ts'
import { AppendRefused, StoreUnavailable } from '../../src/eventstore/errors.ts'
import type { ReadModel } from '../../src/readmodel/index.ts'
import type { CustomerRuntime } from '../../src/runtime/customers.ts'
import { asideInMemory } from '../aside.ts'
import { until } from '../until.ts'

test('trouble of a store is waited out, a refusal is not repeated, anything else is tried some times', async () => {
  const aside = asideInMemory()
  const { signal } = new AbortController()
  const worker = aside.quarantine('w', async () => 'done')
  const after = (failures: number, error: Error) => {
    let tries = 0
    const work = async () => {
      if (tries++ < failures) throw error
    }
    return { work, tries: () => tries }
  }
  const trouble = after(8, new StoreUnavailable('down'))
  const refused = after(9, new AppendRefused('bad_stream', 'no such name'))
  const poison = after(99, new Error('no such thing'))
  const done = await Promise.all(
    [trouble, refused, poison].map(({ work }, i) => worker.attempt({ key: `item-${i}` }, work, signal)),
  )
  assert.equal(done, [true, false, false])
  assert.equal([trouble.tries(), refused.tries(), poison.tries()], [9, 1, 6])
  assert.is(aside.failedOf('w'), 2)
  const outcomes = (await aside.retry({})).map(({ fact, outcome }) => [fact, outcome])
  assert.equal(outcomes.sort(), [
    ['item-1', 'done'],
    ['item-2', 'done'],
  ])
  assert.equal(await aside.failures(10), [])
  await aside.stop()
})

test('the clock sets aside whom it cannot deal with, and deals with all others', async () => {
  const aside = asideInMemory(20)
  let isMended = false
  const dealt = new Set<string>()
  const due = ['bad', 'ann', 'bob'].map((_id, i) => ({ _id, dueAt: new Date(i) }))
  const readModel = {
    collection: () => ({ find: async () => due.filter(({ _id }) => !dealt.has(_id)) }),
  } as unknown as ReadModel
  const customers = {
    async execute(id: string) {
      if (id === 'bad' && !isMended) throw new Error('no such thing')
      dealt.add(id)
    },
  } as unknown as CustomerRuntime
  const log = { warn: () => undefined }
  const clock = startClock({
    readModel,
    customers,
    aside,
    log,
    time: { now: Date.now, distrust: () => undefined, onJump: () => () => undefined },
    requestId: () => 'r',
  })
  await until(() => dealt.size === 2, Boolean, 30_000)
  await until(() => aside.failedOf('clock') === 1, Boolean, 30_000)
  const [failure] = await aside.failures(1)
  assert.equal([failure?.process, failure?.fact, failure?.error], ['clock', 'bad', 'no such thing'])
  isMended = true
  await until(() => dealt.has('bad'), Boolean, 30_000)
  await clock.stop()
  await aside.stop()
})

test.run()
