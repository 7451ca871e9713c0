// What a public key may do, over every client path of the product: each ability, with and without the customer's token.
import { randomBytes } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { commandRoutes } from '../../commands/index.ts'
import { queryRoutes } from '../../queries/index.ts'
import { ABILITIES, type Ability, type GeneratedKey } from '../../src/keys.ts'
import { until } from '../until.ts'
import { tokenOf } from './customerToken.ts'
import { type Answer, type TestNode, testNode } from './node.ts'
import { clientSdk } from './sdk.ts'

const test = suite('client keys')

const clientKey = (name: string, allow: readonly Ability[] | undefined): GeneratedKey => ({
  name,
  role: 'client',
  appId: `app_${name}`,
  token: `the public token of ${name}`,
  origins: ['*'],
  customerSecret: randomBytes(32).toString('base64url'),
  ...(allow ? { allow: [...allow] } : {}),
})

const plain = clientKey('plain', undefined)
const all = clientKey('all', ABILITIES)
const only = new Map(ABILITIES.map((ability) => [ability, clientKey(`only-${ability}`, [ability])]))
const except = new Map(
  ABILITIES.map((ability) => [
    ability,
    clientKey(
      `all-but-${ability}`,
      ABILITIES.filter((one) => one !== ability),
    ),
  ]),
)

let node: TestNode
let newest: Answer
let own = ''
let fresh = 0

const ok = async (method: string, path: string, body?: unknown): Promise<Answer> => {
  const answer = await node.call(method, path, body, { as: 'admin' })
  assert.ok(answer.status < 300, `${path}: ${JSON.stringify(answer.body)}`)
  if (answer.headers.has('consistency-token')) newest = answer
  return answer
}

/** A call with a client key, with the token of a customer where one is named. */
const by = async (
  key: GeneratedKey,
  method: string,
  path: string,
  body?: unknown,
  tokenFor?: string,
): Promise<Answer> => {
  const answer = await node.call(method, path, body, {
    headers: {
      'X-Client-Application-Id': key.appId,
      'X-Client-Token': key.token,
      ...(tokenFor === undefined ? {} : { 'X-Customer-Token': tokenOf(key, tokenFor) }),
    },
    after: newest,
  })
  // What has changed something is waited for by those that follow.
  if (answer.headers.has('consistency-token')) newest = answer
  return answer
}

const off = { type: 'AMOUNT', amount_off: 100 }

interface Sample {
  readonly path: (customer: string) => string
  readonly body?: (customer: string) => unknown
  /** What a stranger gets who means a customer that is known, and one that is not. */
  readonly known: number
  readonly unknown: number
  /** It is about no customer: whose token comes along makes no difference. */
  readonly isAboutNobody?: true
}

const named = (customer: string) => ({ customer: { source_id: customer } })
const redeemables = [{ object: 'voucher', id: 'EVERYBODY' }]

/** A good request for every client path, about a customer by name. */
const SAMPLES: Readonly<Record<string, Sample>> = {
  'post /client/v1/events': {
    path: () => '/client/v1/events',
    body: (customer) => ({ event: 'review', metadata: { stars: 5 }, customer: { source_id: customer, name: 'Eve' } }),
    known: 200,
    unknown: 200,
  },
  'post /client/v1/customers': {
    path: () => '/client/v1/customers',
    body: (customer) => ({ source_id: customer, description: 'said by a browser' }),
    known: 403,
    unknown: 200,
  },
  'get /client/v1/customers/{id}': { path: (customer) => `/client/v1/customers/${customer}`, known: 403, unknown: 403 },
  'post /client/v1/publish': {
    path: () => '/client/v1/publish?campaign=spring',
    body: named,
    known: 403,
    unknown: 200,
  },
  'post /client/v1/validations': {
    path: () => '/client/v1/validations',
    body: (customer) => ({ redeemables, ...named(customer) }),
    known: 200,
    unknown: 200,
  },
  'get /client/v1/validate': {
    path: (customer) => `/client/v1/validate?code=EVERYBODY&customer[source_id]=${customer}`,
    known: 200,
    unknown: 200,
  },
  'post /client/v1/redemptions': {
    path: () => '/client/v1/redemptions',
    body: (customer) => ({ redeemables, ...named(customer) }),
    known: 403,
    unknown: 200,
  },
  'post /client/v1/redeem': { path: () => `/client/v1/redeem?code=EVERYBODY`, body: named, known: 403, unknown: 200 },
  'post /client/v1/qualifications': {
    path: () => '/client/v1/qualifications',
    body: (customer) => ({ ...named(customer), scenario: 'ALL', options: { limit: 50 } }),
    known: 200,
    unknown: 200,
  },
  'get /client/v1/promotions/tiers': {
    path: () => '/client/v1/promotions/tiers',
    known: 200,
    unknown: 200,
    isAboutNobody: true,
  },
}

