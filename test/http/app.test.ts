// The request pipeline through app.request(): routing, answers, errors, headers, logs.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Permission } from '../../src/domain/access/permissions.ts'
import { callerKey, formerKey, ownBeginning } from '../../src/domain/callerKeys.ts'
import { fail } from '../../src/http/errors.ts'
import { takenForAnother } from '../../src/http/official.ts'
import { type Consistency, route } from '../../src/http/route.ts'
import type { Ability } from '../../src/keys.ts'
import { clientKey, errorOf, json, managementKey, serverKey, toyApp, toyRoutes } from './toy.ts'

const goodEvent = JSON.stringify({ event: 'review_left', customer: { source_id: 'ada' } })

test('a tracked event is parsed, answered and logged under one request id', async () => {
  const { app, seen, logged } = toyApp({ clock: () => 1_700_000_000_000 })
  const res = await app.request('/v1/events?dry_run=true', {
    method: 'POST',
    headers: { ...serverKey('integrator'), ...json, 'Idempotency-Key': 'k-1', 'X-Voucherify-Channel': 'my-shop' },
    body: goodEvent,
  })
  assert.is(res.status, 200)
  assert.equal(await res.json(), { object: 'event', type: 'review_left' })
  assert.is(res.headers.get('consistency-token'), '42')
  const requestId = res.headers.get('x-request-id')!
  assert.match(requestId, /^v-[0-9a-f]{18}$/)
  assert.equal(seen, [
    {
      body: { event: 'review_left', customer: { source_id: 'ada' } },
      query: { dry_run: true },
      key: { name: 'test integrator', role: 'integrator', appId: 'app-integrator' },
      requestId,
      channel: 'my-shop',
      audience: 'server',
      idempotencyKey: callerKey({ appId: 'app-integrator', role: 'integrator' }, 'k-1'),
      consistency: { waitMs: 1000, token: undefined },
      now: 1_700_000_000_000,
    },
  ])
  const line = logged.find((one) => one.requestId === requestId)!
  assert.is(line.route, '/v1/events')
  assert.is(line.status, 200)
  assert.is(line.key, 'test integrator')
  assert.not.ok(JSON.stringify(logged).includes('token-of'))
})

test('unknown path 404, wrong method 405 with Allow, both with the error body', async () => {
  const { app } = toyApp()
  const unknown = await app.request('/v1/nothing', { headers: serverKey('admin') })
  assert.is(unknown.status, 404)
  const body = await errorOf(unknown)
  assert.is(body.code, 404)
  assert.is(body.key, 'not_served')
  assert.is(body.request_id, unknown.headers.get('x-request-id'))
  const wrong = await app.request('/v1/customers/x', { method: 'PATCH', headers: serverKey('admin') })
  assert.is(wrong.status, 405)
  assert.is(wrong.headers.get('allow'), 'GET, DELETE, HEAD, OPTIONS')
  assert.is((await errorOf(wrong)).key, 'method_not_allowed')
})

test('an operation of the contract that is not served says so, whatever route could take its path', async () => {
  const { app } = toyApp()
  for (const [method, path] of [
    ['POST', '/v1/orders'],
    ['PUT', '/v1/orders/ord_1'],
    ['PUT', '/v1/customers/x'],
  ] as const) {
    const answer = await app.request(path, { method, headers: serverKey('admin') })
    assert.equal([answer.status, (await errorOf(answer)).key], [404, 'not_served'], `${method} ${path}`)
  }
  const missing = await app.request('/v1/customers/missing', { headers: serverKey('integrator') })
  assert.equal([missing.status, (await errorOf(missing)).key], [404, 'not_found'])
  const taken = takenForAnother([
    { method: 'POST', path: '/v1/vouchers/{code}' },
    { method: 'POST', path: '/v1/vouchers/import' },
  ])
  assert.equal(
    taken.map(({ path }) => path),
    ['/v1/vouchers/importCSV', '/v1/vouchers/qualification'],
  )
})

