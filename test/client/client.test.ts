// The client against a node over HTTP: methods, what follows, reading one's own writes, lists, errors, answers of lines.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createBrowserClient, createClient, type ServerClient, TributaryError } from '../../src/client/index.ts'
import type { Role } from '../../src/keys.ts'
import { type TestNode, testNode } from '../system/node.ts'

const test = suite('the client')

let node: TestNode
let admin: ServerClient
const clientAs = (role: Role): ServerClient => {
  const { appId, token } = node.key(role)
  return createClient({ url: node.url, appId, token })
}
test.before(async () => {
  node = await testNode({}, undefined, { client: { origins: ['https://shop.test'] } })
  admin = clientAs('admin')
  await admin.eventSchemas.create({ name: 'review', schema: { properties: { stars: { type: 'number' } } } })
})
test.after(() => node?.end())

const failureOf = async (call: Promise<unknown>): Promise<TributaryError> => {
  try {
    await call
  } catch (error) {
    if (error instanceof TributaryError) return error
    throw error
  }
  throw new Error('it went through')
}

test('an event with what followed from it, tried before and read at once', async () => {
  const { id } = await admin.segments.create({ name: 'reviewers', type: 'auto-update', condition: { event: 'review' } })
  const body = { event: 'review', id: 'r1', customer: { source_id: 'ann' }, metadata: { stars: 5 } }
  const tried = await admin.events.create(body, { dry_run: true })
  assert.ok(tried.effects.some(({ type }) => type === 'customer.segment.entered'))
  assert.is((await failureOf(admin.customers.get('ann'))).status, 404)
  const tracked = await admin.events.create(body)
  assert.equal(
    tracked.effects.map(({ type }) => type),
    tried.effects.map(({ type }) => type),
  )
  // Nothing is waited for: the token goes with each read.
  assert.is((await admin.customers.get('ann')).source_id, 'ann')
  const why = await admin.explain({ customer: 'ann', definition: id })
  assert.is(why.object, 'explanation')
  assert.ok(BigInt(admin.consistencyToken) > 0n)
})

test('whoever is handed the token reads what another has written', async () => {
  const [writer, reader] = [clientAs('integrator'), clientAs('reader')]
  await writer.customers.create({ source_id: 'handed' })
  reader.consistencyToken = writer.consistencyToken
  assert.is((await reader.customers.get('handed')).source_id, 'handed')
})

test('lists are iterated whole, however small their pages', async () => {
  const sources = Array.from({ length: 7 }, (_, i) => `many-${i}`)
  for (const source_id of sources) await admin.customers.create({ source_id, address: { city: 'Lodz' } })
  const found: (string | undefined)[] = []
  for await (const customer of admin.customers.list.all({ city: 'Lodz', limit: 3 })) found.push(customer.source_id)
  assert.equal(found.toSorted(), sources)
  const sizes: number[] = []
  for await (const page of admin.customers.list.pages({ city: 'Lodz', limit: 3 })) sizes.push(page.customers.length)
  assert.equal(sizes, [3, 3, 1])
  const types: string[] = []
  for await (const entry of admin.customers.activity.list.all('many-0', { limit: 1 })) types.push(entry.type)
  assert.ok(types.includes('customer.created'))
  // Lists without pages end as well.
  const schemas: string[] = []
  for await (const { name } of admin.eventSchemas.list.all()) schemas.push(name)
  assert.equal(schemas, ['review'])
})

test('a repeat under one key is done once, and a change on an old state is refused', async () => {
  const events = { event: 'review', customer: { source_id: 'twice' }, metadata: { stars: 1 } }
  const first = await admin.request('POST /v1/events', { body: events, idempotencyKey: 'once' })
  const again = await admin.request('POST /v1/events', { body: events, idempotencyKey: 'once' })
  assert.equal([first.isReplay, again.isReplay], [false, true])
  assert.equal(again.data, first.data)
  const { id } = await admin.validationRules.create({ name: 'changing', rules: {} })
  const read = () => admin.request('GET /v1/validation-rules/{id}', { params: { id } })
  const { etag } = await read()
  await admin.validationRules.update(id, { name: 'changed' }, { ifMatch: etag! })
  const late = await failureOf(admin.validationRules.update(id, { name: 'too late' }, { ifMatch: etag! }))
  assert.is(late.status, 412)
  const { data, status, etag: now } = await read()
  const kept = await admin.request('GET /v1/validation-rules/{id}', { params: { id }, ifNoneMatch: now! })
  assert.equal([data.name, status, kept.status, kept.data], ['changed', 200, 304, undefined])
  assert.is(await admin.validationRules.delete(id), undefined)
})

test('what is refused says what the API says', async () => {
  const refused = await failureOf(
    admin.events.create({ event: 'review', customer: { source_id: 'ann' }, metadata: { stars: 'x' } }),
  )
  assert.equal([refused.status, refused.key], [400, 'metadata_validation_failed'])
  assert.match(refused.message, /stars/)
  assert.ok(refused.requestId)
  const missing = await failureOf(admin.vouchers.get('none/../such'))
  assert.equal([missing.status, missing.resourceType, missing.resourceId], [404, 'voucher', 'none/../such'])
  assert.is((await failureOf(clientAs('reader').customers.create({ source_id: 'x' }))).status, 403)
  let thrown: unknown
  await admin.customers.get('..').catch((error) => {
    thrown = error
  })
  assert.instance(thrown, TypeError)
})

test('answers of lines are read as they come', async () => {
  const lines: unknown[] = []
  for await (const line of await admin.audit.laws()) lines.push(line)
  assert.ok(lines.some((line) => typeof line === 'object' && line !== null && 'end' in line))
  const watched = await admin.activity.stream({ type: 'customer.created' })
  await admin.customers.create({ source_id: 'watched' })
  for await (const { data } of watched) {
    assert.match(JSON.stringify(data), /watched/)
    break
  }
})

test('a browser speaks with its key below /client/v1, an OAuth token below /v1', async () => {
  const { appId, token } = node.key('client')
  const browser = createBrowserClient({ url: node.url, appId, token, headers: { Origin: 'https://shop.test' } })
  await browser.events.create({ event: 'review', customer: { source_id: 'visitor' }, metadata: { stars: 3 } })
  assert.is((await failureOf(browser.redeem({}, { code: 'X' }))).status, 403)
  admin.consistencyToken = browser.consistencyToken
  assert.is((await admin.customers.get('visitor')).source_id, 'visitor')
  const { access_token } = await clientAs('integrator').oauth.token.create({
    grant_type: 'client_credentials',
    scope: 'customers',
  })
  const bearer = createClient({
    url: node.url,
    accessToken: () => access_token,
    consistencyToken: admin.consistencyToken,
  })
  assert.is((await bearer.customers.get('visitor')).source_id, 'visitor')
  const schemas = await admin.management.projects.customEventSchemas.list('proj_main')
  assert.is(schemas.data.length, 1)
})

test.run()
