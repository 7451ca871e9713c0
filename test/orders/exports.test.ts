// Exports over a whole node: each kind of object becomes a CSV file behind a signed link, and goes with its time, by hand, or when a
// person is erased.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { EXPORT_NAMES } from '../../src/api/presenters/exportObjects.ts'
import { MAX_WAITING } from '../../src/runtime/exports.ts'
import { type Answer, type TestNode, testNode } from '../system/node.ts'
import { serverSdk } from '../system/sdk.ts'
import { until } from '../until.ts'

let node: TestNode
const test = suite('exports')
test.before(async () => {
  node = await testNode()
})
test.after(() => node.end())

const made = async (path: string, body: unknown = {}): Promise<Answer['body']> => {
  const answer = await node.call('POST', path, body, { as: 'admin' })
  assert.ok(answer.status < 300, JSON.stringify(answer.body))
  return answer.body
}

const done = async (id: string): Promise<Answer['body']> => {
  let body: Answer['body']
  await until(async () => {
    body = (await node.call('GET', `/v1/exports/${id}`, undefined, { as: 'admin' })).body
    return body.status === 'DONE' || body.status === 'ERROR'
  })
  return body
}

const linesOf = async (exported: Answer['body']): Promise<readonly string[]> => {
  assert.is(exported.status, 'DONE', JSON.stringify(exported))
  const answer = await fetch(exported.result.url)
  assert.equal([answer.status, answer.headers.get('content-type')], [200, 'text/csv; charset=utf-8'])
  return (await answer.text()).split('\r\n').slice(0, -1)
}

/** Waits until the read models show what was written. */
const shown = async (): Promise<void> => {
  const token = String(await node.services.store.head())
  await node.call('GET', '/v1/customers?limit=1', undefined, {
    as: 'admin',
    headers: { 'Consistency-Token': token, Prefer: 'wait=10' },
  })
}

test('each kind of object, with its columns, orders and filters', async () => {
  const sdk = serverSdk(node)
  const club = await made('/v1/loyalties', {
    name: 'club',
    voucher: { type: 'LOYALTY_CARD', loyalty_card: { expiration_rules: { period_type: 'MONTH', period_value: 1 } } },
  })
  const ann = { source_id: 'ann', name: 'Ann "A", Jr.', metadata: { tier: 'gold' } }
  const card = await made(`/v1/loyalties/${club.id}/members`, { customer: ann })
  await made(`/v1/loyalties/members/${card.code}/balance`, { points: 40 })
  await made('/v1/vouchers/GIFT', { type: 'GIFT_VOUCHER', gift: { amount: 1_000 } })
  await made('/v1/vouchers/GIFT/balance', { amount: 5 })
  await made('/v1/redemptions', {
    redeemables: [{ object: 'voucher', id: 'GIFT', gift: { credits: 105 } }],
    customer: { source_id: 'ann' },
    order: { amount: 500, source_id: 'shop-1' },
  })
  await made('/v1/orders', { source_id: 'shop-2', amount: 70, metadata: { note: 'a\nb' } })
  await shown()

  const created = await sdk.distributions.exports.create({ exported_object: 'customer' })
  assert.equal([created.object, created.status, created.result ?? null], ['export', 'SCHEDULED', null])
  assert.equal(await linesOf(await done(created.id)), ['name,source_id', '"Ann ""A"", Jr.",ann'])

  const exported = async (body: object): Promise<readonly string[]> =>
    linesOf(await done((await made('/v1/exports', body)).id))
  for (const exported_object of EXPORT_NAMES)
    assert.ok((await exported({ exported_object })).length > 1, exported_object)
  const orders = { exported_object: 'order', parameters: { fields: ['source_id', 'total_amount', 'metadata.note'] } }
  assert.equal((await exported(orders)).slice(0, 2), ['source_id,total_amount,metadata.note', 'shop-1,395,'])
  const newest = { ...orders, parameters: { fields: ['source_id'], order: '-created_at' } }
  assert.equal(await exported(newest), ['source_id', 'shop-2', 'shop-1'])
  const paid = { fields: ['source_id'], filters: { status: { conditions: { $in: ['PAID'] } } } }
  assert.equal(await linesOf(await done((await made('/v1/orders/export', { parameters: paid })).id)), [
    'source_id',
    'shop-1',
  ])

  const fields = ['type', 'amount', 'balance']
  const gift = await made('/v1/vouchers/GIFT/transactions/export', { parameters: { fields } })
  assert.equal(await linesOf(await done(gift.id)), [
    'type,amount,balance',
    'CREDITS_ADDITION,5,1005',
    'CREDITS_REDEMPTION,-105,900',
  ])
  const points = await made(`/v1/loyalties/members/${card.code}/transactions/export`, { parameters: { fields } })
  assert.equal(await linesOf(await done(points.id)), ['type,amount,balance', 'POINTS_ADDITION,40,40'])

  await made('/v1/customers', {
    source_id: '=HYPERLINK("http://x.test")',
    name: '\t@SUM(1)',
    phone: '+48 600 100 200',
    metadata: { n: -5, x: '\uff1d1+1', '-cmd': '-' },
  })
  await shown()
  const dangerous = await exported({
    exported_object: 'customer',
    parameters: {
      fields: ['source_id', 'name', 'phone', 'metadata.n', 'metadata.x', 'metadata.-cmd'],
      filters: { source_id: { conditions: { $starts_with: ['='] } } },
    },
  })
  assert.is(
    dangerous[1],
    `"'=HYPERLINK(""http://x.test"")",'\t@SUM(1),+48 600 100 200,-5,'\uff1d1+1,'-`,
    'a spreadsheet runs nothing of it',
  )

  const listed = await sdk.distributions.exports.list({ limit: 2 })
  assert.equal([listed.exports.length, listed.total > 8], [2, true])
})

