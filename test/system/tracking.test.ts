// The main job end to end: an event goes in over HTTP and comes out in the customer's activity log.
import { randomUUID } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type ActivityDocument, firstEntryOf } from '../../projections/activity.ts'
import { codeStream } from '../../src/domain/codes.ts'
import { activityId } from '../../src/domain/customer/activity.ts'
import { customerStream } from '../../src/domain/ids.ts'
import { until } from '../until.ts'
import { type Answer, type TestNode, testNode } from './node.ts'
import { serverSdk } from './sdk.ts'

let node: TestNode
const test = suite('tracking')

const review = {
  name: 'review',
  schema: { properties: { stars: { type: 'number' }, text: { type: 'string', optional: true } } },
}

test.before(async () => {
  node = await testNode()
  const made = await node.call('POST', '/v1/event-schemas', review, { as: 'admin' })
  assert.is(made.status, 200, JSON.stringify(made.body))
})
test.after(() => node.end())

test('an event makes its customer and shows in the activity log, with the request that it belongs to', async () => {
  const sent = await node.call('POST', '/v1/events', {
    event: 'review',
    customer: { source_id: 'ann', name: 'Ann', email: 'ann@shop.test' },
    metadata: { stars: 5 },
  })
  assert.is(sent.status, 200, JSON.stringify(sent.body))
  assert.is(sent.body.object, 'event')
  assert.is(sent.body.type, 'review')
  assert.is(sent.body.customer.source_id, 'ann')
  assert.equal([sent.body.referral, sent.body.loyalty], [null, null])
  const log = await node.call('GET', '/v1/customers/ann/activity', undefined, { after: sent, as: 'reader' })
  assert.equal(
    log.body.data.map((entry: { type: string }) => entry.type),
    ['customer.custom_event', 'customer.created'],
  )
  const [event, created] = log.body.data
  assert.is(event.data.event.type, 'review')
  assert.equal(event.data.event.metadata, { stars: 5 })
  assert.is(event.data.customer.name, 'Ann')
  assert.is(event.data.event_schema.name, 'review')
  assert.is(event.group_id, created.group_id)
  const got = await node.call('GET', `/v1/customers/${sent.body.customer.id}`)
  assert.is(got.body.email, 'ann@shop.test')
})

test('the same id records once and answers as before', async () => {
  const event = { event: 'review', id: 'e-1', customer: { source_id: 'bob' }, metadata: { stars: 1 } }
  const first = await node.call('POST', '/v1/events', event)
  const second = await node.call('POST', '/v1/events', event)
  assert.equal(second.body, first.body)
  await node.call('POST', '/v1/events', { ...event, id: 'e-2' })
  const third = await node.call('POST', '/v1/events', event)
  assert.equal(third.body, first.body)
  const raw = await node.call('GET', '/v1/events?customer=bob', undefined, { after: third })
  assert.is(raw.body.data.length, 2)
  // By which a key is known that the customer's memory has forgotten.
  const { customer } = first.body
  const entries = node.services.readModel.collection<ActivityDocument>('activity')
  const look = async () => {
    const idOf = async (key: string) => (await entries.findOne(firstEntryOf(customer.id, key)))?._id
    for await (const { id, metadata } of node.services.store.readStream(customerStream(customer.id), { maxCount: 1 })) {
      const { commandKey = '' } = metadata
      return [activityId(id), await idOf(commandKey), await idOf(`${commandKey}9`)]
    }
    throw new Error('the stream has nothing')
  }
  // Asked of the stores themselves, which may be in trouble at that moment.
  const [expected, known, unknown] = (await until(() => look().catch(() => undefined))) ?? []
  assert.equal([known, unknown], [expected, undefined])
})

test('a dry run answers what would be recorded and records nothing', async () => {
  const event = { event: 'review', customer: { source_id: 'dry' }, metadata: { stars: 1 } }
  const dry = await node.call('POST', '/v1/events?dry_run=true', event)
  assert.is(dry.status, 200)
  assert.is(dry.body.customer.source_id, 'dry')
  assert.is(dry.headers.get('consistency-token'), null)
  const head = await node.call('POST', '/v1/events', { ...event, customer: { source_id: 'wet' } })
  assert.is((await node.call('GET', '/v1/customers/dry', undefined, { after: head })).status, 404)
})

