// Operating read models over a whole node: rebuilt and rolled back while events come in, with nothing lost, doubled or refused.
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isSoak } from '../soak.ts'
import { type TestNode, testNode } from '../system/node.ts'
import { envOf, tributary } from '../tributary.ts'
import { until } from '../until.ts'
import { buy, populate, verified } from './shop.ts'

const test = suite('tributary projections')
let node: TestNode

test.before(async () => {
  node = await testNode({ DELIVERY: 'off' })
  await populate(node, 6)
})
test.after(() => node.end())

const run = (...args: readonly string[]) => tributary(['projections', ...args], envOf(node))

/** Between two requests, ms: as much as keeps something coming in, and leaves the processor to what is tested. */
const PAUSE_MS = isSoak ? 0 : 100

/** Events and queries until `work` is done; gives the statuses seen and the events sent. */
const during = async (work: () => Promise<void>) => {
  const seen = new Map<number, number>()
  let going = true
  let sent = 0
  const note = (status: number) => seen.set(status, (seen.get(status) ?? 0) + 1)
  const intake = (async () => {
    while (going) {
      note((await buy(node, `c${sent % 6}`, 1)).status)
      sent++
      await sleep(PAUSE_MS)
    }
  })()
  const queries = (async () => {
    while (going)
      for (const path of ['/v1/customers', '/v1/customers/c1/activity']) {
        note((await node.call('GET', path)).status)
        await sleep(PAUSE_MS)
      }
  })()
  try {
    await work()
  } finally {
    going = false
    await Promise.all([intake, queries])
  }
  return { seen, sent }
}

test('a rebuild and a rollback during intake lose and double nothing, and no query fails', async () => {
  const { seen, sent } = await during(async () => {
    for (const [kind, name, live] of [
      ['rebuild', 'activity', /activity: activity_v\d+_2 is live/],
      ['rebuild', 'customers', /customers: customers_v\d+_2 is live/],
      ['rollback', 'activity', /activity: activity_v\d+ is live/],
    ] as const) {
      const done = await run(kind, name)
      assert.is(done.code, 0, done.out + done.err)
      assert.match(done.out, live)
    }
  })
  assert.equal([...seen.keys()], [200])
  assert.ok(sent > 0)
  const report = await verified(node)
  assert.equal([report.holds, report.finished], [true, true], JSON.stringify(report))
  const { out } = await run('list')
  assert.match(out, /live at position \d+ of \d+: \d+ events, [\d.]+ s behind/)
  assert.match(out, /customers .*customers_v\d+_2 .*can be rolled back to customers_v\d+/)
})

test('a rebuild that is not promoted is kept ready beside the live one until it is, and can be rolled back', async () => {
  const row = async (name: string) => {
    const { data } = (await node.call('GET', '/v1/projections', undefined, { as: 'auditor' })).body
    return data.find((one: { readonly name: string }) => one.name === name)
  }
  const { collection: live } = (await row('customers')).live
  const { seen } = await during(async () => {
    const made = await run('rebuild', 'customers', '--no-promote')
    assert.is(made.code, 0, made.err)
    assert.match(made.out, new RegExp(`is ready beside ${live}, which is still live`))
  })
  assert.equal([...seen.keys()], [200])
  // It follows what comes after it was ready.
  assert.is((await buy(node, 'late', 1)).status, 200)
  const head = (await node.services.store.head())!
  await until(async () => BigInt((await row('customers')).beside.position ?? 0) >= head)
  const ready = await row('customers')
  assert.equal([ready.live.collection, ready.rebuild.state], [live, 'ready'])
  assert.is.not(ready.beside.collection, live)
  await until(async () => (await row('customers')).beside.lag.events === 0)
  assert.match((await run('list')).out, /customers .* beside it up to \d+, ready: 0 events, 0 s behind/)

  const { seen: others } = await during(async () => {
    assert.match((await run('promote', 'customers')).out, new RegExp(`${ready.beside.collection} is live`))
    assert.equal((await row('customers')).beside, null)
    assert.is((await verified(node, '?projection=customers')).holds, true)
    assert.match((await run('rollback', 'customers')).out, new RegExp(`${live} is live`))
  })
  assert.equal([...others.keys()], [200])
  assert.is((await verified(node, '?projection=customers')).holds, true)
  assert.is((await node.call('GET', '/v1/customers/late')).status, 200)
})

test('what cannot be done is said before anything begins', async () => {
  assert.match((await run('promote', 'outbox')).err, /Nothing has been built beside outbox/)
  assert.match((await run('rollback', 'outbox')).err, /nothing to roll outbox back to/)
  assert.match((await run('rebuild', 'nothing')).err, /Cannot find projection/)
  assert.is((await run('parked')).out, 'nothing is parked\n')
  assert.is((await run('retry')).out, 'nothing is parked\n')
  for (const as of ['integrator', 'auditor'] as const)
    assert.is((await node.call('POST', '/v1/projections/outbox/rebuild', {}, { as })).status, 403)
})

test.run()
