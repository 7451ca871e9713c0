// What a client sees of the read side: its own writes at once, `Stale` when that cannot be, a token that every GET waits for, and
// read models that go on whatever a customer's profile holds.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type TestNode, testNode } from './node.ts'

let node: TestNode

test.before(async () => {
  node = await testNode()
})
test.after(() => node.end())

test('what was written is read without a token', async () => {
  for (let i = 0; i < 20; i++) {
    const made = await node.call('POST', '/v1/customers', { source_id: `c${i}`, name: 'first' })
    assert.is(made.status, 200)
    const read = await node.call('GET', `/v1/customers/c${i}`)
    assert.is(read.status, 200)
    assert.is(read.headers.get('stale'), null)
    await node.call('PUT', `/v1/customers/${made.body.id}`, { name: 'second' })
    assert.is((await node.call('GET', `/v1/customers/c${i}`)).body.name, 'second')
  }
})

test('a refusal that is recorded is read without a token too', async () => {
  const coupon = {
    type: 'DISCOUNT_VOUCHER',
    discount: { type: 'PERCENT', percent_off: 5 },
    redemption: { quantity: 0 },
  }
  for (let i = 0; i < 5; i++) {
    await node.call('POST', `/v1/vouchers/FULL${i}`, coupon)
    const body = { redeemables: [{ object: 'voucher', id: `FULL${i}` }] }
    assert.is((await node.call('POST', '/v1/redemptions', body)).status, 400)
    const failed = await node.call('GET', `/v1/redemptions?voucher=FULL${i}&result=FAILURE`)
    assert.is(failed.body.redemptions.length, 1)
    assert.is(
      (await node.call('POST', '/v1/events', { event: 'unknown', customer: { source_id: `c${i}` } })).status,
      400,
    )
    assert.is((await node.call('GET', '/v1/events/rejected')).body.data.length, i + 1)
  }
})

test('while the read models stand still a query says that it is stale, and one with a token is refused', async () => {
  const lane = await node.services.readModel.lanes.hold('main', 'test', 20_000)
  assert.ok(lane)
  const made = await node.call('POST', '/v1/customers', { source_id: 'late' })
  const read = await node.call('GET', '/v1/customers/late')
  assert.equal([read.status, read.headers.get('stale')], [404, 'true'])
  const atOnce = await node.call('GET', '/v1/customers/late', undefined, { headers: { Prefer: 'wait=0' } })
  assert.equal([atOnce.status, atOnce.headers.get('stale')], [404, null])
  const other = await node.call('GET', '/v1/customers/late', undefined, { as: 'reader' })
  assert.equal([other.status, other.headers.get('stale')], [404, null], 'another key waits for nothing')
  const token = made.headers.get('consistency-token')!
  const headers = { 'Consistency-Token': token, Prefer: 'wait=0' }
  assert.is((await node.call('GET', '/v1/customers/late', undefined, { headers })).status, 503)
  await node.services.readModel.lanes.commit(lane, 'test', { heldUntil: 0 }, [])
  assert.is((await node.call('GET', '/v1/customers/late', undefined, { after: made })).status, 200)
})

test('every GET waits for a token', async () => {
  const { body } = await node.call('GET', '/openapi.json')
  const paths = Object.entries(body.paths as Record<string, object>)
    .filter(([path, methods]) => path.startsWith('/v1/') && 'get' in methods)
    .map(([path]) => path.replace(/\{[^}]+\}/g, 'x'))
  assert.ok(paths.length > 40)
  const headers = { 'Consistency-Token': String(2n ** 63n), Prefer: 'wait=0' }
  for (const path of paths)
    assert.is((await node.call('GET', path, undefined, { as: 'admin', headers })).status, 503, path)
})

test('no key of a profile stops the read models', async () => {
  await node.call('POST', '/v1/customers', { source_id: 'ann' })
  const refused = await node.call('POST', '/v1/customers', { source_id: 'ann', metadata: { in: [{ _bsontype: 'x' }] } })
  assert.is(refused.status, 400)
  assert.match(refused.body.details, /_bsontype/)
  const metadata = {
    $ref: 'a.b',
    $id: 1,
    'a.b': { $set: { x: 1 }, $ref: 'c.d', $id: 'e' },
    '': 'nothing',
    toString: [{ a: 1 }],
    toBSON: 'text',
  }
  assert.is((await node.call('POST', '/v1/customers', { source_id: 'ann', metadata })).status, 200)
  const before = (await node.call('POST', '/v1/customers', { source_id: 'eve' })).body.id
  assert.equal((await node.call('GET', '/v1/customers/ann')).body.metadata, metadata)
  assert.is((await node.call('GET', '/v1/customers/eve')).body.id, before)
  const { status } = await node.call('GET', '/health/ready')
  assert.is(status, 200)
})

test.run()