test('a refused event is kept with its reasons and goes in once its schema is mended', async () => {
  const event = { event: 'visit', customer: { source_id: 'carl' }, metadata: { page: 3 } }
  const refused = await node.call('POST', '/v1/events', event)
  assert.is(refused.status, 400)
  assert.is(refused.body.key, 'metadata_validation_failed')
  assert.match(refused.body.details, /visit/)
  const kept = await node.call('GET', '/v1/events/rejected?event=visit', undefined, { after: refused })
  assert.is(kept.body.data.length, 1)
  const [{ id, reasons, body }] = kept.body.data
  assert.is(reasons.length, 1)
  assert.equal(body.metadata, { page: 3 })
  assert.is((await node.call('POST', `/v1/events/rejected/${id}/resend`)).status, 400)
  const schema = await node.call(
    'POST',
    '/v1/event-schemas',
    { name: 'visit', schema: { properties: { page: { type: 'number' } } } },
    { as: 'admin' },
  )
  assert.is(schema.status, 200)
  const resent = await node.call('POST', `/v1/events/rejected/${id}/resend`)
  assert.is(resent.status, 200, JSON.stringify(resent.body))
  const again = await node.call('POST', `/v1/events/rejected/${id}/resend`, undefined, { after: resent })
  assert.is(again.status, 200)
  const raw = await node.call('GET', '/v1/events?event=visit', undefined, { after: again })
  assert.is(raw.body.data.length, 1)
  const list = await node.call('GET', '/v1/events/rejected?resent=false&event=visit', undefined, { after: again })
  assert.is(list.body.data.length, 0)
})

test('a batch gives one result for each event, and one bad event keeps none of the others out', async () => {
  const event = (id: string, stars: unknown) => ({
    event: 'review',
    id,
    customer: { source_id: `batch-${id.length}` },
    metadata: { stars },
  })
  const batch = { events: [event('a', 1), event('b', 'x'), { event: '' }, event('cc', 2), event('a', 1)] }
  const sent = await node.call('POST', '/v1/events/batch', batch)
  assert.is(sent.status, 200, JSON.stringify(sent.body))
  assert.equal(
    sent.body.data.map((r: { status: string }) => r.status),
    ['recorded', 'refused', 'refused', 'recorded', 'repeated'],
  )
  assert.equal([sent.body.recorded, sent.body.repeated, sent.body.refused], [2, 1, 2])
  assert.is(sent.body.data[1].error.key, 'metadata_validation_failed')
  assert.is(sent.body.data[2].error.key, 'invalid_payload')
  const again = await node.call('POST', '/v1/events/batch', batch)
  assert.equal([again.body.recorded, again.body.repeated, again.body.refused], [0, 3, 2])
  const large = { ...event('e', 3), metadata: { stars: 3, text: 'x'.repeat(1_100_000) } }
  const mixed = [event('d', 1), large, event('gg', 1)]
  const both = await node.call('POST', '/v1/events/batch', { events: mixed })
  assert.equal(
    both.body.data.map((r: { status: string; error?: { key: string } }) => r.error?.key ?? r.status),
    ['recorded', 'invalid_payload', 'recorded'],
  )
})

test('two requests for one customer at once both count', async () => {
  const sent = await Promise.all(
    Array.from({ length: 40 }, (_, i) =>
      node.call('POST', '/v1/events', { event: 'review', customer: { source_id: 'busy' }, metadata: { stars: i } }),
    ),
  )
  assert.ok(sent.every((answer) => answer.status === 200))
  // The request that was sent last need not be the one that was recorded last.
  const place = ({ headers }: Answer) => BigInt(headers.get('consistency-token') ?? '0')
  const last = sent.reduce((a, b) => (place(b) > place(a) ? b : a))
  const log = await node.call('GET', '/v1/events/count?customer=busy', undefined, { after: last })
  assert.is(log.body.events, 40)
})

test('events are counted by counters: in all, of a customer, of a name', async () => {
  const ask = async (query: string) =>
    (await node.call('GET', `/v1/events/count${query}`, undefined, { headers: { Prefer: 'wait=10' } })).body
  for (const customer of ['once', 'twice', 'twice'])
    await node.call('POST', '/v1/events', {
      event: 'review',
      customer: { source_id: customer },
      metadata: { stars: 1 },
    })
  assert.equal(await ask('?customer=twice&event=review'), { object: 'count', events: 2, customers: 1 })
  assert.equal(await ask('?customer=twice&event=other'), { object: 'count', events: 0, customers: 0 })
  const [all, ofName] = [await ask(''), await ask('?event=review')]
  assert.equal(Object.keys(ofName), ['object', 'events'])
  assert.ok(all.customers > 2 && all.events >= ofName.events && ofName.events > 40)
})

