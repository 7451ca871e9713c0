// Redemptions as they are read over HTTP and by the SDK: lists with filters, one, those of a code, totals of customer and campaign.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { codeStream } from '../../src/domain/codes.ts'
import type { RedemptionFact } from '../../src/domain/customer/redemptions/facts.ts'
import { uuidFrom } from '../../src/domain/ids.ts'
import { T0 } from '../given.ts'
import { type TestNode, testNode } from '../system/node.ts'
import { serverSdk } from '../system/sdk.ts'
import { failed, rolledBack, succeeded } from './fixtures.ts'

let node: TestNode
let ann = ''
let campaign = { id: '', name: 'spring', type: 'DISCOUNT_COUPONS' }
let token = ''
const test = suite('redemptions that are read')

const append = async (stream: string, facts: readonly { type: string; data: unknown }[]): Promise<void> => {
  let revision: bigint | 'no_stream' = 'no_stream'
  for await (const fact of node.services.store.readStream(stream)) revision = fact.revision
  const result = await node.services.store.append(
    stream,
    facts.map((fact, i) => ({
      ...fact,
      id: uuidFrom(stream, String(revision), String(i)),
      metadata: { $correlationId: 'v-1', now: T0 },
    })),
    revision,
  )
  assert.is(result.kind, 'appended')
  if (result.kind === 'appended') token = result.position.toString()
}

const get = (path: string) =>
  node.call('GET', path, undefined, { as: 'reader', headers: { 'Consistency-Token': token, Prefer: 'wait=10' } })

test.before(async () => {
  node = await testNode()
  ann = (await node.call('POST', '/v1/customers', { source_id: 'ann', name: 'Ann' })).body.id
  const made = await node.call(
    'POST',
    '/v1/campaigns',
    { name: 'spring', campaign_type: 'LOYALTY_PROGRAM', voucher: { type: 'LOYALTY_CARD' } },
    { as: 'admin' },
  )
  assert.is(made.status, 200, JSON.stringify(made.body))
  campaign = { ...campaign, id: made.body.id }
  await append(codeStream('SPRING'), [
    {
      type: 'CodeReserved',
      data: {
        code: 'SPRING',
        owner: { type: 'voucher', id: 'v_1' },
        spec: { type: 'DISCOUNT_VOUCHER', redemption: { quantity: 5 } },
        occurredAt: T0,
      },
    },
  ])
  const one = succeeded(1, { campaign }, 100)
  const two = succeeded(2, { campaign, of: 2 }, 300)
  const { order: whole, ...rest } = succeeded(2, { campaign, of: 2, redemption: 'r_2b', place: 1 }, 300)
  const { items: _, ...bare } = whole ?? {}
  const other = { ...rest, order: bare }
  const facts: RedemptionFact[] = [
    { type: 'RedemptionSucceeded', data: one },
    { type: 'RedemptionSucceeded', data: two },
    { type: 'RedemptionSucceeded', data: other },
    { type: 'RedemptionFailed', data: { ...failed(3), campaign } },
    { type: 'RedemptionRolledBack', data: rolledBack(one, T0 + 4) },
  ]
  await append(`customer-${ann}`, facts)
  await append(`redemption-req_9`, [{ type: 'RedemptionSucceeded', data: succeeded(9, { campaign: undefined }) }])
})
test.after(() => node.end({ factsAreMadeUp: true }))

const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id)

test('the list is filtered by result, campaign, customer, code and time, and paged', async () => {
  const list = async (query = '') => {
    const { status, body } = await get(`/v1/redemptions?${query}`)
    assert.is(status, 200, JSON.stringify(body))
    return { ids: ids(body.redemptions), total: body.total }
  }
  assert.equal(await list(), { ids: ['r_9', 'rr_1', 'rf_3', 'r_2b', 'r_2', 'r_1'], total: 6 })
  assert.equal((await list('order=created_at&limit=2&page=2')).ids, ['r_2b', 'rf_3'])
  assert.equal((await list('result=FAILURE')).ids, ['rf_3'])
  assert.equal((await list('customer=ann&result=SUCCESS')).ids, ['rr_1', 'r_2b', 'r_2', 'r_1'])
  assert.equal((await list('campaign=spring')).total, 5)
  assert.equal((await list(`campaign=${campaign.id}`)).total, 5)
  assert.equal((await list('voucher=OTHER')).total, 0)
  const at = (ms: number) => encodeURIComponent(new Date(T0 + ms).toISOString())
  assert.equal((await list(`created_at[after]=${at(1)}&created_at[before]=${at(4)}`)).ids, ['rf_3', 'r_2b', 'r_2'])
  assert.is((await get('/v1/redemptions?customer=nobody')).status, 404)
  assert.is((await get('/v1/redemptions?result=MAYBE')).status, 400)
})

