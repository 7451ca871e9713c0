// One law over every POST route of the application, found from the route table: twice under one Idempotency-Key is once.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { commandRoutes } from '../../commands/index.ts'
import { queryRoutes } from '../../queries/index.ts'
import { callerKey } from '../../src/domain/callerKeys.ts'
import { customerIdFrom } from '../../src/domain/ids.ts'
import { printOf } from '../../src/domain/print.ts'
import { requestId } from '../../src/domain/redemption/sight.ts'
import type { Route } from '../../src/http/route.ts'
import { type Answer, type TestNode, testNode } from '../system/node.ts'
import { createChanges, createReads } from './changes.ts'
import { ANN, createExamples, type Example, type Examples } from './examples.ts'
import { type Heard, hear, readAll } from './heard.ts'
import { readExamples, writeExamples } from './kept.ts'

/** Routes that have no example here, with the reason. */
const EXCUSED: Readonly<Record<string, string>> = {
  '/v1/messages/{id}/retry': 'needs a message that a receiver refused: delivery/delivery.test.ts',
  '/v1/projections/{name}/promote': 'needs a projection that was built beside: audit/projections.test.ts',
  '/v1/projections/{name}/rollback': 'the same',
  '/v1/async-actions/{id}/cancel': 'needs a job that still goes on: vouchers/jobsHttp.test.ts',
  '/v1/async-actions/{id}/retry': 'needs a job that failed: the same',
  '/v1/processes/retry': 'needs what a process has set aside: processes/process.test.ts',
  '/v1/access/keys': 'tells a token once, and refuses a repeat: access/access.test.ts',
  '/v1/access/keys/{id}/rotate': 'gives another token each time: the same',
  '/v1/oauth/token': 'gives another token each time, for a form: access/oauth.test.ts',
  '/v1/oauth/introspect': 'takes a form, and records nothing: the same',
  '/v1/oauth/token/revoke': 'the same',
  '/v1/access/users': 'tells a link once, and refuses a repeat: access/users.test.ts',
  '/v1/access/users/{id}/link': 'gives another link each time: the same',
  '/v1/customers/{id}/permanent-deletion':
    'forgets all kept answers, which may tell of the person: privacy/erasure.test.ts',
  '/v1/clock/confirm': 'is about the clock of a node, which the others do not have: clock/clock.test.ts',
  '/v1/clock/take-back': 'answers with a stream of lines over the whole log: audit/clock.test.ts',
  '/v1/customers/importCSV': 'takes a file: vouchers/csv.test.ts',
  '/v1/vouchers/importCSV': 'the same',
  '/v1/campaigns/{campaignId}/importCSV': 'the same',
  '/exports/{id}': 'is a file behind a signed link: orders/exports.test.ts',
  '/v1/stacking-rules':
    'a project has them once, and others are made when they are deleted: redemption/stacking.test.ts',
  '/management/v1/projects/{projectId}/stacking-rules': 'the same',
  '/v1/audit/simulations': 'answers with a stream of lines, and records nothing',
}

/** Operations of the contract that are not heard here, with the reason. */
const UNHEARD: Readonly<Record<string, string>> = {
  'POST /v1/campaigns/{campaignId}/importCSV': 'takes a file: vouchers/csv.test.ts',
  'POST /v1/customers/{customerId}/permanent-deletion': 'forgets kept answers: privacy/erasure.test.ts',
  'DELETE /v1/loyalties/{campaignId}': 'a program is gone at once (204), and no work of the background',
  'POST /v1/oauth/token': 'for a form: access/oauth.test.ts',
  'POST /v1/oauth/introspect': 'the same',
  'POST /management/v1/projects/{projectId}/stacking-rules': 'there is one of them: redemption/stacking.test.ts',
  ...Object.fromEntries(
    [
      'stacking-rules/{stackingRulesId}',
      'metadata-schemas/{metadataSchemaId}',
      'custom-event-schemas/{customEventSchemaId}',
      'webhooks/{webhookId}',
    ].map((path) => [`PUT /management/v1/projects/{projectId}/${path}`, 'heard by its other path']),
  ),
}

