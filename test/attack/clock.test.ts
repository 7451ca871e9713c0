// A machine's clock that is wrong: 40 days ahead for ten seconds, behind at the start. Nothing of the customers moves by it.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Machine, systemMachine } from '../../src/time/nodeClock.ts'
import { type TestNode, testNode } from '../system/node.ts'
import { until } from '../until.ts'

const DAY = 86_400_000
const SECOND = 1_000

/** A machine whose clock is set, and that sleeps. */
const machineOf = () => {
  let off = 0
  let slept = 0
  const machine: Machine = {
    wall: () => systemMachine.wall() + slept + off,
    steady: systemMachine.steady,
    boot: () => systemMachine.boot() + slept,
  }
  return {
    machine,
    set(ms: number) {
      off += ms
    },
    sleep(ms: number) {
      slept += ms
    },
  }
}

const ready = async (node: TestNode) => {
  const { status, body } = await node.call('GET', '/health/ready')
  return { status, ...body.checks.clock }
}
const metric = async (node: TestNode): Promise<string | undefined> =>
  /^tributary_clock_distrusted (\d)/m.exec((await node.call('GET', '/metrics')).body)?.[1]

const shop = async (node: TestNode) => {
  await node.call('POST', '/v1/event-schemas', { name: 'bought', schema: { properties: {} } }, { as: 'admin' })
  const segment = await node.call(
    'POST',
    '/v1/segments',
    { name: 'recent', type: 'auto-update', condition: { event: 'bought', within: 'P30D' } },
    { as: 'admin' },
  )
  assert.is(segment.status, 200, JSON.stringify(segment.body))
}
const buys = (node: TestNode, source_id: string, more: object = {}) =>
  node.call('POST', '/v1/events', { event: 'bought', customer: { source_id }, metadata: {}, ...more })
const isRecent = async (node: TestNode, source_id: string): Promise<boolean> =>
  (await node.call('GET', `/v1/customers/${source_id}/segments`)).body.data.length === 1
const activitiesOf = async (node: TestNode, source_id: string): Promise<string[]> =>
  (await node.call('GET', `/v1/customers/${source_id}/activity`)).body.data.map(
    ({ type, created_at }: { type: string; created_at: string }) => `${created_at} ${type}`,
  )

test('40 days ahead for ten seconds: it is told, customers stay as they are, and all goes on when it is right again', async () => {
  const { machine, set, sleep } = machineOf()
  const node = await testNode({}, undefined, { machine })
  try {
    await shop(node)
    await until(async () => (await buys(node, 'ann')).body.customer !== undefined)
    await until(() => isRecent(node, 'ann'))
    const before = await activitiesOf(node, 'ann')
    assert.equal([(await ready(node)).ok, await metric(node)], [true, '0'])

    set(40 * DAY)
    const told = await ready(node)
    assert.equal([told.status, told.ok, told.ahead_seconds], [503, false, (40 * DAY) / SECOND])
    assert.match(told.reason, /was set: it is 40 days ahead/)
    assert.is(await metric(node), '1')
    // Commands go on, with the time before.
    const during = await buys(node, 'bob')
    assert.is(during.status, 200, JSON.stringify(during.body))
    const again = await buys(node, 'ann')
    assert.is(again.status, 200, JSON.stringify(again.body))
    const ahead = await buys(node, 'bob', { occurred_at: new Date(Date.now() + 39 * DAY).toISOString() })
    assert.is(ahead.status, 400)
    sleep(10 * SECOND)
    assert.is((await ready(node)).ok, false)
    assert.equal([await isRecent(node, 'ann'), await isRecent(node, 'bob')], [true, true])

    set(-40 * DAY)
    assert.equal([(await ready(node)).status, await metric(node)], [200, '0'])
    assert.is((await buys(node, 'ann')).status, 200)
    const after = await activitiesOf(node, 'ann')
    const limit = new Date(Date.now() + DAY).toISOString()
    assert.ok(after.every((line) => line < limit))
    assert.ok(after.length > before.length)
    assert.not(after.some((line) => line.includes('left')))

    // That time does pass for them: a machine that slept for so long is right.
    sleep(31 * DAY)
    assert.is((await ready(node)).status, 200)
    await until(async () => !(await isRecent(node, 'ann')) && !(await isRecent(node, 'bob')))
  } finally {
    await node.end()
  }
})

test('a clock that is behind the log at the start refuses nothing that is right, until it is confirmed or right', async () => {
  const first = await testNode()
  let dir = first.dir
  try {
    await shop(first)
    await buys(first, 'ann')
  } finally {
    await first.stop()
  }
  dir = first.dir
  const { machine, set } = machineOf()
  set(-20 * DAY)
  const node = await testNode({}, dir, { machine })
  try {
    const told = await ready(node)
    assert.equal([told.status, told.ok], [503, false])
    assert.match(told.reason, /is behind the newest fact of the log/)
    const bought = await buys(node, 'ann', { occurred_at: new Date().toISOString() })
    assert.is(bought.status, 200, JSON.stringify(bought.body))
    const ahead = await buys(node, 'ann', { occurred_at: new Date(Date.now() + DAY / 2).toISOString() })
    assert.equal([ahead.status, ahead.headers.get('retry-after')], [503, '30'], 'nobody is told that he is wrong')
    assert.is((await node.call('POST', '/v1/clock/confirm', {}, { as: 'integrator' })).status, 403)
    set(20 * DAY)
    assert.is((await ready(node)).status, 200)
    set(2 * DAY)
    assert.is((await node.call('GET', '/v1/clock', undefined, { as: 'auditor' })).body.is_trusted, false)
    const confirmed = await node.call('POST', '/v1/clock/confirm', {}, { as: 'admin' })
    assert.equal([confirmed.status, confirmed.body.is_trusted], [200, true])
    assert.is((await ready(node)).status, 200)
  } finally {
    await node.end()
    await first.end().catch(() => undefined)
  }
})

test.run()