test('raw events can be paged by key, by customer and time', async () => {
  const at = (day: number) => new Date(Date.UTC(2020, 0, day)).toISOString()
  let last = await node.call('GET', '/health/live')
  for (let day = 1; day <= 5; day++)
    last = await node.call('POST', '/v1/events', {
      event: 'review',
      customer: { source_id: 'pages' },
      metadata: { stars: day },
      occurred_at: at(day),
    })
  const stars: number[] = []
  let next: string | null = ''
  while (next !== null) {
    const page = await node.call(
      'GET',
      `/v1/events?customer=pages&limit=2&order=created_at${next === '' ? '' : `&starting_after_id=${next}`}`,
      undefined,
      { after: last },
    )
    stars.push(...page.body.data.map((e: { metadata: { stars: number } }) => e.metadata.stars))
    next = page.body.more_starting_after ?? null
  }
  assert.equal(stars, [1, 2, 3, 4, 5])
  const some = await node.call('GET', `/v1/events?customer=pages&start_date=${at(2)}&end_date=${at(4)}`)
  assert.is(some.body.data.length, 2)
})

test('customers: upsert, update, list with filters, delete', async () => {
  const made = await node.call('POST', '/v1/customers', {
    source_id: 'a/b @c',
    name: 'Dora',
    address: { city: 'Oslo' },
  })
  assert.is(made.status, 200, JSON.stringify(made.body))
  const changed = await node.call('PUT', `/v1/customers/${encodeURIComponent('a/b @c')}`, {
    email: 'dora@shop.test',
    metadata: { tier: 'gold' },
  })
  assert.is(changed.body.id, made.body.id)
  assert.is(changed.body.name, 'Dora')
  const found = await node.call('GET', '/v1/customers?email=Dora@SHOP.test', undefined, { after: changed })
  assert.equal([found.body.total, found.body.customers[0].metadata.tier], [1, 'gold'])
  assert.is((await node.call('GET', '/v1/customers?city=Oslo')).body.total, 1)
  assert.is((await node.call('POST', '/v1/customers', { id: made.body.id, source_id: 'other' })).status, 400)
  const gone = await node.call('DELETE', `/v1/customers/${made.body.id}`)
  assert.is(gone.status, 204)
  assert.is((await node.call('GET', `/v1/customers/${made.body.id}`, undefined, { after: gone })).status, 404)
  assert.is((await node.call('DELETE', `/v1/customers/${made.body.id}`)).status, 404)
})

test('a source_id that is given later leads to the same customer, and to no other', async () => {
  const anonymous = await node.call('POST', '/v1/customers', { name: 'Nobody' })
  const id = anonymous.body.id
  const named = await node.call('PUT', `/v1/customers/${id}`, { source_id: 'late' })
  assert.is(named.status, 200, JSON.stringify(named.body))
  const event = await node.call('POST', '/v1/events', {
    event: 'review',
    customer: { source_id: 'late' },
    metadata: { stars: 2 },
  })
  assert.is(event.body.customer.id, id)
  const other = await node.call('POST', '/v1/customers', { name: 'Else' })
  const taken = await node.call('PUT', `/v1/customers/${other.body.id}`, { source_id: 'late' })
  assert.is(taken.status, 409)
})

test('browsers track with client keys, by origin', async () => {
  const sent = await node.call('POST', '/client/v1/events', {
    event: 'review',
    customer: { source_id: 'web' },
    metadata: { stars: 3 },
  })
  assert.is(sent.status, 200, JSON.stringify(sent.body))
  assert.is((await node.call('GET', '/v1/customers', undefined, { as: 'client' })).status, 401)
})

test('roles: readers cannot write, only admins change schemas, auditors only read', async () => {
  const event = { event: 'review', customer: { source_id: 'r' }, metadata: { stars: 1 } }
  assert.is((await node.call('POST', '/v1/events', event, { as: 'reader' })).status, 403)
  assert.is((await node.call('POST', '/v1/events', event, { as: 'auditor' })).status, 403)
  assert.is((await node.call('POST', '/v1/event-schemas', review, { as: 'integrator' })).status, 403)
  assert.is((await node.call('GET', '/v1/event-schemas', undefined, { as: 'reader' })).status, 200)
})