let node: TestNode
let examples: Examples
let paths: readonly string[]
let reads: readonly string[]
let changed: readonly string[]
let documented: readonly Route[]
let heard: Heard
const test = suite('requests under a key')

test.before(async () => {
  node = await testNode()
  const routes = [...commandRoutes(node.services), ...queryRoutes(node.services)]
  heard = hear(node, routes)
  node = heard.node
  examples = await createExamples(node)
  reads = routes.flatMap(({ method, path, also = [] }) => (method === 'get' ? [path, ...also] : []))
  documented = routes
  changed = routes.flatMap(({ method, path, also = [] }) =>
    method === 'put' || method === 'delete' ? [path, ...also] : [],
  )
  paths = routes.flatMap(({ method, path, also = [] }) => (method === 'post' ? [path, ...also] : []))
})
test.after(() => node.end())

const send = (example: Example, key: string, more: Record<string, string> = {}): Promise<Answer> =>
  node.call('POST', example.path, example.body, {
    ...(example.path.startsWith('/client/') ? {} : { as: 'admin' }),
    headers: { 'Idempotency-Key': key, ...more },
  })

/** A browser's key need not be allowed everything. */
const isForbidden = (example: Example, { status }: Answer) => example.path.startsWith('/client/') && status === 403

/** Looks at what there is: without its answer it sees what there is now. */
const LOOKS = /validations$|validate$|qualifications?$|preview$|projections/

/** All ids and codes that an answer names, in order. */
const idsIn = (value: unknown): readonly string[] => {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) =>
    /^(?:id|code|async_action_id)$/.test(name) && typeof inner === 'string' ? [inner] : idsIn(inner),
  )
}

const replayed = (answer: Answer): boolean => answer.headers.get('idempotent-replayed') === 'true'

/** Another request for the same customer or, as these, for none. */
const OTHERS: readonly Example[] = [
  { path: '/v1/segments/preview', body: { filter: { junction: 'or', name: { conditions: { $is: ['other'] } } } } },
  { path: '/v1/qualifications', body: { customer: ANN, metadata: { another: true } } },
]

/** Runs a check for each, and fails with all that failed. */
const each = async <T>(all: Iterable<T>, check: (one: T) => Promise<void>): Promise<void> => {
  const failed: string[] = []
  for (const one of all)
    try {
      await check(one)
    } catch (error) {
      failed.push(error instanceof assert.Assertion ? `${error.message} ${error.details}`.slice(0, 900) : String(error))
    }
  assert.equal(failed, [])
}

const firsts = new Map<string, { readonly example: Example; readonly first: Answer; readonly key: string }>()

test('every POST route has an example, or a reason for none', () => {
  assert.ok(paths.length > 70)
  assert.equal(
    paths.filter((path) => !examples.of(path) && !EXCUSED[path]),
    [],
  )
})

test('at once, and again when the rulebook has moved on: carried out once, with the same status and body for all', async () => {
  await each(paths.entries(), async ([n, path]) => {
    const example = await examples.of(path)?.(`seq${n}`)
    if (!example) return
    const key = `sequence-${n}`
    const both = await Promise.all([send(example, key), send(example, key)])
    const first = both.find((one) => !replayed(one))!
    if (isForbidden(example, first)) return
    assert.ok(first.status < 300, `${path}: ${first.status} ${JSON.stringify(first.body)}`)
    assert.equal(
      both.map(({ status, body }) => [status, body]),
      both.map(() => [first.status, first.body]),
      path,
    )
    assert.is(both.filter(replayed).length, 1, path)
    firsts.set(path, { example, first, key })
  })
  const moved = await node.call(
    'POST',
    '/v1/event-schemas',
    { name: 'moved-on', schema: { properties: {} } },
    { as: 'admin' },
  )
  assert.is(moved.status, 200)
  await each(firsts, async ([path, { example, first, key }]) => {
    const again = await send(example, key)
    assert.equal([again.status, again.body], [first.status, first.body], path)
    assert.ok(replayed(again), path)
  })
})

