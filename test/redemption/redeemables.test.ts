// What a customer can redeem with, over a whole node: codes and cards by role, their status, pages, sums after redemptions.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openOrder } from '../../src/domain/order.ts'
import { changeCode } from '../../src/runtime/codeStreams.ts'
import { type Answer, type TestNode, testNode } from '../system/node.ts'
import { serverSdk } from '../system/sdk.ts'

let node: TestNode
let token = ''
const test = suite('redeemables')

const ok = async (method: string, path: string, body?: unknown): Promise<Answer> => {
  const answer = await node.call(method, path, body, { as: 'admin' })
  assert.ok(answer.status < 300, `${path}: ${JSON.stringify(answer.body)}`)
  token = answer.headers.get('consistency-token') ?? token
  return answer
}

const CONTEXT = { requestId: 'v-1', actor: { name: 'shop', role: 'integrator' } } as const

/** Gives a code that nobody has to a customer. */
const give = async (code: string, customer: string): Promise<void> => {
  const command = { type: 'AssignCode' as const, customer, publication: { id: `pub_${code}` }, joinOnce: false }
  const done = await changeCode(node.services.ledgers, code, command, { ...CONTEXT, now: Date.now() })
  assert.is(done.kind, 'done')
  if (done.kind === 'done') token = done.position?.toString() ?? token
}

const get = (path: string) =>
  node.call('GET', path, undefined, { headers: { 'Consistency-Token': token, Prefer: 'wait=10' } })

const redeem = async (code: string, customer: string, amount: number) => {
  const { redemptions, customers } = node.services
  const id = await customers.resolve(customer)
  const order = openOrder({ amount })
  const done = await redemptions.redeem(
    {
      name: `${code}-${customer}`,
      redeemables: [{ code }],
      ...(order ? { order } : {}),
      asked: { channel: 'API', apiKey: 'shop' },
      customer: { id, profile: {}, mayCreate: false },
    },
    { ...CONTEXT, now: Date.now() },
  )
  assert.is(done.kind, 'redeemed', done.kind === 'failed' ? done.refusal.details : done.kind)
  if (done.kind === 'redeemed') token = done.position?.toString() ?? token
  return done
}

interface Entry {
  readonly id: string
  readonly holder_role: string
  readonly redeemable: { readonly status: string; readonly voucher: Record<string, ReturnType<typeof JSON.parse>> }
}
const told = (body: { data: readonly Entry[] }) =>
  body.data.map(({ holder_role, redeemable }) => [redeemable.voucher.code, holder_role, redeemable.status])

test.before(async () => {
  node = await testNode()
  const off = { type: 'AMOUNT', amount_off: 100 }
  await ok('POST', '/v1/vouchers/ONCE', { discount: off, redemption: { quantity: 1 } })
  await ok('POST', '/v1/vouchers/SOON', { discount: off, start_date: '2100-01-01T00:00:00Z' })
  await ok('POST', '/v1/vouchers/PAST', { discount: off, expiration_date: '2020-01-01T00:00:00Z' })
  await ok('POST', '/v1/vouchers/GIFT', { gift: { amount: 300 } })
  await ok('POST', '/v1/vouchers/PART', { gift: { amount: 300 } })
  await ok('POST', '/v1/vouchers/OFF', { discount: off })
  const ann = (await ok('POST', '/v1/customers', { source_id: 'ann' })).body.id
  for (const code of ['ONCE', 'SOON', 'PAST', 'GIFT', 'PART', 'OFF']) await give(code, ann)
  await ok('POST', '/v1/vouchers/OFF/disable', {})
  await ok('POST', '/v1/event-schemas', { name: 'signed_up', schema: { properties: {} } })
  const program = { name: 'club', campaign_type: 'LOYALTY_PROGRAM', voucher: { type: 'LOYALTY_CARD' } }
  const club = await ok('POST', '/v1/campaigns', program)
  await ok('POST', '/v1/campaigns', {
    name: 'friends',
    campaign_type: 'REFERRAL_PROGRAM',
    voucher: { type: 'DISCOUNT_VOUCHER', discount: off, is_referral_code: true },
    referral_program: {
      conversion_event_type: 'custom_event',
      custom_event: { name: 'signed_up' },
      referrer_reward: {
        type: 'LOYALTY_CARD',
        amount: 1,
        related_object_parent: { id: club.body.id },
      },
    },
  })
})
test.after(() => node.end())

