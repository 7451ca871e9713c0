// Who waits for a time of day is told when timers no longer say when it is.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createNodeClock } from '../../src/time/nodeClock.ts'
import { HOUR, MINUTE, T0 } from '../given.ts'

const log = { info: () => undefined, warn: () => undefined }

/** A machine whose clocks go as a test says, looked at whenever the test ticks. */
const machine = () => {
  let [wall, steady, boot] = [T0, 0, 0]
  let tick: () => void = () => assert.unreachable('nobody listens')
  const clock = createNodeClock({
    log,
    machine: { wall: () => wall, steady: () => steady, boot: () => boot },
    onTick(listener) {
      tick = listener
      return () => {
        tick = () => undefined
      }
    },
  })
  let jumps = 0
  const stopListening = clock.onJump(() => jumps++)
  return {
    clock,
    stopListening,
    /** So many jumps are told when time goes on so, ms. */
    jumpsWhen(awake: number, asleep = 0, set = 0): number {
      jumps = 0
      wall += awake + asleep + set
      steady += awake
      boot += awake + asleep
      tick()
      return jumps
    },
  }
}

test('a sleep of the machine and a clock that is set are told once, time that goes on is not', () => {
  const { clock, jumpsWhen } = machine()
  assert.is(jumpsWhen(1_000), 0)
  assert.is(jumpsWhen(5_000), 0)
  assert.is(jumpsWhen(1_000, HOUR), 1)
  assert.is(jumpsWhen(1_000), 0)
  assert.is(clock.now(), T0 + HOUR + 8_000)
  assert.is(jumpsWhen(1_000, 0, MINUTE), 1)
  assert.is(jumpsWhen(1_000, 0, -MINUTE), 1)
  assert.is(jumpsWhen(1_000, 0, 100), 0)
})

test('a step that is not believed is no jump, nor are ticks that come sooner than is looked', () => {
  const { clock, jumpsWhen } = machine()
  assert.is(jumpsWhen(1_000, 0, HOUR), 0)
  assert.is(clock.distrust()?.kind, 'stepped')
  for (let ticks = 0; ticks < 10; ticks++) assert.is(jumpsWhen(50), 0)
  assert.is(clock.now(), T0 + 1_500)
})

test('the first time after a step is not the time of the step', () => {
  let wall = T0
  const clock = createNodeClock({
    log,
    machine: { wall: () => wall, steady: () => 0, boot: () => 0 },
    onTick: () => () => undefined,
  })
  wall += HOUR
  assert.is(clock.now(), T0)
})

test('who has stopped listening is not called, and a clock that is stopped does not look', () => {
  const { clock, stopListening, jumpsWhen } = machine()
  stopListening()
  assert.is(jumpsWhen(1_000, HOUR), 0)
  clock.stop()
  assert.is(jumpsWhen(1_000, HOUR), 0)
})

test.run()