/** Not read here: lines instead of an answer, and what belongs to a node rather than to its records. */
const UNTOLD = /^\/client\/|audit|stream$/
/** The API document shows these by their other paths. */
const UNREAD = /^\/client\/|audit|management|stream$/

test('what was answered has the form that its route declares and the public contract describes', async () => {
  const alone = await createReads(node)
  const token = { 'Consistency-Token': String(await node.services.store.head()), Prefer: 'wait=10' }
  const read = (path: string) => node.call('GET', path, undefined, { as: 'admin', headers: token })
  await readAll(
    reads.filter((path) => !UNTOLD.test(path)).map((path) => path.replace('{projectId}', 'proj_main')),
    read,
  )
  await each(alone, async (path) => {
    const answer = await read(path)
    assert.is(answer.status, 200, `${path}: ${JSON.stringify(answer.body)}`)
  })
  const { differences, unlike } = heard.found()
  assert.equal(differences, [])
  assert.equal(unlike, [])
})

test('every PUT and DELETE of one record does what it says, and answers in the form that its route declares', async () => {
  const changes = createChanges(node)
  assert.equal(
    changed.filter((path) => !path.startsWith('/management/') && !changes[path]),
    [],
    'routes without a change in changes.ts',
  )
  let n = 0
  await each(Object.entries(changes), async ([path, { make, body, stays }]) => {
    const address = await make(`c${n++}`)
    if (body !== undefined) {
      const put = await node.call('PUT', address, body, { as: 'admin' })
      assert.is(put.status, 200, `PUT ${path}: ${JSON.stringify(put.body)}`)
    }
    if (stays) return
    const gone = await node.call('DELETE', address, undefined, { as: 'admin' })
    assert.ok(gone.status < 300, `DELETE ${path}: ${gone.status} ${JSON.stringify(gone.body)}`)
  })
  const { differences, unlike, unheard } = heard.found()
  assert.equal([differences, unlike], [[], []])
  // Whatever the contract describes and this server has was looked at.
  assert.equal(
    unheard.filter((operation) => !UNHEARD[operation]),
    [],
  )
})

test('the API document has an example of every operation, which is of the form that its route takes and gives', () => {
  if (process.env.UPDATE === '1') writeExamples(heard.exchanged)
  const kept = readExamples()
  const wanted = documented.filter(({ path }) => !EXCUSED[path] && !UNREAD.test(path))
  const missing = wanted.filter(({ method, path }) => !kept[`${method.toUpperCase()} ${path}`])
  assert.equal(
    missing.map(({ method, path }) => `${method} ${path}`),
    [],
    'npm run examples writes them',
  )
  for (const { method, path, body, response } of wanted) {
    const { request, response: answer } = kept[`${method.toUpperCase()} ${path}`]!
    if (body && request !== undefined) assert.ok(v.is(body, request), `the request of ${method} ${path}`)
    if (response && answer !== undefined) assert.ok(v.is(response, answer), `the answer of ${method} ${path}`)
  }
})

test('another content under a key that was used is 422', async () => {
  for (const [path, { key, example }] of firsts) {
    if (example.path.startsWith('/client/')) continue
    const others = await Promise.all(OTHERS.map((other) => send(other, key)))
    assert.ok(
      others.some(({ status, body }) => status === 422 && body.key === 'idempotency_key_reused') ||
        // Its customer is another than both: under the key of one, another has a request of his own.
        JSON.stringify(example.body ?? '').includes('source_id') ||
        path === '/v1/events',
      `${path}: ${JSON.stringify(others.map(({ status }) => status))}`,
    )
  }
  const event = (n: number) => ({ path: '/v1/events', body: { event: 'bought', customer: ANN, metadata: { n } } })
  assert.is((await send(event(1), 'event-key')).status, 200)
  const other = await send(event(2), 'event-key')
  assert.equal([other.status, other.body.key], [422, 'idempotency_key_reused'])
})

