// Two who change one definition at once, each a part of it: both changes stand, whatever kind it is of.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { asking } from '../system/asking.ts'
import { type TestNode, testNode } from '../system/node.ts'

let node: TestNode
const test = suite('definitions changed together')
test.before(async () => {
  node = await testNode()
})
test.after(() => node.end())

const { ask, ok } = asking(() => node)

test('each part that was changed, switched off or on, is as its change said', async () => {
  await ok('POST', '/v1/event-schemas', { name: 'bought', schema: { properties: {} } })
  const ten = { type: 'PERCENT', percent_off: 10 }
  const club = (await ok('POST', '/v1/loyalties', { name: 'club' })).id
  const [rule] = await ok('POST', `/v1/loyalties/${club}/earning-rules`, [
    { event: 'bought', loyalty: { type: 'FIXED', points: 1 } },
  ])
  const [tier] = await ok('POST', `/v1/loyalties/${club}/tiers`, [{ name: 'low', points: { from: 1, to: 9 } }])
  const parameters = { product: { id: 'mug' } }
  const reward = (await ok('POST', '/v1/rewards', { name: 'mug', type: 'MATERIAL', parameters })).id
  const sale = (
    await ok('POST', '/v1/campaigns', { name: 'sale', voucher: { type: 'DISCOUNT_VOUCHER', discount: ten } })
  ).id
  const promotion = (await ok('POST', '/v1/campaigns', { name: 'promo', campaign_type: 'PROMOTION' })).id
  const step = (await ok('POST', `/v1/promotions/${promotion}/tiers`, { name: 'ten', action: { discount: ten } })).id
  const stack = (await ok('POST', `/v1/promotions/${promotion}/stacks`, { name: 'all', tiers: { ids: [step] } })).id
  const filter = { junction: 'and', name: { conditions: { $is: ['x'] } } }
  const segment = (await ok('POST', '/v1/segments', { name: 'xs', filter })).id
  const validation = (await ok('POST', '/v1/validation-rules', { name: 'any', rules: {} })).id
  const distribution = (
    await ok('POST', '/v1/distributions', {
      name: 'hello',
      active: false,
      trigger: { type: 'event', event: 'bought' },
      channel: { type: 'webhook', url: 'https://shop.test/h' },
    })
  ).id
  const webhook = (await ok('POST', '/v1/webhooks', { url: 'https://shop.test/h', events: ['*'] })).id
  const category = (await ok('POST', '/v1/categories', { name: 'shoes', hierarchy: 1 })).id

  const switched = (path: string) => ['POST', `${path}/disable`, undefined, { active: false }] as const
  const put = (path: string, change: object) => ['PUT', path, change, change] as const
  const program = `/v1/loyalties/${club}`
  const pairs = [
    [put(program, { description: 'ours' }), put(program, { metadata: { a: 1 } })],
    [put(program, { description: 'mine' }), switched(program)],
    [
      put(`${program}/earning-rules/${rule.id}`, { loyalty: { type: 'FIXED', points: 7 } }),
      put(`${program}/earning-rules/${rule.id}`, { metadata: { a: 1 } }),
    ],
    [
      put(`${program}/earning-rules/${rule.id}`, { metadata: { a: 2 } }),
      switched(`${program}/earning-rules/${rule.id}`),
    ],
    [
      put(`${program}/tiers/${tier.id}`, { name: 'lowest' }),
      put(`${program}/tiers/${tier.id}`, { points: { from: 2, to: 8 } }),
    ],
    [put(`/v1/rewards/${reward}`, { name: 'cup' }), put(`/v1/rewards/${reward}`, { metadata: { a: 1 } })],
    [put(`/v1/campaigns/${sale}`, { description: 'new' }), put(`/v1/campaigns/${sale}`, { metadata: { a: 1 } })],
    [put(`/v1/campaigns/${sale}`, { description: 'newer' }), switched(`/v1/campaigns/${sale}`)],
    [put(`/v1/promotions/tiers/${step}`, { banner: 'b' }), put(`/v1/promotions/tiers/${step}`, { metadata: { a: 1 } })],
    [put(`/v1/promotions/tiers/${step}`, { banner: 'c' }), switched(`/v1/promotions/tiers/${step}`)],
    [
      put(`/v1/promotions/${promotion}/stacks/${stack}`, { name: 'whole' }),
      put(`/v1/promotions/${promotion}/stacks/${stack}`, { category_id: category }),
    ],
    [put(`/v1/segments/${segment}`, { name: 'ys' }), put(`/v1/segments/${segment}`, { trigger_on_rollout: true })],
    [
      put(`/v1/validation-rules/${validation}`, { name: 'all' }),
      put(`/v1/validation-rules/${validation}`, { error: { message: 'no' } }),
    ],
    [
      put(`/v1/distributions/${distribution}`, { name: 'hi' }),
      put(`/v1/distributions/${distribution}`, { channel: { type: 'webhook', url: 'https://shop.test/i' } }),
    ],
    [put(`/v1/webhooks/${webhook}`, { active: false }), put(`/v1/webhooks/${webhook}`, { events: ['bought'] })],
    [put(`/v1/categories/${category}`, { name: 'boots' }), put(`/v1/categories/${category}`, { hierarchy: 2 })],
  ] as const
  for (const pair of pairs) {
    const path = pair[0][1]
    const answers = await Promise.all(pair.map(([method, to, body]) => ask(method, to, body)))
    assert.equal(
      answers.map(({ status }) => status),
      [200, 200],
      `${path}: ${JSON.stringify(answers.map(({ body }) => body))}`,
    )
    const shown = await ok('GET', path)
    for (const [, , , said] of pair)
      for (const [name, value] of Object.entries(said))
        assert.equal(
          typeof value === 'object' && !Array.isArray(value) ? { ...shown[name], ...value } : shown[name],
          typeof value === 'object' && !Array.isArray(value) ? shown[name] : value,
          `${path} ${name}: ${JSON.stringify(shown)}`,
        )
  }
})

test.run()