test('one redemption, with its customer, its order and what rolled it back; the request of several', async () => {
  const { body } = await get('/v1/redemptions/r_1')
  assert.equal(
    [body.object, body.status, body.rollback_id, body.customer.source_id, body.order.amount, body.order.status],
    ['redemption', 'ROLLED_BACK', 'rr_1', 'ann', 100, 'CANCELED'],
  )
  assert.equal([body.voucher.code, body.voucher.campaign_id, body.redemption], ['SPRING', campaign.id, 'req_1'])
  const parent = (await get('/v1/redemptions/req_2')).body
  assert.equal(
    [parent.related_object_type, parent.order.redemptions.req_2.stacked, parent.customer_id],
    ['redemption', ['r_2', 'r_2b'], ann],
  )
  assert.is((await get('/v1/redemptions/r_none')).body.key, 'not_found')
})

test("a code's redemptions with how many stand, by the SDK", async () => {
  const sdk = serverSdk(node)
  await get('/v1/redemptions')
  const found = await sdk.redemptions.getForVoucher('SPRING')
  assert.equal(
    [found.object, found.data_ref, found.total, found.quantity, found.redeemed_quantity],
    ['list', 'redemption_entries', 6, 5, 3],
  )
  assert.equal(ids(found.redemption_entries ?? []).slice(0, 2), ['r_9', 'rr_1'])
  assert.is((await get('/v1/vouchers/SPRING/redemptions')).body.total, 6)
  assert.is((await get('/v1/vouchers/NONE/redemption')).status, 404)
  const listed = await sdk.redemptions.list({ result: 'FAILURE' })
  assert.equal(ids(listed.redemptions), ['rf_3'])
  const one = await sdk.redemptions.get('r_2')
  assert.equal([one.result, one.customer_id], ['SUCCESS', ann])
})

test('the customer has a summary of redemptions and orders', async () => {
  const { summary } = (await get('/v1/customers/ann')).body
  assert.equal(
    [summary.redemptions.total_redeemed, summary.redemptions.total_failed, summary.redemptions.total_rolled_back],
    [2, 1, 1],
  )
  assert.equal(summary.orders, {
    total_amount: 300,
    total_count: 1,
    average_amount: 300,
    last_order_amount: 300,
    last_order_date: new Date(T0 + 2).toISOString(),
  })
})

test('the totals of a campaign', async () => {
  const { body, status } = await get('/v1/campaigns/spring/summary')
  assert.is(status, 200)
  assert.equal(
    [body.redemptions, body.redemptions_succeeded, body.redemptions_failed, body.rollbacks, body.orders_amount],
    [4, 3, 1, 1, 700],
  )
  assert.equal(
    [body.discounted_amount, body.rolledback_discounted_amount, body.orders_rolledback_amount],
    [30, 10, 100],
  )
  assert.is((await get('/v1/campaigns/none/summary')).status, 404)
  assert.is((await get('/v1/campaigns/spring/summary?start_date=2026-01-01')).status, 400)
})

test('the activity log tells of redemptions, failures and rollbacks', async () => {
  const { body } = await get('/v1/customers/ann/activity?limit=10&order=created_at')
  const types = body.data.map(({ type }: { type: string }) => type).slice(-5)
  assert.equal(types, [
    'customer.redemption.succeeded',
    'customer.redemption.succeeded',
    'customer.redemption.succeeded',
    'customer.redemption.failed',
    'customer.redemption.rollback.succeeded',
  ])
})

test.run()