test('with its answer lost, a request is carried out again and records nothing new', async () => {
  await node.services.readModel.plain('requestAnswers').deleteMany({})
  await each(firsts, async ([path, { example, first, key }]) => {
    const again = await send(example, key)
    assert.is(again.status, first.status, `${path}: ${JSON.stringify(again.body)}`)
    if (!LOOKS.test(path)) assert.is(String(idsIn(again.body)), String(idsIn(first.body)), path)
  })
})

test('after a restart a repeat is answered as before', async () => {
  const before = new Map<string, Answer>()
  for (const [path, { example, key }] of firsts) before.set(path, await send(example, key))
  const { dir } = node
  await node.stop()
  node = await testNode({}, dir)
  await each(firsts, async ([path, { example, key }]) => {
    const again = await send(example, key)
    assert.equal([path, again.status, again.body], [path, before.get(path)!.status, before.get(path)!.body])
  })
})

test('a request that was refused may be asked again under its key, and the key be given to another', async () => {
  const body = { redeemables: [{ object: 'voucher', id: 'LATER' }], customer: { source_id: 'waits' } }
  const ask = () => send({ path: '/v1/redemptions', body }, 'refused-1')
  const no = await ask()
  assert.equal([no.status, no.body.key, replayed(no)], [404, 'not_found', false])
  const coupon = { type: 'DISCOUNT_VOUCHER', discount: { type: 'AMOUNT', amount_off: 100 } }
  assert.is((await node.call('POST', '/v1/vouchers/LATER', coupon)).status, 200)
  assert.is((await ask()).status, 200)
  assert.ok(replayed(await ask()))

  const segment = (name: string, filter: unknown) => ({
    path: '/v1/segments',
    body: { name, type: 'passive', filter },
  })
  assert.is((await send(segment('mended', { nonsense: true }), 'mended-1')).status, 400)
  const mended = segment('mended', { junction: 'and', name: { conditions: { $is: ['x'] } } })
  const made = await send(mended, 'mended-1')
  assert.is(made.status, 200, JSON.stringify(made.body))
  assert.is((await send(mended, 'mended-1')).body.id, made.body.id)
})

test('an event id stands for one content, alone, in a batch and over the API keys', async () => {
  const event = (n: number, more: object = {}) => ({
    event: 'bought',
    id: '1001',
    customer: ANN,
    metadata: { n },
    ...more,
  })
  const first = await node.call('POST', '/v1/events', event(1))
  assert.is(first.status, 200)
  const again = await node.call('POST', '/v1/events', event(1))
  assert.equal([again.status, again.body, replayed(again)], [200, first.body, true])
  const other = await node.call('POST', '/v1/events', event(2))
  assert.equal([other.status, other.body.key], [409, 'duplicate_event_id'])
  assert.match(other.body.details, /bought of \d{4}-/)
  const batch = await node.call('POST', '/v1/events/batch', { events: [event(1), event(2)] })
  assert.equal(
    batch.body.data.map(({ status, error }: { status: string; error?: { key: string } }) => [status, error?.key]),
    [
      ['repeated', undefined],
      ['refused', 'duplicate_event_id'],
    ],
  )
  // A browser that was faster with an id takes it from nobody.
  const ofBrowser = await node.call('POST', '/client/v1/events', event(3, { id: 'order-1' }))
  assert.is(ofBrowser.status, 200)
  const ofShop = await node.call('POST', '/v1/events', event(4, { id: 'order-1' }))
  assert.equal([ofShop.status, ofShop.body.metadata.n, replayed(ofShop)], [200, 4, false])
  for (const id of ['process:x', 'resend:x'])
    assert.is((await node.call('POST', '/v1/events', event(5, { id }))).status, 400)
})

