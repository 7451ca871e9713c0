// Segments over a whole node: entered with their cause, left by the clock, rolled out, previewed, kept from deletion.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { until } from '../until.ts'
import { type Answer, type TestNode, testNode } from './node.ts'

let node: TestNode
let dir: string
const test = suite('segments')

test.before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tributary-segments-'))
  node = await testNode({}, dir)
  for (const name of ['bought', 'seen'])
    await node.call(
      'POST',
      '/v1/event-schemas',
      { name, schema: { properties: { amount: { type: 'number', optional: true } } } },
      { as: 'admin' },
    )
})
test.after(async () => {
  await node?.end()
  await rm(dir, { recursive: true, force: true })
})

const buy = (who: string, amount = 1, more: object = {}) =>
  node.call('POST', '/v1/events', { event: 'bought', customer: { source_id: who }, metadata: { amount }, ...more })

const create = async (segment: object): Promise<string> => {
  const made = await node.call('POST', '/v1/segments', segment)
  assert.is(made.status, 200, JSON.stringify(made.body))
  return made.body.id
}

const types = (log: Answer): string[] => log.body.data.map((entry: { type: string }) => entry.type)

test('an active segment is entered in the answer, in the log, and in the membership lists', async () => {
  const id = await create({
    name: 'buyers',
    type: 'auto-update',
    filter: { junction: 'and', 'events.bought.count': { conditions: { $more_than: ['1'] } } },
  })
  assert.equal((await buy('ann')).body.effects, [])
  const second = await buy('ann')
  assert.is(second.body.effects[0]?.type, 'customer.segment.entered')
  assert.is(second.body.effects[0]?.segment.id, id)
  const log = await node.call('GET', '/v1/customers/ann/activity', undefined, { after: second })
  assert.equal(types(log).slice(0, 2), ['customer.segment.entered', 'customer.custom_event'])
  assert.ok(log.body.data[0].data.because, 'says why')
  const of = await node.call('GET', '/v1/customers/ann/segments')
  assert.equal([of.body.total, of.body.data[0].id, of.body.data[0].name], [1, id, 'buyers'])
  const members = await node.call('GET', `/v1/segments/${id}/members`)
  assert.equal([members.body.total, members.body.data[0].source_id], [1, 'ann'])
  const listed = await node.call('GET', `/v1/customers?segment_id=${id}`)
  assert.is(listed.body.total, 1)
  const history = await node.call('GET', `/v1/segments/${id}/activities`)
  assert.equal(types(history), ['segment.created'])
  await node.call('PUT', `/v1/segments/${id}`, { name: 'buyers of two' })
  await node.call('PUT', `/v1/segments/${id}`, {
    filter: { junction: 'and', 'events.bought.count': { conditions: { $more_than: 1 } } },
  })
  const first = await node.call('GET', `/v1/segments/${id}/activities?limit=2`)
  assert.equal(types(first), ['segment.filters_updated', 'segment.updated'])
  const rest = await node.call(
    'GET',
    `/v1/segments/${id}/activities?limit=2&starting_after_id=${first.body.more_starting_after}`,
  )
  assert.equal([types(rest), rest.body.has_more], [['segment.created'], false])
})

test('the segments of a customer are the same by id and by source_id: of a member, of nobody, of one who was deleted', async () => {
  const id = await create({
    name: 'named both ways',
    type: 'auto-update',
    condition: { event: 'bought', count: { $more_than: 0 }, where: [{ property: 'amount', $is: 7_007 }] },
  })
  const shown = async (after: Answer, name: string) =>
    (await node.call('GET', `/v1/customers/${name}/segments`, undefined, { after })).body.data.some(
      (segment: { id: string }) => segment.id === id,
    )
  const outside = await buy('both')
  const customer = outside.body.customer.id
  assert.equal([await shown(outside, customer), await shown(outside, 'both')], [false, false])
  const inside = await buy('both', 7_007)
  assert.equal([await shown(inside, customer), await shown(inside, 'both')], [true, true])
  const deleted = await node.call('DELETE', '/v1/customers/both')
  assert.is(deleted.status, 204)
  assert.equal([await shown(deleted, customer), await shown(deleted, 'both')], [false, false])
})

test('the clock records an exit at the instant the window ends, within a second', async () => {
  const id = await create({
    name: 'just bought',
    type: 'auto-update',
    condition: { event: 'bought', count: { $more_than_equal: 1 }, within: 'PT2S' },
  })
  const sent = await buy('tim')
  assert.ok(sent.body.effects.some((e: { type: string }) => e.type === 'customer.segment.entered'))
  const log = await until(
    () => node.call('GET', '/v1/customers/tim/activity'),
    (answer) => answer.status === 200 && types(answer).includes('customer.segment.left'),
  )
  const left = log.body.data.find((e: { type: string }) => e.type === 'customer.segment.left')
  const event = log.body.data.find((e: { type: string }) => e.type === 'customer.custom_event')
  assert.is(left.data.segment.id, id)
  assert.is(
    Date.parse(left.data.became_true_at),
    Date.parse(event.data.event.created_at) + 2_000,
    'stamped with the instant it became true',
  )
  assert.is(left.data.cause, 'time')
  assert.is(
    (await node.call('GET', '/v1/customers/tim/segments')).body.data.some((s: { id: string }) => s.id === id),
    false,
  )
})

