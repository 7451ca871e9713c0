// A distribution that attaches a fresh code of a campaign: each message carries its own, and the customer holds it.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { until } from '../until.ts'
import { closeAll, startReceiver } from './receiver.ts'
import { hook, type Shop, shop } from './world.ts'

let node: Shop
const test = suite('codes of messages')
test.before(async () => {
  node = await shop({ DELIVERY: 'on' })
})
test.after.each(closeAll)
test.after(() => node?.end())

test('each message carries a code of its own, which the customer then holds', async () => {
  const receiver = await startReceiver()
  const campaign = await node.call('POST', '/v1/campaigns', {
    name: 'thanks',
    campaign_type: 'DISCOUNT_COUPONS',
    voucher: {
      type: 'DISCOUNT_VOUCHER',
      discount: { type: 'PERCENT', percent_off: 10 },
      code_config: { length: 12, prefix: 'TY-' },
    },
  })
  assert.is(campaign.status, 200, JSON.stringify(campaign.body))
  await node.distribution(
    hook(receiver.url, {
      channel: { type: 'webhook', url: receiver.url, template: '{"code":"{{ code }}"}' },
      campaign_id: campaign.body.id,
    }),
  )
  await node.buy('ann')
  await node.buy('ann')
  await until(
    () => receiver.received.length,
    (n) => n === 2,
  )
  const codes = receiver.received.map((got) => JSON.parse(String(got.body)).code as string)
  assert.is(new Set(codes).size, 2)
  for (const code of codes) assert.match(code, /^TY-\w{12}$/)
  const published = await until(
    () => node.call('GET', '/v1/publications?customer=ann'),
    (answer) => answer.status === 200 && answer.body.publications.length === 2,
  )
  assert.equal(
    published.body.publications.map((p: { voucher: { code: string } }) => p.voucher.code).sort(),
    [...codes].sort(),
  )
})

test.run()
