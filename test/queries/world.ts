// A project with something of every kind, most of it many times in one instant, for tests that go over all routes that read.
import { strict as assert } from 'node:assert'
import { postedProgram } from '../referrals/fixtures.ts'
import type { Answer, TestNode } from '../system/node.ts'
import { until } from '../until.ts'

/** One GET route of the API's document. */
export interface ReadRoute {
  readonly path: string
  readonly parameters: ReadonlySet<string>
  /** The orders that a list can have; empty where there is no choice. */
  readonly orders: readonly string[]
}

export interface World {
  /** All GET routes under `/v1`, from the document of the running node. */
  readonly routes: readonly ReadRoute[]
  /** A segment that many customers are in. */
  readonly segment: string
  /** A path with its parameters put in; a route whose parameters nobody knows fails the test. */
  filled(path: string): string
}

const COUNT = 10
const times = <T>(n: number, of: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => of(i))

export const makeWorld = async (node: TestNode): Promise<World> => {
  const post = async (path: string, body: unknown = {}): Promise<Answer['body']> => {
    const answer = await node.call('POST', path, body, { as: 'admin', headers: { Prefer: 'wait=10' } })
    assert.ok(answer.status < 300, `${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  const all = (n: number, path: string, body: (i: number) => unknown) =>
    Promise.all(times(n, (i) => post(path, body(i))))

  for (const name of ['seen', 'bought', 'signed_up'])
    await post('/v1/event-schemas', { name, schema: { properties: {} } })
  const segments = await all(3, '/v1/segments', (i) => ({
    name: `segment ${i % 2}`,
    type: 'auto-update',
    condition: { event: 'seen' },
  }))
  const discount = { type: 'PERCENT', percent_off: 10 }
  const coupons = await post('/v1/campaigns', {
    name: 'coupons',
    campaign_type: 'DISCOUNT_COUPONS',
    vouchers_count: COUNT,
    voucher: { type: 'DISCOUNT_VOUCHER', discount },
  })
  const club = await post('/v1/loyalties', {
    name: 'club',
    voucher: { type: 'LOYALTY_CARD', loyalty_card: { points: 0 } },
  })
  await post('/v1/loyalties', { name: 'other club', voucher: { type: 'LOYALTY_CARD', loyalty_card: { points: 0 } } })
  const rules = (
    await all(3, `/v1/loyalties/${club.id}/earning-rules`, (i) => [
      { event: 'bought', loyalty: { type: 'FIXED', points: 1 + i } },
    ])
  ).flat()
  const tiers = (
    await all(3, `/v1/loyalties/${club.id}/tiers`, (i) => [
      { name: `tier ${i}`, points: { from: i * 100, ...(i === 2 ? {} : { to: i * 100 + 99 }) } },
    ])
  ).flat()
  const rewards = await all(3, '/v1/rewards', (i) => ({
    name: `reward ${i}`,
    type: 'MATERIAL',
    parameters: { product: { id: `prod_${i}` } },
  }))
  const offers = (
    await Promise.all(
      rewards.map(({ id }) =>
        post(`/v1/rewards/${id}/assignments`, { campaign: club.id, parameters: { loyalty: { points: 1 } } }),
      ),
    )
  ).flat()
  await post('/v1/campaigns', postedProgram('friends', club.id))
  const rule = { rules: { 1: { name: 'order.amount', conditions: { $more_than: [0] } }, logic: '1' } }
  const validations = await all(4, '/v1/validation-rules', (i) => ({ name: `rule ${i}`, ...rule }))
  await Promise.all(
    times(3, (i) =>
      post(`/v1/validation-rules/${validations[0].id}/assignments`, {
        related_object_type: 'earning_rule',
        related_object_id: rules[i].id,
      }),
    ),
  )
  const assignment = (await node.call('GET', `/v1/validation-rules/${validations[0].id}/assignments`)).body.data[0]
  const distributions = await all(3, '/v1/distributions', (i) => ({
    name: `distribution ${i}`,
    trigger: { type: 'event', event: 'seen' },
    channel: { type: 'email', subject: 'Hello', text: 'there' },
  }))
  const hooks = await all(2, '/v1/webhooks', (i) => ({ url: `http://127.0.0.1:9/${i}`, events: ['customer.rewarded'] }))

  // Customers, their events, cards and messages come in batches: one instant each.
  const batch = (event: string, n = COUNT) =>
    post('/v1/events/batch', {
      events: times(n, (i) => ({ event, customer: { source_id: `c${i}`, name: `N${i % 3}` } })),
    })
  await batch('seen')
  await all(COUNT, `/v1/loyalties/${club.id}/members`, (i) => ({ customer: { source_id: `c${i}` } }))
  for (let n = 0; n < 3; n++) await batch('bought', 6)
  await node.call('POST', '/v1/events/batch', {
    events: times(6, (i) => ({ event: 'unknown', customer: { source_id: `c${i}` } })),
  })
  const card = await until(async () => {
    const cards = (await node.call('GET', `/v1/loyalties/${club.id}/members?customer=c0&limit=1`)).body.vouchers
    return cards?.[0]
  })
  const published = await all(COUNT, '/v1/publications', (i) => ({
    campaign: 'coupons',
    customer: { source_id: `c${i % 4}` },
  }))
  const { code } = published[0].voucher
  await post('/v1/vouchers/GIFT', { type: 'GIFT_VOUCHER', gift: { amount: 5_000 } })
  for (let n = 0; n < 5; n++) await post('/v1/vouchers/GIFT/balance', { amount: 10, source_id: `s${n}` })
  const redemptions = await all(6, '/v1/redemptions', (i) => ({
    redeemables: [
      { object: 'voucher', id: i % 3 === 0 ? 'GIFT' : code, ...(i % 3 === 0 ? { gift: { credits: 5 } } : {}) },
    ],
    customer: { source_id: `c${i % 4}` },
    order: { amount: 1_000 },
  }))
  await post(`/v1/redemptions/${redemptions[0].redemptions[0].id}/rollback`)
  const referral = (await post('/v1/publications', { campaign: 'friends', customer: { source_id: 'c0' } })).voucher.code
  await post(`/v1/referrals/members/${referral}/holders`, { holders: times(6, (i) => ({ source_id: `friend${i}` })) })
  await all(4, '/v1/vouchers/import', (i) => [{ code: `IMPORTED-${i}`, type: 'DISCOUNT_VOUCHER', discount }])
  // A customer with cards and codes goes, and with it everything that lists and totals would else go on counting.
  const gone = await node.call('DELETE', '/v1/customers/c1', undefined)
  assert.equal(gone.status, 204)
  const customer = (await node.call('GET', '/v1/customers/c0', undefined, { after: gone })).body
  await until(async () => {
    const actions = (await node.call('GET', '/v1/async-actions?limit=100')).body.async_actions
    return actions.length >= 5 && actions.every((one: { status: string }) => one.status === 'DONE')
  })
  const message = await until(async () => (await node.call('GET', '/v1/messages?limit=1')).body.data[0])
  const job = (await node.call('GET', '/v1/async-actions?limit=1')).body.async_actions[0]

  const [exported] = await all(3, '/v1/exports', () => ({ exported_object: 'customer' }))
  await until(async () => {
    const { exports } = (await node.call('GET', '/v1/exports', undefined, { as: 'admin' })).body
    return exports.every((one: { status: string }) => one.status === 'DONE')
  })

  const key = await post('/v1/access/keys', { name: 'a reader', role: 'reader' })
  await post('/v1/access/roles', { name: 'helper', permissions: ['customers.read'] })
  const user = await post('/v1/access/users', { email: 'ann@shop.test', role: 'reader' })

  const document = (await node.call('GET', '/openapi.json')).body
  interface Parameter {
    readonly name?: string
    readonly schema?: { readonly enum?: readonly string[] }
  }
  const routes = Object.entries(document.paths as Record<string, { get?: { parameters: readonly Parameter[] } }>)
    .filter(([path, { get }]) => get && path.startsWith('/v1/'))
    .map(([path, { get }]) => ({
      path,
      parameters: new Set(get!.parameters.flatMap(({ name }) => name ?? [])),
      orders: get!.parameters.find(({ name }) => name === 'order')?.schema?.enum ?? [],
    }))

  const offer = offers[0]
  /** What stands for `{…}` in a path, by how the path begins: the first that fits. */
  const sizes = await post('/v1/metadata-schemas', { related_object: 'size', properties: {} })
  const category = await post('/v1/categories', { name: 'shoes', hierarchy: 1 })
  const stacking = await post('/v1/stacking-rules', { applicable_redeemables_limit: 30 })
  const promotion = await post('/v1/campaigns', { name: 'promotion', campaign_type: 'PROMOTION' })
  const tier = await post(`/v1/promotions/${promotion.id}/tiers`, { name: 'first' })
  const stack = await post(`/v1/promotions/${promotion.id}/stacks`, { name: 'all', tiers: { ids: [tier.id] } })
  const VALUES: readonly (readonly [RegExp, Readonly<Record<string, string>>])[] = [
    [
      /^\/v1\/loyalties\//,
      {
        campaignId: club.id,
        memberId: card.code,
        earningRuleId: rules[0].id,
        tierId: tiers[0].id,
        assignmentId: offer.id,
      },
    ],
    [/^\/v1\/rewards\//, { id: offer.reward_id, assignmentId: offer.id }],
    [/^\/v1\/referrals\//, { campaignId: 'friends', code: referral, customer: 'c0' }],
    [/^\/v1\/campaigns\//, { id: coupons.id, campaignId: coupons.id }],
    [/^\/v1\/customers\//, { id: customer.id }],
    [/^\/v1\/audit\/customers\//, { id: customer.id }],
    [/^\/v1\/segments\//, { id: segments[0].id }],
    [/^\/v1\/validation-rules\//, { id: validations[0].id, assignmentId: assignment.id }],
    [/^\/v1\/distributions\//, { id: distributions[0].id }],
    [/^\/v1\/webhooks\//, { id: hooks[0].id }],
    [/^\/v1\/access\/keys\//, { id: key.id }],
    [/^\/v1\/access\/roles\//, { name: 'helper' }],
    [/^\/v1\/access\/users\//, { id: user.id }],
    [/^\/v1\/messages\//, { id: message.id }],
    [/^\/v1\/async-actions\//, { id: job.id }],
    [/^\/v1\/orders\//, { id: redemptions[0].order.id }],
    [/^\/v1\/exports\//, { id: exported.id }],
    [/^\/v1\/redemptions\//, { id: redemptions[0].redemptions[0].id }],
    [/^\/v1\/vouchers\/\{code\}\/transactions/, { code: 'GIFT' }],
    [/^\/v1\/vouchers\//, { code }],
    [/^\/v1\/promotions\//, { campaignId: promotion.id, promotionTierId: tier.id, stackId: stack.id }],
    [/^\/v1\/categories\//, { categoryId: category.id }],
    [/^\/v1\/stacking-rules\//, { stackingRulesId: stacking.id }],
    [/^\/v1\/metadata-schemas\//, { metadataSchemaId: sizes.id }],
    [/^\/v1\/event-schemas\//, { customEventSchemaId: (await node.call('GET', '/v1/event-schemas')).body.data[0].id }],
  ]
  return {
    routes,
    segment: segments[0].id,
    filled(path) {
      const values = VALUES.find(([start]) => start.test(path))?.[1] ?? {}
      return path.replace(/\{([^}]+)\}/g, (_, name: string) => {
        assert.ok(values[name] !== undefined, `nothing for {${name}} of ${path}`)
        return encodeURIComponent(values[name])
      })
    },
  }
}