test('without room, whatever could record something is 507 with the reason for every key, and what reads is answered', async () => {
  let shortage: string | undefined = 'The disk of /data is nearly full'
  const { app } = toyApp({ shortage: () => shortage })
  const track = (path: string, key: Record<string, string>) =>
    app.request(path, { method: 'POST', headers: { ...key, ...json }, body: goodEvent })
  for (const res of [
    await track('/v1/events', serverKey('integrator')),
    await track('/client/v1/events', { ...clientKey(), Origin: 'https://shop.test' }),
  ]) {
    assert.is(res.status, 507)
    assert.ok(Number(res.headers.get('retry-after')) > 0)
    const { key, details } = await errorOf(res)
    assert.equal([key, details], ['insufficient_storage', shortage])
  }
  // Who may not ask is told that first.
  assert.is((await track('/v1/events', { 'X-App-Id': 'nobody', 'X-App-Token': 'x' })).status, 401)
  assert.is((await app.request('/v1/customers/ada', { headers: serverKey('integrator') })).status, 200)
  assert.is((await app.request('/health/live')).status, 200)
  shortage = undefined
  assert.is((await track('/v1/events', serverKey('integrator'))).status, 200)
})

test('a trailing slash is tolerated and static segments win over parameters', async () => {
  const { app } = toyApp()
  const slash = await app.request('/v1/events/', {
    method: 'POST',
    headers: { ...serverKey('admin'), ...json },
    body: goodEvent,
  })
  assert.is(slash.status, 200)
  const fixed = await app.request('/v1/customers/new', { headers: serverKey('reader') })
  assert.equal(await fixed.json(), { static: true })
})

test('ids are decoded after routing', async () => {
  const { app } = toyApp()
  for (const id of ['a/b', 'ada@example.com', 'with space', '50%', '%2F', 'żółw', 'a?b#c', '+']) {
    const res = await app.request(`/v1/customers/${encodeURIComponent(id)}`, { headers: serverKey('reader') })
    assert.is(res.status, 200, id)
    assert.equal(await res.json(), { id })
  }
  for (const bad of ['%', '%zz', '%ff', '%00']) {
    const res = await app.request(`/v1/customers/${bad}`, { headers: serverKey('reader') })
    assert.is(res.status, 400, bad)
    assert.is((await errorOf(res)).key, 'invalid_path')
  }
})

test('failures and refusals are values with the reference body', async () => {
  const { app } = toyApp()
  const missing = await app.request('/v1/customers/missing', { headers: serverKey('reader') })
  const body = await missing.json()
  assert.is(missing.status, 404)
  assert.equal(body, {
    code: 404,
    key: 'not_found',
    message: 'Resource not found',
    details: 'Cannot find customer with id missing',
    request_id: missing.headers.get('x-request-id'),
    resource_id: 'missing',
    resource_type: 'customer',
  })
  const refused = await app.request('/v1/trouble/refused', { method: 'POST', headers: serverKey('admin') })
  assert.is(refused.status, 400)
  const told = await errorOf(refused)
  assert.is(told.key, 'resource_in_use')
  assert.is(told.resource_type, 'segment')
})

test('thrown errors: 500 without a word of the inside, 503 with Retry-After, mapped ones as mapped', async () => {
  const { app, logged } = toyApp({
    mapError: (error) => (error instanceof RangeError ? fail('conflict', 'Try again') : undefined),
  })
  const ask = (kind: string) => app.request(`/v1/trouble/${kind}`, { method: 'POST', headers: serverKey('admin') })
  const unexpected = await ask('other')
  assert.is(unexpected.status, 500)
  const text = await unexpected.text()
  assert.not.match(text, /secret/)
  assert.not.match(text, /\.ts/)
  const id = unexpected.headers.get('x-request-id')
  assert.ok(logged.some((line) => line.requestId === id && JSON.stringify(line).includes('a secret of the inside')))
  const gone = await ask('unavailable')
  assert.is(gone.status, 503)
  assert.is(gone.headers.get('retry-after'), '3')
  assert.is((await errorOf(gone)).code, 503)
  assert.is((await ask('mapped')).status, 409)
})

test('a request past its time limit gets 503 and its signal aborts', async () => {
  const { app, seen } = toyApp({ requestTimeLimitMs: 30 })
  const res = await app.request('/v1/trouble/slow', { method: 'POST', headers: serverKey('admin') })
  assert.is(res.status, 503)
  assert.is(res.headers.get('retry-after'), '1')
  assert.equal(seen, ['aborted'])
})

