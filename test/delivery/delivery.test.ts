// Messages from the event to the receiver: retries, giving up, rest of a bulkhead, several dispatchers, opting out, rebuilding.
import { Webhook } from 'standardwebhooks'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { DeliveryOptions } from '../../src/delivery/index.ts'
import { times } from '../soak.ts'
import { answer, closeAll, eventually, startReceiver } from './receiver.ts'
import { hook, type Message, type Shop, shop } from './world.ts'

let node: Shop
const test = suite('delivery')
test.before(async () => {
  node = await shop()
})
test.after.each(closeAll)
test.after(() => node?.end())

const allAre = (state: string, count: number) => (messages: readonly Message[]) =>
  messages.length === count && messages.every((message) => message.state === state)

test('an event is told to the receiver, signed, once, and shows as sent', async () => {
  const receiver = await startReceiver()
  const id = await node.distribution(hook(`${receiver.url}/hook`))
  const bought = await node.buy('ann', { customer: { source_id: 'ann', name: 'Ann' } })
  assert.equal(
    (await node.messages(`distribution_id=${id}`, bought)).map((m) => m.state),
    ['requested'],
  )
  await node.deliver()
  const [message] = await node.until(`distribution_id=${id}`, allAre('sent', 1))
  assert.is(receiver.received.length, 1)
  const [got] = receiver.received
  assert.is(got!.id, message!.id)
  const secret = await node.call('GET', '/v1/webhooks/signing-secret', undefined, { as: 'admin' })
  const body = new Webhook(secret.body.secret).verify(got!.body, got!.headers as Record<string, string>) as {
    type: string
    data: { customer: { name: string }; event: { metadata: object } }
    source: { id: string; object: string }
  }
  assert.is(body.type, 'customer.custom_event')
  assert.is(body.data.customer.name, 'Ann')
  assert.equal(body.data.event.metadata, { amount: 5 })
  assert.equal([body.source.id, body.source.object], [id, 'distribution'])
  const types = await eventually(async () => {
    const log = await node.call('GET', '/v1/customers/ann/activity')
    const all = log.body.data.map((entry: { type: string }) => entry.type)
    return all.includes('customer.webhook.sent') ? all : undefined
  })
  assert.ok(types.includes('customer.message.requested'))
  const one = await node.call('GET', `/v1/messages/${message!.id}`)
  assert.equal(
    one.body.log.map((tried: { outcome: string; status: number }) => [tried.outcome, tried.status]),
    [['sent', 200]],
  )
  assert.is((await node.call('GET', '/v1/messages/signing')).status, 404)
  await node.call('DELETE', `/v1/distributions/${id}`)
})

test('what fails is tried again under the same id; after the last try it is parked until somebody asks', async () => {
  const receiver = await startReceiver(answer(500))
  const id = await node.distribution(hook(receiver.url))
  await node.buy('bob')
  await node.deliver({ bulkhead: { failures: 1_000 } })
  const [parked] = await node.until(`distribution_id=${id}`, allAre('parked', 1))
  assert.is(parked!.attempts, 3)
  assert.equal(
    parked!.log.map((tried) => tried.error),
    ['answered 500', 'answered 500', 'answered 500'],
  )
  assert.is(receiver.received.length, 3)
  assert.is(new Set(receiver.received.map((r) => r.id)).size, 1)
  receiver.behaviour = answer(200)
  const asked = await node.call('POST', `/v1/messages/${parked!.id}/retry`)
  assert.is(asked.status, 200, JSON.stringify(asked.body))
  await node.until(`distribution_id=${id}`, allAre('sent', 1))
  assert.is(receiver.received.length, 4)
  const again = await node.call('POST', `/v1/messages/${parked!.id}/retry`)
  assert.is(again.status, 400)
  // The activity log and the messages are read models of their own: either may be first to show a try.
  const told = await eventually(async () => {
    const log = await node.call('GET', '/v1/customers/bob/activity')
    const types = log.body.data.map((entry: { type: string }) => entry.type)
    return types.includes('customer.webhook.recovered') ? types : undefined
  })
  assert.equal(
    told.filter((type: string) => type.startsWith('customer.webhook')),
    ['customer.webhook.recovered', 'customer.webhook.failed', 'customer.webhook.failed'],
  )
  await node.call('DELETE', `/v1/distributions/${id}`)
})