test('who manages exports sees and deletes those alone of what the role may see', async () => {
  await made('/v1/access/roles', { name: 'bookkeeper', permissions: ['exports.manage', 'orders.read'] })
  const { id, token } = await made('/v1/access/keys', { name: 'books', role: 'bookkeeper' })
  const ask = async (method: string, path: string, body?: unknown) => {
    const headers = { 'X-App-Id': id, 'X-App-Token': token, 'Content-Type': 'application/json' }
    const answer = await fetch(node.url + path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
  }
  await until(async () => (await ask('GET', '/v1/exports')).status === 200)
  const orders = await done((await ask('POST', '/v1/exports', { exported_object: 'order' })).body.id)
  for (const exported_object of EXPORT_NAMES) {
    const other = await done((await made('/v1/exports', { exported_object })).id)
    const isSeen = exported_object === 'order'
    assert.is((await ask('POST', '/v1/exports', { exported_object })).status, isSeen ? 200 : 403, exported_object)
    assert.is((await ask('GET', `/v1/exports/${other.id}`)).status, isSeen ? 200 : 404, exported_object)
    assert.is((await ask('DELETE', `/v1/exports/${other.id}`)).status, isSeen ? 204 : 404, exported_object)
  }
  const listed = (await ask('GET', '/v1/exports?limit=100')).body
  assert.ok(listed.exports.some((one: { id: string }) => one.id === orders.id))
  assert.ok(listed.exports.every((one: { exported_object: string }) => one.exported_object === 'order'))
  assert.is(listed.total, listed.exports.length)
})

test('what is refused, what a link must be, and how a file goes', async () => {
  const refused = async (body: object): Promise<string> =>
    (await node.call('POST', '/v1/exports', body, { as: 'admin' })).body.key
  assert.is(
    await refused({ exported_object: 'customer', parameters: { fields: ['shoe_size'] } }),
    'invalid_export_fields',
  )
  assert.is(await refused({ exported_object: 'customer', parameters: { order: 'shoe_size' } }), 'invalid_payload')
  assert.is(await refused({ exported_object: 'planet' }), 'invalid_payload')
  assert.is((await node.call('POST', '/v1/exports', { exported_object: 'customer' }, { as: 'reader' })).status, 403)

  const one = await done((await made('/v1/exports', { exported_object: 'customer' })).id)
  const { url } = one.result
  for (const other of [
    url.replace(/token=.*/, 'token=1.x'),
    url.replace(/token=\d+/, 'token=9999999999999'),
    `${url}x`,
  ])
    assert.is((await fetch(other)).status, 403, other)
  const gone = await node.call('DELETE', `/v1/exports/${one.id}`, undefined, { as: 'admin' })
  assert.equal([gone.status, (await fetch(url)).status], [204, 404])

  const two = await done((await made('/v1/exports', { exported_object: 'customer' })).id)
  await made('/v1/customers/ann/permanent-deletion', undefined)
  assert.is((await fetch(two.result.url)).status, 404)
  assert.is(await node.services.readModel.plain('exportParts').count({}), 0)
})

test('only so many exports wait at a time', async () => {
  // Nobody makes any: what is asked for from here on waits.
  await node.services.background!.exports.stop()
  const ask = () => node.call('POST', '/v1/exports', { exported_object: 'order' }, { as: 'admin' })
  let refused = await ask()
  // The deletion above may still be taking some away.
  for (let n = 0; n < 2 * MAX_WAITING && refused.status === 200; n++) refused = await ask()
  assert.equal([refused.status, refused.body.key], [429, 'too_many_requests'])
  assert.ok(refused.headers.get('retry-after'))
  assert.is(await node.services.readModel.plain('exports').count({ status: 'SCHEDULED' } as never), MAX_WAITING)
})

test.run()
