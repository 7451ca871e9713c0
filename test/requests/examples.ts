// A valid request for every POST route of the application, made anew for each number, with whatever it needs to be there.
import * as assert from 'uvu/assert'
import type { Answer, TestNode } from '../system/node.ts'

export interface Example {
  readonly path: string
  readonly body?: unknown
}

/** Whom requests about a customer are about. */
export const ANN = { source_id: 'ann' }

/** The project of the test node. */
const PROJECT = 'proj_main'

const coupon = { type: 'DISCOUNT_VOUCHER', discount: { type: 'AMOUNT', amount_off: 100 } }
const purchase = { junction: 'and', name: { conditions: { $is: ['x'] } } }

export interface Examples {
  /** The example of a path of the route table; undefined where there is none. */
  of(path: string): ((tag: string) => Promise<Example>) | undefined
}

export const createExamples = async (node: TestNode): Promise<Examples> => {
  const made = async (path: string, body: unknown = {}): Promise<Answer['body']> => {
    const answer = await node.call('POST', path, body, { as: 'admin' })
    assert.ok(answer.status < 300, `${path}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  await made('/v1/event-schemas', {
    name: 'bought',
    schema: { properties: { n: { type: 'number', optional: true } } },
  })
  await made('/v1/customers', { ...ANN, email: 'ann@example.test' })
  const club = (await made('/v1/loyalties', { name: 'club', voucher: { type: 'LOYALTY_CARD' } })).id
  const waiting = (
    await made('/v1/loyalties', {
      name: 'waiting',
      voucher: { type: 'LOYALTY_CARD' },
    })
  ).id
  await made(`/v1/loyalties/${waiting}/earning-rules`, [
    {
      event: 'bought',
      loyalty: { type: 'FIXED', points: 10 },
      pending_points: { period_type: 'DAY', period_value: 2 },
    },
  ])
  const coupons = (await made('/v1/campaigns', { name: 'coupons', campaign_type: 'DISCOUNT_COUPONS', voucher: coupon }))
    .id
  const named = (name: string) => ({ name, campaign_type: 'DISCOUNT_COUPONS', voucher: coupon })
  const switchedCampaign = (await made('/v1/campaigns', named('switched'))).id
  const switchedClub = (await made('/v1/loyalties', { name: 'switched club', voucher: { type: 'LOYALTY_CARD' } })).id
  const friends = (
    await made('/v1/campaigns', {
      name: 'friends',
      campaign_type: 'REFERRAL_PROGRAM',
      voucher: { type: 'DISCOUNT_VOUCHER', is_referral_code: true, code_config: { pattern: 'REF-########' } },
      referral_program: {
        conversion_event_type: 'custom_event',
        custom_event: { name: 'bought' },
        referrer_reward: { type: 'LOYALTY_CARD', amount: 1, related_object_parent: { id: club } },
      },
    })
  ).id
  const gift = async (tag: string) => {
    await made(`/v1/vouchers/GIFT-${tag}`, { type: 'GIFT_VOUCHER', gift: { amount: 1_000 } })
    return `GIFT-${tag}`
  }
  const code = async (tag: string) => {
    await made(`/v1/vouchers/CODE-${tag}`, { ...coupon, redemption: { quantity: 1 } })
    return `CODE-${tag}`
  }
  const member = async (tag: string, points = 0): Promise<string> => {
    const card = await made(`/v1/loyalties/${club}/members`, { customer: { source_id: `holder-${tag}` } })
    if (points > 0) await made(`/v1/loyalties/members/${card.code}/balance`, { points })
    return card.code
  }
  const pending = async (tag: string): Promise<string> => {
    const card = await made(`/v1/loyalties/${waiting}/members`, { customer: { source_id: `pending-${tag}` } })
    await made('/v1/events', { event: 'bought', customer: { source_id: `pending-${tag}` } })
    const list = await node.call('GET', `/v1/loyalties/members/${card.code}/pending-points`, undefined, {
      headers: { 'Consistency-Token': String(await node.services.store.head()), Prefer: 'wait=10' },
    })
    return `/v1/loyalties/members/${card.code}/pending-points/${list.body.data[0].id}`
  }
  const rule = async (tag: string) =>
    (await made('/v1/validation-rules', { name: `rule-${tag}`, type: 'expression', rules: {} })).id
  const distribution = (tag: string) => ({
    name: `distribution-${tag}`,
    trigger: { type: 'event', event: 'bought' },
    channel: { type: 'webhook', url: 'https://shop.test/hook' },
    active: false,
  })
  const reward = async (tag: string): Promise<string> =>
    (await made('/v1/rewards', { name: `reward-${tag}`, type: 'MATERIAL', parameters: { product: { id: 'prod_1' } } }))
      .id
  const offer = async (tag: string): Promise<string> => {
    const id = await reward(tag)
    await made(`/v1/rewards/${id}/assignments`, { campaign: club, parameters: { loyalty: { points: 5 } } })
    return id
  }
  const coins = async (tag: string): Promise<string> => {
    const { id } = await made('/v1/rewards', {
      name: `coins-${tag}`,
      type: 'COIN',
      parameters: { coin: { exchange_ratio: 1, points_ratio: 1 } },
    })
    await made(`/v1/rewards/${id}/assignments`, { campaign: club })
    return id
  }
  const redeemable = (id: string) => ({ redeemables: [{ object: 'voucher', id }], customer: ANN })
  const redeemed = async (tag: string): Promise<string> =>
    (await made('/v1/redemptions', redeemable(await code(tag)))).redemptions[0].id
  const cardRedeemed = async (tag: string): Promise<string> => {
    const card = await member(tag, 50)
    const paid = await made(`/v1/loyalties/members/${card}/redemption`, { reward: { id: await offer(tag) } })
    return `/members/${card}/redemptions/${paid.id}/rollback`
  }
  const rejected = async (tag: string): Promise<string> => {
    const event = { event: `later-${tag}`, customer: ANN, id: `rejected-${tag}` }
    assert.is((await node.call('POST', '/v1/events', event)).status, 400)
    await made('/v1/event-schemas', { name: `later-${tag}`, schema: { properties: {} } })
    const list = await node.call('GET', `/v1/events/rejected?event=later-${tag}`, undefined, {
      headers: { 'Consistency-Token': String(await node.services.store.head()), Prefer: 'wait=10' },
    })
    return list.body.data[0].id
  }
  const own = (tag: string) => `own-${tag}`.replaceAll(/[^a-zA-Z0-9-]/g, '')

  const promotion = async (tag: string) =>
    (await made('/v1/campaigns', { name: `promotion-${tag}`, campaign_type: 'PROMOTION' })).id
  const promotionTier = async (tag: string) =>
    `/v1/promotions/tiers/${
      (
        await made(`/v1/promotions/${await promotion(tag)}/tiers`, {
          name: `tier-${tag}`,
          action: { discount: { type: 'AMOUNT', amount_off: 500 } },
        })
      ).id
    }`

  const of: Record<string, (tag: string) => Example | Promise<Example>> = {
    '/v1/events': (tag) => ({
      path: '/v1/events',
      body: { event: 'bought', customer: ANN, metadata: { n: tag.length } },
    }),
    '/v1/events/batch': (tag) => ({
      path: '/v1/events/batch',
      body: {
        events: [{ event: 'bought', customer: ANN }, { event: 'bought', customer: ANN, id: `batch-${tag}` }, {}],
      },
    }),
    '/v1/events/rejected/{id}/resend': async (tag) => ({ path: `/v1/events/rejected/${await rejected(tag)}/resend` }),
    '/v1/metadata-schemas': (tag) => ({
      path: '/v1/metadata-schemas',
      body: { related_object: `size-${tag}`, properties: { width: { type: 'number', optional: true, array: false } } },
    }),
    '/v1/categories': (tag) => ({ path: '/v1/categories', body: { name: `category-${tag}`, hierarchy: 10 } }),
    '/v1/promotions/{campaignId}/tiers': async (tag) => ({
      path: `/v1/promotions/${await promotion(tag)}/tiers`,
      body: {
        name: `ten percent ${tag}`,
        banner: 'Ten percent off',
        action: { discount: { type: 'PERCENT', percent_off: 10 } },
        hierarchy: 1,
      },
    }),
    '/v1/promotions/{campaignId}/stacks': async (tag) => {
      const campaign = await promotion(tag)
      const discount = { type: 'PERCENT', percent_off: 5 }
      const { id } = await made(`/v1/promotions/${campaign}/tiers`, { name: `tier-${tag}`, action: { discount } })
      return { path: `/v1/promotions/${campaign}/stacks`, body: { name: `stack ${tag}`, tiers: { ids: [id] } } }
    },
    '/v1/promotions/tiers/{promotionTierId}/enable': async (tag) => ({ path: `${await promotionTier(tag)}/enable` }),
    '/v1/promotions/tiers/{promotionTierId}/disable': async (tag) => ({ path: `${await promotionTier(tag)}/disable` }),
    '/v1/event-schemas': (tag) => ({
      path: '/v1/event-schemas',
      body: { name: `schema-${tag}`, schema: { properties: {} } },
    }),
    '/v1/customers': (tag) => ({ path: '/v1/customers', body: { name: `Somebody ${tag}` } }),
    '/v1/segments': (tag) => ({
      path: '/v1/segments',
      body: { name: `segment-${tag}`, type: 'auto-update', filter: purchase },
    }),
    '/v1/segments/preview': () => ({ path: '/v1/segments/preview', body: { filter: purchase } }),
    '/v1/validation-rules': (tag) => ({
      path: '/v1/validation-rules',
      body: { name: `made-${tag}`, type: 'expression', rules: {} },
    }),
    '/v1/validation-rules/{id}/assignments': async (tag) => ({
      path: `/v1/validation-rules/${await rule(tag)}/assignments`,
      body: { related_object_type: 'voucher', related_object_id: await code(`ruled-${tag}`) },
    }),
    '/v1/validation-rules/{id}/validation': async (tag) => ({
      path: `/v1/validation-rules/${await rule(tag)}/validation`,
      body: { customer: ANN },
    }),
    '/v1/distributions': (tag) => ({ path: '/v1/distributions', body: distribution(tag) }),
    '/v1/distributions/{id}/test': async (tag) => ({
      path: `/v1/distributions/${(await made('/v1/distributions', distribution(tag))).id}/test`,
      body: { customer: ANN },
    }),
    '/v1/messages/retry': () => ({ path: '/v1/messages/retry', body: { distribution_id: 'distr_none' } }),
    '/v1/campaigns': (tag) => ({
      path: '/v1/campaigns',
      body: { name: `campaign-${tag}`, campaign_type: 'DISCOUNT_COUPONS', voucher: coupon, vouchers_count: 1 },
    }),
    '/v1/vouchers': () => ({ path: '/v1/vouchers', body: coupon }),
    '/v1/vouchers/{code}': (tag) => ({ path: `/v1/vouchers/${own(tag)}`, body: coupon }),
    '/v1/campaigns/{campaignId}/vouchers/{code}': (tag) => ({
      path: `/v1/campaigns/${coupons}/vouchers/${own(`c${tag}`)}`,
      body: {},
    }),
    '/v1/vouchers/{code}/balance': async (tag) => ({
      path: `/v1/vouchers/${await gift(tag)}/balance`,
      body: { amount: 10 },
    }),
    '/v1/campaigns/{campaignId}/vouchers': () => ({ path: `/v1/campaigns/${coupons}/vouchers`, body: {} }),
    '/v1/campaigns/{campaignId}/import': (tag) => ({
      path: `/v1/campaigns/${coupons}/import`,
      body: [{ code: own(`ci${tag}`) }],
    }),
    '/v1/vouchers/import': (tag) => ({ path: '/v1/vouchers/import', body: [{ ...coupon, code: own(`vi${tag}`) }] }),
    '/v1/vouchers/bulk/async': async (tag) => ({
      path: '/v1/vouchers/bulk/async',
      body: [{ code: await code(`bulk-${tag}`), metadata: { a: 1 } }],
    }),
    '/v1/vouchers/metadata/async': async (tag) => ({
      path: '/v1/vouchers/metadata/async',
      body: { codes: [await code(`meta-${tag}`)], metadata: { a: 1 } },
    }),
    '/v1/publications': () => ({ path: '/v1/publications', body: { campaign: 'friends', customer: ANN } }),
    '/v1/vouchers/qualification': async (tag) => {
      await code(`qualified-${tag}`)
      return { path: '/v1/vouchers/qualification', body: { customer: ANN, order: { amount: 5_000 } } }
    },
    '/v1/validations': async (tag) => ({
      path: '/v1/validations',
      body: { ...redeemable(await code(`valid-${tag}`)), session: { type: 'LOCK' } },
    }),
    '/v1/vouchers/{code}/validate': async (tag) => ({
      path: `/v1/vouchers/${await code(`old-${tag}`)}/validate`,
      body: { customer: ANN },
    }),
    '/v1/redemptions': async (tag) => ({
      path: '/v1/redemptions',
      body: {
        redeemables: [
          { object: 'voucher', id: await code(`all-${tag}`) },
          // The points of a card pay for a reward: here so much of the order as they are worth.
          { object: 'voucher', id: await member(`pays-${tag}`, 50), reward: { id: await coins(tag), points: 20 } },
        ],
        customer: { source_id: `holder-pays-${tag}` },
        order: { amount: 20_000 },
      },
    }),
    '/v1/vouchers/{code}/redemption': async (tag) => ({
      path: `/v1/vouchers/${await code(`one-${tag}`)}/redemption`,
      body: { customer: ANN },
    }),
    '/client/v1/redeem': async (tag) => ({
      path: `/client/v1/redeem?code=${await code(`web-${tag}`)}`,
      body: { customer: ANN },
    }),
    '/v1/redemptions/{id}/rollback': async (tag) => ({
      path: `/v1/redemptions/${await redeemed(`back-${tag}`)}/rollback`,
      body: { reason: 'broken' },
    }),
    '/v1/redemptions/{id}/rollbacks': async (tag) => ({
      path: `/v1/redemptions/${await redeemed(`backs-${tag}`)}/rollbacks`,
      body: {},
    }),
    '/v1/orders': (tag) => ({
      path: '/v1/orders',
      body: {
        source_id: `order-${tag}`,
        customer: ANN,
        status: 'PAID',
        items: [{ source_id: 'tea', related_object: 'product', quantity: 2, price: 100, product: { name: 'Tea' } }],
        metadata: { tag },
      },
    }),
    '/v1/orders/import': (tag) => ({
      path: '/v1/orders/import',
      body: [{ source_id: `imported-${tag}`, customer: ANN, status: 'PAID', amount: 100 }],
    }),
    '/v1/customers/bulk/async': (tag) => ({
      path: '/v1/customers/bulk/async',
      body: [{ source_id: `bulk-${tag}`, name: 'Bulk' }],
    }),
    '/v1/customers/metadata/async': async (tag) => {
      // Not of somebody whom other examples are about: it comes later.
      await made('/v1/customers', { source_id: `meta-${tag}` })
      return {
        path: '/v1/customers/metadata/async',
        body: { source_ids: [`meta-${tag}`], metadata: { bulk: true } },
      }
    },
    '/v1/exports': () => ({ path: '/v1/exports', body: { exported_object: 'customer' } }),
    '/v1/orders/export': () => ({ path: '/v1/orders/export', body: {} }),
    '/v1/vouchers/{code}/transactions/export': async (tag) => ({
      path: `/v1/vouchers/${await gift(`export-${tag}`)}/transactions/export`,
      body: {},
    }),
    '/v1/campaigns/{campaignId}/transactions/export': () => ({
      path: `/v1/campaigns/${coupons}/transactions/export`,
      body: {},
    }),
    '/v1/loyalties/members/{memberId}/transactions/export': async (tag) => ({
      path: `/v1/loyalties/members/${await member(`export-${tag}`)}/transactions/export`,
      body: {},
    }),
    '/v1/loyalties/{campaignId}/points-expiration/export': () => ({
      path: `/v1/loyalties/${club}/points-expiration/export`,
      body: {},
    }),
    '/v1/qualifications': () => ({ path: '/v1/qualifications', body: { customer: ANN } }),
    '/v1/referrals/members/{code}/holders': async (tag) => {
      const published = await made('/v1/publications', {
        campaign: 'friends',
        customer: { source_id: `friend-${tag}` },
      })
      return {
        path: `/v1/referrals/members/${published.voucher.code}/holders`,
        body: { holders: [{ source_id: `new-${tag}` }, { source_id: `new2-${tag}` }] },
      }
    },
    '/v1/webhooks': (tag) => ({
      path: '/v1/webhooks',
      body: { url: `https://shop.test/hook/${tag}`, events: ['*'] },
    }),
    '/v1/access/roles': (tag) => ({
      path: '/v1/access/roles',
      body: { name: `role-${tag.toLowerCase().replace(/[^a-z0-9]/g, '-')}`, permissions: ['codes.read'] },
    }),
    '/v1/access/users/{id}/sign-out': async (tag) => {
      const email = `${tag.toLowerCase().replace(/[^a-z0-9]/g, '-')}@shop.test`
      return { path: `/v1/access/users/${(await made('/v1/access/users', { email, role: 'reader' })).id}/sign-out` }
    },
    '/v1/webhooks/{id}/replay': async () => ({
      path: `/v1/webhooks/${(await made('/v1/webhooks', { url: 'https://shop.test/h', events: ['*'], active: false })).id}/replay`,
      body: { from_start: true },
    }),
    '/v1/loyalties': (tag) => ({
      path: '/v1/loyalties',
      body: { name: `loyalty-${tag}`, voucher: { type: 'LOYALTY_CARD' } },
    }),
    '/v1/loyalties/{campaignId}/earning-rules': () => ({
      path: `/v1/loyalties/${club}/earning-rules`,
      body: [{ event: 'bought', loyalty: { type: 'FIXED', points: 1 } }],
    }),
    '/v1/loyalties/{campaignId}/members': (tag) => ({
      path: `/v1/loyalties/${club}/members`,
      body: { customer: { source_id: `member-${tag}` } },
    }),
    '/v1/loyalties/members/{memberId}/balance': async (tag) => ({
      path: `/v1/loyalties/members/${await member(tag)}/balance`,
      body: { points: 7 },
    }),
    '/v1/loyalties/members/{memberId}/pending-points/{pendingId}/balance': async (tag) => ({
      path: `${await pending(`b${tag}`)}/balance`,
      body: { points: 3 },
    }),
    '/v1/loyalties/members/{memberId}/pending-points/{pendingId}/activate': async (tag) => ({
      path: `${await pending(`a${tag}`)}/activate`,
      body: {},
    }),
    '/v1/loyalties/members/{memberId}/pending-points/{pendingId}/cancel': async (tag) => ({
      path: `${await pending(`c${tag}`)}/cancel`,
      body: {},
    }),
    '/v1/loyalties/members/{memberId}/transfers': async (tag) => ({
      path: `/v1/loyalties/members/${await member(`to-${tag}`)}/transfers`,
      body: [{ code: await member(`from-${tag}`, 20), points: 5 }],
    }),
    '/v1/loyalties/members/{memberId}/redemption': async (tag) => ({
      path: `/v1/loyalties/members/${await member(`pays-${tag}`, 20)}/redemption`,
      body: { reward: { id: await offer(tag) } },
    }),
    '/v1/loyalties/members/{memberId}/redemptions/{redemptionId}/rollback': async (tag) => ({
      path: `/v1/loyalties${await cardRedeemed(`undo-${tag}`)}`,
      body: {},
    }),
    '/v1/loyalties/{campaignId}/tiers': async (tag) => ({
      path: `/v1/loyalties/${(await made('/v1/loyalties', { name: `tiers-${tag}`, voucher: { type: 'LOYALTY_CARD' } })).id}/tiers`,
      body: [{ name: 'gold', points: { from: 1, to: 10 } }],
    }),
    '/v1/rewards': (tag) => ({
      path: '/v1/rewards',
      body: { name: `made-${tag}`, type: 'MATERIAL', parameters: { product: { id: 'prod_1' } } },
    }),
    '/v1/rewards/{id}/assignments': async (tag) => ({
      path: `/v1/rewards/${await reward(`a-${tag}`)}/assignments`,
      body: { campaign: club, parameters: { loyalty: { points: 5 } } },
    }),
    '/v1/loyalties/{campaignId}/rewards': async (tag) => ({
      path: `/v1/loyalties/${club}/rewards`,
      body: [{ reward: await reward(`b-${tag}`), parameters: { loyalty: { points: 5 } } }],
    }),
    '/v1/projections/{name}/rebuild': () => ({ path: '/v1/projections/asyncActions/rebuild' }),
    '/v1/projections/parked/retry': () => ({ path: '/v1/projections/parked/retry', body: {} }),
  }
  const switched: Record<string, (tag: string) => Promise<string>> = {
    '/v1/distributions/{id}': async (tag) =>
      `/v1/distributions/${(await made('/v1/distributions', distribution(tag))).id}`,
    '/v1/campaigns/{id}': async () => `/v1/campaigns/${switchedCampaign}`,
    '/v1/vouchers/{code}': async (tag) => `/v1/vouchers/${await code(`switch-${tag}`)}`,
    '/v1/loyalties/{campaignId}': async () => `/v1/loyalties/${switchedClub}`,
    '/v1/loyalties/{campaignId}/earning-rules/{earningRuleId}': async () => {
      const [one] = await made(`/v1/loyalties/${club}/earning-rules`, [
        { event: 'bought', loyalty: { type: 'FIXED', points: 1 } },
      ])
      return `/v1/loyalties/${club}/earning-rules/${one.id}`
    },
    '/v1/loyalties/members/{memberId}': async (tag) => `/v1/loyalties/members/${await member(`switch-${tag}`)}`,
  }
  /** Paths that serve what another serves, and how that one's example becomes theirs. */
  const also: readonly (readonly [RegExp, string, (path: string) => string])[] = [
    [/^\/client\/v1\/publish$/, '/v1/publications', () => '/client/v1/publish'],
    [/^\/client\//, '/', (path) => `/client${path}`],
    [
      /^\/management\/v1\/projects\/\{projectId\}\/custom-event-schemas/,
      '/v1/event-schemas',
      (path) => path.replace('/v1/event-schemas', `/management/v1/projects/${PROJECT}/custom-event-schemas`),
    ],
    [
      /^\/management\/v1\/projects\/\{projectId\}\/metadata-schemas/,
      '/v1/metadata-schemas',
      (path) => path.replace('/v1/metadata-schemas', `/management/v1/projects/${PROJECT}/metadata-schemas`),
    ],
    [
      /^\/management\/v1\/projects\/\{projectId\}\/webhooks/,
      '/v1/webhooks',
      (path) => path.replace('/v1/webhooks', `/management/v1/projects/${PROJECT}/webhooks`),
    ],
    [
      /^\/v1\/loyalties\/\{campaignId\}\/members\//,
      '/v1/loyalties/members/',
      (path) => path.replace('/loyalties/members', `/loyalties/${club}/members`),
    ],
    [
      /^\/v1\/loyalties\/\{campaignId\}\/reward-assignments/,
      '/v1/loyalties/{campaignId}/rewards',
      (path) => path.replace(/rewards$/, 'reward-assignments'),
    ],
    [
      /^\/v1\/referrals\/\{campaignId\}\/members\//,
      '/v1/referrals/members/',
      (path) => path.replace('/referrals/members', `/referrals/${friends}/members`),
    ],
  ]
  const find = (path: string): ((tag: string) => Promise<Example>) | undefined => {
    const direct = of[path]
    if (direct) return async (tag) => direct(tag)
    const word = /^(.*)\/(enable|disable)$/.exec(path)
    const target = word && switched[word[1]!]
    if (target) return async (tag) => ({ path: `${await target(tag)}/${word[2]}` })
    for (const [pattern, stands, moved] of also) {
      const found = pattern.test(path) ? find(path.replace(pattern, stands)) : undefined
      if (found)
        return async (tag) => {
          const example = await found(tag)
          return { ...example, path: moved(example.path) }
        }
    }
    return undefined
  }
  return { of: find }
}
