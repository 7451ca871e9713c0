// What was decided while a clock was wrong: found by the log's times alone, and taken back where it can be.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type TakenBack, takeBack } from '../../commands/clockTakeBack.ts'
import { auditClock, earlyDecisions } from '../../src/audit/clock.ts'
import { createStepFinder } from '../../src/audit/clockSteps.ts'
import type { RawRecord } from '../../src/eventstore/codec.ts'
import { systemMachine } from '../../src/time/nodeClock.ts'
import { TooBusy } from '../../src/trouble.ts'
import fc from '../fc.ts'
import { DAY, HOUR, MINUTE, T0 } from '../given.ts'
import { type TestNode, testNode } from '../system/node.ts'
import { envOf, tributary } from '../tributary.ts'
import { until } from '../until.ts'

const given = (...created: readonly number[]) => ({
  finds(...periods: readonly (readonly [kind: string, from: number, to: number])[]) {
    const finder = createStepFinder()
    for (const [i, at] of created.entries()) finder.see({ position: BigInt(i), created: T0 + at })
    assert.equal(
      finder.end().map(({ kind, from, to }) => [kind, Number(from), Number(to)]),
      periods,
    )
  },
})

test('idle shops, and times that differ a little, are no steps', () => {
  given().finds()
  given(0, 3 * DAY, 3 * DAY + 1, 40 * DAY).finds()
  given(0, 4 * MINUTE, MINUTE, 5 * MINUTE).finds()
})

test('a clock that was ahead, at the start, in the middle and twice', () => {
  given(0, MINUTE, 40 * DAY, 40 * DAY + 1, 2 * MINUTE, HOUR).finds(['ahead', 2, 3])
  given(40 * DAY, 0, MINUTE).finds(['ahead', 0, 0])
  given(0, DAY, 40 * DAY, DAY + 1, 2 * DAY, 50 * DAY, 2 * DAY + 1).finds(['ahead', 2, 2], ['ahead', 5, 5])
  // That the time comes in the end makes it no less wrong before.
  given(0, 9 * DAY, MINUTE, HOUR, DAY, 2 * DAY, 20 * DAY).finds(['ahead', 1, 1])
})

test('a clock that was behind for a moment puts nobody else in the wrong', () => {
  given(0, HOUR, 2 * HOUR, 3 * HOUR, -40 * DAY, 3 * HOUR + 1, 4 * HOUR).finds(['behind', 4, 4])
})

test('a log whose times never go back has no periods', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 90 * DAY })), (gaps) => {
      let at = 0
      given(
        ...gaps.map((gap) => {
          at += gap
          return at
        }),
      ).finds()
    }),
  )
})

const record = (i: number, created: number, type: string, now: number, data: unknown = {}): RawRecord => ({
  stream: 'customer-ann',
  revision: BigInt(i),
  position: BigInt(i),
  id: `f${i}`,
  type,
  data,
  metadata: { now },
  created,
})
const auditOf = (...records: readonly RawRecord[]) =>
  auditClock(async function* () {
    yield* records
  })

test('only what was decided for a time that had not come is told, with what can be given back', async () => {
  const ahead = T0 + 40 * DAY
  const report = await auditOf(
    record(0, T0, 'CustomEventTracked', T0),
    record(1, ahead, 'SegmentLeft', T0 + 30 * DAY),
    record(2, ahead, 'PointsExpired', T0 + 10 * DAY, {
      card: { id: 'v_1', code: 'C' },
      points: 70,
      lots: [{ bucket: 'b', points: 70, expiresAt: T0 + 10 * DAY }],
    }),
    // A node whose own clock was believed goes by the right time, whatever its store stamps.
    record(3, ahead, 'CustomEventTracked', T0 + 2),
    record(4, T0 + MINUTE, 'SegmentLeft', T0 - DAY),
  )
  assert.equal(report.counts, { SegmentLeft: 1, PointsExpired: 1 })
  assert.equal(
    report.decisions.map(({ fact, points, stays }) => [fact, points?.points, stays !== undefined]),
    [
      ['f1', undefined, true],
      ['f2', 70, false],
    ],
  )
  // A store with a clock of its own says it of each fact.
  assert.equal((await auditOf(record(0, T0, 'SegmentLeft', ahead))).counts, { SegmentLeft: 1 })
  assert.ok((await auditOf(record(0, T0, 'SegmentLeft', T0 - DAY))).holds)
})