interface ClientRoute {
  readonly name: string
  readonly method: string
  readonly ability: Ability | 'track'
  readonly sample: Sample
}

const clientRoutes = (): readonly ClientRoute[] =>
  [...commandRoutes(node.services), ...queryRoutes(node.services)].flatMap(({ method, path, also = [], ability }) =>
    [path, ...also]
      .filter((one) => one.startsWith('/client/'))
      .map((one) => {
        const name = `${method} ${one}`
        const sample = SAMPLES[name]
        if (!sample) throw new Error(`${name} has no sample in this test`)
        return { name, method: method.toUpperCase(), ability: ability!, sample }
      }),
  )

const ask = ({ method, sample }: ClientRoute, key: GeneratedKey, customer: string, tokenFor?: string) =>
  by(key, method, sample.path(customer), sample.body?.(customer), tokenFor)

/** What is known of Ann and of codes that nobody has: no stranger's answer may hold any of it. */
const secrets = (): readonly string[] => [
  own,
  'Ann Smith',
  'ann@shop.test',
  'vip-tier',
  'planned-tier',
  'Insiders',
  'UNUSED',
  'GIFTCARD',
  'ONCE',
]

const annNow = async () => {
  const { body } = await node.call('GET', '/v1/customers/ann', undefined, { after: newest })
  const { updated_at: _, summary: __, ...profile } = body
  return profile
}

test.before(async () => {
  node = await testNode({ CLIENT_REQUESTS_PER_MINUTE: '100000' }, undefined, {
    client: { allow: [...ABILITIES] },
    more: [plain, all, ...only.values(), ...except.values()],
  })
  await ok('POST', '/v1/event-schemas', { name: 'review', schema: { properties: { stars: { type: 'number' } } } })
  await ok('POST', '/v1/segments', {
    name: 'Insiders',
    type: 'auto-update',
    condition: { event: 'review', count: { $more_than_equal: 1 } },
  })
  await ok('POST', '/v1/customers', {
    source_id: 'ann',
    name: 'Ann Smith',
    email: 'ann@shop.test',
    metadata: { tier: 'vip-tier' },
  })
  await ok('POST', '/v1/campaigns', {
    name: 'spring',
    type: 'AUTO_UPDATE',
    join_once: true,
    campaign_type: 'DISCOUNT_COUPONS',
    voucher: { type: 'DISCOUNT_VOUCHER', discount: off },
  })
  own = (await ok('POST', '/v1/publications', { campaign: 'spring', ...named('ann') })).body.voucher.code
  await ok('POST', '/v1/campaigns/spring/vouchers/UNUSED', {})
  await ok('POST', '/v1/vouchers/GIFTCARD', { gift: { amount: 7_700 } })
  await ok('POST', '/v1/vouchers/ONCE', { discount: off, redemption: { quantity: 1 } })
  await ok('POST', '/v1/vouchers/EVERYBODY', { discount: off })
  const promotion = (await ok('POST', '/v1/campaigns', { name: 'promoted', campaign_type: 'PROMOTION' })).body.id
  await ok('POST', `/v1/promotions/${promotion}/tiers`, { name: 'now', action: { discount: off } })
  await ok('POST', `/v1/promotions/${promotion}/tiers`, {
    name: 'planned-tier',
    action: { discount: off },
    active: false,
  })
})
test.after(() => node.end())

test('a key may do what its entry allows, and every client path asks for something', async () => {
  for (const route of clientRoutes()) {
    const { name, ability } = route
    for (const [key, may] of [
      [plain, ability === 'track'],
      [all, true],
      ...ABILITIES.map((one) => [only.get(one)!, ability === 'track' || ability === one] as const),
      ...(ability === 'track' ? [] : [[except.get(ability)!, false] as const]),
    ] as const) {
      fresh += 1
      const answer = await ask(route, key, `of-${key.name}-${fresh}`, `of-${key.name}-${fresh}`)
      const refused = answer.status === 403 && answer.body.key === 'missing_required_permission'
      assert.is(refused, !may, `${name} by ${key.name}: ${answer.status} ${JSON.stringify(answer.body)}`)
    }
  }
})

