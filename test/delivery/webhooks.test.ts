// Project webhooks: events of chosen types, in order for each customer, past trouble, and again from any place.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { HELD } from '../../src/delivery/feed.ts'
import { answer, closeAll, eventually, type Received, startReceiver } from './receiver.ts'
import { hook, type Shop, shop } from './world.ts'

let node: Shop
const test = suite('project webhooks')
test.before(async () => {
  node = await shop()
})
test.after.each(closeAll)
test.after(() => node?.end())

const admin = { as: 'admin' } as const

const subscribe = async (url: string, events: readonly string[]): Promise<string> => {
  const made = await node.call('POST', '/v1/webhooks', { url, events }, admin)
  assert.is(made.status, 200, JSON.stringify(made.body))
  return made.body.id
}
const remove = (id: string) => node.call('DELETE', `/v1/webhooks/${id}`, undefined, admin)

interface Body {
  readonly id: string
  readonly type: string
  readonly data: {
    readonly customer: { readonly source_id: string }
    readonly event: { readonly metadata: { amount: number } }
  }
  readonly event: { readonly id: string }
}
const bodyOf = ({ body }: Received): Body => JSON.parse(body)

/** Customer → amounts in the order in which they first came. */
const firstTimes = (received: readonly Received[]): Readonly<Record<string, readonly number[]>> => {
  const seen = new Set<string>()
  const amounts: Record<string, number[]> = {}
  for (const { id, data } of received.map(bodyOf)) {
    if (seen.has(id)) continue
    seen.add(id)
    const { source_id: customer } = data.customer
    amounts[customer] = [...(amounts[customer] ?? []), data.event.metadata.amount]
  }
  return amounts
}

test('only the types that were asked for, from the making on', async () => {
  const receiver = await startReceiver()
  await node.buy('early')
  const id = await subscribe(receiver.url, ['customer.created'])
  await node.deliver()
  await node.buy('ann')
  await node.buy('ann')
  await receiver.until((received) => received.length === 1)
  await node.buy('bob')
  await receiver.until((received) => received.length === 2)
  const bodies = receiver.received.map(bodyOf)
  assert.equal(
    bodies.map((body) => [body.type, body.data.customer.source_id]),
    [
      ['customer.created', 'ann'],
      ['customer.created', 'bob'],
    ],
  )
  assert.match(bodies[0]!.id, /^whs_/)
  assert.is(receiver.received[0]!.id, bodies[0]!.id)
  assert.ok(receiver.received[0]!.headers['webhook-signature'])
  await remove(id)
})

test('a refused event holds back its own customer only, and order is kept', async () => {
  const receiver = await startReceiver()
  let refusals = 3
  receiver.behaviour = (request, response, incoming) => {
    const { data } = bodyOf(request)
    const isRefused = data.customer.source_id === 'c-1' && data.event.metadata.amount === 2 && refusals-- > 0
    answer(isRefused ? 422 : 200)(request, response, incoming)
  }
  const id = await subscribe(receiver.url, ['bought'])
  await node.deliver({ retries: { tries: 10, firstMs: 100, factor: 1 } })
  for (let amount = 0; amount < 5; amount++)
    for (const source_id of ['c-0', 'c-1', 'c-2']) await node.buy(source_id, { metadata: { amount } })
  await eventually(() => (Object.values(firstTimes(receiver.received)).flat().length >= 15 ? true : undefined))
  const order = [0, 1, 2, 3, 4]
  assert.equal(firstTimes(receiver.received), { 'c-0': order, 'c-1': order, 'c-2': order })
  // The refused one came four times, and nothing of that customer came before it had got through.
  const ofOne = receiver.received.map(bodyOf).filter((body) => body.data.customer.source_id === 'c-1')
  assert.equal(
    ofOne.map((body) => body.data.event.metadata.amount),
    [0, 1, 2, 2, 2, 2, 3, 4],
  )
  await remove(id)
})

test('after the last try an event is parked, told of, and its customer goes on', async () => {
  const receiver = await startReceiver((request, response, incoming) =>
    answer(bodyOf(request).data.event.metadata.amount === 1 ? 422 : 200)(request, response, incoming),
  )
  const id = await subscribe(receiver.url, ['bought'])
  await node.deliver()
  for (let amount = 0; amount < 4; amount++) await node.buy('p-1', { metadata: { amount } })
  await eventually(() => (firstTimes(receiver.received)['p-1']?.length === 4 ? true : undefined))
  assert.equal(firstTimes(receiver.received)['p-1'], [0, 1, 2, 3])
  const shown = await eventually(async () => {
    const { body } = await node.call('GET', `/v1/webhooks/${id}`, undefined, admin)
    return body.held_customers === 0 ? body : undefined
  })
  assert.equal(
    shown.parked.map((p: { tries: number; reason: string }) => [p.tries, p.reason]),
    [[3, 'answered 422']],
  )
  await remove(id)
})

