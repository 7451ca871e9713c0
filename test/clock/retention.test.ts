// Customers without activity are erased by themselves: who counts as idle, and what becomes of them in a whole node.

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startRetention } from '../../src/clock/retention.ts'
import { lastActivityAt } from '../../src/domain/customer/idle.ts'
import fc from '../fc.ts'
import { DAY, HOUR, track, world } from '../given.ts'
import { type TestNode, testNode } from '../system/node.ts'
import { until } from '../until.ts'

const test = suite('retention')

const erase = (unlessActiveAfter: number) => ({ type: 'DeleteCustomer', permanently: true, unlessActiveAfter }) as const

const shop = () => {
  const w = world()
  w.define('eventSchema', 'ms_seen', { name: 'seen', schema: { properties: {} } })
  w.define('segment', 'seg_new', {
    name: 'New',
    type: 'auto-update',
    condition: { event: 'seen', count: { $more_than_equal: 1 }, within: 'P1D' },
  })
  return w
}
const see = (w: ReturnType<typeof shop>, back = 0) =>
  w.facts(track('seen', { occurredAt: w.now - back, metadata: {}, profile: { source_id: 's' } }))

test('what is done counts as activity; what time makes true does not', () => {
  const w = shop()
  see(w)
  const at = w.now
  w.wait(3 * DAY)
  // The segment is left by the passing of time.
  assert.ok(w.facts({ type: 'AdvanceClock' }).some(({ type }) => type === 'SegmentLeft'))
  assert.is(lastActivityAt(w.state), at)
  w.facts({ type: 'SaveConsents', consents: { email: 'given' }, by: 'shop' })
  assert.is(lastActivityAt(w.state), w.now)
  assert.equal(w.facts(erase(w.now - HOUR)), [], 'active since')
  assert.is(w.facts(erase(w.now)).at(-1)?.type, 'CustomerErased')
  assert.equal(w.facts(erase(w.now)), [], 'once')
})

test('one who was deleted is erased as long after that', () => {
  const w = shop()
  see(w)
  w.facts({ type: 'DeleteCustomer', permanently: false })
  const at = w.now
  w.wait(DAY)
  assert.equal(w.facts(erase(at - 1)), [])
  assert.equal(
    w.facts(erase(at)).map(({ type }) => type),
    ['CustomerErased'],
  )
})

test('of any history exactly those are erased whose last act is not after the limit', () => {
  const step = fc.record({
    wait: fc.integer({ min: 0, max: 5 }),
    back: fc.integer({ min: 0, max: 3 }),
    does: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), fc.integer({ min: 0, max: 10 }), (steps, ago) => {
      const w = shop()
      see(w)
      let last = w.now
      for (const { wait, back, does } of steps) {
        w.wait(wait * DAY)
        if (!does) w.facts({ type: 'AdvanceClock' })
        else {
          see(w, back * DAY)
          last = Math.max(last, w.now - back * DAY)
        }
      }
      const limit = w.now - ago * DAY
      w.facts(erase(limit))
      assert.is(w.state.status === 'erased', last <= limit)
    }),
    { numRuns: 60 },
  )
})

let node: TestNode
test.before(async () => {
  node = await testNode()
})
test.after(() => node.end())

test('a whole node forgets those who are idle, and nobody else, as “retention”', async () => {
  const { services } = node
  const name = 'mark-idle-0001'
  const made = async (source: string) => {
    const answer = await node.call('POST', '/v1/customers', { source_id: source, name })
    return { id: answer.body.id as string, answer }
  }
  const ann = await made('ann')
  const ben = await made('ben')
  const gone = await node.call('DELETE', `/v1/customers/${ben.id}`)
  await node.call('GET', '/v1/customers', undefined, { after: gone })
  let erased = 0
  const run = (days: number) =>
    startRetention({
      ...services,
      days,
      tickMs: 20,
      time: { now: () => Date.now() + 3 * DAY, distrust: () => undefined },
      requestId: () => 'retention-test',
      log: { warn: (...all: unknown[]) => assert.unreachable(String(all)), info: () => undefined },
      onErased: () => {
        erased++
      },
    })
  const patient = run(4)
  const retention = run(2)
  await until(() => erased === 2)
  await retention.stop()
  await patient.stop()
  const { body } = await until(
    () => node.call('GET', '/v1/access/log?actor=retention&action=erased', undefined, { as: 'auditor' }),
    ({ body }) => body.data.length === 2,
  )
  assert.equal(
    body.data.map(({ resource }: { resource: { id: string } }) => resource.id).sort(),
    [ann.id, ben.id].sort(),
  )
  assert.is((await node.call('GET', `/v1/customers/${ann.id}`)).status, 404)
  const log = await (await fetch(`${node.url}/v1/audit/export`, { headers: node.headers('auditor') })).text()
  assert.not.match(log, new RegExp(name))
})

test.run()
