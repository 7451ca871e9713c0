// The clock's own timing: a deadline is dealt with at its instant, never a moment before, also when timers stood still.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { startClock } from '../../src/clock/clock.ts'
import type { ReadModel } from '../../src/readmodel/index.ts'
import type { CustomerRuntime } from '../../src/runtime/customers.ts'
import { asideInMemory } from '../aside.ts'
import { until } from '../until.ts'

const silent = () => undefined
const log = { debug: silent, info: silent, warn: silent, error: silent } as unknown as Parameters<
  typeof startClock
>[0]['log']

test('a timer that is early by the wall clock does not let a deadline pass unseen', async () => {
  const dueAt = new Date(1_800_000_000_000)
  const readModel = {
    collection: () => ({ find: async () => [{ _id: 'ann', dueAt }] }),
  } as unknown as ReadModel
  const times: number[] = []
  const customers = {
    execute: async (_id: string, _command: unknown, { now }: { now: number }) => void times.push(now),
  } as unknown as CustomerRuntime
  // The wall clock stands a millisecond before the deadline, whatever the timer has waited.
  const aside = asideInMemory()
  const clock = startClock({
    readModel,
    customers,
    aside,
    log,
    time: { now: () => dueAt.getTime() - 1, distrust: () => undefined, onJump: () => silent },
    requestId: () => 'r',
  })
  await until(() => times.length > 0)
  await clock.stop()
  await aside.stop()
  assert.equal(times, [dueAt.getTime()])
})

test('with nothing due the read model is left alone until the first deadline, or until it moves', async () => {
  let at = 1_800_000_000_000
  let asked = 0
  const all: { _id: string; dueAt: Date }[] = [{ _id: 'ann', dueAt: new Date(at + 3_600_000) }]
  const readModel = {
    collection: () => ({
      find: async (filter: { dueAt?: { $lte: Date } }) => {
        asked++
        return all.filter(({ dueAt }) => filter.dueAt === undefined || dueAt <= filter.dueAt.$lte)
      },
    }),
  } as unknown as ReadModel
  const passed: string[] = []
  const customers = { execute: async (id: string) => void passed.push(id) } as unknown as CustomerRuntime
  let tell: () => void = () => undefined
  let isWatched = true
  let jump: () => void = () => undefined
  let isMinding = true
  const onMoved = (moved: () => void) => {
    tell = moved
    return () => {
      isWatched = false
    }
  }
  const aside = asideInMemory()
  const clock = startClock({
    readModel,
    customers,
    aside,
    log,
    time: {
      now: () => at,
      distrust: () => undefined,
      onJump(listener) {
        jump = listener
        return () => {
          isMinding = false
        }
      },
    },
    requestId: () => 'r',
    onMoved,
  })
  await until(() => asked === 1)
  const ticks = () => new Promise((resolve) => setTimeout(resolve, 450))
  await ticks()
  assert.is(asked, 1)
  all.unshift({ _id: 'bob', dueAt: new Date(at) })
  tell()
  await until(() => passed.length === 1)
  assert.equal(passed, ['bob'])
  all.shift()
  tell()
  await until(() => asked >= 4)
  // The machine has slept for longer than the timers know.
  at += 3_600_000
  jump()
  await until(() => passed.length === 2, Boolean, 10_000)
  assert.equal(passed, ['bob', 'ann'])
  await clock.stop()
  await aside.stop()
  assert.equal([isWatched, isMinding], [false, false])
})

test.run()
