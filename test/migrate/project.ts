// A project to be moved, of any size: customers with cards, codes, redemptions, events, segments and rules.
import type { TestNode } from '../system/node.ts'
import { until } from '../until.ts'

export interface Size {
  readonly customers: number
  readonly codes: number
}

/** Fails with the answer when the node refuses. */
export const asked = async (node: TestNode, method: string, path: string, body?: unknown) => {
  const answer = await node.call(method, path, body, { as: 'admin' })
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
  return answer.body
}

const finished = async (node: TestNode, job: string): Promise<void> => {
  for (;;) {
    const { status } = await asked(node, 'GET', `/v1/async-actions/${job}`)
    if (status === 'DONE') return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Some at a time. */
const each = async (n: number, act: (i: number) => Promise<unknown>): Promise<void> => {
  let next = 0
  const lane = async () => {
    while (next < n) await act(next++)
  }
  await Promise.all(Array.from({ length: 8 }, lane))
}

/** A promotion in force for a time, with two tiers and their stack; the first was redeemed once, and once taken back. */
const makePromotion = async (ask: (method: string, path: string, body?: unknown) => ReturnType<typeof asked>) => {
  const { id: category } = await ask('POST', '/v1/categories', { name: 'autumn', hierarchy: 2 })
  const { id } = await ask('POST', '/v1/campaigns', { name: 'autumn', campaign_type: 'PROMOTION' })
  const tier = (name: string, percent_off: number) =>
    ask('POST', `/v1/promotions/${id}/tiers`, {
      name,
      banner: `${percent_off} % for you`,
      action: { discount: { type: 'PERCENT', percent_off } },
      category_id: category,
      metadata: { percent_off },
    })
  const [first, second] = [await tier('small', 5), await tier('large', 20)]
  await ask('POST', `/v1/promotions/${id}/stacks`, { name: 'both', tiers: { ids: [second.id, first.id] } })
  return { id, first: String(first.id), second: String(second.id) }
}

/** Makes the project. Every third customer has an expiring card, every second an event, every fifth redeems. */
export const makeProject = async (node: TestNode, { customers, codes }: Size): Promise<void> => {
  const ask = (method: string, path: string, body?: unknown) => asked(node, method, path, body)
  const schema = await ask('POST', '/v1/event-schemas', {
    name: 'review',
    schema: { properties: { stars: { type: 'number' } } },
  })
  const club = await ask('POST', '/v1/loyalties', {
    name: 'club',
    voucher: { type: 'LOYALTY_CARD', loyalty_card: { points: 5 } },
  })
  const sale = await ask('POST', '/v1/campaigns', {
    name: 'sale',
    campaign_type: 'DISCOUNT_COUPONS',
    voucher: {
      type: 'DISCOUNT_VOUCHER',
      discount: { type: 'PERCENT', percent_off: 10 },
      redemption: { quantity: 3 },
      code_config: { length: 8 },
    },
  })
  const gifts = await ask('POST', '/v1/campaigns', {
    name: 'gifts',
    campaign_type: 'GIFT_VOUCHERS',
    voucher: { type: 'GIFT_VOUCHER', gift: { amount: 5000 }, code_config: { length: 8 } },
  })
  await each(customers, (i) =>
    ask('POST', '/v1/customers', {
      source_id: `c${i}`,
      name: `Customer ${i}`,
      address: { city: i % 2 === 0 ? 'Lodz' : 'Gdynia' },
      metadata: { n: i },
    }),
  )
  const listed = Array.from({ length: codes }, (_, i) => i)
  for (const [campaign, prefix] of [
    [sale.id, 'SALE'],
    [gifts.id, 'GIFT'],
  ] as const) {
    const { async_action_id } = await ask(
      'POST',
      `/v1/campaigns/${campaign}/import`,
      listed.map((i) => ({ code: `${prefix}-${i}`, metadata: { i } })),
    )
    await finished(node, async_action_id)
  }
  await ask('POST', '/v1/vouchers/SINGLE', {
    type: 'DISCOUNT_VOUCHER',
    discount: { type: 'AMOUNT', amount_off: 100 },
    redemption: { quantity: 1 },
    expiration_date: '2099-01-01T00:00:00Z',
    active: false,
  })
  await each(customers, async (i) => {
    const customer = { source_id: `c${i}` }
    await ask('POST', `/v1/loyalties/${club.id}/members`, { customer, voucher: `CARD-${i}` })
    if (i % 3 === 0)
      await ask('POST', `/v1/loyalties/members/CARD-${i}/balance`, {
        points: 10 + i,
        expiration_type: 'CUSTOM_DATE',
        expiration_date: '2098-05-05',
      })
    else if (i > 0) await ask('POST', `/v1/loyalties/members/CARD-${i}/balance`, { points: i })
    if (i % 2 === 0)
      await ask('POST', '/v1/events', { event: 'review', id: `review-${i}`, customer, metadata: { stars: i % 5 } })
    if (i < codes) await ask('POST', '/v1/publications', { voucher: `GIFT-${i}`, customer, channel: 'shop' })
    if (i % 5 === 0 && i < codes) {
      const order = { amount: 2000, source_id: `order-${i}` }
      const redeemed = await ask('POST', '/v1/redemptions', {
        redeemables: [{ object: 'voucher', id: `SALE-${i}` }],
        customer,
        order,
      })
      if (i % 10 === 0) {
        const { id } = redeemed.redemptions[0]
        // It is taken back by what can be read of it.
        await until(
          () => node.call('GET', `/v1/redemptions/${id}`, undefined, { as: 'admin' }),
          ({ status }) => status === 200,
        )
        await ask('POST', `/v1/redemptions/${id}/rollback`, {})
      }
      await ask('POST', '/v1/redemptions', {
        redeemables: [{ object: 'voucher', id: `GIFT-${i}`, gift: { credits: 700 } }],
        customer,
        order: { amount: 700 },
      })
    }
    if (i % 7 === 0)
      await ask('POST', '/v1/orders', {
        source_id: `plain-${i}`,
        status: 'PAID',
        amount: 900,
        customer,
        created_at: '2024-01-02T03:04:05Z',
      })
  })
  const city = await ask('POST', '/v1/segments', {
    name: 'in Lodz',
    type: 'auto-update',
    filter: { junction: 'and', 'address.city': { conditions: { $is: ['Lodz'] } } },
  })
  await ask('POST', '/v1/segments', {
    name: 'reviewers',
    condition: { all: [{ event: 'review' }, { segment: city.id }] },
  })
  await ask('POST', '/v1/segments', {
    name: 'rich',
    filter: { junction: 'and', 'loyalty_points.campaigns.club.points': { conditions: { $more_than: 20 } } },
  })
  const { id } = await ask('GET', '/v1/customers/c1')
  await ask('POST', '/v1/segments', { name: 'chosen', type: 'static', customers: [id] })
  const rule = await ask('POST', '/v1/validation-rules', {
    name: 'from Lodz',
    rules: { 1: { name: 'customer.segment', conditions: { $is: city.id } }, logic: '1' },
  })
  await ask('POST', `/v1/validation-rules/${rule.id}/assignments`, {
    related_object_type: 'campaign',
    related_object_id: sale.id,
  })
  await ask('POST', `/v1/loyalties/${club.id}/earning-rules`, [
    {
      event: 'review',
      custom_event: { schema_id: schema.id },
      loyalty: { type: 'FIXED', points: 10 },
      validation_rule_id: rule.id,
    },
    {
      event: 'customer.segment.entered',
      segment: { id: city.id },
      loyalty: { type: 'FIXED', points: 1 },
      active: false,
    },
  ])
  const mug = await ask('POST', '/v1/rewards', {
    name: 'mug',
    type: 'MATERIAL',
    parameters: { product: { id: 'prod_mug' } },
  })
  await ask('POST', `/v1/rewards/${mug.id}/assignments`, { campaign: club.id, parameters: { loyalty: { points: 50 } } })
  await ask('POST', `/v1/loyalties/${club.id}/tiers`, [{ name: 'gold', points: { from: 20, to: 100000 } }])
  const autumn = await makePromotion(ask)
  const [{ id: category }] = (await ask('GET', '/v1/categories')).data
  for (const source_id of ['autumn-1', 'autumn-2']) {
    const { redemptions } = await ask('POST', '/v1/redemptions', {
      redeemables: [{ object: 'promotion_tier', id: autumn.first }],
      customer: { source_id: 'c1' },
      order: { amount: 1000, source_id },
    })
    if (source_id === 'autumn-1') continue
    await until(
      () => node.call('GET', `/v1/redemptions/${redemptions[0].id}`, undefined, { as: 'admin' }),
      ({ status }) => status === 200,
    )
    await ask('POST', `/v1/redemptions/${redemptions[0].id}/rollback`, {})
  }
  await ask('POST', `/v1/validation-rules/${rule.id}/assignments`, {
    related_object_type: 'promotion_tier',
    related_object_id: autumn.second,
  })
  await ask('PUT', `/v1/promotions/tiers/${autumn.first}`, { expiration_date: '2030-01-01T00:00:00Z' })
  await ask('POST', `/v1/promotions/tiers/${autumn.second}/disable`)
  await ask('POST', '/v1/stacking-rules', {
    applicable_redeemables_per_category_limit: null,
    applicable_redeemables_category_limits: { [category]: 2 },
    exclusive_categories: [category],
  })
  await ask('PUT', `/v1/campaigns/${sale.id}`, { expiration_date: '2099-12-31T00:00:00Z' })
  await ask('POST', `/v1/campaigns/${sale.id}/disable`)
}