test('what older programs recorded under a text alone is found by a server, and never by a browser', async () => {
  const { customers, rulebook } = node.services
  const id = customerIdFrom(ANN.source_id, rulebook.current().project.customerKey)
  const context = { key: 'old-1', requestId: 'old', actor: { name: 'old', role: 'integrator' }, now: Date.now() }
  const old = {
    type: 'TrackEvent',
    event: 'bought',
    occurredAt: Date.now(),
    metadata: { n: 1 },
    profile: {},
    mayCreate: false,
    mode: 'strict',
    triggerHorizonMs: 0,
  } as const
  assert.is((await customers.execute(id, old, context)).kind, 'done')
  const event = { event: 'bought', id: 'old-1', customer: ANN, metadata: { n: 1 } }
  assert.ok(replayed(await node.call('POST', '/v1/events', event)))
  assert.not(replayed(await node.call('POST', '/client/v1/events', event)))
})

test('a redemption that others gave up begins again, however often', async () => {
  const { customers, rulebook } = node.services
  const id = customerIdFrom(ANN.source_id, rulebook.current().project.customerKey)
  const coupon = {
    type: 'DISCOUNT_VOUCHER',
    discount: { type: 'AMOUNT', amount_off: 100 },
    redemption: { quantity: 1 },
  }
  await node.call('POST', '/v1/vouchers/GIVEN-UP', coupon)
  const body = { redeemables: [{ object: 'voucher', id: 'GIVEN-UP' }], customer: ANN }
  const name = callerKey(node.key('admin'), 'given-up', printOf(['POST /v1/redemptions', undefined, body]))
  for (let n = 0; n < 12; n++)
    await customers.execute(
      id,
      { type: 'AbandonRedemption', request: requestId(name, id, n) },
      { requestId: 'settling', actor: { name: 'redemptions', role: 'system' }, now: Date.now() },
    )
  const done = await send({ path: '/v1/redemptions', body }, 'given-up')
  assert.is(done.status, 200, JSON.stringify(done.body))
})

test('a source_id stands for one content', async () => {
  await node.call('POST', '/v1/vouchers/FILLED', { type: 'GIFT_VOUCHER', gift: { amount: 100 } })
  const DUPLICATE = [400, 'duplicate_source_id']
  const toldOf = ({ status, body }: Answer) => [status, body.key]
  const credits = (amount: number, reason?: string) =>
    node.call('POST', '/v1/vouchers/FILLED/balance', { amount, source_id: 's-1', reason })
  assert.equal([(await credits(5)).body.balance, (await credits(5)).body.balance], [105, 105])
  assert.equal([toldOf(await credits(6)), toldOf(await credits(5, 'sorry'))], [DUPLICATE, DUPLICATE])

  const club = await node.call('POST', '/v1/loyalties', { name: 'sources', voucher: { type: 'LOYALTY_CARD' } })
  const card = async (source_id: string) =>
    (await node.call('POST', `/v1/loyalties/${club.body.id}/members`, { customer: { source_id } })).body.code
  const [one, two, three] = [await card('one'), await card('two'), await card('three')]
  const points = (n: number, reason: string | null = 'late parcel') =>
    node.call('POST', `/v1/loyalties/members/${one}/balance`, { points: n, source_id: 'p', reason })
  assert.equal([(await points(50)).body.balance, (await points(50)).body.balance], [50, 50])
  assert.equal([toldOf(await points(51)), toldOf(await points(50, null))], [DUPLICATE, DUPLICATE])
  const move = (to: string, n: number, reason?: string) =>
    node.call('POST', `/v1/loyalties/members/${to}/transfers`, [{ code: one, points: n, source_id: 't', reason }])
  assert.is((await move(two, 10)).body.loyalty_card.balance, 10)
  assert.is((await move(two, 10)).body.loyalty_card.balance, 10)
  assert.equal([toldOf(await move(two, 11)), toldOf(await move(three, 10))], [DUPLICATE, DUPLICATE])
  assert.equal(toldOf(await move(two, 10, 'again')), DUPLICATE)
  assert.is((await points(50)).body.balance, 50)
})

test.run()
