// The document store is deleted while the node is down: everything is rebuilt from the log, nothing is sent or given twice.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buy, populate, verified } from '../audit/shop.ts'
import { closeAll, startReceiver } from '../delivery/receiver.ts'
import { runOnOwnServers } from '../skip.ts'
import { until } from '../until.ts'
import { type Answer, type TestNode, testNode } from './node.ts'

const test = suite('a lost document store')
test.after(closeAll)

const ok = (answer: Answer): Answer => {
  assert.is(answer.status, 200, JSON.stringify(answer.body))
  return answer
}

/** How far the last pass over all customers was says nothing of what it came to. */
const unlessProgress = (name: string, value: unknown): unknown => (name === 'rollout' ? undefined : value)

const LISTS = [
  '/v1/customers?limit=100',
  '/v1/events?limit=100',
  '/v1/segments?limit=100',
  '/v1/redemptions?limit=100',
  '/v1/publications?limit=100',
  '/v1/vouchers?limit=100',
  '/v1/messages?limit=100',
]

/** Mail has nowhere to go here, and waits. */
const areOut = ({
  data,
}: {
  readonly data: readonly { readonly channel: string; readonly state: string }[]
}): boolean => data.every(({ channel, state }) => channel !== 'webhook' || state === 'sent')

test('what was shown is shown again; no message is sent and nothing is given twice', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-lost-'))
  const receiver = await startReceiver()
  const env = { WEBHOOK_ALLOW_PRIVATE: 'true' }
  let node: TestNode = await testNode(env, dir)
  const admin = { as: 'admin' } as const
  try {
    const { program, segment } = await populate(node, 4)
    ok(
      await node.call('POST', '/v1/distributions', {
        name: 'keen, by webhook',
        trigger: { type: 'segment_entered', segment_id: segment },
        channel: { type: 'webhook', url: `${receiver.url}/messages` },
      }),
    )
    ok(await node.call('POST', '/v1/webhooks', { url: `${receiver.url}/feed`, events: ['*'] }, admin))
    for (const who of ['dora', 'emil']) for (const amount of [1, 2, 3]) ok(await buy(node, who, amount))
    const made = ok(
      await node.call('POST', '/v1/vouchers', {
        code: 'ONCE',
        type: 'DISCOUNT_VOUCHER',
        discount: { type: 'AMOUNT', amount_off: 100 },
        redemption: { quantity: 5 },
      }),
    )
    const redeem = () =>
      node.call(
        'POST',
        '/v1/redemptions',
        { redeemables: [{ object: 'voucher', id: 'ONCE' }], customer: { source_id: 'dora' }, order: { amount: 1000 } },
        { headers: { 'Idempotency-Key': 'redeem-1' }, after: made },
      )
    const purchase = () =>
      node.call('POST', '/v1/events', {
        id: 'order-7',
        event: 'bought',
        customer: { source_id: 'emil' },
        metadata: { amount: 7 },
      })
    const first = ok(await redeem())
    const last = ok(await purchase())
    const card = (await node.call('GET', `/v1/loyalties/${program}/members`, undefined, { after: last })).body
    /** One line each, so that a failure says no more than what differs. */
    const shown = async (after: Answer): Promise<readonly string[]> => {
      const pages: string[] = []
      for (const path of LISTS)
        pages.push(
          JSON.stringify([path, ok(await node.call('GET', path, undefined, { after })).body], unlessProgress, 1),
        )
      return pages.join('\n').split('\n')
    }
    const differences = (now: readonly string[]) =>
      before.flatMap((line, i) => (line === now[i] ? [] : [`${line} / ${now[i]}`]))
    const messages = () => receiver.received.filter(({ path }) => path === '/messages')
    const feed = () => receiver.received.filter(({ path }) => path === '/feed')
    await receiver.until(() => messages().length === 2 && feed().some(({ body }) => body.includes('"amount":7')))
    await until(async () => (await node.call('GET', '/v1/messages?limit=100')).body, areOut)
    const before = await shown(last)
    const sent = receiver.received.map(({ id, path }) => `${path} ${id}`)
    assert.is(new Set(sent).size, sent.length)

    await node.stop()
    await rm(join(dir, 'documents'), { recursive: true })
    node = await testNode(env, dir)
    await until(
      () => node.call('GET', '/health/ready'),
      ({ status }) => status === 200,
    )
    // What became of messages was recorded after the last request.
    const rebuilt = await until(
      () => shown(last),
      (now) => differences(now).length === 0,
    ).catch(() => shown(last))
    assert.equal(differences(rebuilt).slice(0, 20), [])
    assert.equal((await node.call('GET', `/v1/loyalties/${program}/members`, undefined, { after: last })).body, card)
    const report = await verified(node)
    assert.equal([report.holds, report.finished], [true, true], JSON.stringify(report))

    // Asked again under their names: neither a second redemption nor a second event.
    const again = ok(await redeem())
    assert.is(again.body.redemptions[0].id, first.body.redemptions[0].id)
    ok(await purchase())
    const voucher = ok(await node.call('GET', '/v1/vouchers/ONCE', undefined, { after: again })).body
    assert.is(voucher.redemption.redeemed_quantity, 1)

    // Whoever is sent something now comes after all that could have been sent again.
    let marker = made
    for (const amount of [1, 2, 3]) marker = ok(await buy(node, 'frida', amount))
    await receiver.until(() => messages().length > 2 && feed().some(({ body }) => body.includes('frida')))
    await until(
      async () => ok(await node.call('GET', '/v1/messages?limit=100', undefined, { after: marker })).body,
      areOut,
    )
    const all = receiver.received.map(({ id, path }) => `${path} ${id}`)
    assert.is(new Set(all).size, all.length, 'nothing is sent twice')
    assert.is(messages().length, 3)
  } finally {
    await node.end()
    await rm(dir, { recursive: true })
  }
})

runOnOwnServers(test)
