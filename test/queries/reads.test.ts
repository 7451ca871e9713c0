// Versions of answers: every GET answers with an ETag and 304 while it holds; a change of a definition may say what it has seen.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { commandRoutes } from '../../commands/index.ts'
import type { Services } from '../../src/runtime/services.ts'
import { type TestNode, testNode } from '../system/node.ts'
import { makeWorld, type World } from './world.ts'

let node: TestNode
let world: World
const test = suite('versions of answers')
test.before(async () => {
  node = await testNode()
  world = await makeWorld(node)
})
test.after(() => node.end())

/** Answers as lines of JSON, and those that say how the node is at this very moment. */
const MOVING = /^\/v1\/(?:audit\/(?:verify|redecide|export|seal)|projections|processes|messages)/

test('every GET answers with an ETag, and 304 to who has it', async () => {
  let seen = 0
  for (const { path } of world.routes) {
    if (MOVING.test(path)) continue
    const asked = path === '/v1/audit/explain' ? '/v1/audit/explain?customer=c0&definition=none' : world.filled(path)
    const first = await node.call('GET', asked, undefined, { as: 'admin' })
    if (path === '/v1/audit/explain') continue
    assert.is(first.status, 200, `${asked} ${JSON.stringify(first.body)}`)
    const etag = first.headers.get('etag') ?? ''
    assert.match(etag, /^"(?:\d+\.)?[\w-]{27}"$/, asked)
    const again = await node.call('GET', asked, undefined, { as: 'admin', headers: { 'If-None-Match': etag } })
    assert.equal([again.status, again.body], [304, ''], asked)
    seen += 1
  }
  assert.ok(seen > 50)
})

/** PUT and DELETE routes of what is no definition: they refuse the header rather than pass over it. */
const NO_DEFINITION = /^\/v1\/(?:customers|vouchers)\/|\/holders\//

/** Routes look at their services when they are called. */
const services = new Proxy({} as Services, { get: () => () => undefined })
const CHANGES = commandRoutes(services).filter(({ method }) => method === 'put' || method === 'delete')

test('all changes of definitions take If-Match, nothing else does', () => {
  for (const { path, method, ifMatch } of CHANGES)
    assert.is(ifMatch === true, !NO_DEFINITION.test(path), `${method} ${path}`)
})

test('a change of a definition that was changed meanwhile is refused, and changes nothing', async () => {
  const changes = CHANGES.filter(({ method, ifMatch }) => method === 'put' && ifMatch)
  let compared = 0
  for (const { path } of changes) {
    const known = world.routes.find(
      (route) => route.path.replace(/\{[^}]+\}/g, '{}') === path.replace(/\{[^}]+\}/g, '{}'),
    )
    assert.ok(known, path)
    const url = world.filled(known.path)
    const seen = await node.call('GET', url, undefined, { as: 'admin' })
    const etag = seen.headers.get('etag') ?? ''
    assert.match(etag, /^"\d+\./, url)
    const stale = etag.replace(/^"\d+/, '"0')
    // Read answers show more than may be sent back: a change that says nothing new is enough for the check.
    const body = 'name' in seen.body ? { name: seen.body.name } : {}
    for (const method of ['PUT', 'DELETE']) {
      const refused = await node.call(method, url, method === 'PUT' ? body : undefined, {
        as: 'admin',
        headers: { 'If-Match': stale },
      })
      // A body that says too little is refused before anything is compared.
      if (method === 'PUT' && refused.status === 400) continue
      compared += 1
      assert.equal([refused.status, refused.body.key], [412, 'precondition_failed'], `${method} ${url}`)
    }
    assert.is((await node.call('GET', url, undefined, { as: 'admin' })).headers.get('etag'), etag, url)
  }
  assert.ok(compared > 1.5 * changes.length, `${compared} of ${changes.length}`)
})

test('of two who have seen the same definition one changes it, and its answer is what the next change names', async () => {
  const { body } = await node.call('POST', '/v1/segments', { name: 'a', type: 'static', customers: ['c0'] })
  const url = `/v1/segments/${body.id}`
  const etag = (await node.call('GET', url)).headers.get('etag') ?? ''
  const put = (name: string, tag: string) => node.call('PUT', url, { name }, { headers: { 'If-Match': tag } })
  const both = await Promise.all([put('b', etag), put('c', etag)])
  assert.equal(both.map(({ status }) => status).sort(), [200, 412])
  const next = both.find(({ status }) => status === 200)!.headers.get('etag') ?? ''
  assert.is((await node.call('DELETE', url, undefined, { headers: { 'If-Match': etag } })).status, 412)
  assert.is((await put('d', next)).status, 200)
  assert.is((await node.call('DELETE', url, undefined, { headers: { 'If-Match': '*' } })).status, 204)
})

test('elsewhere If-Match is refused by name', async () => {
  const answer = await node.call('PUT', '/v1/customers/c0', { name: 'x' }, { headers: { 'If-Match': '"1"' } })
  assert.equal([answer.status, answer.body.key], [400, 'invalid_header'])
})

test.run()
