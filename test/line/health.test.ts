// What is known of a line: what makes it suspected, what ends that, and when it is replaced.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createHealth, type Health, type HealthLimits, type Order } from '../../src/line/health.ts'

const LIMITS: HealthLimits = { silenceMs: 1_500, graceMs: 1_000, downMs: 8_000, idleMs: 5_000, witnessEveryMs: 300 }

/** Asks for orders every 50 ms from `from` up to `to`, and gives those that are carried out in other ways than by asking. */
const watch = (health: Health, from: number, to: number, witness?: (at: number) => 'answered' | 'silent' | Error) => {
  const given: [number, Order['kind']][] = []
  for (let at = from; at <= to; at += 50)
    for (const order of health.orders(at)) {
      given.push([at, order.kind])
      const said = order.kind === 'askWitness' ? witness?.(at) : undefined
      if (said instanceof Error) health.witnessed(at, { kind: 'failed', error: said })
      else if (said !== undefined) health.witnessed(at, { kind: said })
      if (order.kind === 'replace' || order.kind === 'renew') health.replaced()
    }
  return given.filter(([, kind]) => kind !== 'askWitness' && kind !== 'askLine')
}
const kinds = (given: readonly [number, Order['kind']][]) => given.map(([, kind]) => kind)

test('a line on which nothing is waited for is never suspected, but asked now and then', () => {
  const health = createHealth(LIMITS, 0)
  const asked: number[] = []
  for (let at = 0; at < 60_000; at += 50)
    for (const { kind } of health.orders(at)) {
      assert.is(kind, 'askLine')
      asked.push(at)
      health.sent(at)
      health.answered(at)
    }
  assert.is(asked.length, 11)
  assert.ok(health.up)
})

test('whatever comes back ends the suspicion, however slow the answers are', () => {
  const health = createHealth(LIMITS, 0)
  for (let i = 0; i < 20; i++) health.sent(0)
  // One answer in seven seconds, for minutes, while a witness is answered at once or not at all.
  for (let at = 0; at < 120_000; at += 2_000) {
    assert.equal(
      watch(health, at, at + 1_950, () => (at % 4_000 === 0 ? 'silent' : 'answered')),
      [],
    )
    health.heard(at + 1_999)
  }
  assert.ok(health.up)
})

test('a line is dead when it stays silent after a witness was answered', () => {
  const health = createHealth(LIMITS, 0)
  health.sent(0)
  assert.equal(
    watch(health, 0, 5_000, () => 'answered'),
    [[2_500, 'replace']],
  )
  assert.ok(health.up)
})

test('a server that answers nobody is slow: no line is replaced, and after a while it counts as down', () => {
  const health = createHealth(LIMITS, 0)
  health.sent(0)
  assert.equal(
    watch(health, 0, 60_000, () => 'silent'),
    [[8_000, 'down']],
  )
  assert.not(health.up)
  // It wakes up: the line and the witness are answered at about the same time, in either order.
  health.witnessed(60_010, { kind: 'answered' })
  assert.ok(health.up)
  health.answered(60_020)
  assert.equal(kinds(watch(health, 60_050, 64_000, () => 'answered')), ['up'])
})

test('a line on which every question fails at once is asked now and then, not without end', () => {
  const health = createHealth(LIMITS, 0)
  health.sent(0)
  health.over()
  health.doubt(0, new Error('reset'))
  let asked = 0
  const act = (at: number): void => {
    for (const { kind } of health.orders(at)) {
      if (kind === 'askWitness') health.witnessed(at, { kind: 'failed', error: new Error('refused') })
      if (kind !== 'askLine') continue
      assert.ok(++asked < 1_000, 'asked without end')
      health.sent(at)
      health.over()
      health.doubt(at, new Error('reset'))
      act(at)
    }
  }
  for (let at = 0; at <= 30_000; at += 50) act(at)
  assert.ok(asked > 10 && asked <= 30_000 / LIMITS.witnessEveryMs, `${asked}`)
})

test('a server that refuses is down at once, and back with the first witness; the line that failed is renewed', () => {
  const health = createHealth(LIMITS, 0)
  health.sent(0)
  health.over()
  health.doubt(10, new Error('reset'))
  const given = watch(health, 50, 10_000, (at) => (at < 5_000 ? new Error('refused') : 'answered'))
  assert.equal(kinds(given), ['down', 'up', 'renew'])
  assert.ok(given[0]![0] <= 100 && given[2]![0] <= 5_350, JSON.stringify(given))
})

test('new lines that are refused say nothing of one on which answers come', () => {
  const health = createHealth(LIMITS, 0)
  health.sent(0)
  health.sent(0)
  health.doubt(10, new Error('an odd answer'))
  for (const order of health.orders(50)) assert.is(order.kind, 'askWitness')
  health.heard(60)
  health.witnessed(70, { kind: 'failed', error: new Error('too many connections') })
  assert.ok(health.up)
})

test('clients that end by themselves before anything has come hide no silence, one that was heard is news', () => {
  const health = createHealth(LIMITS, 0)
  const given: Order['kind'][] = []
  // The driver gives up after 5 s, and so do all clients after it.
  for (let at = 0; at < 12_000; at += 5_500) {
    health.sent(at)
    given.push(...kinds(watch(health, at, at + 5_000, () => 'silent')))
    health.doubt(at + 5_000, new Error('timed out'))
    health.over()
    assert.not(health.ended())
  }
  assert.equal([given, health.up], [['down'], false])
  health.witnessed(17_000, { kind: 'answered' })
  health.sent(17_010)
  health.answered(17_020)
  assert.ok(health.up)
  assert.ok(health.ended())
})

test('a line that died while the server was away is replaced when the server is back', () => {
  const health = createHealth(LIMITS, 0)
  health.sent(0)
  const given = watch(health, 0, 40_000, (at) => (at < 30_000 ? 'silent' : 'answered'))
  assert.equal(kinds(given), ['down', 'up', 'replace'])
  assert.ok(given[2]![0] <= 31_500, String(given[2]![0]))
})

test.run()