test('what was given up is told of once, also by a node that stumbled before it went on, and again after a replay', async () => {
  const receiver = await startReceiver(answer(422))
  const id = await subscribe(receiver.url, ['bought'])
  const { readModel } = node.services
  let stumbles = 2
  const failing = (name: string) => {
    const whole = readModel.plain(name)
    if (name !== HELD) return whole
    return {
      ...whole,
      async replaceOne(...asked: Parameters<typeof whole.replaceOne>) {
        // The place behind an event that was given up.
        if (String((asked[1] as { position?: string }).position).endsWith('~') && stumbles-- > 0)
          throw new Error('it ended here')
        return whole.replaceOne(...asked)
      },
    }
  }
  const delivery = await node.deliver({ readModel: { ...readModel, plain: failing as typeof readModel.plain } })
  const shown = async () => (await node.call('GET', `/v1/webhooks/${id}`, undefined, admin)).body
  const goneOn = () => eventually(async () => ((await shown()).held_customers === 0 ? true : undefined))
  for (const customer of ['o-1', 'o-2']) {
    await node.buy(customer, { metadata: { amount: 1 } })
    const known = (await shown()).parked.length
    await eventually(async () => ((await shown()).parked.length > known ? true : undefined))
    await goneOn()
  }
  assert.ok(stumbles < 0, 'both stumbles were met')
  const parked = async (): Promise<string[]> => (await shown()).parked.map(({ event }: { event: string }) => event)
  const [second, first] = await parked()
  assert.equal(await parked(), [second, first])
  const replayed = await node.call('POST', `/v1/webhooks/${id}/replay`, { after_event_id: first }, admin)
  assert.is(replayed.status, 200, JSON.stringify(replayed.body))
  await eventually(async () => ((await parked()).length > 2 ? true : undefined))
  await goneOn()
  assert.equal(await parked(), [second, second, first])
  await delivery.stop()
  await remove(id)
})

test('an endpoint that is down loses nothing, and a replay sends the same ids again', async () => {
  const receiver = await startReceiver(answer(503))
  const id = await subscribe(receiver.url, ['bought'])
  await node.deliver({ retries: { tries: 100, firstMs: 50, factor: 1 } })
  for (let i = 0; i < 12; i++) await node.buy(`d-${i}`, { metadata: { amount: i } })
  await receiver.until((received) => received.length >= 3)
  receiver.behaviour = answer(200)
  const all = (received: readonly Received[]) => new Set(received.map((r) => r.id)).size
  await eventually(() => (Object.keys(firstTimes(receiver.received)).length === 12 ? true : undefined))
  await eventually(async () => {
    const { body } = await node.call('GET', `/v1/webhooks/${id}`, undefined, admin)
    return body.held_customers === 0 ? true : undefined
  })
  const first = all(receiver.received)
  const before = receiver.received.length
  const fifth = receiver.received.map(bodyOf).find((body) => body.data.event.metadata.amount === 4)!
  const replayed = await node.call('POST', `/v1/webhooks/${id}/replay`, { after_event_id: fifth.event.id }, admin)
  assert.is(replayed.status, 200, JSON.stringify(replayed.body))
  await receiver.until((received) => received.length >= before + 7)
  assert.equal(
    receiver.received
      .slice(before)
      .map((r) => bodyOf(r).data.event.metadata.amount)
      .sort((a, b) => a - b),
    [5, 6, 7, 8, 9, 10, 11],
  )
  assert.is(all(receiver.received), first)
  assert.is((await node.call('POST', `/v1/webhooks/${id}/replay`, {}, admin)).status, 400)
  await remove(id)
})

test('a sender that throws over one customer keeps neither the messages nor the feeds of others', async () => {
  const feed = await subscribe('https://feed.test/', ['bought'])
  const distribution = await node.distribution(hook('https://message.test/'))
  let isMended = false
  const got: string[] = []
  const sent = (url: string, who: string) => got.includes(`${url} ${who}`)
  const people = ['thrown', 'kept-1', 'kept-2', 'kept-3']
  await node.deliver({
    senders: {
      targetOf: (settings) => ('url' in settings ? settings.url : undefined),
      async send(_, rendered) {
        assert.is(rendered.channel, 'webhook')
        if (rendered.channel !== 'webhook') return { kind: 'sent' }
        const who = people.find((one) => rendered.body.includes(`"${one}"`))
        if (who === 'thrown' && !isMended) throw new Error('no such thing')
        if (who !== undefined) got.push(`${rendered.url} ${who}`)
        return { kind: 'sent' }
      },
      close: () => undefined,
    },
  })
  for (const who of people) await node.buy(who)
  const neighbours = people.slice(1)
  for (const url of ['https://feed.test/', 'https://message.test/'])
    await eventually(() => neighbours.every((who) => sent(url, who)) || undefined)
  const { aside } = node.services.background!
  const failure = await eventually(async () =>
    (await aside.failures(10)).find(({ process }) => process === 'dispatcher'),
  )
  assert.is(failure.error, 'no such thing')
  isMended = true
  await aside.retry({ process: 'dispatcher' })
  await eventually(() => sent('https://message.test/', 'thrown') || undefined)
  // What a feed gave up on after its tries is over; the customer's next event is sent again.
  await node.buy('thrown')
  await eventually(() => sent('https://feed.test/', 'thrown') || undefined)
  for (const who of neighbours)
    assert.equal(got.filter((one) => one.endsWith(` ${who}`)).length, 2, `${who} got one of each`)
  await remove(feed)
  await node.call('DELETE', `/v1/distributions/${distribution}`)
})

test('what there is not cannot be subscribed to', async () => {
  const refused = await node.call('POST', '/v1/webhooks', { url: 'https://a.test', events: ['sold'] }, admin)
  assert.is(refused.status, 400)
  assert.match(refused.body.details, /there is no sold/)
  assert.is((await node.call('POST', '/v1/webhooks', { url: 'ftp://a.test', events: ['*'] }, admin)).status, 400)
})

test.run()
