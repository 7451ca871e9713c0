// The state of a persistent subscription's group, without a log, a wire or a clock.

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  createGroup,
  type Effect,
  type Group,
  type GroupRules,
  type Message,
} from '../../../src/engines/eventlog/persistent/group.ts'
import { choose, STRATEGIES } from '../../../src/engines/eventlog/persistent/strategy.ts'
import fc from '../../fc.ts'
import { times } from '../../soak.ts'

const test = suite('persistent group')

const RULES: GroupRules = {
  strategy: 'RoundRobin',
  messageTimeoutMs: 100,
  maxRetryCount: 2,
  maxSubscribers: 0,
  bufferSize: 10,
  checkpointAfterMs: 1_000,
  minCheckpointCount: 1,
  maxCheckpointCount: 3,
}
const message = (n: number): Message => ({ id: `m${n}`, place: n, position: n * 100, pin: `p${n % 3}`, retries: 0 })
const messages = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => message(from + i))
const given = (
  rules: Partial<GroupRules>,
  offered: readonly Message[],
  ...consumers: readonly [string, number][]
): Group => {
  const group = createGroup({ ...RULES, ...rules }, undefined)
  for (const [key, slots] of consumers) group.connect(key, slots)
  group.offer(offered)
  return group
}
const sends = (effects: readonly Effect[]) =>
  effects.flatMap((one) => (one.kind === 'send' ? [`${one.consumer}:${one.message.place}:${one.message.retries}`] : []))
const kinds = (effects: readonly Effect[]) =>
  effects.flatMap((one) =>
    one.kind === 'send' ? [] : [one.kind === 'park' ? `park ${one.message.place}` : `checkpoint ${one.place}`],
  )

test('consumers get as many as they take, in turn', () => {
  const group = given({}, messages(0, 5), ['a', 2], ['b', 1])
  assert.equal(sends(group.next(0)), ['a:0:0', 'b:1:0', 'a:2:0'])
  assert.equal(sends(group.next(1)), [])
  group.ack('b', ['m1'], 2)
  assert.equal(sends(group.next(2)), ['b:3:0'])
})

test('the checkpoint is what everything before is done', () => {
  const group = given({ maxCheckpointCount: 1 }, messages(0, 3), ['a', 9])
  group.next(0)
  group.ack('a', ['m1', 'm2'], 1)
  assert.equal(kinds(group.next(1)), [])
  group.ack('a', ['m0'], 2)
  assert.equal(kinds(group.next(2)), ['checkpoint 2'])
  group.skipTo(9)
  assert.equal(kinds(group.next(3)), ['checkpoint 9'])
})

test('it is written after so many, or after so long when there are enough', () => {
  const group = given({ minCheckpointCount: 2, maxCheckpointCount: 3 }, messages(0, 9), ['a', 9])
  group.next(0)
  group.ack('a', ['m0'], 1)
  assert.equal(kinds(group.next(5_000)), [])
  const again = given({ messageTimeoutMs: 0, minCheckpointCount: 2 }, messages(0, 9), ['a', 9])
  again.next(0)
  again.ack('a', ['m0', 'm1'], 1)
  assert.equal(kinds(again.next(999)), [])
  assert.equal(kinds(again.next(1_000)), ['checkpoint 1'])
  again.ack('a', ['m2', 'm3', 'm4'], 1_001)
  assert.equal(kinds(again.next(1_001)), ['checkpoint 4'])
})

test('no answer in time: again with its count, in the end parked, and done once that is written', () => {
  const group = given({ maxCheckpointCount: 1, maxRetryCount: 1 }, messages(0, 1), ['a', 1])
  assert.equal(sends(group.next(0)), ['a:0:0'])
  assert.equal(sends(group.next(99)), [])
  assert.equal(sends(group.next(100)), ['a:0:1'])
  const [parked] = group.next(200)
  assert.is(parked?.kind, 'park')
  assert.equal(kinds(group.next(201)), [])
  group.parked({ ...message(0), retries: 1 })
  assert.equal(kinds(group.next(202)), ['checkpoint 0'])
})

test('what somebody had who goes is sent to others before anything new; his late answer counts for nothing', () => {
  const group = given({ strategy: 'DispatchToSingle' }, messages(0, 4), ['a', 2], ['b', 9])
  assert.equal(sends(group.next(0)), ['a:0:0', 'a:1:0', 'b:2:0', 'b:3:0'])
  group.disconnect('a')
  group.ack('a', ['m0'], 1)
  group.offer([message(4)])
  assert.equal(sends(group.next(1)), ['b:0:1', 'b:1:1', 'b:4:0'])
})

