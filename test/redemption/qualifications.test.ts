// Which codes a customer could redeem now, over a whole node and by the SDK.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { tokenOf } from '../system/customerToken.ts'
import { type Answer, type TestNode, testNode } from '../system/node.ts'
import { clientSdk, serverSdk } from '../system/sdk.ts'

let node: TestNode
let token = ''
const test = suite('qualifications')

const ok = async (method: string, path: string, body?: unknown): Promise<Answer> => {
  const answer = await node.call(method, path, body, { as: 'admin' })
  assert.ok(answer.status < 300, `${path}: ${JSON.stringify(answer.body)}`)
  token = answer.headers.get('consistency-token') ?? token
  return answer
}

const ask = (body: unknown, path = '/v1/qualifications') =>
  node.call('POST', path, body, { headers: { 'Consistency-Token': token, Prefer: 'wait=10' } })

const codesOf = ({ body }: Answer): string[] => body.redeemables.data.map(({ id }: { id: string }) => id)

const qualified = async (customer: string, more: Record<string, unknown> = {}): Promise<string[]> => {
  const answer = await ask({ customer: { source_id: customer }, options: { limit: 50 }, ...more })
  assert.is(answer.status, 200, JSON.stringify(answer.body))
  return codesOf(answer)
}

const off = { type: 'AMOUNT', amount_off: 100 }
let own = ''
let spring = ''

test.before(async () => {
  node = await testNode({}, undefined, { client: { allow: ['qualify'] } })
  await ok('POST', '/v1/customers', { source_id: 'ann', metadata: { tier: 'gold' } })
  const rule = await ok('POST', '/v1/validation-rules', {
    name: 'gold only',
    rules: { '1': { name: 'customer.metadata', property: 'tier', conditions: { $is: ['gold'] } }, logic: '1' },
  })
  const dear = await ok('POST', '/v1/validation-rules', {
    name: 'dear orders',
    rules: { '1': { name: 'order.amount', conditions: { $more_than: [1000] } }, logic: '1' },
  })
  await ok('POST', '/v1/vouchers/ANYONE', { discount: off })
  await ok('POST', '/v1/vouchers/GOLD', { discount: off })
  await ok('POST', `/v1/validation-rules/${rule.body.id}/assignments`, { voucher: 'GOLD' })
  await ok('POST', '/v1/vouchers/DEAR', { discount: off })
  await ok('POST', `/v1/validation-rules/${dear.body.id}/assignments`, { voucher: 'DEAR' })
  await ok('POST', '/v1/vouchers/PAST', { discount: off, expiration_date: '2020-01-01T00:00:00Z' })
  await ok('POST', '/v1/vouchers/ONCE', { discount: off, redemption: { quantity: 1 } })
  const campaign = { campaign_type: 'DISCOUNT_COUPONS', voucher: { type: 'DISCOUNT_VOUCHER', discount: off } }
  spring = (await ok('POST', '/v1/campaigns', { name: 'spring', ...campaign })).body.id
  await ok('POST', '/v1/campaigns', { name: 'closed', ...campaign, active: false })
  await ok('POST', '/v1/campaigns/closed/vouchers/CLOSED-1', {})
  own = (await ok('POST', '/v1/publications', { campaign: 'spring', customer: { source_id: 'ann' } })).body.voucher.code
  // A code that nobody holds would be given to her: the other one comes later.
  await ok('POST', '/v1/campaigns/spring/vouchers/SPRING-1', {})
  await ok('POST', '/v1/vouchers/GIFT', { gift: { amount: 300 } })
})
test.after(() => node.end())

test('ALL: the own codes and those that nobody holds, by rules, dates and limits, the newest first', async () => {
  assert.equal(await qualified('ann'), ['GIFT', 'SPRING-1', own, 'ONCE', 'GOLD', 'ANYONE'])
  assert.equal(await qualified('ann', { order: { amount: 5_000 } }), [
    'GIFT',
    'SPRING-1',
    own,
    'ONCE',
    'DEAR',
    'GOLD',
    'ANYONE',
  ])
  assert.equal(await qualified('somebody-new'), ['GIFT', 'SPRING-1', 'ONCE', 'ANYONE'])
  assert.equal(await qualified('somebody-new', { customer: undefined }), ['GIFT', 'SPRING-1', 'ONCE', 'ANYONE'])
  const gold = { source_id: 'somebody-new', metadata: { tier: 'gold' } }
  assert.ok((await qualified('', { customer: gold })).includes('GOLD'), 'what is said of the customer counts')
  assert.is((await node.call('GET', '/v1/customers/somebody-new')).status, 404)
})

test('CUSTOMER_WALLET: the own codes alone', async () => {
  assert.equal(await qualified('ann', { scenario: 'CUSTOMER_WALLET' }), [own])
  assert.equal(await qualified('somebody-new', { scenario: 'CUSTOMER_WALLET' }), [])
  assert.is((await ask({ scenario: 'CUSTOMER_WALLET' })).body.key, 'missing_customer')
})

test('AUDIENCE_ONLY: what rules ask of the order is left aside, and what they ask of the customer is not', async () => {
  const audience = (customer: string) => qualified(customer, { scenario: 'AUDIENCE_ONLY' })
  assert.equal(await audience('ann'), ['GIFT', 'SPRING-1', own, 'ONCE', 'DEAR', 'GOLD', 'ANYONE'])
  assert.equal(await audience('somebody-new'), ['GIFT', 'SPRING-1', 'ONCE', 'DEAR', 'ANYONE'])
})

