// For every route that changes or deletes one record: a record of its own to do that to, and the change.
import * as assert from 'uvu/assert'
import type { Answer, TestNode } from '../system/node.ts'

export interface Change {
  /** Makes a record of its own; gives its address. */
  readonly make: (tag: string) => Promise<string>
  /** What a PUT sends; none where there is only a DELETE. */
  readonly body?: unknown
  /** True where there is no DELETE. */
  readonly stays?: true
}

const coupon = { type: 'DISCOUNT_VOUCHER', discount: { type: 'AMOUNT', amount_off: 100 } }
const filter = { junction: 'and', name: { conditions: { $is: ['Ann'] } } }

const maker =
  (node: TestNode) =>
  async (path: string, body: unknown = {}): Promise<Answer['body']> => {
    const answer = await node.call('POST', path, body, { as: 'admin' })
    assert.ok(answer.status < 300, `${path}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }

/** Addresses of records that no list above them names, made to be read. */
export const createReads = async (node: TestNode): Promise<readonly string[]> => {
  const made = maker(node)
  const program = (await made('/v1/loyalties', { name: 'read', voucher: { type: 'LOYALTY_CARD' } })).id
  const [rule] = await made(`/v1/loyalties/${program}/earning-rules`, [
    { event: 'bought', loyalty: { type: 'FIXED', points: 10 } },
  ])
  const reward = (
    await made('/v1/rewards', { name: 'mug', type: 'MATERIAL', parameters: { product: { id: 'prod_mug' } } })
  ).id
  const [offer] = await made(`/v1/loyalties/${program}/rewards`, [{ reward, parameters: { loyalty: { points: 5 } } }])
  const card = (await made(`/v1/loyalties/${program}/members`, { customer: { source_id: 'reader' } })).code
  await made(`/v1/loyalties/members/${card}/balance`, { points: 7 })
  await made('/v1/vouchers/READ-GIFT', { type: 'GIFT_VOUCHER', gift: { amount: 1_000 } })
  await made('/v1/vouchers/READ-GIFT/balance', { amount: 100 })
  const friends = (
    await made('/v1/campaigns', {
      name: 'read friends',
      campaign_type: 'REFERRAL_PROGRAM',
      voucher: { type: 'DISCOUNT_VOUCHER', is_referral_code: true },
      referral_program: { conversion_event_type: 'custom_event', custom_event: { name: 'bought' } },
    })
  ).id
  const referrer = await made('/v1/publications', { campaign: friends, customer: { source_id: 'brings' } })
  const { code } = referrer.voucher
  await made('/v1/events', { event: 'bought', customer: { source_id: 'brought' }, referral: { code } })
  const key = (await made('/v1/access/keys', { name: 'read', role: 'reader' })).id
  const promotion = (await made('/v1/campaigns', { name: 'read promotion', campaign_type: 'PROMOTION' })).id
  const tier = await made(`/v1/promotions/${promotion}/tiers`, {
    name: 'read tier',
    action: { discount: { type: 'PERCENT', percent_off: 10 } },
  })
  const stack = await made(`/v1/promotions/${promotion}/stacks`, { name: 'read stack', tiers: { ids: [tier.id] } })
  await made('/v1/access/roles', { name: 'read-desk', permissions: ['codes.read'] })
  const stacking = await made('/v1/stacking-rules', {
    applicable_redeemables_limit: 10,
    applicable_redeemables_per_category_limit: 3,
  })
  const user = (await made('/v1/access/users', { email: 'read@shop.test', role: 'reader' })).id
  return [
    `/v1/stacking-rules/${stacking.id}`,
    `/v1/promotions/${promotion}/tiers`,
    `/v1/promotions/${promotion}/stacks`,
    `/v1/promotions/${promotion}/stacks/${stack.id}`,
    ...[
      '',
      '/balance',
      '/points-expiration',
      '/activity',
      '/transactions',
      '/tiers',
      '/rewards',
      '/pending-points',
    ].map((what) => `/v1/loyalties/members/${card}${what}`),
    `/v1/loyalties/${program}/earning-rules/${rule.id}`,
    `/v1/loyalties/${program}/rewards/${offer.id}`,
    `/v1/loyalties/${program}/reward-assignments/${offer.id}/reward`,
    '/v1/vouchers/READ-GIFT/transactions',
    `/v1/referrals/${friends}`,
    `/v1/referrals/members/${code}`,
    `/v1/referrals/members/${code}/holders`,
    `/v1/referrals/${friends}/members/${code}/holders`,
    `/v1/referrals/${friends}/referrers/brings`,
    `/v1/referrals/${friends}/referees/brought`,
    `/v1/access/keys/${key}`,
    `/v1/access/users/${user}`,
    '/v1/customers/brought/consents',
    '/v1/access/roles/read-desk',
  ]
}

/** By path of the route table. */
export const createChanges = (node: TestNode): Readonly<Record<string, Change>> => {
  const made = maker(node)
  const below =
    (path: string, bodyOf: (tag: string) => unknown, key: 'id' | 'code' | 'name' = 'id') =>
    async (tag: string) =>
      `${path}/${(await made(path, bodyOf(tag)))[key]}`
  const program = async (tag: string): Promise<string> =>
    `/v1/loyalties/${(await made('/v1/loyalties', { name: `program-${tag}`, voucher: { type: 'LOYALTY_CARD' } })).id}`
  const reward = async (tag: string): Promise<string> =>
    (await made('/v1/rewards', { name: `mug-${tag}`, type: 'MATERIAL', parameters: { product: { id: 'prod_mug' } } }))
      .id
  const rule = below('/v1/validation-rules', (tag) => ({ name: `checked-${tag}`, type: 'expression', rules: {} }))
  const offered = (word: string): Change => ({
    make: async (tag) => {
      const path = await program(tag)
      const [one] = (await made(`${path}/${word}`, [
        { reward: await reward(tag), parameters: { loyalty: { points: 80 } } },
      ])) as { id: string }[]
      return `${path}/${word}/${one!.id}`
    },
    body: { parameters: { loyalty: { points: 90 } } },
  })
  const held = async (tag: string): Promise<{ readonly campaign: string; readonly path: string }> => {
    const campaign = (
      await made('/v1/campaigns', {
        name: `referrals-${tag}`,
        campaign_type: 'REFERRAL_PROGRAM',
        voucher: { type: 'DISCOUNT_VOUCHER', is_referral_code: true },
        referral_program: { conversion_event_type: 'custom_event', custom_event: { name: 'bought' } },
      })
    ).id
    const { code } = (await made('/v1/publications', { campaign, customer: { source_id: `referrer-${tag}` } })).voucher
    const path = `/members/${code}/holders`
    const holders = await made(`/v1/referrals${path}`, { holders: [{ source_id: `referee-${tag}` }] })
    return { campaign, path: `${path}/${holders.holders[0].id}` }
  }
  return {
    '/v1/metadata-schemas/{metadataSchemaId}': {
      make: below('/v1/metadata-schemas', (tag) => ({ related_object: `size-${tag}`, properties: {} })),
      body: { properties: { width: { type: 'number', optional: true, array: false } } },
    },
    '/v1/stacking-rules/{stackingRulesId}': {
      // There is one of them.
      make: async () => {
        const [found] = (await node.call('GET', '/v1/stacking-rules', undefined, { as: 'admin' })).body.data
        const { id } = found ?? (await made('/v1/stacking-rules', { applicable_redeemables_limit: 10 }))
        return `/v1/stacking-rules/${id}`
      },
      body: { redeemables_application_mode: 'PARTIAL' },
    },
    '/v1/categories/{categoryId}': {
      make: below('/v1/categories', (tag) => ({ name: `sorted-${tag}`, hierarchy: 20 })),
      body: { hierarchy: 30 },
    },
    '/v1/promotions/{campaignId}/stacks/{stackId}': {
      make: async (tag) => {
        const { id } = await made('/v1/campaigns', { name: `promotion-${tag}`, campaign_type: 'PROMOTION' })
        const tier = await made(`/v1/promotions/${id}/tiers`, { name: `tier-${tag}` })
        const stack = await made(`/v1/promotions/${id}/stacks`, { name: `stack-${tag}`, tiers: { ids: [tier.id] } })
        return `/v1/promotions/${id}/stacks/${stack.id}`
      },
      body: { name: 'Both together' },
    },
    '/v1/promotions/tiers/{promotionTierId}': {
      make: async (tag) => {
        const { id } = await made('/v1/campaigns', { name: `promotion-${tag}`, campaign_type: 'PROMOTION' })
        const tier = await made(`/v1/promotions/${id}/tiers`, {
          name: `tier-${tag}`,
          action: { discount: { type: 'AMOUNT', amount_off: 500 } },
        })
        return `/v1/promotions/tiers/${tier.id}`
      },
      body: { banner: 'Five off', action: { discount: { type: 'AMOUNT', amount_off: 700 } } },
    },
    '/v1/event-schemas/{customEventSchemaId}': {
      make: below('/v1/event-schemas', (tag) => ({
        name: `visit-${tag}`,
        schema: { properties: { page: { type: 'string' } } },
      })),
      body: { schema: { properties: { page: { type: 'string' }, seconds: { type: 'number', optional: true } } } },
    },
    '/v1/customers/{id}': {
      make: below('/v1/customers', (tag) => ({ source_id: `changed-${tag}`, name: 'Ann' })),
      body: { name: 'Ann Lee', metadata: { vip: true } },
    },
    '/v1/segments/{id}': {
      make: below('/v1/segments', (tag) => ({ name: `group-${tag}`, type: 'auto-update', filter })),
      body: { filter: { junction: 'and', name: { conditions: { $is: ['Ann', 'Bob'] } } } },
    },
    '/v1/validation-rules/{id}': {
      make: rule,
      body: { rules: { 1: { name: 'order.amount', conditions: { $more_than: [1_000] } }, logic: '1' } },
    },
    '/v1/validation-rules/{id}/assignments/{assignmentId}': {
      make: async (tag) => {
        const path = await rule(tag)
        const { code } = await made('/v1/vouchers', coupon)
        const body = { related_object_type: 'voucher', related_object_id: code }
        return `${path}/assignments/${(await made(`${path}/assignments`, body)).id}`
      },
    },
    '/v1/distributions/{id}': {
      make: below('/v1/distributions', (tag) => ({
        name: `thanks-${tag}`,
        trigger: { type: 'event', event: 'bought' },
        channel: { type: 'webhook', url: 'https://shop.test/hook' },
        active: false,
      })),
      body: { delay: 'PT1H' },
    },
    '/v1/campaigns/{id}': {
      make: below('/v1/campaigns', (tag) => ({
        name: `spring-${tag}`,
        campaign_type: 'DISCOUNT_COUPONS',
        voucher: coupon,
      })),
      body: { description: 'Ten percent for spring', metadata: { season: 'spring' } },
    },
    '/v1/vouchers/{code}': {
      make: below('/v1/vouchers', () => coupon, 'code'),
      body: { additional_info: 'for the fair', metadata: { fair: 'Krakow' } },
    },
    '/v1/vouchers/{code}/sessions/{sessionKey}': {
      make: async (tag) => {
        const { code } = await made('/v1/vouchers', { ...coupon, redemption: { quantity: 1 } })
        const session = { type: 'LOCK', key: `basket-${tag}` }
        await made('/v1/validations', { redeemables: [{ object: 'voucher', id: code }], session })
        return `/v1/vouchers/${code}/sessions/basket-${tag}`
      },
    },
    '/v1/referrals/members/{code}/holders/{holderId}': {
      make: async (tag) => `/v1/referrals${(await held(tag)).path}`,
    },
    '/v1/referrals/{campaignId}/members/{code}/holders/{holderId}': {
      make: async (tag) => {
        const { campaign, path } = await held(tag)
        return `/v1/referrals/${campaign}${path}`
      },
    },
    '/v1/webhooks/{id}': {
      make: below('/v1/webhooks', (tag) => ({ url: `https://shop.test/hooks/${tag}`, events: ['*'] })),
      body: { events: ['customer.created'] },
    },
    '/v1/orders/{id}': {
      make: below('/v1/orders', (tag) => ({
        source_id: `changed-${tag}`,
        customer: { source_id: 'changes' },
        amount: 500,
      })),
      body: { status: 'PAID' },
      stays: true,
    },
    '/v1/exports/{id}': { make: below('/v1/exports', () => ({ exported_object: 'customer' })) },
    '/v1/access/users/{id}': {
      make: below('/v1/access/users', (tag) => ({ email: `${tag}@shop.test`.toLowerCase(), role: 'reader' })),
      body: { name: 'Ann', role: 'auditor' },
    },
    '/v1/customers/{id}/consents': {
      make: async (tag) => `${await below('/v1/customers', () => ({ name: `Asked ${tag}` }))(tag)}/consents`,
      body: { consents: { email: 'given', sms: 'refused' }, source: 'newsletter form' },
      stays: true,
    },
    '/v1/access/keys/{id}': { make: below('/v1/access/keys', (tag) => ({ name: `till-${tag}`, role: 'integrator' })) },
    '/v1/access/roles/{name}': {
      make: below(
        '/v1/access/roles',
        (tag) => ({ name: `desk-${tag}`.toLowerCase(), permissions: ['codes.read'] }),
        'name',
      ),
      body: { permissions: ['codes.read', 'customers.read'] },
    },
    '/v1/loyalties/{campaignId}': { make: program, body: { description: 'Points for everything' } },
    '/v1/loyalties/{campaignId}/earning-rules/{earningRuleId}': {
      make: async (tag) => {
        const path = `${await program(tag)}/earning-rules`
        const [one] = await made(path, [{ event: 'bought', loyalty: { type: 'FIXED', points: 1 } }])
        return `${path}/${one.id}`
      },
      body: { loyalty: { type: 'FIXED', points: 2 } },
    },
    '/v1/loyalties/{campaignId}/tiers/{tierId}': {
      make: async (tag) => {
        const path = `${await program(tag)}/tiers`
        const [one] = await made(path, [{ name: 'gold', points: { from: 100, to: 1_000 } }])
        return `${path}/${one.id}`
      },
      body: { name: 'Gold' },
    },
    '/v1/rewards/{id}': { make: async (tag) => `/v1/rewards/${await reward(tag)}`, body: { stock: 20 } },
    '/v1/rewards/{id}/assignments/{assignmentId}': {
      make: async (tag) => {
        const path = `/v1/rewards/${await reward(tag)}/assignments`
        const campaign = (await program(tag)).split('/').at(-1)
        return `${path}/${(await made(path, { campaign, parameters: { loyalty: { points: 80 } } })).id}`
      },
      body: { parameters: { loyalty: { points: 90 } } },
    },
    '/v1/loyalties/{campaignId}/rewards/{assignmentId}': offered('rewards'),
    '/v1/loyalties/{campaignId}/reward-assignments/{assignmentId}': offered('reward-assignments'),
  }
}
