// Many vouchers at once over a whole node: campaigns with codes, codes added, imported and changed in the background.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Answer, type TestNode, testNode } from '../system/node.ts'
import { serverSdk } from '../system/sdk.ts'
import { until } from '../until.ts'

let node: TestNode
const test = suite('jobs on vouchers over http')
test.before(async () => {
  node = await testNode()
})
test.after(() => node.end())

const post = (path: string, body: unknown) => node.call('POST', path, body)
const get = (path: string, after?: Answer) => node.call('GET', path, undefined, after ? { after } : {})

const coupons = (name: string, more: Record<string, unknown> = {}) => ({
  name,
  campaign_type: 'DISCOUNT_COUPONS',
  voucher: {
    type: 'DISCOUNT_VOUCHER',
    discount: { type: 'PERCENT', percent_off: 10 },
    code_config: { pattern: 'C-########' },
  },
  ...more,
})

/** Waits until a background job has ended. */
const ended = (id: string): Promise<Answer> =>
  until(
    () => get(`/v1/async-actions/${id}`),
    ({ body }) => body.status === 'DONE' || body.status === 'FAILED',
    60_000,
  )

test('a campaign is created with one code at once, and with many in the background', async () => {
  const one = await post('/v1/campaigns', coupons('one', { vouchers_count: 1 }))
  assert.equal([one.body.vouchers_generation_status, one.body.vouchers_count], ['DONE', 1])
  assert.is((await get('/v1/vouchers?campaign=one', one)).body.total, 1)
  const many = await post('/v1/campaigns', coupons('many', { vouchers_count: 300 }))
  assert.is(many.body.vouchers_generation_status, 'IN_PROGRESS')
  const done = await until(
    () => get('/v1/campaigns/many', many),
    ({ body }) => body.vouchers_generation_status === 'DONE',
    60_000,
  )
  assert.equal([done.body.vouchers_count, done.body.creation_status], [300, 'DONE'])
  const page = await get('/v1/vouchers?campaign=many&limit=100&page=3')
  assert.equal([page.body.total, page.body.vouchers.length], [300, 100])
  for (const { code } of page.body.vouchers) assert.match(code, /^C-\w{8}$/)
  const summary = await get('/v1/campaigns/many/summary')
  assert.equal([summary.body.vouchers_count, summary.body.publications], [300, 0])
  const listed = await get('/v1/campaigns?limit=1')
  assert.is(listed.body.campaigns[0].vouchers_count, 300)
})

test('who is told that a job is over finds what it made, without a token', async () => {
  for (let n = 0; n < 20; n++) {
    const { body } = await post('/v1/customers/bulk/async', [{ source_id: `made-${n}` }, { source_id: `also-${n}` }])
    await ended(body.async_action_id)
    for (const id of [`made-${n}`, `also-${n}`]) assert.is((await get(`/v1/customers/${id}`)).status, 200, id)
  }
})

test('too many codes, codes for a campaign of another type and empty lists are refused, and nothing is recorded', async () => {
  const before = (await get('/v1/async-actions?limit=100')).body.async_actions.length
  const refused = async (answer: Promise<Answer>, status: number, key: string) => {
    const { status: got, body } = await answer
    assert.equal([got, body.key], [status, key])
  }
  await post('/v1/campaigns', { name: 'club', campaign_type: 'PROMOTION' })
  await post('/v1/campaigns', coupons('own'))
  await refused(post('/v1/campaigns', coupons('huge', { vouchers_count: 100_001 })), 400, 'too_many_vouchers_requested')
  await refused(get('/v1/campaigns/huge'), 404, 'not_found')
  await refused(post('/v1/campaigns/own/vouchers?vouchers_count=100001', {}), 400, 'too_many_vouchers_requested')
  await refused(post('/v1/campaigns/own/vouchers?vouchers_count=0', {}), 400, 'invalid_query_params')
  await refused(post('/v1/campaigns/club/vouchers?vouchers_count=5', {}), 400, 'invalid_campaign')
  await refused(post('/v1/campaigns/none/import', [{ code: 'X' }]), 404, 'not_found')
  await refused(post('/v1/campaigns/own/import', []), 400, 'missing_vouchers')
  await refused(post('/v1/campaigns/own/import', [{ code: 'X' }, { code: 'a b' }]), 400, 'invalid_payload')
  await refused(post('/v1/vouchers/import', [{ code: 'X' }]), 400, 'invalid_voucher')
  await refused(get('/v1/async-actions/aa_none'), 404, 'not_found')
  assert.is((await get('/v1/async-actions?limit=100')).body.async_actions.length, before)
})

