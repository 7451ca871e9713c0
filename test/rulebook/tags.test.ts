// A definition is shown, and tagged, alike by the node that made it and by one that has read it in the log.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { asking } from '../system/asking.ts'
import { type TestNode, testNode } from '../system/node.ts'

let node: TestNode
let dir: string
const test = suite('tags of definitions')
test.before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tributary-tags-'))
  node = await testNode({}, dir)
})
test.after(async () => {
  await node?.end()
  await rm(dir, { recursive: true, force: true })
})

const { ok } = asking(() => node)

test('after a restart every definition has the ETag that it had, in whatever order its names were sent', async () => {
  const ten = { percent_off: 10, type: 'PERCENT' }
  await ok('POST', '/v1/event-schemas', { schema: { properties: { a: { type: 'string' } } }, name: 'bought' })
  const voucher = { loyalty_card: { points: 10 }, type: 'LOYALTY_CARD' }
  const club = (
    await ok('POST', '/v1/loyalties', { metadata: { b: 1, a: 2 }, voucher, type: 'AUTO_UPDATE', name: 'club' })
  ).id
  const rules = `/v1/loyalties/${club}/earning-rules`
  const [rule] = await ok('POST', rules, [{ loyalty: { points: 1, type: 'FIXED' }, event: 'bought' }])
  const tiers = `/v1/loyalties/${club}/tiers`
  const [tier] = await ok('POST', tiers, [{ metadata: { b: 1 }, points: { to: 9, from: 1 }, name: 'low' }])
  const parameters = { product: { id: 'mug' } }
  const reward = (await ok('POST', '/v1/rewards', { parameters, type: 'MATERIAL', name: 'mug' })).id
  const offers = `/v1/rewards/${reward}/assignments`
  await ok('POST', offers, { parameters: { loyalty: { points: 10 } }, campaign: club })
  const promotion = (await ok('POST', '/v1/campaigns', { campaign_type: 'PROMOTION', name: 'promo' })).id
  await ok('POST', `/v1/promotions/${promotion}/tiers`, { action: { discount: ten }, name: 'ten' })
  const sale = { voucher: { discount: ten, type: 'DISCOUNT_VOUCHER' }, vouchers_count: 0, name: 'sale' }
  const campaign = (await ok('POST', '/v1/campaigns', sale)).id
  await ok('PUT', `/v1/campaigns/${campaign}`, { metadata: { b: 1, a: 1 }, description: 'ours' })
  const filter = { name: { conditions: { $is: ['x'] } }, junction: 'and' }
  await ok('POST', '/v1/segments', { filter, type: 'auto-update', name: 'xs' })
  const channel = { url: 'https://shop.test/h', type: 'webhook' }
  await ok('POST', '/v1/distributions', {
    channel,
    trigger: { event: 'bought', type: 'event' },
    active: false,
    name: 'h',
  })
  await ok('POST', '/v1/webhooks', { events: ['*'], url: 'https://shop.test/h' })

  // What is shown with how far something in the background is, or how often it was sent, is not here.
  const paths = [
    ...['event-schemas', 'loyalties', 'rewards', 'distributions'].map((name) => `/v1/${name}`),
    ...[`/v1/loyalties/${club}`, rules, `${rules}/${rule.id}`, tiers, `${tiers}/${tier.id}`, offers],
    ...[`/v1/campaigns/${campaign}`, `/v1/promotions/${promotion}/tiers`],
  ]
  const tags = () =>
    Promise.all(
      paths.map(async (path) => {
        const { status, headers } = await node.call('GET', path, undefined, { as: 'admin' })
        assert.is(status, 200, path)
        return `${path} ${headers.get('ETag')}`
      }),
    )
  const before = await tags()
  await node.stop()
  node = await testNode({}, dir)
  assert.equal(await tags(), before)
})

test.run()
