// Browsers: preflight and cross-origin headers of the client API, none elsewhere.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { keyRing } from '../../src/keys.ts'
import { clientKey, json, keys, serverKey, toyApp } from './toy.ts'

/** Only the key that is bound to one origin. */
const strict = { keys: keyRing(keys.filter((key) => key.origins?.includes('*') !== true)) }

const preflight = (path: string, origin: string) =>
  toyApp(strict).app.request(path, {
    method: 'OPTIONS',
    headers: {
      Origin: origin,
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'content-type,x-client-application-id,x-client-token',
    },
  })

test('a preflight from an allowed origin names methods and headers', async () => {
  const res = await preflight('/client/v1/events', 'https://shop.test')
  assert.is(res.status, 204)
  assert.is(res.headers.get('access-control-allow-origin'), 'https://shop.test')
  assert.match(res.headers.get('access-control-allow-methods') ?? '', /POST/)
  const allowed = (res.headers.get('access-control-allow-headers') ?? '').toLowerCase().split(', ')
  for (const name of ['content-type', 'x-client-application-id', 'x-client-token', 'x-voucherify-channel'])
    assert.ok(allowed.includes(name), name)
  assert.is(res.headers.get('vary'), 'Origin')
})

test('a preflight from another origin, or for the server API, allows nothing', async () => {
  for (const [path, origin] of [
    ['/client/v1/events', 'https://evil.test'],
    ['/client/v1/events', 'https://shop.test.evil.test'],
    ['/v1/events', 'https://shop.test'],
  ] as const) {
    const res = await preflight(path, origin)
    assert.is(res.status, 204)
    assert.is(res.headers.get('access-control-allow-origin'), null, `${path} ${origin}`)
    assert.is(res.headers.get('access-control-allow-headers'), null)
  }
  assert.is((await preflight('/client/v1/nothing', 'https://shop.test')).status, 404)
})

test('answers and errors can be read from an allowed origin', async () => {
  const { app } = toyApp(strict)
  const send = (headers: Record<string, string>) =>
    app.request('/client/v1/events', {
      method: 'POST',
      headers: { ...json, Origin: 'https://shop.test', ...headers },
      body: JSON.stringify({ event: 'e', customer: { source_id: 'a' } }),
    })
  for (const [headers, status] of [
    [clientKey(), 200],
    [{}, 401],
  ] as const) {
    const res = await send(headers)
    assert.is(res.status, status)
    assert.is(res.headers.get('access-control-allow-origin'), 'https://shop.test')
    assert.match(res.headers.get('access-control-expose-headers') ?? '', /Consistency-Token/)
  }
  const server = await app.request('/v1/customers/ada', {
    headers: { ...serverKey('reader'), Origin: 'https://shop.test' },
  })
  assert.is(server.headers.get('access-control-allow-origin'), null)
})

test.run()