test('who does not take what was sent gets nothing more, and others do', () => {
  const group = given({}, messages(0, 4), ['a', 9], ['b', 9])
  group.hold('a')
  assert.equal(sends(group.next(0)), ['b:0:0', 'b:1:0', 'b:2:0', 'b:3:0'])
  group.offer([message(4), message(5)])
  group.letGo('a')
  group.hold('b')
  assert.equal(sends(group.next(1)), ['a:4:0', 'a:5:0'])
})

test('a consumer too many is not taken', () => {
  const group = given({ maxSubscribers: 1 }, [], ['a', 1])
  assert.is(group.connect('b', 1), false)
  group.disconnect('a')
  assert.is(group.connect('b', 1), true)
})

test('pins stay with their consumer; when one goes, only its own move', () => {
  const three = ['a', 'b', 'c'].map((key) => ({ key, free: 1 }))
  for (let n = 0; n < 100; n++) {
    const owner = choose('Pinned', three, `stream-${n}`, n)!
    const without = three.filter(({ key }) => key !== 'c')
    if (owner.key !== 'c') assert.is(choose('Pinned', without, `stream-${n}`, 0)!.key, owner.key)
    const busy = three.map((one) => (one.key === owner.key ? { ...one, free: 0 } : one))
    assert.is(choose('Pinned', busy, `stream-${n}`, 0), undefined)
  }
})

/** What can happen to a group; numbers choose among what is there. */
const Step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('answer' as const),
      pick: fc.nat(50),
      how: fc.constantFrom('ack', 'retry', 'park', 'skip'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('offer' as const), pick: fc.nat(5), how: fc.constant('ack') }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('connect' as const, 'disconnect' as const),
      pick: fc.nat(3),
      how: fc.constant('ack'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), pick: fc.nat(200), how: fc.constant('ack') }) },
)

test('whatever happens: nothing is lost or skipped by a checkpoint, nobody has too much, and in the end all is done', () => {
  const SLOTS = 3
  fc.assert(
    fc.property(fc.constantFrom(...STRATEGIES), fc.array(Step, { maxLength: 120 }), (strategy, steps) => {
      const group = createGroup({ ...RULES, strategy }, undefined)
      const connected = new Set<string>()
      const out = new Map<string, { readonly message: Message; readonly consumer: string }>()
      const isDone = new Set<number>()
      let [offered, now, checkpoint] = [0, 0, -1]
      const act = () => {
        for (const effect of group.next(now)) {
          if (effect.kind === 'send') {
            assert.ok(connected.has(effect.consumer), 'sent to somebody who is there')
            assert.ok(!isDone.has(effect.message.place!), 'what is done is not sent again')
            out.set(effect.message.id, effect)
          } else if (effect.kind === 'park') {
            out.delete(effect.message.id)
            isDone.add(effect.message.place!)
            group.parked(effect.message)
          } else {
            assert.ok(effect.place > checkpoint, 'never backwards')
            checkpoint = effect.place
            for (let n = 0; n <= checkpoint; n++) assert.ok(isDone.has(n), `${n} is done before ${checkpoint}`)
          }
        }
        for (const { inFlight } of group.status().consumers) assert.ok(inFlight <= SLOTS)
      }
      const answer = (id: string, how: string) => {
        const { message, consumer } = out.get(id)!
        out.delete(id)
        if (!connected.has(consumer)) return
        if (how === 'ack') group.ack(consumer, [id], now)
        else group.nack(consumer, [id], how as 'retry' | 'park' | 'skip', '', now)
        if (how === 'ack' || how === 'skip') isDone.add(message.place!)
      }
      for (const step of steps) {
        if (step.do === 'answer' && out.size > 0) {
          // Only within the time limit: later ones are nobody's any more.
          answer([...out.keys()][step.pick % out.size]!, step.how)
        } else if (step.do === 'offer') {
          const count = Math.min(step.pick, group.room())
          group.offer(messages(offered, offered + count))
          offered += count
        } else if (step.do === 'connect') {
          const key = `c${step.pick}`
          if (!connected.has(key)) group.connect(key, SLOTS)
          connected.add(key)
        } else if (step.do === 'disconnect') {
          group.disconnect(`c${step.pick}`)
          connected.delete(`c${step.pick}`)
          for (const [id, { consumer }] of out) if (consumer === `c${step.pick}`) out.delete(id)
        } else if (step.do === 'wait') {
          now += step.pick
          if (step.pick >= RULES.messageTimeoutMs) out.clear()
        }
        act()
      }
      if (!connected.has('last')) group.connect('last', SLOTS)
      connected.add('last')
      for (let round = 0; isDone.size < offered; round++) {
        assert.ok(round < 2_000, 'it comes to an end')
        act()
        for (const id of [...out.keys()]) answer(id, 'ack')
        now += 50
      }
      act()
      assert.is(group.status().done, offered === 0 ? undefined : offered - 1)
    }),
    { numRuns: times(300, 20_000) },
  )
})

test.run()