test('whoever takes back goes through all of them, however many', async () => {
  const many = 1_500
  const records = Array.from({ length: many }, (_, i) =>
    record(i, T0, 'PointsExpired', T0 + 10 * DAY, { card: { id: 'v_1', code: 'C' }, points: 1 }),
  )
  const report = await auditOf(...records)
  assert.equal(report.counts, { PointsExpired: many })
  assert.ok(report.decisions.length < many)
  const found: string[] = []
  for await (const { fact } of earlyDecisions(async function* () {
    yield* records
  }))
    found.push(fact)
  assert.equal(
    found,
    records.map(({ id }) => id),
  )
})

const balanceOf = async (node: TestNode, code: string): Promise<number> =>
  (await node.call('GET', `/v1/loyalties/members/${code}`)).body.loyalty_card?.balance

test('points that expired under a wrong clock are found and given back, once', async () => {
  let node = await testNode()
  const { dir } = node
  const program = await node.call('POST', '/v1/loyalties', { name: 'club' }, { as: 'admin' })
  const made = await node.call('POST', `/v1/loyalties/${program.body.id}/members`, { customer: { source_id: 'ann' } })
  const { code } = made.body
  const expiration_date = new Date(Date.now() + 10 * DAY).toISOString()
  const added = await node.call('POST', `/v1/loyalties/members/${code}/balance`, {
    points: 70,
    expiration_type: 'CUSTOM_DATE',
    expiration_date,
  })
  assert.is(added.status, 200, JSON.stringify(added.body))
  await until(async () => (await balanceOf(node, code)) === 70)
  assert.is((await tributary(['audit', 'clock'], envOf(node))).code, 0)
  const nothing = await tributary(['audit', 'clock', '--take-back'], envOf(node))
  assert.equal([nothing.code, nothing.out], [0, 'Nothing was decided for a time that had not come.\n'])
  await node.stop()
  // An idle shop, as far as anybody can tell: this clock is believed.
  node = await testNode({}, dir, { machine: { ...systemMachine, wall: () => Date.now() + 40 * DAY } })
  await until(async () => (await balanceOf(node, code)) === 0)
  await node.stop()
  node = await testNode({}, dir)
  try {
    const told = await tributary(['audit', 'clock'], envOf(node))
    assert.is(told.code, 1, told.err)
    assert.match(told.out, /1 × PointsExpired for a time that had not come/)
    const { store, clock, customers } = node.services
    const crowded = { ...customers, execute: () => Promise.reject(new TooBusy('customer ann')) }
    const said: TakenBack[] = []
    const busy = await takeBack(
      { store, clock, customers: crowded },
      { requestId: 'r', actor: { name: 'admin', role: 'admin' } },
      {
        signal: new AbortController().signal,
        tell: () => undefined,
        say: async (one) => void said.push(one as TakenBack),
      },
    )
    assert.equal([busy.stays, busy.taken_back], [1, 0])
    assert.match(said[0]?.stays ?? '', /ask again/)
    const taken = await tributary(['audit', 'clock', '--take-back'], envOf(node))
    assert.match(taken.out, /^taken_back +PointsExpired/m)
    await until(async () => (await balanceOf(node, code)) === 70)
    assert.match((await tributary(['audit', 'clock', '--take-back'], envOf(node))).out, /^was_taken_back/m)
    assert.is(await balanceOf(node, code), 70)
  } finally {
    await node.end()
  }
})

test.run()