test('all that were given up are retried by a filter, page by page', async () => {
  const receiver = await startReceiver(answer(404))
  const id = await node.distribution(hook(receiver.url))
  for (let i = 0; i < 5; i++) await node.buy(`many-${i}`)
  await node.deliver()
  await node.until(`distribution_id=${id}`, allAre('parked', 5))
  receiver.behaviour = answer(200)
  const first = await node.call('POST', '/v1/messages/retry', { distribution_id: id, limit: 3 })
  assert.equal([first.body.count, first.body.has_more], [3, true])
  await node.until(`distribution_id=${id}&state=sent`, (m) => m.length === 3)
  const second = await node.call('POST', '/v1/messages/retry', { distribution_id: id })
  assert.equal([second.body.count, second.body.has_more], [2, false])
  await node.until(`distribution_id=${id}`, allAre('sent', 5))
  await node.call('DELETE', `/v1/distributions/${id}`)
})

test('a receiver that is down rests its own bulkhead; others are served, and nothing is lost', async () => {
  const dead = await startReceiver((_, response) => void response.destroy())
  const alive = await startReceiver()
  const toDead = await node.distribution(hook(dead.url))
  const toAlive = await node.distribution(hook(alive.url))
  for (let i = 0; i < 20; i++) await node.buy(`rest-${i}`)
  await node.deliver({ retries: { tries: 50, firstMs: 50, factor: 1 } })
  await node.until(`distribution_id=${toAlive}`, allAre('sent', 20))
  await eventually(() => (dead.received.length >= 3 ? true : undefined))
  // A bulkhead at rest takes no tries: far fewer than 20 messages times the tries that the time allows.
  assert.ok(dead.received.length < 60, String(dead.received.length))
  dead.behaviour = answer(200)
  await node.until(`distribution_id=${toDead}`, allAre('sent', 20))
  await node.call('DELETE', `/v1/distributions/${toDead}`)
  await node.call('DELETE', `/v1/distributions/${toAlive}`)
})

test('several dispatchers share the work: each message is received once', async () => {
  const receiver = await startReceiver()
  const id = await node.distribution(hook(receiver.url))
  const count = times(100, 10_000)
  for (let from = 0; from < count; from += 50)
    await Promise.all(Array.from({ length: 50 }, (_, i) => node.buy(`share-${from + i}`)))
  await Promise.all([node.deliver(), node.deliver(), node.deliver()])
  await receiver.until((received) => received.length >= count, 600_000)
  const sent = await node.until(`distribution_id=${id}`, allAre('sent', count))
  assert.is(receiver.received.length, count)
  assert.equal(new Set(receiver.received.map((r) => r.id)), new Set(sent.map((m) => m.id)))
  await node.call('DELETE', `/v1/distributions/${id}`)
})