test('event schemas: management paths, update, duplicate names, delete', async () => {
  const base = `/management/v1/projects/${node.services.rulebook.current().project.id}/custom-event-schemas`
  const made = await node.call('POST', base, { name: 'temp', schema: { properties: { a: { type: 'string' } } } })
  assert.is(made.status, 200, JSON.stringify(made.body))
  assert.is(made.body.object, 'custom-event-schema')
  const twice = await node.call('POST', base, { name: 'temp', schema: { properties: {} } })
  assert.equal(
    [twice.status, twice.body.key, twice.body.resource_type],
    [409, 'duplicate_found', 'custom_event_schema'],
  )
  const put = await node.call('PUT', `${base}/${made.body.id}`, {
    schema: { properties: { b: { type: 'date', array: true } } },
  })
  assert.equal(Object.keys(put.body.schema.properties), ['a', 'b'])
  assert.is((await node.call('GET', `${base}/${made.body.id}`)).body.name, 'temp')
  assert.is((await node.call('DELETE', `${base}/${made.body.id}`)).status, 204)
  assert.is((await node.call('GET', `${base}/${made.body.id}`)).status, 404)
  assert.is((await node.call('GET', '/management/v1/projects/other/custom-event-schemas')).status, 404)
})

test('bad input is refused with what is wrong, and writes nothing', async () => {
  const event = { event: 'review', customer: { source_id: 'bad' }, metadata: { stars: 1 } }
  const refusals: [unknown, number][] = [
    [{ ...event, event: '' }, 400],
    [{ ...event, event: 'x'.repeat(301) }, 400],
    [{ ...event, customer: {} }, 400],
    [{ ...event, customer: { id: 'cust_unknown' } }, 404],
    [{ ...event, customer: { id: 'cust_000000000000000000000000' } }, 404],
    [{ ...event, occurred_at: 'yesterday' }, 400],
    [{ ...event, occurred_at: new Date(Date.now() + 3_600_000).toISOString() }, 400],
    [{ ...event, metadata: [] }, 400],
    [{ ...event, referral: {} }, 400],
    ['{"event": "review", "customer": {"source_id": "bad", "__proto__": {"a": 1}}}', 400],
    ['{"event": ', 400],
    ['[]', 400],
  ]
  for (const [body, status] of refusals) {
    const answer = await node.call('POST', '/v1/events', body)
    assert.is(answer.status, status, `${JSON.stringify(body)} → ${JSON.stringify(answer.body)}`)
    assert.is(answer.body.code, status)
    assert.type(answer.body.key, 'string')
  }
  const after = await node.call('POST', '/v1/events', { ...event, customer: { source_id: 'good' } })
  assert.is((await node.call('GET', '/v1/customers/bad', undefined, { after })).status, 404)
})

test('what a newer program has recorded of a customer or a code does not keep this one from recording more', async () => {
  const newer = (stream: string) =>
    node.services.store.appendRecords(
      stream,
      [{ id: randomUUID(), type: 'SomethingNewer', data: { a: 1 }, metadata: { $correlationId: 'newer' } }],
      'any',
    )
  const event = { event: 'review', customer: { source_id: 'newer' }, metadata: { stars: 3 } }
  const first = await node.call('POST', '/v1/events', event)
  await newer(customerStream(first.body.customer.id))
  assert.is((await node.call('POST', '/v1/events', event)).status, 200)
  await node.call('POST', '/v1/vouchers/NEWER-1', {
    type: 'DISCOUNT_VOUCHER',
    discount: { type: 'AMOUNT', amount_off: 100 },
    redemption: { quantity: 1 },
  })
  await newer(codeStream('NEWER-1'))
  const redeem = { redeemables: [{ object: 'voucher', id: 'NEWER-1' }], order: { amount: 1_000 } }
  assert.is((await node.call('POST', '/v1/redemptions', redeem)).status, 200)
  assert.is((await node.call('POST', '/v1/redemptions', redeem)).body.key, 'quantity_exceeded')
})

test('the official SDK works by apiUrl', async () => {
  const sdk = serverSdk(node)
  const customer = await sdk.customers.create({ source_id: 'sdk', name: 'Sue', metadata: { a: 1 } })
  assert.is('name' in customer && customer.name, 'Sue')
  const event = await sdk.events.create('review', {
    event: 'review',
    customer: { source_id: 'sdk' },
    metadata: { stars: 4 },
  })
  assert.is(event.type, 'review')
  const seen = await until(
    async () => (await sdk.customers.listActivity('sdk').catch(() => undefined))?.data ?? [],
    ({ length }) => length >= 2,
  )
  assert.equal(
    seen.map((entry) => entry.type),
    ['customer.custom_event', 'customer.created'],
  )
  await sdk.customers.update({ source_id: 'sdk', name: 'Susan' })
  const same = await sdk.customers.create({ source_id: 'sdk' })
  assert.is('name' in same && same.name, 'Susan')
  try {
    await sdk.customers.get('nobody')
    assert.unreachable()
  } catch (error) {
    assert.equal([(error as { code: number }).code, (error as { key: string }).key], [404, 'not_found'])
  }
})

test.run()