test('the official SDK adds codes, one at once and many in the background, imports and changes them', async () => {
  const client = serverSdk(node)
  await client.campaigns.create({
    ...coupons('sdk'),
    type: 'AUTO_UPDATE',
    campaign_type: 'GIFT_VOUCHERS',
    voucher: { type: 'GIFT_VOUCHER', gift: { amount: 700 } },
  } as unknown as Parameters<typeof client.campaigns.create>[0])
  const one = await client.campaigns.addVoucher('sdk', { metadata: { a: 1 } })
  assert.equal('gift' in one && one.gift, { amount: 700, balance: 700, effect: 'APPLY_TO_ORDER' })
  const certain = await client.campaigns.addCertainVoucher('sdk', 'SDK-CERTAIN')
  assert.is(certain.code, 'SDK-CERTAIN')
  const many = await client.campaigns.addVoucher('sdk', {}, { vouchers_count: 20 })
  const action = await ended((many as unknown as { async_action_id: string }).async_action_id)
  assert.equal([action.body.progress, action.body.result.done_count], [100, 20])
  const imported = await client.campaigns.importVouchers('sdk', [
    { code: 'SDK-1', active: true, metadata: {}, redemption: { quantity: 1 } },
    { code: 'SDK-CERTAIN', active: true, metadata: {}, redemption: { quantity: 1 } },
  ] as Parameters<typeof client.campaigns.importVouchers>[1])
  const told = (await ended(imported.async_action_id)).body.result
  assert.equal(told.failed, [{ row: 1, code: 'SDK-CERTAIN', reason: 'duplicate_found' }])
  const changed = await client.vouchers.bulkUpdateMetadata({ codes: ['SDK-1'], metadata: { tier: 'gold' } })
  await ended(changed.async_action_id)
  assert.equal((await client.vouchers.get('SDK-1')).metadata, { tier: 'gold' })
  const got = await client.asyncActions.get(imported.async_action_id)
  assert.equal([got.type, got.status], ['CAMPAIGN.VOUCHERS_IMPORT', 'DONE'])
  // The SDK cannot wait for what it has written.
  await until(
    () => client.asyncActions.list({ limit: 1 }),
    (list) => list.async_actions[0]?.type === 'VOUCHERS.METADATA_UPDATE',
  )
  assert.is((await client.campaigns.get('sdk')).vouchers_count, 23)
})

test('a job is cancelled and gone on with; one that has failed is seen wherever failures are looked for', async () => {
  const operator = { as: 'admin' } as const
  const newest = async () => (await get('/v1/async-actions?limit=1')).body.async_actions[0]
  const act = (id: string, word: string, options = {}) =>
    node.call('POST', `/v1/async-actions/${id}/${word}`, undefined, options)
  await post('/v1/campaigns', coupons('endless'))
  const { body } = await post('/v1/campaigns/endless/vouchers?vouchers_count=50000', {})
  const id = body.async_action_id as string
  const canceled = await act(id, 'cancel')
  assert.equal(
    [canceled.status, canceled.body.status, canceled.body.result.message],
    [200, 'FAILED', 'canceled on request'],
  )
  assert.is((await get(`/v1/async-actions/${id}`, canceled)).body.status, 'FAILED')
  assert.is((await act(id, 'cancel')).status, 200)
  const again = await act(id, 'retry')
  assert.equal([again.status, again.body.status], [200, 'IN_PROGRESS'])
  assert.equal([(await act(id, 'retry')).status, (await act('aa_none', 'retry')).status], [409, 404])
  assert.is((await act(id, 'cancel', { as: 'reader' })).status, 403)
  assert.is((await node.call('DELETE', '/v1/campaigns/endless')).status, 204)
  const failed = await ended(id)
  assert.equal([failed.body.status, failed.body.result.message], ['FAILED', 'the campaign was deleted'])
  await until(async () => (await newest()).status === 'FAILED')
  const { body: seen } = await node.call('GET', '/v1/processes', undefined, operator)
  const [failure] = seen.failures
  assert.equal([failure.process, failure.fact, failure.error], ['voucher-jobs', id, 'the campaign was deleted'])
  const jobs = seen.data.find(({ name }: { name: string }) => name === 'voucher-jobs')
  assert.is(jobs.failed, 1)
  const ready = await get('/health/ready')
  assert.equal([ready.status, ready.body.checks.workers], [200, { ok: true, set_aside: 0, failed_jobs: 1 }])
  assert.match((await get('/metrics')).body, /^tributary_jobs_failed 1$/m)
  await act(id, 'cancel')
  await until(async () => (await get('/health/ready')).body.checks.workers.failed_jobs === 0)
  assert.equal((await node.call('POST', '/v1/processes/retry', {}, operator)).body.data, [])
})

test.run()
