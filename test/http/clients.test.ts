// What public keys may use up: bounds by key and address, addresses behind proxies, and names that are too long.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { commandRoutes } from '../../commands/index.ts'
import { queryRoutes } from '../../queries/index.ts'
import { addressOf, CLIENT_LIMITS, clientBounds } from '../../src/http/clients.ts'
import { ABILITIES, type GeneratedKey, keyRing } from '../../src/keys.ts'
import type { Services } from '../../src/services.ts'
import { clientKey, errorOf, json, keys, managementKey, serverKey, toyApp } from './toy.ts'

const good = JSON.stringify({ event: 'review_left', customer: { source_id: 'ada' } })

/** Sends an event from an address, as the server tells it. */
const from = (app: ReturnType<typeof toyApp>['app'], remoteAddress: string, headers = {}, body = good) =>
  app.request(
    '/client/v1/events',
    { method: 'POST', headers: { ...clientKey('anywhere'), ...json, ...headers }, body },
    { incoming: { socket: { remoteAddress } } },
  )

test('the address is the socket’s, or what the outermost proxy of one’s own wrote', () => {
  const cases: readonly (readonly [string | undefined, string | null, number, string])[] = [
    ['192.0.2.1', null, 0, '192.0.2.1'],
    ['192.0.2.1', '198.51.100.7', 0, '192.0.2.1'],
    ['192.0.2.1', '198.51.100.7', 1, '198.51.100.7'],
    ['192.0.2.1', 'made up, 203.0.113.9, 198.51.100.7', 1, '198.51.100.7'],
    ['192.0.2.1', 'made up, 203.0.113.9, 198.51.100.7', 2, '203.0.113.9'],
    ['192.0.2.1', '198.51.100.7', 3, '198.51.100.7'],
    ['192.0.2.1', 'no address', 1, '192.0.2.1'],
    ['192.0.2.1', null, 1, '192.0.2.1'],
    ['::ffff:192.0.2.1', null, 0, '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', null, 0, '2001:db8:1:2'],
    ['2001:db8:1:2::9', null, 0, '2001:db8:1:2'],
    [undefined, null, 0, 'unknown'],
  ]
  for (const [socket, forwarded, proxies, address] of cases)
    assert.is(addressOf(socket, forwarded, proxies), address, `${socket} ${forwarded} ${proxies}`)
})

test('one address that asks too often leaves the key to the others, and cannot pass for another', async () => {
  let now = 1_000_000_000_000
  const clientLimits = { ...CLIENT_LIMITS, requests: 2 }
  const { app } = toyApp({ clientLimits, rateLimitPerMinute: 4, clock: () => now })
  assert.is((await from(app, '192.0.2.1')).headers.get('x-rate-limit-remaining'), '1')
  assert.is((await from(app, '192.0.2.1')).status, 200)
  for (let n = 0; n < 5; n++) {
    const many = await from(app, '192.0.2.1', { 'X-Forwarded-For': `198.51.100.${n}` })
    assert.is(many.status, 429)
    assert.ok(Number(many.headers.get('retry-after')) > 0)
  }
  assert.is((await from(app, '192.0.2.2')).status, 200)
  assert.is(
    (await app.request('/v1/events', { method: 'POST', headers: { ...serverKey('integrator'), ...json }, body: good }))
      .status,
    200,
  )
  now += 60_000
  assert.is((await from(app, '192.0.2.1')).status, 200)
  const behind = toyApp({ clientLimits, proxies: 1 }).app
  for (let n = 0; n < 5; n++)
    assert.is((await from(behind, '10.0.0.1', { 'X-Forwarded-For': `198.51.100.${n}` })).status, 200)
})

test('bytes are bounded, declared or not', async () => {
  for (const headers of [{}, { 'Content-Length': String(good.length) }]) {
    const { app, seen } = toyApp({ clientLimits: { ...CLIENT_LIMITS, bytes: good.length * 2 }, clock: () => 0 })
    const statuses: number[] = []
    for (let n = 0; n < 4; n++) statuses.push((await from(app, '192.0.2.1', headers)).status)
    assert.equal(statuses, [200, 200, 429, 429])
    assert.is(seen.length, 2)
    assert.is((await from(app, '192.0.2.9', headers)).status, 200)
  }
})

test('what is kept is bounded for an address and for all of a key’s together; a key’s bounds are its own', () => {
  const [one, other] = [keys[4]!, keys[5]!]
  const bounds = clientBounds({ ...CLIENT_LIMITS, newCustomers: 2, refusedEvents: 1 })
  const at = (address: string, key: GeneratedKey = one) => bounds.allowance(key, address, 0)
  assert.is(at('a').take('newCustomers', 2), undefined)
  assert.is(at('a').take('newCustomers', 1)?.status, 429)
  assert.is(at('a', other).take('newCustomers', 1), undefined)
  at('a').giveBack('newCustomers', 1)
  assert.is(at('a').take('newCustomers', 1), undefined)
  const fit = Array.from({ length: 100 }, (_, n) => at(`b${n}`).take('refusedEvents', 1)).filter((full) => !full).length
  assert.is(fit, 20)
  assert.is(at('a').take('locks', 8), undefined)
  assert.is(at('a').take('locks', 8)?.status, 429)
  assert.is(at('a').take('locks', 2), undefined)
  assert.is(at('c').take('locks', 10, 'cust_1'), undefined)
  assert.is(at('d').take('locks', 1, 'cust_1')?.status, 429)
  assert.is(bounds.allowance(one, 'a', 600_000).take('locks', 10), undefined)
})

/** Routes look at their services when they are called, not when they are declared: none of these is ever called. */
const services = new Proxy({} as Services, {
  get: (_, name) => (['rulebook', 'readModel', 'projector', 'store'].includes(String(name)) ? {} : () => undefined),
})

test('a name in a path of over 1,000 bytes is 404 on every route that takes one', async () => {
  const all: GeneratedKey = { ...keys.find(({ appId }) => appId === 'app-anywhere')!, allow: [...ABILITIES] }
  const routes = [...commandRoutes(services), ...queryRoutes(services)]
  const { app } = toyApp({ keys: keyRing([...keys.filter(({ appId }) => appId !== all.appId), all]) }, routes)
  let asked = 0
  for (const { method, path, also = [] } of routes)
    for (const one of [path, ...also])
      for (const [, name] of one.matchAll(/\{([^}]+)\}/g)) {
        if (name === 'projectId') continue
        for (const long of ['x'.repeat(1_001), encodeURIComponent('ż'.repeat(501))]) {
          const url = one
            .replace('{projectId}', 'proj_main')
            .replace(`{${name}}`, long)
            .replaceAll(/\{[^}]+\}/g, 'short')
          const headers = one.startsWith('/management/')
            ? managementKey()
            : one.startsWith('/client/')
              ? clientKey('anywhere')
              : serverKey('admin')
          const answer = await app.request(url, { method: method.toUpperCase(), headers })
          assert.is(answer.status, 404, `${method} ${one}`)
          assert.match((await errorOf(answer)).details ?? '', /of over 1000 bytes/, `${method} ${one}`)
          asked += 1
        }
      }
  assert.ok(asked > 100, String(asked))
})

test.run()
