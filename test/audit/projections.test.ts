// Operating read models over a whole node: rebuilt and rolled back while events come in, with nothing lost, doubled or refused.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type TestNode, testNode } from '../system/node.ts'
import { buy, populate, verified } from './shop.ts'

const CLI = fileURLToPath(new URL('../../src/cli.js', import.meta.url))
const test = suite('tributary projections')
let node: TestNode

test.before(async () => {
  node = await testNode({ DELIVERY: 'off' })
  await populate(node, 6)
})
test.after(() => node.end())

const run = async (...args: readonly string[]) => {
  const child = spawn(process.execPath, [CLI, 'projections', ...args], {
    env: { PATH: process.env.PATH ?? '', TRIBUTARY_URL: node.url, DATA_DIR: node.dir },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  const [code] = await once(child, 'close')
  return { code: code as number, out, err }
}

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
    }
  })()
  const queries = (async () => {
    while (going)
      for (const path of ['/v1/customers', '/v1/customers/c1/activity']) note((await node.call('GET', path)).status)
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