test('BEST_DEAL and LEAST_DEAL: by what each takes off the order', async () => {
  const order = { amount: 5_000 }
  const by = (sorting_rule: string, limit: number) => qualified('ann', { order, options: { limit, sorting_rule } })
  assert.equal(await by('BEST_DEAL', 1), ['GIFT'])
  assert.is((await by('LEAST_DEAL', 50)).at(-1), 'GIFT')
  const orderless = await ask({ customer: { source_id: 'ann' }, options: { sorting_rule: 'BEST_DEAL' } })
  assert.equal([orderless.status, orderless.body.key], [400, 'missing_order'])
})

test('each is judged by itself, with the order that it would leave', async () => {
  const { body } = await ask({ customer: { source_id: 'ann' }, order: { amount: 250 }, options: { limit: 50 } })
  const of = (code: string) => body.redeemables.data.find(({ id }: { id: string }) => id === code)
  assert.equal([of('ANYONE').order.total_amount, of(own).order.total_amount], [150, 150])
  assert.equal([of('GIFT').result.gift, of('GIFT').order.total_amount], [{ balance: 300, credits: 250 }, 0])
  assert.equal([of(own).campaign_id, of(own).campaign_name, of('GOLD').campaign_id], [spring, 'spring', undefined])
  assert.ok(of('GOLD').validation_rule_id)
  assert.equal([body.order.total_amount, body.tracking_id], [250, 'ann'])
  const bare = await ask({ options: { filters: { code: { conditions: { $is: 'GIFT' } } } } })
  assert.equal(bare.body.redeemables.data[0].result, { gift: { balance: 300, credits: 0 } })
})

test('pages go on where the last one ended, and find each code once', async () => {
  const seen: string[] = []
  let options: Record<string, unknown> = { limit: 2 }
  for (;;) {
    const answer = await ask({ customer: { source_id: 'ann' }, options })
    seen.push(...codesOf(answer))
    const { has_more, more_starting_after } = answer.body.redeemables
    if (!has_more) break
    options = { limit: 2, starting_after: more_starting_after }
  }
  assert.equal(seen, await qualified('ann'))
  const { data } = (await ask({ customer: { source_id: 'ann' }, options: { limit: 2 } })).body.redeemables
  const earlier = await qualified('ann', { options: { limit: 50, starting_after: data[1].created_at } })
  assert.not(earlier.includes(data[0].id))
})

test('filters narrow the codes', async () => {
  const only = (filters: unknown) => qualified('ann', { options: { limit: 50, filters } })
  assert.equal(await only({ campaign_id: { conditions: { $in: [spring] } } }), ['SPRING-1', own])
  assert.equal(await only({ code: { conditions: { $is: 'GOLD' } } }), ['GOLD'])
  assert.equal(await only({ campaign_id: { conditions: { $is_unknown: true } } }), ['GIFT', 'ONCE', 'GOLD', 'ANYONE'])
})

test('what is not supported is refused with what is', async () => {
  const refused = async (body: unknown, details: RegExp) => {
    const answer = await ask(body)
    assert.equal([answer.status, answer.body.key], [400, 'invalid_payload'])
    assert.match(answer.body.details, details)
  }
  await refused({ scenario: 'PRODUCTS' }, /scenario must be equal to one of ALL, CUSTOMER_WALLET/)
  await refused({ options: { sorting_rule: 'DEAR' } }, /sorting_rule/)
  await refused({ options: { limit: 51 } }, /limit/)
  await refused({ options: { filters: { colour: {} } } }, /filters/)
  await refused({ options: { starting_after: 'soon' } }, /starting_after/)
  assert.is((await ask({ customer: { id: 'cust_000000000000000000000000' } })).status, 404)
})

test('a code that is used up, or reserved by a session of somebody else, is none any more; by the SDK and from a browser', async () => {
  const sdk = serverSdk(node)
  const eligible = async () => {
    const answer = await sdk.qualifications.checkEligibility({
      customer: { source_id: 'ann' },
      scenario: 'ALL',
      options: { limit: 50 },
    })
    return answer.redeemables.data.map(({ id }) => id)
  }
  assert.ok((await eligible()).includes('ONCE'))
  const locked = await ok('POST', '/v1/validations', {
    redeemables: [{ object: 'voucher', id: 'ONCE' }],
    session: { type: 'LOCK', key: 'another', ttl: 1, ttl_unit: 'HOURS' },
  })
  assert.is(locked.body.valid, true)
  assert.not((await eligible()).includes('ONCE'))
  await ok('DELETE', '/v1/vouchers/ONCE/sessions/another')
  assert.ok((await eligible()).includes('ONCE'))
  await ok('POST', '/v1/redemptions', { redeemables: [{ object: 'voucher', id: 'ONCE' }] })
  assert.not((await eligible()).includes('ONCE'))
  const fromBrowser = await clientSdk(node, { 'X-Customer-Token': tokenOf(node.key('client'), 'ann') }).qualifications({
    customer: { source_id: 'ann' },
    scenario: 'CUSTOMER_WALLET',
  })
  assert.equal(
    fromBrowser.redeemables.data.map(({ id }) => id),
    [own],
  )
})

test.run()