test('a new definition reaches everybody, says how far it is, and triggers nothing', async () => {
  const sent = await Promise.all(Array.from({ length: 30 }, (_, i) => buy(`roll-${i}`, i)))
  assert.ok(sent.every((s) => s.status === 200))
  const id = await create({
    name: 'big',
    type: 'auto-update',
    condition: { event: 'bought', count: { $more_than: 0 }, where: [{ property: 'amount', $more_than_equal: 10 }] },
  })
  const done = await until(
    () => node.call('GET', `/v1/segments/${id}`),
    (answer) => answer.body.initial_sync_status === 'DONE',
  )
  assert.ok(done.body.rollout.done >= 30)
  const members = await until(
    () => node.call('GET', `/v1/segments/${id}/members?limit=100`),
    (answer) => answer.body.total === 20,
  )
  assert.is(members.body.data.length, 20)
  const log = await node.call('GET', '/v1/customers/roll-15/activity')
  assert.not.ok(
    types(log).includes('customer.segment.entered') &&
      log.body.data.some((e: { data: { segment?: { id: string } } }) => e.data.segment?.id === id),
  )
  await node.call('PUT', `/v1/segments/${id}`, {
    condition: { event: 'bought', count: { $more_than: 0 }, where: [{ property: 'amount', $more_than_equal: 20 }] },
  })
  await until(
    () => node.call('GET', `/v1/segments/${id}/members?limit=100`),
    (answer) => answer.body.total === 10,
  )
})

test('a preview counts and names, and writes nothing', async () => {
  const before = await buy('preview', 77)
  const seen = await node.call(
    'POST',
    '/v1/segments/preview',
    { condition: { event: 'bought', count: { $more_than: 0 }, where: [{ property: 'amount', $is: 77 }] } },
    { after: before },
  )
  assert.is(seen.status, 200, JSON.stringify(seen.body))
  await until(
    () =>
      node.call('POST', '/v1/segments/preview', {
        condition: { event: 'bought', count: { $more_than: 0 }, where: [{ property: 'amount', $is: 77 }] },
      }),
    (answer) => answer.body.matching === 1 && answer.body.complete,
  )
  const total = (await node.call('GET', '/v1/segments')).body.total
  const few = await node.call('POST', '/v1/segments/preview', { condition: { event: 'bought' }, sample: 2 })
  assert.equal([few.body.looked_at, few.body.complete], [2, false])
  assert.is(few.body.examples.length, few.body.matching)
  const enough = await node.call('POST', '/v1/segments/preview', { condition: { event: 'bought' }, sample: 100_000 })
  assert.equal([enough.body.looked_at, enough.body.complete], [enough.body.total, true])
  for (const sample of [0, 1.5, '2', 1_000_001])
    assert.is((await node.call('POST', '/v1/segments/preview', { condition: { event: 'bought' }, sample })).status, 400)
  const wrong = await node.call('POST', '/v1/segments/preview', { condition: { event: 'nothing' } })
  assert.equal([wrong.status, wrong.body.key], [400, 'invalid_payload'])
  assert.is((await node.call('GET', '/v1/segments')).body.total, total)
})

test('a passive segment becomes active with what waits for its entries, and cannot go back while it does', async () => {
  const id = await create({ name: 'quiet', filter: { 'events.bought.count': { conditions: { $more_than: 100 } } } })
  const channel = { type: 'webhook', url: 'https://shop.example/hook' }
  const trigger = { type: 'segment_entered', segment_id: id }
  const made = await node.call('POST', '/v1/distributions', { name: 'waits', trigger, channel })
  assert.is(made.status, 200, JSON.stringify(made.body))
  assert.is((await node.call('GET', `/v1/segments/${id}`)).body.type, 'auto-update')
  assert.equal(types(await node.call('GET', `/v1/segments/${id}/activities`)), ['segment.activated', 'segment.created'])
  const back = await node.call('PUT', `/v1/segments/${id}`, { type: 'passive' })
  assert.is(back.status, 400)
  assert.match(back.body.details, new RegExp(`distribution ${made.body.id}`))
  const names = { name: 'names', type: 'static', customers: ['ann'] }
  const unnamed = await node.call('POST', '/v1/segments', names)
  assert.equal([unnamed.status, /\.customers\b.* ids of customers/.test(unnamed.body.details)], [400, true])
  const listed = await create({ name: 'listed', type: 'static', customers: [] })
  const refused = await node.call('POST', '/v1/distributions', {
    name: 'in vain',
    trigger: { type: 'segment_left', segment_id: listed },
    channel,
  })
  assert.is(refused.status, 400)
  assert.match(refused.body.details, /^Property \.trigger\.segment_id /)
  await node.call('DELETE', `/v1/distributions/${made.body.id}`)
  assert.is((await node.call('PUT', `/v1/segments/${id}`, { type: 'passive' })).status, 200)
})

test('a restart catches up with what fell due meanwhile', async () => {
  const id = await create({ name: 'short', type: 'auto-update', condition: { event: 'bought', within: 'PT1S' } })
  const sent = await buy('zoe')
  assert.ok(sent.body.effects.some((effect: { segment?: { id: string } }) => effect.segment?.id === id))
  await node.stop()
  node = await testNode({}, dir)
  const log = await until(
    () => node.call('GET', '/v1/customers/zoe/activity'),
    (answer) => answer.status === 200 && types(answer).includes('customer.segment.left'),
  )
  const left = log.body.data.filter(
    ({ type, data }: { type: string; data: { segment?: { id: string } } }) =>
      type === 'customer.segment.left' && data.segment?.id === id,
  )
  assert.is(left.length, 1)
})

test.run()
