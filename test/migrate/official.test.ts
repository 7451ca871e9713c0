// A project in the official form: its recorded answers, by a server that pages by numbers, is over its limit now and then, and has no
// list of events, and schemas only in its Management API.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { migrate } from '../../src/migrate/run.ts'
import { type TestNode, testNode } from '../system/node.ts'
import { asked } from './project.ts'

type Entry = Readonly<Record<string, unknown>>
type Project = Readonly<Record<string, ReturnType<typeof JSON.parse>>>

/** Which entries a path lists, and under which name. */
const listAt = (
  project: Project,
  path: string,
  query: URLSearchParams,
): readonly [string, readonly Entry[]] | undefined => {
  const [, , root, id = '', part] = path.split('/')
  const segment = query.get('segment_id')
  if (path === '/v1/customers')
    return [
      'customers',
      segment === null
        ? project.customers
        : project.customers.filter((one: Entry) => project.members[segment].includes(one.id)),
    ]
  if (root === 'customers' && part === 'activity') return ['data', project.activity[id] ?? []]
  if (root === 'loyalties' && id === 'members') return ['data', project.buckets[part!] ?? []]
  if (root === 'loyalties')
    return [
      'data',
      project[{ 'earning-rules': 'earning', tiers: 'tiers', 'reward-assignments': 'offers' }[part!]!][id] ?? [],
    ]
  if (root === 'promotions')
    return [part === 'tiers' ? 'tiers' : 'data', project[part === 'tiers' ? 'promotions' : 'stacks'][id] ?? []]
  const lists: Record<string, string> = {
    '/v1/campaigns': 'campaigns',
    '/v1/vouchers': 'vouchers',
    '/v1/publications': 'publications',
    '/v1/redemptions': 'redemptions',
    '/v1/orders': 'orders',
    '/v1/segments': 'segments',
  }
  if (lists[path] !== undefined) return [lists[path], project[lists[path]]]
  if (path === '/v1/metadata-schemas') return ['schemas', project.metadata]
  if (path === '/v1/categories') return ['data', project.categories]
  if (path === '/v1/validation-rules') return ['data', project.rules]
  if (path === '/v1/validation-rules-assignments') return ['data', project.assignments]
  return path === '/v1/rewards' ? ['data', project.rewards] : undefined
}

const official = async () => {
  const project = JSON.parse(
    await readFile(new URL('../data/official/project.json', import.meta.url), 'utf8'),
  ) as Project
  let requests = 0
  const unknown: string[] = []
  const server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://official.test')
    const answer = (status: number, body: unknown, headers: Record<string, string> = {}) =>
      response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body))
    const managed = /^\/management\/v1\/projects\/proj_1\/(custom-event-schemas|stacking-rules)$/.exec(
      url.pathname,
    )?.[1]
    if (
      managed !== undefined &&
      request.headers['x-management-id'] === 'manager' &&
      request.headers['x-management-token'] === 'secret 2'
    )
      return managed === 'stacking-rules'
        ? answer(200, { object: 'list', data_ref: 'data', data: project.stacking, total: 1 })
        : answer(200, { object: 'list', data_ref: 'schemas', schemas: project.schemas, total: 1 })
    if (
      request.method !== 'GET' ||
      request.headers['x-app-id'] !== 'official' ||
      request.headers['x-app-token'] !== 'secret'
    )
      return answer(401, { code: 401, key: 'unauthorized', message: 'Unauthorized' })
    if (++requests % 7 === 0)
      return answer(429, { code: 429, message: 'Too many requests hit the API too quickly.' }, { 'Retry-After': '0' })
    const path = decodeURIComponent(url.pathname)
    const voucher = /^\/v1\/vouchers\/(.+)$/.exec(path)?.[1]
    if (voucher !== undefined)
      return answer(
        200,
        project.vouchers.find((one: Entry) => one.id === voucher || one.code === voucher),
      )
    if (url.searchParams.has('cursor') || (path === '/v1/redemptions' && url.searchParams.has('order')))
      return answer(400, { code: 400, key: 'invalid_query_params', message: 'Invalid query params' })
    const list = listAt(project, path, url.searchParams)
    if (list === undefined) {
      unknown.push(path)
      return answer(404, { code: 404, key: 'not_found', message: 'Resource not found' })
    }
    const [name, entries] = list
    // Pages of two, whatever is asked for, so that there are many.
    const page = Number(url.searchParams.get('page') ?? 1)
    const limit = Math.min(2, Number(url.searchParams.get('limit') ?? 10))
    const shown =
      path.endsWith('/activity') || path.endsWith('/tiers') || path === '/v1/segments'
        ? entries
        : entries.slice((page - 1) * limit, page * limit)
    answer(200, {
      object: 'list',
      data_ref: name,
      [name]: shown,
      ...(path.endsWith('/activity') ? { has_more: false } : { total: entries.length }),
    })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return { server, unknown, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const test = suite('a move from the official API')
let node: TestNode
let folder: string
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-official-'))
  node = await testNode()
})
test.after(async () => {
  await rm(folder, { recursive: true, force: true })
  await node?.end()
})