test('who opted out or lost the address meanwhile gets nothing, and the reason is kept; of who was deleted nothing is', async () => {
  const id = await node.distribution({
    name: 'mail',
    trigger: { type: 'event', event: 'bought' },
    channel: { type: 'email', subject: 'Thanks', text: 'Hello {{ customer.name }}' },
  })
  const of = (source_id: string) => ({ customer: { source_id, email: `${source_id}@shop.test` } })
  for (const who of ['out-1', 'out-2', 'out-3', 'out-4']) await node.buy(who, of(who))
  await node.call('PUT', '/v1/customers/out-1', { unsubscribed: ['email'] })
  await node.call('PUT', '/v1/customers/out-2', { email: null })
  await node.call('DELETE', '/v1/customers/out-3')
  const mails: { id: string; to: string; text: string }[] = []
  const senders: NonNullable<DeliveryOptions['senders']> = {
    targetOf: () => 'mail.test',
    async send(message, rendered) {
      if (rendered.channel === 'email') mails.push({ id: message, to: rendered.to, text: rendered.text ?? '' })
      return { kind: 'sent' }
    },
    close() {},
  }
  await node.call('PUT', '/v1/customers/out-4', { name: 'Dora', email: 'new@shop.test' })
  // All that has happened is in the read models before anything goes out.
  const last = await node.buy('out-5', of('out-5'))
  await node.messages('', last)
  await node.deliver({ senders })
  const done = await node.until(`distribution_id=${id}`, (messages) =>
    messages.every((m) => m.state === 'sent' || m.state === 'skipped'),
  )
  assert.equal(done.map((m) => m.reason ?? m.state).sort(), ['no_address', 'sent', 'sent', 'unsubscribed'])
  assert.equal(mails.map((mail) => [mail.to, mail.text]).sort(), [
    ['new@shop.test', 'Hello Dora'],
    ['out-5@shop.test', 'Hello '],
  ])
  await node.call('DELETE', `/v1/distributions/${id}`)
})

test('a text message that says nothing is skipped, and the test of the distribution says so beforehand', async () => {
  const id = await node.distribution({
    name: 'by text',
    trigger: { type: 'event', event: 'bought' },
    channel: { type: 'sms', text: ' {{ customer.name }}\n' },
  })
  const texts: string[] = []
  const senders: NonNullable<DeliveryOptions['senders']> = {
    targetOf: () => 'sms.test',
    async send(_, rendered) {
      if (rendered.channel === 'sms') texts.push(rendered.text.trim())
      return { kind: 'sent' }
    },
    close() {},
  }
  const of = (source_id: string, name: string) => ({ customer: { source_id, name, phone: '+48600100200' } })
  await node.buy('text-1', of('text-1', '\u200b'))
  const last = await node.buy('text-2', of('text-2', '0'))
  await node.messages('', last)
  const test = (source_id: string) =>
    node.call('POST', `/v1/distributions/${id}/test`, { customer: { source_id } }, { after: last })
  assert.is((await test('text-1')).body.would_be_skipped, 'empty_text')
  assert.is((await test('text-2')).body.would_be_skipped, null)
  await node.deliver({ senders })
  const done = await node.until(`distribution_id=${id}`, (messages) =>
    messages.every((m) => m.state === 'sent' || m.state === 'skipped'),
  )
  assert.equal(done.map((m) => m.reason ?? m.state).sort(), ['empty_text', 'sent'])
  assert.equal(texts, ['0'])
  await node.call('DELETE', `/v1/distributions/${id}`)
})

test('disabling drops what waits; old events ask for nothing', async () => {
  const receiver = await startReceiver()
  const id = await node.distribution(hook(receiver.url))
  const waiting = await node.buy('stop-1')
  const old = await node.buy('stop-2', { occurred_at: new Date(Date.now() - 80 * 3_600_000).toISOString() })
  await node.call('POST', `/v1/distributions/${id}/disable`, undefined, { after: waiting })
  const none = await node.buy('stop-3')
  await node.messages('', old)
  await node.deliver()
  const left = await node.until(`distribution_id=${id}`, (messages) => messages.every((m) => m.state === 'skipped'))
  assert.equal(
    left.map((m) => m.reason),
    ['distribution_disabled'],
  )
  assert.equal((await node.messages(`customer=stop-2`, none)).length, 0)
  assert.is(receiver.received.length, 0)
  await node.call('POST', `/v1/distributions/${id}/enable`)
  await node.call('POST', `/v1/messages/${left[0]!.id}/retry`)
  await node.until(`distribution_id=${id}`, allAre('sent', 1))
  await node.call('DELETE', `/v1/distributions/${id}`)
})

