// The demonstration: a shop's year through the public API, and the numbers of the project that it makes.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { fillWithDemo, NotEmpty, type Sender } from '../../src/demo/run.ts'
import { yearOf } from '../../src/demo/year.ts'
import { type TestNode, testNode } from '../system/node.ts'
import { until } from '../until.ts'

const SIZES = { customers: 15, events: 120 }

test('a year is the same for a seed, in the order in which it happened, and not of the future', () => {
  const now = Date.UTC(2026, 5, 1)
  const year = yearOf(SIZES, now)
  assert.equal(year, yearOf(SIZES, now))
  assert.not.equal(year, yearOf(SIZES, now, 8))
  assert.is(year.customers.length, SIZES.customers)
  assert.is(year.events.length, SIZES.events)
  const times = year.events.map(({ occurred_at }) => Date.parse(occurred_at))
  assert.equal(
    times,
    [...times].sort((a, b) => a - b),
  )
  assert.ok(times.at(-1)! < now)
})

test('what a busy server did not come to is sent again, and nothing else', async () => {
  const sent: string[] = []
  let isBusy = false
  const send: Sender = async (_, path, body) => {
    if (path.startsWith('/v1/customers?')) return { total: 0 }
    if (path.endsWith('/rewards')) return { id: 'rew', data: [] }
    if (path !== '/v1/events/batch') return { id: 'made', voucher: { id: 'v', code: 'CODE' } }
    isBusy = !isBusy
    const { events } = body as { readonly events: readonly { readonly id: string }[] }
    const data = events.map(({ id }, index) => {
      if (isBusy && index % 3 === 1) return { index, status: 'refused', error: { code: 503, key: 'not_tried' } }
      sent.push(id)
      return { index, status: 'recorded' }
    })
    return { data }
  }
  const told: number[] = []
  await fillWithDemo(send, { ...SIZES, now: Date.now(), onProgress: (done) => told.push(done) })
  assert.is(new Set(sent).size, SIZES.events)
  assert.equal([sent.length, told.at(-1)], [SIZES.events, SIZES.events])
  const wrong: Sender = async (method, path, body) =>
    path === '/v1/events/batch'
      ? { data: [{ index: 0, status: 'refused', error: { code: 400, key: 'invalid_payload' } }] }
      : send(method, path, body)
  const refused = await fillWithDemo(wrong, { ...SIZES, now: Date.now() }).catch((error: unknown) => error)
  assert.match(String(refused), /invalid_payload/)
})

let node: TestNode
test.before(async () => {
  node = await testNode()
})
test.after(() => node.end())

test('an empty project is filled once, and its numbers are told', async () => {
  const send: Sender = async (method, path, body) => {
    const answer = await until(
      () => node.call(method, path, body, { as: 'admin' }),
      ({ status }) => status !== 503,
    )
    if (answer.status >= 300) throw new Error(`${path}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  const told: number[] = []
  const options = { ...SIZES, now: Date.now(), onProgress: (done: number) => told.push(done) }
  await fillWithDemo(send, options)
  assert.is(told.at(-1), SIZES.events)
  const { body: numbers } = await until(
    () => node.call('GET', '/v1/statistics'),
    ({ body }) => body.events === SIZES.events && body.rejected_events === 3,
  )
  assert.is(numbers.customers, SIZES.customers)
  assert.ok(numbers.points.issued > 0)
  assert.is(numbers.points.balance, numbers.points.issued - numbers.points.spent - numbers.points.expired)
  const { body: series } = await node.call('GET', '/v1/events/statistics?interval=minute')
  assert.is(series.total, SIZES.events)
  assert.is(
    series.names.reduce((sum: number, { events }: { readonly events: number }) => sum + events, 0),
    SIZES.events,
  )
  const { body: names } = await node.call('GET', '/v1/events/names')
  assert.ok(names.data.every(({ last_at }: { readonly last_at: string }) => Date.parse(last_at) > 0))
  const { body: segments } = await node.call('GET', '/v1/segments')
  for (const { id } of segments.data) {
    const { body: size } = await node.call('GET', `/v1/segments/${id}/statistics`)
    const { body: members } = await node.call('GET', `/v1/segments/${id}/members?limit=1`)
    const { body: all } = await node.call('GET', `/v1/segments/${id}/members?limit=100`)
    assert.is(members.total, all.data.length, 'what is known without counting is what there is')
    assert.is(size.members, members.total)
    assert.is(size.data.length, 30)
    assert.is(size.data.at(-1).members, members.total)
    assert.is(size.data.at(-1).entered - size.data.at(-1).left, members.total, 'all of them came today')
  }
  // What is sent reaches the local sink, and nobody else.
  const events = ['review_left', 'order_paid'] as const
  const metadata = {
    review_left: { stars: 5 },
    order_paid: { amount: 2_000, category: 'bags', items: 1, express: true },
  }
  for (const event of events)
    await send('POST', '/v1/events', { event, customer: { source_id: 'shop-00003' }, metadata: metadata[event] })
  const { body: messages } = await until(
    () => node.call('GET', '/v1/messages?customer=shop-00003'),
    ({ body }) => body.data.filter(({ state }: { readonly state: string }) => state === 'sent').length >= events.length,
  )
  for (const { log, state } of messages.data) if (state === 'sent') assert.match(log.at(-1).target, /sink\.test$/)
  const tooLong = await node.call(
    'GET',
    '/v1/events/statistics?interval=minute&start_date=2026-01-01&end_date=2026-02-01',
  )
  assert.is(tooLong.status, 400)
  const refused = await fillWithDemo(send, options).catch((error: unknown) => error)
  assert.instance(refused, NotEmpty)
})

test.run()