test('what can be read comes over, what cannot is told with its reason', async () => {
  const { server, unknown, url } = await official()
  const { appId, token } = node.key('admin')
  const report = await migrate({
    from: {
      url,
      appId: 'official',
      token: 'secret',
      management: { project: 'proj_1', id: 'manager', token: 'secret 2' },
    },
    to: { url: node.url, appId, token },
    stateFile: join(folder, 'state.json'),
    retryForMs: 30_000,
    signal: new AbortController().signal,
  }).finally(() => server.close())
  assert.equal([...new Set(unknown)], ['/v1/events'])
  assert.equal(report.reasons, {})
  assert.equal(
    Object.fromEntries(Object.entries(report.counts).map(([kind, { read, moved }]) => [kind, `${moved} of ${read}`])),
    {
      'event schemas': '1 of 1',
      customers: '3 of 3',
      categories: '1 of 1',
      campaigns: '4 of 4',
      'promotion tiers': '2 of 2',
      'promotion stacks': '1 of 1',
      rewards: '1 of 1',
      'reward assignments': '1 of 1',
      'loyalty tiers': '1 of 1',
      codes: '4 of 4',
      cards: '2 of 2',
      publications: '1 of 1',
      orders: '1 of 1',
      redemptions: '4 of 4',
      events: '2 of 2',
      segments: '2 of 2',
      'validation rules': '1 of 1',
      'assignments of rules': '2 of 2',
      'earning rules': '1 of 1',
      'stacking rules': '1 of 1',
      'metadata schemas': '1 of 1',
    },
  )
  assert.equal(report.comparison.examples, [])
  assert.ok(report.notes.some((note) => note.startsWith('Event schema "visit" could not be read')))
})

test('it is here as it was there', async () => {
  const ask = (path: string) => asked(node, 'GET', path)
  const [ann, cid, gift, card, one, sale, gifts] = await Promise.all([
    ask('/v1/customers/ann'),
    ask('/v1/customers/cust_C'),
    ask('/v1/vouchers/G1'),
    ask('/v1/loyalties/members/C1/points-expiration'),
    ask('/v1/vouchers/ONE'),
    ask('/v1/campaigns/Sale'),
    ask('/v1/campaigns/Gifts'),
  ])
  assert.equal(
    [ann.name, ann.birthdate, ann.address.city, ann.metadata],
    ['Ann', '1990-12-31', 'Rome', { level: 'gold' }],
  )
  assert.equal([ann.summary.redemptions.total_succeeded, ann.summary.redemptions.total_rolled_back], [4, 1])
  assert.is(cid.source_id, 'cust_C')
  // 800 of the credits went otherwise than by redemptions.
  assert.is(gift.gift.balance, 2800)
  assert.equal(
    card.data.map(({ bucket }: { bucket: { total_points: number } }) => bucket.total_points).toSorted(),
    [200, 50],
  )
  assert.is(one.validation_rules_assignments.total, 1)
  assert.equal([sale.active, sale.join_once, sale.expiration_date], [true, true, '2098-01-01T00:00:00.000Z'])
  assert.is(gifts.active, false)
  const [{ tiers }, { data: stacks }] = [
    await ask('/v1/promotions/Spring/tiers'),
    await ask('/v1/promotions/Spring/stacks'),
  ]
  assert.equal(
    tiers.map((tier: Entry) => [tier.name, tier.hierarchy, tier.active, tier.expiration_date, tier.metadata]),
    [
      ['Five', 1, true, '2098-04-01T00:00:00.000Z', { season: 'spring' }],
      ['Unit', 2, false, undefined, {}],
    ],
  )
  assert.equal(tiers[0].action, { discount: { type: 'PERCENT', percent_off: 5, effect: 'APPLY_TO_ORDER' } })
  assert.is(tiers[0].validation_rule_assignments.total, 1)
  assert.equal(
    stacks.map(({ name, tiers: { ids } }: ReturnType<typeof JSON.parse>) => [name, ids]),
    [['Both', [tiers[1].id, tiers[0].id]]],
  )
  assert.equal(
    sale.categories.map(({ name, hierarchy }: { name: string; hierarchy: number }) => [name, hierarchy]),
    [['Seasonal', 3]],
  )
  const activity = await ask('/v1/customers/ann/activity?type=customer.custom_event&order=created_at')
  assert.equal(
    activity.data.map(({ id, data }: { id: string; data: { event: { type: string; metadata: unknown } } }) => [
      typeof id,
      data.event.type,
      data.event.metadata,
    ]),
    [
      ['string', 'review', { stars: 5 }],
      ['string', 'visit', {}],
    ],
  )
  const [stacking] = (await ask('/v1/stacking-rules')).data
  assert.equal(
    [stacking.applicable_redeemables_per_category_limit, stacking.joint_categories],
    [null, sale.categories.map(({ id }: Entry) => id)],
  )
  const explained = await ask('/v1/loyalties/members/C1')
  assert.is(explained.loyalty_card.balance, 250)
})

test.run()