test('without the customer’s token nothing is told, and nobody who is known changes', async () => {
  await by(plain, 'POST', '/client/v1/events', { event: 'review', metadata: { stars: 1 }, ...named('ann') })
  const before = await annNow()
  for (const route of clientRoutes()) {
    fresh += 1
    const answer = await ask(route, all, 'ann')
    const text = JSON.stringify(answer.body)
    assert.is(answer.status, route.sample.known, `${route.name}: ${text}`)
    for (const secret of secrets()) assert.not.ok(text.includes(secret), `${route.name} tells ${secret}: ${text}`)
    const stranger = await ask(route, all, `stranger-${fresh}`)
    assert.is(stranger.status, route.sample.unknown, `${route.name}: ${JSON.stringify(stranger.body)}`)
    for (const secret of secrets()) assert.not.ok(JSON.stringify(stranger.body).includes(secret), route.name)
    const others = await ask(route, all, 'ann', 'bob')
    assert.is(others.status, route.sample.isAboutNobody ? 200 : 403, `${route.name} with the token of another`)
    for (const bad of ['x.y.z', tokenOf(plain, 'ann'), tokenOf(all, 'ann', -60)]) {
      const { method, sample } = route
      const headers = { 'X-Client-Application-Id': all.appId, 'X-Client-Token': all.token, 'X-Customer-Token': bad }
      assert.is(
        (await node.call(method, sample.path('ann'), sample.body?.('ann'), { headers })).status,
        401,
        route.name,
      )
    }
  }
  assert.equal(await annNow(), before)
  const published = await by(all, 'POST', '/client/v1/publish?campaign=spring', named('nobody-yet'))
  const { body } = await node.call('GET', '/v1/publications?customer=nobody-yet', undefined, { after: published })
  assert.not.ok(JSON.stringify(published.body).includes(body.publications[0].voucher.code))
})

test('with it customers see and change themselves', async () => {
  for (const route of clientRoutes()) {
    const answer = await ask(route, all, 'ann', 'ann')
    assert.is(answer.status, 200, `${route.name}: ${JSON.stringify(answer.body)}`)
  }
  const seen = await by(all, 'GET', '/client/v1/customers/ann', undefined, 'ann')
  assert.equal([seen.body.name, seen.body.description], ['Eve', 'said by a browser'])
  const { id } = seen.body
  assert.is((await by(all, 'GET', `/client/v1/customers/${id}`, undefined, 'ann')).body.email, 'ann@shop.test')
  assert.is((await by(all, 'GET', `/client/v1/customers/${id}`, undefined, 'bob')).status, 403)
  const wallet = await by(all, 'POST', '/client/v1/qualifications', { ...named('ann'), options: { limit: 50 } }, 'ann')
  const codes = wallet.body.redeemables.data.map((one: { id: string }) => one.id)
  assert.ok(codes.includes(own) && codes.includes('EVERYBODY'), codes.join())
  for (const secret of ['UNUSED', 'GIFTCARD', 'ONCE']) assert.not.ok(codes.includes(secret), secret)
})

test('a token without the ability to read or write the profile does neither', async () => {
  const before = await annNow()
  const tracked = await by(
    plain,
    'POST',
    '/client/v1/events',
    { event: 'review', metadata: { stars: 5 }, customer: { source_id: 'ann', name: 'Mallory' } },
    'ann',
  )
  assert.equal([tracked.status, tracked.body.customer.email], [200, undefined])
  assert.equal(await annNow(), before)
  const redeemed = await by(only.get('redeem')!, 'POST', '/client/v1/redeem?code=EVERYBODY', named('ann'), 'ann')
  assert.equal([redeemed.status, redeemed.body.customer.name], [200, undefined], JSON.stringify(redeemed.body))
})

test('a stranger’s new customer has a profile only where the key may write one', async () => {
  const event = (source: string) => ({
    event: 'review',
    metadata: { stars: 5 },
    customer: { source_id: source, name: 'Nora', email: `${source}@shop.test`, metadata: { tier: 'gold' } },
  })
  const bare = await by(plain, 'POST', '/client/v1/events', event('nora'))
  const full = await by(only.get('write_own_profile')!, 'POST', '/client/v1/events', event('nina'))
  assert.equal([bare.body.customer.email, full.body.customer.email, full.body.effects], [undefined, undefined, []])
  const nora = await node.call('GET', '/v1/customers/nora', undefined, { after: full })
  assert.equal([nora.body.name, nora.body.email, nora.body.metadata], [undefined, undefined, {}])
  assert.is((await node.call('GET', '/v1/customers/nina', undefined, { after: full })).body.email, 'nina@shop.test')
})

