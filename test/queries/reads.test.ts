// Over all routes that read: every list is complete in every order and by every way of paging, every GET answers with an ETag and
// 304 while it holds, and a change of a definition may say what it has seen.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { commandRoutes } from '../../commands/index.ts'
import type { Services } from '../../src/services.ts'
import { type TestNode, testNode } from '../system/node.ts'
import { serverSdk } from '../system/sdk.ts'
import { makeWorld, type World } from './world.ts'

let node: TestNode
let world: World
const test = suite('all routes that read')
test.before(async () => {
  node = await testNode()
  world = await makeWorld(node)
})
test.after(() => node.end())

interface Entry {
  readonly id?: string
  readonly created_at?: string
  readonly assignment?: { readonly id: string }
}
type List = Record<string, unknown> & {
  readonly data_ref: string
  readonly total?: number
  readonly has_more: boolean
  readonly more_starting_after?: string | null
  readonly next_cursor: string | null
}
const entriesIn = (list: List): readonly Entry[] => list[list.data_ref] as readonly Entry[]
const idOf = (entry: Entry): string => entry.id ?? entry.assignment?.id ?? JSON.stringify(entry)

const read = async (path: string, query: Record<string, string>): Promise<List> => {
  const url = `${path}?${new URLSearchParams(query)}`
  const answer = await node.call('GET', url, undefined, { as: 'admin' })
  assert.is(answer.status, 200, `${url} ${JSON.stringify(answer.body)}`)
  return answer.body
}

/** How a client gets from page to page; undefined at the end. */
type Way = (list: List, page: number) => Record<string, string> | undefined
const WAYS: Readonly<Record<string, Way>> = {
  /** The one that all lists have. */
  cursor: ({ next_cursor: cursor }) => (cursor === null ? undefined : { cursor }),
  page: ({ has_more: more }, page) => (more ? { page: String(page + 1) } : undefined),
  starting_after_id: ({ more_starting_after: id }) => (typeof id === 'string' ? { starting_after_id: id } : undefined),
}

const walk = async (path: string, query: Record<string, string>, way: Way, limit: number) => {
  const ids: string[] = []
  let more: Record<string, string> | undefined = {}
  for (let page = 1; more; page++) {
    const list: List = await read(path, { ...query, ...more, limit: String(limit) })
    const entries = entriesIn(list)
    more = way(list, page)
    assert.is(
      entries.length,
      more ? limit : Math.min(entries.length, limit),
      `${path} ${JSON.stringify(query)} page ${page}`,
    )
    assert.is(list.has_more, more !== undefined, path)
    if (list.total !== undefined && !more) assert.is(ids.length + entries.length, list.total, `the total of ${path}`)
    ids.push(...entries.map(idOf))
    assert.ok(page < 100, path)
  }
  return ids
}

/** Lists of what this node is doing, not of what is recorded. */
const NO_LISTS = /^\/v1\/(?:processes|projections\/parked)/

test('every list is whole in every order and by every way of paging', async () => {
  const lists = world.routes.filter(({ path, parameters }) => parameters.has('limit') && !NO_LISTS.test(path))
  assert.ok(lists.length > 30)
  let long = 0
  for (const { path, parameters, orders } of lists) {
    const url = world.filled(path)
    const sets = new Set<string>()
    for (const order of orders.length > 0 ? orders : [undefined]) {
      const query: Record<string, string> = order === undefined ? {} : { order }
      const all = entriesIn(await read(url, { ...query, limit: '100' })).map(idOf)
      assert.is(new Set(all).size, all.length, path)
      sets.add([...all].sort().join())
      if (all.length >= 3) long += 1
      const ways = Object.keys(WAYS).filter((way) => parameters.has(way))
      assert.ok(ways.length >= 2, `${path} has a cursor and another way`)
      // All ways read the same source: the others are walked in the usual order and against it.
      if (orders.indexOf(order ?? '') > 1) ways.length = 1
      for (const way of ways)
        assert.equal(
          await walk(url, query, WAYS[way]!, Math.max(1, Math.floor(all.length / 2))),
          all,
          `${url} ${order} ${way}`,
        )
    }
    assert.is(sets.size, 1, `the orders of ${path} list the same`)
  }
  assert.ok(long > 40, String(long))
})

const none: Record<string, string> = {}

test('who pages by time alone sees each once, although many share an instant', async () => {
  const lists = world.routes.filter(({ parameters }) => parameters.has('starting_after'))
  assert.ok(lists.length >= 3)
  for (const { path } of lists)
    for (const order of ['created_at', '-created_at'])
      for (const limit of ['1', '4'])
        for (const more of path === '/v1/customers' ? [none, { segment_id: world.segment }] : [none]) {
          const url = world.filled(path)
          const all = entriesIn(await read(url, { order, limit: '100', ...more })).map(idOf)
          const seen: string[] = []
          // As the SDK has it: the furthest time of all entries seen, compared as text.
          let after = order === 'created_at' ? '1970-01-01T00:00:00Z' : '2200-01-01T00:00:00Z'
          for (let list: List | undefined; list?.has_more !== false; ) {
            list = await read(url, { order, limit, starting_after: after, ...more })
            for (const entry of entriesIn(list)) {
              const at = entry.created_at!
              after = (order === 'created_at' ? after > at : after < at) ? after : at
              seen.push(idOf(entry))
            }
            assert.ok(seen.length <= all.length, `${path} ${order} ${limit}`)
          }
          assert.equal(seen, all, `${path} ${order} ${limit}`)
        }
})

test('customers are asked for together by their ids; ids of nobody are passed over', async () => {
  const [first, , third] = entriesIn(await read('/v1/customers', { limit: '3' })).map(idOf) as [string, string, string]
  const asked = [third, 'cust_nobody', first].map((id, i) => [`filters[id][conditions][$in][${i}]`, id] as const)
  const found = await read('/v1/customers', { limit: '50', ...Object.fromEntries(asked) })
  assert.equal(entriesIn(found).map(idOf), [first, third])
  assert.is(found.total, 2)
})

test('the SDK scrolls through all customers of one batch', async () => {
  const { customers } = serverSdk(node)
  const { total } = await read('/v1/customers', { limit: '1' })
  for (const order of ['created_at', '-created_at'] as const) {
    const ids = new Set<string>()
    for await (const { id } of customers.scroll({ limit: 7, order }) as AsyncIterable<{ id: string }>) ids.add(id)
    assert.is(ids.size, total)
  }
})

/** Answers as lines of JSON, one that goes on as long as somebody reads it, and those that say how it is at this very moment. */
const MOVING =
  /statistics$|^\/v1\/(?:activity\/stream|audit\/(?:verify|redecide|export|seal|laws|clock)|clock$|projections|processes|messages)/

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
const NO_DEFINITION = /^\/v1\/(?:customers|orders|exports|vouchers|access)\/|\/holders\//

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
  const { body } = await node.call('POST', '/v1/segments', { name: 'a', type: 'static', customers: [] })
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