test('codes by role with their status, also after they were redeemed', async () => {
  const before = await get('/v1/customers/ann/redeemables?order=id')
  assert.is(before.status, 200, JSON.stringify(before.body))
  assert.equal(told(before.body), [
    ['ONCE', 'OWNER', 'ACTIVE'],
    ['SOON', 'OWNER', 'NOT_ACTIVE_YET'],
    ['PAST', 'OWNER', 'EXPIRED'],
    ['GIFT', 'OWNER', 'ACTIVE'],
    ['PART', 'OWNER', 'ACTIVE'],
    ['OFF', 'OWNER', 'DISABLED'],
  ])
  await redeem('ONCE', 'ann', 1_000)
  await redeem('GIFT', 'ann', 1_000)
  await redeem('PART', 'ann', 200)
  const { data } = (await get('/v1/customers/ann/redeemables?order=id')).body
  const of = (code: string) => data.find((entry: Entry) => entry.redeemable.voucher.code === code).redeemable
  assert.equal([of('ONCE').status, of('ONCE').voucher.redemption.redeemed_quantity], ['USED', 1])
  assert.equal([of('GIFT').status, of('GIFT').voucher.gift.balance], ['NO_BALANCE', 0])
  assert.equal([of('PART').status, of('PART').voucher.gift.balance], ['ACTIVE', 100])
  const one = (await get('/v1/vouchers/PART')).body
  assert.equal([one.gift.balance, one.redemption.redeemed_amount, one.redemption.redeemed_quantity], [100, 200, 1])
  const { summary } = (await get('/v1/customers/ann')).body
  assert.equal(
    [summary.redemptions.total_redeemed, summary.redemptions.gift],
    [3, { redeemed_amount: 500, amount_to_go: 100 }],
  )
})

test('pages with a cursor, both ways', async () => {
  const seen: string[] = []
  let after = ''
  for (;;) {
    const { body } = await get(
      `/v1/customers/ann/redeemables?limit=2&order=-id${after && `&starting_after_id=${after}`}`,
    )
    seen.push(...told(body).map(([code]) => code))
    assert.is(body.total, 6)
    if (!body.has_more) break
    after = body.more_starting_after
  }
  assert.equal(seen, ['OFF', 'PART', 'GIFT', 'PAST', 'SOON', 'ONCE'])
  assert.is(
    (await get('/v1/customers/ann/redeemables?starting_after_id=rh_none')).body.key,
    'invalid_or_expired_cursor',
  )
  assert.is((await get('/v1/customers/nobody/redeemables')).status, 404)
})

test('a referral code is the one of its referrer, and one of each referee; filtered by role, by the SDK', async () => {
  const code = (await ok('POST', '/v1/publications', { campaign: 'friends', customer: { source_id: 'bob' } })).body
    .voucher.code
  await ok('POST', `/v1/referrals/members/${code}/holders`, { holders: [{ source_id: 'cid' }] })
  assert.equal(told((await get('/v1/customers/bob/redeemables')).body), [[code, 'REFERRER', 'ACTIVE']])
  assert.equal(told((await get('/v1/customers/cid/redeemables')).body), [[code, 'REFEREE', 'ACTIVE']])
  const roles = (role: string) => ({ filters: { holder_role: { conditions: { $in: [role] } } } })
  const sdk = serverSdk(node)
  assert.is((await sdk.customers.listRedeemables('cid', roles('OWNER'))).data.length, 0)
  const [entry] = (await sdk.customers.listRedeemables('cid', roles('REFEREE'))).data
  assert.equal([entry?.campaign_type, entry?.voucher_type], ['REFERRAL_PROGRAM', 'DISCOUNT_VOUCHER'])
  const wrong = await get('/v1/customers/cid/redeemables?filters[holder_role][conditions][$in][0]=KING')
  assert.is(wrong.status, 400)
})

test.run()
