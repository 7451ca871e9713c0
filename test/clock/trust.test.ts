// Whether the machine's clock is believed: given what the clocks said, what time is it, and is it told?

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { confirm, firstLook, look, STEP_MS, type Trust, testify, timeOf } from '../../src/time/trust.ts'
import fc from '../fc.ts'
import { DAY, HOUR, MINUTE, T0 } from '../given.ts'

const SECOND = 1_000

/** What happens one after the other: time goes by, and clocks are set. */
type Step =
  | { readonly goes: number }
  | { readonly set: number }
  /** The document store's clock is heard, so far ahead of the right time. */
  | { readonly hears: number }
  | 'confirmed'

/** The clock is `off` from the right time at the start; the log's newest fact is so old. */
const given = ({ off = 0, newest }: { readonly off?: number; readonly newest?: number }) => ({
  when(...steps: readonly Step[]) {
    let right = T0
    let wall = T0 + off
    const reading = () => ({ wall, boot: right - T0 })
    let trust: Trust = firstLook(reading(), newest)
    for (const step of steps) {
      if (step === 'confirmed') trust = confirm(trust, reading())
      else if ('hears' in step) trust = testify(trust, { time: right + step.hears, boot: right - T0 }, reading())
      else if ('set' in step) wall += step.set
      else {
        right += step.goes
        wall += step.goes
      }
      trust = look(trust, reading())
    }
    return {
      gives(off: number, kind?: string) {
        assert.equal([timeOf(trust, reading()) - right, trust.distrust?.kind], [off, kind])
        if (trust.distrust) assert.is(trust.distrust.aheadMs, wall - timeOf(trust, reading()))
      },
    }
  },
})

test('a clock that runs on is believed, however long the machine slept, and so is a small correction', () => {
  given({})
    .when({ goes: 3 * DAY })
    .gives(0)
  given({})
    .when({ goes: HOUR }, { set: 2 * MINUTE })
    .gives(2 * MINUTE)
  given({ newest: T0 - 400 * DAY })
    .when({ goes: HOUR })
    .gives(0)
})

test('a step is noticed at once, time goes on as before, and the step back ends it', () => {
  given({})
    .when({ goes: HOUR }, { set: 40 * DAY })
    .gives(0, 'stepped')
  given({})
    .when({ set: 40 * DAY }, { goes: 10 * SECOND })
    .gives(0, 'stepped')
  given({})
    .when({ set: 40 * DAY }, { goes: 10 * SECOND }, { set: -40 * DAY })
    .gives(0)
  given({})
    .when({ set: -2 * HOUR }, { goes: 3 * DAY })
    .gives(0, 'stepped')
})

test('small steps that come fast add up', () => {
  given({})
    .when({ set: 3 * MINUTE }, { goes: MINUTE }, { set: 3 * MINUTE })
    .gives(600, 'stepped')
  given({})
    .when({ set: 3 * MINUTE }, { goes: 6 * HOUR }, { set: 3 * MINUTE })
    .gives(6 * MINUTE)
})

test('a clock behind the log is not believed until it has come up', () => {
  given({ newest: T0, off: -20 * DAY })
    .when({ goes: HOUR })
    .gives(0, 'behind_log')
  given({ newest: T0, off: -20 * DAY })
    .when({ goes: HOUR }, { set: 20 * DAY })
    .gives(0)
  // Switched off for two days, with a clock that began at nothing: what it says when it has been set is right.
  given({ newest: T0 - 2 * DAY, off: -9_000 * DAY })
    .when({ goes: HOUR }, { set: 9_000 * DAY })
    .gives(0)
})

test('the clock of another machine decides', () => {
  given({ off: 40 * DAY })
    .when({ hears: 0 })
    .gives(0, 'differs_from_store')
  given({ off: 40 * DAY })
    .when({ hears: 0 }, { goes: HOUR }, { hears: 0 }, { set: -40 * DAY })
    .gives(0)
  given({ newest: T0 + 40 * DAY })
    .when({ goes: MINUTE }, { hears: 0 })
    .gives(0)
  given({ newest: T0 - HOUR, off: -20 * DAY })
    .when({ hears: 7 })
    .gives(7, 'differs_from_store')
})

test('a clock that moves together with this one says nothing', () => {
  given({})
    .when({ hears: 0 }, { set: 40 * DAY }, { hears: 40 * DAY })
    .gives(0, 'stepped')
  given({})
    .when({ hears: 0 }, { set: 40 * DAY }, { hears: 40 * DAY }, { set: -40 * DAY }, { hears: 0 })
    .gives(0)
})

test('an operator who confirms the clock is believed, whatever else is said', () => {
  given({})
    .when({ set: 40 * DAY }, 'confirmed', { goes: HOUR })
    .gives(40 * DAY)
  given({ newest: T0 + 40 * DAY })
    .when('confirmed')
    .gives(0)
  given({ off: HOUR }).when({ hears: 0 }, 'confirmed', { goes: MINUTE }, { hears: 0 }).gives(HOUR)
  // Once they agree the other machine's clock counts again.
  given({ off: HOUR })
    .when({ hears: 0 }, 'confirmed', { hears: HOUR }, { set: HOUR }, { hears: HOUR })
    .gives(HOUR, 'stepped')
})

test('however the clock is set and set back, time never leaves the right one by more than it may', () => {
  const step = fc.oneof(
    fc.record({ goes: fc.integer({ min: 0, max: HOUR }) }),
    fc.record({ set: fc.integer({ min: -50 * DAY, max: 50 * DAY }) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      let right = T0
      let wall = T0
      let trust = firstLook({ wall, boot: 0 })
      for (const one of steps) {
        if ('set' in one) wall += one.set
        else {
          right += one.goes
          wall += one.goes
        }
        const reading = { wall, boot: right - T0 }
        trust = look(trust, reading)
        const followed = (right - T0) * 0.01
        assert.ok(Math.abs(timeOf(trust, reading) - right) <= STEP_MS + followed)
      }
    }),
  )
})

test.run()
