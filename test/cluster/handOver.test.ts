// What a worker hands over to the primary: what asks for the background, which no route can without saying so.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { commandRoutes } from '../../commands/index.ts'
import { queryRoutes } from '../../queries/index.ts'
import { inBackground } from '../../src/api/background.ts'
import { type Route, route } from '../../src/http/route.ts'
import type { Background, Services } from '../../src/services.ts'
import { toyApp } from '../http/toy.ts'

const test = suite('hand over')

/** Of a worker: routes are declared there too, over a background that is not there. */
const services = new Proxy({} as Services, {
  get: (_, name) => {
    if (name === 'background') return undefined
    return ['rulebook', 'readModel', 'projector', 'store'].includes(String(name)) ? {} : () => undefined
  },
})
const routes: readonly Route[] = [...commandRoutes(services), ...queryRoutes(services)]

const HANDED_OVER = 299
const handOver = () => new Response(null, { status: HANDED_OVER })
const consolePages = { answer: () => ({ body: 'a page' }) }
const worker = toyApp({ handOver, consolePages }, routes).app
const whole = toyApp({ consolePages }, routes).app
const starting = toyApp({ handOver, isStarting: true }, []).app

const isHandedOver = async (app: typeof worker, path: string, method = 'GET'): Promise<boolean> =>
  (await app.request(path, { method })).status === HANDED_OVER

test('a handler has no way to the background but by a route that says so', () => {
  type Hidden = Exclude<keyof Background, keyof Services>
  const hidden: Readonly<Record<Hidden, true>> = {
    rollout: true,
    exports: true,
    processes: true,
    aside: true,
    delivery: true,
    longRuns: true,
    scratch: true,
  }
  assert.is(Object.keys(hidden).length, 7)
  // @ts-expect-error how far the read models are is all that every process knows of them
  const status = () => services.projector.status()
  // @ts-expect-error what an operator says of the clock goes to all processes by the primary
  const confirm = () => services.clock.confirm()
  assert.type(status, 'function')
  assert.type(confirm, 'function')
  const [one] = inBackground(services, ({ exports }) => [
    route({
      method: 'delete',
      path: '/v1/trials/{id}',
      summary: 'A trial',
      tag: 'Trials',
      permission: 'exports.manage',
      handler: async ({ params: { id } }) => ({ body: await exports.remove(id) }),
    }),
  ])
  assert.is(one?.isOfPrimary, true)
})

test('every path of such a route is handed over, and no other', async () => {
  const counts = { handed: 0, own: 0 }
  for (const { method, path, also = [], isOfPrimary } of routes)
    for (const one of [path, ...also]) {
      const url = one.replace('{projectId}', 'proj_main').replaceAll(/\{[^}]+\}/g, 'x')
      const verb = method.toUpperCase()
      assert.is(await isHandedOver(worker, url, verb), isOfPrimary ?? false, `${verb} ${one}`)
      assert.not.ok(await isHandedOver(whole, url, verb), `${verb} ${one}`)
      counts[isOfPrimary ? 'handed' : 'own']++
    }
  assert.ok(counts.handed > 20 && counts.own > 200, JSON.stringify(counts))
})

test('what is asked of the primary, however it is written', async () => {
  for (const path of [
    '/',
    '/console',
    '/console/a/page',
    '/metrics',
    '/health/ready',
    '/docs/guides/start',
    '/openapi.json',
    '/v1/segments',
    '/v1/segments?limit=10',
    '/v1/segments/',
    '/v1/x/../segments/seg_1',
    '/v1/%2e/projections',
    '/v1/messages/bulkheads',
    '/v1/statistics',
    '/v1/clock',
    '/v1/audit/verify',
    '/exports/exp_1',
  ])
    assert.ok(await isHandedOver(worker, path), path)
  assert.ok(await isHandedOver(worker, '/v1/exports', 'HEAD'))
  assert.ok(await isHandedOver(worker, '/v1/vouchers/A%2FB/transactions/export', 'POST'))
  assert.ok(await isHandedOver(worker, '/v1/segments/preview', 'POST'))
  for (const path of ['/health/live', '/v1/customers/c/segments', '/v1/messages', '/v1/not/there', '/v1/%zz'])
    assert.not.ok(await isHandedOver(worker, path), path)
})

test('while it starts it knows no routes, and hands over all but whether it lives', async () => {
  for (const path of ['/', '/console', '/v1/segments', '/v1/customers', '/health/ready'])
    assert.ok(await isHandedOver(starting, path), path)
  assert.not.ok(await isHandedOver(starting, '/health/live'))
})

test.run()