test('ETag: a known version answers 304 without a body', async () => {
  const { app } = toyApp()
  const first = await app.request('/v1/customers/ada', { headers: serverKey('reader') })
  const etag = first.headers.get('etag') ?? ''
  assert.match(etag, /^"7\.[\w-]{27}"$/)
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const again = await app.request('/v1/customers/ada', {
      headers: { ...serverKey('reader'), 'If-None-Match': known },
    })
    assert.is(again.status, 304, known)
    assert.is(await again.text(), '')
  }
  const other = await app.request('/v1/customers/ada', { headers: { ...serverKey('reader'), 'If-None-Match': '"7"' } })
  assert.is(other.status, 200)
})

test('204 has no body', async () => {
  const { app } = toyApp()
  const res = await app.request('/v1/customers/ada', { method: 'DELETE', headers: serverKey('integrator') })
  assert.is(res.status, 204)
  assert.is(await res.text(), '')
})

test('HEAD answers as GET without a body', async () => {
  const { app } = toyApp()
  const res = await app.request('/v1/customers/ada', { method: 'HEAD', headers: serverKey('reader') })
  assert.is(res.status, 200)
  assert.match(res.headers.get('etag') ?? '', /^"7\./)
  assert.is(await res.text(), '')
})

test('consistency headers are parsed and bounded', async () => {
  const cases: readonly [Record<string, string>, unknown][] = [
    [{}, { waitMs: 1000 }],
    [{ 'Consistency-Token': '0' }, { waitMs: 2000, token: 0n }],
    [
      { 'Consistency-Token': '18446744073709551615', Prefer: 'wait=5' },
      { waitMs: 5000, token: 18446744073709551615n },
    ],
    [{ Prefer: 'respond-async, wait=3' }, { waitMs: 3000 }],
    [{ Prefer: 'wait=600' }, { waitMs: 10_000 }],
    [{ Prefer: 'wait=0' }, { waitMs: 0 }],
    [{ Prefer: 'wait=soon' }, { waitMs: 1000 }],
  ]
  for (const [headers, expected] of cases) {
    const { app, seen } = toyApp()
    await app.request('/v1/customers/ada', { headers: { ...serverKey('reader'), ...headers } })
    const { waitMs, token } = (seen[0] as { consistency: Consistency }).consistency
    assert.equal({ waitMs, ...(token !== undefined && { token }) }, expected)
  }
  const { app } = toyApp()
  for (const bad of ['-1', 'abc', '18446744073709551616', '1.5']) {
    const res = await app.request('/v1/customers/ada', {
      headers: { ...serverKey('reader'), 'Consistency-Token': bad },
    })
    assert.is(res.status, 400, bad)
    assert.is((await errorOf(res)).key, 'invalid_header')
  }
})

test('names of commands from one API key are never those of another, and never those of the system', async () => {
  const owners = [
    { appId: 'a', role: 'integrator' },
    { appId: 'b', role: 'integrator' },
    { appId: 'a', role: 'client' },
    { appId: 'b', role: 'client' },
  ]
  const names = owners.flatMap((owner) => ['k', 'process:k', 'resend:k'].map((text) => callerKey(owner, text)))
  assert.is(new Set(names).size, names.length)
  assert.ok(names.every((name) => ownBeginning(name) === undefined))
  assert.is(callerKey({ appId: 'a', role: 'admin' }, 'k'), names[0], 'what a key may do does not move its space')
  assert.equal(names.map(formerKey), [
    'k',
    'process:k',
    'resend:k',
    'k',
    'process:k',
    'resend:k',
    ...Array(6).fill(undefined),
  ])
  for (const own of ['process:x', 'resend:x', 'balance:card:x', 'TransferPoints:card:x', 'join:x'])
    assert.is(formerKey(own), undefined)
})

test('Idempotency-Key must be 1 to 255 visible ASCII characters', async () => {
  const { app } = toyApp()
  const send = (key: string) =>
    app.request('/v1/events', {
      method: 'POST',
      headers: { ...serverKey('integrator'), ...json, 'Idempotency-Key': key },
      body: goodEvent,
    })
  assert.is((await send('a'.repeat(255))).status, 200)
  for (const bad of ['a'.repeat(256), 'two words', '\u00e9', '', 'process:1', 'resend:1'])
    assert.is((await send(bad)).status, 400, JSON.stringify(bad))
})

test('every reply carries the rate headers', async () => {
  const { app } = toyApp()
  for (const path of ['/v1/customers/ada', '/nothing', '/v1/customers/missing']) {
    const res = await app.request(path, { headers: serverKey('reader') })
    for (const name of ['x-rate-limit-limit', 'x-rate-limit-remaining', 'x-rate-limit-retry'])
      assert.match(res.headers.get(name) ?? '', /^\d+$/, `${path} ${name}`)
  }
})

test('a limit per key refuses with 429 until the next minute, other keys go on', async () => {
  let now = 60_000 * 1000
  const { app } = toyApp({ rateLimitPerMinute: 2, clock: () => now })
  const ask = (role: string) => app.request('/v1/customers/ada', { headers: serverKey(role) })
  assert.is((await ask('reader')).headers.get('x-rate-limit-remaining'), '1')
  await ask('reader')
  now += 15_000
  const over = await ask('reader')
  assert.is(over.status, 429)
  assert.is(over.headers.get('retry-after'), '45')
  assert.is(over.headers.get('x-rate-limit-retry'), String((60_000 * 1001) / 1000))
  const body = await errorOf(over)
  assert.is(body.code, 429)
  assert.is(body.message, 'Too many requests hit the API too quickly.')
  assert.is((await ask('integrator')).status, 200)
  now += 45_000
  assert.is((await ask('reader')).status, 200)
})

test('a path of another project is 404; both forms of a management route work', async () => {
  const { app } = toyApp()
  const path = '/projects/proj_main/things/t%2F1'
  const management = await app.request(`/management/v1${path}`, { method: 'PUT', headers: managementKey() })
  assert.equal(await management.json(), { projectId: 'proj_main', thing: 't/1' })
  const server = await app.request(`/v1${path}`, { method: 'PUT', headers: serverKey('admin') })
  assert.is(server.status, 200)
  const other = await app.request('/v1/projects/another/things/1', { method: 'PUT', headers: serverKey('admin') })
  assert.is(other.status, 404)
  assert.is((await errorOf(other)).resource_type, 'project')
})

test('a registry that contradicts itself does not start', () => {
  const made = (path: string, permission?: Permission, also: readonly string[] = [], ability?: Ability) =>
    route({
      method: 'get',
      path,
      also,
      summary: 's',
      tag: 't',
      ...(permission ? { permission } : {}),
      ...(ability ? { ability } : {}),
      handler: () => ({}),
    })
  const build = (...routes: ReturnType<typeof made>[]) => toyApp({}, routes)
  assert.throws(() => build(made('/v1/a/{id}', 'codes.read'), made('/v1/a/{other}', 'codes.read')), /declared twice/)
  assert.throws(() => build(made('/client/v1/a', 'codes.read', [], 'redeem')), /the role client does not hold/)
  assert.throws(() => build(made('/client/v1/a', 'redemptions.write')), /needs an ability/)
  assert.throws(() => build(made('/v1/a')), /needs a permission/)
  assert.throws(() => build(made('/open', 'codes.read')), /public path/)
  assert.throws(() => build(made('/v1/a/{id}', 'codes.read', ['/management/v1/a'])), /lacks the parameter/)
  assert.not.throws(() => build(...toyRoutes()))
})

test('client keys reach the same handler under the client path', async () => {
  const { app, seen } = toyApp()
  const res = await app.request('/client/v1/events', {
    method: 'POST',
    headers: { ...clientKey(), ...json, Origin: 'https://shop.test' },
    body: goodEvent,
  })
  assert.is(res.status, 200)
  const call = seen[0] as { audience: string; channel: string; key: { role: string } }
  assert.is(call.audience, 'client')
  assert.is(call.channel, 'CLIENT_API')
  assert.is(call.key.role, 'client')
})

test.run()