test('a template that fails to render parks its message with the reason', async () => {
  const receiver = await startReceiver()
  const id = await node.distribution(
    hook(receiver.url, {
      channel: { type: 'webhook', url: receiver.url, template: '{"a": {{ event.metadata.nothing }} }' },
    }),
  )
  await node.buy('render')
  await node.deliver()
  const [parked] = await node.until(`distribution_id=${id}`, allAre('parked', 1))
  assert.match(parked!.reason ?? '', /the template gave no JSON/)
  await node.call('PUT', `/v1/distributions/${id}`, {
    channel: { type: 'webhook', url: receiver.url, template: '{"a": {{ event.metadata.amount | json }} }' },
  })
  await node.call('POST', `/v1/messages/${parked!.id}/retry`)
  await node.until(`distribution_id=${id}`, allAre('sent', 1))
  assert.equal(JSON.parse(receiver.received[0]!.body), { a: 5 })
  await node.call('DELETE', `/v1/distributions/${id}`)
})

test('a distribution is tried out with nothing sent', async () => {
  await node.buy('tester', { customer: { source_id: 'tester', name: 'Tess <b>', email: 'tess@shop.test' } })
  const id = await node.distribution({
    name: 'try',
    trigger: { type: 'event', event: 'customer.created' },
    channel: { type: 'email', subject: 'Hi {{ customer.name }}', html: '<p>{{ customer.name }} {{ code }}</p>' },
  })
  const tried = await node.call('POST', `/v1/distributions/${id}/test`, {
    customer: { source_id: 'tester' },
    code: 'C-1',
  })
  assert.is(tried.status, 200, JSON.stringify(tried.body))
  assert.equal(tried.body.rendered, {
    to: 'tess@shop.test',
    subject: 'Hi Tess <b>',
    html: '<p>Tess &lt;b&gt; C-1</p>',
  })
  assert.is(tried.body.validation_rule, null)
  // A rule that is assigned counts like one that the distribution names.
  const rules = { 1: { name: 'customer.metadata', property: 'tier', conditions: { $is: 'gold' } } }
  const rule = (await node.call('POST', '/v1/validation-rules', { name: 'gold', rules })).body.id
  await node.call('POST', `/v1/validation-rules/${rule}/assignments`, {
    related_object_type: 'distribution',
    related_object_id: id,
  })
  const kept = await node.call('POST', `/v1/distributions/${id}/test`, { customer: { source_id: 'tester' } })
  assert.equal([kept.body.validation_rule.id, kept.body.validation_rule.holds], [rule, false])
  assert.equal((await node.messages(`distribution_id=${id}`)).length, 0)
  await node.call('DELETE', `/v1/distributions/${id}`)
})

test('an outbox that is built anew from the log sends nothing', async () => {
  const receiver = await startReceiver()
  const id = await node.distribution(hook(receiver.url))
  for (let i = 0; i < 10; i++) await node.buy(`rebuild-${i}`)
  await node.deliver()
  await node.until(`distribution_id=${id}`, allAre('sent', 10))
  const before = receiver.received.length
  // What a read model says that lost everything of the message's stream: every message looks untouched.
  const { readModel } = node.services
  const outbox = readModel.collection<{ _id: string; state: string; revision: string; due_at?: Date }>('outbox')
  await closeAll()
  const second = await startReceiver()
  await node.call('PUT', `/v1/distributions/${id}`, { channel: { type: 'webhook', url: second.url } })
  await outbox.updateMany(
    { 'distribution.id': id },
    { $set: { state: 'requested', revision: '-1', due_at: new Date(0) } },
  )
  await node.deliver()
  // A message that is truly due goes out, so the dispatcher has looked at the others, which are older, before.
  await node.buy('rebuild-new')
  await second.until((received) => received.length > 0)
  await eventually(async () =>
    (await outbox.count({ 'distribution.id': id, state: 'sent' })) === 1 ? true : undefined,
  )
  assert.is(second.received.length, 1)
  assert.is(before, 10)
  await node.call('DELETE', `/v1/distributions/${id}`)
})

test.run()