test('a dry run by a client key asks for the token', async () => {
  const event = { event: 'review', metadata: { stars: 5 }, ...named('ann') }
  assert.is((await by(all, 'POST', '/client/v1/events?dry_run=true', event)).status, 403)
  assert.is((await by(all, 'POST', '/client/v1/events?dry_run=true', { ...event, ...named('whoever') })).status, 403)
  const own = await by(all, 'POST', '/client/v1/events?dry_run=true', event, 'ann')
  assert.equal([own.status, own.body.customer.email], [200, 'ann@shop.test'])
})

test('browsers publish neither codes by name nor under a name of their own', async () => {
  const path = '/client/v1/publish'
  assert.is((await by(all, 'POST', path, { voucher: 'EVERYBODY', ...named('ann') }, 'ann')).status, 403)
  const taken = { campaign: 'spring', source_id: 'order-1', ...named('ann') }
  assert.is((await by(all, 'POST', path, taken, 'ann')).status, 403)
  const again = `${path}?campaign=spring&join_once=false`
  assert.is((await by(all, 'POST', again, named('ann'), 'ann')).body.voucher.code, own)
})

test('locks of browsers last minutes, and readers cannot lock', async () => {
  const week = { type: 'LOCK', ttl: 7, ttl_unit: 'DAYS' }
  const body = { redeemables, session: week }
  const locked = await by(all, 'POST', '/client/v1/validations', body)
  assert.equal([locked.body.session.ttl, locked.body.session.ttl_unit], [10, 'MINUTES'], JSON.stringify(locked.body))
  const { state } = await node.services.ledgers.codes.load('EVERYBODY')
  const lasts = Object.values(state.ledger.locks).map(({ expiresAt }) => expiresAt - Date.now())
  assert.ok(lasts.length > 0 && lasts.every((ms) => ms <= 600_000), String(lasts))
  const by10 = []
  for (let n = 0; n < 30; n++) by10.push((await by(all, 'POST', '/client/v1/validations', body)).status)
  assert.ok(by10.includes(429), 'locks of an address are few')
  for (const path of ['/v1/validations', '/v1/vouchers/EVERYBODY/validate']) {
    const { redeemables: _, ...one } = body
    const asked = path === '/v1/validations' ? body : one
    assert.is((await node.call('POST', path, asked, { as: 'reader' })).status, 403, path)
    const { session: __, ...plainly } = asked as typeof body
    assert.is((await node.call('POST', path, plainly, { as: 'reader' })).status, 200, path)
  }
})

test('new customers and kept refusals of a public key are bounded; what is known goes on', async () => {
  const key = only.get('validate')!
  const event = (source: string, stars: unknown = 5) => ({ event: 'review', metadata: { stars }, ...named(source) })
  let many = 0
  for (; many < 200; many++)
    if ((await by(key, 'POST', '/client/v1/events', event(`crowd-${many}`))).status === 429) break
  assert.ok(many < 200 && many >= 30, `${many} new customers`)
  assert.is((await by(key, 'POST', '/client/v1/events', event('ann'))).status, 200)
  assert.is((await by(key, 'POST', '/client/v1/events', event(`crowd-of-token`), 'crowd-of-token')).status, 200)
  for (let n = 0; n < 60; n++)
    assert.is((await by(key, 'POST', '/client/v1/events', event('ann', `bad ${n}`))).status, 400)
  const { body } = await node.call('GET', '/v1/events/rejected?limit=100', undefined, { after: newest })
  assert.ok(body.data.length < 60, `${body.data.length} are kept`)
})

test('the SDK of browsers works with a key that is allowed what it does, and sends the token as a header', async () => {
  const key = node.key('client')
  const stranger = clientSdk(node)
  assert.is((await stranger.track('review', { source_id: 'sdk' } as never, { stars: 4 })).type, 'review')
  assert.is((await stranger.validate({ code: 'EVERYBODY', amount: 1_000 } as never)).valid, true)
  const ann = clientSdk(node, { 'X-Customer-Token': tokenOf(key, 'ann') })
  ann.setIdentity('ann')
  assert.is((await ann.redeem('EVERYBODY')).result, 'SUCCESS')
  assert.is((await ann.publish('spring')).voucher?.code, own)
  assert.is(((await ann.createCustomer({ source_id: 'ann' } as never)) as { source_id?: string }).source_id, 'ann')
  const stack = { redeemables: [{ object: 'voucher' as const, id: 'EVERYBODY' }], customer: { source_id: 'ann' } }
  assert.is((await ann.validateStackable(stack)).valid, true)
  assert.is((await ann.redeemStackable(stack)).redemptions.length, 1)
  const found = await until(() => ann.qualifications({ customer: { source_id: 'ann' }, scenario: 'CUSTOMER_WALLET' }))
  assert.ok(found.redeemables.data.some(({ id }) => id === own))
})

test.run()
